//! What went wrong, from the words of the core into those of the page.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::decision::{Reason, Refusal};
use portcullis_axum::status_of;

use super::show::Spot;
use super::words::from_time_of;
use crate::page::{Gate, Problem, Time, Weakness};

/// Why a form was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The core said so.
    Core(Error),
    /// What was typed is no address.
    NoAddress,
    /// What was typed is no phone number.
    NoPhone,
    /// What was typed is no code: as wrong as any other, but nothing was guessed.
    NoCode,
    /// What was typed is no password.
    NoPassword,
    /// What was typed as a new password is none.
    NoNewPassword(portcullis::password::Weakness),
}

/// What a fault is put into words with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording {
    /// The present time.
    pub(super) now: DateTime<Utc>,
    /// The reader's zone.
    pub(super) zone: TimeZone,
    /// The least length of a password that is the only factor.
    pub(super) minimum: u32,
    /// The greatest length of a new password.
    pub(super) maximum: u32,
    /// Wrong codes that are left.
    pub(super) attempts_left: u32,
    /// Whether a password was asked of somebody who is signed in.
    pub(super) signed_in: bool,
}

impl Fault {
    /// Whether the session is no longer fresh.
    pub(super) fn is_stale(&self) -> bool {
        self.reason() == Some(Reason::StaleSignIn)
    }

    /// Whether the code's challenge is over.
    pub(super) fn is_dead(&self) -> bool {
        self.reason() == Some(Reason::ChallengeDead)
    }

    /// The refusal's reason.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Core(Error::Refused(refusal)) => Some(refusal.reason()),
            Self::Core(_)
            | Self::NoAddress
            | Self::NoPhone
            | Self::NoCode
            | Self::NoPassword
            | Self::NoNewPassword(_) => None,
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Core(Error::Refused(refusal)) => status_of(refusal.reason()),
            Self::NoAddress | Self::NoPhone | Self::NoNewPassword(_) | Self::Core(Error::Input(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NoCode | Self::NoPassword => StatusCode::UNAUTHORIZED,
            Self::Core(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The status of the answer when it stands at a place: what is wrong with a new password is wrong with a field.
    pub(super) fn status_at(&self, spot: Spot) -> StatusCode {
        if spot == Spot::Password { self.status_of_password() } else { self.status() }
    }

    /// The status of the answer where a new password is typed.
    pub(super) fn status_of_password(&self) -> StatusCode {
        let of_field = matches!(self.reason(), Some(Reason::WeakPassword | Reason::Unchanged));
        if of_field { StatusCode::UNPROCESSABLE_ENTITY } else { self.status() }
    }

    /// The line on the page.
    pub(super) fn problem(&self, wording: Wording) -> Problem {
        let password = if wording.signed_in { Problem::WrongPassword } else { Problem::BadCredentials };
        match self {
            Self::NoAddress | Self::Core(Error::Input(_)) => Problem::InvalidEmail,
            Self::NoPhone => Problem::InvalidPhone,
            Self::NoCode => Problem::WrongCode { left: wording.attempts_left },
            Self::NoPassword => password,
            Self::NoNewPassword(weakness) => weak(&[*weakness], wording),
            Self::Core(Error::Refused(refusal)) => of_refusal(refusal, password, wording),
            Self::Core(error) => {
                tracing::warn!(%error, "a form could not be done");
                Problem::CannotAnswer
            }
        }
    }
}

impl Fault {
    /// The line on the page of a mailed link, where no code was asked for and no address was typed.
    pub(super) fn problem_of_link(&self, wording: Wording) -> Problem {
        match (self.reason(), self.problem(wording)) {
            (Some(Reason::AddressTaken), _) => Problem::LinkAddressTaken,
            (Some(Reason::Unchanged), _) => Problem::UnchangedPassword,
            (_, Problem::NoMoreCodes { until: Some(until) } | Problem::Locked { until }) => {
                Problem::TooManyAttempts { until }
            }
            (_, Problem::NoMoreCodes { until: None } | Problem::StartAgain) => Problem::CannotAnswer,
            (_, other) => other,
        }
    }
}

/// Every reason against a new password.
fn weak(reasons: &[portcullis::password::Weakness], wording: Wording) -> Problem {
    use portcullis::password::Weakness as Core;
    let reason = |reason: &Core| match reason {
        Core::TooShort => Some(Weakness::TooShort { minimum: wording.minimum }),
        Core::TooLong => Some(Weakness::TooLong { maximum: wording.maximum }),
        Core::TooCommon => Some(Weakness::TooCommon),
        Core::Context => Some(Weakness::Context),
        Core::NeedsUpper => Some(Weakness::NeedsUpper),
        Core::NeedsLower => Some(Weakness::NeedsLower),
        Core::NeedsDigit => Some(Weakness::NeedsDigit),
        Core::NeedsSpecial => Some(Weakness::NeedsSpecial),
        _ => None,
    };
    let known: Vec<_> = reasons.iter().filter_map(reason).collect();
    if known.is_empty() { Problem::CannotAnswer } else { Problem::WeakPassword(known) }
}

fn of_refusal(refusal: &Refusal, password: Problem, wording: Wording) -> Problem {
    let until = refusal.retry_after().map(|seconds| {
        let wait = TimeDelta::seconds(i64::from(seconds));
        from_time_of(wording.now.checked_add_signed(wait).unwrap_or(wording.now), wording.zone)
    });
    let or_now = |until: Option<Time>| until.unwrap_or_else(|| from_time_of(wording.now, wording.zone));
    match refusal.reason() {
        Reason::BadCredentials => password,
        Reason::WrongCode => Problem::WrongCode { left: refusal.attempts_left().unwrap_or_default() },
        Reason::ChallengeDead => Problem::CodeDead,
        Reason::Locked => until.map_or(Problem::StartAgain, |until| Problem::Locked { until }),
        Reason::TooSoon | Reason::NoSendsLeft => Problem::NoMoreCodes { until },
        Reason::TooManyAttempts => Problem::TooManyAttempts { until: or_now(until) },
        Reason::NotAllowed => {
            Problem::NotAllowed(refusal.missing().iter().map(|gate| Gate::of_name(gate.name())).collect())
        }
        Reason::EmailUnconfirmed => Problem::NotAllowed(vec![Gate::EmailUnconfirmed]),
        Reason::Unchanged => Problem::UnchangedEmail,
        Reason::InUse => Problem::AddressInUse,
        Reason::AddressTaken => Problem::AddressTaken,
        Reason::RepeatDiffers => Problem::RepeatDiffers,
        Reason::WeakPassword if !refusal.reasons().is_empty() => weak(refusal.reasons(), wording),
        Reason::WeakPassword => Problem::PasswordTooShort { minimum: wording.minimum },
        Reason::SignedOut
        | Reason::StaleSignIn
        | Reason::LoginTaken
        | Reason::ExternalIdTaken
        | Reason::NotFound
        | Reason::AlreadySetUp
        | _ => Problem::CannotAnswer,
    }
}

//! What went wrong, from the words of the core into those of the page.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::decision::{Reason, Refusal};
use portcullis_axum::status_of;

use super::words::from_time_of;
use crate::page::{Gate, Problem, Time};

/// Why a form was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The core said so.
    Core(Error),
    /// What was typed is no address.
    NoAddress,
    /// What was typed is no code: as wrong as any other, but nothing was guessed.
    NoCode,
    /// What was typed is no password.
    NoPassword,
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
            Self::Core(_) | Self::NoAddress | Self::NoCode | Self::NoPassword => None,
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Core(Error::Refused(refusal)) => status_of(refusal.reason()),
            Self::NoAddress | Self::Core(Error::Input(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoCode | Self::NoPassword => StatusCode::UNAUTHORIZED,
            Self::Core(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The line on the page.
    pub(super) fn problem(&self, wording: Wording) -> Problem {
        let password = if wording.signed_in { Problem::WrongPassword } else { Problem::BadCredentials };
        match self {
            Self::NoAddress | Self::Core(Error::Input(_)) => Problem::InvalidEmail,
            Self::NoCode => Problem::WrongCode { left: wording.attempts_left },
            Self::NoPassword => password,
            Self::Core(Error::Refused(refusal)) => of_refusal(refusal, password, wording),
            Self::Core(error) => {
                tracing::warn!(%error, "a form could not be done");
                Problem::CannotAnswer
            }
        }
    }
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

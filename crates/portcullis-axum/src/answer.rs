//! What the routes answer, in the shapes of the contract.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use portcullis::Portcullis;
use portcullis::account::Service;
use portcullis::challenge::{Channel, CodeDelivery, PendingCode};
use portcullis::email::{EmailSettings, UndoInfo};
use portcullis::password::PasswordSettings;
use portcullis::recovery::LinkInfo;
use portcullis::rights::{AccessRight, Gate, Verdict};
use portcullis::session::{CurrentSession, ListedSession};
use portcullis::settings::SecuritySettings;
use portcullis::sign_in::Admission;
use portcullis::two_factor::TwoFactorSettings;
use serde::Serialize;
use uuid::Uuid;

use crate::flespi::FlespiView;
use crate::notices::NoticesView;

/// `challenge`: what a client needs to ask for a code.
#[derive(Debug, Serialize)]
pub(crate) struct ChallengeView {
    challenge: String,
    channel: &'static str,
    destination: String,
    expires_at: DateTime<Utc>,
    resend_at: DateTime<Utc>,
    attempts_left: u32,
    /// What went wrong with the message, or may have: what was sent needs no word.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'static str>,
}

impl ChallengeView {
    pub(crate) fn of(portcullis: &Portcullis, code: &PendingCode) -> Self {
        Self {
            challenge: portcullis.challenge_token(code.id),
            channel: code.channel.name(),
            destination: code.destination.clone(),
            expires_at: code.expires_at,
            resend_at: code.resend_at,
            attempts_left: code.attempts_left,
            delivery: match code.delivery {
                CodeDelivery::Ambiguous | CodeDelivery::Failed => Some(code.delivery.name()),
                CodeDelivery::Waiting | CodeDelivery::Sent | _ => None,
            },
        }
    }
}

/// A living link.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LinkView {
    valid_until: DateTime<Utc>,
    purpose: &'static str,
}

impl From<&LinkInfo> for LinkView {
    fn from(link: &LinkInfo) -> Self {
        Self { valid_until: link.valid_until, purpose: link.purpose.name() }
    }
}

/// A gate of a verdict or a refusal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GateView {
    gate: &'static str,
    text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'static str>,
}

impl From<Gate> for GateView {
    fn from(gate: Gate) -> Self {
        Self { gate: gate.name(), text: gate.text(), right: gate.right().map(AccessRight::name) }
    }
}

/// `verdict`: whether something may be done, or every gate that is missing.
#[derive(Debug, Serialize)]
pub(crate) struct VerdictView {
    allowed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<GateView>,
}

impl From<&Verdict> for VerdictView {
    fn from(verdict: &Verdict) -> Self {
        let missing = verdict.missing().iter().copied().map(GateView::from).collect();
        Self { allowed: verdict.is_allowed(), missing }
    }
}

/// The answers to a sign-in and a re-authentication.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum SignInView {
    Admitted {
        user: IdAndLogin,
        assurance: &'static str,
        notice: Notice,
    },
    CodeRequired {
        #[serde(flatten)]
        code: ChallengeView,
        channels: Vec<&'static str>,
    },
    Fresh {
        until: DateTime<Utc>,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct IdAndLogin {
    id: Uuid,
    login: String,
}

/// What a person is to be told right after the sign-in.
#[derive(Debug, Serialize)]
pub(crate) struct Notice {
    /// In the last days before the account is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<u32>,
}

impl SignInView {
    pub(crate) fn admitted(admission: &Admission) -> Self {
        let session = &admission.session;
        let user = IdAndLogin { id: session.user.uuid(), login: session.login.as_str().to_owned() };
        let notice = Notice { days_left: admission.days_left };
        Self::Admitted { user, assurance: session.assurance.name(), notice }
    }

    pub(crate) fn code_required(portcullis: &Portcullis, code: &PendingCode, channels: &[Channel]) -> Self {
        let channels = channels.iter().map(|channel| channel.name()).collect();
        Self::CodeRequired { code: ChallengeView::of(portcullis, code), channels }
    }

    pub(crate) fn fresh(session: &CurrentSession) -> Self {
        Self::Fresh { until: session.fresh_until }
    }
}

/// `settings`: the whole tab.
#[derive(Debug, Serialize)]
pub(crate) struct SettingsView {
    user: UserView,
    email: EmailView,
    phone: PhoneView,
    password: PasswordView,
    two_factor: TwoFactorView,
    notices: NoticesView,
    #[serde(skip_serializing_if = "Option::is_none")]
    flespi: Option<FlespiView>,
    account: AccountView,
    sessions: SessionsView,
}

#[derive(Debug, Serialize)]
struct SessionsView {
    count: u32,
}

/// What an undo link is worth.
#[derive(Debug, Serialize)]
pub(crate) struct UndoView {
    valid_until: DateTime<Utc>,
}

impl From<UndoInfo> for UndoView {
    fn from(info: UndoInfo) -> Self {
        Self { valid_until: info.valid_until }
    }
}

/// The old address is back.
#[derive(Debug, Serialize)]
pub(crate) struct UndoneView {
    status: &'static str,
}

impl Default for UndoneView {
    fn default() -> Self {
        Self { status: "undone" }
    }
}

/// One session of a list. Its id names it, and nobody can act by it.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    id: String,
    created_at: DateTime<Utc>,
    used_at: DateTime<Utc>,
    assurance: &'static str,
    current: bool,
}

impl SessionView {
    pub(crate) fn of(portcullis: &Portcullis, session: &ListedSession) -> Self {
        Self {
            id: portcullis.sessions().handle(session.id),
            created_at: session.created_at,
            used_at: session.used_at,
            assurance: session.assurance.name(),
            current: session.acting,
        }
    }
}

#[derive(Debug, Serialize)]
struct UserView {
    id: Uuid,
    login: String,
    language: String,
    time_zone: &'static str,
}

#[derive(Debug, Serialize)]
struct AccountView {
    id: Uuid,
    name: String,
    blocked: bool,
    blocks_at: Option<DateTime<Utc>>,
    days_left: Option<u32>,
    services: BTreeMap<String, Service>,
}

impl SettingsView {
    pub(crate) fn of(portcullis: &Portcullis, settings: &SecuritySettings) -> Self {
        let (user, account) = (&settings.user, &settings.account);
        Self {
            user: UserView {
                id: user.id.uuid(),
                login: user.login.as_str().to_owned(),
                language: user.language.as_str().to_owned(),
                time_zone: user.time_zone.name(),
            },
            email: EmailView::of(portcullis, &settings.email),
            phone: PhoneView { number: settings.phone.number.clone(), confirmed: settings.phone.confirmed },
            password: PasswordView::from(&settings.password),
            two_factor: TwoFactorView::of(portcullis, &settings.two_factor),
            notices: NoticesView::from(&settings.notices),
            flespi: settings.flespi.as_ref().map(FlespiView::settings),
            account: AccountView {
                id: account.id.uuid(),
                name: account.name.clone(),
                blocked: account.blocked,
                blocks_at: account.blocks_at,
                days_left: account.days_left,
                services: account.services.clone(),
            },
            sessions: SessionsView { count: settings.sessions.count },
        }
    }
}

/// `settings.email`.
#[derive(Debug, Serialize)]
pub(crate) struct EmailView {
    address: Option<String>,
    confirmed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingEmailView>,
}

#[derive(Debug, Serialize)]
struct PendingEmailView {
    address: String,
    #[serde(flatten)]
    code: ChallengeView,
}

impl EmailView {
    pub(crate) fn of(portcullis: &Portcullis, email: &EmailSettings) -> Self {
        let pending = email.pending.as_ref().map(|pending| PendingEmailView {
            address: pending.address.clone(),
            code: ChallengeView::of(portcullis, &pending.code),
        });
        Self { address: email.address.clone(), confirmed: email.confirmed, pending }
    }
}

/// `settings.phone`.
#[derive(Serialize)]
struct PhoneView {
    number: Option<String>,
    confirmed: bool,
}

impl core::fmt::Debug for PhoneView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The number is for its owner's eyes, not for a log.
        f.debug_struct("PhoneView").field("confirmed", &self.confirmed).finish_non_exhaustive()
    }
}

/// `settings.password`.
#[derive(Debug, Serialize)]
struct PasswordView {
    change: VerdictView,
    changed_at: Option<DateTime<Utc>>,
    minimum: u32,
}

impl From<&PasswordSettings> for PasswordView {
    fn from(password: &PasswordSettings) -> Self {
        Self {
            change: VerdictView::from(&password.change),
            changed_at: password.changed_at,
            minimum: password.minimum,
        }
    }
}

/// `settings.two_factor`.
#[derive(Debug, Serialize)]
pub(crate) struct TwoFactorView {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingMethodView>,
    options: Vec<OptionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryView>,
}

#[derive(Debug, Serialize)]
struct PendingMethodView {
    method: &'static str,
    #[serde(flatten)]
    code: ChallengeView,
}

#[derive(Debug, Serialize)]
struct OptionView {
    method: &'static str,
    verdict: VerdictView,
}

/// How sign-in codes travel, if they do, and why not by the method in force.
#[derive(Debug, Serialize)]
struct DeliveryView {
    channel: Option<&'static str>,
    reasons: Vec<GateView>,
}

impl TwoFactorView {
    pub(crate) fn of(portcullis: &Portcullis, settings: &TwoFactorSettings) -> Self {
        let pending = settings.pending.as_ref().map(|pending| PendingMethodView {
            method: pending.method.name(),
            code: ChallengeView::of(portcullis, &pending.code),
        });
        let option = |option: &portcullis::two_factor::MethodOption| OptionView {
            method: option.method.name(),
            verdict: VerdictView::from(&option.verdict),
        };
        Self {
            method: settings.method.name(),
            pending,
            options: settings.options.iter().map(option).collect(),
            delivery: settings.delivery.as_ref().map(|delivery| DeliveryView {
                channel: delivery.channel.map(Channel::name),
                reasons: delivery.reasons.iter().copied().map(GateView::from).collect(),
            }),
        }
    }
}

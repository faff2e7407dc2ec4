//! The audit trail: one event for each guarded operation, allowed or refused.
//!
//! An event never holds an address, a number, a name or a secret: only ids, and the reason in fixed words.

#![expect(
    clippy::exhaustive_structs,
    reason = "stores build it field by field; a new field is a new contract"
)]

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Its id, a UUIDv7: events sort by it.
    pub id: Uuid,
    /// When it happened, whole microseconds.
    pub at: DateTime<Utc>,
    /// The tenant it belongs to, nil for decoys.
    pub tenant: Uuid,
    /// Whom or what it is about: a user, an account, a decoy user.
    pub subject: Uuid,
    /// The user who acted, if it was not the subject and is known.
    pub actor: Option<Uuid>,
    /// What happened, such as `sign_in_refused`: at most 40 lower-case letters, digits and `_`.
    pub action: Cow<'static, str>,
    /// Why, in fixed words, such as `wrong_password`.
    pub reason: Option<Cow<'static, str>>,
    /// The source address as a derived id: the same address gives the same id, and no id gives an address.
    pub source: Option<Uuid>,
    /// The record it concerns beside the subject: a challenge, a session, a message.
    pub about: Option<Uuid>,
}

/// An event as a rule asks for it; the engine gives it its id and time.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) tenant: Uuid,
    pub(crate) subject: Uuid,
    pub(crate) actor: Option<Uuid>,
    pub(crate) action: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) source: Option<Uuid>,
    pub(crate) about: Option<Uuid>,
}

impl Event {
    /// `action` happened to `subject`.
    pub(crate) fn of(action: &'static str, tenant: Uuid, subject: Uuid) -> Self {
        Self { tenant, subject, actor: None, action, reason: None, source: None, about: None }
    }

    pub(crate) fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(crate) fn by(mut self, actor: impl Into<Option<Uuid>>) -> Self {
        self.actor = actor.into();
        self
    }

    pub(crate) fn from(mut self, source: impl Into<Option<Uuid>>) -> Self {
        self.source = source.into();
        self
    }

    pub(crate) fn about(mut self, about: Uuid) -> Self {
        self.about = Some(about);
        self
    }

    pub(crate) fn at(self, id: Uuid, at: DateTime<Utc>) -> AuditEvent {
        AuditEvent {
            id,
            at,
            tenant: self.tenant,
            subject: self.subject,
            actor: self.actor,
            action: Cow::Borrowed(self.action),
            reason: self.reason.map(Cow::Borrowed),
            source: self.source,
            about: self.about,
        }
    }
}

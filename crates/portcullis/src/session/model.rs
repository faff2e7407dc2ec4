//! What a session is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::rules::Chain;
use crate::decision::{Entity, Stored};
use crate::engine::record::Schema;
use crate::id::{AccountId, SessionId, UserId};
use crate::port::store::{Key, Kind, Lane};
use crate::user::{Login, User};

/// What was proved at the sign-in. E-mail is a step up, not a second factor in NIST's sense: it never reaches AAL2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Assurance {
    /// The password.
    Password,
    /// The password, and a code from the confirmed mailbox.
    PasswordEmail,
    /// The password, and a code sent to the confirmed phone.
    PasswordSms,
}

impl Assurance {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordEmail => "password_email",
            Self::PasswordSms => "password_sms",
        }
    }
}

/// An admitted browser or client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: SessionId,
    /// The top account of its user.
    pub tenant: AccountId,
    /// Whose it is.
    pub user: UserId,
    /// The user's credential version it was opened under; it is dead under any other.
    pub credential_version: u64,
    /// The keyring's epoch it was opened in; it is dead in any later one.
    #[serde(default)]
    pub epoch: u32,
    /// How many blocks had been lifted among the user's accounts when it was opened; it is dead at any other count.
    #[serde(default = "crate::account::chain::unknown_lifts")]
    pub lifts: u64,
    /// What was proved.
    pub assurance: Assurance,
    /// When the sign-in behind it was completed.
    pub signed_in_at: DateTime<Utc>,
    /// Until when it counts as fresh.
    pub fresh_until: DateTime<Utc>,
    /// When it was last seen in use, to the policy's grain.
    pub used_at: DateTime<Utc>,
    /// When it ends unused.
    pub idle_until: DateTime<Utc>,
    /// When it ends in any case.
    pub ends_at: DateTime<Utc>,
}

impl Session {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("session");

    /// The lookup key of all sessions of a user.
    pub(crate) fn of_user(user: UserId) -> Key {
        Key::lookup(Self::KIND, "user", user.to_string())
    }
}

impl Entity for Session {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        vec![Self::of_user(self.user)]
    }

    fn refs(&self) -> Vec<Uuid> {
        vec![self.user.uuid()]
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        Some((Lane::Dead, self.ends_at))
    }
}

/// A live session with its user and the user's accounts, as read in one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Acting {
    pub(crate) session: Stored<Session>,
    pub(crate) user: Stored<User>,
    pub(crate) chain: Chain,
}

/// A live session, as a host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The user's login.
    pub login: Login,
    /// The user's account.
    pub account: AccountId,
    /// What was proved.
    pub assurance: Assurance,
    /// Until when it counts as fresh.
    pub fresh_until: DateTime<Utc>,
    /// When it ends unused.
    pub idle_until: DateTime<Utc>,
    /// When it ends in any case.
    pub ends_at: DateTime<Utc>,
}

/// A live session among the others of its user, as the user may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedSession {
    /// Its id.
    pub id: SessionId,
    /// When the sign-in behind it was completed.
    pub created_at: DateTime<Utc>,
    /// When it was last seen in use, to the policy's `session_moved_every`.
    pub used_at: DateTime<Utc>,
    /// What was proved.
    pub assurance: Assurance,
    /// Whether it is the acting one.
    pub acting: bool,
}

impl From<&Acting> for CurrentSession {
    fn from(acting: &Acting) -> Self {
        let (session, user) = (&acting.session.value, &acting.user.value);
        Self {
            id: session.id,
            user: user.id,
            login: user.login.clone(),
            account: user.account,
            assurance: session.assurance,
            fresh_until: session.fresh_until,
            idle_until: session.idle_until,
            ends_at: session.ends_at,
        }
    }
}

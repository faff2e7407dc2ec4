//! When the users of an account are to be looked through for notices, and what a user sees of his own.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::id::AccountId;
use crate::port::store::{Key, Kind, Lane};
use crate::rights::Verdict;
use crate::user::User;

/// The notices of a user as he sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeSettings {
    /// Those in the last days before the account is blocked.
    pub blocking: BlockingNotices,
}

/// The daily mails in the last days before an account is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingNotices {
    /// Whether they are switched on.
    pub enabled: bool,
    /// Whether the user may switch them on, or off if they are on.
    pub change: Verdict,
    /// The day in the user's zone on which the account is blocked, or the first of those above it, if nothing changes.
    pub blocking_date: Option<NaiveDate>,
    /// When the first of the mails for that day is due, or was.
    pub first_notice: Option<DateTime<Utc>>,
}

/// When the users of an account, and of those below it, are looked through next: at most one for each account, there
/// only while that account has a blocking date ahead of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeSchedule {
    pub(crate) v: Schema<1>,
    /// Its id, which follows from the account's.
    pub id: Uuid,
    /// The top account above the account, or itself.
    pub tenant: AccountId,
    /// The account.
    pub account: AccountId,
    /// The blocking instant it was made for; `None` for a single look after a block was lifted.
    pub blocks_at: Option<DateTime<Utc>>,
    /// The look under way.
    pub(crate) walk: Option<Walk>,
    /// Whether another look follows the one under way, since the account was changed amid it.
    #[serde(default)]
    pub(crate) again: bool,
    /// When the worker is to look, or to go on.
    pub due_at: DateTime<Utc>,
}

/// How far a look at the users of an account has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// When it began: it plans the notices of a day from then on.
    pub(crate) began: DateTime<Utc>,
    /// Whether the account's own users are done, and those of the accounts below it have their turn.
    pub(crate) below: bool,
    /// The last user of the page that was done last.
    pub(crate) after: Option<Uuid>,
}

impl NoticeSchedule {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("notice_schedule");

    /// Where the look under way, or a new one, goes on: the key of its users, and the last one that is done.
    pub(crate) fn place(&self) -> (Key, Option<Uuid>) {
        match self.walk {
            Some(Walk { below: true, after, .. }) => (User::below_key(self.account), after),
            Some(Walk { below: false, after, .. }) => (User::account_key(self.account), after),
            None => (User::account_key(self.account), None),
        }
    }
}

impl Entity for NoticeSchedule {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }

    fn refs(&self) -> Vec<Uuid> {
        vec![self.account.uuid()]
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        Some((Lane::Timed, self.due_at))
    }
}

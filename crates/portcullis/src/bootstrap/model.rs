//! What a bootstrap gives.

use chrono::{DateTime, Utc};

use crate::account::Account;
use crate::secret::LinkUrl;
use crate::user::User;

/// The top account, its first administrator, and the one link that lets him in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bootstrapped {
    /// The top account.
    pub account: Account,
    /// Its first administrator: every flag, every right on the account, no password yet.
    pub user: User,
    /// The invitation link that sets his password and confirms his address. It is kept nowhere and mailed to nobody:
    /// show it once, to who asked.
    pub link: LinkUrl,
    /// Until when the link lives.
    pub valid_until: DateTime<Utc>,
}

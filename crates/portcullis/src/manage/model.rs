//! Users as an administrator sees them, and what he may ask to change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::account_model::ManagedAccount;
use crate::account::TimeZone;
use crate::contact::Email;
use crate::id::{AccountId, UserId};
use crate::language::Language;
use crate::rights::{AccessRight, Verdict};
use crate::user::{Flag, Flags, Login, Method};

/// A user as an administrator sees him: no secret, and no whole address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedUser {
    /// The id.
    pub id: UserId,
    /// The login.
    pub login: Login,
    /// The account.
    pub account: AccountId,
    /// Who created the user; `None` when the embedding program did.
    pub creator: Option<UserId>,
    /// The id another system knows the user by.
    pub external_id: Option<String>,
    /// The switches that are on.
    pub flags: Flags,
    /// Whether signing in is switched off for this user.
    pub disabled: bool,
    /// Whether the user's account or one above it is blocked.
    pub blocked: bool,
    /// The address, masked.
    pub email: ManagedEmail,
    /// Whether there is a password by which the user could sign in.
    pub password_set: bool,
    /// The two-factor method in force.
    pub two_factor: Method,
    /// The language of pages and messages.
    pub language: Language,
    /// The time zone of pages and messages.
    pub time_zone: TimeZone,
    /// When the user was created.
    pub created_at: DateTime<Utc>,
    /// What who asks may do to the user.
    pub may: UserActions,
    /// Who holds rights directly on the user, in the order of their ids. Only where one user is shown, and to who may
    /// `manage_access`.
    pub rights: Option<Vec<Holder>>,
}

/// Somebody who holds rights directly on a user or an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Who holds them.
    pub user: UserId,
    /// His login; `None` when who asks may not see him, or there is no such user any more.
    pub login: Option<Login>,
    /// The rights.
    pub rights: BTreeSet<AccessRight>,
}

/// A user's address as an administrator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedEmail {
    /// The confirmed address, masked.
    pub confirmed: Option<String>,
    /// The address that waits for the user to confirm it, masked.
    pub pending: Option<String>,
}

/// What somebody may do to a user: each act with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserActions {
    /// Switch flags off, or signing in; to grant a flag takes the flag itself, too.
    pub edit_flags: Verdict,
    /// Set the language and the time zone.
    pub change_settings: Verdict,
    /// Have a code sent to a new address.
    pub change_email: Verdict,
    /// End all sessions.
    pub end_sessions: Verdict,
    /// Remove the second factor.
    pub remove_two_factor: Verdict,
    /// Have a link sent by which the user sets a new password; it takes a confirmed address.
    pub send_recovery: Verdict,
    /// Have a link sent by which the user sets his first password.
    pub send_invitation: Verdict,
    /// Let others have rights on the user.
    pub manage_access: Verdict,
    /// Read the audit trail.
    pub see_trail: Verdict,
}

/// What of a user is to change, all of it or nothing; what is not named stays as it is.
///
/// ```
/// use portcullis::manage::UserChange;
/// use portcullis::user::Flag;
/// let change = UserChange::default().flag(Flag::SendSms, true).disabled(false);
/// assert_eq!(change.flags.get(&Flag::SendSms), Some(&true));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UserChange {
    /// Switches to turn on or off.
    pub flags: BTreeMap<Flag, bool>,
    /// Whether signing in is to be switched off.
    pub disabled: Option<bool>,
    /// A new address: a code goes there, and the user confirms it himself.
    pub email: Option<Email>,
    /// The language.
    pub language: Option<Language>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
}

impl UserChange {
    /// With a switch turned on or off.
    #[must_use]
    pub fn flag(mut self, flag: Flag, on: bool) -> Self {
        self.flags.insert(flag, on);
        self
    }

    /// With signing in switched off or on.
    #[must_use]
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = Some(disabled);
        self
    }

    /// With a new address, which the user has yet to confirm.
    #[must_use]
    pub fn email(mut self, address: Email) -> Self {
        self.email = Some(address);
        self
    }

    /// With this language.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// With this time zone.
    #[must_use]
    pub fn time_zone(mut self, time_zone: TimeZone) -> Self {
        self.time_zone = Some(time_zone);
        self
    }
}

/// Some of the users of an account, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserPage {
    /// The users that who asks may see: fewer than asked for, also none, when others stand between them.
    pub users: Vec<ManagedUser>,
    /// Where the next page begins; `None` when there is no more. It is a place in the order and need not be anybody's
    /// id.
    pub next: Option<UserId>,
}

/// Some of the accounts below one, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPage {
    /// The accounts that who asks may see: fewer than asked for, also none, when others stand between them.
    pub accounts: Vec<ManagedAccount>,
    /// Where the next page begins; `None` when there is no more. It is a place in the order and need not be an account's
    /// id.
    pub next: Option<AccountId>,
}

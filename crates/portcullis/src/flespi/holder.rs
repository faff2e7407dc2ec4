//! Whose connection it is, and whether he may still have what is being issued for him.

use chrono::{DateTime, Utc};

use super::model::Connecting;
use super::rules::verdict_of;
use crate::account::rules::Chain;
use crate::decision::{Changes, Stored};
use crate::policy::Policy;
use crate::session::rules::admissible;
use crate::user::User;

/// The user of a connection with his accounts, as they were read with it.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) user: Option<Stored<User>>,
    pub(crate) chain: Chain,
}

impl Holder {
    /// Whether what was redeemed still counts for its user.
    // INVARIANT: what voids a session or a nonce voids the token that is being issued.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn may_have(
        &self,
        connecting: &Connecting,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        let user = &self.user.as_ref().ok_or("user_gone")?.value;
        admissible(user, &self.chain, now)?;
        if user.credential_version != connecting.credential_version {
            return Err("credentials_changed");
        }
        if self.chain.lifts() != connecting.lifts {
            return Err("voided");
        }
        if verdict_of(user, policy).into_missing().is_empty() { Ok(()) } else { Err("not_allowed") }
    }

    /// Pins what was judged.
    pub(crate) fn guard(&self, changes: &mut Changes) {
        if let Some(user) = &self.user {
            changes.guard(user);
        }
        self.chain.guard(changes);
    }
}

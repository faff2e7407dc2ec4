//! The phone number, as an operation of its user.

use super::sms;
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::SessionId;
use crate::session::CurrentSession;

/// The phone number of the user whose session acts. It is set and changed by
/// [`TwoFactor::ask_sms`](super::TwoFactor::ask_sms): its code confirms the number.
#[derive(Clone, Copy, Debug)]
pub struct PhoneRoom<'a>(&'a Portcullis);

impl Portcullis {
    /// The phone number of the user whose session acts.
    pub const fn phone(&self) -> PhoneRoom<'_> {
        PhoneRoom(self)
    }
}

impl PhoneRoom<'_> {
    /// Forgets the confirmed number; gives the session that goes on, or `None` if there was no number.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// assert!(security.phone().remove(session.id).await?.is_none(), "there is none");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `in_use` while two-factor authentication uses it.
    pub async fn remove(&self, session: SessionId) -> Result<Option<CurrentSession>, Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, _, t| {
                Ok(sms::forget_phone(acting, &engine.change_ids(&acting.user.value, t)?, t.now))
            })
            .await
    }
}

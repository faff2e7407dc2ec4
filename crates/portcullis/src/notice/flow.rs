//! Notices, as operations of their reader.

use super::model::NoticeSettings;
use super::switch;
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::SessionId;

/// The notices of the user whose session acts.
#[derive(Clone, Copy, Debug)]
pub struct Notices<'a>(&'a Portcullis);

impl Portcullis {
    /// The notices of the user whose session acts.
    pub const fn notices(&self) -> Notices<'_> {
        Notices(self)
    }
}

impl Notices<'_> {
    /// Switches the daily mails in the last days before the account is blocked on or off. It takes the flag
    /// `change_settings`, and to switch them on a confirmed address.
    ///
    /// Switched on within these days, today's is sent at once if the policy's `notice_hour` is over.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let notices = security.notices().set_blocking(session.id, true).await?;
    /// assert!(notices.blocking.enabled && notices.blocking.blocking_date.is_none());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` with the missing gates: `change_settings`, or `service_email_notification`
    /// where the policy asks for that service; `email_unconfirmed` to switch them on without a confirmed address.
    pub async fn set_blocking(&self, session: SessionId, enabled: bool) -> Result<NoticeSettings, Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, _, t| {
                let name = |user, day| engine.notice_id(user, day);
                Ok(switch::set(acting, enabled, &name, &engine.policy, t.now))
            })
            .await
    }
}

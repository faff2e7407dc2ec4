//! Notices, as operations of their reader.

use std::collections::BTreeMap;

use super::model::NoticeSettings;
use super::outlook::{self, NoticeOutlook};
use super::switch;
use crate::decision::Reason;
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::message::model::Message;
use crate::port::store::Start;
use crate::user::User;

/// The notices of the user whose session acts, and of anybody as the embedding program sees them.
#[derive(Clone, Copy, Debug)]
pub struct Notices<'a>(&'a Portcullis);

impl Portcullis {
    /// The notices of the user whose session acts, and of anybody as the embedding program sees them.
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

    /// Tells which notices a user got, gets and does not get in the last days before his account is blocked, as the
    /// embedding program itself asks: nobody's rights are. It changes nothing.
    ///
    /// ```
    /// use portcullis::account::{DaysChange, NewAccount};
    /// use portcullis::notice::NoticeFate;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let new = NewAccount::named("demo").with_days(DaysChange::default().left(20).counting(true));
    /// let account = security.accounts().create(new).await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let fates = |outlook: portcullis::notice::NoticeOutlook| -> Vec<NoticeFate> {
    ///     outlook.days.into_iter().map(|day| day.fate).collect()
    /// };
    /// let before = security.notices().outlook(alice.id).await?;
    /// assert_eq!(fates(before), [NoticeFate::Withheld("switched_off"); 5]);
    /// security.notices().set_blocking(session.id, true).await?;
    /// assert_eq!(fates(security.notices().outlook(alice.id).await?), [NoticeFate::Planned; 5]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; [`Error::Unavailable`] when the store does not answer.
    pub async fn outlook(&self, user: UserId) -> Result<NoticeOutlook, Error> {
        let engine = &self.0.engine;
        let t = engine.look();
        let view = engine.read(&t, vec![Start::Id(user.uuid())], Vec::new()).await?;
        let user = view.start::<User>(0)?.ok_or(Error::Refused(Reason::NotFound.into()))?.value;
        let chain = view.chain(&user)?;
        let name = |user, day| engine.notice_id(user, day);
        let ids = outlook::messages(&user, &chain, &name, &engine.policy);
        let starts = ids.iter().map(|id| Start::Id(id.uuid())).collect();
        let view = engine.read(&t, starts, Vec::new()).await?;
        let mut kept = BTreeMap::new();
        for id in ids {
            kept.extend(view.record::<Message>(id.uuid())?.map(|message| (id, message.value)));
        }
        Ok(outlook::outlook(&user, &chain, &kept, &name, &engine.policy, t.now))
    }
}

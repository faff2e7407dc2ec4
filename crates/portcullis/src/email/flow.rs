//! The address, as operations of its owner.

use uuid::Uuid;

use super::model::{Changed, EmailSettings, UndoInfo};
use super::rules::{self, FreshIds, Plan};
use super::undo::{self, Return};
use crate::challenge::link::{FreshLink, LinkEntry, peek_link};
use crate::challenge::rules::{Fare, meant_for};
use crate::challenge::{PendingCode, Purpose};
use crate::contact::{Email, SourceAddress};
use crate::engine::commit::Try;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{ChallengeId, MessageId, SessionId};
use crate::port::store::Start;
use crate::secret::{Code, LinkToken};
use crate::session::CurrentSession;
use crate::sign_in::Attempt;
use crate::user::User;

/// The e-mail address of the user whose session acts.
#[derive(Clone, Copy, Debug)]
pub struct EmailRoom<'a>(&'a Portcullis);

impl Portcullis {
    /// The e-mail address of the user whose session acts.
    pub const fn email(&self) -> EmailRoom<'_> {
        EmailRoom(self)
    }
}

impl EmailRoom<'_> {
    /// Sends a code to a new address. Until it is entered, everything goes to the old one.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let code = security.email().set(session.id, &Email::parse("new@example.com")?).await?;
    /// assert_eq!(code.destination, "n•••@example.com");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `unchanged` for the confirmed address; `too_soon` past the budget of
    /// mailed codes, or while `email_claims` of the policy old addresses may still be put back; `locked` after too many
    /// wrong ones.
    pub async fn set(&self, session: SessionId, address: &Email) -> Result<PendingCode, Error> {
        let engine = &self.0.engine;
        let of_address = engine.unconfirmed_address_id(address);
        engine
            .act(session, &[], &[of_address], |acting, view, t| {
                let plan = engine.plan(view, &acting.user.value, Purpose::EmailConfirmation, address)?;
                Ok(rules::set(acting, address, plan, &engine.policy, t.now))
            })
            .await
    }

    /// Confirms the new address by the code that arrived there. Two-factor authentication by e-mail follows to it. The
    /// acting session goes on under a fresh id, every other one is dead. The old address is mailed a link that puts it
    /// back.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let code = security.email().set(session.id, &Email::parse("new@example.com")?).await?;
    /// # w.run_worker().await?;
    /// let entered = w.mailbox.last_code("new@example.com").unwrap();
    /// let changed = security.email().confirm(session.id, code.id, &entered, &source()).await?;
    /// assert_eq!(changed.now.address.as_deref(), Some("new@example.com"));
    /// assert!(changed.session.id != session.id, "give the browser its new session");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in` for an address that somebody else proposed; `wrong_code` with the attempts left; `challenge_dead`; `locked`; `address_taken` when
    /// another user holds it; `too_soon` while `email_claims` of the policy old addresses may still be put back;
    /// `too_many_attempts` from one source address.
    pub async fn confirm(
        &self,
        session: SessionId,
        challenge: ChallengeId,
        code: &Code,
        source: &SourceAddress,
    ) -> Result<Changed<EmailSettings>, Error> {
        let engine = &self.0.engine;
        let source = engine.source_id(source);
        engine
            .act(session, &[Start::Id(challenge.uuid())], &[source], |acting, view, t| {
                let entry = engine.entry(view, 1, Some(code), source)?;
                Ok(match meant_for(entry, &[Purpose::EmailConfirmation], Some(acting.user.value.id)) {
                    Ok(entry) => {
                        let ids = engine.change_ids(&acting.user.value, t)?;
                        rules::confirm(acting, &entry, t.found_taken("email"), ids, &engine.policy, t.now)
                    }
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Sends the code of the address that waits again.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let code = security.email().set(session.id, &Email::parse("new@example.com")?).await?;
    /// w.advance(security.policy().resend_after);
    /// let again = security.email().resend(session.id, code.id, &source()).await?;
    /// assert!(again.id == code.id && again.expires_at > code.expires_at);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`, `too_soon`, `no_sends_left`, `challenge_dead`, `locked`, `too_many_attempts`.
    pub async fn resend(
        &self,
        session: SessionId,
        challenge: ChallengeId,
        source: &SourceAddress,
    ) -> Result<PendingCode, Error> {
        let purposes = &[Purpose::EmailConfirmation];
        self.0.engine.resend(challenge, purposes, None, Some(source), Some(session)).await
    }

    /// Forgets the address that waits for confirmation; its code is dead.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.email().set(session.id, &Email::parse("new@example.com")?).await?;
    /// security.email().cancel(session.id).await?;
    /// assert!(security.settings(session.id).await?.email.pending.is_none());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn cancel(&self, session: SessionId) -> Result<(), Error> {
        self.0.engine.act(session, &[], &[], |acting, _, _| Ok(rules::cancel(acting))).await
    }

    /// Removes the confirmed address; the acting session goes on under a fresh id. `None` if there was none. The address
    /// is mailed a link that puts it back.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let next = security.email().clear(session.id).await?.expect("there was an address");
    /// assert_eq!(security.settings(next.id).await?.email.address, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `in_use` while two-factor authentication or notices use the address; `too_soon` while
    /// `email_claims` of the policy old addresses may still be put back.
    pub async fn clear(&self, session: SessionId) -> Result<Option<CurrentSession>, Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, _, t| {
                let ids = engine.change_ids(&acting.user.value, t)?;
                Ok(rules::clear(acting, ids, &engine.policy, t.now))
            })
            .await
    }
}

impl EmailRoom<'_> {
    /// Looks at an undo link and changes nothing: mail programs open links by themselves.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # security.email().clear(session.id).await?;
    /// # w.run_worker().await?;
    /// let token = w.mailbox.last_link("alice@example.com").unwrap();
    /// let info = security.email().peek_undo(&token).await?;
    /// assert_eq!(info.valid_until, security.now() + security.policy().email_undo_life);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `challenge_dead` for a link that is unknown, used, over or for something else.
    pub async fn peek_undo(&self, token: &LinkToken) -> Result<UndoInfo, Error> {
        let engine = &self.0.engine;
        let t = engine.look();
        let view = engine.read(&t, vec![Start::Id(token.challenge().uuid())], Vec::new()).await?;
        let entry = engine.link_entry(&view, 0, token, Uuid::nil())?;
        let entry = peek_link(entry.as_ref(), &[Purpose::EmailUndo], t.now).map_err(Error::Refused)?;
        Ok(UndoInfo { valid_until: entry.challenge.value.expires_at })
    }

    /// Puts the old address back by the link mailed to it. Every session and remembered browser of the user is dead, no
    /// password fits any more, every later change of the address is undone with it, and the address is mailed a link that
    /// sets a new password, whether or not the user may change it otherwise.
    ///
    /// It opens no session and lifts no block: it works for a disabled or blocked user too, but no password can be set
    /// while that lasts.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let session = security.email().clear(session.id).await?.unwrap();
    /// # w.run_worker().await?;
    /// let token = w.mailbox.last_link("alice@example.com").unwrap();
    /// security.email().undo(&token, &attempt()).await?;
    /// let alice = security.users().get(alice.id).await?;
    /// assert_eq!(alice.confirmed_email().unwrap().as_str(), "alice@example.com");
    /// assert!(security.sessions().current(session.id).await.is_err(), "who changed it is signed out");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `challenge_dead` for a link that is unknown, used, over or for something else.
    pub async fn undo(&self, token: &LinkToken, attempt: &Attempt) -> Result<(), Error> {
        let engine = &self.0.engine;
        let source = engine.source_id(&attempt.source);
        engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(token.challenge().uuid())], vec![source]).await?;
                let entry = engine.link_entry(&view, 0, token, source)?;
                let back = entry.as_ref().map(|entry| engine.way_back(entry, &t)).transpose()?.flatten();
                Ok(undo::undo(entry.as_ref(), back, &engine.policy, t.now))
            })
            .await
    }
}

impl Engine {
    /// Everything a new code for a purpose and destination needs.
    pub(crate) fn plan(
        &self,
        view: &View,
        user: &User,
        purpose: Purpose,
        destination: &Email,
    ) -> Result<Plan, Error> {
        let address = self.address_id(destination, user);
        let new = self.new_code(view.now())?;
        Ok(Plan {
            fresh: self.bind(&new, user, purpose, &destination.into()),
            fare: Fare::Mail { address, budgets: self.budgets(view, user, address) },
            failures: view.count(&purpose.failures(user.id)),
            wait: view.count_within(&purpose.wait(user.id), self.policy.code_backoff.longest),
        })
    }

    /// The link that takes a change of the confirmed address back, if there is one to change.
    pub(crate) fn undo_link(&self, user: &User, t: &Try) -> Result<Option<FreshLink>, Error> {
        let Some(old) = user.confirmed_email() else {
            return Ok(None);
        };
        Ok(Some(self.bind_link(self.new_link(t.now)?, user.into(), Purpose::EmailUndo, old)))
    }

    /// The ids and the link that a change of a user's credentials needs.
    pub(crate) fn change_ids(&self, user: &User, t: &Try) -> Result<FreshIds, Error> {
        Ok(FreshIds {
            session: SessionId::from_uuid(self.new_id(t.now)?),
            undo: self.undo_link(user, t)?,
            to_new: MessageId::from_uuid(self.new_id(t.now)?),
            notice: MessageId::from_uuid(self.new_id(t.now)?),
        })
    }

    /// What putting an address back needs, if the link is one for that.
    fn way_back(&self, entry: &LinkEntry, t: &Try) -> Result<Option<Return>, Error> {
        let Some(user) = undo::restored(&entry.user.value, entry.challenge.value.id, t.now) else {
            return Ok(None);
        };
        let Some(old) = entry.challenge.value.mailbox() else {
            return Ok(None);
        };
        let recovery = self.bind_link(self.new_link(t.now)?, (&user).into(), Purpose::Recovery, old);
        let to_old = MessageId::from_uuid(self.new_id(t.now)?);
        let to_new = MessageId::from_uuid(self.new_id(t.now)?);
        Ok(Some(Return { user, recovery, to_old, to_new }))
    }
}

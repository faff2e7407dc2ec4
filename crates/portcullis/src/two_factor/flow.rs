//! Two-factor authentication, as operations of its user.

use super::model::TwoFactorSettings;
use super::rules;
use crate::challenge::rules::meant_for;
use crate::challenge::{PendingCode, Purpose};
use crate::contact::{Email, SourceAddress};
use crate::email::Changed;
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::{ChallengeId, SessionId};
use crate::port::store::Start;
use crate::secret::Code;

/// Two-factor authentication of the user whose session acts.
#[derive(Clone, Copy, Debug)]
pub struct TwoFactor<'a>(&'a Portcullis);

impl Portcullis {
    /// Two-factor authentication of the user whose session acts.
    pub const fn two_factor(&self) -> TwoFactor<'_> {
        TwoFactor(self)
    }
}

impl TwoFactor<'_> {
    /// Sends the code that switches two-factor authentication by e-mail on, to the confirmed address, or to the pending one
    /// if `address` names it: its code then confirms and switches on together.
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
    /// let code = security.two_factor().ask(session.id, None).await?;
    /// assert_eq!(code.destination, "a•••@example.com");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `not_allowed` with every missing gate; `email_unconfirmed` without such an
    /// address; `unchanged`; `too_soon`; `locked`.
    pub async fn ask(&self, session: SessionId, address: Option<&Email>) -> Result<PendingCode, Error> {
        let engine = &self.0.engine;
        let of_address: Vec<_> =
            address.map(|address| engine.unconfirmed_address_id(address)).into_iter().collect();
        engine
            .act(session, &[], &of_address, |acting, view, t| {
                let user = &acting.user.value;
                let plan = rules::destination(user, address)
                    .map(|destination| engine.plan(view, user, Purpose::TwoFactorEmail, destination))
                    .transpose()?;
                Ok(rules::ask(acting, address, plan, &engine.policy, t.now))
            })
            .await
    }

    /// Switches two-factor authentication by e-mail on by the code that arrived. The acting session goes on under a
    /// fresh id, every other one is dead.
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
    /// let code = security.two_factor().ask(session.id, None).await?;
    /// # w.run_worker().await?;
    /// let entered = w.code_of(&alice).await?;
    /// let changed = security.two_factor().enable(session.id, code.id, &entered, &source()).await?;
    /// assert_eq!(changed.now.method.name(), "email");
    /// assert!(security.sessions().current(session.id).await.is_err(), "the old id is dead");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `wrong_code` with the attempts left; `challenge_dead`; `locked`;
    /// `address_taken` when another user holds the pending address; `email_unconfirmed` when the address it went to is no
    /// longer the user's; `not_allowed` when the policy forbids it; `too_many_attempts` from one source address.
    pub async fn enable(
        &self,
        session: SessionId,
        challenge: ChallengeId,
        code: &Code,
        source: &SourceAddress,
    ) -> Result<Changed<TwoFactorSettings>, Error> {
        let engine = &self.0.engine;
        let source = engine.source_id(source);
        engine
            .act(session, &[Start::Id(challenge.uuid())], &[source], |acting, view, t| {
                let entry = engine.entry(view, 1, Some(code), source)?;
                Ok(match meant_for(entry, &[Purpose::TwoFactorEmail], Some(acting.user.value.id)) {
                    Ok(entry) => {
                        let ids = engine.change_ids(&acting.user.value, t)?;
                        rules::enable(acting, &entry, t.found_taken("email"), ids, &engine.policy, t.now)
                    }
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Sends the code that switches it on again.
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
    /// let code = security.two_factor().ask(session.id, None).await?;
    /// w.advance(security.policy().resend_after);
    /// let again = security.two_factor().resend(session.id, code.id, &source()).await?;
    /// assert_eq!(again.id, code.id);
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
        self.0.engine.resend(challenge, &[Purpose::TwoFactorEmail], Some(source), Some(session)).await
    }

    /// Forgets the method being switched on; its code is dead.
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
    /// security.two_factor().ask(session.id, None).await?;
    /// security.two_factor().cancel(session.id).await?;
    /// assert!(security.settings(session.id).await?.two_factor.pending.is_none());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn cancel(&self, session: SessionId) -> Result<(), Error> {
        self.0.engine.act(session, &[], &[], |acting, _, _| Ok(rules::cancel(acting))).await
    }

    /// Switches two-factor authentication off. The acting session goes on under a fresh id, every other one is dead.
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
    /// let session = w.switch_on(session.id, &alice).await?;
    /// let changed = security.two_factor().disable(session.id).await?;
    /// assert_eq!(changed.now.method.name(), "none");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `unchanged` when it is off; `weak_password` while the password is too
    /// short to be the only factor.
    pub async fn disable(&self, session: SessionId) -> Result<Changed<TwoFactorSettings>, Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, _, t| {
                Ok(rules::disable(acting, &engine.change_ids(&acting.user.value, t)?, &engine.policy, t.now))
            })
            .await
    }
}

//! Two-factor authentication, as operations of its user.

use uuid::Uuid;

use super::model::TwoFactorSettings;
use super::rules;
use super::sms::{self, SmsPlan};
use crate::challenge::rules::meant_for;
use crate::challenge::{PendingCode, Purpose};
use crate::contact::{Email, Phone, SourceAddress};
use crate::email::Changed;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{ChallengeId, SessionId};
use crate::port::store::Start;
use crate::secret::Code;
use crate::sms::Learned;
use crate::user::User;

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

    /// Sends the code by SMS that confirms a phone number and switches two-factor authentication by SMS on: to the number
    /// given, or to the confirmed one. Tell the user before that his operator may charge him for it.
    ///
    /// ```
    /// use portcullis::contact::Phone;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::source;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account_with_sms("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let phone = Phone::parse("+37120000045")?;
    /// let code = security.two_factor().ask_sms(session.id, Some(&phone), &source()).await?;
    /// assert_eq!((code.channel.name(), code.destination.as_str()), ("sms", "+371•••••45"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `not_allowed` with every missing gate; `unchanged`; `too_soon`; `locked`.
    pub async fn ask_sms(
        &self,
        session: SessionId,
        phone: Option<&Phone>,
        source: &SourceAddress,
    ) -> Result<PendingCode, Error> {
        let engine = &self.0.engine;
        let source = engine.source_id(source);
        let learned = Learned::default();
        engine
            .act_on(
                session,
                &[],
                || learned.and(&[source]),
                |acting, view, t| {
                    let user = &acting.user.value;
                    let phone = phone.or(user.phone.as_ref());
                    let found = engine.sms_to(view, user, &acting.chain, phone, source, Some(&learned))?;
                    let plan = phone.map(|phone| engine.sms_plan(view, user, phone)).transpose()?;
                    Ok(sms::ask(acting, found, plan, &engine.policy, t.now))
                },
            )
            .await
    }

    /// Switches two-factor authentication on by the code that arrived, by e-mail or by SMS as it was asked for. The acting session goes on under a
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
                let purposes = &[Purpose::TwoFactorEmail, Purpose::TwoFactorSms];
                let user = &acting.user.value;
                let entry = match meant_for(entry, purposes, Some(user.id)) {
                    Ok(entry) => entry,
                    Err(no) => return Ok(no.into()),
                };
                let ids = engine.change_ids(user, t)?;
                let phone = entry.challenge.value.destination.phone().or(user.phone.as_ref());
                let found = engine.sms_to(view, user, &acting.chain, phone, source, None)?;
                Ok(if entry.challenge.value.purpose == Purpose::TwoFactorSms {
                    sms::enable(acting, &entry, &found, &ids, &engine.policy, t.now)
                } else {
                    let taken = t.found_taken("email");
                    rules::enable(acting, &entry, taken, ids, &found.missing, &engine.policy, t.now)
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
        let purposes = &[Purpose::TwoFactorEmail, Purpose::TwoFactorSms];
        self.0.engine.resend(challenge, purposes, None, Some(source), Some(session)).await
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
            .act(session, &[], &[], |acting, view, t| {
                let user = &acting.user.value;
                let (phone, ids) = (user.phone.as_ref(), engine.change_ids(user, t)?);
                let found = engine.sms_to(view, user, &acting.chain, phone, Uuid::nil(), None)?;
                Ok(rules::disable(acting, &ids, &found.missing, &engine.policy, t.now))
            })
            .await
    }
}

impl Engine {
    /// What a code by SMS to a number needs, beside what it is charged to.
    fn sms_plan(&self, view: &View, user: &User, phone: &Phone) -> Result<SmsPlan, Error> {
        let purpose = Purpose::TwoFactorSms;
        let new = self.new_code(view.now())?;
        Ok(SmsPlan {
            fresh: self.bind(&new, user, purpose, &phone.into()),
            phone: phone.clone(),
            failures: view.count(&purpose.failures(user.id)),
            wait: view.count_within(&purpose.wait(user.id), self.policy.code_backoff.longest),
        })
    }
}

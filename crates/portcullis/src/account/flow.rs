//! Accounts, as operations.

use uuid::Uuid;

use super::model::{Account, NewAccount};
use super::rules;
use crate::decision::{Decision, Reason};
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::AccountId;
use crate::port::store::Start;

/// Accounts, as the embedding program itself manages them: nobody's rights are asked.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a>(&'a Portcullis);

impl Portcullis {
    /// Accounts, as the embedding program itself manages them.
    pub const fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }
}

impl Accounts<'_> {
    /// Creates an account. With an id given, repeating the call changes nothing and gives the account.
    ///
    /// ```
    /// use portcullis::account::{NewAccount, Period, Service};
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let sms = Service::on(Some(1000), Period::Day);
    /// let top = security.accounts().create(NewAccount::named("top").with_service("sms", sms)).await?;
    /// let low = security.accounts().create(NewAccount::named("low").under(top.id)).await?;
    /// assert_eq!((low.tenant, low.ancestors), (top.id, vec![top.id]));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_name`, `invalid_days`, `invalid_balance`; refused `not_found` when the parent does not exist,
    /// `not_a_dealer` when it may have no accounts below it, `too_deep` more than 16 deep, `unknown_plan`, `in_use` when
    /// the id belongs to a different account.
    pub async fn create(&self, new: NewAccount) -> Result<Account, Error> {
        rules::check(&new)?;
        let engine = &self.0.engine;
        let fresh = match new.id {
            Some(id) => id,
            None => AccountId::from_uuid(engine.new_id(engine.now())?),
        };
        let new = &new;
        engine
            .decide(|t| async move {
                let parent = new.parent.map_or(Uuid::nil(), AccountId::uuid);
                let view =
                    engine.read(&t, vec![Start::Id(fresh.uuid()), Start::Id(parent)], Vec::new()).await?;
                let (existing, parent) = (view.start(0)?, view.start(1)?);
                let above = parent.map(|parent| view.account_chain(parent)).transpose()?;
                let longest = engine.policy.chain_longest;
                let mut decision =
                    rules::create(new, fresh, above.as_ref(), existing.as_ref(), longest, t.now);
                engine.plan_notices(&view, &mut decision.changes, t.now)?;
                Ok(decision)
            })
            .await
    }

    /// Gives an account.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let account = w.account("demo").await?;
    /// assert_eq!(security.accounts().get(account.id).await?.name, "demo");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; [`Error::Unavailable`] when the store does not answer.
    pub async fn get(&self, id: AccountId) -> Result<Account, Error> {
        let engine = &self.0.engine;
        let view = engine.read(&engine.look(), vec![Start::Id(id.uuid())], Vec::new()).await?;
        let account = view.start::<Account>(0)?.ok_or(Error::Refused(Reason::NotFound.into()))?;
        Ok(account.value)
    }

    /// Blocks an account by hand, with all accounts and users below it, or lifts that block.
    ///
    /// Lifting leaves every session and challenge from before dead for ever.
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
    /// security.accounts().set_blocked(account.id, true).await?;
    /// w.advance(chrono::TimeDelta::minutes(1));
    /// security.accounts().set_blocked(account.id, false).await?;
    /// assert!(security.sessions().current(session.id).await.is_err(), "it does not come back");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`.
    pub async fn set_blocked(&self, id: AccountId, blocked: bool) -> Result<Account, Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let starts = vec![Start::Id(id.uuid()), engine.schedule_of(id)];
                let view = engine.read(&t, starts, Vec::new()).await?;
                let mut decision = match view.start::<Account>(0)? {
                    Some(account) => rules::set_blocked(account, blocked, t.now),
                    None => Decision::no(Reason::NotFound.into(), crate::decision::Changes::none()),
                };
                engine.plan_notices(&view, &mut decision.changes, t.now)?;
                Ok(decision)
            })
            .await
    }
}

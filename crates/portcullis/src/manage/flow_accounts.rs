//! Managing accounts, as operations.

use super::account_model::{AccountChange, ManagedAccount};
use super::flow::Manage;
use super::{accounts, payments};
use crate::account::rules::check;
use crate::account::{Account, NewAccount, Payment, RecordedPayment};
use crate::engine::Engine;
use crate::error::{Error, InputError};
use crate::id::{AccountId, PaymentId};
use crate::port::store::{Page, Start};
use crate::rights::flow::starts;
use crate::rights::rules::{Who, nobody};
use crate::spend::{AccountUsage, usage};

impl Manage<'_> {
    /// Creates an account below another, which is a dealer or a top account. It takes the right `manage_account` there and
    /// the flag `create_items`.
    ///
    /// A top account, and an id of choice, are only the embedding program's to give: see
    /// [`Accounts::create`](crate::account::Accounts::create).
    ///
    /// ```
    /// use portcullis::account::NewAccount;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let child = NewAccount::named("child").under(account.id);
    /// let child = security.manage(Actor::Program).create_account(child).await?;
    /// assert_eq!(child.parent, Some(account.id));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `missing` in the field `parent`; `invalid_name`, `invalid_days`, `invalid_balance`; `unknown_field` for a service that does not exist; refused
    /// `signed_out`; `not_found` when there is no such account above or the actor may not see it; `not_allowed` with the
    /// missing gates; `not_a_dealer` when that one may have none below it; `too_deep` more than 16 deep; `unknown_plan`.
    pub async fn create_account(&self, new: NewAccount) -> Result<ManagedAccount, Error> {
        check(&new)?;
        accounts::check_services(new.services.keys())?;
        let parent = new
            .parent
            .ok_or_else(|| InputError::new("parent", "missing", "the account above it is missing"))?;
        let engine = self.engine();
        let fresh = AccountId::from_uuid(engine.new_id(engine.now())?);
        let new = &new;
        self.on_account(parent, |who, chain, t| {
            accounts::create(who, new, fresh, chain, &engine.policy, t.now)
        })
        .await
    }

    /// Shows an account, with who holds rights on it to who may let others have some.
    ///
    /// ```
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// assert!(!security.manage(Actor::Program).account(account.id).await?.blocked);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn account(&self, id: AccountId) -> Result<ManagedAccount, Error> {
        let mut account = self.on_account(id, |who, chain, t| accounts::show(who, chain, t.now)).await?;
        self.engine().name(self.actor, account.rights.as_mut()).await?;
        Ok(account)
    }

    /// Shows what an account has used of its quotas and of its own budgets. Who may see the account may.
    ///
    /// ```
    /// # use portcullis::contact::Phone;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::source;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account_with_sms("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let phone = Phone::parse("+37120000045")?;
    /// # security.two_factor().ask_sms(session.id, Some(&phone), &source()).await?;
    /// let usage = security.manage(Actor::Program).usage(account.id).await?;
    /// assert_eq!((usage.sms.used, usage.sms_budget.used, usage.sms_new_budget.used), (1, 1, 1));
    /// assert_eq!(usage.sms_budget.left(), security.policy().sms_per_account.count - 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn usage(&self, id: AccountId) -> Result<AccountUsage, Error> {
        let policy = &self.engine().policy;
        self.on_account_viewing(id, |who, chain, view, t| {
            let used = usage(chain, policy, |counter| view.count(counter), t.now);
            accounts::usage(who, chain, used)
        })
        .await
    }

    /// Changes an account, all that is named or nothing, in one commit.
    ///
    /// The name and the time zone take the right `manage_account` on it or on an account above it. All else, which says
    /// what an account gets and how long, takes that right on an account above it; of a top account, on itself.
    ///
    /// Blocking blocks all accounts and users below; lifting a block, by hand, by days or by balance, leaves every
    /// session and challenge from before dead.
    ///
    /// ```
    /// use portcullis::manage::AccountChange;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let change = AccountChange::default().name("fleet").blocked(true);
    /// let account = security.manage(Actor::Program).change_account(account.id, &change).await?;
    /// assert!(account.blocked && account.name == "fleet");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_name`, `invalid_days`, `invalid_balance`, `invalid_plans`; `unknown_field` for a service that does not
    /// exist; refused `signed_out`; `not_found`; `not_allowed` with the missing gates, and for plans of an account that
    /// is no top account; `unknown_plan`; `invalid_days` when the days would go beyond the counter.
    pub async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
    ) -> Result<ManagedAccount, Error> {
        accounts::check(change)?;
        self.on_account(id, |who, chain, t| accounts::change(who, chain, change, t.now)).await
    }

    /// Adds days, money or both to an account, or takes them off, and records who did and why, in one commit. It takes
    /// the right `manage_account` on an account above it; of a top account, on itself.
    ///
    /// A payment with an id is recorded once, however often it is repeated; the id is the account's own.
    ///
    /// ```
    /// use portcullis::account::Payment;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let payment = Payment::new("invoice 17").days(30).amount(9_900);
    /// let account = security.manage(Actor::Program).pay(account.id, &payment).await?;
    /// assert_eq!((account.days.left, account.balance.amount), (30, 9_900));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_days`, `invalid_amount`, `invalid_comment`; `missing` with neither days nor an amount; refused
    /// `signed_out`; `not_found`; `not_allowed` with the missing gates; `in_use` when the id belongs to another payment;
    /// `invalid_days` or `invalid_balance` when the account would hold more than it can.
    pub async fn pay(&self, id: AccountId, payment: &Payment) -> Result<ManagedAccount, Error> {
        payment.check()?;
        let (engine, actor) = (self.engine(), self.actor);
        let payment_id = PaymentId::from_uuid(match payment.id {
            Some(own) => {
                let pair = [id.uuid().into_bytes(), own.uuid().into_bytes()].concat();
                engine.keyring().derive("payment", &pair)
            }
            None => engine.new_id(engine.now())?,
        });
        engine
            .decide(|t| async move {
                let mut starts = starts(actor, id.uuid());
                starts.extend([Start::Id(payment_id.uuid()), engine.schedule_of(id)]);
                let view = engine.read(&t, starts, Vec::new()).await?;
                let acting = match Engine::actor(&view, actor)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let Some(account) = view.start::<Account>(0)? else {
                    return Ok(nobody(acting.as_ref(), id.uuid()).into());
                };
                let who = acting.as_ref().map_or(Who::Program, Who::User);
                let (chain, existing) = (view.account_chain(account)?, view.start(2)?);
                let mut decision = payments::pay(who, &chain, payment, payment_id, existing.as_ref(), t.now);
                engine.plan_notices(&view, &mut decision.changes, t.now)?;
                Ok(decision)
            })
            .await
    }

    /// Lists payments of an account in the order of their ids, at most 1000: those without an id of choice in the order
    /// they were recorded. It takes the right `manage_account` on the account or on one above it.
    ///
    /// ```
    /// use portcullis::account::Payment;
    /// use portcullis::port::store::Page;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let manage = security.manage(Actor::Program);
    /// manage.pay(account.id, &Payment::new("invoice 17").days(30)).await?;
    /// let paid = manage.payments(account.id, Page { after: None, limit: 10 }).await?;
    /// assert_eq!((paid[0].days, paid[0].comment.as_str()), (30, "invoice 17"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it; `not_allowed`.
    pub async fn payments(&self, id: AccountId, page: Page) -> Result<Vec<RecordedPayment>, Error> {
        self.on_account(id, |who, chain, _| payments::read(who, chain)).await?;
        self.engine().list_page(&RecordedPayment::of_account(id), page).await
    }
}

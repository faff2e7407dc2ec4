//! Managing accounts, as operations.

use super::account_model::{AccountChange, ManagedAccount};
use super::accounts;
use super::flow::Manage;
use crate::account::NewAccount;
use crate::account::rules::check;
use crate::error::{Error, InputError};
use crate::id::AccountId;

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

    /// Shows an account.
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
        self.on_account(id, |who, chain, t| accounts::show(who, chain, t.now)).await
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
}

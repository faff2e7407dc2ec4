//! Which accounts an administrator finds.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::account_model::ManagedAccount;
use super::accounts;
use super::flow::Manage;
use super::rules;
use crate::account::Account;
use crate::account::rules::Chain;
use crate::engine::Engine;
use crate::engine::record::parse;
use crate::error::Error;
use crate::id::AccountId;
use crate::port::store::{Key, Page};
use crate::rights::Action;
use crate::rights::flow::starts;
use crate::rights::rules::{Who, allow_on_account};
use crate::session::model::Acting;

impl Manage<'_> {
    /// Lists the accounts directly below one that the actor may see, in the order of their ids: at most 1000 are read,
    /// and those he may not see are passed over.
    ///
    /// Without one it begins where he does: at his own account or, if he may not see that, at those directly below it.
    /// The embedding program begins at the top.
    ///
    /// ```
    /// use portcullis::port::store::Page;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let page = Page { after: None, limit: 100 };
    /// assert_eq!(security.manage(Actor::Program).accounts(None, page).await?[0].id, account.id);
    /// // Who may see no account finds none.
    /// assert!(security.manage(Actor::Session(session.id)).accounts(None, page).await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn accounts(&self, above: Option<AccountId>, page: Page) -> Result<Vec<ManagedAccount>, Error> {
        let (engine, actor) = (self.engine(), self.actor);
        let (acting, chain) = engine
            .decide(|t| async move {
                let target = above.map_or(Uuid::nil(), AccountId::uuid);
                let view = engine.read(&t, starts(actor, target), Vec::new()).await?;
                let acting = match Engine::actor(&view, actor)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let found =
                    view.start::<Account>(0)?.map(|account| view.account_chain(account)).transpose()?;
                Ok(rules::list(acting, above, found))
            })
            .await?;
        let now = engine.now();
        let own = acting.as_ref().filter(|_| above.is_none());
        let own = own.and_then(|acting| seen(Some(acting), &chain, now));
        match own {
            Some(own) => Ok(vec![own]),
            None => engine.accounts_below(acting.as_ref(), &chain, page).await,
        }
    }
}

impl Engine {
    async fn accounts_below(
        &self,
        acting: Option<&Acting>,
        above: &Chain,
        page: Page,
    ) -> Result<Vec<ManagedAccount>, Error> {
        let parent = above.0.first().map_or(Uuid::nil(), |account| account.value.id.uuid());
        let key = Key::lookup(Account::KIND, "parent", parent.to_string());
        let (mut found, now) = (Vec::new(), self.now());
        for record in self.store.list(&key, page).await? {
            let mut chain = vec![parse::<Account>(&record)?];
            chain.extend(above.0.iter().cloned());
            found.extend(seen(acting, &Chain(chain), now));
        }
        Ok(found)
    }
}

/// The first account of a chain, if who acts may see it.
fn seen(acting: Option<&Acting>, chain: &Chain, now: DateTime<Utc>) -> Option<ManagedAccount> {
    let who = acting.map_or(Who::Program, Who::User);
    let account = &chain.0.first()?.value;
    let allowed = allow_on_account(who, &Action::SeeAccount, account, chain).is_ok();
    allowed.then(|| accounts::seen(who, account, chain, now))
}

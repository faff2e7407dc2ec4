//! Which accounts an administrator finds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::account_model::ManagedAccount;
use super::accounts;
use super::flow::Manage;
use super::model::AccountPage;
use super::rules;
use crate::account::Account;
use crate::account::rules::Chain;
use crate::decision::Stored;
use crate::engine::Engine;
use crate::engine::record::parse;
use crate::error::Error;
use crate::id::AccountId;
use crate::port::store::{Key, Page, Start};
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
        let (acting, chain) = self.above(above).await?;
        let engine = self.engine();
        let now = engine.now();
        let own = acting.as_ref().filter(|_| above.is_none());
        let own = own.and_then(|acting| seen(Some(acting), &chain, now));
        match own {
            Some(own) => Ok(vec![own]),
            None => engine.accounts_below(acting.as_ref(), &chain, page).await,
        }
    }

    /// Lists the accounts below one, at any depth, that the actor may see, in the order of their ids. For one page at most
    /// the policy's `page_longest` are read; those he may not see are passed over without a trace, so that a page may
    /// hold fewer than asked for, or none: only a missing [`next`](AccountPage::next) is the end.
    ///
    /// Without one it lists those below the actor's own account, and for the embedding program all there are. An account
    /// comes with its [`parent`](ManagedAccount::parent), so that who asks can draw the tree.
    ///
    /// ```
    /// use portcullis::account::NewAccount;
    /// use portcullis::port::store::Page;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let top = w.account("demo").await?;
    /// let manage = security.manage(Actor::Program);
    /// let child = manage.create_account(NewAccount::named("child").under(top.id).dealer()).await?;
    /// let low = manage.create_account(NewAccount::named("low").under(child.id)).await?;
    /// let page = manage.all_below(Some(top.id), Page { after: None, limit: 100 }).await?;
    /// assert_eq!(page.accounts.len(), 2);
    /// assert!(page.accounts.iter().any(|account| account.id == low.id && account.parent == Some(child.id)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn all_below(&self, above: Option<AccountId>, page: Page) -> Result<AccountPage, Error> {
        let (acting, chain) = self.above(above).await?;
        self.engine().all_below(acting.as_ref(), &chain, page).await
    }

    /// Who asks, and the account to begin at with those above it.
    async fn above(&self, above: Option<AccountId>) -> Result<(Option<Acting>, Chain), Error> {
        let (engine, actor) = (self.engine(), self.actor);
        engine
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
            .await
    }
}

impl Engine {
    /// A page of the accounts below one. Those between it and a listed one are listed too, or read beside.
    async fn all_below(
        &self,
        acting: Option<&Acting>,
        above: &Chain,
        page: Page,
    ) -> Result<AccountPage, Error> {
        let start = above.0.first().map_or(Uuid::nil(), |account| account.value.id.uuid());
        let longest = self.policy.page_longest;
        let listed = self.store.list(&Account::under(start), Page { limit: longest, ..page }).await?;
        let mut known: BTreeMap<AccountId, Stored<Account>> = BTreeMap::new();
        known.extend(above.0.iter().map(|account| (account.value.id, account.clone())));
        let mut found = Vec::new();
        for record in &listed {
            let account = parse::<Account>(record)?;
            found.push(account.value.id);
            known.insert(account.value.id, account);
        }
        let missing: BTreeSet<Uuid> = known
            .values()
            .flat_map(|account| &account.value.ancestors)
            .filter(|id| !known.contains_key(*id))
            .map(|id| id.uuid())
            .collect();
        if !missing.is_empty() {
            let starts = missing.iter().copied().map(Start::Id).collect();
            let view = self.read(&self.look(), starts, Vec::new()).await?;
            for id in missing {
                known.extend(view.record::<Account>(id)?.map(|account| (account.value.id, account)));
            }
        }
        let (mut read, now) = (Vec::new(), self.now());
        for id in found {
            read.push((id.uuid(), seen(acting, &chain_of(id, &known)?, now)));
        }
        let (shown, next) =
            rules::page_of(&read, page.limit.max(1), longest, |(id, _)| *id, |(_, seen)| seen.is_some());
        let accounts = shown.into_iter().filter_map(|(_, seen)| seen.clone()).collect();
        Ok(AccountPage { accounts, next: next.map(AccountId::from_uuid) })
    }

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

/// An account and those above it, nearest first.
fn chain_of(id: AccountId, known: &BTreeMap<AccountId, Stored<Account>>) -> Result<Chain, Error> {
    let missing = Error::Corrupt { kind: "account".into(), why: "an account above it is missing" };
    let mut chain: Vec<Stored<Account>> = known.get(&id).into_iter().cloned().collect();
    let above = chain.first().map(|account| account.value.ancestors.clone()).unwrap_or_default();
    for id in above {
        let Some(account) = known.get(&id) else { return Err(missing) };
        chain.push(account.clone());
    }
    Ok(Chain(chain))
}

/// The first account of a chain, if who acts may see it.
fn seen(acting: Option<&Acting>, chain: &Chain, now: DateTime<Utc>) -> Option<ManagedAccount> {
    let who = acting.map_or(Who::Program, Who::User);
    let account = &chain.0.first()?.value;
    let allowed = allow_on_account(who, &Action::SeeAccount, account, chain).is_ok();
    allowed.then(|| accounts::seen(who, account, chain, now))
}

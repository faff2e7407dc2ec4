//! Rights, as operations.

use std::collections::BTreeSet;

use super::grant::{self, Grant};
use super::model::{AccessRight, Verdict};
use super::rules::{self, Action, Who};
use crate::account::Account;
use crate::account::rules::Chain;
use crate::decision::No;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{AccountId, SessionId, UserId};
use crate::port::store::Start;
use crate::session::model::Acting;
use crate::user::{Flags, User};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// The embedding program itself: nobody's rights are asked.
    Program,
    /// The user whose session this is.
    Session(SessionId),
}

/// What users may do to each other.
#[derive(Clone, Copy, Debug)]
pub struct Rights<'a>(&'a Portcullis);

impl Portcullis {
    /// What users may do to each other.
    pub const fn rights(&self) -> Rights<'_> {
        Rights(self)
    }
}

/// What an operation on a target found: who acts, or why nobody does.
pub(crate) type Found<T> = Result<(Option<Acting>, T), No>;

impl Rights<'_> {
    /// Asks, without doing it, whether the user of a session may do something to another user.
    ///
    /// ```
    /// use portcullis::rights::{AccessRight, Action, Gate};
    /// # use portcullis::rights::Actor;
    /// # use std::collections::BTreeSet;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let bob = w.user(&account, "bob", None).await?;
    /// # let view = BTreeSet::from([AccessRight::View]);
    /// # security.rights().grant_on_user(Actor::Program, bob.id, alice.id, &view).await?;
    /// let verdict = security.rights().verdict(session.id, &Action::SetDisabled(true), bob.id).await?;
    /// assert_eq!(verdict.missing(), [Gate::Right(AccessRight::EditFlags)]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such user or the actor may not see him.
    pub async fn verdict(
        &self,
        session: SessionId,
        action: &Action,
        target: UserId,
    ) -> Result<Verdict, Error> {
        let engine = &self.0.engine;
        let by = Actor::Session(session);
        engine
            .decide(|t| async move {
                let view = engine.read(&t, starts(by, target.uuid()), Vec::new()).await?;
                Ok(match Engine::on_user(&view, by, target)? {
                    Ok((acting, (target, chain))) => {
                        let who = acting.as_ref().map_or(Who::Program, Who::User);
                        rules::verdict(who, action, &target.value, &chain)
                    }
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// As [`verdict`](Self::verdict), for something done to an account or in it.
    ///
    /// ```
    /// use portcullis::rights::{AccessRight, Action, Gate};
    /// # use portcullis::rights::Actor;
    /// # use std::collections::BTreeSet;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let view = BTreeSet::from([AccessRight::View]);
    /// # security.rights().grant_on_account(Actor::Program, account.id, alice.id, &view).await?;
    /// let verdict = security.rights().verdict_on_account(session.id, &Action::CreateAccount, account.id).await?;
    /// assert_eq!(verdict.missing(), [Gate::Right(AccessRight::ManageAccount)]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn verdict_on_account(
        &self,
        session: SessionId,
        action: &Action,
        target: AccountId,
    ) -> Result<Verdict, Error> {
        let engine = &self.0.engine;
        let by = Actor::Session(session);
        engine
            .decide(|t| async move {
                let view = engine.read(&t, starts(by, target.uuid()), Vec::new()).await?;
                let acting = match Engine::actor(&view, by)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let Some(account) = view.start::<Account>(0)? else {
                    return Ok(rules::nobody(acting.as_ref(), target.uuid()).into());
                };
                let who = acting.as_ref().map_or(Who::Program, Who::User);
                Ok(rules::verdict_on_account(who, action, &view.account_chain(account)?))
            })
            .await
    }

    /// Gives a user exactly these switches.
    ///
    /// ```
    /// use portcullis::rights::Actor;
    /// use portcullis::user::{Flag, Flags};
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// let flags = Flags::default().with(Flag::ChangePassword, true);
    /// let alice = security.rights().set_flags(Actor::Program, alice.id, flags).await?;
    /// assert!(!alice.flags.has(Flag::SendSms));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`, also to who lacks the right `view`; `not_allowed` with the missing gates: the right `edit_flags`, and each flag
    /// granted that the actor lacks.
    pub async fn set_flags(&self, actor: Actor, target: UserId, flags: Flags) -> Result<User, Error> {
        self.change(actor, target, &Action::SetFlags(flags)).await
    }

    /// Switches signing in off or on for a user. Either way every session and pending code of the user is dead.
    ///
    /// ```
    /// use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.rights().set_disabled(Actor::Program, alice.id, true).await?;
    /// assert!(security.sessions().current(session.id).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`, also to who lacks the right `view`; `not_allowed` without the right `edit_flags`.
    pub async fn set_disabled(&self, actor: Actor, target: UserId, disabled: bool) -> Result<User, Error> {
        self.change(actor, target, &Action::SetDisabled(disabled)).await
    }

    async fn change(&self, actor: Actor, target: UserId, action: &Action) -> Result<User, Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let view = engine.read(&t, starts(actor, target.uuid()), Vec::new()).await?;
                Ok(match Engine::on_user(&view, actor, target)? {
                    Ok((acting, (user, chain))) => {
                        let who = acting.as_ref().map_or(Who::Program, Who::User);
                        rules::change_user(who, action, &user, &chain)
                    }
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Lets `to` have exactly these rights on a user; none at all revokes. A revoked right is dead when this returns.
    ///
    /// ```
    /// use portcullis::rights::{AccessRight, Actor};
    /// use std::collections::BTreeSet;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let bob = w.user(&account, "bob", None).await?;
    /// let rights = BTreeSet::from([AccessRight::View, AccessRight::EditFlags]);
    /// security.rights().grant_on_user(Actor::Program, bob.id, alice.id, &rights).await?;
    /// security.rights().set_disabled(Actor::Session(session.id), bob.id, true).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`, also to who lacks the right `view`, and when `to` holds nothing yet and does not
    /// exist or is none whom the actor may see; `not_allowed` with the missing gates: the right `manage_access`, each
    /// right granted that the actor lacks, or `policy` once `grants_per_item` users hold rights on it; `stale_sign_in`
    /// where `to` gets a right that he does not hold there yet.
    pub async fn grant_on_user(
        &self,
        actor: Actor,
        target: UserId,
        to: UserId,
        rights: &BTreeSet<AccessRight>,
    ) -> Result<(), Error> {
        self.0.engine.grant(actor, Item::User(target), to, rights).await
    }

    /// Lets `to` have exactly these rights on an account; none at all revokes. A revoked right is dead when this returns.
    ///
    /// ```
    /// use portcullis::rights::{AccessRight, Actor};
    /// use std::collections::BTreeSet;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let bob = w.user(&account, "bob", None).await?;
    /// let manager = BTreeSet::from([AccessRight::ManageAccount]);
    /// security.rights().grant_on_account(Actor::Program, account.id, alice.id, &manager).await?;
    /// security.rights().set_disabled(Actor::Session(session.id), bob.id, true).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`grant_on_user`](Self::grant_on_user).
    pub async fn grant_on_account(
        &self,
        actor: Actor,
        target: AccountId,
        to: UserId,
        rights: &BTreeSet<AccessRight>,
    ) -> Result<(), Error> {
        self.0.engine.grant(actor, Item::Account(target), to, rights).await
    }
}

/// What rights are granted on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    User(UserId),
    Account(AccountId),
    /// A user or an account.
    Either(uuid::Uuid),
}

impl Engine {
    /// Lets `to` have exactly these rights on an item.
    pub(crate) async fn grant(
        &self,
        actor: Actor,
        item: Item,
        to: UserId,
        rights: &BTreeSet<AccessRight>,
    ) -> Result<(), Error> {
        let (id, user, account) = match item {
            Item::User(id) => (id.uuid(), true, false),
            Item::Account(id) => (id.uuid(), false, true),
            Item::Either(id) => (id, true, true),
        };
        self.decide(|t| async move {
            let mut starts = starts(actor, id);
            starts.push(Start::Id(to.uuid()));
            let view = self.read(&t, starts, Vec::new()).await?;
            let acting = match Self::actor(&view, actor)? {
                Ok(acting) => acting,
                Err(no) => return Ok(no.into()),
            };
            let who = acting.as_ref().map_or(Who::Program, Who::User);
            let found = match view.start::<User>(2)? {
                Some(user) => {
                    let chain = view.chain(&user.value)?;
                    Some((user, chain))
                }
                None => None,
            };
            let grant = Grant { to, rights, found, most: self.policy.grants_per_item, now: t.now };
            if let Some(target) = view.start::<User>(0)?.filter(|_| user) {
                return Ok(grant::on_user(who, &target, &view.chain(&target.value)?, &grant));
            }
            match view.start::<Account>(0)?.filter(|_| account) {
                Some(target) => {
                    let chain = view.account_chain(target.clone())?;
                    Ok(grant::on_account(who, &target, &chain, &grant))
                }
                None => Ok(rules::nobody(acting.as_ref(), id).into()),
            }
        })
        .await
    }
}

/// The target first, then the actor's session.
pub(crate) fn starts(actor: Actor, target: uuid::Uuid) -> Vec<Start> {
    let session = match actor {
        Actor::Program => uuid::Uuid::nil(),
        Actor::Session(session) => session.uuid(),
    };
    vec![Start::Id(target), Start::Id(session)]
}

impl Engine {
    pub(crate) fn actor(view: &View, actor: Actor) -> Result<Result<Option<Acting>, No>, Error> {
        match actor {
            Actor::Program => Ok(Ok(None)),
            Actor::Session(_) => Ok(view.acting(1)?.map(Some)),
        }
    }

    pub(crate) fn on_user(
        view: &View,
        actor: Actor,
        target: UserId,
    ) -> Result<Found<(crate::decision::Stored<User>, Chain)>, Error> {
        let acting = match Self::actor(view, actor)? {
            Ok(acting) => acting,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(user) = view.start::<User>(0)? else {
            return Ok(Err(rules::nobody(acting.as_ref(), target.uuid())));
        };
        let chain = view.chain(&user.value)?;
        Ok(Ok((acting, (user, chain))))
    }
}

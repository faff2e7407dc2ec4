//! Managing users, as operations.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::model::{ManagedUser, UserChange, UserPage};
use super::{reset, rules};
use crate::account::Account;
use crate::account::rules::Chain;
use crate::audit::AuditEvent;
use crate::challenge::Purpose;
use crate::challenge::link::Whose;
use crate::decision::{Decision, Stored};
use crate::engine::commit::Try;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{AccountId, MessageId, UserId};
use crate::port::store::{Key, Page, Start, TrailPage};
use crate::rights::flow::{Item, starts};
use crate::rights::rules::{self as rights, Who};
use crate::rights::{AccessRight, Action, Actor};
use crate::session::model::Acting;
use crate::user::rules::check;
use crate::user::{Login, NewUser, User};

/// What an actor does to the users and accounts below him. His rights are asked in the commit that makes the effect.
#[derive(Clone, Copy, Debug)]
pub struct Manage<'a> {
    security: &'a Portcullis,
    pub(super) actor: Actor,
}

impl Portcullis {
    /// What an actor does to the users and accounts below him.
    pub const fn manage(&self, actor: Actor) -> Manage<'_> {
        Manage { security: self, actor }
    }
}

impl Manage<'_> {
    /// Creates a user in an account; who acts becomes the creator.
    ///
    /// It takes the right `manage_account` there, the flag `create_items`, and each flag that is granted. A password, a
    /// proved address, an id and another creator are only the embedding program's to give. An invited address is sent
    /// the link that sets the first password, which takes a fresh sign-in.
    ///
    /// ```
    /// use portcullis::rights::Actor;
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::rights::AccessRight;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let admin = w.user(&account, "admin", None).await?;
    /// # let all = AccessRight::ALL.into_iter().collect();
    /// # security.rights().grant_on_account(Actor::Program, account.id, admin.id, &all).await?;
    /// # let session = w.sign_in(&admin).await?;
    /// let carol = NewUser::new(Login::parse("carol")?, account.id);
    /// let carol = security.manage(Actor::Session(session.id)).create_user(carol).await?;
    /// assert!(!carol.password_set && carol.creator == Some(admin.id));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_external_id`; `invalid_invitation`; refused `signed_out`; `not_found` when there is no such account or the actor may not see
    /// it; `not_allowed` with the missing gates; `stale_sign_in` with an invited address, and `too_soon` past the budgets of
    /// invitations; `login_taken`; `external_id_taken`.
    pub async fn create_user(&self, new: NewUser) -> Result<ManagedUser, Error> {
        check(&new)?;
        let engine = self.engine();
        let fresh = match new.id {
            Some(id) => id,
            None => UserId::from_uuid(engine.new_id(engine.now())?),
        };
        let invitation = engine.new_invitation(&new)?;
        let new = &new;
        self.on_account_viewing(new.account, |who, chain, view, t| {
            let evidence = rules::Fresh {
                id: fresh,
                taken: crate::user::rules::taken(t),
                invitation: engine.bind_invitation(
                    invitation.as_ref(),
                    new,
                    fresh,
                    chain.0.first(),
                    view,
                    who.id(),
                ),
            };
            rules::create(who, new, evidence, chain, &engine.policy, t.now)
        })
        .await
    }

    /// Shows a user, with who holds rights on him to who may let others have some.
    ///
    /// ```
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// let seen = security.manage(Actor::Program).user(alice.id).await?;
    /// assert_eq!(seen.email.confirmed.as_deref(), Some("a•••@example.com"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such user or the actor may not see him.
    pub async fn user(&self, id: UserId) -> Result<ManagedUser, Error> {
        let policy = &self.engine().policy;
        let mut user = self
            .on_user(id, &[], |who, target, chain, _, t| {
                Ok(rules::show(who, &Action::SeeUser, target, chain, policy, t.now))
            })
            .await?;
        self.engine().name(self.actor, user.rights.as_mut()).await?;
        Ok(user)
    }

    /// Finds a user by login; `None` when there is no such user or the actor may not see him.
    ///
    /// ```
    /// use portcullis::user::Login;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let bob = w.user(&account, "bob", None).await?;
    /// # let session = w.sign_in(&bob).await?;
    /// let bob = security.manage(Actor::Session(session.id));
    /// assert_eq!(bob.user_by_login(&Login::parse("alice")?).await?, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn user_by_login(&self, login: &Login) -> Result<Option<ManagedUser>, Error> {
        let (engine, actor) = (self.engine(), self.actor);
        let nobody = engine.keyring().derive("login", login.as_str().as_bytes());
        engine
            .decide(|t| async move {
                let mut starts = starts(actor, Uuid::nil());
                if let Some(first) = starts.first_mut() {
                    *first = Start::Key(User::login_key(login.as_str()));
                }
                let view = engine.read(&t, starts, Vec::new()).await?;
                let acting = match Engine::actor(&view, actor)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let who = acting.as_ref().map_or(Who::Program, Who::User);
                Ok(match view.start::<User>(0)? {
                    Some(user) => rules::find(who, &user, &view.chain(&user.value)?, &engine.policy, t.now),
                    None => rules::found_nobody(who, nobody),
                })
            })
            .await
    }

    /// Lists the users of an account that the actor may see, by default of his own account, in the order of their ids.
    ///
    /// For one page at most the policy's `page_longest` users are read. Those he may not see are passed over without a
    /// trace, so that a page may hold fewer than asked for, or none: only a missing [`next`](UserPage::next) is the end.
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
    /// let everybody = security.manage(Actor::Program);
    /// let page = everybody.users(Some(account.id), Page { after: None, limit: 100 }).await?;
    /// assert_eq!((page.users[0].id, page.next), (alice.id, None));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such account or the actor may not see it.
    pub async fn users(&self, account: Option<AccountId>, page: Page) -> Result<UserPage, Error> {
        let (engine, actor) = (self.engine(), self.actor);
        let (acting, chain) = engine
            .decide(|t| async move {
                let target = account.map_or(Uuid::nil(), AccountId::uuid);
                let view = engine.read(&t, starts(actor, target), Vec::new()).await?;
                let acting = match Engine::actor(&view, actor)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let found =
                    view.start::<Account>(0)?.map(|account| view.account_chain(account)).transpose()?;
                Ok(rules::list(acting, account, found))
            })
            .await?;
        engine.visible_users(acting.as_ref(), &chain, page).await
    }

    /// Changes a user, all that is named or nothing, in one commit.
    ///
    /// Flags and `disabled` take the right `edit_flags` and each flag that is granted; language, time zone and address
    /// the right `edit_other`. Oneself, it takes the flag `change_settings` for language and time zone. An address takes a
    /// fresh sign-in besides, and waits until the user enters the code that went there.
    ///
    /// ```
    /// use portcullis::manage::UserChange;
    /// use portcullis::user::Flag;
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// let change = UserChange::default().flag(Flag::SendSms, false).disabled(true);
    /// let alice = security.manage(Actor::Program).change_user(alice.id, &change).await?;
    /// assert!(alice.disabled && !alice.flags.has(Flag::SendSms));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`; `not_allowed` with every missing gate; `stale_sign_in` for an address;
    /// `too_soon` past the budget of mailed codes; `locked` while the user may be sent none.
    pub async fn change_user(&self, id: UserId, change: &UserChange) -> Result<ManagedUser, Error> {
        let engine = self.engine();
        let of_address: Vec<_> =
            change.email.iter().map(|address| engine.unconfirmed_address_id(address)).collect();
        let moved = |t: &Try| {
            let notices = change.time_zone.map(|zone| engine.notices_to_move(id, zone, t.now));
            notices.into_iter().flatten().map(Start::Id).collect()
        };
        self.on_user_and(id, &moved, &of_address, |who, target, chain, view, t| {
            let plan = rules::new_address(&target.value, change)
                .map(|address| {
                    let user = rules::changed(&target.value, change);
                    engine.plan(view, &user, Purpose::EmailConfirmation, address)
                })
                .transpose()?;
            let mut decision = rules::change(who, target, chain, change, plan, &engine.policy, t.now);
            engine.move_notices(view, &mut decision.changes, target, chain, t.now)?;
            Ok(decision)
        })
        .await
    }

    /// Ends every session of a user, together with every pending code and remembered browser: all are dead when this
    /// returns. It takes the right `edit_flags`.
    ///
    /// ```
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.manage(Actor::Program).end_sessions(alice.id).await?;
    /// assert!(security.sessions().current(session.id).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`; `not_allowed` without the right.
    pub async fn end_sessions(&self, id: UserId) -> Result<(), Error> {
        self.on_user(id, &[], |who, target, chain, _, _| Ok(reset::end_sessions(who, target, chain))).await
    }

    /// Removes a user's second factor and forgets the wrong codes that may have disabled it; his sessions are dead, and
    /// he is told. It takes the right `edit_flags` and a fresh sign-in; the own factor goes by the
    /// [own settings](crate::two_factor::TwoFactor::disable) alone.
    ///
    /// ```
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// security.manage(Actor::Program).remove_two_factor(alice.id).await?;
    /// assert_eq!(security.users().get(alice.id).await?.two_factor.name(), "none");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`; `stale_sign_in`; `not_allowed` without the right.
    pub async fn remove_two_factor(&self, id: UserId) -> Result<(), Error> {
        let engine = self.engine();
        self.on_user(id, &[], |who, target, chain, view, t| {
            let counted = reset::wrong_codes(&target.value).iter().any(|counter| view.counts(counter));
            let message = MessageId::from_uuid(engine.new_id(t.now)?);
            Ok(reset::remove_two_factor(who, target, chain, counted, message, t.now))
        })
        .await
    }

    /// Sends a link to a user's confirmed address, by which he sets a new password himself, whether or not he may change
    /// it otherwise. It takes the right `edit_flags` and a fresh sign-in; nobody but the user ever sees the link.
    ///
    /// ```
    /// # use portcullis::rights::Actor;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// security.manage(Actor::Program).send_recovery(alice.id).await?;
    /// assert_eq!(w.run_worker().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`; `stale_sign_in`; `not_allowed` with the missing gates: the right, `email_unconfirmed`, `blocked`,
    /// or `policy` where the mailbox carries the second factor and may not; `too_soon` within the policy's
    /// `recovery_cool_down`.
    pub async fn send_recovery(&self, id: UserId) -> Result<(), Error> {
        let engine = self.engine();
        self.on_user(id, &[], |who, target, chain, view, t| {
            let user = &target.value;
            let link = match user.confirmed_email() {
                Some(to) => {
                    let new = engine.new_link(t.now)?;
                    Some(engine.bind_link(new, Whose::from(user), Purpose::Recovery, to))
                }
                None => None,
            };
            let sent = view.count_within(&reset::links_sent(user.id), engine.policy.recovery_cool_down);
            Ok(reset::send_recovery(who, target, chain, link, sent, &engine.policy, t.now))
        })
        .await
    }

    /// Lets `to` have exactly these rights on an item, a user or an account; none at all revokes.
    ///
    /// ```
    /// # use portcullis::rights::{AccessRight, Actor};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// let view = [AccessRight::View].into();
    /// security.manage(Actor::Program).grant(account.id.uuid(), alice.id, &view).await?;
    /// assert!(security.accounts().get(account.id).await?.rights.contains_key(&alice.id));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Rights::grant_on_user`](crate::rights::Rights::grant_on_user).
    pub async fn grant(&self, item: Uuid, to: UserId, rights: &BTreeSet<AccessRight>) -> Result<(), Error> {
        self.engine().grant(self.actor, Item::Either(item), to, rights).await
    }

    /// Gives a page of the audit trail of a user, as [`Portcullis::audit`](crate::Portcullis::audit) does. It takes the
    /// right `view_details`, except for the own one.
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
    /// let trail = security.manage(Actor::Program).trail(alice.id, Page { after: None, limit: 100 }).await?;
    /// assert_eq!(trail[0].action, "user_created");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found`; `not_allowed` without the right.
    pub async fn trail(
        &self,
        id: UserId,
        page: impl Into<TrailPage> + Send,
    ) -> Result<Vec<AuditEvent>, Error> {
        let (page, policy) = (page.into(), &self.engine().policy);
        self.on_user(id, &[], |who, target, chain, _, t| {
            Ok(rules::show(who, &Action::SeeTrail, target, chain, policy, t.now))
        })
        .await?;
        self.security.audit(id, page).await
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.security.engine
    }

    /// Reads a user, and decides for who acts.
    pub(crate) async fn on_user<T: Send>(
        &self,
        id: UserId,
        subjects: &[Uuid],
        decide: impl Fn(Who<'_>, &Stored<User>, &Chain, &View, &Try) -> Result<Decision<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        self.on_user_and(id, &|_| Vec::new(), subjects, decide).await
    }

    /// As [`on_user`](Self::on_user), with further records read, which may depend on the time.
    async fn on_user_and<T: Send>(
        &self,
        id: UserId,
        further: &(dyn Fn(&Try) -> Vec<Start> + Send + Sync),
        subjects: &[Uuid],
        decide: impl Fn(Who<'_>, &Stored<User>, &Chain, &View, &Try) -> Result<Decision<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        let (engine, actor, decide) = (self.engine(), self.actor, &decide);
        engine
            .decide(|t| async move {
                let starts = [starts(actor, id.uuid()), further(&t)].concat();
                let view = engine.read(&t, starts, subjects.to_vec()).await?;
                match Engine::on_user(&view, actor, id)? {
                    Ok((acting, (user, chain))) => {
                        let who = acting.as_ref().map_or(Who::Program, Who::User);
                        decide(who, &user, &chain, &view, &t)
                    }
                    Err(no) => Ok(no.into()),
                }
            })
            .await
    }

    /// Reads an account with those above it, and decides for who acts.
    pub(super) async fn on_account<T: Send>(
        &self,
        id: AccountId,
        decide: impl Fn(Who<'_>, &Chain, &Try) -> Decision<T> + Send + Sync,
    ) -> Result<T, Error> {
        self.on_account_viewing(id, |who, chain, _, t| decide(who, chain, t)).await
    }

    /// As [`Self::on_account`], with all that was read.
    pub(super) async fn on_account_viewing<T: Send>(
        &self,
        id: AccountId,
        decide: impl Fn(Who<'_>, &Chain, &View, &Try) -> Decision<T> + Send + Sync,
    ) -> Result<T, Error> {
        let (engine, actor, decide) = (self.engine(), self.actor, &decide);
        engine
            .decide(|t| async move {
                let mut starts = starts(actor, id.uuid());
                starts.push(engine.schedule_of(id));
                let view = engine.read(&t, starts, Vec::new()).await?;
                let acting = match Engine::actor(&view, actor)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let Some(account) = view.start::<Account>(0)? else {
                    return Ok(rights::nobody(acting.as_ref(), id.uuid()).into());
                };
                let who = acting.as_ref().map_or(Who::Program, Who::User);
                let mut decision = decide(who, &view.account_chain(account)?, &view, &t);
                engine.plan_notices(&view, &mut decision.changes, t.now)?;
                Ok(decision)
            })
            .await
    }
}

impl View {
    /// An account and those above it, nearest first.
    pub(crate) fn account_chain(&self, account: Stored<Account>) -> Result<Chain, Error> {
        let above = account.value.ancestors.clone();
        let mut chain = vec![account];
        for id in above {
            chain.push(
                self.record::<Account>(id.uuid())?.ok_or(Error::Corrupt {
                    kind: "account".into(),
                    why: "an account above it is missing",
                })?,
            );
        }
        Ok(Chain(chain))
    }
}

impl Engine {
    /// The users of an account that who acts may see. Others are passed over without a trace in the page.
    async fn visible_users(
        &self,
        acting: Option<&Acting>,
        chain: &Chain,
        page: Page,
    ) -> Result<UserPage, Error> {
        let who = acting.map_or(Who::Program, Who::User);
        let Some(account) = chain.0.first() else {
            return Ok(UserPage { users: Vec::new(), next: None });
        };
        let key = Key::lookup(User::KIND, "account", account.value.id.to_string());
        let (longest, wanted) = (self.policy.page_longest, page.limit.max(1));
        let read = self.list_page::<User>(&key, Page { limit: longest, ..page }).await?;
        let listed = |user: &User| rules::lists(who, user, chain);
        let (listed, next) = rules::page_of(&read, wanted, longest, |user| user.id.uuid(), listed);
        let now = self.now();
        let next = next.map(UserId::from_uuid);
        let users = listed.into_iter().map(|user| rules::seen(who, user, chain, &self.policy, now)).collect();
        Ok(UserPage { users, next })
    }
}

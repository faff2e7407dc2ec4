//! Users, as operations.

use uuid::Uuid;

use super::model::{Login, NewUser, User};
use super::rules;
use crate::challenge::flow::NewLink;
use crate::decision::{Decision, Reason};
use crate::engine::commit::Try;
use crate::engine::prepared::Prepared;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{AccountId, UserId};
use crate::port::store::Start;

/// Users, as the embedding program itself manages them: nobody's rights are asked.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a>(&'a Portcullis);

impl Portcullis {
    /// Users, as the embedding program itself manages them.
    pub const fn users(&self) -> Users<'_> {
        Users(self)
    }
}

impl Users<'_> {
    /// Creates a user, and sends the invitation if an address is to be invited. With an id given, repeating the call
    /// changes nothing and gives the user.
    ///
    /// ```
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let alice = NewUser::new(Login::parse("alice")?, account.id);
    /// let alice = security.users().create(alice).await?;
    /// assert_eq!(alice.tenant, account.id);
    /// let again = NewUser::new(Login::parse("alice")?, account.id);
    /// assert_eq!(security.users().create(again).await.unwrap_err().to_string(), "the login is taken");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_external_id`; `invalid_invitation`; refused `not_found` when the account or the creator does not exist, `login_taken`,
    /// `address_taken`, `external_id_taken`, `too_soon` past the budget of invitations to the address, `in_use` when the id belongs to a different user, `not_allowed` when the
    /// chain of creators is longer than 16.
    pub async fn create(&self, new: NewUser) -> Result<User, Error> {
        let creation = self.creation(&new)?;
        let creation = &creation;
        self.0.engine.decide(|t| creation.attempt(t)).await
    }

    /// Decides on a new user and leaves it to the host to keep him, in one transaction with rows of its own. A store
    /// that can do so says how, such as `commit_in` of the PostgreSQL store. An invited address gets its mail when that
    /// transaction has been committed.
    ///
    /// ```
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let alice = NewUser::new(Login::parse("alice")?, account.id);
    /// let prepared = security.users().prepare(&alice).await?;
    /// let host_row = prepared.value().id; // what the host's own row refers to
    /// # assert!(prepared.commit().is_some() && !host_row.uuid().is_nil());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`create`](Self::create), except that what others hold is found out only as it is kept: see
    /// [`Prepared::refused`].
    pub async fn prepare(&self, new: &NewUser) -> Result<Prepared<User>, Error> {
        let creation = self.creation(new)?;
        Engine::prepare(&self.0.engine, |t| creation.attempt(t)).await
    }

    fn creation<'new>(&'new self, new: &'new NewUser) -> Result<Creation<'new>, Error> {
        rules::check(new)?;
        let engine = &*self.0.engine;
        let fresh = match new.id {
            Some(id) => id,
            None => UserId::from_uuid(engine.new_id(engine.now())?),
        };
        Ok(Creation { engine, new, fresh, invitation: engine.new_invitation(new)? })
    }

    /// Gives a user.
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
    /// assert_eq!(security.users().get(alice.id).await?.login, alice.login);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; [`Error::Unavailable`] when the store does not answer.
    pub async fn get(&self, id: UserId) -> Result<User, Error> {
        self.find(Start::Id(id.uuid())).await
    }

    /// Finds a user by login.
    ///
    /// ```
    /// use portcullis::user::Login;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// assert_eq!(security.users().by_login(&Login::parse("alice")?).await?.id, alice.id);
    /// assert!(security.users().by_login(&Login::parse("Alice")?).await.is_err(), "logins are compared as written");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; [`Error::Unavailable`] when the store does not answer.
    pub async fn by_login(&self, login: &Login) -> Result<User, Error> {
        self.find(Start::Key(User::login_key(login.as_str()))).await
    }

    /// Finds a user by the id that another system gave, which is unique below one top account.
    ///
    /// ```
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let mut alice = NewUser::new(Login::parse("alice")?, account.id);
    /// alice.external_id = Some("crm-7".to_owned());
    /// let alice = security.users().create(alice).await?;
    /// assert_eq!(security.users().by_external_id(account.tenant, "crm-7").await?.id, alice.id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; [`Error::Unavailable`] when the store does not answer.
    pub async fn by_external_id(&self, tenant: AccountId, external_id: &str) -> Result<User, Error> {
        self.find(Start::Key(User::external_id_key(tenant, external_id))).await
    }

    async fn find(&self, start: Start) -> Result<User, Error> {
        let engine = &self.0.engine;
        let view = engine.read(&engine.look(), vec![start], Vec::new()).await?;
        let user = view.start::<User>(0)?.ok_or(Error::Refused(Reason::NotFound.into()))?;
        Ok(user.value)
    }
}

/// One creation, with what each of its tries shares.
struct Creation<'a> {
    engine: &'a Engine,
    new: &'a NewUser,
    fresh: UserId,
    invitation: Option<NewLink>,
}

impl Creation<'_> {
    async fn attempt(&self, t: Try) -> Result<Decision<User>, Error> {
        let Self { engine, new, fresh, invitation } = self;
        let taken = rules::taken(&t);
        let creator = new.creator.map_or(Uuid::nil(), UserId::uuid);
        let starts = vec![Start::Id(fresh.uuid()), Start::Id(new.account.uuid()), Start::Id(creator)];
        let view = engine.read(&t, starts, Vec::new()).await?;
        let account = view.start(1)?;
        let chain = account.clone().map(|account| view.account_chain(account)).transpose()?;
        let found = rules::Found {
            existing: view.start(0)?,
            invitation: engine.bind_invitation(
                invitation.as_ref(),
                new,
                *fresh,
                account.as_ref(),
                &view,
                None,
            ),
            account,
            lifts: chain.map_or(0, |chain| chain.lifts()),
            creator: view.start(2)?,
            taken,
        };
        Ok(rules::create(new, *fresh, &found, &engine.policy, t.now))
    }
}

//! Sessions, as operations.

use super::model::{Acting, CurrentSession, Session};
use super::rules;
use crate::account::Account;
use crate::account::rules::Chain;
use crate::decision::{Changes, Decision, No};
use crate::engine::Portcullis;
use crate::engine::record::View;
use crate::error::Error;
use crate::id::SessionId;
use crate::port::store::{Page, Start};
use crate::user::User;

/// The label a session token is sealed under.
const TOKEN: &str = "session";

/// Sessions.
#[derive(Clone, Copy, Debug)]
pub struct Sessions<'a>(&'a Portcullis);

impl Portcullis {
    /// Sessions.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }
}

impl View {
    /// A user's accounts, nearest first.
    pub(crate) fn chain(&self, user: &User) -> Result<Chain, Error> {
        let mut chain = Vec::with_capacity(user.ancestors.len() + 1);
        for id in std::iter::once(&user.account).chain(&user.ancestors) {
            let account = self.record::<Account>(id.uuid())?;
            chain.push(account.ok_or(Error::Corrupt {
                kind: "user".into(),
                why: "its account or one above it is missing",
            })?);
        }
        Ok(Chain(chain))
    }

    /// The live session that the `nth` start names.
    pub(crate) fn acting(&self, nth: usize) -> Result<Result<Acting, No>, Error> {
        let session = self.start::<Session>(nth)?;
        let user = match &session {
            Some(session) => self.record::<User>(session.value.user.uuid())?,
            None => None,
        };
        let chain = match &user {
            Some(user) => self.chain(&user.value)?,
            None => Chain(Vec::new()),
        };
        Ok(rules::acting(session, user, chain, self.now()))
    }
}

impl Sessions<'_> {
    /// Gives a session's token: its sealed id, fit for a cookie. Equal ids give equal tokens under one key.
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
    /// let cookie = security.sessions().token(session.id);
    /// assert_eq!(security.sessions().open_token(&cookie), Some(session.id));
    /// # Ok(()) }
    /// ```
    pub fn token(&self, id: SessionId) -> String {
        self.0.keyring().seal_id(TOKEN, id.uuid())
    }

    /// Opens a token; `None` if it is none of ours. Whether the session is alive, [`current`](Self::current) tells.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// assert_eq!(security.sessions().open_token("not ours"), None);
    /// # Ok(()) }
    /// ```
    pub fn open_token(&self, token: &str) -> Option<SessionId> {
        self.0.keyring().open_id(TOKEN, token).map(SessionId::from_uuid)
    }

    /// Gives the live session with this id: one read, current truth.
    ///
    /// Moves its idle limit at most once in `session_moved_every` of the policy. A session found dead is removed, so
    /// that it stays dead if the clock steps back.
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
    /// let current = security.sessions().current(session.id).await?;
    /// assert_eq!(current.login.as_str(), "alice");
    /// w.advance(security.policy().session_idle);
    /// assert!(security.sessions().current(session.id).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out` when it is unknown, ended, idle for too long, or its user was disabled, blocked or changed
    /// credentials.
    pub async fn current(&self, id: SessionId) -> Result<CurrentSession, Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
                Ok(match view.acting(0)? {
                    Ok(acting) => rules::use_it(acting, &engine.policy, t.now),
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Ends a session: a copied cookie is dead when this returns. Ending one that is over already changes nothing.
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
    /// security.sessions().sign_out(session.id).await?;
    /// assert!(security.sessions().current(session.id).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn sign_out(&self, id: SessionId) -> Result<(), Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
                Ok(rules::sign_out(view.start::<Session>(0)?.as_ref()))
            })
            .await
    }

    /// Lists the live sessions of the user whose session this is, oldest first, at most 100.
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
    /// let other = w.sign_in(&alice).await?;
    /// let sessions = security.sessions().list(other.id).await?;
    /// assert_eq!(sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [session.id, other.id]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn list(&self, id: SessionId) -> Result<Vec<Session>, Error> {
        let engine = &self.0.engine;
        let (acting, now) = engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
                Ok(match view.acting(0)? {
                    Ok(acting) => Decision::yes((acting, t.now), Changes::none()),
                    Err(no) => no.into(),
                })
            })
            .await?;
        let user = &acting.user.value;
        // Dead ones are kept until they are purged and must not crowd out the live.
        let page = Page { after: None, limit: 1000 };
        let sessions = engine.list_page::<Session>(&Session::of_user(user.id), page).await?;
        let alive = |session: &Session| rules::death(session, user, &acting.chain, now).is_none();
        Ok(sessions.into_iter().filter(alive).take(100).collect())
    }
}

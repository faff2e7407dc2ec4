//! Sessions, as operations.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::model::{Acting, CurrentSession, ListedSession, Session};
use super::rules;
use crate::account::Account;
use crate::account::rules::Chain;
use crate::challenge::{Challenge, Purpose, rules as challenge_rules};
use crate::decision::{Changes, Decision, No};
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::SessionId;
use crate::port::store::{Page, Start};
use crate::user::{Method, User};

/// The label a session token is sealed under.
const TOKEN: &str = "session";
/// The label a session's handle is sealed under.
const HANDLE: &str = "session handle";
/// How many sessions are listed.
const LISTED: usize = 100;
/// How many records are asked for at once: the store's longest page.
const PAGE: u32 = 1000;

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
        Ok(rules::acting(session, user, chain, self.epoch(), self.now()))
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

    /// Lists the live sessions of the user whose session this is, newest first, at most 100.
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
    /// assert_eq!(sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [other.id, session.id]);
    /// assert!(sessions[0].acting && !sessions[1].acting);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn list(&self, id: SessionId) -> Result<Vec<ListedSession>, Error> {
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
        let live = engine.live_sessions(&acting, now).await?;
        Ok(live.newest.iter().rev().map(|session| rules::listed(session, id)).collect())
    }

    /// Ends another session of the user whose session acts: a copied cookie of it is dead when this returns.
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
    /// security.sessions().end(session.id, other.id).await?;
    /// assert!(security.sessions().current(other.id).await.is_err());
    /// assert!(security.sessions().current(session.id).await.is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_found` when there is no such session or it is another user's.
    pub async fn end(&self, acting: SessionId, other: SessionId) -> Result<(), Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let starts = vec![Start::Id(acting.uuid()), Start::Id(other.uuid())];
                let view = engine.read(&t, starts, Vec::new()).await?;
                Ok(match view.acting(0)? {
                    Ok(acting) => rules::end(&acting, view.start::<Session>(1)?.as_ref()),
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Ends every other session of the user whose session acts, together with every pending code and remembered
    /// browser: all are dead when this returns. The acting session goes on under the fresh id that is given. With no other
    /// session and no pending code there is nothing to end: nothing changes, and it keeps its id.
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
    /// let next = security.sessions().end_others(session.id).await?;
    /// assert!(security.sessions().current(other.id).await.is_err());
    /// assert!(security.sessions().current(session.id).await.is_err(), "it goes on under a fresh id");
    /// assert!(security.sessions().current(next.id).await.is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn end_others(&self, acting: SessionId) -> Result<CurrentSession, Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(acting.uuid())], Vec::new()).await?;
                let fresh = SessionId::from_uuid(engine.new_id(t.now)?);
                Ok(match view.acting(0)? {
                    Ok(acting) => {
                        let others = engine.others(&acting, t.now).await?;
                        rules::end_others(&acting, others, fresh)
                    }
                    Err(no) => no.into(),
                })
            })
            .await
    }

    /// Gives the handle of a session in a list: its id sealed for naming it, which nobody can act by.
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
    /// let handle = security.sessions().handle(session.id);
    /// assert_eq!(security.sessions().open_handle(&handle), Some(session.id));
    /// assert_eq!(security.sessions().open_token(&handle), None, "it is no cookie");
    /// # Ok(()) }
    /// ```
    pub fn handle(&self, id: SessionId) -> String {
        self.0.keyring().seal_id(HANDLE, id.uuid())
    }

    /// Opens a handle; `None` if it is none of ours.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # let w = World::new();
    /// # let security = &w.security;
    /// assert_eq!(security.sessions().open_handle("not ours"), None);
    /// ```
    pub fn open_handle(&self, handle: &str) -> Option<SessionId> {
        self.0.keyring().open_id(HANDLE, handle).map(SessionId::from_uuid)
    }
}

/// The live sessions of a user.
pub(crate) struct LiveSessions {
    /// The newest ones, at most [`LISTED`], the newest last.
    newest: VecDeque<Session>,
    /// How many there are.
    pub(crate) count: u32,
}

impl Engine {
    /// Whether the acting user has another live session, or a living code that would open one.
    async fn others(&self, acting: &Acting, now: DateTime<Utc>) -> Result<bool, Error> {
        if self.live_sessions(acting, now).await?.count > 1 {
            return Ok(true);
        }
        let user = &acting.user.value;
        match user.two_factor {
            // No sign-in waits for a code.
            Method::None => return Ok(false),
            Method::Email | Method::Sms => {}
        }
        let key = Challenge::of_user(user.id);
        let challenges = self.list_page::<Challenge>(&key, Page { after: None, limit: PAGE }).await?;
        let full = u32::try_from(challenges.len()).is_ok_and(|length| length >= PAGE);
        let epoch = self.keyring().epoch();
        Ok(full
            || challenges.iter().any(|challenge| {
                challenge.purpose == Purpose::SignIn
                    && challenge_rules::death(challenge, user, &acting.chain, epoch, now).is_none()
            }))
    }

    /// The live sessions of the acting user. Dead ones are kept until they are purged and do not crowd out the live.
    pub(crate) async fn live_sessions(
        &self,
        acting: &Acting,
        now: DateTime<Utc>,
    ) -> Result<LiveSessions, Error> {
        let (user, epoch) = (&acting.user.value, self.keyring().epoch());
        let key = Session::of_user(user.id);
        let mut live = LiveSessions { newest: VecDeque::new(), count: 0 };
        let mut page = Page { after: None, limit: PAGE };
        loop {
            let sessions = self.list_page::<Session>(&key, page).await?;
            page.after = sessions.last().map(|session| session.id.uuid());
            let full = u32::try_from(sessions.len()).is_ok_and(|length| length >= PAGE);
            let alive = |session: &Session| rules::death(session, user, &acting.chain, epoch, now).is_none();
            for session in sessions.into_iter().filter(alive) {
                live.count = live.count.saturating_add(1);
                live.newest.push_back(session);
                if live.newest.len() > LISTED {
                    live.newest.pop_front();
                }
            }
            if !full {
                return Ok(live);
            }
        }
    }
}

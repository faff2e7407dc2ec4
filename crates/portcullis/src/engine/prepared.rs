//! A decision that somebody else commits, together with rows of his own.

use std::sync::Arc;

use super::commit::{Hit, Try};
use super::{Engine, Portcullis};
use crate::decision::{Decision, PutDraft, Reason};
use crate::error::Error;
use crate::port::store::{Commit, CommitError, Key, Lane};
use crate::user::rules::taken;

/// A change that was decided and is not kept yet: a host keeps it in a transaction of its own, with its own rows.
///
/// Nothing has happened before that transaction was committed, and nothing may be answered before. A commit that is
/// dropped leaves nothing behind. What it decided on is looked at again as it is kept: it may be refused, and is then
/// prepared anew.
#[must_use = "nothing is kept yet"]
pub struct Prepared<T> {
    security: Portcullis,
    reply: T,
    commit: Option<Commit>,
    wakes: bool,
}

impl<T> core::fmt::Debug for Prepared<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Prepared").field("changes", &self.commit.is_some()).finish_non_exhaustive()
    }
}

impl<T> Prepared<T> {
    /// What is to be kept, by a store's method for that; `None` when it has been kept before.
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
    /// assert_eq!(prepared.commit().map(|commit| commit.puts.len()), Some(1));
    /// assert!(security.users().by_login(&alice.login).await.is_err(), "nothing is kept yet");
    /// # Ok(()) }
    /// ```
    pub const fn commit(&self) -> Option<&Commit> {
        self.commit.as_ref()
    }

    /// What is going to be answered once it is kept, such as the user with its id, for the host's own rows.
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
    /// assert_eq!(prepared.value().login.as_str(), "alice");
    /// # Ok(()) }
    /// ```
    pub const fn value(&self) -> &T {
        &self.reply
    }

    /// Says that the transaction was committed: the worker is woken, and the value may be answered.
    ///
    /// ```
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let (security, store) = (&w.security, &w.store);
    /// # let account = w.account("demo").await?;
    /// let alice = NewUser::new(Login::parse("alice")?, account.id);
    /// let prepared = security.users().prepare(&alice).await?;
    /// if let Some(commit) = prepared.commit() {
    ///     store.commit(commit).await?; // or in a transaction of the host's
    /// }
    /// let alice = prepared.kept();
    /// assert_eq!(security.users().get(alice.id).await?.login, alice.login);
    /// # Ok(()) }
    /// ```
    pub fn kept(self) -> T {
        if self.wakes {
            self.security.engine.wake.notify(usize::MAX);
        }
        self.reply
    }

    /// Says what it means that the commit was refused: `login_taken`, `address_taken` or `external_id_taken`;
    /// [`Error::Contended`] when others were faster, and preparing anew may succeed; [`Error::Unknown`] when nobody knows
    /// whether it happened; [`Error::Unavailable`] when the store failed. The host's transaction is to be rolled back.
    ///
    /// ```
    /// use portcullis::port::store::CommitError;
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let (security, store) = (&w.security, &w.store);
    /// # let account = w.account("demo").await?;
    /// let new = NewUser::new(Login::parse("alice")?, account.id);
    /// let prepared = security.users().prepare(&new).await?;
    /// security.users().create(new).await?; // somebody is faster
    /// let refused = store.commit(prepared.commit().unwrap()).await.unwrap_err();
    /// assert_eq!(prepared.refused(refused).to_string(), "the login is taken");
    /// # Ok(()) }
    /// ```
    #[must_use = "it is the answer"]
    pub fn refused(&self, why: CommitError) -> Error {
        match why {
            CommitError::Conflict | CommitError::Exhausted(_) => Error::Contended,
            CommitError::Duplicate(key) => {
                self.duplicate(key).map_or(Error::Contended, |reason| Error::Refused(reason.into()))
            }
            CommitError::Unknown => match &self.commit {
                Some(commit) => Error::Unknown(commit.id),
                None => Error::Contended,
            },
            CommitError::Port(error) => Error::Unavailable(error),
        }
    }

    fn duplicate(&self, key: Key) -> Option<Reason> {
        taken(&Try { now: self.security.now(), hit: Some(Hit::Duplicate(key)) })
    }
}

impl Engine {
    /// Decides once and gives what is to be kept. What only a commit can tell, such as how many attempts are left, is
    /// not asked for by what is prepared.
    pub(crate) async fn prepare<T, F, Fut>(this: &Arc<Self>, attempt: F) -> Result<Prepared<T>, Error>
    where
        F: FnOnce(Try) -> Fut + Send,
        Fut: Future<Output = Result<Decision<T>, Error>> + Send,
        T: Send,
    {
        let t = this.look();
        let now = t.now;
        let Decision { reply, changes, .. } = attempt(t).await?;
        let reply = reply.map_err(Error::Refused)?;
        let due = |put: &PutDraft| put.due.is_some_and(|(lane, at)| lane != Lane::Dead && at <= now);
        let wakes = !changes.messages.is_empty() || changes.puts.iter().any(due);
        let commit = if changes.is_empty() { None } else { Some(this.seal(changes, now)?) };
        Ok(Prepared { security: Portcullis { engine: Arc::clone(this) }, reply, commit, wakes })
    }
}

//! The password, as operations of its owner.

use std::sync::{Mutex, PoisonError};

use super::rules::{self, Asked, Checked, FreshIds, NewHash};
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{MessageId, SessionId};
use crate::port::hasher::PasswordHash;
use crate::port::store::Start;
use crate::secret::Password;
use crate::session::CurrentSession;
use crate::sign_in::Attempt;
use crate::sign_in::flow::{Memo, slow};

/// The password of the user whose session acts.
#[derive(Clone, Copy, Debug)]
pub struct PasswordRoom<'a>(&'a Portcullis);

impl Portcullis {
    /// The password of the user whose session acts.
    pub const fn password(&self) -> PasswordRoom<'_> {
        PasswordRoom(self)
    }
}

/// What was found out about the new password, kept over the tries of one operation: it depends on nothing stored.
#[derive(Default)]
pub(crate) struct NewMemo {
    compromised: Mutex<Option<bool>>,
    hash: Mutex<Option<PasswordHash>>,
}

impl NewMemo {
    pub(crate) async fn is_compromised(&self, engine: &Engine, new: &Password) -> Result<bool, Error> {
        if let Some(known) = *self.compromised.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(known);
        }
        let found = engine.compromised.is_compromised(new).await?;
        *self.compromised.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(found)
    }

    pub(crate) async fn hash(&self, engine: &Engine, new: &Password) -> Result<PasswordHash, Error> {
        if let Some(known) = self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        let made = engine.hasher.hash(new, engine.random_bytes()?).await.map_err(slow)?;
        *self.hash.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made)
    }
}

impl PasswordRoom<'_> {
    /// Changes the password by the current one; `new` is typed twice. The acting session goes on under a fresh id,
    /// every other one is dead, what waited for a code is dropped, and the confirmed address is told.
    ///
    /// The session need not be fresh: the current password is asked here. Wrong ones are counted as at a sign-in, and
    /// against `password_change_failures` besides.
    ///
    /// ```
    /// use portcullis::secret::Password;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let current = Password::parse(PASSWORD.to_owned(), "current")?;
    /// let new = Password::parse("seven quiet lanterns".to_owned(), "new")?;
    /// let next = security.password().change(session.id, &current, &new, &new, &attempt()).await?;
    /// assert!(security.sessions().current(session.id).await.is_err(), "the old id is dead");
    /// assert!(security.sessions().current(next.id).await.is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` with the gate `change_password`; `too_many_attempts`; `repeat_differs`;
    /// `weak_password` with every reason ([`Refusal::reasons`](crate::decision::Refusal::reasons)); `bad_credentials`
    /// for a wrong current password; `unchanged` when the new one is the current one. [`Error::Busy`] when too many
    /// passwords wait, [`Error::Unavailable`] also when nobody can say whether the new one is compromised.
    pub async fn change(
        &self,
        session: SessionId,
        current: &Password,
        new: &Password,
        repeat: &Password,
        attempt: &Attempt,
    ) -> Result<CurrentSession, Error> {
        let engine = &self.0.engine;
        let (memo, new_memo) = (Memo::default(), NewMemo::default());
        let (memo, new_memo) = (&memo, &new_memo);
        engine
            .decide(|t| async move {
                let policy = &engine.policy;
                let source = engine.source_id(&attempt.source);
                let device = engine.open_device(attempt.device.as_deref());
                let mut subjects = vec![source];
                subjects.extend(device.map(|device| device.id));
                let view = engine.read(&t, vec![Start::Id(session.uuid())], subjects).await?;
                let acting = match view.acting(0)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let user = &acting.user.value;
                let who = user.id.uuid();
                let failures = rules::change_failures(who);
                let asked = Asked {
                    knock: engine.knock(&view, Some(acting.user.clone()), who, device, source)?,
                    failures: view.count_within(&failures, policy.password_change_failures.within),
                    repeated: rules::same(new, repeat),
                    weaknesses: rules::weaknesses(new, user, &engine.product, policy),
                };
                if let Err(no) = rules::look(&acting, &asked, policy, t.now) {
                    return Ok(no.into());
                }
                let checked = Checked {
                    proof: memo.check(engine, current, user.password.as_ref(), false).await?,
                    unchanged: rules::same(new, current),
                };
                let pins = match rules::prove(&acting, &asked, &checked, policy, t.now) {
                    Ok(pins) => pins,
                    Err(no) => return Ok(no.into()),
                };
                if new_memo.is_compromised(engine, new).await? {
                    return Ok(rules::refuse_common(&acting, pins));
                }
                let hashed = NewHash {
                    hash: new_memo.hash(engine, new).await?,
                    long_enough_alone: rules::stands_alone(new, policy),
                };
                let ids = FreshIds {
                    session: SessionId::from_uuid(engine.new_id(t.now)?),
                    notice: MessageId::from_uuid(engine.new_id(t.now)?),
                };
                Ok(rules::change(&acting, &asked, pins, hashed, ids, t.now))
            })
            .await
    }
}

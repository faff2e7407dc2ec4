//! The loop of every operation that changes something: decide, seal, commit, and only then answer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Engine, record};
use crate::audit::AuditEvent;
use crate::decision::{Changes, Decision, PutDraft, Refusal};
use crate::error::Error;
use crate::id::{CommitId, uuid_v7};
use crate::message::model::Message;
use crate::port::store::{Commit, CommitError, Counter, Counts, Delete, Expect, Guard, Key, Lane};

/// One try of an operation.
#[derive(Debug)]
pub(crate) struct Try {
    /// The time of this try.
    pub(crate) now: DateTime<Utc>,
    /// What the last try ran into.
    pub(crate) hit: Option<Hit>,
}

/// What a commit ran into: evidence for the next try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    /// The counter did not allow its step.
    Exhausted(Counter),
    /// Another record holds the key.
    Duplicate(Key),
}

impl Try {
    /// Whether the last try found a unique key of this name taken.
    pub(crate) fn found_taken(&self, name: &str) -> bool {
        matches!(&self.hit, Some(Hit::Duplicate(key)) if key.name == name)
    }
}

impl Engine {
    /// Tries an operation until its decision is kept, and gives its answer only then.
    ///
    /// `attempt` reads once and decides; it is asked again, with what was hit, when others were faster. A decision
    /// without changes needs no commit.
    // INVARIANT: a reply leaves only after the commit of its changes returned `Ok`.
    pub(crate) async fn decide<T, F, Fut>(&self, attempt: F) -> Result<T, Error>
    where
        F: Fn(Try) -> Fut + Send,
        Fut: Future<Output = Result<Decision<T>, Error>> + Send,
        T: Send,
    {
        let mut hit = None;
        for _ in 0..self.policy.commit_tries {
            let now = self.now();
            let Decision { reply, changes, attempts } = attempt(Try { now, hit: hit.take() }).await?;
            if changes.is_empty() {
                return reply.map_err(Error::Refused);
            }
            let due = |put: &PutDraft| put.due.is_some_and(|(lane, at)| lane != Lane::Dead && at <= now);
            let wakes = !changes.messages.is_empty() || changes.puts.iter().any(due);
            let commit = self.seal(changes, now)?;
            match self.keep(&commit).await {
                Ok(counts) => {
                    if wakes {
                        self.wake.notify(usize::MAX);
                    }
                    return reply.map_err(|refusal| Error::Refused(settle(refusal, attempts, &counts)));
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Exhausted(counter)) => hit = Some(Hit::Exhausted(counter)),
                Err(CommitError::Duplicate(key)) => hit = Some(Hit::Duplicate(key)),
                Err(CommitError::Unknown) => return Err(Error::Unknown(commit.id)),
                Err(CommitError::Port(error)) => return Err(Error::Unavailable(error)),
            }
        }
        Err(Error::Contended)
    }

    /// Commits, and resolves a lost answer by committing the same value again: it is never decided anew.
    pub(super) async fn keep(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let mut lost = false;
        for _ in 0..=self.policy.unknown_tries {
            match self.store.commit(commit).await {
                Err(CommitError::Unknown) => lost = true,
                // INVARIANT: while an earlier try may have happened, a failing store tells nothing about it.
                Err(CommitError::Port(_)) if lost => return Err(CommitError::Unknown),
                outcome => return outcome,
            }
        }
        Err(CommitError::Unknown)
    }

    /// Gives everything its id and time, and seals the messages.
    pub(crate) fn seal(&self, changes: Changes, now: DateTime<Utc>) -> Result<Commit, Error> {
        let Changes { puts, guards, deletes, counters, events, messages, once } = changes;
        let mut ids = IdRun { now, random: self.random_bytes()? };
        let audit: Vec<AuditEvent> = events.into_iter().map(|event| event.at(ids.next_id(), now)).collect();
        let id = CommitId::from_uuid(audit.first().map_or_else(|| ids.next_id(), |event| event.id));
        let mut sealed = Vec::with_capacity(puts.len() + messages.len());
        for mut put in puts {
            if put.expect == Expect::Absent && once.contains(&put.id) {
                put.expect = Expect::AbsentElseSkip { at: None };
            }
            sealed.push(put.into_put()?);
        }
        let keyring = self.keyring();
        for draft in messages {
            let once_at = draft.once_at.clone();
            let message = Message::sealed(draft, &keyring, self.random_bytes()?, now)?;
            let mut put = PutDraft::new(&message, Expect::Absent, record::write(&message));
            if once_at.is_some() || once.contains(&put.id) {
                put.expect = Expect::AbsentElseSkip { at: once_at };
            }
            sealed.push(put.into_put()?);
        }
        Ok(Commit {
            id,
            now,
            puts: sealed,
            guards: guards.into_iter().map(|(id, version)| Guard { id, version }).collect(),
            deletes: deletes.into_iter().map(|(id, version)| Delete { id, version }).collect(),
            counters,
            audit,
        })
    }
}

/// Fills in what only the commit knows.
fn settle(refusal: Refusal, attempts: Option<(Counter, u32)>, counts: &Counts) -> Refusal {
    match attempts {
        Some((counter, limit)) => {
            let used = counts.get(&counter).map_or(0, |count| count.value);
            refusal.with_attempts_left(limit.saturating_sub(used))
        }
        None => refusal,
    }
}

/// Ids of one commit: made of one draw of randomness, each one more than the last, so that they sort in order.
struct IdRun {
    now: DateTime<Utc>,
    random: [u8; 10],
}

impl IdRun {
    fn next_id(&mut self) -> Uuid {
        let id = uuid_v7(self.now, self.random);
        for byte in self.random.iter_mut().rev() {
            let (more, carried) = byte.overflowing_add(1);
            *byte = more;
            if !carried {
                break;
            }
        }
        id
    }
}

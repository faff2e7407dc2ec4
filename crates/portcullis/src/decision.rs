//! Decisions: the answer of a rule plus everything that must be kept for it, as one value.

mod reason;

pub use reason::Reason;

use core::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::audit::Event;
use crate::engine::record;
use crate::error::Error;
use crate::message::Draft;
use crate::password::Weakness;
use crate::port::store::{Counter, CounterOp, Expect, Key, Kind, Lane, Put, Record};
use crate::rights::Gate;

mod kept;

/// Something that is kept as a record.
///
/// The record's keys, references and due time follow from the value, so a rule that changes the value cannot forget
/// them.
pub trait Entity: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {
    /// The kind of its records.
    const KIND: Kind;
    /// The schema number of its body; a release also reads the next one, and refuses to write it.
    const V: u32;

    /// Its id.
    fn id(&self) -> Uuid;
    /// The schema number its body was read with; [`Entity::V`] for a new value.
    fn schema(&self) -> u32;
    /// The top account it belongs to.
    fn tenant(&self) -> Uuid;
    /// The keys it is found by.
    fn keys(&self) -> Vec<Key>;
    /// The records it refers to.
    fn refs(&self) -> Vec<Uuid>;
    /// When it is due, and in which lane.
    fn due(&self) -> Option<(Lane, DateTime<Utc>)>;
}

/// A value as it was read, with the version it had.
#[derive(Clone, Debug)]
pub struct Stored<E> {
    /// The value.
    pub value: E,
    version: u64,
    body: String,
}

impl<E> Stored<E> {
    pub(crate) const fn new(value: E, version: u64, body: String) -> Self {
        Self { value, version, body }
    }
}

/// A record to be written, its body not yet put into words.
pub(crate) struct PutDraft {
    pub(crate) id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) kind: Kind,
    pub(crate) keys: Vec<Key>,
    pub(crate) refs: Vec<Uuid>,
    pub(crate) due: Option<(Lane, DateTime<Utc>)>,
    pub(crate) body: Result<String, &'static str>,
    pub(crate) expect: Expect,
}

impl PutDraft {
    pub(crate) fn new<E: Entity>(value: &E, expect: Expect, body: Result<String, &'static str>) -> Self {
        Self {
            id: value.id(),
            tenant: value.tenant(),
            kind: E::KIND,
            keys: value.keys(),
            refs: value.refs(),
            due: value.due(),
            body,
            expect,
        }
    }

    pub(crate) fn into_put(self) -> Result<Put, Error> {
        let body = match self.body {
            Ok(body) => body,
            Err(why) => return Err(Error::Corrupt { kind: self.kind.as_str().to_owned().into(), why }),
        };
        let record = Record {
            tenant: self.tenant,
            kind: self.kind,
            id: self.id,
            version: 0,
            keys: self.keys,
            refs: self.refs,
            due: self.due,
            body,
        };
        Ok(Put { record, expect: self.expect })
    }
}

/// Everything a decision keeps: written in one commit, or not at all.
#[derive(Default)]
#[must_use]
pub struct Changes {
    pub(crate) puts: Vec<PutDraft>,
    pub(crate) guards: Vec<(Uuid, u64)>,
    pub(crate) deletes: Vec<(Uuid, u64)>,
    pub(crate) counters: Vec<(Counter, CounterOp)>,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: Vec<Draft>,
    /// Ids under which what is new is skipped if they exist.
    pub(crate) once: Vec<Uuid>,
}

impl Changes {
    /// Nothing yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// Writes a changed value under the version it was read at.
    pub fn put<E: Entity>(&mut self, stored: &Stored<E>) -> &mut Self {
        let body = record::rewrite(&stored.value, &stored.body);
        self.draft(&stored.value, Expect::Version(stored.version), body)
    }

    /// Writes a new value.
    pub fn insert<E: Entity>(&mut self, value: &E) -> &mut Self {
        self.draft(value, Expect::Absent, record::write(value))
    }

    /// Writes a new value unless its id exists already, and with `at` only once that counter has reached the value.
    pub fn insert_once<E: Entity>(&mut self, value: &E, at: Option<(Counter, u32)>) -> &mut Self {
        self.draft(value, Expect::AbsentElseSkip { at }, record::write(value))
    }

    /// Pins a value that the decision rests on but does not change.
    pub fn guard<E: Entity>(&mut self, stored: &Stored<E>) -> &mut Self {
        self.guards.push((stored.value.id(), stored.version));
        self
    }

    /// Removes a value.
    pub fn delete<E: Entity>(&mut self, stored: &Stored<E>) -> &mut Self {
        self.deletes.push((stored.value.id(), stored.version));
        self
    }

    /// Takes a step on a counter.
    pub fn count(&mut self, counter: Counter, op: CounterOp) -> &mut Self {
        self.counters.push((counter, op));
        self
    }

    /// Adds a line to the trail.
    pub(crate) fn event(&mut self, event: Event) -> &mut Self {
        self.events.push(event);
        self
    }

    /// Sends a message, once this is kept.
    pub fn send(&mut self, message: Draft) -> &mut Self {
        self.messages.push(message);
        self
    }

    /// What is new under one of these ids is skipped if the id exists already.
    pub(crate) fn only_if_absent<const N: usize>(&mut self, ids: [Uuid; N]) -> &mut Self {
        self.once.extend(ids);
        self
    }

    /// What a refusal keeps that tells more than a wrong guess would: the limits that the guess had to be within.
    // INVARIANT: a right guess that is refused for another reason leaves only while its limits hold, like any other.
    pub(crate) fn into_pins(self) -> Self {
        let pins = |(_, op): &(Counter, CounterOp)| matches!(op, CounterOp::Below { .. });
        Self { counters: self.counters.into_iter().filter(pins).collect(), ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.guards.is_empty()
            && self.deletes.is_empty()
            && self.counters.is_empty()
            && self.events.is_empty()
            && self.messages.is_empty()
    }

    fn draft<E: Entity>(
        &mut self,
        value: &E,
        expect: Expect,
        body: Result<String, &'static str>,
    ) -> &mut Self {
        self.puts.push(PutDraft::new(value, expect, body));
        self
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("puts", &self.puts.iter().map(|put| (&put.kind, put.id)).collect::<Vec<_>>())
            .field("guards", &self.guards)
            .field("deletes", &self.deletes)
            .field("counters", &self.counters)
            .field("events", &self.events)
            .field("messages", &self.messages.len())
            .field("once", &self.once)
            .finish()
    }
}

/// The answer, and what must be kept before it may leave. A refusal too can carry changes: a wrong code is refused
/// *and* counted, in one value.
#[derive(Debug)]
#[must_use = "an answer whose changes are not committed must not leave"]
pub struct Decision<T> {
    /// The answer.
    pub reply: Result<T, Refusal>,
    /// What must be kept for it.
    pub changes: Changes,
    /// The counter of attempts whose rest the refusal names, and its limit.
    pub(crate) attempts: Option<(Counter, u32)>,
}

impl<T> Decision<T> {
    /// Yes, if this is kept.
    pub fn yes(reply: T, changes: Changes) -> Self {
        Self { reply: Ok(reply), changes, attempts: None }
    }

    /// No, and this is kept.
    pub fn no(refusal: Refusal, changes: Changes) -> Self {
        Self { reply: Err(refusal), changes, attempts: None }
    }

    /// The same decision with its yes put in other words.
    pub fn map<U>(self, words: impl FnOnce(T) -> U) -> Decision<U> {
        Decision { reply: self.reply.map(words), changes: self.changes, attempts: self.attempts }
    }

    /// The refusal will name how many attempts are left, as the commit counted them.
    pub fn naming_attempts(mut self, counter: Counter, limit: u32) -> Self {
        self.attempts = Some((counter, limit));
        self
    }
}

/// A no on its way out of the middle of a rule, with what must be kept for it.
#[derive(Debug)]
#[must_use = "an answer whose changes are not committed must not leave"]
pub(crate) struct No(Box<Decision<core::convert::Infallible>>);

impl No {
    pub(crate) fn new(refusal: Refusal, changes: Changes) -> Self {
        Self(Box::new(Decision::no(refusal, changes)))
    }

    /// What is kept for it.
    pub(crate) fn changes_mut(&mut self) -> &mut Changes {
        &mut self.0.changes
    }

    /// As [`Decision::naming_attempts`].
    pub(crate) fn naming_attempts(mut self, counter: Counter, limit: u32) -> Self {
        self.0.attempts = Some((counter, limit));
        self
    }
}

impl<T> From<No> for Decision<T> {
    fn from(no: No) -> Self {
        no.0.map(|never| match never {})
    }
}

/// A rule said no: why, and what the caller may be told beside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .reason.text())]
pub struct Refusal {
    reason: Reason,
    missing: Vec<Gate>,
    reasons: Vec<Weakness>,
    attempts_left: Option<u32>,
    retry_after: Option<u32>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, missing: Vec::new(), reasons: Vec::new(), attempts_left: None, retry_after: None }
    }
}

impl Refusal {
    /// A verdict said no: every missing gate is named.
    pub fn not_allowed(missing: Vec<Gate>) -> Self {
        Self { missing, ..Self::from(Reason::NotAllowed) }
    }

    /// A new password is too weak: every reason is named.
    pub fn weak_password(reasons: Vec<Weakness>) -> Self {
        Self { reasons, ..Self::from(Reason::WeakPassword) }
    }

    /// It helps to wait until then. Less than a second counts as one.
    #[must_use]
    pub fn until(mut self, instant: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        self.retry_after = instant.map(|at| {
            let millis = (at - now).num_milliseconds().max(1);
            u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
        });
        self
    }

    /// Names how many attempts are left.
    #[must_use]
    pub fn with_attempts_left(mut self, left: u32) -> Self {
        self.attempts_left = Some(left);
        self
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Why, as a stable code.
    pub const fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// The gates that are missing, all of them.
    pub fn missing(&self) -> &[Gate] {
        &self.missing
    }

    /// Why a new password is too weak, all reasons.
    pub fn reasons(&self) -> &[Weakness] {
        &self.reasons
    }

    /// How many attempts are left.
    pub const fn attempts_left(&self) -> Option<u32> {
        self.attempts_left
    }

    /// After how many seconds waiting helps.
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }
}

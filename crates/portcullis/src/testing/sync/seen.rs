//! What arrived, and what the trail says: read and asserted on.

use core::ops::Deref;

use crate::audit::AuditEvent;
use crate::message::MessageKind;
use crate::port::message::Mail;
use crate::secret::LinkToken;
use crate::testing::mailbox;

/// A message that arrived, and what it tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrived<M> {
    /// What it tells.
    pub kind: MessageKind,
    /// The message.
    pub message: M,
}

/// The messages that arrived for one user, oldest first: a slice of [`Arrived`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Seen<M> {
    whose: String,
    messages: Vec<Arrived<M>>,
}

impl<M> Deref for Seen<M> {
    type Target = [Arrived<M>];

    fn deref(&self) -> &[Arrived<M>] {
        &self.messages
    }
}

#[expect(clippy::panic, reason = "what a test did not expect fails it, with what there is")]
impl<M> Seen<M> {
    pub(super) const fn new(whose: String, messages: Vec<Arrived<M>>) -> Self {
        Self { whose, messages }
    }

    /// The kinds, oldest first.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.messages.iter().map(|arrived| arrived.kind.name()).collect()
    }

    /// How many there are of a kind.
    ///
    /// # Panics
    /// When there is no such kind at all.
    #[track_caller]
    pub fn count(&self, kind: &str) -> usize {
        let kind = kind_of(kind);
        self.messages.iter().filter(|arrived| arrived.kind == kind).count()
    }

    /// The newest of a kind.
    ///
    /// # Panics
    /// When none arrived, or there is no such kind at all.
    #[track_caller]
    pub fn last_of(&self, kind: &str) -> &M {
        let wanted = kind_of(kind);
        match self.messages.iter().rev().find(|arrived| arrived.kind == wanted) {
            Some(arrived) => &arrived.message,
            None => panic!("expected `{kind}` for {}, but there is {}", self.whose, self.told()),
        }
    }

    /// Asserts that these arrived, in this order, and nothing else.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").two_factor_email().create();
    /// w.sign_in(&alice).code_required();
    /// w.run_worker();
    /// w.mail(&alice).assert_kinds(["sign_in_code"]);
    /// w.sms(&alice).assert_none();
    /// ```
    ///
    /// # Panics
    /// When something else did, or there is no such kind at all.
    #[track_caller]
    pub fn assert_kinds<const N: usize>(&self, kinds: [&str; N]) {
        for kind in kinds {
            kind_of(kind);
        }
        let wanted = if N == 0 { "nothing".to_owned() } else { kinds.join(", ") };
        assert!(self.kinds() == kinds, "expected {wanted} for {}, but there is {}", self.whose, self.told());
    }

    /// Asserts that nothing arrived.
    ///
    /// # Panics
    /// When something did.
    #[track_caller]
    pub fn assert_none(&self) {
        self.assert_kinds([]);
    }

    fn told(&self) -> String {
        if self.messages.is_empty() { "nothing".to_owned() } else { self.kinds().join(", ") }
    }
}

impl Seen<Mail> {
    /// The link in the newest mail that carries one.
    pub fn last_link(&self) -> Option<LinkToken> {
        self.messages.iter().rev().find_map(|arrived| mailbox::link_in(&arrived.message))
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a kind that is misspelt would count as none for ever")]
fn kind_of(name: &str) -> MessageKind {
    if let Some(kind) = MessageKind::ALL.into_iter().find(|kind| kind.name() == name) {
        return kind;
    }
    let all: Vec<_> = MessageKind::ALL.iter().map(|kind| kind.name()).collect();
    panic!("no message is called `{name}`; there are {}", all.join(", "))
}

/// The audit trail of one user, oldest first: a slice of [`AuditEvent`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Trail {
    whose: String,
    events: Vec<AuditEvent>,
}

impl Deref for Trail {
    type Target = [AuditEvent];

    fn deref(&self) -> &[AuditEvent] {
        &self.events
    }
}

impl Trail {
    pub(super) const fn new(whose: String, events: Vec<AuditEvent>) -> Self {
        Self { whose, events }
    }

    /// What happened, oldest first.
    pub fn actions(&self) -> Vec<&str> {
        self.events.iter().map(|event| &*event.action).collect()
    }

    /// How often something happened.
    pub fn count(&self, action: &str) -> usize {
        self.events.iter().filter(|event| event.action == action).count()
    }

    /// Asserts that something happened, and gives it, the newest if it happened more than once.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").create();
    /// w.sign_in_with(&alice, "a wrong password").refused();
    /// assert_eq!(w.audit(&alice).assert_has("sign_in_refused").reason.as_deref(), Some("wrong_password"));
    /// w.audit(&alice).assert_lacks("signed_in");
    /// ```
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    #[expect(clippy::panic, reason = "what a test did not expect fails it, with what there is")]
    pub fn assert_has(&self, action: &str) -> &AuditEvent {
        match self.events.iter().rev().find(|event| event.action == action) {
            Some(event) => event,
            None => panic!("the trail of {} has no `{action}`, but {}", self.whose, self.told()),
        }
    }

    /// Asserts that something did not happen.
    ///
    /// # Panics
    /// When it did.
    #[track_caller]
    pub fn assert_lacks(&self, action: &str) {
        assert!(self.count(action) == 0, "the trail of {} has `{action}`: {}", self.whose, self.told());
    }

    fn told(&self) -> String {
        let told = |event: &AuditEvent| match &event.reason {
            Some(reason) => format!("{} ({reason})", event.action),
            None => event.action.clone().into_owned(),
        };
        let all: Vec<_> = self.events.iter().map(told).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    }
}

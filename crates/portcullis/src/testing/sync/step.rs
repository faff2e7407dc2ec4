//! What came of what somebody did: taken apart by the word the test expects.

use core::fmt;
use core::ops::Deref;

use super::world::World;
use crate::challenge::{Channel, PendingCode};
use crate::decision::Refusal;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::secret::Code;
use crate::session::CurrentSession;
use crate::sign_in::{CodeResult, SignInResult};
use crate::testing::block_on;
use crate::testing::usual::{attempt, source};

/// What came of an operation.
#[must_use = "say what is expected of it: `done`, `refused`, .."]
pub struct Outcome<T>(Result<T, Error>);

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[expect(clippy::panic, reason = "what a test did not expect fails it, with what happened")]
impl<T: fmt::Debug> Outcome<T> {
    pub(super) const fn of(result: Result<T, Error>) -> Self {
        Self(result)
    }

    /// It was done; gives what it gave.
    ///
    /// # Panics
    /// When it was refused or failed.
    #[track_caller]
    pub fn done(self) -> T {
        match self.0 {
            Ok(done) => done,
            Err(error) => panic!("expected it to be done, but {}", told(&error)),
        }
    }

    /// A rule said no.
    ///
    /// # Panics
    /// When it was done, or failed without being refused.
    #[track_caller]
    pub fn refused(self) -> Refused {
        match self.0 {
            Ok(done) => panic!("expected a refusal, but it was done: {done:?}"),
            Err(Error::Refused(refusal)) => Refused(refusal),
            Err(error) => panic!("expected a refusal, but {}", told(&error)),
        }
    }

    /// It has no answer, and no rule said no: the input is wrong, an adapter failed.
    ///
    /// # Panics
    /// When it was done or refused.
    #[track_caller]
    pub fn failed(self) -> Error {
        match self.0 {
            Ok(done) => panic!("expected a failure, but it was done: {done:?}"),
            Err(error @ Error::Refused(_)) => panic!("expected a failure, but {}", told(&error)),
            Err(error) => error,
        }
    }

    /// As the operation gave it.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn into_result(self) -> Result<T, Error> {
        self.0
    }
}

impl Outcome<CurrentSession> {
    /// It opened a session, or made it fresh.
    ///
    /// # Panics
    /// When it was refused or failed.
    #[track_caller]
    pub fn admitted(self) -> CurrentSession {
        self.done()
    }
}

/// What an error tells, with all that it names.
pub(super) fn told(error: &Error) -> String {
    let Error::Refused(refusal) = error else { return format!("it failed: {error}") };
    let mut told = format!("it was refused `{}`: {}", refusal.code(), refusal.reason().text());
    if !refusal.missing().is_empty() {
        let missing: Vec<_> = refusal.missing().iter().map(|gate| gate.name()).collect();
        told = format!("{told}; missing: {}", missing.join(", "));
    }
    if !refusal.reasons().is_empty() {
        let reasons: Vec<_> = refusal.reasons().iter().map(|reason| reason.name()).collect();
        told = format!("{told}; reasons: {}", reasons.join(", "));
    }
    if let Some(left) = refusal.attempts_left() {
        told = format!("{told}; attempts left: {left}");
    }
    if let Some(seconds) = refusal.retry_after() {
        told = format!("{told}; it helps to wait {seconds} s");
    }
    told
}

/// A rule's no, as tests compare it. Everything else of it is [`Refusal`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(Refusal);

impl Refused {
    /// The names of the missing gates, in the order of the verdict.
    pub fn missing(&self) -> Vec<&'static str> {
        self.0.missing().iter().map(|gate| gate.name()).collect()
    }
}

impl Deref for Refused {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

/// What came of a login and a password.
#[derive(Debug)]
#[must_use = "say what is expected of it: `admitted`, `code_required`, `refused`"]
pub struct SignedIn<'w> {
    world: &'w World,
    user: UserId,
    result: Result<SignInResult, Error>,
}

#[expect(clippy::panic, reason = "what a test did not expect fails it, with what happened")]
impl<'w> SignedIn<'w> {
    pub(super) const fn new(world: &'w World, user: UserId, result: Result<SignInResult, Error>) -> Self {
        Self { world, user, result }
    }

    /// No code was asked; gives the session.
    ///
    /// # Panics
    /// When a code was asked, or it was refused or failed.
    #[track_caller]
    pub fn admitted(self) -> CurrentSession {
        match self.result {
            Ok(SignInResult::Admitted(admission)) => self.world.remember(admission.session),
            Ok(SignInResult::CodeRequired { code, .. }) => {
                panic!("expected to be admitted, but a code is asked, by {}", code.channel.name())
            }
            Err(error) => panic!("expected to be admitted, but {}", told(&error)),
        }
    }

    /// A code was asked.
    ///
    /// # Panics
    /// When none was asked, or it was refused or failed.
    #[track_caller]
    pub fn code_required(self) -> CodeStep<'w> {
        match self.result {
            Ok(SignInResult::CodeRequired { code, .. }) => {
                CodeStep { world: self.world, code, user: self.user, step: Step::SignIn }
            }
            Ok(SignInResult::Admitted(_)) => panic!("expected a code to be asked, but he was admitted"),
            Err(error) => panic!("expected a code to be asked, but {}", told(&error)),
        }
    }

    /// A rule said no.
    ///
    /// # Panics
    /// When he was admitted or asked for a code, or it failed without being refused.
    #[track_caller]
    pub fn refused(self) -> Refused {
        match self.result {
            Ok(SignInResult::Admitted(_)) => panic!("expected a refusal, but he was admitted"),
            Ok(SignInResult::CodeRequired { code, .. }) => {
                panic!("expected a refusal, but a code is asked, by {}", code.channel.name())
            }
            Err(error) => Outcome::<()>::of(Err(error)).refused(),
        }
    }

    /// Through the code that arrived if one is asked; gives the session.
    ///
    /// # Panics
    /// When it was refused or failed, or no code arrived.
    #[track_caller]
    pub fn to_the_end(self) -> CurrentSession {
        if matches!(self.result, Ok(SignInResult::CodeRequired { .. })) {
            let (world, user) = (self.world, self.user);
            let step = self.code_required();
            step.enter(world.code_of(user)).admitted()
        } else {
            self.admitted()
        }
    }
}

/// What a code was asked for.
#[derive(Clone, Copy, Debug)]
enum Step {
    SignIn,
    Email(SessionId),
    TwoFactor(SessionId),
}

/// A code that was asked for, and waits to be entered.
#[derive(Clone, Debug)]
pub struct CodeStep<'w> {
    world: &'w World,
    code: PendingCode,
    user: UserId,
    step: Step,
}

impl<'w> CodeStep<'w> {
    pub(super) const fn email(world: &'w World, session: &CurrentSession, code: PendingCode) -> Self {
        Self { world, code, user: session.user, step: Step::Email(session.id) }
    }

    pub(super) const fn two_factor(world: &'w World, session: &CurrentSession, code: PendingCode) -> Self {
        Self { world, code, user: session.user, step: Step::TwoFactor(session.id) }
    }

    /// The challenge, as the operation gave it.
    pub const fn pending(&self) -> &PendingCode {
        &self.code
    }

    /// Who is to enter it.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Enters a code; what is admitted is the session that goes on.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").two_factor_email().create();
    /// let s = w.sign_in(&alice).code_required();
    /// assert_eq!(s.enter(w.wrong_code(&alice)).refused().attempts_left(), Some(4));
    /// assert_eq!(s.enter(w.last_code(&alice)).admitted().user, alice.id);
    /// assert_eq!(s.enter(w.last_code(&alice)).refused().code(), "challenge_dead");
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a test writes `enter(w.last_code(&alice))`")]
    pub fn enter(&self, code: Code) -> Outcome<CurrentSession> {
        let (security, id) = (self.world.security(), self.code.id);
        let result = block_on(async {
            Ok(match self.step {
                Step::SignIn => match security.sign_in().code(id, &code, &attempt(), None).await? {
                    CodeResult::Admitted(admission) => admission.session,
                    CodeResult::Fresh(session) => session,
                },
                Step::Email(session) => {
                    security.email().confirm(session, id, &code, &source()).await?.session
                }
                Step::TwoFactor(session) => {
                    security.two_factor().enable(session, id, &code, &source()).await?.session
                }
            })
        });
        Outcome::of(result.map(|session| self.world.remember(session)))
    }

    /// Asks for the code once more.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").two_factor_email().create();
    /// let s = w.sign_in(&alice).code_required();
    /// assert_eq!(s.resend().refused().code(), "too_soon");
    /// w.advance(w.policy().resend_after);
    /// s.resend().done();
    /// w.run_worker();
    /// assert_eq!(w.mail(&alice).kinds(), ["sign_in_code"], "the first was not sent before, and is dead");
    /// ```
    pub fn resend(&self) -> Outcome<PendingCode> {
        self.resent(None)
    }

    /// Asks for the code of a sign-in once more, by this channel.
    pub fn resend_by(&self, channel: Channel) -> Outcome<PendingCode> {
        self.resent(Some(channel))
    }

    fn resent(&self, channel: Option<Channel>) -> Outcome<PendingCode> {
        let (security, id) = (self.world.security(), self.code.id);
        Outcome::of(block_on(async {
            match self.step {
                Step::SignIn => security.sign_in().resend_by(id, channel, &attempt()).await,
                Step::Email(session) => security.email().resend(session, id, &source()).await,
                Step::TwoFactor(session) => security.two_factor().resend(session, id, &source()).await,
            }
        }))
    }
}

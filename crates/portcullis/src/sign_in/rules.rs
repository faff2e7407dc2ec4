//! What a password is worth, what a wrong one costs, and how a sign-in is completed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::Device;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::rules::{Ask, Entry, Fare, FreshCode, issue, judge, may_issue};
use crate::challenge::{Channel, PendingCode, Purpose};
use crate::contact::Destination;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::id::{SessionId, UserId};
use crate::notice::rules::Calendar;
use crate::policy::Policy;
use crate::port::hasher::PasswordHash;
use crate::port::store::{Count, Counter, CounterOp, Window};
use crate::rights::Gate;
use crate::session::model::Acting;
use crate::session::rules::{admissible, after, open, succeed};
use crate::session::{Assurance, CurrentSession, Session};
use crate::sms::rules::{Line, Route, tell_used_up};
use crate::spend::Left;
use crate::user::{Method, User};

/// Wrong passwords in a row within the policy's `password_failures_kept`, of a user or of a known browser.
pub(crate) const fn password_failures(subject: Uuid) -> Counter {
    Counter::of(subject, "password_failures")
}

/// Counts 1 while a user or a known browser has to wait.
pub(crate) const fn password_wait(subject: Uuid) -> Counter {
    Counter::of(subject, "password_wait")
}

/// Failed sign-ins from a source address.
pub(crate) const fn sign_in_failures(source: Uuid) -> Counter {
    Counter::of(source, "sign_in_failures")
}

/// Everything known about a password entered, before and after it was checked.
#[derive(Clone, Debug)]
pub(crate) struct Knock {
    /// The user, if the login is one.
    pub(crate) user: Option<Stored<User>>,
    pub(crate) chain: Chain,
    /// The user's id, or the decoy's that stands for an unknown login.
    pub(crate) who: Uuid,
    /// The known browser, if its token is this user's.
    pub(crate) device: Option<Uuid>,
    pub(crate) failures: Count,
    pub(crate) wait: Count,
    pub(crate) source: Uuid,
    pub(crate) from_source: Count,
}

/// What the check of a password found out.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) fits: bool,
    /// The password hashed anew, if its hash was made at another cost.
    pub(crate) rehashed: Option<PasswordHash>,
}

/// The ids a sign-in may need, drawn beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreshIds {
    pub(crate) session: SessionId,
    pub(crate) device: Uuid,
    /// The epoch of the keys in force.
    pub(crate) epoch: u32,
}

/// Whether a device token is this user's and still counts.
pub(crate) fn known_device(device: Option<Device>, user: Option<&User>, now: DateTime<Utc>) -> Option<Uuid> {
    let (device, user) = (device?, user?);
    let counts = device.user == user.id.uuid()
        && device.credential_version == user.credential_version
        && now < device.ends_at;
    counts.then_some(device.id)
}

impl Knock {
    /// Whose wrong passwords in a row are counted: a known browser has its own count, so strangers cannot delay it.
    pub(crate) fn subject(&self) -> Uuid {
        self.device.unwrap_or(self.who)
    }

    fn event(&self, action: &'static str) -> Event {
        let tenant = self.user.as_ref().map_or(Uuid::nil(), |user| user.value.tenant.uuid());
        Event::of(action, tenant, self.who).from(self.source)
    }

    /// The cheap look: whether the password is checked at all. Alike for users who exist and who do not.
    pub(crate) fn open(&self, policy: &Policy, now: DateTime<Utc>) -> Result<(), No> {
        let until = if policy.sign_in_failures_per_source.is_reached(self.from_source, now) {
            self.from_source.ends_at
        } else if policy.password_backoff.waits(self.wait, now) {
            self.wait.ends_at
        } else {
            return Ok(());
        };
        let mut changes = Changes::none();
        changes.event(self.event("sign_in_refused").because("too_many_attempts"));
        Err(No::new(Refusal::from(Reason::TooManyAttempts).until(until, now), changes))
    }

    /// Whether the user may be signed in at all, so that a right password is worth further work.
    pub(crate) fn admissible(&self, now: DateTime<Utc>) -> bool {
        self.user.as_ref().is_some_and(|user| admissible(&user.value, &self.chain, now).is_ok())
    }

    /// Judges the password; on the way out every failure is counted alike, whatever it was.
    // INVARIANT: unknown login, no password, wrong password, disabled and blocked differ in the audit reason alone.
    pub(crate) fn judge(
        &self,
        proof: &Proof,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<&Stored<User>, No> {
        let why = match &self.user {
            None => "unknown_login",
            Some(user) if user.value.password.is_none() => "no_password",
            Some(_) if !proof.fits => "wrong_password",
            Some(user) => match admissible(&user.value, &self.chain, now) {
                Ok(()) => return Ok(user),
                Err(why) => why,
            },
        };
        let mut changes = Changes::none();
        self.count_failure(&mut changes, policy);
        changes.event(self.event("sign_in_refused").because(why));
        Err(No::new(Reason::BadCredentials.into(), changes))
    }

    fn count_failure(&self, changes: &mut Changes, policy: &Policy) {
        let per_source = policy.sign_in_failures_per_source;
        let (backoff, subject) = (policy.password_backoff, self.subject());
        let nth = self.failures.value.saturating_add(1);
        let window = Window::Rolling(per_source.within);
        changes
            .count(sign_in_failures(self.source), CounterOp::Add { n: 1, limit: per_source.count, window });
        let kept = Window::Rolling(policy.password_failures_kept);
        let limit = if nth < backoff.after { backoff.after - 1 } else { u32::MAX };
        changes.count(password_failures(subject), CounterOp::Add { n: 1, limit, window: kept });
        if let Some(length) = backoff.wait(nth) {
            let window = Window::Rolling(length);
            changes.count(password_wait(subject), CounterOp::Add { n: 1, limit: 1, window });
        }
    }

    /// The source and the user may not be over their limits when a right password is answered.
    pub(crate) fn pin_limits(&self, policy: &Policy, changes: &mut Changes) {
        let limit = policy.sign_in_failures_per_source;
        let window = Window::Rolling(limit.within);
        changes.count(sign_in_failures(self.source), CounterOp::Below { limit: limit.count, window });
        let longest = Window::Rolling(policy.password_backoff.longest);
        changes.count(password_wait(self.subject()), CounterOp::Below { limit: 1, window: longest });
    }

    /// What a right password rests on: the source and the user may not be over their limits in the same commit, and
    /// neither the user nor the accounts may change before it.
    fn rest_on(&self, user: &Stored<User>, proof: &Proof, policy: &Policy, changes: &mut Changes) {
        self.pin_limits(policy, changes);
        match &proof.rehashed {
            Some(hash) => {
                let mut user = user.clone();
                user.value.password = Some(hash.clone());
                changes.put(&user);
            }
            None => {
                changes.guard(user);
            }
        }
        self.chain.guard(changes);
    }
}

/// Forgets the wrong passwords of who has just completed a sign-in.
pub(crate) fn forgive(changes: &mut Changes, user: UserId, device: Option<Uuid>) {
    for subject in std::iter::once(user.uuid()).chain(device) {
        changes.count(password_failures(subject), CounterOp::Clear);
    }
}

/// An open session, and what its user is told and given with it.
pub(crate) struct Admitted {
    pub(crate) session: CurrentSession,
    pub(crate) device: Device,
    pub(crate) days_left: Option<u32>,
}

/// What the password step of a sign-in comes to.
pub(crate) enum Step {
    /// The session is open.
    Admitted(Admitted),
    /// A code is on its way, and may be sent again by these channels.
    CodeRequired(PendingCode, Vec<Channel>),
}

/// What a code would need, if one is asked: drawn and bound beforehand.
pub(crate) struct CodePlan {
    pub(crate) fresh: FreshCode,
    pub(crate) fare: Fare,
    pub(crate) route: Route,
    /// What an SMS hangs on, if it is one.
    pub(crate) line: Option<Line>,
    /// The channels by which it may be sent again.
    pub(crate) channels: Vec<Channel>,
    pub(crate) failures: Count,
    pub(crate) wait: Count,
}

/// What a code would need, or what is missing for one; the second tells of budgets that are used up.
pub(crate) type Planned = Result<Box<CodePlan>, (Vec<Gate>, Option<Box<Left>>)>;

/// Decides the password step of a sign-in.
pub(crate) fn start(
    knock: &Knock,
    proof: &Proof,
    plan: Option<Planned>,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Step> {
    let user = match knock.judge(proof, policy, now) {
        Ok(user) => user,
        Err(no) => return no.into(),
    };
    let mut changes = Changes::none();
    knock.rest_on(user, proof, policy, &mut changes);
    let lifts = knock.chain.lifts();
    match user.value.two_factor {
        Method::None => {
            let (session, device) =
                admit(&user.value, lifts, Assurance::Password, ids, knock.device, policy, now);
            changes.insert(&session);
            forgive(&mut changes, user.value.id, knock.device);
            changes.event(knock.event("signed_in").because("password").about(session.id.uuid()));
            let admitted = Admitted {
                session: current(&session, &user.value),
                device,
                days_left: days_left(&user.value, &knock.chain, policy, now),
            };
            Decision::yes(Step::Admitted(admitted), changes)
        }
        Method::Email | Method::Sms => {
            match ask_code(&mut changes, &user.value, lifts, None, plan, policy, now) {
                Ok((code, channels)) => Decision::yes(Step::CodeRequired(code, channels), changes),
                Err(no) => refuse_code(changes, no, knock),
            }
        }
    }
}

/// Why no code is sent, with what the trail is told besides.
struct NoCode(Refusal, Option<Box<Left>>);

/// A right password whose code cannot be sent.
fn refuse_code<T>(changes: Changes, no: NoCode, knock: &Knock) -> Decision<T> {
    let NoCode(refusal, left) = no;
    let mut pins = changes.into_pins();
    if let Some(left) = left {
        tell_used_up(*left, &mut pins);
    }
    refuse(pins, knock.event("sign_in_refused"), refusal)
}

/// Sends the code of a sign-in, or of the re-authentication of a session, or says which gate is missing.
fn ask_code(
    changes: &mut Changes,
    user: &User,
    lifts: u64,
    session: Option<SessionId>,
    plan: Option<Planned>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(PendingCode, Vec<Channel>), NoCode> {
    let plan = match plan {
        Some(Ok(plan)) => *plan,
        Some(Err((missing, left))) => return Err(NoCode(Refusal::not_allowed(missing), left)),
        None => return Err(NoCode(Refusal::not_allowed(vec![Gate::Policy]), None)),
    };
    may_issue(plan.failures, plan.wait, policy, now).map_err(|refusal| NoCode(refusal, None))?;
    let purpose = if session.is_some() { Purpose::Reauthentication } else { Purpose::SignIn };
    let Route { to, instead_of } = plan.route;
    let ask = Ask { user, lifts, purpose, destination: to, session };
    let code =
        issue(changes, &ask, plan.fresh, plan.fare, policy, now).map_err(|refusal| NoCode(refusal, None))?;
    if let Some(line) = &plan.line {
        line.pin(changes);
    }
    if let Some(gate) = instead_of.first() {
        let event = Event::of("sms_fallback", user.tenant.uuid(), user.id.uuid());
        changes.event(event.because(gate.name()).about(code.id.uuid()));
    }
    Ok((code, plan.channels))
}

fn refuse<T>(mut changes: Changes, event: Event, refusal: Refusal) -> Decision<T> {
    changes.event(event.because(refusal.code()));
    Decision::no(refusal, changes)
}

/// Opens a session and renews what the browser is known by.
fn admit(
    user: &User,
    lifts: u64,
    assurance: Assurance,
    ids: FreshIds,
    device: Option<Uuid>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Session, Device) {
    let session = open(user, lifts, assurance, ids.session, ids.epoch, policy, now);
    let device = Device {
        user: user.id.uuid(),
        id: device.unwrap_or(ids.device),
        credential_version: user.credential_version,
        ends_at: after(now, policy.device_life),
    };
    (session, device)
}

/// The warning that the account is going to be blocked, for everybody who signs in in its last days.
fn days_left(user: &User, chain: &Chain, policy: &Policy, now: DateTime<Utc>) -> Option<u32> {
    Calendar::new(user.time_zone, chain.blocks_at(), policy).days_left(now)
}

fn current(session: &Session, user: &User) -> CurrentSession {
    CurrentSession {
        id: session.id,
        user: user.id,
        login: user.login.clone(),
        account: user.account,
        assurance: session.assurance,
        fresh_until: session.fresh_until,
        idle_until: session.idle_until,
        ends_at: session.ends_at,
    }
}

/// Decides the code step of a sign-in: the right code opens the session in the commit that spends it.
// INVARIANT: with two-factor authentication on, this and nothing else opens a session.
pub(crate) fn finish(
    entry: &Entry,
    device: Option<Uuid>,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Admitted> {
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    let user = &entry.user.value;
    let assurance = proved_by(&entry.challenge.value.destination);
    let (session, device_token) = admit(user, entry.chain.lifts(), assurance, ids, device, policy, now);
    changes.insert(&session);
    if user.recovered_by_mail && assurance == Assurance::PasswordSms {
        let mut user = entry.user.clone();
        user.value.recovered_by_mail = false;
        changes.put(&user);
    } else {
        changes.guard(&entry.user);
    }
    entry.chain.guard(&mut changes);
    forgive(&mut changes, user.id, device);
    changes.event(entry.event("signed_in").because(assurance.name()).about(session.id.uuid()));
    let admitted = Admitted {
        session: current(&session, user),
        device: device_token,
        days_left: days_left(user, &entry.chain, policy, now),
    };
    Decision::yes(admitted, changes)
}

/// What a right password and a code that came there prove.
const fn proved_by(destination: &Destination) -> Assurance {
    match destination {
        Destination::Email(_) => Assurance::PasswordEmail,
        Destination::Phone(_) => Assurance::PasswordSms,
    }
}

/// What a re-authentication comes to.
pub(crate) enum Again {
    /// The session is fresh, under a new id.
    Fresh(CurrentSession),
    /// A code is on its way, and may be sent again by these channels.
    CodeRequired(PendingCode, Vec<Channel>),
}

/// Decides the password step of a re-authentication.
pub(crate) fn reauthenticate(
    acting: &Acting,
    knock: &Knock,
    proof: &Proof,
    plan: Option<Planned>,
    session: SessionId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Again> {
    let user = match knock.judge(proof, policy, now) {
        Ok(user) => user,
        Err(no) => return no.into(),
    };
    let mut changes = Changes::none();
    knock.rest_on(user, proof, policy, &mut changes);
    let lifts = knock.chain.lifts();
    match user.value.two_factor {
        Method::None => {
            let fresh = freshen(acting, session, policy, now, &mut changes);
            forgive(&mut changes, user.value.id, knock.device);
            changes.event(knock.event("reauthenticated").because("password").about(session.uuid()));
            Decision::yes(Again::Fresh(fresh), changes)
        }
        Method::Email | Method::Sms => {
            let of = Some(acting.session.value.id);
            changes.guard(&acting.session);
            match ask_code(&mut changes, &user.value, lifts, of, plan, policy, now) {
                Ok((code, channels)) => Decision::yes(Again::CodeRequired(code, channels), changes),
                Err(no) => refuse_code(changes, no, knock),
            }
        }
    }
}

/// Decides the code step of a re-authentication: only the session that asked becomes fresh.
pub(crate) fn refresh(
    acting: &Acting,
    entry: &Entry,
    session: SessionId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<CurrentSession> {
    if entry.challenge.value.session != Some(acting.session.value.id) {
        return refuse(Changes::none(), entry.event("code_refused"), Reason::ChallengeDead.into());
    }
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    changes.guard(&entry.user);
    entry.chain.guard(&mut changes);
    let fresh = freshen(acting, session, policy, now, &mut changes);
    forgive(&mut changes, entry.user.value.id, None);
    let proved = proved_by(&entry.challenge.value.destination);
    changes.event(entry.event("reauthenticated").because(proved.name()).about(session.uuid()));
    Decision::yes(fresh, changes)
}

fn freshen(
    acting: &Acting,
    id: SessionId,
    policy: &Policy,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> CurrentSession {
    let mut renewed = acting.clone();
    renewed.session.value.fresh_until = after(now, policy.session_fresh);
    renewed.session.value.used_at = now;
    renewed.session.value.idle_until = after(now, policy.session_idle).min(renewed.session.value.ends_at);
    let assurance = renewed.session.value.assurance;
    succeed(&renewed, &acting.user.value, id, assurance, changes)
}

#[cfg(test)]
mod tests;

//! When a code counts, what a wrong one costs, when it may be sent again.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::delivery::CodeDelivery;
use super::link::Whose;
use super::model::{Challenge, PendingCode, Purpose, State};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::contact::Destination;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::engine::record::Schema;
use crate::id::{ChallengeId, MessageId, SessionId, UserId};
use crate::keyring::BoundDigest;
use crate::message::model::{CodeToSend, Draft, MessageKind, OneTime};
use crate::policy::Policy;
use crate::port::store::{Count, Counter, CounterOp, Lane, Window};
use crate::secret::Code;
use crate::session::rules::{admissible, after};
use crate::sms::rules as sms;
use crate::spend::{Charge, Left};
use crate::user::User;

/// What the counters say about a user's next code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Wrong codes judged for the challenge.
    pub(crate) attempts: Count,
    /// Wrong codes in a row of the user for the purpose.
    pub(crate) failures: Count,
    /// Above 0 while the user has to wait.
    pub(crate) wait: Count,
    /// Wrong codes from the source address.
    pub(crate) source: Count,
}

/// A code entered, with everything found out about it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) challenge: Stored<Challenge>,
    pub(crate) user: Stored<User>,
    pub(crate) chain: Chain,
    /// Whether the code is the one whose digest is kept.
    pub(crate) fits: bool,
    pub(crate) tally: Tally,
    /// The source address, as a derived id.
    pub(crate) source: Uuid,
    /// The id of the one notice that tells of the lock.
    pub(crate) lock_notice: MessageId,
    /// The epoch of the keys in force.
    pub(crate) epoch: u32,
}

/// Wrong codes from a source address.
pub(crate) const fn source_failures(source: Uuid) -> Counter {
    Counter::of(source, "code_failures")
}

/// Codes mailed for a user or to an address.
pub(crate) const fn email_codes(subject: Uuid) -> Counter {
    Counter::of(subject, "email_codes")
}

/// Why a challenge is dead, if it is.
pub(crate) fn death(
    challenge: &Challenge,
    user: &User,
    chain: &Chain,
    epoch: u32,
    now: DateTime<Utc>,
) -> Option<&'static str> {
    match challenge.state {
        State::Spent => return Some("spent"),
        State::Dead => return Some("dead"),
        State::Pending => {}
    }
    if challenge.epoch < epoch {
        Some("old_epoch")
    } else if challenge.credential_version != Whose::from(user).bound_version(challenge.purpose) {
        Some("credentials_changed")
    } else if now >= challenge.expires_at {
        Some("expired")
    } else if !named(challenge, user) {
        Some("superseded")
    } else if challenge.purpose == Purpose::EmailUndo {
        // It rests on the old mailbox alone: no block voids it, and it lifts none.
        None
    } else if challenge.lifts != chain.lifts() {
        Some("voided")
    } else {
        admissible(user, chain, now).err()
    }
}

/// A pending change lives only while its user's record names it.
fn named(challenge: &Challenge, user: &User) -> bool {
    match challenge.purpose {
        // A newer recovery link voids no older one: a stranger's request must not take the owner's link away.
        Purpose::SignIn | Purpose::Reauthentication | Purpose::Recovery | Purpose::FlespiHandOff => true,
        Purpose::EmailConfirmation => {
            user.pending_email.as_ref().is_some_and(|pending| pending.challenge == challenge.id)
        }
        Purpose::TwoFactorEmail | Purpose::TwoFactorSms => user.pending_two_factor == Some(challenge.id),
        Purpose::Invitation => {
            let newest = user.invitation.is_none_or(|newest| newest == challenge.id);
            let confirmed =
                newest && user.confirmed_email().is_some_and(|email| challenge.destination.is_email(email));
            let pending = user.pending_email.as_ref();
            confirmed || pending.is_some_and(|pending| pending.challenge == challenge.id)
        }
        Purpose::EmailUndo => user.claims.iter().any(|claim| claim.challenge == challenge.id),
    }
}

/// Why the user may not try a code now, whatever it is.
pub(super) fn shut(tally: &Tally, policy: &Policy, now: DateTime<Utc>) -> Option<Refusal> {
    if tally.failures.value >= policy.code_disabled_after {
        Some(Reason::Locked.into())
    } else if policy.code_backoff.waits(tally.wait, now) {
        Some(Refusal::from(Reason::Locked).until(tally.wait.ends_at, now))
    } else if tally.attempts.value >= policy.code_attempts {
        Some(Reason::Locked.into())
    } else {
        match policy.code_failures_per_source {
            Some(limit) if limit.is_reached(tally.source, now) => {
                Some(Refusal::from(Reason::TooManyAttempts).until(tally.source.ends_at, now))
            }
            Some(_) | None => None,
        }
    }
}

/// Whether new codes may be asked for at all: not while the factor is disabled or the user has to wait.
pub(crate) fn may_issue(
    failures: Count,
    wait: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let tally = Tally { attempts: Count::default(), failures, wait, source: Count::default() };
    shut(&tally, policy, now).map_or(Ok(()), Err)
}

/// Judges a code. The right one gives the changes that spend its challenge, to be kept together with the one change
/// it was made for; everything else gives a finished decision.
// INVARIANT: a right code is only worth something in the commit that finds fewer than `code_attempts` wrong ones and
// the challenge still pending; a wrong one leaves only in the commit that counts it.
pub(crate) fn judge(entry: &Entry, policy: &Policy, now: DateTime<Utc>) -> Result<Changes, No> {
    let challenge = &entry.challenge.value;
    let (id, user) = (challenge.id, entry.user.value.id);
    let mut changes = Changes::none();
    if let Some(why) = death(challenge, &entry.user.value, &entry.chain, entry.epoch, now) {
        if challenge.state == State::Pending {
            let mut dead = entry.challenge.clone();
            dead.value.bury();
            changes.put(&dead);
        }
        changes.event(entry.event("code_refused").because(why));
        return Err(No::new(Reason::ChallengeDead.into(), changes));
    }
    if let Some(refusal) = shut(&entry.tally, policy, now) {
        changes.event(entry.event("code_refused").because(refusal.code()));
        return Err(No::new(refusal, changes));
    }
    let attempts = Challenge::attempts(id);
    let (failures, wait) = (challenge.purpose.failures(user), challenge.purpose.wait(user));
    if entry.fits {
        let mut spent = entry.challenge.clone();
        spent.value.spend();
        for unverified in challenge.given_back_by_code() {
            unverified.give_back(&mut changes);
        }
        let limit = policy.code_attempts;
        changes
            .put(&spent)
            .count(attempts, CounterOp::Below { limit, window: Window::None })
            .count(wait, CounterOp::Below { limit: 1, window: Window::Rolling(policy.code_backoff.longest) });
        if entry.tally.failures.value > 0 {
            changes.count(failures, CounterOp::Clear);
        }
        if let Some(limit) = policy.code_failures_per_source {
            let window = Window::Rolling(limit.within);
            changes.count(source_failures(entry.source), CounterOp::Below { limit: limit.count, window });
        }
        return Ok(changes);
    }
    let window = Window::Until(challenge.kept_until);
    changes.count(attempts.clone(), CounterOp::Add { n: 1, limit: policy.code_attempts, window });
    count_failure(&mut changes, failures, wait, entry.tally.failures, policy);
    if let Some(limit) = policy.code_failures_per_source {
        let window = Window::Rolling(limit.within);
        changes.count(source_failures(entry.source), CounterOp::Add { n: 1, limit: limit.count, window });
    }
    changes.event(entry.event("code_refused").because("wrong_code"));
    if let Some(to) = entry.user.value.confirmed_email() {
        changes.send(Draft {
            id: entry.lock_notice,
            tenant: challenge.tenant.uuid(),
            user,
            kind: MessageKind::CodesLocked,
            to: to.into(),
            lane: Lane::Interactive,
            code: None,
            charge: None,
            once_at: Some((attempts.clone(), policy.code_attempts)),
            not_before: None,
            day: None,
        });
    }
    Err(No::new(Reason::WrongCode.into(), changes).naming_attempts(attempts, policy.code_attempts))
}

/// Counts a failure in a row. Below the back-off the count may not pass into it unseen; inside it each failure opens
/// the next wait.
fn count_failure(changes: &mut Changes, failures: Counter, wait: Counter, seen: Count, policy: &Policy) {
    let nth = seen.value.saturating_add(1);
    let backoff = policy.code_backoff;
    match backoff.wait(nth) {
        None => {
            let limit = backoff.after.saturating_sub(1).min(policy.code_disabled_after);
            changes.count(failures, CounterOp::Add { n: 1, limit, window: Window::None });
        }
        Some(length) => {
            let limit = policy.code_disabled_after;
            changes
                .count(failures, CounterOp::Add { n: 1, limit, window: Window::None })
                .count(wait, CounterOp::Add { n: 1, limit: 1, window: Window::Rolling(length) });
        }
    }
}

/// A code is only looked at for what its challenge was made for, and by whom: anything else is as dead as one that is
/// over, and leaves a trace.
pub(crate) fn meant_for(
    entry: Option<Entry>,
    purposes: &[Purpose],
    user: Option<UserId>,
) -> Result<Entry, No> {
    let mut changes = Changes::none();
    if let Some(entry) = entry {
        let theirs = user.is_none_or(|user| user == entry.user.value.id);
        if theirs && purposes.contains(&entry.challenge.value.purpose) {
            return Ok(entry);
        }
        changes.event(entry.event("code_refused").by(user.map(UserId::uuid)).because("meant_for_another"));
    }
    Err(No::new(Reason::ChallengeDead.into(), changes))
}

impl Entry {
    /// An event about the challenge's user.
    pub(crate) fn event(&self, action: &'static str) -> Event {
        let challenge = &self.challenge.value;
        Event::of(action, challenge.tenant.uuid(), challenge.user.uuid())
            .from(self.source)
            .about(challenge.id.uuid())
    }
}

/// A fresh code with its digest, made for one challenge.
#[derive(Clone, Debug)]
pub(crate) struct FreshCode {
    pub(crate) challenge: ChallengeId,
    pub(crate) message: MessageId,
    pub(crate) code: Code,
    pub(crate) digest: BoundDigest,
    /// The code, sealed, where a resend repeats it.
    pub(crate) sealed: Option<String>,
    /// The epoch of the keys that bound it.
    pub(crate) epoch: u32,
}

/// What a code is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) user: &'a User,
    /// How many blocks were lifted among the user's accounts.
    pub(crate) lifts: u64,
    pub(crate) purpose: Purpose,
    pub(crate) destination: Destination,
    pub(crate) session: Option<SessionId>,
}

/// What the budgets of mailed codes hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budgets {
    pub(crate) user: Count,
    pub(crate) address: Count,
}

/// What a code that is sent is taken out of.
#[derive(Clone, Debug)]
pub(crate) enum Fare {
    /// The budgets of mailed codes.
    Mail {
        /// The address, as a derived id.
        address: Uuid,
        /// What they hold.
        budgets: Budgets,
    },
    /// What is left for one SMS.
    Sms(Box<Left>),
}

/// Takes one code out of what it is to be taken out of; gives what was charged for an SMS.
pub(super) fn pay(
    changes: &mut Changes,
    user: UserId,
    fare: Fare,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Option<Charge>, Refusal> {
    match fare {
        Fare::Mail { address, budgets } => {
            spend_budgets(changes, user, address, budgets, policy, now).map(|()| None)
        }
        Fare::Sms(left) => {
            let until = left.until();
            left.charge(changes).map(Some).map_err(|lacks| sms::refusal(&lacks, until, now))
        }
    }
}

/// How long a code lives.
pub(super) const fn life(to: &Destination, policy: &Policy) -> TimeDelta {
    match to {
        Destination::Email(_) => policy.code_life,
        Destination::Phone(_) => policy.sms_code_life,
    }
}

/// Takes one mailed code out of the budgets.
fn spend_budgets(
    changes: &mut Changes,
    user: UserId,
    address: Uuid,
    budgets: Budgets,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let parts = [
        (email_codes(user.uuid()), budgets.user, policy.email_codes_per_user),
        (email_codes(address), budgets.address, policy.email_codes_per_address),
    ];
    for (counter, seen, limit) in parts {
        if limit.is_reached(seen, now) {
            return Err(Refusal::from(Reason::TooSoon).until(seen.ends_at, now));
        }
        let window = Window::Rolling(limit.within);
        changes.count(counter, CounterOp::Add { n: 1, limit: limit.count, window });
    }
    Ok(())
}

/// Makes a challenge and the message that carries its code.
pub(crate) fn issue(
    changes: &mut Changes,
    ask: &Ask<'_>,
    fresh: FreshCode,
    fare: Fare,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<PendingCode, Refusal> {
    let charge = pay(changes, ask.user.id, fare, policy, now)?;
    let longest = i32::try_from(policy.sends_per_challenge).unwrap_or(i32::MAX);
    let life_of_one = policy.code_life.max(policy.sms_code_life);
    let life_of_all = life_of_one.checked_mul(longest).unwrap_or(life_of_one);
    let challenge = Challenge {
        v: Schema::default(),
        id: fresh.challenge,
        tenant: ask.user.tenant,
        user: ask.user.id,
        purpose: ask.purpose,
        destination: ask.destination.clone(),
        session: ask.session,
        credential_version: ask.user.credential_version,
        epoch: fresh.epoch,
        lifts: ask.lifts,
        regardless_of_flag: false,
        digest: fresh.digest,
        sealed: fresh.sealed,
        unverified: charge.as_ref().and_then(Charge::unverified),
        unverified_before: BTreeMap::new(),
        message: Some(fresh.message),
        state: State::Pending,
        issue: 1,
        created_at: now,
        issued_at: now,
        expires_at: after(now, life(&ask.destination, policy)),
        kept_until: after(after(now, life_of_all), policy.challenge_kept),
    };
    changes.insert(&challenge);
    changes.send(message(&challenge, fresh.message, fresh.code, charge.as_ref()));
    changes.event(
        Event::of("code_issued", challenge.tenant.uuid(), challenge.user.uuid())
            .because(challenge.purpose.name())
            .about(challenge.id.uuid()),
    );
    Ok(pending_code(&challenge, Count::default(), policy))
}

pub(crate) fn message(challenge: &Challenge, id: MessageId, code: Code, charge: Option<&Charge>) -> Draft {
    Draft {
        id,
        tenant: challenge.tenant.uuid(),
        user: challenge.user,
        kind: challenge.purpose.message(),
        to: challenge.destination.clone(),
        lane: Lane::Interactive,
        code: Some(CodeToSend {
            code: OneTime::Code(code),
            challenge: challenge.id,
            issue: challenge.issue,
            valid_until: challenge.expires_at,
        }),
        charge: charge.cloned(),
        once_at: None,
        not_before: None,
        day: None,
    }
}

/// A challenge that waits for its code, with the challenge itself. Asking changes nothing and leaves no trace.
pub(crate) fn pending(
    entry: Option<Entry>,
    purposes: &[Purpose],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<(PendingCode, Challenge)> {
    let living = entry.filter(|entry| {
        let this = &entry.challenge.value;
        purposes.contains(&this.purpose)
            && death(this, &entry.user.value, &entry.chain, entry.epoch, now).is_none()
    });
    match living {
        None => Decision::no(Reason::ChallengeDead.into(), Changes::none()),
        Some(entry) => {
            let code = pending_code(&entry.challenge.value, entry.tally.attempts, policy);
            Decision::yes((code, entry.challenge.value), Changes::none())
        }
    }
}

/// A challenge as its user may see it.
pub(crate) fn pending_code(challenge: &Challenge, attempts: Count, policy: &Policy) -> PendingCode {
    PendingCode {
        id: challenge.id,
        channel: challenge.destination.channel(),
        destination: challenge.destination.masked(),
        expires_at: challenge.expires_at,
        resend_at: after(challenge.issued_at, policy.resend_after),
        attempts_left: policy.code_attempts.saturating_sub(attempts.value),
        delivery: CodeDelivery::Waiting,
    }
}

#[cfg(test)]
mod tests;

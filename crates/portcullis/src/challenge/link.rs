//! When a mailed link counts, and how one is made.
//!
//! At 256 bits nobody guesses, so no guess is counted; and a request for another link voids none that was sent before.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::model::{Challenge, Purpose, State};
use super::rules::death;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::contact::Email;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::engine::record::Schema;
use crate::id::{AccountId, ChallengeId, MessageId, SessionId, UserId};
use crate::keyring::BoundDigest;
use crate::message::model::{CodeToSend, Draft, MessageKind, OneTime};
use crate::policy::Policy;
use crate::port::store::{Count, Counter, CounterOp, Lane, Window};
use crate::secret::LinkToken;
use crate::session::rules::after;
use crate::user::User;

const REFUSED: &str = "link_refused";

/// A link opened, with everything found out about it.
#[derive(Clone, Debug)]
pub(crate) struct LinkEntry {
    pub(crate) challenge: Stored<Challenge>,
    pub(crate) user: Stored<User>,
    pub(crate) chain: Chain,
    /// Whether the secret is the one whose digest is kept.
    pub(crate) fits: bool,
    /// The source address, as a derived id.
    pub(crate) source: Uuid,
    /// The source address together with the user, as a derived id: dead links are counted under it, so that a flood of
    /// one user's keeps no other's from being told.
    pub(crate) flood: Uuid,
    /// What [`dead_links`] holds.
    pub(crate) dead: Count,
    /// The epoch of the keys in force.
    pub(crate) epoch: u32,
}

/// Dead links of a user that were used from a source address.
pub(crate) const fn dead_links(flood: Uuid) -> Counter {
    Counter::of(flood, "dead_links")
}

impl LinkEntry {
    /// A dead link is used: counted and told, as long as the policy lets the source fill the trail with such. Beyond
    /// that the answer is the same and nothing is kept.
    pub(crate) fn refuse_dead(
        &self,
        action: &'static str,
        why: &'static str,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> No {
        let mut changes = Changes::none();
        let limit = policy.dead_links_per_source;
        if !limit.is_reached(self.dead, now) {
            let window = Window::Rolling(limit.within);
            changes.count(dead_links(self.flood), CounterOp::Add { n: 1, limit: limit.count, window });
            changes.event(self.event(action).because(why));
        }
        No::new(Reason::ChallengeDead.into(), changes)
    }

    /// An event about the link's user.
    pub(crate) fn event(&self, action: &'static str) -> Event {
        let challenge = &self.challenge.value;
        Event::of(action, challenge.tenant.uuid(), challenge.user.uuid())
            .from(self.source)
            .about(challenge.id.uuid())
    }

    /// Why the link is worth nothing, if it is.
    fn fault(&self, purposes: &[Purpose], now: DateTime<Utc>) -> Option<&'static str> {
        if !self.fits {
            Some("wrong_secret")
        } else if !purposes.contains(&self.challenge.value.purpose) {
            Some("meant_for_another")
        } else {
            death(&self.challenge.value, &self.user.value, &self.chain, self.epoch, now)
        }
    }
}

/// Looks at a link and changes nothing.
///
/// # Errors
/// `challenge_dead` for a link that is unknown, over or for something else: one answer for all.
pub(crate) fn peek_link<'a>(
    entry: Option<&'a LinkEntry>,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> Result<&'a LinkEntry, Refusal> {
    entry.filter(|entry| entry.fault(purposes, now).is_none()).ok_or(Reason::ChallengeDead.into())
}

/// Judges a link that is used. A good one gives the changes that spend it, to be kept together with the one change it
/// was made for; everything else is as dead as one that is over, and leaves a trace.
// INVARIANT: the challenge is put under the version it was read at, so of two who bring one link one wins.
pub(crate) fn spend_link<'a>(
    entry: Option<&'a LinkEntry>,
    purposes: &[Purpose],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(&'a LinkEntry, Changes), No> {
    let mut changes = Changes::none();
    let Some(entry) = entry else {
        return Err(No::new(Reason::ChallengeDead.into(), changes));
    };
    let challenge = &entry.challenge.value;
    if let Some(why) = entry.fault(purposes, now) {
        // An undo that is over is buried together with its claim, by the worker.
        let buries = entry.fits
            && challenge.state == State::Pending
            && challenge.purpose != Purpose::EmailUndo
            && purposes.contains(&challenge.purpose);
        if buries {
            let mut dead = entry.challenge.clone();
            dead.value.bury();
            changes.put(&dead);
            changes.event(entry.event(REFUSED).because(why));
            return Err(No::new(Reason::ChallengeDead.into(), changes));
        }
        return Err(entry.refuse_dead(REFUSED, why, policy, now));
    }
    let mut spent = entry.challenge.clone();
    spent.value.spend();
    changes.put(&spent);
    Ok((entry, changes))
}

/// Ends a claim on an old address whose time is over: the challenge is dead, and the user no longer names it.
pub(crate) fn end(
    challenge: Option<Stored<Challenge>>,
    user: Option<Stored<User>>,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut changes = Changes::none();
    let Some(mut challenge) = challenge.filter(|challenge| {
        let this = &challenge.value;
        this.purpose == Purpose::EmailUndo && this.state == State::Pending && now >= this.expires_at
    }) else {
        return Decision::yes((), changes);
    };
    challenge.value.bury();
    changes.put(&challenge);
    let this = &challenge.value;
    if let Some(mut user) = user {
        let before = user.value.claims.len();
        user.value.claims.retain(|claim| claim.challenge != this.id);
        if user.value.claims.len() < before {
            changes.put(&user);
        }
    }
    changes.event(Event::of("email_undo_ended", this.tenant.uuid(), this.user.uuid()).about(this.id.uuid()));
    Decision::yes((), changes)
}

/// A fresh link with its digest, made for one challenge.
#[derive(Clone, Debug)]
pub(crate) struct FreshLink {
    pub(crate) challenge: ChallengeId,
    pub(crate) message: MessageId,
    pub(crate) token: LinkToken,
    pub(crate) digest: BoundDigest,
    /// The epoch of the keys that bound it.
    pub(crate) epoch: u32,
}

/// Whose link it is: a user, or nobody at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose {
    pub(crate) tenant: AccountId,
    pub(crate) user: UserId,
    pub(crate) credential_version: u64,
}

impl From<&User> for Whose {
    fn from(user: &User) -> Self {
        Self { tenant: user.tenant, user: user.id, credential_version: user.credential_version }
    }
}

impl Whose {
    /// The credential version that a link for a purpose is bound to. An undo outlives every change of credentials.
    pub(crate) const fn bound_version(self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::EmailUndo => 0,
            Purpose::SignIn
            | Purpose::Reauthentication
            | Purpose::EmailConfirmation
            | Purpose::TwoFactorEmail
            | Purpose::TwoFactorSms
            | Purpose::Recovery
            | Purpose::Invitation
            | Purpose::FlespiHandOff => self.credential_version,
        }
    }
}

/// What a link is mailed for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkAsk<'a> {
    pub(crate) user: Whose,
    /// How many blocks were lifted among the user's accounts.
    pub(crate) lifts: u64,
    pub(crate) purpose: Purpose,
    pub(crate) destination: &'a Email,
    pub(crate) life: TimeDelta,
}

/// Makes a challenge and the message that carries its link.
pub(crate) fn issue_link(
    changes: &mut Changes,
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    kind: MessageKind,
    policy: &Policy,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let (challenge, message) = link(ask, fresh, kind, policy, now);
    let ends_at = challenge.expires_at;
    changes.insert(&challenge).send(message).event(issued(&challenge));
    ends_at
}

/// As [`issue_link`], for a recovery that does not ask for the user's flag to change the password: an administrator or
/// an undo began it.
pub(crate) fn issue_recovery_regardless(
    changes: &mut Changes,
    user: Whose,
    lifts: u64,
    destination: &Email,
    fresh: FreshLink,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    let ask = LinkAsk { user, lifts, purpose: Purpose::Recovery, destination, life: policy.recovery_life };
    let (mut challenge, message) = link(&ask, fresh, MessageKind::RecoveryLink, policy, now);
    challenge.regardless_of_flag = true;
    changes.insert(&challenge).send(message).event(issued(&challenge));
}

/// As [`issue_link`], for ids that are derived: what was made before under the same ids stays.
pub(crate) fn issue_link_once(
    changes: &mut Changes,
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    kind: MessageKind,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    changes.only_if_absent([fresh.challenge.uuid(), fresh.message.uuid()]);
    issue_link(changes, ask, fresh, kind, policy, now);
}

/// As [`issue_link`], for a link that who asked for it is shown himself: no message carries it.
pub(crate) fn show_link(
    changes: &mut Changes,
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    kind: MessageKind,
    policy: &Policy,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let (challenge, _) = link(ask, fresh, kind, policy, now);
    changes.insert(&challenge).event(issued(&challenge));
    challenge.expires_at
}

/// As [`show_link`], for one that only the session that asked may bring back.
pub(crate) fn hand_out(
    changes: &mut Changes,
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    session: SessionId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let (mut challenge, _) = link(ask, fresh, ask.purpose.message(), policy, now);
    challenge.session = Some(session);
    changes.insert(&challenge).event(issued(&challenge));
    challenge.expires_at
}

fn issued(challenge: &Challenge) -> Event {
    Event::of("link_issued", challenge.tenant.uuid(), challenge.user.uuid())
        .because(challenge.purpose.name())
        .about(challenge.id.uuid())
}

fn link(
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    kind: MessageKind,
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Challenge, Draft) {
    let expires_at = after(now, ask.life);
    let challenge = Challenge {
        v: Schema::default(),
        id: fresh.challenge,
        tenant: ask.user.tenant,
        user: ask.user.user,
        purpose: ask.purpose,
        destination: ask.destination.into(),
        session: None,
        credential_version: ask.user.bound_version(ask.purpose),
        epoch: fresh.epoch,
        lifts: ask.lifts,
        regardless_of_flag: false,
        digest: fresh.digest,
        sealed: None,
        unverified: None,
        unverified_before: BTreeMap::new(),
        message: None,
        state: State::Pending,
        issue: 1,
        created_at: now,
        issued_at: now,
        expires_at,
        kept_until: after(expires_at, policy.challenge_kept),
    };
    let message = Draft {
        id: fresh.message,
        tenant: challenge.tenant.uuid(),
        user: challenge.user,
        kind,
        to: ask.destination.into(),
        lane: Lane::Interactive,
        code: Some(CodeToSend {
            code: OneTime::Link(fresh.token),
            challenge: challenge.id,
            issue: challenge.issue,
            valid_until: expires_at,
        }),
        charge: None,
        once_at: None,
        not_before: None,
        day: None,
    };
    (challenge, message)
}

#[cfg(test)]
mod tests;

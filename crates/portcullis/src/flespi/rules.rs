//! What a user may do with his flespi connection, and what that keeps.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::issue;
use super::model::{Connected, Connecting, FlespiConnection, Owner, SealedToken, hand_offs};
use super::posted::Posted;
use super::view::{FlespiState, Source, state};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::link::{FreshLink, LinkAsk, hand_out};
use crate::challenge::model::State;
use crate::challenge::rules::death;
use crate::challenge::{Challenge, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::error::InputError;
use crate::policy::{FlespiOwner, Policy};
use crate::port::flespi::{Region, RegionName};
use crate::port::store::{Count, CounterOp, Window};
use crate::rights::{Gate, Verdict};
use crate::session::model::Acting;
use crate::session::rules::{admissible, after};
use crate::user::{Flag, User};

const REFUSED: &str = "flespi_refused";

/// May this user change his flespi connection?
pub(crate) fn verdict(acting: &Acting, policy: &Policy) -> Verdict {
    verdict_of(&acting.user.value, policy)
}

/// May this user have a flespi connection?
pub(crate) fn verdict_of(user: &User, policy: &Policy) -> Verdict {
    let owner = match policy.flespi_owner {
        FlespiOwner::Any => true,
        FlespiOwner::TopUser => user.account == user.tenant,
    };
    Verdict::of([(Gate::ChangeSettings, user.flags.has(Flag::ChangeSettings)), (Gate::TopUser, owner)])
}

/// Lets the user go on, or names what is missing.
fn allow(acting: &Acting, policy: &Policy) -> Result<(), No> {
    let missing = verdict(acting, policy).into_missing();
    if missing.is_empty() { Ok(()) } else { Err(no(acting, Refusal::not_allowed(missing))) }
}

/// As [`allow`], for what takes a fresh sign-in besides.
pub(crate) fn may_change(acting: &Acting, policy: &Policy, now: DateTime<Utc>) -> Result<(), No> {
    allow(acting, policy)?;
    acting.fresh(now).map_err(|refusal| no(acting, refusal))
}

fn no(acting: &Acting, refusal: Refusal) -> No {
    let mut changes = Changes::none();
    changes.event(acting.event(REFUSED).because(refusal.code()));
    No::new(refusal, changes)
}

/// There is nothing that could call flespi.
pub(crate) fn no_api(acting: &Acting) -> No {
    no(acting, Refusal::not_allowed(vec![Gate::Policy]))
}

/// Begins a login: a nonce, for this user and this session alone.
pub(crate) fn begin(
    acting: &Acting,
    begun: Count,
    fresh: FreshLink,
    nowhere: &Email,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<DateTime<Utc>> {
    if let Err(no) = may_change(acting, policy, now) {
        return no.into();
    }
    let limit = policy.flespi_hand_offs;
    if limit.is_reached(begun, now) {
        return no(acting, Refusal::from(Reason::TooManyAttempts).until(begun.ends_at, now)).into();
    }
    let user = &acting.user.value;
    let mut changes = Changes::none();
    let ask = LinkAsk {
        user: user.into(),
        lifts: acting.chain.lifts(),
        purpose: Purpose::FlespiHandOff,
        destination: nowhere,
        life: policy.flespi_hand_off_life,
    };
    let expires_at = hand_out(&mut changes, &ask, fresh, acting.session.value.id, policy, now);
    let window = Window::Rolling(limit.within);
    changes.count(hand_offs(user.id), CounterOp::Add { n: 1, limit: limit.count, window });
    acting.guard(&mut changes);
    changes.guard(&acting.user);
    Decision::yes(expires_at, changes)
}

/// A nonce that came back, with what was found out about it.
#[derive(Clone, Debug)]
pub(crate) struct Returned {
    pub(crate) challenge: Option<Stored<Challenge>>,
    /// Whether it is the one whose digest is kept, for this user and this session.
    pub(crate) fits: bool,
    /// The epoch of the keys in force.
    pub(crate) epoch: u32,
}

/// Judges a nonce. Whatever is wrong with it, the answer is one.
// INVARIANT: a nonce counts for the user and the session that began, and for nobody else.
pub(crate) fn judge<'a>(
    acting: &Acting,
    returned: &'a Returned,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<&'a Stored<Challenge>, No> {
    allow(acting, policy)?;
    let refused = |why| {
        let mut changes = Changes::none();
        changes.event(acting.event("flespi_hand_off_refused").because(why));
        changes
    };
    let dead = |changes| No::new(Reason::HandOffDead.into(), changes);
    let Some(challenge) = &returned.challenge else {
        return Err(dead(refused("unknown")));
    };
    let (this, user) = (&challenge.value, &acting.user.value);
    let own = this.user == user.id && this.session == Some(acting.session.value.id);
    if this.purpose != Purpose::FlespiHandOff || !own {
        return Err(dead(refused("meant_for_another")));
    }
    if !returned.fits {
        return Err(dead(refused("wrong_secret")));
    }
    let Some(why) = death(this, user, &acting.chain, returned.epoch, now) else {
        return Ok(challenge);
    };
    let mut changes = refused(why);
    if this.state == State::Pending {
        // INVARIANT: what was once seen dead stays dead, also if the clock steps back.
        let mut buried = challenge.clone();
        buried.value.state = State::Dead;
        changes.put(&buried);
    }
    Err(dead(changes))
}

/// A region by its name, if it is one of those that are compiled in.
///
/// # Errors
/// `invalid_region` in the field `region`.
pub(crate) fn known(name: &RegionName, regions: &[Region]) -> Result<(), InputError> {
    if regions.iter().any(|region| region.name == *name) {
        Ok(())
    } else {
        Err(InputError::new("region", "invalid_region", "there is no such region of flespi"))
    }
}

/// The user's connection as it is, or a new one.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) stored: Option<Stored<FlespiConnection>>,
    /// The id of a new one.
    pub(crate) id: Uuid,
    /// The operation under way.
    pub(crate) operation: Uuid,
}

impl Place {
    /// Whose tokens are sealed for it.
    pub(crate) const fn owner(&self, acting: &Acting) -> Owner {
        Owner { connection: self.id, user: acting.user.value.id }
    }

    /// What is to be changed.
    fn value(&self, user: &User, now: DateTime<Utc>) -> FlespiConnection {
        match &self.stored {
            Some(stored) => stored.value.clone(),
            None => FlespiConnection::new(self.id, user.tenant, user.id, now),
        }
    }

    /// Writes it, pins what the decision rests on, and lets the user refer to it.
    fn keep(&self, changes: &mut Changes, acting: &Acting, value: FlespiConnection) {
        let id = value.id;
        match &self.stored {
            Some(stored) => {
                let mut stored = stored.clone();
                stored.value = value;
                changes.put(&stored);
            }
            None => {
                changes.insert(&value);
            }
        }
        if acting.user.value.flespi == Some(id) {
            changes.guard(&acting.user);
        } else {
            let mut user = acting.user.clone();
            user.value.flespi = Some(id);
            changes.put(&user);
        }
        acting.guard(changes);
    }
}

/// Takes what a login posted: the nonce is spent and the intent kept, in one.
///
/// The token of the login is sealed in the intent until the operation is over; the connection in force stays until
/// there is a new one.
pub(crate) fn redeem(
    acting: &Acting,
    nonce: &Stored<Challenge>,
    place: &Place,
    posted: &Posted,
    sealed: SealedToken,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<FlespiConnection> {
    let mut changes = Changes::none();
    let mut spent = nonce.clone();
    spent.value.state = State::Spent;
    changes.put(&spent);
    let mut connection = place.value(&acting.user.value, now);
    issue::abandon(&mut connection, now);
    // The request begins its last call before its patience ends; nobody else begins before that call is over.
    let quiet_at = after(now, policy.flespi_patience + policy.flespi_call_longest);
    connection.connecting = Some(Connecting {
        operation: place.operation,
        region: posted.region.clone(),
        sealed,
        began_at: now,
        credential_version: acting.user.value.credential_version,
        lifts: acting.chain.lifts(),
        attempt: 1,
        quiet_at,
        tries: 0,
    });
    connection.work_at = Some(quiet_at);
    place.keep(&mut changes, acting, connection.clone());
    changes.event(acting.event("flespi_redeemed").about(place.operation));
    Decision::yes(connection, changes)
}

/// A token that its user typed.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) region: RegionName,
    pub(crate) sealed: SealedToken,
    pub(crate) shown: String,
    /// Whether it is the very token that is in force.
    pub(crate) in_force: bool,
    /// Whether it is the very token that one typed before has taken the place of.
    pub(crate) replaced: bool,
}

/// Keeps a typed token. Nobody is asked about it, so nothing is known of its end, nor whether it is any good: the issued
/// one that it takes the place of is kept until that is known.
pub(crate) fn type_in(
    acting: &Acting,
    place: &Place,
    typed: Typed,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<FlespiConnection> {
    let mut changes = Changes::none();
    let mut connection = place.value(&acting.user.value, now);
    issue::abandon(&mut connection, now);
    // INVARIANT: the token that is typed is not revoked as one that it replaces, and nothing else is before it is proven.
    let before =
        connection.connected.take().filter(|before| before.source == Source::Login && !typed.in_force);
    connection.replaced = connection.replaced.take().filter(|_| !typed.replaced);
    if let Some(before) = before {
        issue::settle_replaced(&mut connection, &mut changes, None, policy, now);
        connection.replaced = Some(before);
    }
    connection.connected = Some(Connected {
        source: Source::Manual,
        region: typed.region,
        kind: None,
        sealed: typed.sealed,
        shown: typed.shown,
        operation: place.operation,
        number: None,
        obtained_at: now,
        expires_at: None,
        sliding: false,
        last_check: None,
        unanswered_at: None,
        told: None,
    });
    connection.notice_at = None;
    place.keep(&mut changes, acting, connection.clone());
    changes.event(acting.event("flespi_connected").because("manual").about(place.operation));
    Decision::yes(connection, changes)
}

/// Forgets the token, and drops what is being issued. What was issued is revoked, if that is possible.
pub(crate) fn disconnect(
    acting: &Acting,
    connection: Option<&Stored<FlespiConnection>>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut changes = Changes::none();
    let Some(stored) = connection else {
        return Decision::yes((), changes);
    };
    if stored.value.connected.is_none() && stored.value.connecting.is_none() {
        return Decision::yes((), changes);
    }
    let mut stored = stored.clone();
    let connection = &mut stored.value;
    issue::abandon(connection, now);
    if let Some(connected) = connection.connected.take() {
        issue::leave(connection, &mut changes, connected, None, policy, now);
    }
    issue::settle_replaced(connection, &mut changes, None, policy, now);
    connection.notice_at = None;
    connection.kept_until = after(now, policy.challenge_kept);
    changes.put(&stored).guard(&acting.user);
    acting.guard(&mut changes);
    changes.event(acting.event("flespi_disconnected"));
    Decision::yes((), changes)
}

/// Lets the embedding program have a user's token for its own calls.
///
/// A fixed end is the end. One that moves with use is over only when a check has said so, since every use moves it.
// INVARIANT: who may not sign in has nothing done with his token, either.
pub(crate) fn open(
    user: Option<&Stored<User>>,
    chain: &Chain,
    connection: Option<&Stored<FlespiConnection>>,
    purpose: &'static str,
    now: DateTime<Utc>,
) -> Decision<Connected> {
    let Some(user) = user else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    let event = |action| Event::of(action, user.value.tenant.uuid(), user.value.id.uuid());
    let mut changes = Changes::none();
    if let Err(why) = admissible(&user.value, chain, now) {
        changes.event(event("flespi_token_refused").because(why));
        return Decision::no(Reason::NotAllowed.into(), changes);
    }
    let found = connection.and_then(|stored| Some((stored, stored.value.connected.as_ref()?)));
    let reason = match found {
        None => Reason::NotConnected,
        Some((stored, connected)) => match state(connected, now) {
            FlespiState::Expired => Reason::Expired,
            FlespiState::Rejected => Reason::Rejected,
            FlespiState::Absent | FlespiState::Connecting | FlespiState::Connected => {
                changes.guard(stored).guard(user);
                chain.guard(&mut changes);
                changes.event(event("flespi_token_opened").because(purpose).about(connected.operation));
                return Decision::yes(connected.clone(), changes);
            }
        },
    };
    changes.event(event("flespi_token_refused").because(reason.code()));
    Decision::no(reason.into(), changes)
}

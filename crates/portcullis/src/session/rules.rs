//! When a session is alive, when it is fresh, and how one follows another.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Acting, Assurance, CurrentSession, Session};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::engine::record::Schema;
use crate::id::SessionId;
use crate::policy::Policy;
use crate::user::User;

/// Whether a user may be signed in at all.
pub(crate) fn admissible(user: &User, chain: &Chain) -> Result<(), &'static str> {
    if user.disabled {
        Err("disabled")
    } else if chain.blocked() {
        Err("blocked")
    } else {
        Ok(())
    }
}

/// Why a session is dead, if it is.
///
/// Half-open: alive while now is before the limits.
pub(crate) fn death(
    session: &Session,
    user: &User,
    chain: &Chain,
    now: DateTime<Utc>,
) -> Option<&'static str> {
    if session.credential_version != user.credential_version {
        Some("credentials_changed")
    } else if now >= session.ends_at {
        Some("ended")
    } else if now >= session.idle_until {
        Some("idle")
    } else if chain.voids(session.signed_in_at) {
        Some("voided")
    } else {
        admissible(user, chain).err()
    }
}

/// What a request comes with, judged: a live session, or a refusal that removes the dead one for good.
pub(crate) fn acting(
    session: Option<Stored<Session>>,
    user: Option<Stored<User>>,
    chain: Chain,
    now: DateTime<Utc>,
) -> Result<Acting, No> {
    let mut changes = Changes::none();
    let Some(session) = session else {
        return Err(No::new(Reason::SignedOut.into(), changes));
    };
    let why = match &user {
        Some(user) => death(&session.value, &user.value, &chain, now),
        None => Some("user_gone"),
    };
    match (why, user) {
        (None, Some(user)) => Ok(Acting { session, user, chain }),
        (why, _) => {
            // INVARIANT: what was once seen dead stays dead, also if the clock steps back.
            changes.delete(&session);
            let (tenant, subject) = (session.value.tenant.uuid(), session.value.user.uuid());
            changes.event(
                Event::of("session_ended", tenant, subject)
                    .because(why.unwrap_or("user_gone"))
                    .about(session.value.id.uuid()),
            );
            Err(No::new(Reason::SignedOut.into(), changes))
        }
    }
}

impl Acting {
    /// Whether the sign-in is recent enough for what changes a factor.
    pub(crate) fn fresh(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if now < self.session.value.fresh_until { Ok(()) } else { Err(Reason::StaleSignIn.into()) }
    }

    /// Pins the session and the accounts; the user is pinned by being written, or by `guard_user`.
    pub(crate) fn guard(&self, changes: &mut Changes) {
        changes.guard(&self.session);
        self.chain.guard(changes);
    }

    /// An event about the acting user.
    pub(crate) fn event(&self, action: &'static str) -> Event {
        Event::of(action, self.user.value.tenant.uuid(), self.user.value.id.uuid())
    }

    /// A refusal that leaves a trace and nothing else.
    pub(crate) fn refuse<T>(&self, refusal: Refusal, action: &'static str) -> Decision<T> {
        let mut changes = Changes::none();
        changes.event(self.event(action).because(refusal.code()));
        Decision::no(refusal, changes)
    }
}

/// Opens a session for a user who has just proved who he is.
pub(crate) fn open(
    user: &User,
    assurance: Assurance,
    id: SessionId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Session {
    Session {
        v: Schema::default(),
        id,
        tenant: user.tenant,
        user: user.id,
        credential_version: user.credential_version,
        assurance,
        signed_in_at: now,
        fresh_until: after(now, policy.session_fresh),
        used_at: now,
        idle_until: after(now, policy.session_idle),
        ends_at: after(now, policy.session_longest),
    }
}

/// Lets the acting session go on under a fresh id after its user's credentials changed; the old id is dead.
pub(crate) fn succeed(
    acting: &Acting,
    user: &User,
    id: SessionId,
    assurance: Assurance,
    changes: &mut Changes,
) -> CurrentSession {
    let old = &acting.session.value;
    let session = Session { id, credential_version: user.credential_version, assurance, ..old.clone() };
    changes.delete(&acting.session).insert(&session);
    CurrentSession {
        id,
        user: user.id,
        login: user.login.clone(),
        account: user.account,
        assurance,
        fresh_until: session.fresh_until,
        idle_until: session.idle_until,
        ends_at: session.ends_at,
    }
}

/// Notes that a session is in use; the idle limit is moved at most once in the policy's grain.
pub(crate) fn use_it(acting: Acting, policy: &Policy, now: DateTime<Utc>) -> Decision<CurrentSession> {
    let mut acting = acting;
    let mut changes = Changes::none();
    let session = &mut acting.session.value;
    if now >= after(session.used_at, policy.session_moved_every) {
        session.used_at = now;
        session.idle_until = after(now, policy.session_idle).min(session.ends_at);
        changes.put(&acting.session);
        changes.event(acting.event("session_used").about(acting.session.value.id.uuid()));
    }
    Decision::yes(CurrentSession::from(&acting), changes)
}

/// Ends a session at its user's wish.
pub(crate) fn sign_out(session: Option<&Stored<Session>>) -> Decision<()> {
    let mut changes = Changes::none();
    if let Some(session) = session {
        changes.delete(session);
        let (tenant, subject) = (session.value.tenant.uuid(), session.value.user.uuid());
        changes.event(Event::of("signed_out", tenant, subject).about(session.value.id.uuid()));
    }
    Decision::yes((), changes)
}

/// A moment later, at the end of time at the latest.
pub(crate) fn after(at: DateTime<Utc>, wait: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

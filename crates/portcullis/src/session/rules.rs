//! When a session is alive, when it is fresh, and how one follows another.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Acting, Assurance, CurrentSession, ListedSession, Session};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::engine::record::Schema;
use crate::id::SessionId;
use crate::policy::Policy;
use crate::user::User;
use crate::user::rules::bump_credentials;

/// Whether a user may be signed in at all.
pub(crate) fn admissible(user: &User, chain: &Chain, now: DateTime<Utc>) -> Result<(), &'static str> {
    if user.disabled {
        Err("disabled")
    } else if chain.blocked(now) {
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
    epoch: u32,
    now: DateTime<Utc>,
) -> Option<&'static str> {
    if session.epoch < epoch {
        Some("old_epoch")
    } else if session.credential_version != user.credential_version {
        Some("credentials_changed")
    } else if now >= session.ends_at {
        Some("ended")
    } else if now >= session.idle_until {
        Some("idle")
    } else if session.lifts != chain.lifts() {
        Some("voided")
    } else {
        admissible(user, chain, now).err()
    }
}

/// What a request comes with, judged: a live session, or a refusal that removes the dead one for good.
pub(crate) fn acting(
    session: Option<Stored<Session>>,
    user: Option<Stored<User>>,
    chain: Chain,
    epoch: u32,
    now: DateTime<Utc>,
) -> Result<Acting, No> {
    let mut changes = Changes::none();
    let Some(session) = session else {
        return Err(No::new(Reason::SignedOut.into(), changes));
    };
    let why = match &user {
        Some(user) => death(&session.value, &user.value, &chain, epoch, now),
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
        self.refuse_keeping(Changes::none(), refusal, action)
    }

    /// A refusal that leaves a trace, and leaves only if these are kept with it.
    pub(crate) fn refuse_keeping<T>(
        &self,
        mut changes: Changes,
        refusal: Refusal,
        action: &'static str,
    ) -> Decision<T> {
        changes.event(self.event(action).because(refusal.code()));
        Decision::no(refusal, changes)
    }
}

/// Opens a session for a user who has just proved who he is.
pub(crate) fn open(
    user: &User,
    lifts: u64,
    assurance: Assurance,
    id: SessionId,
    epoch: u32,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Session {
    Session {
        v: Schema::default(),
        id,
        tenant: user.tenant,
        user: user.id,
        credential_version: user.credential_version,
        epoch,
        lifts,
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

/// Ends another session of the acting user, or the acting one itself.
pub(crate) fn end(acting: &Acting, other: Option<&Stored<Session>>) -> Decision<()> {
    let own = other.filter(|other| other.value.user == acting.user.value.id);
    let Some(other) = own else {
        return acting.refuse(Reason::NotFound.into(), "session_end_refused");
    };
    let mut changes = Changes::none();
    changes.delete(other);
    if other.value.id != acting.session.value.id {
        acting.guard(&mut changes);
    }
    let event = acting.event("session_ended").because("by_user");
    changes.event(event.about(other.value.id.uuid()));
    Decision::yes((), changes)
}

/// Ends every other session of the acting user; the acting one goes on under a fresh id. `others` says whether there is
/// any, or a code by which there could be one: what ends nothing is not done, or it would fill the trail.
pub(crate) fn end_others(acting: &Acting, others: bool, id: SessionId) -> Decision<CurrentSession> {
    let mut changes = Changes::none();
    let user = &acting.user.value;
    if !others && user.pending_email.is_none() && user.pending_two_factor.is_none() {
        return Decision::yes(CurrentSession::from(acting), changes);
    }
    let mut user = acting.user.clone();
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    let assurance = acting.session.value.assurance;
    let session = succeed(acting, &user.value, id, assurance, &mut changes);
    changes.event(acting.event("other_sessions_ended").about(id.uuid()));
    Decision::yes(session, changes)
}

/// A session as its user may see it.
pub(crate) fn listed(session: &Session, acting: SessionId) -> ListedSession {
    ListedSession {
        id: session.id,
        created_at: session.signed_in_at,
        used_at: session.used_at,
        assurance: session.assurance,
        acting: session.id == acting,
    }
}

/// A moment later, at the end of time at the latest.
pub(crate) fn after(at: DateTime<Utc>, wait: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::fixture::*;

    fn alice() -> (Account, User, Session) {
        let account = account(1);
        let alice = user(2, &account);
        let session = session(900, &alice);
        (account, alice, session)
    }

    fn policy() -> Policy {
        Policy::default()
    }

    #[test]
    fn a_session_lives_until_the_last_microsecond_of_each_limit() {
        let (account, alice, session) = alice();
        let chain = chain([&account]);
        let at = |session: &Session, now| death(session, &alice, &chain, 0, now);
        assert_eq!(session.idle_until, began() + policy().session_idle);
        assert_eq!(session.ends_at, began() + policy().session_longest);
        assert_eq!(at(&session, session.idle_until - TICK), None);
        assert_eq!(at(&session, session.idle_until), Some("idle"));
        let used = Session { idle_until: session.ends_at + TICK, ..session };
        assert_eq!(at(&used, used.ends_at - TICK), None);
        assert_eq!(at(&used, used.ends_at), Some("ended"));
    }

    #[test]
    fn every_other_death_is_named() {
        let (account, alice, session) = alice();
        let dies = |change: &dyn Fn(&mut User, &mut Account)| {
            let (mut user, mut account) = (alice.clone(), account.clone());
            change(&mut user, &mut account);
            death(&session, &user, &chain([&account]), 0, began())
        };
        assert_eq!(dies(&|_, _| ()), None);
        assert_eq!(dies(&|u, _| u.credential_version += 1), Some("credentials_changed"));
        assert_eq!(dies(&|u, _| u.disabled = true), Some("disabled"));
        assert_eq!(dies(&|_, a| a.blocked = true), Some("blocked"));
        assert_eq!(dies(&|_, a| a.lifts += 1), Some("voided"));
    }

    #[test]
    fn a_session_of_an_earlier_epoch_is_dead() {
        let (account, alice, _) = alice();
        let id = SessionId::from_uuid(uuid(900));
        let opened = |epoch| open(&alice, 0, Assurance::Password, id, epoch, &policy(), began());
        let at = |session: &Session, epoch| death(session, &alice, &chain([&account]), epoch, began());
        assert_eq!(at(&opened(1), 1), None);
        assert_eq!(at(&opened(1), 2), Some("old_epoch"));
        assert_eq!(at(&opened(2), 1), None, "a process with the keys of yesterday ends nobody's session");
    }

    #[test]
    fn a_session_seen_dead_is_removed_for_good() {
        let (account, alice, session) = alice();
        let ended = session.idle_until;
        let judge = |user: Option<&User>, now| {
            let user = user.cloned().map(stored);
            acting(Some(stored(session.clone())), user, chain([&account]), 0, now)
        };
        for (user, now, why) in [(Some(&alice), ended, "idle"), (None, began(), "user_gone")] {
            let decision = Decision::<()>::from(judge(user, now).unwrap_err());
            assert_eq!(decision.reply.unwrap_err().reason(), Reason::SignedOut);
            assert_eq!(decision.changes.deletes, [(uuid(900), 7)]);
            assert_eq!(trail(&decision.changes), [format!("session_ended: {why}")]);
        }
        assert!(judge(Some(&alice), began()).is_ok());
        let unknown = acting(None, None, chain([&account]), 0, began()).unwrap_err();
        assert!(Decision::<()>::from(unknown).changes.is_empty(), "an unknown id leaves nothing");
    }

    #[test]
    fn a_sign_in_is_fresh_until_the_last_microsecond() {
        let (account, alice, session) = alice();
        let acting = acting_as(&alice, &account);
        assert_eq!(session.fresh_until, began() + policy().session_fresh);
        assert_eq!(acting.fresh(session.fresh_until - TICK), Ok(()));
        assert_eq!(acting.fresh(session.fresh_until).unwrap_err().reason(), Reason::StaleSignIn);
    }

    #[test]
    fn the_idle_limit_is_moved_once_in_its_grain() {
        let (account, alice, _) = alice();
        let used = |at| {
            let decision = use_it(acting_as(&alice, &account), &policy(), at);
            (decision.changes, decision.reply.unwrap())
        };
        let grain = began() + policy().session_moved_every;
        let (changes, seen) = used(grain - TICK);
        assert!(changes.is_empty() && seen.idle_until == began() + policy().session_idle);
        let (changes, seen) = used(grain);
        assert_eq!(trail(&changes), ["session_used: -"]);
        assert_eq!(seen.idle_until, grain + policy().session_idle);
        let kept: Session = written(&changes, uuid(900)).unwrap();
        assert_eq!((kept.used_at, kept.idle_until), (grain, seen.idle_until));
        assert_eq!(kept.fresh_until, began() + policy().session_fresh, "use makes nothing fresh");
        assert!(used(began() - TICK).0.is_empty(), "nor does a clock that stepped back move it");
    }

    #[test]
    fn the_end_caps_the_idle_limit() {
        let (account, alice, session) = alice();
        let near = session.ends_at - TICK;
        let seen = use_it(acting_as(&alice, &account), &policy(), near).reply.unwrap();
        assert_eq!(seen.idle_until, session.ends_at);
    }

    #[test]
    fn a_session_that_goes_on_keeps_its_end_under_the_new_credentials() {
        let (account, mut alice, session) = alice();
        let acting = acting_as(&alice, &account);
        alice.credential_version += 1;
        let mut changes = Changes::none();
        let id = SessionId::from_uuid(uuid(901));
        let next = succeed(&acting, &alice, id, Assurance::PasswordEmail, &mut changes);
        assert_eq!((next.id, next.ends_at, next.fresh_until), (id, session.ends_at, session.fresh_until));
        assert_eq!(changes.deletes, [(uuid(900), 7)]);
        let kept: Session = written(&changes, uuid(901)).unwrap();
        assert_eq!((kept.credential_version, kept.signed_in_at), (2, session.signed_in_at));
        assert_eq!(kept.assurance, Assurance::PasswordEmail);
        assert_eq!(death(&kept, &alice, &chain([&account]), 0, began()), None);
        assert_eq!(death(&session, &alice, &chain([&account]), 0, began()), Some("credentials_changed"));
    }

    #[test]
    fn signing_out_removes_the_session_and_twice_changes_nothing() {
        let (_, _, session) = alice();
        let decision = sign_out(Some(&stored(session)));
        assert_eq!(decision.changes.deletes, [(uuid(900), 7)]);
        assert_eq!(trail(&decision.changes), ["signed_out: -"]);
        assert!(sign_out(None).changes.is_empty());
    }

    #[test]
    fn an_own_session_is_ended_while_the_acting_one_is_pinned() {
        let (account, alice, own) = alice();
        let acting = acting_as(&alice, &account);
        let decision = end(&acting, Some(&stored(session(901, &alice))));
        assert_eq!(decision.changes.deletes, [(uuid(901), 7)]);
        assert_eq!(touched(&decision.changes), [uuid(900), uuid(1), uuid(901)]);
        assert_eq!(trail(&decision.changes), ["session_ended: by_user"]);
        assert!(decision.reply.is_ok());
        let itself = end(&acting, Some(&stored(own)));
        assert_eq!(touched(&itself.changes), [uuid(900)]);
        assert!(itself.reply.is_ok());
    }

    #[test]
    fn the_session_of_another_user_is_as_unknown_as_none() {
        let (account, alice, _) = alice();
        let acting = acting_as(&alice, &account);
        let foreign = stored(session(901, &user(3, &account)));
        for other in [Some(&foreign), None] {
            let decision = end(&acting, other);
            assert!(touched(&decision.changes).is_empty());
            assert_eq!(trail(&decision.changes), ["session_end_refused: not_found"]);
            assert_eq!(decision.reply.unwrap_err().reason(), Reason::NotFound);
        }
    }

    #[test]
    fn ending_the_others_leaves_one_session_under_new_credentials() {
        let (account, alice, _) = alice();
        let other = session(901, &alice);
        let acting = acting_as(&alice, &account);
        let decision = end_others(&acting, true, SessionId::from_uuid(uuid(902)));
        assert_eq!(touched(&decision.changes), [uuid(2), uuid(902), uuid(1), uuid(900)]);
        assert_eq!(trail(&decision.changes), ["other_sessions_ended: -"]);
        let bumped: User = written(&decision.changes, uuid(2)).unwrap();
        let kept: Session = written(&decision.changes, uuid(902)).unwrap();
        let chain = chain([&account]);
        assert_eq!(death(&kept, &bumped, &chain, 0, began()), None);
        assert_eq!(death(&other, &bumped, &chain, 0, began()), Some("credentials_changed"));
        assert_eq!(decision.reply.unwrap().id.uuid(), uuid(902));
    }

    #[test]
    fn ending_nothing_keeps_nothing_and_a_pending_code_is_something() {
        let (account, mut alice, _) = alice();
        let ended = |alice: &User| {
            let id = SessionId::from_uuid(uuid(902));
            let decision = end_others(&acting_as(alice, &account), false, id);
            (trail(&decision.changes), decision.changes.is_empty(), decision.reply.unwrap().id.uuid())
        };
        assert_eq!(ended(&alice), (vec![], true, uuid(900)));
        alice.pending_two_factor = Some(fresh_code(800).challenge);
        assert_eq!(ended(&alice), (vec![String::from("other_sessions_ended: -")], false, uuid(902)));
    }

    #[test]
    fn time_ends_and_does_not_overflow() {
        assert_eq!(after(DateTime::<Utc>::MAX_UTC, TICK), DateTime::<Utc>::MAX_UTC);
    }
}

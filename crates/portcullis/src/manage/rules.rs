//! What an administrator may do to a user, and what it changes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::holders::holders;
use super::model::{ManagedEmail, ManagedUser, UserActions, UserChange};
use super::reset;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::Purpose;
use crate::challenge::rules::{Ask, issue, may_issue};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::email::rules::Plan;
use crate::id::{AccountId, UserId};
use crate::invitation::rules::Invitation;
use crate::policy::Policy;
use crate::rights::rules::{self as rights, Who, allow_on_account, allow_on_user, on_user};
use crate::rights::{Action, Gate, Verdict};
use crate::session::model::Acting;
use crate::user::model::PendingEmail;
use crate::user::rules::{self as user_rules, bump_credentials};
use crate::user::{Flags, NewUser, User};

/// A user as who asks sees him; `chain` holds the user's accounts.
pub(crate) fn seen(
    who: Who<'_>,
    user: &User,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> ManagedUser {
    let may = |action: Action| match who {
        Who::Program => Verdict::of([]),
        Who::User(acting) => on_user(&acting.user.value, &action, user, chain),
    };
    // Who may not ask for it at all is told no more than that, as the act does.
    let recovery = Some(may(Action::SendRecovery)).filter(|may| !may.is_allowed());
    ManagedUser {
        id: user.id,
        login: user.login.clone(),
        account: user.account,
        creator: user.creators.first().copied(),
        external_id: user.external_id.clone(),
        flags: user.flags.clone(),
        disabled: user.disabled,
        blocked: chain.blocked(now),
        email: ManagedEmail {
            confirmed: user.confirmed_email().map(Email::masked),
            pending: user.pending_email.as_ref().map(|pending| pending.address.masked()),
        },
        password_set: user.password.is_some(),
        two_factor: user.two_factor,
        language: user.language.clone(),
        time_zone: user.time_zone,
        created_at: user.created_at,
        may: UserActions {
            edit_flags: may(Action::SetFlags(Flags::default())),
            change_settings: may(Action::ChangeSettings),
            change_email: may(Action::ChangeEmail),
            end_sessions: may(Action::EndSessions),
            remove_two_factor: may(Action::RemoveTwoFactor),
            send_recovery: recovery.unwrap_or_else(|| reset::recovery_gates(user, chain, policy, now)),
            send_invitation: may(Action::SendInvitation),
            manage_access: may(Action::GrantOnUser(std::collections::BTreeSet::new())),
            see_trail: may(Action::SeeTrail),
        },
        rights: None,
    }
}

/// Shows a user, to who may do this to him.
pub(crate) fn show(
    who: Who<'_>,
    action: &Action,
    target: &Stored<User>,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<ManagedUser> {
    match allow_on_user(who, action, &target.value, chain) {
        Ok(()) => {
            let mut shown = seen(who, &target.value, chain, policy, now);
            shown.rights = holders(&target.value.rights, &shown.may.manage_access);
            Decision::yes(shown, Changes::none())
        }
        Err(refusal) => refuse(who, &target.value, refusal),
    }
}

/// Whether a user belongs to what who lists an account may see.
pub(crate) fn lists(who: Who<'_>, user: &User, chain: &Chain) -> bool {
    allow_on_user(who, &Action::SeeUser, user, chain).is_ok()
}

/// Those on a page of users or accounts, of all that were read for it, and where the next one begins.
///
/// What is not to be seen is not to be known of either. Where a page ends at such a one, because no more are read at
/// once, the next one begins at a place before it that keeps only the time of its id.
// INVARIANT: that place lies behind the first one read, so that going on from page to page comes to an end.
pub(crate) fn page_of<T>(
    read: &[T],
    wanted: u32,
    longest: u32,
    id: impl Fn(&T) -> Uuid,
    listed: impl Fn(&T) -> bool,
) -> (Vec<&T>, Option<Uuid>) {
    let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut page: Vec<&T> = read.iter().filter(|one| listed(one)).collect();
    if page.len() > many(wanted) {
        page.truncate(many(wanted));
        let next = page.last().map(|one| id(one));
        return (page, next);
    }
    let full = read.first().zip(read.last()).filter(|_| read.len() >= many(longest));
    let next = full.map(|(first, last)| {
        let place = Uuid::from_u128(id(last).as_u128() & !u128::from(u64::MAX));
        if listed(last) || place <= id(first) { id(last) } else { place }
    });
    page.retain(|one| next.is_none_or(|next| id(one) <= next));
    (page, next)
}

/// What a creation found out and drew.
pub(crate) struct Fresh {
    pub(crate) id: UserId,
    /// What the last try found another user to hold.
    pub(crate) taken: Option<Reason>,
    /// The link for the address that is invited.
    pub(crate) invitation: Option<Invitation>,
}

/// Makes a user in an account, of which `chain` holds it and those above it. Who acts becomes the creator.
pub(crate) fn create(
    who: Who<'_>,
    new: &NewUser,
    evidence: Fresh,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<ManagedUser> {
    let Some(account) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    let (tenant, place) = (account.value.tenant.uuid(), account.value.id.uuid());
    if let Err(refusal) = allow_on_account(who, &Action::CreateUser(new.flags.clone()), &account.value, chain)
    {
        return rights::refuse(who, tenant, place, refusal);
    }
    // Who is sent a link gets in by it.
    if new.invited_email.is_some()
        && let Err(refusal) = who.fresh(now)
    {
        return rights::refuse(who, tenant, place, refusal);
    }
    let mut new = new.clone();
    let Fresh { id, taken, invitation } = evidence;
    let mut found = user_rules::Found {
        account: Some(account.clone()),
        lifts: chain.lifts(),
        taken,
        invitation,
        ..user_rules::Found::default()
    };
    if let Who::User(acting) = who {
        // A password and a proved address are only the user's own to give.
        let own = new.password.is_some() || new.confirmed_email.is_some();
        if own || new.id.is_some() || new.creator.is_some() {
            return rights::refuse(who, tenant, place, Refusal::not_allowed(vec![Gate::Policy]));
        }
        new.creator = Some(acting.user.value.id);
        found.creator = Some(acting.user.clone());
    }
    let Decision { reply, mut changes, .. } = user_rules::create(&new, id, &found, policy, now);
    match reply {
        Ok(user) => {
            who.pin(chain, &mut changes);
            Decision::yes(seen(who, &user, chain, policy, now), changes)
        }
        Err(refusal) => rights::refuse(who, tenant, place, refusal),
    }
}

/// A user after a change, except for his address, which waits.
pub(crate) fn changed(user: &User, change: &UserChange) -> User {
    let mut user = user.clone();
    user.flags = after(&user.flags, change);
    if let Some(language) = &change.language {
        user.language = language.clone();
    }
    if let Some(time_zone) = change.time_zone {
        user.time_zone = time_zone;
    }
    match change.disabled {
        Some(disabled) if disabled != user.disabled => {
            user.disabled = disabled;
            bump_credentials(&mut user);
        }
        Some(_) | None => {}
    }
    user
}

/// The address that a change sends a code to: not one that is confirmed already.
pub(crate) fn new_address<'a>(user: &User, change: &'a UserChange) -> Option<&'a Email> {
    let address = change.email.as_ref()?;
    let has_it = user.confirmed_email().is_some_and(|own| own.same_as(address));
    (!has_it).then_some(address)
}

fn after(flags: &Flags, change: &UserChange) -> Flags {
    change.flags.iter().fold(flags.clone(), |flags, (flag, on)| flags.with(*flag, *on))
}

/// The acts of which a change consists.
fn acts(user: &User, change: &UserChange) -> Vec<Action> {
    let mut acts = Vec::new();
    if !change.flags.is_empty() {
        acts.push(Action::SetFlags(after(&user.flags, change)));
    }
    if let Some(disabled) = change.disabled {
        acts.push(Action::SetDisabled(disabled));
    }
    if change.language.is_some() || change.time_zone.is_some() {
        acts.push(Action::ChangeSettings);
    }
    if change.email.is_some() {
        acts.push(Action::ChangeEmail);
    }
    acts
}

/// Lets an actor do all of these, or names everything that is missing.
fn allow_all(who: Who<'_>, acts: &[Action], target: &User, chain: &Chain) -> Result<(), Refusal> {
    allow_on_user(who, &Action::SeeUser, target, chain)?;
    let mut missing = Vec::new();
    for action in acts {
        if let Err(refusal) = allow_on_user(who, action, target, chain) {
            let more = refusal.missing().iter().filter(|gate| !missing.contains(*gate));
            missing.extend(more.copied().collect::<Vec<_>>());
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Refusal::not_allowed(missing)) }
}

/// Changes a user in one commit. `plan` is what a code to the new address needs, and is there if one is to be sent.
pub(crate) fn change(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    change: &UserChange,
    plan: Option<Plan>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<ManagedUser> {
    let before = &target.value;
    if let Err(refusal) = allow_all(who, &acts(before, change), before, chain) {
        return refuse(who, before, refusal);
    }
    // An address takes a fresh sign-in, the own one or another's, whichever way it is asked for.
    if change.email.is_some()
        && let Err(refusal) = who.fresh(now)
    {
        return refuse(who, before, refusal);
    }
    let mut user = target.clone();
    user.value = changed(before, change);
    let mut changes = Changes::none();
    if let Some((address, plan)) = new_address(before, change).zip(plan) {
        if let Err(refusal) = may_issue(plan.failures, plan.wait, policy, now) {
            return refuse(who, before, refusal);
        }
        let challenge = plan.fresh.challenge;
        let ask = Ask {
            user: &user.value,
            lifts: chain.lifts(),
            purpose: Purpose::EmailConfirmation,
            destination: address.into(),
            session: None,
        };
        if let Err(refusal) = issue(&mut changes, &ask, plan.fresh, plan.fare, policy, now) {
            return refuse(who, before, refusal);
        }
        for issued in &mut changes.events {
            issued.actor = who.id();
        }
        let pending = if who.is(before.id) { PendingEmail::own } else { PendingEmail::proposed };
        user.value.pending_email = Some(pending(address.clone(), challenge));
        changes.event(event(who, before, "email_pending").about(challenge.uuid()));
    }
    let told = [
        (before.flags != user.value.flags, "flags_changed"),
        (before.disabled != user.value.disabled, if user.value.disabled { "disabled" } else { "enabled" }),
        (
            before.language != user.value.language || before.time_zone != user.value.time_zone,
            "settings_changed",
        ),
    ];
    for (_, action) in told.into_iter().filter(|(did, _)| *did) {
        changes.event(event(who, before, action));
    }
    if !changes.is_empty() {
        changes.put(&user);
        who.pin(chain, &mut changes);
    }
    Decision::yes(seen(who, &user.value, chain, policy, now), changes)
}

/// An event about a user, by who acts.
pub(crate) fn event(who: Who<'_>, target: &User, action: &'static str) -> Event {
    Event::of(action, target.tenant.uuid(), target.id.uuid()).by(who.id())
}

/// A refusal about a user that leaves a trace and nothing else.
pub(crate) fn refuse<T>(who: Who<'_>, target: &User, refusal: Refusal) -> Decision<T> {
    rights::refuse(who, target.tenant.uuid(), target.id.uuid(), refusal)
}

/// A user found by login, for who may see him.
pub(crate) fn find(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Option<ManagedUser>> {
    match allow_on_user(who, &Action::SeeUser, &target.value, chain) {
        Ok(()) => Decision::yes(Some(seen(who, &target.value, chain, policy, now)), Changes::none()),
        Err(_) => found_nobody(who, target.value.id.uuid()),
    }
}

/// The answer about a login that nobody has, which is the one about a user whom the actor may not see.
pub(crate) fn found_nobody(who: Who<'_>, subject: Uuid) -> Decision<Option<ManagedUser>> {
    let mut changes = Changes::none();
    if let Who::User(acting) = who {
        let event = Event::of("change_refused", acting.user.value.tenant.uuid(), subject);
        changes.event(event.by(who.id()).because(Reason::NotFound.code()));
    }
    Decision::yes(None, changes)
}

/// The account whose users are listed, with those above it: the one that is named, or the actor's own.
pub(crate) fn list(
    acting: Option<Acting>,
    named: Option<AccountId>,
    found: Option<Chain>,
) -> Decision<(Option<Acting>, Chain)> {
    let Some(named) = named else {
        let own = acting.as_ref().map_or(Chain(Vec::new()), |acting| acting.chain.clone());
        return Decision::yes((acting, own), Changes::none());
    };
    let Some((chain, account)) = found.and_then(|chain| chain.0.first().cloned().map(|first| (chain, first)))
    else {
        return rights::nobody(acting.as_ref(), named.uuid()).into();
    };
    let who = acting.as_ref().map_or(Who::Program, Who::User);
    match allow_on_account(who, &Action::SeeAccount, &account.value, &chain) {
        Ok(()) => Decision::yes((acting, chain), Changes::none()),
        Err(refusal) => rights::refuse(who, account.value.tenant.uuid(), named.uuid(), refusal),
    }
}

#[cfg(test)]
mod tests;

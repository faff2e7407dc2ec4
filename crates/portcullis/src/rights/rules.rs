//! Who may do what to whom. Rights are asked in the commit that makes the effect.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{AccessRight, Gate, Verdict};
use crate::account::Account;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::id::UserId;
use crate::session::model::Acting;
use crate::user::rules::bump_credentials;
use crate::user::{Flag, Flags, User};

/// Something one user may do to another user or to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// See a user.
    SeeUser,
    /// Give a user exactly these switches.
    SetFlags(Flags),
    /// Switch signing in off or on for a user.
    SetDisabled(bool),
    /// Let somebody have exactly these rights on a user.
    GrantOnUser(BTreeSet<AccessRight>),
    /// Let somebody have exactly these rights on an account.
    GrantOnAccount(BTreeSet<AccessRight>),
}

/// Who acts: a user through a session, or the embedding program itself, which is asked nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who<'a> {
    Program,
    User(&'a Acting),
}

impl Who<'_> {
    fn id(self) -> Option<uuid::Uuid> {
        match self {
            Self::Program => None,
            Self::User(acting) => Some(acting.user.value.id.uuid()),
        }
    }

    /// Pins what the verdict rested on.
    fn guard(self, target: uuid::Uuid, changes: &mut Changes) {
        if let Self::User(acting) = self {
            acting.guard(changes);
            if acting.user.value.id.uuid() != target {
                changes.guard(&acting.user);
            }
        }
    }
}

/// The rights of somebody on a user: granted directly, or all of them as manager of an account above that user.
fn rights_on_user(actor: UserId, target: &User, chain: &Chain) -> BTreeSet<AccessRight> {
    if manages(actor, chain) {
        return AccessRight::ALL.into_iter().collect();
    }
    direct(&target.rights, actor)
}

/// The rights of somebody on an account: granted directly, or all of them as manager of it or of one above.
fn rights_on_account(actor: UserId, target: &Account, chain: &Chain) -> BTreeSet<AccessRight> {
    if manages(actor, chain) {
        return AccessRight::ALL.into_iter().collect();
    }
    direct(&target.rights, actor)
}

fn manages(actor: UserId, chain: &Chain) -> bool {
    chain.0.iter().any(|account| {
        account.value.rights.get(&actor).is_some_and(|rights| rights.contains(&AccessRight::ManageAccount))
    })
}

fn direct(rights: &BTreeMap<UserId, BTreeSet<AccessRight>>, actor: UserId) -> BTreeSet<AccessRight> {
    rights.get(&actor).cloned().unwrap_or_default()
}

const fn gate_of(flag: Flag) -> Gate {
    match flag {
        Flag::ChangePassword => Gate::ChangePassword,
        Flag::SendSms => Gate::SendSms,
        Flag::ChangeSettings => Gate::ChangeSettings,
        Flag::CreateItems => Gate::CreateItems,
    }
}

/// May this user do this to that user? `chain` holds the target's accounts.
pub(crate) fn on_user(actor: &User, action: &Action, target: &User, chain: &Chain) -> Verdict {
    let held = rights_on_user(actor.id, target, chain);
    let right = |right| (Gate::Right(right), held.contains(&right));
    match action {
        Action::SeeUser => Verdict::of([right(AccessRight::View)]),
        Action::SetDisabled(_) => Verdict::of([right(AccessRight::EditFlags)]),
        // Nobody grants a flag he lacks; taking one away needs no more than the right.
        Action::SetFlags(flags) => Verdict::of(
            std::iter::once(right(AccessRight::EditFlags)).chain(
                flags
                    .iter()
                    .filter(|flag| !target.flags.has(*flag))
                    .map(|flag| (gate_of(flag), actor.flags.has(flag))),
            ),
        ),
        Action::GrantOnUser(rights) => Verdict::of(
            std::iter::once(right(AccessRight::ManageAccess))
                .chain(rights.iter().map(|granted| right(*granted))),
        ),
        Action::GrantOnAccount(_) => Verdict::of([(Gate::Right(AccessRight::ManageAccess), false)]),
    }
}

/// May this user do this to that account? `chain` holds the account and those above it.
pub(crate) fn on_account(actor: &User, action: &Action, target: &Account, chain: &Chain) -> Verdict {
    let held = rights_on_account(actor.id, target, chain);
    let right = |right| (Gate::Right(right), held.contains(&right));
    match action {
        Action::GrantOnAccount(rights) => Verdict::of(
            std::iter::once(right(AccessRight::ManageAccess))
                .chain(rights.iter().map(|granted| right(*granted))),
        ),
        Action::SeeUser | Action::SetFlags(_) | Action::SetDisabled(_) | Action::GrantOnUser(_) => {
            Verdict::of([(Gate::Right(AccessRight::View), false)])
        }
    }
}

/// Lets an actor do something to a user, or says which gates are missing. Who may not even see the user learns
/// nothing of him.
fn allow_on_user(who: Who<'_>, action: &Action, target: &User, chain: &Chain) -> Result<(), Refusal> {
    match who {
        Who::Program => Ok(()),
        Who::User(acting) => {
            let actor = &acting.user.value;
            if actor.tenant != target.tenant || !on_user(actor, &Action::SeeUser, target, chain).is_allowed()
            {
                return Err(Reason::NotFound.into());
            }
            let verdict = on_user(actor, action, target, chain);
            if verdict.is_allowed() { Ok(()) } else { Err(Refusal::not_allowed(verdict.into_missing())) }
        }
    }
}

fn refuse<T>(who: Who<'_>, tenant: uuid::Uuid, target: uuid::Uuid, refusal: Refusal) -> Decision<T> {
    let mut changes = Changes::none();
    changes.event(Event::of("change_refused", tenant, target).by(who.id()).because(refusal.code()));
    Decision::no(refusal, changes)
}

/// Changes a user: switches or `disabled`.
pub(crate) fn change_user(
    who: Who<'_>,
    action: &Action,
    target: &Stored<User>,
    chain: &Chain,
) -> Decision<User> {
    let (tenant, id) = (target.value.tenant.uuid(), target.value.id.uuid());
    if let Err(refusal) = allow_on_user(who, action, &target.value, chain) {
        return refuse(who, tenant, id, refusal);
    }
    let mut user = target.clone();
    let did = match action {
        Action::SetFlags(flags) => {
            if user.value.flags == *flags {
                return Decision::yes(user.value, Changes::none());
            }
            user.value.flags = flags.clone();
            "flags_changed"
        }
        Action::SetDisabled(disabled) => {
            if user.value.disabled == *disabled {
                return Decision::yes(user.value, Changes::none());
            }
            user.value.disabled = *disabled;
            bump_credentials(&mut user.value);
            if *disabled { "disabled" } else { "enabled" }
        }
        Action::SeeUser | Action::GrantOnUser(_) | Action::GrantOnAccount(_) => {
            return Decision::yes(user.value, Changes::none());
        }
    };
    let mut changes = Changes::none();
    changes.put(&user);
    who.guard(id, &mut changes);
    guard_others(who, chain, &mut changes);
    changes.event(Event::of(did, tenant, id).by(who.id()));
    Decision::yes(user.value, changes)
}

/// Lets somebody have exactly these rights on a user.
pub(crate) fn grant_on_user(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    to: UserId,
    rights: &BTreeSet<AccessRight>,
) -> Decision<()> {
    let (tenant, id) = (target.value.tenant.uuid(), target.value.id.uuid());
    let action = Action::GrantOnUser(rights.clone());
    if let Err(refusal) = allow_on_user(who, &action, &target.value, chain) {
        return refuse(who, tenant, id, refusal);
    }
    let mut user = target.clone();
    set(&mut user.value.rights, to, rights);
    let mut changes = Changes::none();
    changes.put(&user);
    who.guard(id, &mut changes);
    guard_others(who, chain, &mut changes);
    changes.event(Event::of("rights_changed", tenant, id).by(who.id()).about(to.uuid()));
    Decision::yes((), changes)
}

/// Lets somebody have exactly these rights on an account.
pub(crate) fn grant_on_account(
    who: Who<'_>,
    target: &Stored<Account>,
    above: &Chain,
    to: UserId,
    rights: &BTreeSet<AccessRight>,
) -> Decision<()> {
    let (tenant, id) = (target.value.tenant.uuid(), target.value.id.uuid());
    let mut chain = above.clone();
    chain.0.insert(0, target.clone());
    if let Who::User(acting) = who {
        let actor = &acting.user.value;
        if actor.tenant != target.value.tenant {
            return refuse(who, tenant, id, Reason::NotFound.into());
        }
        let verdict = on_account(actor, &Action::GrantOnAccount(rights.clone()), &target.value, &chain);
        if !verdict.is_allowed() {
            return refuse(who, tenant, id, Refusal::not_allowed(verdict.into_missing()));
        }
    }
    let mut account = target.clone();
    set(&mut account.value.rights, to, rights);
    let mut changes = Changes::none();
    changes.put(&account);
    if let Who::User(acting) = who {
        changes.guard(&acting.session).guard(&acting.user);
        for pinned in acting.chain.0.iter().filter(|pinned| pinned.value.id != target.value.id) {
            changes.guard(pinned);
        }
    }
    guard_others(who, above, &mut changes);
    changes.event(Event::of("rights_changed", tenant, id).by(who.id()).about(to.uuid()));
    Decision::yes((), changes)
}

fn set(rights: &mut BTreeMap<UserId, BTreeSet<AccessRight>>, to: UserId, granted: &BTreeSet<AccessRight>) {
    if granted.is_empty() {
        rights.remove(&to);
    } else {
        rights.insert(to, granted.clone());
    }
}

/// Pins the target's accounts too, in whose records the actor's rights are kept.
// INVARIANT: a revoked right is seen by every commit that relies on it, or waits for that commit to end.
fn guard_others(who: Who<'_>, chain: &Chain, changes: &mut Changes) {
    for account in &chain.0 {
        let pinned = match who {
            Who::Program => false,
            Who::User(acting) => acting.chain.0.iter().any(|own| own.value.id == account.value.id),
        };
        if !pinned {
            changes.guard(account);
        }
    }
}

//! Who may do what to whom. Rights are asked in the commit that makes the effect.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::model::{AccessRight, Gate, Verdict};
use crate::account::Account;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::decision::{Changes, Decision, Entity, No, Reason, Refusal, Stored};
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
    /// Read a user's audit trail.
    SeeTrail,
    /// Give a user exactly these switches.
    SetFlags(Flags),
    /// Switch signing in off or on for a user.
    SetDisabled(bool),
    /// Set a user's language or time zone.
    ChangeSettings,
    /// Have a code sent to a new address of a user, which he then confirms himself.
    ChangeEmail,
    /// End all sessions of a user.
    EndSessions,
    /// Remove a user's second factor.
    RemoveTwoFactor,
    /// Have a link sent to a user's confirmed address, by which he sets a new password himself.
    SendRecovery,
    /// Have a link sent to a user without a password, by which he sets his first one himself.
    SendInvitation,
    /// Let somebody have exactly these rights on a user.
    GrantOnUser(BTreeSet<AccessRight>),
    /// See an account.
    SeeAccount,
    /// Create a user with these switches in an account.
    CreateUser(Flags),
    /// Create an account below an account.
    CreateAccount,
    /// Change the name or the time zone of an account.
    ChangeAccount,
    /// Change the services, plan, dealer rights, days, balance or manual block of an account, or record a payment: for
    /// who manages an account above it, or the top account itself.
    BillAccount,
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
    pub(crate) fn id(self) -> Option<uuid::Uuid> {
        match self {
            Self::Program => None,
            Self::User(acting) => Some(acting.user.value.id.uuid()),
        }
    }

    /// Whether the sign-in is recent enough for what changes a factor.
    pub(crate) fn fresh(self, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self {
            Self::Program => Ok(()),
            Self::User(acting) => acting.fresh(now),
        }
    }

    /// Whether this is the user himself.
    pub(crate) fn is(self, user: UserId) -> bool {
        self.id() == Some(user.uuid())
    }

    /// Pins whatever a verdict rested on and these changes do not write: the actor's session, the actor, and the
    /// accounts of both sides.
    // INVARIANT: a revoked right is seen by every commit that relies on it, or waits for that commit to end.
    pub(crate) fn pin(self, chain: &Chain, changes: &mut Changes) {
        if let Self::User(acting) = self {
            pin(&acting.session, changes);
            pin(&acting.user, changes);
            for account in &acting.chain.0 {
                pin(account, changes);
            }
        }
        for account in &chain.0 {
            pin(account, changes);
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

/// Pins a record that these changes neither write nor pin yet.
pub(crate) fn pin<E: Entity>(stored: &Stored<E>, changes: &mut Changes) {
    let id = stored.value.id();
    let touched = changes.puts.iter().any(|put| put.id == id)
        || changes.guards.iter().chain(&changes.deletes).any(|(other, _)| *other == id);
    if !touched {
        changes.guard(stored);
    }
}

/// The rights of somebody on a user: granted directly, or all of them as manager of an account above that user.
/// Everybody sees himself.
fn rights_on_user(actor: UserId, target: &User, chain: &Chain) -> BTreeSet<AccessRight> {
    if manages(actor, &chain.0) {
        return AccessRight::ALL.into_iter().collect();
    }
    let mut rights = direct(&target.rights, actor);
    if actor == target.id {
        rights.insert(AccessRight::View);
    }
    rights
}

/// The rights of somebody on an account: granted directly, or all of them as manager of it or of one above.
fn rights_on_account(actor: UserId, target: &Account, chain: &Chain) -> BTreeSet<AccessRight> {
    if manages(actor, &chain.0) {
        return AccessRight::ALL.into_iter().collect();
    }
    direct(&target.rights, actor)
}

fn manages(actor: UserId, accounts: &[Stored<Account>]) -> bool {
    accounts.iter().any(|account| {
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
        Action::SeeTrail | Action::ChangeEmail if actor.id == target.id => Verdict::of([]),
        Action::SeeTrail => Verdict::of([right(AccessRight::ViewDetails)]),
        Action::SetDisabled(_) | Action::EndSessions | Action::SendRecovery | Action::SendInvitation => {
            Verdict::of([right(AccessRight::EditFlags)])
        }
        // The own factor goes by the own settings, which ask more: no right clears the own wrong codes.
        Action::RemoveTwoFactor => Verdict::of([(
            Gate::Right(AccessRight::EditFlags),
            actor.id != target.id && held.contains(&AccessRight::EditFlags),
        )]),
        Action::ChangeSettings if actor.id == target.id => {
            Verdict::of([(Gate::ChangeSettings, actor.flags.has(Flag::ChangeSettings))])
        }
        Action::ChangeSettings | Action::ChangeEmail => Verdict::of([right(AccessRight::EditOther)]),
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
        Action::SeeAccount
        | Action::CreateUser(_)
        | Action::CreateAccount
        | Action::ChangeAccount
        | Action::BillAccount => Verdict::of([(Gate::Right(AccessRight::ManageAccount), false)]),
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
        Action::SeeAccount => Verdict::of([right(AccessRight::View)]),
        Action::ChangeAccount => Verdict::of([right(AccessRight::ManageAccount)]),
        Action::BillAccount => {
            let from = usize::from(!target.ancestors.is_empty());
            let above = chain.0.get(from..).unwrap_or_default();
            Verdict::of([(Gate::Right(AccessRight::ManageAccount), manages(actor.id, above))])
        }
        Action::CreateAccount => Verdict::of([
            right(AccessRight::ManageAccount),
            (Gate::CreateItems, actor.flags.has(Flag::CreateItems)),
        ]),
        // Nobody grants a flag he lacks.
        Action::CreateUser(flags) => Verdict::of(
            [right(AccessRight::ManageAccount), (Gate::CreateItems, actor.flags.has(Flag::CreateItems))]
                .into_iter()
                .chain(
                    flags
                        .iter()
                        .filter(|flag| *flag != Flag::CreateItems)
                        .map(|flag| (gate_of(flag), actor.flags.has(flag))),
                ),
        ),
        Action::SeeUser
        | Action::SeeTrail
        | Action::SetFlags(_)
        | Action::SetDisabled(_)
        | Action::ChangeSettings
        | Action::ChangeEmail
        | Action::EndSessions
        | Action::RemoveTwoFactor
        | Action::SendRecovery
        | Action::SendInvitation
        | Action::GrantOnUser(_) => Verdict::of([(Gate::Right(AccessRight::View), false)]),
    }
}

/// Lets an actor do something to a user, or says which gates are missing. Who may not even see the user learns
/// nothing of him.
pub(crate) fn allow_on_user(
    who: Who<'_>,
    action: &Action,
    target: &User,
    chain: &Chain,
) -> Result<(), Refusal> {
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

/// As [`allow_on_user`], for an account; `chain` holds it and those above it.
pub(crate) fn allow_on_account(
    who: Who<'_>,
    action: &Action,
    target: &Account,
    chain: &Chain,
) -> Result<(), Refusal> {
    match who {
        Who::Program => Ok(()),
        Who::User(acting) => {
            let actor = &acting.user.value;
            let seen = on_account(actor, &Action::SeeAccount, target, chain).is_allowed();
            if actor.tenant != target.tenant || !seen {
                return Err(Reason::NotFound.into());
            }
            let verdict = on_account(actor, action, target, chain);
            if verdict.is_allowed() { Ok(()) } else { Err(Refusal::not_allowed(verdict.into_missing())) }
        }
    }
}

/// The answer about what does not exist; in trail and time it is the one about what the actor may not see.
pub(crate) fn nobody(acting: Option<&Acting>, target: uuid::Uuid) -> No {
    let mut changes = Changes::none();
    if let Some(acting) = acting {
        let (tenant, actor) = (acting.user.value.tenant.uuid(), acting.user.value.id.uuid());
        let refusal = Refusal::from(Reason::NotFound);
        changes.event(Event::of("change_refused", tenant, target).by(actor).because(refusal.code()));
    }
    No::new(Reason::NotFound.into(), changes)
}

/// Asks without doing: the verdict, for who may see the target.
pub(crate) fn verdict(who: Who<'_>, action: &Action, target: &User, chain: &Chain) -> Decision<Verdict> {
    let Who::User(acting) = who else {
        return Decision::yes(Verdict::of([]), Changes::none());
    };
    match allow_on_user(who, &Action::SeeUser, target, chain) {
        Ok(()) => Decision::yes(on_user(&acting.user.value, action, target, chain), Changes::none()),
        Err(refusal) => refuse(who, target.tenant.uuid(), target.id.uuid(), refusal),
    }
}

/// As [`verdict`], for an account, of which `chain` holds it and those above it.
pub(crate) fn verdict_on_account(who: Who<'_>, action: &Action, chain: &Chain) -> Decision<Verdict> {
    let (Who::User(acting), Some(target)) = (who, chain.0.first()) else {
        return Decision::yes(Verdict::of([]), Changes::none());
    };
    match allow_on_account(who, &Action::SeeAccount, &target.value, chain) {
        Ok(()) => {
            Decision::yes(on_account(&acting.user.value, action, &target.value, chain), Changes::none())
        }
        Err(refusal) => refuse(who, target.value.tenant.uuid(), target.value.id.uuid(), refusal),
    }
}

pub(crate) fn refuse<T>(
    who: Who<'_>,
    tenant: uuid::Uuid,
    target: uuid::Uuid,
    refusal: Refusal,
) -> Decision<T> {
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
        Action::SeeUser
        | Action::SeeTrail
        | Action::ChangeSettings
        | Action::ChangeEmail
        | Action::EndSessions
        | Action::RemoveTwoFactor
        | Action::SendRecovery
        | Action::SendInvitation
        | Action::SeeAccount
        | Action::CreateUser(_)
        | Action::CreateAccount
        | Action::ChangeAccount
        | Action::BillAccount
        | Action::GrantOnUser(_)
        | Action::GrantOnAccount(_) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::rights::grant::{self, Grant};

    /// The top account, one below it, and bob in the lower one.
    fn scene() -> (Account, Account, User) {
        let top = account(1);
        let low = under(&top, 3);
        let bob = user(4, &low);
        (top, low, bob)
    }

    fn alice(top: &Account) -> User {
        user(2, top)
    }

    fn granting<'a>(to: &User, account: &Account, rights: &'a BTreeSet<AccessRight>) -> Grant<'a> {
        Grant {
            to: to.id,
            rights,
            found: Some((stored(to.clone()), chain([account]))),
            most: 10,
            now: began(),
        }
    }

    fn missing(verdict: Verdict) -> Vec<Gate> {
        verdict.into_missing()
    }

    #[test]
    fn a_right_is_held_directly_or_by_managing_an_account_above() {
        let (mut top, low, mut bob) = scene();
        let alice = alice(&top);
        let see =
            |bob: &User, top: &Account| missing(on_user(&alice, &Action::SeeUser, bob, &chain([&low, top])));
        assert_eq!(see(&bob, &top), [Gate::Right(AccessRight::View)]);
        bob.rights.insert(alice.id, rights([AccessRight::View]));
        assert_eq!(see(&bob, &top), []);
        bob.rights.clear();
        for right in AccessRight::ALL {
            top.rights.insert(alice.id, rights([right]));
            let expected = right == AccessRight::ManageAccount;
            assert_eq!(see(&bob, &top).is_empty(), expected, "{right:?} on the account above");
        }
    }

    #[test]
    fn nobody_grants_a_flag_he_lacks() {
        let (top, low, mut bob) = scene();
        let mut alice = alice(&top);
        alice.flags = Flags::default().with(Flag::SendSms, true);
        bob.flags = Flags::default().with(Flag::CreateItems, true);
        let give = |bob: &User, flags: Flags| {
            missing(on_user(&alice, &Action::SetFlags(flags), bob, &chain([&low, &top])))
        };
        assert_eq!(
            give(&bob, Flags::all()),
            [Gate::Right(AccessRight::EditFlags), Gate::ChangePassword, Gate::ChangeSettings]
        );
        bob.rights.insert(alice.id, rights([AccessRight::EditFlags]));
        assert_eq!(give(&bob, Flags::all()), [Gate::ChangePassword, Gate::ChangeSettings]);
        assert_eq!(give(&bob, Flags::default()), [], "taking away needs no more than the right");
        assert_eq!(give(&bob, bob.flags.clone().with(Flag::SendSms, true)), []);
    }

    #[test]
    fn nobody_grants_a_right_he_lacks() {
        let (top, mut low, mut bob) = scene();
        let alice = alice(&top);
        let all = rights(AccessRight::ALL);
        let held = rights([AccessRight::ManageAccess, AccessRight::View]);
        let lacking: Vec<_> =
            AccessRight::ALL.into_iter().filter(|right| !held.contains(right)).map(Gate::Right).collect();
        bob.rights.insert(alice.id, held.clone());
        let verdict = on_user(&alice, &Action::GrantOnUser(all.clone()), &bob, &chain([&low, &top]));
        assert_eq!(missing(verdict), lacking);
        low.rights.insert(alice.id, held);
        let verdict = on_account(&alice, &Action::GrantOnAccount(all), &low, &chain([&low, &top]));
        assert_eq!(missing(verdict), lacking);
    }

    fn flags_off(acting: &Acting, bob: &User, chain: &Chain) -> Decision<User> {
        change_user(Who::User(acting), &Action::SetFlags(Flags::default()), &stored(bob.clone()), chain)
    }

    #[test]
    fn who_may_not_see_a_user_learns_nothing_of_him() {
        let (top, low, mut bob) = scene();
        let acting = acting_as(&alice(&top), &top);
        bob.rights.insert(acting.user.value.id, rights([AccessRight::EditFlags]));
        let chain = chain([&low, &top]);
        let decision = flags_off(&acting, &bob, &chain);
        assert_eq!(trail(&decision.changes), ["change_refused: not_found"]);
        assert_eq!(decision.reply.unwrap_err(), Refusal::from(Reason::NotFound));
        bob.rights.insert(acting.user.value.id, rights([AccessRight::View]));
        let refusal = flags_off(&acting, &bob, &chain).reply.unwrap_err();
        assert_eq!(refusal.missing(), [Gate::Right(AccessRight::EditFlags)]);
        bob.rights.insert(acting.user.value.id, rights(AccessRight::ALL));
        bob.tenant = account(9).id;
        let refusal = flags_off(&acting, &bob, &chain).reply.unwrap_err();
        assert_eq!(refusal.reason(), Reason::NotFound, "another tenant's, whatever is granted");
    }

    #[test]
    fn who_may_not_see_an_account_learns_nothing_of_it() {
        let (top, mut low, _) = scene();
        let acting = acting_as(&alice(&top), &top);
        let grant = |low: &Account| {
            let view = rights([AccessRight::View]);
            let mut to_user = user(5, &top);
            to_user.rights.insert(acting.user.value.id, view.clone());
            let grant = granting(&to_user, &top, &view);
            grant::on_account(Who::User(&acting), &stored(low.clone()), &chain([low, &top]), &grant).reply
        };
        assert_eq!(grant(&low).unwrap_err(), Refusal::from(Reason::NotFound));
        low.rights.insert(acting.user.value.id, rights([AccessRight::View]));
        assert_eq!(grant(&low).unwrap_err().missing(), [Gate::Right(AccessRight::ManageAccess)]);
        low.rights.insert(acting.user.value.id, rights([AccessRight::View, AccessRight::ManageAccess]));
        assert_eq!(grant(&low), Ok(()));
        low.tenant = account(9).id;
        assert_eq!(grant(&low).unwrap_err().reason(), Reason::NotFound);
    }

    #[test]
    fn a_change_pins_whatever_the_verdict_rested_on() {
        let (top, low, mut bob) = scene();
        let acting = acting_as(&alice(&top), &top);
        bob.rights.insert(acting.user.value.id, rights([AccessRight::View, AccessRight::EditFlags]));
        let decision = flags_off(&acting, &bob, &chain([&low, &top]));
        assert_eq!(
            touched(&decision.changes),
            [uuid(4), uuid(900), uuid(1), uuid(2), uuid(3)],
            "the target, the session, both accounts and the actor"
        );
        assert_eq!(trail(&decision.changes), ["flags_changed: -"]);
        assert_eq!(decision.changes.events[0].actor, Some(uuid(2)));
    }

    #[test]
    fn a_grant_on_an_account_pins_it_once() {
        let (mut top, _, _) = scene();
        top.rights.insert(alice(&top).id, rights([AccessRight::ManageAccount]));
        let acting = acting_as(&alice(&top), &top);
        let to = user(5, &top).id;
        let grant = |rights: &BTreeSet<AccessRight>, top: &Account| {
            let grant = granting(&user(5, &top.clone()), top, rights);
            grant::on_account(Who::User(&acting), &stored(top.clone()), &chain([top]), &grant)
        };
        let decision = grant(&rights([AccessRight::View]), &top);
        assert_eq!(touched(&decision.changes), [uuid(1), uuid(900), uuid(2), uuid(5)]);
        let kept: Account = written(&decision.changes, uuid(1)).unwrap();
        assert_eq!(kept.rights[&to], rights([AccessRight::View]));
        let kept: Account = written(&grant(&BTreeSet::new(), &kept).changes, uuid(1)).unwrap();
        assert!(!kept.rights.contains_key(&to), "none at all revokes");
    }

    #[test]
    fn disabling_kills_every_session_and_code_either_way() {
        let (top, low, mut bob) = scene();
        for disabled in [true, false] {
            let before = bob.credential_version;
            let set = Action::SetDisabled(disabled);
            let decision = change_user(Who::Program, &set, &stored(bob.clone()), &chain([&low, &top]));
            assert_eq!(trail(&decision.changes), [if disabled { "disabled: -" } else { "enabled: -" }]);
            bob = decision.reply.unwrap();
            assert_eq!((bob.disabled, bob.credential_version), (disabled, before + 1));
            let again = change_user(Who::Program, &set, &stored(bob.clone()), &chain([&low, &top]));
            assert!(again.changes.is_empty(), "it is so already");
        }
    }

    #[test]
    fn the_program_is_asked_nothing() {
        let (top, low, bob) = scene();
        let all = rights(AccessRight::ALL);
        let to = alice(&top).id;
        let grant = granting(&alice(&top), &top, &all);
        let decision = grant::on_user(Who::Program, &stored(bob), &chain([&low, &top]), &grant);
        let kept: User = written(&decision.changes, uuid(4)).unwrap();
        assert_eq!(kept.rights[&to], all);
        assert_eq!(decision.changes.events[0].actor, None);
    }

    #[test]
    fn an_action_meant_for_the_other_kind_of_target_is_never_allowed() {
        let (mut top, low, bob) = scene();
        let alice = alice(&top);
        top.rights.insert(alice.id, rights(AccessRight::ALL));
        let on_account_action = Action::GrantOnAccount(BTreeSet::new());
        assert!(!on_user(&alice, &on_account_action, &bob, &chain([&low, &top])).is_allowed());
        for action in [
            Action::SeeUser,
            Action::SetFlags(Flags::default()),
            Action::SetDisabled(true),
            Action::GrantOnUser(BTreeSet::new()),
        ] {
            assert!(!on_account(&alice, &action, &low, &chain([&low, &top])).is_allowed(), "{action:?}");
        }
    }
}

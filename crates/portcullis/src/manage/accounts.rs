//! What an administrator may do to an account, and what it changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::holders::holders;
use super::model::{AccountActions, AccountChange, ManagedAccount};
use crate::account::rules::{self as account_rules, Chain};
use crate::account::{Account, NewAccount, Service};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Refusal};
use crate::error::InputError;
use crate::id::AccountId;
use crate::policy::Policy;
use crate::rights::rules::{self as rights, Who, allow_on_account, on_account};
use crate::rights::{Action, Gate, Verdict};
use crate::user::Flags;

/// The services there are.
const SERVICES: [&str; 2] = ["sms", "email_notification"];

/// Checks the names of services.
pub(crate) fn check_services(services: &BTreeMap<String, Service>) -> Result<(), InputError> {
    if services.keys().all(|name| SERVICES.contains(&name.as_str())) {
        Ok(())
    } else {
        Err(InputError::new("services", "unknown_field", "there is no service of this name"))
    }
}

/// An account as who asks sees it; `chain` holds it and those above it.
pub(crate) fn seen(who: Who<'_>, account: &Account, chain: &Chain) -> ManagedAccount {
    let may = |action: Action| match who {
        Who::Program => Verdict::of([]),
        Who::User(acting) => on_account(&acting.user.value, &action, account, chain),
    };
    let above = chain.0.iter().any(|other| other.value.id != account.id && other.value.blocked);
    ManagedAccount {
        id: account.id,
        parent: account.ancestors.first().copied(),
        name: account.name.clone(),
        services: account.services.clone(),
        blocked: account.blocked || above,
        blocked_by_hand: account.blocked,
        time_zone: account.time_zone,
        created_at: account.created_at,
        may: AccountActions {
            change: may(Action::ChangeAccount),
            create_user: may(Action::CreateUser(Flags::default())),
            create_account: may(Action::CreateAccount),
            manage_access: may(Action::GrantOnAccount(BTreeSet::new())),
        },
        rights: None,
    }
}

/// Shows an account, to who may see it.
pub(crate) fn show(who: Who<'_>, chain: &Chain) -> Decision<ManagedAccount> {
    let Some(account) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    match allow_on_account(who, &Action::SeeAccount, &account.value, chain) {
        Ok(()) => {
            let mut shown = seen(who, &account.value, chain);
            shown.rights = holders(&account.value.rights, &shown.may.manage_access);
            Decision::yes(shown, Changes::none())
        }
        Err(refusal) => refuse(who, &account.value, refusal),
    }
}

/// Makes an account below another, of which `chain` holds it and those above it.
pub(crate) fn create(
    who: Who<'_>,
    new: &NewAccount,
    id: AccountId,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<ManagedAccount> {
    let Some(parent) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    if let Err(refusal) = allow_on_account(who, &Action::CreateAccount, &parent.value, chain) {
        return refuse(who, &parent.value, refusal);
    }
    // An id of choice makes a repetition harmless, and is only the embedding program's to give.
    if new.id.is_some() {
        return refuse(who, &parent.value, Refusal::not_allowed(vec![Gate::Policy]));
    }
    let Decision { reply, mut changes, .. } =
        account_rules::create(new, id, Some(parent), None, policy.chain_longest, now);
    match reply {
        Ok(account) => {
            for event in &mut changes.events {
                event.actor = who.id();
            }
            who.pin(chain, &mut changes);
            Decision::yes(seen(who, &account, chain), changes)
        }
        Err(refusal) => refuse(who, &parent.value, refusal),
    }
}

/// Changes an account in one commit.
pub(crate) fn change(
    who: Who<'_>,
    chain: &Chain,
    change: &AccountChange,
    now: DateTime<Utc>,
) -> Decision<ManagedAccount> {
    let Some(target) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    if let Err(refusal) = allow_on_account(who, &Action::ChangeAccount, &target.value, chain) {
        return refuse(who, &target.value, refusal);
    }
    let before = &target.value;
    let mut account = target.clone();
    let after = &mut account.value;
    if let Some(name) = &change.name {
        after.name.clone_from(name);
    }
    after.services.extend(change.services.iter().map(|(name, service)| (name.clone(), *service)));
    if let Some(time_zone) = change.time_zone {
        after.time_zone = time_zone;
    }
    let other =
        after.name != before.name || after.services != before.services || after.time_zone != before.time_zone;
    let blocked = change.blocked.and_then(|blocked| account_rules::block(after, blocked, now));
    let mut changes = Changes::none();
    for action in other.then_some("account_changed").into_iter().chain(blocked) {
        changes.event(Event::of(action, before.tenant.uuid(), before.id.uuid()).by(who.id()));
    }
    if !changes.is_empty() {
        changes.put(&account);
        who.pin(chain, &mut changes);
    }
    Decision::yes(seen(who, &account.value, chain), changes)
}

fn refuse<T>(who: Who<'_>, account: &Account, refusal: Refusal) -> Decision<T> {
    rights::refuse(who, account.tenant.uuid(), account.id.uuid(), refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::rights::AccessRight;
    use crate::session::model::Acting;

    /// Admin, in the top account, manages the one below it.
    fn scene() -> (Account, Account, Acting) {
        let top = account(1);
        let mut low = under(&top, 3);
        let admin = user(2, &top);
        low.rights.insert(admin.id, rights([AccessRight::ManageAccount]));
        (top.clone(), low, acting_as(&admin, &top))
    }

    fn changed(wanted: &AccountChange) -> Decision<ManagedAccount> {
        let (top, low, acting) = scene();
        change(Who::User(&acting), &chain([&low, &top]), wanted, began())
    }

    #[test]
    fn one_commit_holds_the_whole_change_and_pins_what_allowed_it() {
        let wanted = AccountChange::default().name("fleet").service("sms", Service::off()).blocked(true);
        let decision = changed(&wanted);
        assert_eq!(touched(&decision.changes), [uuid(3), uuid(900), uuid(2), uuid(1)]);
        assert_eq!(trail(&decision.changes), ["account_changed: -", "account_blocked: -"]);
        assert!(decision.changes.events.iter().all(|event| event.actor == Some(uuid(2))));
        let kept: Account = written(&decision.changes, uuid(3)).unwrap();
        assert_eq!((kept.name.as_str(), kept.blocked, kept.services.len()), ("fleet", true, 1));
        let same = AccountChange::default().name("account 3").blocked(false);
        assert!(changed(&same).changes.is_empty(), "it is so already");
    }

    #[test]
    fn a_lifted_block_voids_what_was_begun_before() {
        let (top, mut low, acting) = scene();
        low.blocked = true;
        let lifted = AccountChange::default().blocked(false);
        let decision = change(Who::User(&acting), &chain([&low, &top]), &lifted, began());
        let kept: Account = written(&decision.changes, uuid(3)).unwrap();
        assert_eq!((kept.blocked, kept.void_before), (false, Some(began())));
    }

    #[test]
    fn an_account_above_blocks_and_is_not_changed_from_below() {
        let (mut top, low, acting) = scene();
        top.blocked = true;
        let seen = show(Who::User(&acting), &chain([&low, &top])).reply.unwrap();
        assert_eq!((seen.blocked, seen.blocked_by_hand, seen.parent), (true, false, Some(top.id)));
        let above = show(Who::User(&acting), &chain([&top]));
        assert_eq!(trail(&above.changes), ["change_refused: not_found"]);
        let change = change(Who::User(&acting), &chain([&top]), &AccountChange::default(), began());
        assert_eq!(change.reply.unwrap_err().reason(), Reason::NotFound);
    }

    #[test]
    fn a_new_account_is_the_actors_doing_and_its_id_is_not_his_choice() {
        let (top, low, acting) = scene();
        let made = |new: &NewAccount| {
            let id = AccountId::from_uuid(uuid(50));
            create(Who::User(&acting), new, id, &chain([&low, &top]), &Policy::default(), began())
        };
        let mut new = NewAccount::named("lower").under(low.id);
        let decision = made(&new);
        assert_eq!(touched(&decision.changes), [uuid(50), uuid(3), uuid(900), uuid(2), uuid(1)]);
        assert_eq!(decision.changes.events[0].actor, Some(uuid(2)));
        let seen = decision.reply.unwrap();
        assert_eq!(seen.parent, Some(low.id));
        assert!(seen.may.create_user.is_allowed(), "who manages above manages it");
        new.id = Some(AccountId::from_uuid(uuid(51)));
        assert_eq!(made(&new).reply.unwrap_err().missing(), [Gate::Policy]);
    }

    #[test]
    fn only_services_that_exist_are_taken() {
        let named = |name: &str| BTreeMap::from([(name.to_owned(), Service::off())]);
        assert!(SERVICES.iter().all(|name| check_services(&named(name)).is_ok()));
        assert_eq!(check_services(&named("fax")).unwrap_err().code(), "unknown_field");
    }
}

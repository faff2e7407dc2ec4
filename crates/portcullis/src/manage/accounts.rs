//! What an administrator may do to an account, and what it changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::account_model::{AccountActions, AccountChange, AccountDays, ManagedAccount};
use super::holders::holders;
use crate::account::rules::{self as account_rules, Chain, check_name};
use crate::account::service::SERVICES;
use crate::account::{Account, BalanceChange, DaysChange, NewAccount};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::error::InputError;
use crate::id::AccountId;
use crate::policy::{PLANS_MOST, Policy};
use crate::rights::rules::{self as rights, Who, allow_on_account, on_account};
use crate::rights::{Action, Gate, Verdict};
use crate::spend::AccountUsage;
use crate::user::Flags;

/// Checks the names of services.
pub(crate) fn check_services<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<(), InputError> {
    if names.into_iter().all(|name| SERVICES.contains(&name.as_str())) {
        Ok(())
    } else {
        Err(InputError::new("services", "unknown_field", "there is no service of this name"))
    }
}

/// Checks what a change says by itself.
pub(crate) fn check(change: &AccountChange) -> Result<(), InputError> {
    if let Some(name) = &change.name {
        check_name(name)?;
    }
    check_services(change.services.keys().chain(&change.by_plan))?;
    change.days.check()?;
    change.balance.check()?;
    let plans = change.plans.as_ref();
    let names_fit = plans.is_none_or(|plans| plans.keys().all(|name| check_name(name).is_ok()));
    if !names_fit || plans.is_some_and(|plans| plans.len() > PLANS_MOST) {
        let words = "at most 100 plans, each with a name of 1 to 100 characters";
        return Err(InputError::new("plans", "invalid_plans", words));
    }
    check_services(plans.into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::keys))
}

/// An account as who asks sees it; `chain` holds it and those above it.
pub(crate) fn seen(who: Who<'_>, account: &Account, chain: &Chain, now: DateTime<Utc>) -> ManagedAccount {
    let may = |action: Action| match who {
        Who::Program => Verdict::of([]),
        Who::User(acting) => on_account(&acting.user.value, &action, account, chain),
    };
    let (zone, today) = (account.time_zone, account.time_zone.day(now));
    let blocks_at = chain.blocks_at();
    let until = |at| zone.day(at).signed_duration_since(today).num_days();
    ManagedAccount {
        id: account.id,
        parent: account.ancestors.first().copied(),
        name: account.name.clone(),
        dealer: account_rules::has_below(account),
        plan: account.plan.clone(),
        services: account.services.clone(),
        in_force: chain.services(),
        plans: account.plans.clone(),
        days: AccountDays {
            left: account.days.left(today),
            minimum: account.days.minimum,
            counting: account.days.counting,
        },
        balance: account.balance,
        blocked: chain.blocked(now),
        blocked_by_hand: account.blocked,
        blocks_at,
        days_left: blocks_at.map(|at| u32::try_from(until(at)).unwrap_or(0)),
        time_zone: zone,
        created_at: account.created_at,
        may: AccountActions {
            change: may(Action::ChangeAccount),
            bill: may(Action::BillAccount),
            create_user: may(Action::CreateUser(Flags::default())),
            create_account: may(Action::CreateAccount),
            manage_access: may(Action::GrantOnAccount(BTreeSet::new())),
        },
        rights: None,
    }
}

/// Shows an account, to who may see it.
pub(crate) fn show(who: Who<'_>, chain: &Chain, now: DateTime<Utc>) -> Decision<ManagedAccount> {
    let Some(account) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    match allow_on_account(who, &Action::SeeAccount, &account.value, chain) {
        Ok(()) => {
            let mut shown = seen(who, &account.value, chain, now);
            shown.rights = holders(&account.value.rights, &shown.may.manage_access);
            Decision::yes(shown, Changes::none())
        }
        Err(refusal) => refuse(who, &account.value, refusal),
    }
}

/// Shows what an account has used, to who may see it. `used` is what was found out of it.
pub(crate) fn usage(who: Who<'_>, chain: &Chain, used: Option<AccountUsage>) -> Decision<AccountUsage> {
    let Some((account, used)) = chain.0.first().zip(used) else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    match allow_on_account(who, &Action::SeeAccount, &account.value, chain) {
        Ok(()) => Decision::yes(used, Changes::none()),
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
        account_rules::create(new, id, Some(chain), None, policy.chain_longest, now);
    match reply {
        Ok(account) => {
            for event in &mut changes.events {
                event.actor = who.id();
            }
            who.pin(chain, &mut changes);
            Decision::yes(seen_as(who, account, parent, &chain.0, now), changes)
        }
        Err(refusal) => refuse(who, &parent.value, refusal),
    }
}

/// The acts of which a change consists. A zone in which counted days end later gives the account time, and is said by
/// who says its days.
fn acts(before: &Account, change: &AccountChange) -> Vec<Action> {
    let AccountChange { name, services, by_plan, time_zone, blocked, days, balance, dealer, plan, plans } =
        change;
    let own = name.is_some() || time_zone.is_some();
    let later = time_zone.is_some_and(|zone| before.blocks_at_in(zone) > before.blocks_at());
    let bill = later
        || !services.is_empty()
        || !by_plan.is_empty()
        || blocked.is_some()
        || *days != DaysChange::default()
        || *balance != BalanceChange::default()
        || dealer.is_some()
        || plan.is_some()
        || plans.is_some();
    let mut acts = Vec::new();
    if own || !bill {
        acts.push(Action::ChangeAccount);
    }
    if bill {
        acts.push(Action::BillAccount);
    }
    acts
}

/// Changes an account in one commit.
pub(crate) fn change(
    who: Who<'_>,
    chain: &Chain,
    change: &AccountChange,
    now: DateTime<Utc>,
) -> Decision<ManagedAccount> {
    let Some((target, above)) = chain.0.split_first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    let before = &target.value;
    for action in acts(before, change) {
        if let Err(refusal) = allow_on_account(who, &action, before, chain) {
            return refuse(who, before, refusal);
        }
    }
    let mut account = target.clone();
    if let Err(refusal) = apply(&mut account.value, change, above.last().map(|top| &top.value), now) {
        return refuse(who, before, refusal);
    }
    let blocked = change.blocked.and_then(|blocked| account_rules::block(&mut account.value, blocked));
    let other = differs(before, &account.value).then_some("account_changed");
    let mut changes = Changes::none();
    for action in other.into_iter().chain(blocked) {
        changes.event(Event::of(action, before.tenant.uuid(), before.id.uuid()).by(who.id()));
    }
    if changes.is_empty() {
        return Decision::yes(seen(who, before, chain, now), changes);
    }
    let kept = account_rules::keep(before, account, &mut changes, now);
    who.pin(chain, &mut changes);
    Decision::yes(seen_as(who, kept, target, above, now), changes)
}

/// An account as who asks is going to see it, with those above it; `like` is any account as it was read.
pub(crate) fn seen_as(
    who: Who<'_>,
    account: Account,
    like: &Stored<Account>,
    above: &[Stored<Account>],
    now: DateTime<Utc>,
) -> ManagedAccount {
    let mut like = like.clone();
    like.value = account;
    let chain = Chain(std::iter::once(like.clone()).chain(above.iter().cloned()).collect());
    seen(who, &like.value, &chain, now)
}

/// Makes a change, except for the block; `top` is the top account unless this is it.
fn apply(
    account: &mut Account,
    change: &AccountChange,
    top: Option<&Account>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if let Some(name) = &change.name {
        account.name.clone_from(name);
    }
    account.services.retain(|name, _| !change.by_plan.contains(name));
    account.services.extend(change.services.iter().map(|(name, service)| (name.clone(), *service)));
    if let Some(time_zone) = change.time_zone {
        account.time_zone = time_zone;
    }
    account.days = account.days.changed(change.days, account.time_zone.day(now));
    if !account.days.holds() {
        return Err(Reason::InvalidDays.into());
    }
    account.balance = account.balance.changed(change.balance);
    account.dealer = change.dealer.unwrap_or(account.dealer);
    match (&change.plans, top) {
        (Some(_), Some(_)) => return Err(Refusal::not_allowed(vec![Gate::Policy])),
        (Some(plans), None) => account.plans.clone_from(plans),
        (None, _) => {}
    }
    if let Some(plan) = &change.plan {
        let plans = top.map_or(&account.plans, |top| &top.plans);
        if !plan.as_ref().is_none_or(|plan| plans.contains_key(plan)) {
            return Err(Reason::UnknownPlan.into());
        }
        account.plan.clone_from(plan);
    }
    Ok(())
}

/// Whether anything but the block differs.
fn differs(before: &Account, after: &Account) -> bool {
    before.name != after.name
        || before.services != after.services
        || before.time_zone != after.time_zone
        || before.days != after.days
        || before.balance != after.balance
        || before.dealer != after.dealer
        || before.plan != after.plan
        || before.plans != after.plans
}

fn refuse<T>(who: Who<'_>, account: &Account, refusal: Refusal) -> Decision<T> {
    rights::refuse(who, account.tenant.uuid(), account.id.uuid(), refusal)
}

#[cfg(test)]
mod tests;

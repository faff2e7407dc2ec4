//! How accounts are made and changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::balance::{Balance, BalanceChange};
pub(crate) use super::chain::Chain;
use super::days::DayCounter;
use super::model::{Account, NewAccount};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::AccountId;
use crate::policy::CLOCK_SLACK;
use crate::port::store::{Counter, CounterOp, Window};

/// Counts the top accounts that were made, under whichever keys.
pub(crate) const fn tops() -> Counter {
    Counter::of(Uuid::nil(), "top_accounts")
}

/// Makes an account; `above` is its parent with those above that.
pub(crate) fn create(
    new: &NewAccount,
    id: AccountId,
    above: Option<&Chain>,
    existing: Option<&Stored<Account>>,
    longest: u32,
    now: DateTime<Utc>,
) -> Decision<Account> {
    if let Some(existing) = existing {
        let same = existing.value.ancestors.first().copied() == new.parent && existing.value.name == new.name;
        return if same {
            Decision::yes(existing.value.clone(), Changes::none())
        } else {
            Decision::no(Reason::InUse.into(), Changes::none())
        };
    }
    let parent = above.and_then(|above| above.0.first());
    if new.parent.is_some() && parent.is_none() {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    }
    if parent.is_some_and(|parent| !has_below(&parent.value)) {
        return Decision::no(Reason::NotADealer.into(), Changes::none());
    }
    let ancestors: Vec<AccountId> =
        above.map_or_else(Vec::new, |above| above.0.iter().map(|account| account.value.id).collect());
    if ancestors.len() > usize::try_from(longest).unwrap_or(usize::MAX) {
        return Decision::no(Reason::TooDeep.into(), Changes::none());
    }
    let top = above.and_then(|above| above.0.last());
    let planned = |plan: &String| top.is_some_and(|top| top.value.plans.contains_key(plan));
    if !new.plan.as_ref().is_none_or(planned) {
        return Decision::no(Reason::UnknownPlan.into(), Changes::none());
    }
    let tenant = parent.map_or(id, |parent| parent.value.tenant);
    let account = fresh(new, id, tenant, ancestors, now);
    let mut changes = Changes::none();
    changes.insert(&account);
    match parent {
        Some(parent) => changes.guard(parent),
        // INVARIANT: a bootstrap under way finds it counted.
        None => changes.count(tops(), CounterOp::Add { n: 1, limit: u32::MAX, window: Window::None }),
    };
    changes.event(Event::of("account_created", account.tenant.uuid(), id.uuid()));
    Decision::yes(account, changes)
}

/// Whether an account may have accounts below it.
pub(crate) fn has_below(account: &Account) -> bool {
    account.dealer || account.ancestors.is_empty()
}

/// An account that is not stored yet.
pub(crate) fn fresh(
    new: &NewAccount,
    id: AccountId,
    tenant: AccountId,
    ancestors: Vec<AccountId>,
    now: DateTime<Utc>,
) -> Account {
    Account {
        v: Schema::default(),
        id,
        tenant,
        ancestors,
        name: new.name.clone(),
        services: new.services.clone(),
        blocked: new.blocked,
        days: DayCounter::default().changed(new.days, new.time_zone.day(now)),
        balance: new.balance,
        dealer: new.dealer,
        plan: new.plan.clone(),
        plans: std::collections::BTreeMap::new(),
        lifts: 0,
        time_zone: new.time_zone,
        rights: std::collections::BTreeMap::new(),
        created_at: now,
    }
}

/// Writes a changed account; a block that the change lifted is counted.
// INVARIANT: every change of an account's days, balance, block or zone is written here, so that none lifts a block
// uncounted.
pub(crate) fn keep(
    before: &Account,
    mut after: Stored<Account>,
    changes: &mut Changes,
    now: DateTime<Utc>,
) -> Account {
    if lifts(before, &after.value, now) {
        after.value.lifts = after.value.lifts.saturating_add(1);
    }
    changes.put(&after);
    after.value
}

/// Whether a change lifts a block of an account that somebody may have seen.
// INVARIANT: clocks differ. A block that any of them saw before the change counts as seen, and one that some of them
// no longer sees after it, as lifted.
fn lifts(before: &Account, after: &Account, now: DateTime<Utc>) -> bool {
    let blocks = |account: &Account| (account.blocked, account.balance.blocks(), account.blocks_at());
    let earliest = now.checked_sub_signed(CLOCK_SLACK).unwrap_or(now);
    let latest = now.checked_add_signed(CLOCK_SLACK).unwrap_or(now);
    blocks(before) != blocks(after) && before.blocked_itself(latest) && !after.blocked_itself(earliest)
}

/// Blocks an account by hand, or lifts that block.
pub(crate) fn set_blocked(account: Stored<Account>, blocked: bool, now: DateTime<Utc>) -> Decision<Account> {
    let before = account.value.clone();
    let mut account = account;
    let Some(action) = block(&mut account.value, blocked) else {
        return Decision::yes(before, Changes::none());
    };
    let mut changes = Changes::none();
    let kept = keep(&before, account, &mut changes, now);
    changes.event(Event::of(action, before.tenant.uuid(), before.id.uuid()));
    Decision::yes(kept, changes)
}

/// Sets the block by hand; gives what happened, if something did.
pub(crate) fn block(account: &mut Account, blocked: bool) -> Option<&'static str> {
    if account.blocked == blocked {
        return None;
    }
    account.blocked = blocked;
    Some(if blocked { "account_blocked" } else { "account_unblocked" })
}

/// Checks a new account.
pub(crate) fn check(new: &NewAccount) -> Result<(), InputError> {
    check_name(&new.name)?;
    new.days.check()?;
    let Balance { amount, block_below, limit_below } = new.balance;
    BalanceChange::default().amount(amount).block_below(block_below).limit_below(limit_below).check()
}

/// Checks the name of an account.
pub(crate) fn check_name(name: &str) -> Result<(), InputError> {
    let fits = !name.trim().is_empty() && name.len() <= 400 && name.chars().count() <= 100;
    if fits && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InputError::new(
            "name",
            "invalid_name",
            "a name has 1 to 100 characters and no control characters",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::NaiveDate;

    use super::*;
    use crate::account::{DaysChange, TimeZone};
    use crate::fixture::*;
    use crate::policy::Policy;

    fn made(
        new: &NewAccount,
        above: Option<&Chain>,
        existing: Option<&Stored<Account>>,
    ) -> Decision<Account> {
        let longest = Policy::default().chain_longest;
        create(new, AccountId::from_uuid(uuid(9)), above, existing, longest, began())
    }

    fn refused(new: &NewAccount, above: Option<&Chain>) -> Reason {
        made(new, above, None).reply.unwrap_err().reason()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Blocked from the first instant of this day.
    fn until(on: &str) -> Account {
        let days = DayCounter { value: 0, as_of: day(on), minimum: 0, counting: true };
        Account { days, ..account(1) }
    }

    fn lifted(before: &Account, change: impl FnOnce(&mut Account), now: DateTime<Utc>) -> u64 {
        let mut after = stored(before.clone());
        change(&mut after.value);
        let mut changes = Changes::none();
        let kept = keep(before, after, &mut changes, now);
        assert_eq!(written::<Account>(&changes, uuid(1)).unwrap().lifts, kept.lifts);
        kept.lifts - before.lifts
    }

    #[test]
    fn a_lifted_block_is_counted_whatever_the_clock_says() {
        let mut blocked = account(1);
        (blocked.blocked, blocked.lifts) = (true, 4);
        for now in [began(), began() - TICK] {
            let lifted = set_blocked(stored(blocked.clone()), false, now).reply.unwrap();
            assert_eq!((lifted.blocked, lifted.lifts), (false, 5));
        }
        blocked.balance = Balance::default().changed(BalanceChange::default().block_below(Some(1)));
        let still = set_blocked(stored(blocked), false, began()).reply.unwrap();
        assert_eq!((still.blocked, still.lifts), (false, 4), "its balance blocks it still");
    }

    #[test]
    fn days_that_are_moved_lift_a_block_that_any_clock_may_have_seen() {
        let more = |account: &mut Account| account.days.value += 10;
        let account = until("2026-11-20");
        let blocks_at = account.blocks_at().unwrap();
        for (now, count) in [
            (blocks_at + TICK, 1),
            (blocks_at, 1),
            (blocks_at - CLOCK_SLACK, 1),
            (blocks_at - CLOCK_SLACK - TICK, 0),
        ] {
            assert_eq!(lifted(&account, more, now), count, "{now}");
        }
    }

    #[test]
    fn days_that_still_block_lift_nothing_unless_a_clock_behind_would_see_it_lifted() {
        let account = until("2026-11-20");
        let one_more = |account: &mut Account| account.days.value += 1;
        let next = account.blocks_at().unwrap() + chrono::TimeDelta::days(1);
        assert_eq!(lifted(&account, one_more, next + CLOCK_SLACK), 0);
        assert_eq!(lifted(&account, one_more, next + CLOCK_SLACK - TICK), 1);
    }

    #[test]
    fn what_does_not_touch_a_block_lifts_none() {
        let account = until("2026-11-20");
        let near = account.blocks_at().unwrap() - TICK;
        assert_eq!(lifted(&account, |account| account.name = "other".to_owned(), near), 0);
        assert_eq!(lifted(&account, |account| account.days.value -= 1, near), 0, "shorter");
        assert_eq!(lifted(&account, |account| account.days.counting = false, near), 1);
        let west = |account: &mut Account| account.time_zone = TimeZone::parse("Etc/GMT+12").unwrap();
        assert_eq!(lifted(&account, west, near), 1, "the day begins later there");
        let east = |account: &mut Account| account.time_zone = TimeZone::parse("Etc/GMT-14").unwrap();
        assert_eq!(lifted(&account, east, near), 0, "and earlier there");
    }

    #[test]
    fn a_balance_that_suffices_again_lifts_its_block() {
        let mut owes = account(1);
        owes.balance = Balance::default().changed(BalanceChange::default().amount(-1).block_below(Some(0)));
        assert_eq!(lifted(&owes, |account| account.balance.amount = 0, began()), 1);
        assert_eq!(lifted(&owes, |account| account.balance.block_below = None, began()), 1);
        let by_hand = |account: &mut Account| (account.balance.amount, account.blocked) = (0, true);
        assert_eq!(lifted(&owes, by_hand, began()), 0, "another block in its place");
    }

    #[test]
    fn blocking_lifts_nothing_and_is_told_once() {
        let decision = set_blocked(stored(account(1)), true, began());
        assert_eq!(trail(&decision.changes), ["account_blocked: -"]);
        let blocked = decision.reply.unwrap();
        assert_eq!((blocked.blocked, blocked.lifts), (true, 0));
        assert!(set_blocked(stored(blocked), true, began()).changes.is_empty(), "it is so already");
    }

    #[test]
    fn an_account_belongs_to_the_tenant_of_its_parent_which_is_pinned() {
        let top = account(1);
        let mut parent = under(&top, 2);
        parent.dealer = true;
        let above = chain([&parent, &top]);
        let decision = made(&NewAccount::named("low").under(parent.id), Some(&above), None);
        assert_eq!(touched(&decision.changes), [uuid(9), uuid(2)]);
        let low = decision.reply.as_ref().unwrap();
        assert_eq!((low.tenant, &low.ancestors), (top.id, &vec![parent.id, top.id]));
        assert!(steps(&decision.changes).is_empty());
        let top = made(&NewAccount::named("top"), None, None);
        assert_eq!(
            steps(&top.changes),
            ["top_accounts add 1 to 4294967295"],
            "a bootstrap under way is told"
        );
        let top = top.reply.unwrap();
        assert_eq!((top.tenant, top.ancestors), (top.id, Vec::new()));
    }

    #[test]
    fn only_a_dealer_and_a_top_account_have_accounts_below() {
        let top = account(1);
        let mut parent = under(&top, 2);
        let new = NewAccount::named("low").under(parent.id);
        assert_eq!(refused(&new, Some(&chain([&parent, &top]))), Reason::NotADealer);
        parent.dealer = true;
        assert!(made(&new, Some(&chain([&parent, &top])), None).reply.is_ok());
        let below_top = NewAccount::named("low").under(top.id);
        assert!(made(&below_top, Some(&chain([&top])), None).reply.is_ok());
    }

    #[test]
    fn an_account_is_at_most_16_deep() {
        let mut accounts = vec![account(1)];
        let next = |accounts: &mut Vec<Account>, n| {
            let parent = Account { dealer: true, ..under(&accounts[0], n) };
            accounts.insert(0, parent);
        };
        for n in 2..=16 {
            next(&mut accounts, n);
        }
        let above = |accounts: &[Account]| Chain(accounts.iter().map(|one| stored(one.clone())).collect());
        let new = NewAccount::named("low").under(accounts[0].id);
        assert_eq!(made(&new, Some(&above(&accounts)), None).reply.unwrap().ancestors.len(), 16);
        next(&mut accounts, 17);
        let new = NewAccount::named("low").under(accounts[0].id);
        assert_eq!(refused(&new, Some(&above(&accounts))), Reason::TooDeep);
    }

    #[test]
    fn a_plan_is_one_of_the_top_accounts() {
        let mut top = account(1);
        let new = NewAccount::named("low").under(top.id).on_plan("basic");
        assert_eq!(refused(&new, Some(&chain([&top]))), Reason::UnknownPlan);
        assert_eq!(refused(&NewAccount::named("top").on_plan("basic"), None), Reason::UnknownPlan);
        top.plans.insert("basic".to_owned(), BTreeMap::new());
        let low = made(&new, Some(&chain([&top])), None).reply.unwrap();
        assert_eq!(low.plan.as_deref(), Some("basic"));
    }

    #[test]
    fn days_are_counted_from_the_day_of_the_creation_in_the_accounts_zone() {
        let days = DaysChange::default().left(20).counting(true);
        let new = NewAccount::named("top").in_zone(TimeZone::parse("Etc/GMT-14").unwrap()).with_days(days);
        let account = made(&new, None, None).reply.unwrap();
        assert_eq!((account.days.value, account.days.as_of), (20, day("2026-11-19")));
    }

    #[test]
    fn the_same_creation_again_changes_nothing() {
        let new = NewAccount::named("account 9");
        let existing = stored(account(9));
        let again = made(&new, None, Some(&existing));
        assert!(again.changes.is_empty() && again.reply.is_ok());
        for other in [NewAccount::named("other"), NewAccount::named("account 9").under(account(1).id)] {
            let refused = made(&other, Some(&chain([&account(1)])), Some(&existing));
            assert_eq!(refused.reply.unwrap_err().reason(), Reason::InUse);
        }
        assert_eq!(refused(&NewAccount::named("low").under(account(1).id), None), Reason::NotFound);
    }

    #[test]
    fn a_name_has_1_to_100_characters() {
        assert!(check_name(&"ä".repeat(100)).is_ok());
        for name in ["", " ", "a\nb", &"a".repeat(101)] {
            assert_eq!(check_name(name).unwrap_err().code(), "invalid_name", "{name:?}");
        }
    }
}

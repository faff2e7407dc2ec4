use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::*;
use crate::account::{Balance, DayCounter, Period, Service, TimeZone};
use crate::fixture::*;
use crate::rights::AccessRight;
use crate::session::model::Acting;

/// Admin, in the top account, manages it, and so the one below.
fn scene() -> (Account, Account, Acting) {
    let mut top = account(1);
    let low = under(&top, 3);
    let admin = user(2, &top);
    top.rights.insert(admin.id, rights([AccessRight::ManageAccount]));
    (top.clone(), low, acting_as(&admin, &top))
}

/// As [`scene`], but he manages the lower account alone.
fn scene_below() -> (Account, Account, Acting) {
    let (mut top, mut low, acting) = scene();
    low.rights = std::mem::take(&mut top.rights);
    let acting = acting_as(&acting.user.value, &top);
    (top, low, acting)
}

fn changed_in(scene: (Account, Account, Acting), wanted: &AccountChange) -> Decision<ManagedAccount> {
    let (top, low, acting) = scene;
    change(Who::User(&acting), &chain([&low, &top]), wanted, began())
}

fn changed(wanted: &AccountChange) -> Decision<ManagedAccount> {
    changed_in(scene(), wanted)
}

fn riga() -> TimeZone {
    TimeZone::parse("Europe/Riga").unwrap()
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
fn everything_that_is_named_is_kept() {
    let days = DaysChange::default().left(20).minimum(2).counting(true);
    let balance = BalanceChange::default().amount(500).block_below(Some(-100)).limit_below(Some(0));
    let wanted = AccountChange::default().days(days).balance(balance).dealer(true).time_zone(riga());
    let decision = changed(&wanted);
    let kept: Account = written(&decision.changes, uuid(3)).unwrap();
    let as_of = riga().day(began());
    assert_eq!(kept.days, DayCounter::default().changed(days, as_of));
    assert_eq!((kept.balance, kept.dealer), (Balance::default().changed(balance), true));
    let seen = decision.reply.unwrap();
    assert_eq!((seen.days.left, seen.days.minimum, seen.days.counting), (20, 2, true));
    assert_eq!((seen.blocks_at, seen.days_left), (kept.blocks_at(), Some(18)));
    assert!(kept.blocks_at().is_some());
}

#[test]
fn what_an_account_gets_is_not_for_its_own_manager_to_say() {
    let change = AccountChange::default;
    for (what, wanted) in [
        ("services", change().service("sms", Service::on(None, Period::None))),
        ("services by plan", change().service_by_plan("sms")),
        ("block", change().blocked(false)),
        ("days", change().days(DaysChange::default().left(0))),
        ("balance", change().balance(BalanceChange::default().amount(0))),
        ("dealer", change().dealer(false)),
        ("plan", change().plan(None)),
        ("plans", change().plans(BTreeMap::new())),
        ("both", change().name("mine").blocked(false)),
    ] {
        let refused = changed_in(scene_below(), &wanted).reply.unwrap_err();
        assert_eq!(refused.missing(), [Gate::Right(AccessRight::ManageAccount)], "{what}");
    }
    let own = changed_in(scene_below(), &change().name("mine").time_zone(riga())).reply.unwrap();
    assert_eq!((own.name.as_str(), own.time_zone), ("mine", riga()));
    assert!(own.may.change.is_allowed() && !own.may.bill.is_allowed());
}

#[test]
fn a_zone_in_which_counted_days_end_later_is_not_for_its_own_manager_to_choose() {
    let moved = |zone: &str, counting: bool, (top, mut low, acting): (Account, Account, Acting)| {
        low.time_zone = riga();
        low.days = DayCounter { value: 5, as_of: riga().day(began()), minimum: 0, counting };
        let wanted = AccountChange::default().time_zone(TimeZone::parse(zone).unwrap());
        change(Who::User(&acting), &chain([&low, &top]), &wanted, began()).reply
    };
    let refused = moved("Etc/GMT+12", true, scene_below()).unwrap_err();
    assert_eq!(refused.missing(), [Gate::Right(AccessRight::ManageAccount)]);
    assert!(moved("Etc/GMT+12", true, scene()).is_ok(), "who manages above may");
    assert!(moved("Etc/GMT+12", false, scene_below()).is_ok(), "no days are counted");
    assert!(moved("Etc/GMT-14", true, scene_below()).is_ok(), "they end earlier");
    assert!(moved("Europe/Riga", true, scene_below()).is_ok(), "it is so already");
}

#[test]
fn who_manages_a_top_account_says_what_it_gets() {
    let (top, _, acting) = scene();
    let plan = || "basic".to_owned();
    let wanted =
        AccountChange::default().plans(BTreeMap::from([(plan(), BTreeMap::new())])).plan(Some(plan()));
    let decision = change(Who::User(&acting), &chain([&top]), &wanted, began());
    let kept: Account = written(&decision.changes, uuid(1)).unwrap();
    assert_eq!((kept.plan, kept.plans.len()), (Some(plan()), 1));
    assert!(decision.reply.unwrap().may.bill.is_allowed());
}

#[test]
fn plans_are_the_top_accounts_and_one_of_them_is_taken() {
    let plans = AccountChange::default().plans(BTreeMap::new());
    assert_eq!(changed(&plans).reply.unwrap_err().missing(), [Gate::Policy]);
    let on_plan = AccountChange::default().plan(Some("basic".to_owned()));
    assert_eq!(changed(&on_plan).reply.unwrap_err().reason(), Reason::UnknownPlan);
    let (mut top, mut low, acting) = scene();
    top.plans
        .insert("basic".to_owned(), BTreeMap::from([("sms".to_owned(), Service::on(None, Period::None))]));
    top.services.insert("sms".to_owned(), Service::on(Some(9), Period::Day));
    low.services.insert("sms".to_owned(), Service::off());
    let wanted = on_plan.service_by_plan("sms");
    let seen = change(Who::User(&acting), &chain([&low, &top]), &wanted, began()).reply.unwrap();
    assert_eq!((seen.plan.as_deref(), seen.services.len()), (Some("basic"), 0));
    assert_eq!(seen.in_force["sms"], Service::on(Some(9), Period::Day));
}

#[test]
fn a_lifted_block_is_counted() {
    let (top, mut low, acting) = scene();
    low.blocked = true;
    let lifted = AccountChange::default().blocked(false);
    let decision = change(Who::User(&acting), &chain([&low, &top]), &lifted, began());
    let kept: Account = written(&decision.changes, uuid(3)).unwrap();
    assert_eq!((kept.blocked, kept.lifts), (false, 1));
    low.blocked = false;
    low.days = DayCounter { value: -1, as_of: TimeZone::UTC.day(began()), minimum: 0, counting: true };
    let more = AccountChange::default().days(DaysChange::default().left(5));
    let decision = change(Who::User(&acting), &chain([&low, &top]), &more, began());
    let kept: Account = written(&decision.changes, uuid(3)).unwrap();
    assert_eq!((kept.days.value, kept.lifts), (5, 1));
}

#[test]
fn days_that_a_counter_cannot_hold_are_refused() {
    let (top, mut low, acting) = scene();
    let as_of = TimeZone::UTC.day(began()) - TimeDelta::days(1);
    low.days = DayCounter { value: -crate::policy::DAYS_FURTHEST, as_of, minimum: 0, counting: true };
    let stop = AccountChange::default().days(DaysChange::default().counting(false));
    let refused = change(Who::User(&acting), &chain([&low, &top]), &stop, began());
    assert_eq!(refused.reply.unwrap_err().reason(), Reason::InvalidDays);
    assert_eq!(trail(&refused.changes), ["change_refused: invalid_days"]);
}

#[test]
fn an_account_above_blocks_and_is_not_changed_from_below() {
    let (mut top, low, acting) = scene_below();
    top.blocked = true;
    let seen = show(Who::User(&acting), &chain([&low, &top]), began()).reply.unwrap();
    assert_eq!((seen.blocked, seen.blocked_by_hand, seen.parent), (true, false, Some(top.id)));
    let above = show(Who::User(&acting), &chain([&top]), began());
    assert_eq!(trail(&above.changes), ["change_refused: not_found"]);
    let change = change(Who::User(&acting), &chain([&top]), &AccountChange::default(), began());
    assert_eq!(change.reply.unwrap_err().reason(), Reason::NotFound);
}

#[test]
fn the_days_of_an_account_above_are_seen_below() {
    let (mut top, low, acting) = scene();
    top.days = DayCounter { value: 3, as_of: TimeZone::UTC.day(began()), minimum: 0, counting: true };
    let seen = |now| show(Who::User(&acting), &chain([&low, &top]), now).reply.unwrap();
    let blocks_at = top.blocks_at().unwrap();
    assert_eq!((seen(began()).blocks_at, seen(began()).days_left), (Some(blocks_at), Some(3)));
    assert_eq!(seen(began()).days.left, 0, "its own are not counted");
    assert_eq!((seen(blocks_at - TICK).days_left, seen(blocks_at - TICK).blocked), (Some(1), false));
    assert_eq!((seen(blocks_at).days_left, seen(blocks_at).blocked), (Some(0), true));
    assert_eq!(seen(blocks_at + TimeDelta::days(9)).days_left, Some(0));
}

#[test]
fn a_new_account_is_the_actors_doing_and_its_id_is_not_his_choice() {
    let (top, mut low, acting) = scene_below();
    low.dealer = true;
    let made = |new: &NewAccount, low: &Account| {
        let id = AccountId::from_uuid(uuid(50));
        create(Who::User(&acting), new, id, &chain([low, &top]), &Policy::default(), began())
    };
    let mut new = NewAccount::named("lower").under(low.id);
    let decision = made(&new, &low);
    assert_eq!(touched(&decision.changes), [uuid(50), uuid(3), uuid(900), uuid(2), uuid(1)]);
    assert_eq!(decision.changes.events[0].actor, Some(uuid(2)));
    let seen = decision.reply.unwrap();
    assert_eq!(seen.parent, Some(low.id));
    assert!(seen.may.create_user.is_allowed(), "who manages above manages it");
    assert!(seen.may.bill.is_allowed(), "and says what it gets");
    new.id = Some(AccountId::from_uuid(uuid(51)));
    assert_eq!(made(&new, &low).reply.unwrap_err().missing(), [Gate::Policy]);
    new.id = None;
    low.dealer = false;
    let refused = made(&new, &low);
    assert_eq!(trail(&refused.changes), ["change_refused: not_a_dealer"]);
    assert_eq!(refused.reply.unwrap_err().reason(), Reason::NotADealer);
}

#[test]
fn only_what_exists_and_fits_is_taken() {
    let code = |change: &AccountChange| check(change).map_err(|error| error.code());
    let (none, named) = (AccountChange::default, |name: &str| (name.to_owned(), Service::off()));
    for name in SERVICES {
        assert_eq!(code(&none().service(name, Service::off())), Ok(()));
    }
    assert_eq!(code(&none().service_by_plan("fax")), Err("unknown_field"));
    assert_eq!(code(&none().name(" ")), Err("invalid_name"));
    assert_eq!(code(&none().days(DaysChange::default().left(36_526))), Err("invalid_days"));
    assert_eq!(code(&none().balance(BalanceChange::default().amount(i64::MAX))), Err("invalid_balance"));
    let plans = |plans: Vec<(String, &str)>| {
        let plan = |(name, service): (String, &str)| (name, BTreeMap::from([named(service)]));
        code(&none().plans(plans.into_iter().map(plan).collect()))
    };
    let many = |count: usize| (0..count).map(|n| (format!("plan {n}"), "sms")).collect::<Vec<_>>();
    assert_eq!(plans(many(100)), Ok(()));
    assert_eq!(plans(many(101)), Err("invalid_plans"));
    assert_eq!(plans(vec![("\n".to_owned(), "sms")]), Err("invalid_plans"));
    assert_eq!(plans(vec![("basic".to_owned(), "fax")]), Err("unknown_field"));
}

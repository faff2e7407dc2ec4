//! What is given back, and in which window.

use super::*;

#[test]
fn what_is_given_back_is_all_there_again() {
    let mut bench = Bench::new();
    bench.service = Service::on(Some(100), Period::Week);
    let sms = bench.sms(NEW, "3712", 7, 30, 500).of_segments(2);
    let charge = bench.send(&sms).unwrap();
    let names: Vec<_> = bench.read(&sms).into_keys().map(|counter| counter.name).collect();
    assert_eq!(names.len(), 16, "the cool-down, two of the quota, and thirteen budgets: {names:?}");
    let stored = serde_json::to_string(&charge).unwrap();
    assert!(stored.len() < 3000 && !stored.contains("3712"), "{stored}");
    bench.give_back(&serde_json::from_str(&stored).unwrap());
    let left: Vec<_> = bench.read(&sms).into_keys().map(|counter| counter.name).collect();
    assert_eq!(left, ["sms_new_wait"]);
}

#[test]
fn what_is_given_back_late_takes_nothing_from_the_next_window() {
    for (given_back_at, left) in [(TimeDelta::hours(24) - TICK, 0), (TimeDelta::hours(24), 1)] {
        let mut bench = Bench::new();
        let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
        let charge = bench.send(&sms).unwrap();
        bench.now = began() + given_back_at;
        if left == 1 {
            bench.send(&sms).unwrap();
        }
        bench.give_back(&charge);
        assert_eq!(bench.value(&sms, "sms_user"), left);
    }
}

#[test]
fn a_window_given_back_to_nothing_still_gives_back_exactly() {
    let mut bench = Bench::new();
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    let first = bench.send(&sms).unwrap();
    bench.give_back(&first);
    bench.now += TimeDelta::hours(3);
    let second = bench.send(&sms).unwrap();
    assert_eq!(bench.value(&sms, "sms_user"), 1);
    bench.give_back(&second);
    assert_eq!(bench.value(&sms, "sms_user"), 0, "though another window was open below");
}

#[test]
fn whoever_is_overtaken_while_a_window_opens_reads_again() {
    let mut bench = Bench::new();
    let (one, two) = (bench.sms(CONFIRMED, "3712", 7, 30, 500), bench.sms(CONFIRMED, "3712", 8, 30, 501));
    let mut late = Changes::none();
    bench.left(&one).charge(&mut late).unwrap();
    bench.now += TICK;
    bench.send(&two).unwrap();
    bench.now += TICK;
    assert!(matches!(bench.commit(&late), Err(CommitError::Exhausted(_))));
    let charge = bench.send(&one).unwrap();
    assert_eq!(bench.value(&one, "sms_user"), 2);
    bench.give_back(&charge);
    assert_eq!(bench.value(&one, "sms_user"), 1);
}

#[test]
fn a_code_that_is_entered_gives_the_unverified_back_and_no_money() {
    let mut bench = Bench::only(|policy| {
        policy.sms_unverified_per_country = Limit::new(4, TimeDelta::hours(24));
    });
    for round in 0..20_u32 {
        let sms = bench.sms(NEW, "3712", round, 30, 500);
        let charge = bench.send(&sms).expect("entered ones never use it up");
        bench.give_back(&charge.unverified().unwrap());
    }
    let sms = bench.sms(NEW, "3712", 50, 30, 500);
    let names = ["sms_unverified", "sms_unverified_new", "sms_country", "sms_used"];
    assert_eq!(names.map(|name| bench.value(&sms, name)), [0, 0, 20, 20]);
    bench.send(&sms).unwrap();
    bench.now += TICK;
    assert_eq!(
        reasons(&bench.send(&bench.sms(NEW, "3712", 51, 30, 500)).unwrap_err()),
        ["sms_unverified_new"]
    );
}

#[test]
fn a_clock_that_steps_back_locks_nobody_for_longer() {
    for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
        let mut bench = Bench::new();
        bench.service = Service::on(Some(1), period);
        bench.policy.sms_per_user = Limit::new(1, TimeDelta::hours(24));
        let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
        bench.now = began() + TimeDelta::days(400);
        bench.send(&sms).unwrap();
        bench.now = began();
        assert_eq!(bench.lacks(&sms), [], "{period:?}");
        let charge = bench.send(&sms).unwrap();
        bench.now += bench.policy.sms_cool_down;
        assert_eq!(reasons(&bench.lacks(&sms)), ["quota_sms", "sms_user"], "{period:?}");
        bench.give_back(&charge);
        assert_eq!(bench.lacks(&sms), [], "{period:?}");
    }
}

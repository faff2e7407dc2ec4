//! What is told when a budget runs out.

use super::*;

#[test]
fn recording_counts_and_tells_and_refuses_nothing_but_the_quota() {
    let mut bench = Bench::only(|policy| policy.sms_per_account = Limit::new(5, TimeDelta::hours(24)));
    bench.policy.sms_record_only = true;
    bench.service = Service::on(Some(50), Period::Day);
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100 + u128::from(n), 500);
    assert_eq!(bench.served(60, sms), 50);
    assert_eq!(bench.value(&sms(&bench, 0), "sms_account"), 50);
    assert_eq!(bench.trail, ["sms_budget_alert: sms_account"]);
    assert_eq!(reasons(&bench.lacks(&sms(&bench, 70))), ["quota_sms"]);
}

#[test]
fn a_budget_that_runs_out_is_told_once_in_its_window() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(10, TimeDelta::hours(24)));
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100, 500);
    bench.served(7, sms);
    assert_eq!(bench.trail, Vec::<String>::new());
    bench.served(1, |b, _| sms(b, 7));
    assert_eq!(bench.trail, ["sms_budget_alert: sms_everybody"], "at 80 of 100");
    bench.served(9, |b, n| sms(b, 10 + n));
    assert_eq!(bench.trail.len(), 1);
    bench.now += TimeDelta::hours(24);
    bench.served(9, |b, n| sms(b, 20 + n));
    assert_eq!(bench.trail.len(), 2, "again in the next window");
}

#[test]
fn whoever_crosses_the_threshold_unseen_reads_again_and_tells() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(10, TimeDelta::hours(24)));
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100, 500);
    bench.served(6, sms);
    let (mut seventh, mut eighth) = (Changes::none(), Changes::none());
    bench.left(&sms(&bench, 7)).charge(&mut seventh).unwrap();
    bench.left(&sms(&bench, 8)).charge(&mut eighth).unwrap();
    assert_eq!((trail(&seventh).len(), trail(&eighth).len()), (0, 0), "each is the seventh for all it knows");
    bench.commit(&seventh).unwrap();
    assert!(matches!(bench.commit(&eighth), Err(CommitError::Exhausted(_))));
    let (mut one, mut two) = (Changes::none(), Changes::none());
    bench.left(&sms(&bench, 8)).charge(&mut one).unwrap();
    bench.left(&sms(&bench, 9)).charge(&mut two).unwrap();
    assert_eq!((trail(&one).len(), trail(&two).len()), (1, 1));
    bench.commit(&one).unwrap();
    assert!(matches!(bench.commit(&two), Err(CommitError::Exhausted(_))), "one of them tells");
}

#[test]
fn a_budget_too_small_for_anything_is_told_when_it_refuses() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(3, TimeDelta::hours(24)));
    bench.policy.sms_alert_percent = 100;
    bench.send(&bench.sms(CONFIRMED, "3712", 1, 100, 500).of_segments(2)).unwrap();
    bench.send(&bench.sms(CONFIRMED, "3712", 2, 100, 500).of_segments(2)).unwrap_err();
    assert_eq!(bench.trail, Vec::<String>::new(), "one is left");
    bench.policy.sms_in_all = Limit::new(2, TimeDelta::hours(24));
    for nth in 3..6 {
        bench.send(&bench.sms(CONFIRMED, "3712", nth, 100, 500)).unwrap_err();
    }
    assert_eq!(bench.trail, ["sms_budget_alert: sms_everybody"]);
}

//! The quota of an account by its calendar.

use super::*;

/// When a count of the period that is under way at `at` begins anew.
fn anew(period: Period, zone: &str, at: &str) -> String {
    let mut bench = Bench::new();
    bench.account.time_zone = TimeZone::parse(zone).unwrap();
    bench.service = Service::on(Some(1), period);
    bench.policy.sms_cool_down = TICK;
    bench.now = at.parse().unwrap();
    let sms = |nth| bench.sms(CONFIRMED, "3712", nth, 30 + u128::from(nth), 500);
    let (first, second) = (sms(7), sms(8));
    bench.send(&first).unwrap();
    let [Lack::Quota { until }] = bench.lacks(&second)[..] else { panic!("the quota is used up") };
    let Some(until) = until else { return String::from("never") };
    bench.now = until - TICK;
    assert_eq!(reasons(&bench.lacks(&second)), ["quota_sms"]);
    bench.now = until;
    assert_eq!(bench.lacks(&second), []);
    until.format("%Y-%m-%dT%H:%M").to_string()
}

#[test]
fn periods_begin_by_the_calendar_of_the_account() {
    for (period, zone, at, until) in [
        (Period::Hour, "UTC", "2026-11-24T18:59:59Z", "2026-11-24T19:00"),
        (Period::Hour, "Asia/Kathmandu", "2026-11-24T18:00:00Z", "2026-11-24T19:00"),
        (Period::Day, "UTC", "2026-11-24T18:59:59Z", "2026-11-25T00:00"),
        (Period::Day, "Europe/Riga", "2026-11-24T22:00:00Z", "2026-11-25T22:00"),
        (Period::Day, "America/Havana", "2026-03-08T04:59:00Z", "2026-03-08T05:00"),
        (Period::Week, "UTC", "2026-11-24T18:59:59Z", "2026-11-30T00:00"),
        (Period::Week, "UTC", "2026-11-29T23:59:59Z", "2026-11-30T00:00"),
        (Period::Week, "UTC", "2026-11-30T00:00:00Z", "2026-12-07T00:00"),
        (Period::Month, "UTC", "2026-01-31T12:00:00Z", "2026-02-01T00:00"),
        (Period::Month, "Europe/Riga", "2026-12-31T23:00:00Z", "2027-01-31T22:00"),
    ] {
        assert_eq!(anew(period, zone, at), until, "{period:?} {zone} {at}");
    }
}

#[test]
fn a_quota_without_period_is_used_up_for_ever() {
    assert_eq!(anew(Period::None, "UTC", "2026-11-24T18:59:59Z"), "never");
    let mut bench = Bench::new();
    bench.service = Service::on(Some(1), Period::None);
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    let charge = bench.send(&sms).unwrap();
    bench.now += TimeDelta::days(4000);
    assert_eq!(bench.lacks(&sms), [Lack::Quota { until: None }]);
    bench.give_back(&charge);
    assert_eq!(bench.lacks(&sms), [], "also after years");
}

#[test]
fn a_quota_of_nothing_is_no_service_and_one_without_limit_never_ends() {
    let mut bench = Bench::only(|_| {});
    bench.service = Service::on(Some(0), Period::Day);
    assert_eq!(bench.lacks(&bench.sms(CONFIRMED, "3712", 7, 30, 500)), [Lack::Service]);
    bench.service = Service::on(None, Period::Hour);
    assert_eq!(bench.served(500, |b, n| b.sms(CONFIRMED, "3712", n, 30, 500)), 500);
}

#[test]
fn each_period_has_a_count_of_its_own() {
    let mut bench = Bench::only(|_| {});
    let mut send = |period, nth| {
        bench.now += TICK;
        bench.service = Service::on(Some(1), period);
        bench.send(&bench.sms(CONFIRMED, "3712", nth, 30, 500)).is_ok()
    };
    let periods = [Period::None, Period::Hour, Period::Day, Period::Week, Period::Month];
    assert_eq!(periods.map(|period| send(period, 1)), [true; 5]);
    assert_eq!(periods.map(|period| send(period, 2)), [false; 5]);
}

#[test]
fn an_account_that_moves_keeps_its_count_and_the_end_of_its_day() {
    let mut bench = Bench::only(|_| {});
    bench.now = "2026-11-24T12:00:00Z".parse().unwrap();
    bench.account.time_zone = TimeZone::parse("Etc/GMT+12").unwrap();
    bench.service = Service::on(Some(1), Period::Day);
    bench.send(&bench.sms(CONFIRMED, "3712", 1, 30, 500)).unwrap();
    bench.account.time_zone = TimeZone::parse("Etc/GMT-14").unwrap();
    bench.now = "2026-11-24T23:00:00Z".parse().unwrap();
    let next = bench.sms(CONFIRMED, "3712", 2, 30, 500);
    assert_eq!(reasons(&bench.lacks(&next)), ["quota_sms"]);
    bench.now = "2026-11-25T12:00:00Z".parse().unwrap();
    assert_eq!(bench.lacks(&next), []);
    assert!(PERIOD_SLACK >= TimeDelta::hours(26));
}

#[test]
fn usage_tells_segments_and_codes_of_the_period() {
    let mut bench = Bench::only(|_| {});
    bench.service = Service::on(Some(9), Period::Month);
    let sms = bench.sms(CONFIRMED, "3712", 1, 30, 500);
    bench.send(&sms).unwrap();
    bench.send(&bench.sms(CONFIRMED, "3712", 2, 30, 500).without_code().of_segments(3)).unwrap();
    let usage = |bench: &Bench| {
        let counters = bench.read(&sms);
        let quota = Quota::sms(&bench.account, bench.service);
        quota.usage(|counter| counters.get(counter).copied().unwrap_or_default(), bench.now)
    };
    let Usage { used, codes, quota, period, until } = usage(&bench);
    assert_eq!((used, codes, quota, period), (4, 1, Some(9), Period::Month));
    bench.now = until.unwrap();
    assert_eq!((usage(&bench).used, usage(&bench).codes), (0, 0));
}

#[test]
fn mails_have_a_quota_of_their_own() {
    let bench = Bench::new();
    let quota = Quota::email_notification(&bench.account, Service::on(Some(2), Period::Day));
    let sms = bench.sms(CONFIRMED, "3712", 1, 30, 500);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut changes = Changes::none();
        let counters = bench.read(&sms);
        let count = |counter: &Counter| counters.get(counter).copied().unwrap_or_default();
        answers.push(quota.charge(1, count, &mut changes, bench.now));
        bench.commit(&changes).unwrap();
    }
    assert!(answers[0].is_ok() && answers[1].is_ok());
    let end = TimeZone::UTC.instant(TimeZone::UTC.day(began()).succ_opt().unwrap(), chrono::NaiveTime::MIN);
    assert_eq!(answers[2], Err(Lack::Quota { until: Some(end) }));
    bench.give_back(answers[0].as_ref().unwrap());
    assert_eq!(bench.value(&sms, "email_notification_used_day"), 1);
    assert_eq!(bench.value(&sms, "sms_used_day"), 0);
}

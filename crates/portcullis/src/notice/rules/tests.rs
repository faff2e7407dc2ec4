use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::parse(name).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn calendar(zone_name: &str, blocks_at: &str) -> Calendar {
    Calendar::new(zone(zone_name), Some(at(blocks_at)), &Policy::default())
}

/// The instant of a day at an hour.
fn hour(zone_name: &str, date: &str, hour: u32) -> String {
    let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    zone(zone_name).instant(day(date), time).format("%Y-%m-%dT%H:%MZ").to_string()
}

/// Every notice of a calendar, as day and instant, if a worker looks once a day at this time of UTC.
fn told(calendar: &Calendar, from: &str, looks: u32) -> Vec<(String, String)> {
    let mut told = std::collections::BTreeMap::new();
    for nth in 0..looks {
        let now = at(from) + Days::new(nth.into());
        for planned in calendar.coming(now, now + Days::new(1)) {
            let when = planned.at.format("%dT%H:%MZ").to_string();
            let left = calendar.told_on(planned.day).unwrap();
            told.entry(planned.day).or_insert_with(|| (format!("{} {left}", planned.day), when));
        }
    }
    told.into_values().collect()
}

#[test]
fn a_plain_time_is_what_the_clocks_show() {
    assert_eq!(hour("UTC", "2026-11-24", 9), "2026-11-24T09:00Z");
    assert_eq!(hour("Europe/Riga", "2026-11-24", 9), "2026-11-24T07:00Z");
    assert_eq!(hour("Europe/Riga", "2026-07-24", 9), "2026-07-24T06:00Z");
    assert_eq!(hour("Pacific/Kiritimati", "2026-11-24", 9), "2026-11-23T19:00Z");
    assert_eq!(hour("Etc/GMT+12", "2026-11-24", 9), "2026-11-24T21:00Z");
    assert_eq!(hour("Asia/Kathmandu", "2026-11-24", 9), "2026-11-24T03:15Z");
}

#[test]
fn a_time_that_clocks_skip_is_the_moment_of_the_skip() {
    assert_eq!(hour("Europe/Riga", "2026-03-29", 3), "2026-03-29T01:00Z");
    assert_eq!(hour("Europe/Riga", "2026-03-29", 4), "2026-03-29T01:00Z");
    assert_eq!(hour("America/New_York", "2026-03-08", 2), "2026-03-08T07:00Z");
    assert_eq!(hour("Asia/Beirut", "2026-03-29", 0), "2026-03-28T22:00Z", "midnight itself is skipped");
    assert_eq!(hour("Australia/Lord_Howe", "2026-10-04", 2), "2026-10-03T15:30Z", "half an hour");
    assert_eq!(hour("Pacific/Apia", "2011-12-30", 9), "2011-12-30T10:00Z", "a whole day");
}

#[test]
fn a_time_that_clocks_show_twice_is_the_first_of_the_two() {
    assert_eq!(hour("Europe/Riga", "2026-10-25", 3), "2026-10-25T00:00Z");
    assert_eq!(hour("America/New_York", "2026-11-01", 1), "2026-11-01T05:00Z");
    assert_eq!(hour("America/Havana", "2026-11-01", 0), "2026-11-01T04:00Z");
}

#[test]
fn the_first_and_the_last_day_that_can_be_written_give_instants_too() {
    for date in [NaiveDate::MIN, NaiveDate::MAX] {
        for name in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
            let _ = zone(name).instant(date, NaiveTime::MIN);
        }
    }
}

#[test]
fn the_last_five_days_have_a_notice_each_and_no_other_day_has() {
    let riga = calendar("Europe/Riga", "2026-12-10T22:00:00Z");
    assert_eq!(riga.blocking_day(), Some(day("2026-12-11")), "midnight there");
    let expected = ["2026-12-06 5", "2026-12-07 4", "2026-12-08 3", "2026-12-09 2", "2026-12-10 1"];
    let told = told(&riga, "2026-11-20T12:00:00Z", 40);
    assert_eq!(told.iter().map(|(day, _)| day.as_str()).collect::<Vec<_>>(), expected);
    let instants: Vec<_> = told.iter().map(|(_, at)| at.as_str()).collect();
    assert_eq!(instants, ["06T07:00Z", "07T07:00Z", "08T07:00Z", "09T07:00Z", "10T07:00Z"]);
    assert_eq!(riga.first(), Some(at("2026-12-06T07:00:00Z")));
    for (date, left) in [("2026-12-05", None), ("2026-12-06", Some(5)), ("2026-12-10", Some(1))] {
        assert_eq!(riga.told_on(day(date)), left, "{date}");
    }
    assert_eq!(riga.told_on(day("2026-12-11")), None, "the blocking day itself has none");
    assert_eq!(riga.told_on(day("2026-12-12")), None);
}

#[test]
fn a_leap_day_is_a_day() {
    let told = told(&calendar("UTC", "2028-03-02T00:00:00Z"), "2028-02-20T00:00:00Z", 20);
    let days: Vec<_> = told.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(days, ["2028-02-26 5", "2028-02-27 4", "2028-02-28 3", "2028-02-29 2", "2028-03-01 1"]);
    assert_eq!(calendar("UTC", "2027-03-02T00:00:00Z").first(), Some(at("2027-02-25T09:00:00Z")));
}

#[test]
fn a_day_of_23_or_25_hours_is_a_day() {
    let spring = told(&calendar("Europe/Riga", "2026-03-31T21:00:00Z"), "2026-03-20T06:59:00Z", 14);
    let expected = [
        ("2026-03-27 5", "27T07:00Z"),
        ("2026-03-28 4", "28T07:00Z"),
        ("2026-03-29 3", "29T06:00Z"),
        ("2026-03-30 2", "30T06:00Z"),
        ("2026-03-31 1", "31T06:00Z"),
    ];
    let owned = |list: [(&str, &str); 5]| list.map(|(day, at)| (day.to_owned(), at.to_owned())).to_vec();
    assert_eq!(spring, owned(expected));
    let autumn = told(&calendar("Europe/Riga", "2026-10-27T22:00:00Z"), "2026-10-18T06:30:00Z", 14);
    let expected = [
        ("2026-10-23 5", "23T06:00Z"),
        ("2026-10-24 4", "24T06:00Z"),
        ("2026-10-25 3", "25T07:00Z"),
        ("2026-10-26 2", "26T07:00Z"),
        ("2026-10-27 1", "27T07:00Z"),
    ];
    // Half past six: on the days before the change that is half an hour late, and then half an hour early.
    assert_eq!(autumn, owned(expected));
}

#[test]
fn one_blocking_instant_falls_on_different_days() {
    let instant = "2026-12-11T00:00:00Z";
    let east = calendar("Pacific/Kiritimati", instant);
    let west = calendar("Etc/GMT+12", instant);
    assert_eq!(
        (east.blocking_day(), west.blocking_day()),
        (Some(day("2026-12-11")), Some(day("2026-12-10")))
    );
    assert_eq!(east.first(), Some(at("2026-12-05T19:00:00Z")));
    assert_eq!(west.first(), Some(at("2026-12-05T21:00:00Z")));
    for calendar in [east, west] {
        let left: Vec<_> = told(&calendar, "2026-11-25T03:30:00Z", 30)
            .into_iter()
            .map(|(day, _)| day.split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(left, ["5", "4", "3", "2", "1"]);
    }
}

#[test]
fn every_first_notice_is_less_than_six_days_before_the_block() {
    // What a schedule that begins so early relies on.
    let policy = Policy::default();
    for zone in chrono_tz::TZ_VARIANTS {
        let zone = TimeZone::parse(zone.name()).unwrap();
        for half_hours in 0..48_i64 {
            for month in ["03", "04", "09", "10", "11", "12"] {
                let blocks_at =
                    at(&format!("2026-{month}-02T00:00:00Z")) + chrono::TimeDelta::minutes(half_hours * 30);
                let first = Calendar::new(zone, Some(blocks_at), &policy).first().unwrap();
                assert!(first > blocks_at - Days::new(6) && first < blocks_at - Days::new(4), "{zone:?}");
            }
        }
    }
}

#[test]
fn what_comes_is_todays_once_its_hour_is_over_and_the_next() {
    let utc = calendar("UTC", "2026-12-11T00:00:00Z");
    let coming = |now: &str| -> Vec<(String, DateTime<Utc>)> {
        let planned = utc.coming(at(now), at(now) + Days::new(1));
        planned.into_iter().map(|planned| (planned.day.to_string(), planned.at)).collect()
    };
    let (seventh, eighth) = (at("2026-12-07T09:00:00Z"), at("2026-12-08T09:00:00Z"));
    let early = "2026-12-07T08:59:59Z";
    assert_eq!(coming(early), [("2026-12-07".to_owned(), seventh)]);
    let on_time = "2026-12-07T09:00:00Z";
    let both = [("2026-12-07".to_owned(), seventh), ("2026-12-08".to_owned(), eighth)];
    assert_eq!(coming(on_time), both);
    let late = "2026-12-07T20:00:00Z";
    assert_eq!(coming(late), [("2026-12-07".to_owned(), at(late)), ("2026-12-08".to_owned(), eighth)]);
    assert_eq!(coming("2026-12-10T23:59:59Z"), [("2026-12-10".to_owned(), at("2026-12-10T23:59:59Z"))]);
    assert_eq!(coming("2026-12-11T00:00:00Z"), []);
    assert_eq!(coming("2026-12-05T08:59:59Z"), []);
    assert_eq!(coming("2026-12-05T09:00:00Z"), [("2026-12-06".to_owned(), at("2026-12-06T09:00:00Z"))]);
}

#[test]
fn after_a_downtime_only_todays_is_made_up_for() {
    let utc = calendar("UTC", "2026-12-11T00:00:00Z");
    let (began, now) = (at("2026-12-05T12:00:00Z"), at("2026-12-09T12:00:00Z"));
    let days: Vec<_> = utc.coming(now, began + Days::new(1)).into_iter().map(|planned| planned.day).collect();
    assert_eq!(days, [day("2026-12-09")], "a walk that began before it looks no further than it would have");
}

#[test]
fn a_day_that_a_zone_skips_has_no_notice() {
    let apia = calendar("Pacific/Apia", "2012-01-01T10:00:00Z");
    let told = told(&apia, "2011-12-20T00:00:00Z", 20);
    let days: Vec<_> = told.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(days, ["2011-12-28 5", "2011-12-29 4", "2011-12-31 2", "2012-01-01 1"]);
}

#[test]
fn the_warning_counts_down_to_the_last_day() {
    let riga = calendar("Europe/Riga", "2026-12-10T15:30:00Z");
    let left = |now: &str| riga.days_left(at(now));
    assert_eq!(left("2026-12-04T21:59:59Z"), None);
    assert_eq!(left("2026-12-04T22:00:00Z"), Some(5), "midnight there");
    assert_eq!(left("2026-12-09T12:00:00Z"), Some(1));
    assert_eq!(left("2026-12-09T22:00:00Z"), Some(0));
    assert_eq!(left("2026-12-10T15:29:59Z"), Some(0));
    assert_eq!(left("2026-12-10T15:30:00Z"), None, "it is blocked");
}

#[test]
fn without_a_blocking_date_nobody_is_told_anything() {
    let calendar = Calendar::new(TimeZone::UTC, None, &Policy::default());
    let now = at("2026-12-10T12:00:00Z");
    assert_eq!(calendar.coming(now, now + Days::new(1)), []);
    assert_eq!((calendar.blocking_day(), calendar.first(), calendar.days_left(now)), (None, None, None));
    assert_eq!(calendar.told_on(day("2026-12-10")), None);
}

//! Time zones, and when a day begins in one.

use core::fmt;
use std::borrow::Cow;

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::GapInfo;
use serde::{Deserialize, Serialize};

use crate::error::InputError;

/// A time zone by its IANA name.
///
/// ```
/// use portcullis::account::TimeZone;
/// assert_eq!(TimeZone::parse("Europe/Riga").unwrap().name(), "Europe/Riga");
/// assert_eq!(TimeZone::parse("Riga").unwrap_err().code(), "invalid_time_zone");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// Takes an IANA name.
    ///
    /// # Errors
    /// `invalid_time_zone` for a name that is none.
    pub fn parse(name: &str) -> Result<Self, InputError> {
        name.parse().map(Self).map_err(|_| {
            InputError::new("time_zone", "invalid_time_zone", "there is no time zone of this name")
        })
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The date on the calendar of this zone.
    ///
    /// ```
    /// # use portcullis::account::TimeZone;
    /// # use chrono::{DateTime, NaiveDate, Utc};
    /// let at: DateTime<Utc> = "2026-11-24T23:30:00Z".parse().unwrap();
    /// let riga = TimeZone::parse("Europe/Riga").unwrap();
    /// assert_eq!(Some(riga.day(at)), NaiveDate::from_ymd_opt(2026, 11, 25));
    /// ```
    pub fn day(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// When a clock on the wall of this zone first shows this time of this day, or goes past it where clocks are put
    /// forward over it.
    ///
    /// ```
    /// # use portcullis::account::TimeZone;
    /// # use chrono::{NaiveDate, NaiveTime};
    /// // Clocks in Beirut go from midnight to one o'clock.
    /// let beirut = TimeZone::parse("Asia/Beirut").unwrap();
    /// let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    /// let begins = beirut.instant(day, NaiveTime::MIN);
    /// assert_eq!(beirut.format(begins), "2026-03-29 01:00");
    /// ```
    pub fn instant(self, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        let wall = day.and_time(time);
        match self.0.from_local_datetime(&wall) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
            LocalResult::None => {
                let end = GapInfo::new(&wall, &self.0).and_then(|gap| gap.end);
                end.map_or_else(|| wall.and_utc(), |end| end.to_utc())
            }
        }
    }

    /// Words an instant in this zone, such as `2026-11-24 16:05`.
    pub fn format(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.0).format("%Y-%m-%d %H:%M").to_string()
    }

    /// Words an instant's time of day in this zone, such as `16:05`.
    pub fn format_time(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.0).format("%H:%M").to_string()
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn begins(zone: &str, on: &str) -> String {
        let zone = TimeZone::parse(zone).unwrap();
        let at = zone.instant(day(on), NaiveTime::MIN);
        assert_eq!(zone.day(at), day(on), "it is that day already");
        assert!(zone.day(at - chrono::TimeDelta::microseconds(1)) < day(on), "and was not before");
        at.format("%Y-%m-%dT%H:%M").to_string()
    }

    #[test]
    fn a_day_without_a_midnight_begins_after_the_gap() {
        assert_eq!(begins("Africa/Cairo", "2026-04-24"), "2026-04-23T22:00");
        assert_eq!(begins("America/Havana", "2026-03-08"), "2026-03-08T05:00");
        assert_eq!(begins("Asia/Beirut", "2026-03-29"), "2026-03-28T22:00");
        assert_eq!(begins("America/Asuncion", "2023-10-01"), "2023-10-01T04:00");
    }

    #[test]
    fn a_day_with_two_midnights_begins_at_the_first() {
        assert_eq!(begins("America/Havana", "2026-11-01"), "2026-11-01T04:00");
        assert_eq!(begins("Atlantic/Azores", "2026-10-25"), "2026-10-25T00:00");
    }

    #[test]
    fn a_day_whose_eve_is_repeated_begins_once_it_is_over() {
        assert_eq!(begins("Asia/Beirut", "2026-10-25"), "2026-10-24T22:00");
        assert_eq!(begins("Africa/Cairo", "2026-10-30"), "2026-10-29T22:00");
    }

    #[test]
    fn days_begin_at_both_ends_of_the_earth_and_on_leap_days() {
        assert_eq!(begins("Pacific/Kiritimati", "2028-02-29"), "2028-02-28T10:00");
        assert_eq!(begins("Etc/GMT+12", "2028-02-29"), "2028-02-29T12:00");
        assert_eq!(begins("Etc/GMT-14", "2028-03-01"), "2028-02-29T10:00");
        assert_eq!(begins("Europe/Riga", "2126-11-24"), "2126-11-23T22:00");
        assert_eq!(begins("UTC", "1926-11-24"), "1926-11-24T00:00");
    }

    #[test]
    fn a_day_that_was_left_out_begins_with_the_next_one() {
        let apia = TimeZone::parse("Pacific/Apia").unwrap();
        let at = apia.instant(day("2011-12-30"), NaiveTime::MIN);
        assert_eq!(apia.format(at), "2011-12-31 00:00");
    }

    #[test]
    fn a_time_inside_a_gap_is_the_end_of_the_gap() {
        let riga = TimeZone::parse("Europe/Riga").unwrap();
        let at = riga.instant(day("2026-03-29"), NaiveTime::from_hms_opt(3, 30, 0).unwrap());
        assert_eq!(riga.format(at), "2026-03-29 04:00");
    }
}

//! Times and languages in the words of whoever reads them.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, DurationRound as _, NaiveDate, SecondsFormat, TimeDelta, Utc};
use portcullis::account::TimeZone;

use crate::page::Time;
use crate::texts::Language;

/// The language a browser asks for, English unless another one we speak is wanted more.
pub(crate) fn language_of_request(headers: &HeaderMap) -> Language {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
    let mut best = (0, Language::English);
    for wanted in lines.flat_map(|line| line.split(',')) {
        let mut parts = wanted.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        let language = Language::of_tag(tag);
        let spoken = tag.split('-').next().unwrap_or_default().eq_ignore_ascii_case(language.tag());
        if spoken && weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// A quality value in thousandths (RFC 9110, 12.4.2); 0 for what is none.
fn thousandths(text: &str) -> u32 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part:0<3}");
    if part.len() > 3 { 0 } else { digits.parse().ok().filter(|weight| *weight <= 1000).unwrap_or(0) }
}

/// A moment as a time of day in a zone.
pub(crate) fn time_of(at: DateTime<Utc>, zone: TimeZone) -> Time {
    Time { rfc3339: rfc3339(at), local: zone.format_time(at) }
}

/// A moment as a date and a time of day in a zone.
pub(crate) fn date_and_time_of(at: DateTime<Utc>, zone: TimeZone) -> Time {
    Time { rfc3339: rfc3339(at), local: zone.format(at) }
}

/// A day in words.
pub(crate) fn day_of(day: NaiveDate, language: Language) -> Time {
    Time { rfc3339: day.to_string(), local: language.day(day) }
}

/// A moment from which on something works: the minute shown is one in which it does.
pub(super) fn from_time_of(at: DateTime<Utc>, zone: TimeZone) -> Time {
    let minute = TimeDelta::minutes(1);
    let whole = at.duration_trunc(minute).unwrap_or(at);
    let shown = if whole == at { at } else { whole.checked_add_signed(minute).unwrap_or(at) };
    Time { rfc3339: rfc3339(at), local: zone.format_time(shown) }
}

/// RFC 3339 in UTC.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_wanted_most_is_spoken() {
        for (wanted, spoken) in [
            ("ru", Language::Russian),
            ("ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
            ("en,ru;q=0.9", Language::English),
            ("de,ru;q=0.3,en;q=0.2", Language::Russian),
            ("de, fr;q=0.5", Language::English),
            ("ru;q=0", Language::English),
            ("ru;q=7,en;q=0.1", Language::English),
            ("", Language::English),
            ("rum", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, wanted.parse().unwrap());
            assert_eq!(language_of_request(&headers), spoken, "{wanted}");
        }
        assert_eq!(language_of_request(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn a_time_to_wait_for_is_never_shown_too_early() {
        let zone = TimeZone::parse("Europe/Riga").unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (moment, floor, ceiling) in
            [("2026-03-02T14:00:00Z", "16:00", "16:00"), ("2026-03-02T14:00:01Z", "16:00", "16:01")]
        {
            assert_eq!(time_of(at(moment), zone).local, floor);
            assert_eq!(from_time_of(at(moment), zone).local, ceiling);
            assert_eq!(from_time_of(at(moment), zone).rfc3339, moment);
        }
    }
}

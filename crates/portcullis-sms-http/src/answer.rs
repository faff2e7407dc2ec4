//! What a gateway answered.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use portcullis::port::message::{Receipt, Sms};

use crate::transport::WAIT_LONGEST;

/// An answer's head, and as much of its body as could be had.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// When to come again, if it said so.
    pub(crate) wait: Option<Duration>,
    pub(crate) body: Body,
}

/// What came behind the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// The connection broke in between.
    Cut,
    /// The time was over in between.
    TimedOut,
    /// It is longer than any answer may be.
    Oversized,
}

impl Answer {
    /// The body if all of it came, else nothing: a refusal is one by its status alone.
    pub(crate) fn whole(&self) -> &[u8] {
        match &self.body {
            Body::Whole(body) => body,
            Body::Cut | Body::TimedOut | Body::Oversized => &[],
        }
    }
}

/// How long to wait: seconds, or a date, which is compared with the answer's own date. So no clock of this machine has a
/// say, and one that is wrong does not hold a message back. At most a day.
pub(crate) fn wait_told(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let told = text(RETRY_AFTER)?;
    if !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are still a wait, the longest one.
        return Some(told.parse().map_or(WAIT_LONGEST, Duration::from_secs).min(WAIT_LONGEST));
    }
    let then = httpdate::parse_http_date(told).ok()?;
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(then.duration_since(now).unwrap_or_default().min(WAIT_LONGEST))
}

/// A receipt under the gateway's name for the SMS, if it is a plain name that repeats nothing of the SMS: one that holds
/// the code or the number must not get into the trail.
pub(crate) fn receipt(name: Option<&str>, sms: &Sms) -> Receipt {
    let plain = |name: &&str| {
        let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'));
        let told = sms.text.contains(name) || name.contains(sms.to.digits());
        fits && (1..=64).contains(&name.len()) && !told
    };
    Receipt::new(name.filter(plain))
}

#[cfg(test)]
mod tests {
    use portcullis::contact::Phone;
    use portcullis::id::MessageId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_are_seconds_or_dates_and_bounded() {
        let now = "Tue, 24 Nov 2026 10:00:00 GMT";
        let wait = |told: &str, now: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, told.parse().unwrap());
            if !now.is_empty() {
                headers.insert(DATE, now.parse().unwrap());
            }
            wait_told(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("0", now), Some(0));
        assert_eq!(wait(" 7 ", ""), Some(7));
        assert_eq!(wait("86401", now), Some(86_400));
        assert_eq!(wait("99999999999999999999999999", now), Some(86_400));
        assert_eq!(wait("Tue, 24 Nov 2026 10:02:00 GMT", now), Some(120));
        assert_eq!(wait("Tuesday, 24-Nov-26 10:02:00 GMT", now), Some(120));
        assert_eq!(wait("Tue, 24 Nov 2026 09:00:00 GMT", now), Some(0));
        assert_eq!(wait("Tue, 24 Nov 2099 09:00:00 GMT", now), Some(86_400));
        for told in ["Tue, 24 Nov 2026 10:02:00 GMT", "-1", "1.5", "soon", "", "1e3", "+1"] {
            assert_eq!(wait(told, ""), None, "{told}");
        }
        assert_eq!(wait_told(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_a_day(told in "[0-9]{1,40}|[ -~]{0,40}", now in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, told.parse().unwrap());
            headers.insert(DATE, now.parse().unwrap());
            prop_assert!(wait_told(&headers).is_none_or(|wait| wait <= WAIT_LONGEST));
        }
    }

    #[test]
    fn a_name_that_repeats_the_sms_is_not_kept() {
        let sms = Sms {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            to: Phone::parse("+37120000045").unwrap(),
            text: "Your code is 924417".to_owned(),
        };
        for (name, kept) in [
            ("SM0123456789abcdef0123456789abcdef", true),
            ("a.b:c_d-e", true),
            ("924417", false),
            ("to-37120000045", false),
            ("", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(receipt(Some(name), &sms).reference.as_deref(), kept.then_some(name), "{name}");
        }
        assert_eq!(receipt(Some(&"x".repeat(65)), &sms).reference, None);
    }
}

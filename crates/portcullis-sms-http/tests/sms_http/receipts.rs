//! Reports: who may bring them, and what they mean.

use crate::support::{SECRET, callback};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use portcullis::port::message::{DeliveryReport, DeliveryState};
use portcullis_sms_http::{Gateway, Receipts, Rejected};
use proptest::prelude::*;

const ID: &str = "018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9";

fn bringing(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::try_from(*value).unwrap());
    }
    headers
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{user}:{secret}").as_bytes()))
}

fn described(state: &str) -> Receipts {
    let description = serde_json::json!({
        "url": "https://h/?a={to}&b={text}",
        "reports": {"state": state, "delivered": ["ok", "1"], "undelivered": ["no"], "on_its_way": ["way"]},
    });
    Receipts::gateway(&Gateway::from_json(&description.to_string()).unwrap(), &callback()).unwrap()
}

fn judged(
    receipts: &Receipts,
    method: &Method,
    target: &str,
    body: &str,
) -> Result<DeliveryReport, Rejected> {
    receipts.judge(method, target, &bringing(&[&basic("gateway", SECRET)]), body.as_bytes())
}

#[test]
fn forged_ones_are_rejected_whatever_they_tell() {
    let right = basic("gateway", SECRET);
    let pair = right.trim_start_matches("Basic ");
    let shorter = right.strip_suffix('=').unwrap();
    let forged: Vec<Vec<String>> = vec![
        vec![],
        vec![String::new()],
        vec![pair.to_owned()],
        vec![shorter.to_owned()],
        vec![format!("{right}A")],
        vec![format!("Bearer {pair}")],
        vec![format!("Basic{pair}")],
        vec!["Basic ".to_owned()],
        vec![right.to_ascii_lowercase()],
        vec![basic("gateway", "c4n4ry-r3port-91aa08")],
        vec![basic("Gateway", SECRET)],
        vec![basic("", SECRET)],
        vec![format!("Basic gateway:{SECRET}")],
        vec![right.clone(), right.clone()],
        vec![right.clone(), basic("gateway", "x")],
    ];
    let target = format!("/sms/{ID}?state=1&s=ok");
    let body = "MessageStatus=delivered&s=ok";
    for (receipts, method) in [
        (Receipts::twilio(&callback()), Method::POST),
        (Receipts::kannel(&callback()), Method::GET),
        (described("query:s"), Method::POST),
    ] {
        for values in &forged {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let told = receipts.judge(&method, &target, &bringing(&values), body.as_bytes());
            assert_eq!(told, Err(Rejected::Forged), "{receipts:?} {values:?}");
            // No part of it is looked at first.
            let told = receipts.judge(&Method::DELETE, "/nonsense", &bringing(&values), b"\xff");
            assert_eq!(told, Err(Rejected::Forged), "{receipts:?} {values:?}");
        }
        for value in [right.clone(), format!("basic {pair}"), format!("BASIC   {pair} ")] {
            let report = receipts.judge(&method, &target, &bringing(&[&value]), body.as_bytes()).unwrap();
            assert_eq!((report.id.to_string().as_str(), report.state), (ID, DeliveryState::Delivered));
        }
        assert!(!format!("{receipts:?}").contains("c4n4ry"));
    }
}

#[test]
fn only_a_path_that_ends_with_an_id_names_an_sms() {
    let receipts = Receipts::kannel(&callback());
    for path in [
        "",
        "/",
        "/sms/",
        "/sms/7",
        "/sms/018f3c2e6f2a7c1d9a510d9a7c1be2d9",
        "/sms/{018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9}",
        "/sms/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9/",
        "/sms/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2dg",
        "/sms/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9%20",
    ] {
        let told = judged(&receipts, &Method::GET, &format!("{path}?state=1"), "");
        assert_eq!(told, Err(Rejected::Malformed), "{path}");
    }
    for path in [format!("/{ID}"), format!("/a/b/{ID}"), ID.to_owned()] {
        assert!(judged(&receipts, &Method::GET, &format!("{path}?state=1"), "").is_ok(), "{path}");
    }
}

#[test]
fn each_gateway_reports_by_its_own_method() {
    let target = format!("/{ID}?state=1&s=ok");
    for (receipts, good) in [
        (Receipts::twilio(&callback()), vec![Method::POST]),
        (Receipts::kannel(&callback()), vec![Method::GET]),
        (described("query:s"), vec![Method::GET, Method::POST]),
        (described("form:s"), vec![Method::POST]),
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD] {
            let told = judged(&receipts, &method, &target, "MessageStatus=sent&s=ok");
            assert_eq!(told.is_ok(), good.contains(&method), "{receipts:?} {method}: {told:?}");
            assert!(told.is_ok() || told == Err(Rejected::Method));
        }
    }
}

#[test]
fn what_is_too_long_is_not_read() {
    let receipts = Receipts::twilio(&callback());
    let body = |length: usize| format!("MessageStatus=sent&x={}", "y".repeat(length));
    let target = format!("/{ID}");
    assert!(judged(&receipts, &Method::POST, &target, &body(16_000)).is_ok());
    assert_eq!(judged(&receipts, &Method::POST, &target, &body(16_384)), Err(Rejected::TooLong));
    let long = format!("/{ID}?{}", "x".repeat(4_096));
    assert_eq!(judged(&receipts, &Method::POST, &long, &body(1)), Err(Rejected::TooLong));
}

#[test]
fn states_are_read_and_what_means_nothing_is_ignored() {
    use DeliveryState::{Delivered, OnItsWay, Undelivered};
    use Rejected::{Ignored, Malformed};
    let twilio = |status: &str| {
        let body = format!("MessageSid=SM1&MessageStatus={status}&To=%2B1");
        judged(&Receipts::twilio(&callback()), &Method::POST, &format!("/{ID}"), &body).map(|told| told.state)
    };
    for (status, expected) in [
        ("sent", Ok(OnItsWay)),
        ("sending", Ok(OnItsWay)),
        ("delivered", Ok(Delivered)),
        ("read", Ok(Delivered)),
        ("undelivered", Ok(Undelivered)),
        ("failed", Ok(Undelivered)),
        ("undelivered&ErrorCode=30003", Ok(Undelivered)),
        ("undelivered&ErrorCode=30005", Ok(Undelivered)),
        ("undelivered&ErrorCode=30006", Ok(Undelivered)),
        ("failed&ErrorCode=30007", Ok(Undelivered)),
        ("failed&ErrorCode=30034", Ok(Undelivered)),
        ("queued", Err(Ignored)),
        ("accepted", Err(Ignored)),
        ("Delivered", Err(Ignored)),
        ("", Err(Ignored)),
        ("sent&MessageStatus=delivered", Err(Malformed)),
    ] {
        assert_eq!(twilio(status), expected, "{status}");
    }
    let kannel = |query: &str| {
        let target = format!("/{ID}?{query}");
        judged(&Receipts::kannel(&callback()), &Method::GET, &target, "").map(|told| told.state)
    };
    for (query, expected) in [
        ("state=1", Ok(Delivered)),
        ("state=2", Ok(Undelivered)),
        ("state=4", Ok(OnItsWay)),
        ("state=8", Ok(OnItsWay)),
        ("state=16", Ok(Undelivered)),
        ("state=0", Err(Ignored)),
        ("state=32", Err(Ignored)),
        ("state=01", Err(Ignored)),
        ("state=", Err(Malformed)),
        ("state=+1", Err(Malformed)),
        ("state=-1", Err(Malformed)),
        ("state=1111", Err(Malformed)),
        ("state=1&state=2", Err(Malformed)),
        ("", Err(Malformed)),
    ] {
        assert_eq!(kannel(query), expected, "{query}");
    }
    let told = |place: &str, query: &str, body: &str| {
        let target = format!("/{ID}?{query}");
        judged(&described(place), &Method::POST, &target, body).map(|told| told.state)
    };
    assert_eq!(told("query:s", "s=ok", ""), Ok(Delivered));
    assert_eq!(told("form:s", "s=ok", "s=no"), Ok(Undelivered));
    assert_eq!(told("json:/a/s", "", "{\"a\":{\"s\":\"way\"}}"), Ok(OnItsWay));
    assert_eq!(told("json:/a/s", "", "{\"a\":{\"s\":1}}"), Ok(Delivered));
    assert_eq!(told("json:/a/s", "", "{\"a\":{\"s\":null}}"), Err(Malformed));
    assert_eq!(told("json:/s", "", "{\"s\":\"ok\""), Err(Malformed));
    assert_eq!(told("form:s", "", "s=Ok"), Err(Ignored));
    assert_eq!(told("form:s", "", "t=ok"), Err(Malformed));
}

#[test]
fn a_description_without_reports_judges_none() {
    let gateway = Gateway::from_json("{\"url\":\"https://h/?a={to}&b={text}\"}").unwrap();
    let error = Receipts::gateway(&gateway, &callback()).unwrap_err();
    assert!(error.to_string().contains("`reports`"), "{error}");
}

proptest! {
    #[test]
    fn whatever_comes_is_judged_and_without_credentials_forged(
        target in "(/[a-z0-9%-]{0,40}){0,3}(\\?[ -~]{0,40})?",
        given in "(Basic )?[A-Za-z0-9+/=]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        for receipts in [Receipts::twilio(&callback()), Receipts::kannel(&callback()), described("json:/s")] {
            for method in [Method::GET, Method::POST] {
                let told = receipts.judge(&method, &target, &bringing(&[&given]), &body);
                prop_assert_eq!(told, Err(Rejected::Forged));
                let right = bringing(&[&basic("gateway", SECRET)]);
                prop_assert!(receipts.judge(&method, &target, &right, &body) != Err(Rejected::Forged));
            }
        }
    }
}

//! What is refused at start, and that the refusal names the field and repeats no value.

use crate::support::{KEY, TOKEN};
use portcullis_sms_http::{Callback, Gateway, SetupError, SmsHttp, SmsHttpOptions};
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "url": "https://sms.example.com/v1",
        "headers": {"Authorization": "Bearer {secret:key}"},
        "json": {"to": "{to}", "text": "{text}"},
    })
}

fn built(description: &Value, options: SmsHttpOptions) -> Result<SmsHttp, SetupError> {
    SmsHttp::gateway(Gateway::from_json(&description.to_string())?.secret("key", KEY.into()), options)
}

/// The same with one field set, or taken out.
fn with(field: &str, value: Value) -> Value {
    let mut description = good();
    let object = description.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(field);
    } else {
        object.insert(field.to_owned(), value);
    }
    description
}

#[test]
fn the_description_that_the_others_differ_from_is_taken() {
    built(&good(), SmsHttpOptions::new()).unwrap();
}

#[test]
fn a_bad_description_is_refused_naming_the_field() {
    let form = |form: Value| {
        let mut description = with("json", Value::Null);
        description.as_object_mut().unwrap().insert("form".to_owned(), form);
        description
    };
    let cases = [
        (with("url", Value::Null), "url", "missing"),
        (with("url", json!(7)), "url", "wrong type"),
        (with("url", json!("sms.example.com")), "url", "must look like"),
        (with("url", json!("ftp://sms.example.com")), "url", "must look like"),
        (with("url", json!("https://h/#c4n4ry")), "url", "must look like"),
        (with("url", json!("https://h\\c4n4ry")), "url", "must look like"),
        (with("url", json!("http://sms.example.com/")), "url", "not https"),
        (with("url", json!("http://127.0.0.1.example.com/")), "url", "not https"),
        (with("url", json!("https://u:c4n4ry@h/")), "url", "credentials"),
        (with("url", json!("https://{digits}.example.com/")), "url", "host"),
        (with("url", json!("https://h:{id}/")), "url", "host"),
        (with("url", json!("{from}://h/")), "url", "host"),
        (with("url", json!("https://{to}@h/")), "url", "host"),
        (with("url", json!("https://h/{secret:key}")), "url", "secret"),
        (with("url", json!("https://h/?k={env:CARGO_PKG_NAME}")), "url", "secret"),
        (with("url", json!("https://h/?k={report_url}")), "url", "secret"),
        (with("url", json!("https://h/{text}")), "url", "text belongs"),
        (with("url", json!("https://h/{nope}")), "url", "no such placeholder"),
        (with("url", json!("https://h/{id")), "url", "without its `}`"),
        (with("url", json!("https://h/id}")), "url", "without its `{`"),
        (with("method", json!("DELETE")), "method", "POST, PUT or GET"),
        (with("method", json!("post")), "method", "POST, PUT or GET"),
        (with("method", json!("GET")), "method", "no body"),
        (with("form", json!({"a": "{to}{text}"})), "form", "exclude"),
        (with("json", json!({"to": "{to}"})), "json", "{text}"),
        (with("json", json!({"text": "{text}"})), "json", "{to}"),
        (with("json", json!("{to} {text}")), "json", "object or a list"),
        (with("json", Value::Null), "url", "{to}"),
        (with("json", json!({"to": "{to}", "text": "{text}", "a": ["{to", 1]})), "json/a/0", "without its"),
        (with("json", json!({"to": "{to}", "text": "{text}", "a": {"b": "{Text}"}})), "json/a/b", "no such"),
        (with("json", json!({"{to}": "{to}", "text": "{text}"})), "json/{to}", "placeholder in a name"),
        (with("json", json!({"to": "{to}", "text": "{text} {from}"})), "from", "missing"),
        (with("json", json!({"to": "{to}", "text": "{text}", "r": "{report_url}"})), "json/r", "reports"),
        (form(json!({"to": "{to}", "text": "{text }"})), "form.text", "no such placeholder"),
        (form(json!({"to": "{digits}", "{text}": "{text}"})), "form.{text}", "placeholder in a name"),
        (form(json!({"to": "{digits}"})), "form", "{text}"),
        (form(json!({"to": ["{digits}"]})), "form", "wrong type"),
        (form(json!({"to": "{to}", "text": "{text}", "k": "{secret:other}"})), "form.k", "not given"),
        (form(json!({"to": "{to}", "text": "{text}", "k": "{env:NO_SUCH_VARIABLE}"})), "form.k", "not given"),
        (with("headers", json!({"A b": "x"})), "headers.A b", "no name"),
        (with("headers", json!({"": "x"})), "headers.", "no name"),
        (with("headers", json!({"X\r\nY": "x"})), "headers.X\r\nY", "no name"),
        (with("headers", json!({"X": "a\r\nY: b"})), "headers.x", "cannot be"),
        (with("headers", json!({"X": "{text}"})), "headers.X", "text belongs"),
        (with("headers", json!({"Host": "x"})), "headers.Host", "not the description's"),
        (with("headers", json!({"content-length": "0"})), "headers.content-length", "not the description's"),
        (with("headers", json!({"Transfer-Encoding": "x"})), "headers.Transfer-Encoding", "not the"),
        (with("headers", json!({"X-A": "1", "x-a": "2"})), "headers.x-a", "twice"),
        (with("headers", json!({"X": 1})), "headers", "wrong type"),
        (with("from", json!("")), "from", "printable"),
        (with("from", json!("a\r\nb")), "from", "printable"),
        (with("from", json!("ä")), "from", "printable"),
        (with("success", json!([])), "success", "no object"),
        (with("success", json!({"status": [404]})), "success.status", "200 to 299"),
        (with("success", json!({"status": "200"})), "success.status", "wrong type"),
        (with("success", json!({"pointer": "/a"})), "success.pointer", "belong together"),
        (with("success", json!({"equals": 1})), "success.pointer", "belong together"),
        (with("success", json!({"refused": [1]})), "success.pointer", "belong together"),
        (with("success", json!({"pointer": "a", "equals": 1})), "success.pointer", "begins with"),
        (with("success", json!({"pointer": "/a", "equals": 1, "refused": [1]})), "success.refused", "same"),
        (with("success", json!({"stauts": [200]})), "success.stauts", "no such field"),
        (with("set_up_status", json!([200])), "set_up_status", "only 400 to 499"),
        (with("set_up_status", json!([403, 409])), "set_up_status", "without 408, 409"),
        (with("set_up_status", json!([500])), "set_up_status", "only 400 to 499"),
        (with("set_up_status", json!(403)), "set_up_status", "wrong type"),
        (with("reference", json!("id")), "reference", "begins with"),
        (with("idempotency_header", json!("a b")), "idempotency_header", "no name"),
        (with("idempotency_header", json!("Host")), "idempotency_header", "not the description's"),
        (with("idempotency_header", json!("authorization")), "idempotency_header", "among the headers"),
        (with("reports", json!({"state": "query:s"})), "reports.delivered", "arrived"),
        (with("reports", json!({"state": "s", "delivered": ["d"]})), "reports.state", "query:NAME"),
        (with("reports", json!({"state": "json:s", "delivered": ["d"]})), "reports.state", "query:NAME"),
        (
            with("reports", json!({"state": "query:s", "delivered": ["d"], "undelivered": ["d"]})),
            "reports",
            "two things",
        ),
        (with("hedaers", json!({})), "hedaers", "no such field"),
    ];
    for (description, field, fault) in cases {
        let error = built(&description, SmsHttpOptions::new()).expect_err(&description.to_string());
        let SetupError::Description { field: named, fault: told } = &error else {
            panic!("{description}: {error}");
        };
        assert_eq!(named, field, "{description}: {error}");
        assert!(told.contains(fault), "{description}: {error}");
        assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error}");
    }
    for text in ["", "[", "[]", "7", "\"c4n4ry\""] {
        let error = Gateway::from_json(text).unwrap_err();
        assert!(matches!(&error, SetupError::Description { field, .. } if field == "description"), "{error}");
    }
}

#[test]
fn the_same_is_refused_from_toml() {
    let error = toml::from_str::<Gateway>("url = 'https://h/'\nfomr = { a = 'c4n4ry' }").unwrap_err();
    assert!(error.message().contains("`fomr`: there is no such field"), "{error}");
}

#[test]
fn a_secret_that_would_break_out_is_refused() {
    for secret in ["", "a\r\nX: y", "\0"] {
        let gateway = Gateway::from_json(&good().to_string()).unwrap().secret("key", secret.into());
        let error = SmsHttp::gateway(gateway, SmsHttpOptions::new()).unwrap_err();
        assert!(matches!(&error, SetupError::Description { field, .. } if field == "headers.Authorization"));
    }
}

#[test]
fn plain_http_needs_to_be_asked_for_by_name() {
    let clear = with("url", json!("http://sms.example.com/"));
    built(&clear, SmsHttpOptions::new().allow_plain_http()).unwrap();
    let callback = Callback::new("http://app.example.com/sms", "gateway", "0123456789abcdef".into()).unwrap();
    let error = built(&good(), SmsHttpOptions::new().reports(callback.clone())).unwrap_err();
    assert_eq!(error, SetupError::PlainHttp);
    built(&good(), SmsHttpOptions::new().reports(callback).allow_plain_http()).unwrap();
}

#[test]
fn credentials_and_senders_that_cannot_be_sent_are_refused() {
    let twilio = |account: &str, token: &str, from: &str| {
        SmsHttp::twilio(account, token.to_owned().into(), from, SmsHttpOptions::new()).unwrap_err()
    };
    for account in ["", "AC/../x", "AC?x", "AC x", "AC\r\n", "ACä"] {
        assert_eq!(twilio(account, TOKEN, "x"), SetupError::Credentials, "{account}");
    }
    for token in ["", "a\nb", "\u{7f}"] {
        assert_eq!(twilio("AC1", token, "x"), SetupError::Credentials, "{token}");
    }
    let long = "x".repeat(65);
    for from in ["", " x", "a\r\nb", "ä", &long] {
        assert_eq!(twilio("AC1", TOKEN, from), SetupError::From, "{from}");
        let kannel = SmsHttp::kannel("https://h", "u", TOKEN.into(), from, SmsHttpOptions::new());
        assert_eq!(kannel.unwrap_err(), SetupError::From, "{from}");
    }
    for (user, password) in
        [("", "p"), ("u", ""), ("u\r\nX: y", "p"), ("u", "p\r\nX: y"), ("ü", "p"), ("u", "p q")]
    {
        let kannel =
            SmsHttp::kannel("https://h", user, password.to_owned().into(), "x", SmsHttpOptions::new());
        assert_eq!(kannel.unwrap_err(), SetupError::Credentials, "{user} {password}");
    }
    let kannel = SmsHttp::kannel("https://h/?password=x", "u", TOKEN.into(), "x", SmsHttpOptions::new());
    assert_eq!(kannel.unwrap_err(), SetupError::Url);
}

#[test]
fn options_out_of_their_range_are_refused() {
    use std::time::Duration;
    let millis = Duration::from_millis;
    let options = SmsHttpOptions::new;
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (options, expected) in [
        (options().timeout(millis(49)), SetupError::Timeout),
        (options().timeout(millis(600_001)), SetupError::Timeout),
        (options().connect_timeout(millis(9)), SetupError::ConnectTimeout),
        (options().timeout(millis(500)).connect_timeout(millis(500)), SetupError::ConnectTimeout),
        (options().root_certificates(junk), SetupError::Certificate),
        (options().root_certificates([0; 9]), SetupError::Certificate),
        (options().root_certificates("-----BEGIN NOTHING-----"), SetupError::Certificate),
    ] {
        assert_eq!(built(&good(), options).unwrap_err(), expected);
    }
    // The time to connect follows the shortest send.
    built(&good(), options().timeout(millis(50))).unwrap();
}

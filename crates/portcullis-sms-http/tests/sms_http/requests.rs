//! What each shape asks: whole texts, and nothing secret where it would be logged.

use crate::support::server::{Act, Request, Server};
use crate::support::{ACCOUNT, KEY, PASSWORD, SECRET, SHAPES, Shape, TOKEN, options, sms};
use portcullis::port::message::SmsSender as _;
use portcullis_sms_http::{Gateway, SmsHttp};

const ID: &str = "018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9";

const TEXTS: [&str; 12] = [
    "Your code is 924417",
    "Код входа: 924417 — 登录 😀",
    "Grüße [10 €] ~^{}\\|",
    "a&b=c;d+e%20f#g?h",
    "line\r\nX-Kannel-To: +999\r\n\r\nbody",
    "{to}{text}{secret:key}{{}}",
    "\"quoted\" 'single' \\ back",
    "\u{202e}bidi\u{0}nul\t",
    " surrounded by blanks ",
    "%d %p &#37; %00",
    "&To=%2B999",
    ".",
];

async fn asked(shape: Shape, text: &str) -> Request {
    let server = Server::start(Act::Say(shape.good().to_owned())).await;
    shape.sender(&server.url(), options()).send(&sms(text)).await.unwrap();
    server.seen().requests.remove(0)
}

fn form(body: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn report_url() -> String {
    format!("http://gateway:{SECRET}@127.0.0.1:9/sms/{ID}")
}

#[tokio::test]
async fn every_text_arrives_as_it_is() {
    for text in TEXTS {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = asked(Shape::Twilio, text).await;
        let expected = [
            pair("To", "+37120000045"),
            pair("From", "+15005550006"),
            pair("Body", text),
            pair("StatusCallback", &report_url()),
        ];
        assert_eq!(form(&request.body), expected);

        let request = asked(Shape::Kannel, text).await;
        assert_eq!(request.body, text);
        assert_eq!(request.header("x-kannel-to"), Some("+37120000045"));

        let request = asked(Shape::Gateway, text).await;
        let expected = serde_json::json!({
            "from": "Example", "to": "37120000045", "text": text, "report": report_url(),
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&request.body).unwrap(), expected);
    }
}

#[tokio::test]
async fn requests_are_what_each_gateway_reads() {
    let twilio = asked(Shape::Twilio, "x").await;
    assert!(
        twilio.head.starts_with(&format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1\r\n"))
    );
    let pair = data_encoding::BASE64.encode(format!("{ACCOUNT}:{TOKEN}").as_bytes());
    assert_eq!(twilio.header("authorization"), Some(format!("Basic {pair}").as_str()));

    let kannel = asked(Shape::Kannel, "x").await;
    assert!(kannel.head.starts_with("POST /cgi-bin/sendsms HTTP/1.1\r\n"));
    for (name, value) in [
        ("x-kannel-username", "app"),
        ("x-kannel-password", PASSWORD),
        ("x-kannel-from", "Example"),
        ("x-kannel-coding", "0"),
        ("x-kannel-dlr-mask", "31"),
        ("x-kannel-dlr-url", &format!("{}?state=%d", report_url())),
        ("content-type", "text/plain; charset=UTF-8"),
    ] {
        assert_eq!(kannel.header(name), Some(value), "{name}");
    }
    assert_eq!(asked(Shape::Kannel, "ы").await.header("x-kannel-coding"), Some("2"));

    let gateway = asked(Shape::Gateway, "x").await;
    assert!(gateway.head.starts_with(&format!("POST /v1/messages?ref={ID} HTTP/1.1\r\n")));
    assert_eq!(gateway.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
}

#[tokio::test]
async fn no_secret_and_no_text_is_in_a_request_line() {
    for shape in SHAPES {
        let request = asked(shape, "Your code is 924417").await;
        let line = request.head.lines().next().unwrap();
        for secret in ["c4n4ry", "924417", "20000045", "@"] {
            assert!(!line.contains(secret), "{shape:?}: {line}");
        }
    }
}

#[tokio::test]
async fn without_a_callback_no_report_is_asked_for() {
    for shape in [Shape::Twilio, Shape::Kannel] {
        let server = Server::start(Act::Say(shape.good().to_owned())).await;
        let options = portcullis_sms_http::SmsHttpOptions::new();
        shape.sender(&server.url(), options).send(&sms("x")).await.unwrap();
        let request = server.seen().requests.remove(0);
        assert!(!format!("{} {}", request.head, request.body).to_lowercase().contains("callback"));
        assert_eq!(request.header("x-kannel-dlr-url"), None);
    }
}

#[tokio::test]
async fn a_messaging_service_is_named_as_one() {
    let server = Server::start(Act::Say(Shape::Twilio.good().to_owned())).await;
    let service = format!("MG{}", "a".repeat(32));
    let sender = SmsHttp::twilio_at(&server.url(), ACCOUNT, TOKEN.into(), &service, options()).unwrap();
    sender.send(&sms("x")).await.unwrap();
    let fields = form(&server.seen().requests.remove(0).body);
    assert!(fields.contains(&("MessagingServiceSid".to_owned(), service)));
    assert!(!fields.iter().any(|(name, _)| name == "From"));
}

#[tokio::test]
async fn a_query_holds_what_a_description_puts_there_and_no_more() {
    let server = Server::start(Act::Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned())).await;
    for text in TEXTS {
        let description = serde_json::json!({
            "method": "GET",
            "url": format!("{}/send/{{id}}?to={{to}}&text={{text}}&fixed=1", server.url()),
            "headers": {"X-Key": "{secret:key}", "X-Name": "{env:CARGO_PKG_NAME} {{x}}"},
        });
        let gateway = Gateway::from_json(&description.to_string()).unwrap().secret("key", KEY.into());
        SmsHttp::gateway(gateway, options()).unwrap().send(&sms(text)).await.unwrap();
        let request = server.seen().requests.pop().unwrap();
        let target = request.head.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(path, format!("/send/{ID}"));
        let expected = [("to", "+37120000045"), ("text", text), ("fixed", "1")];
        assert_eq!(form(query), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.header("x-key"), Some(KEY));
        assert_eq!(request.header("x-name"), Some("portcullis-sms-http {x}"));
        assert_eq!(request.header("content-type"), None);
    }
}

#[tokio::test]
async fn a_form_is_filled_field_by_field() {
    let server = Server::start(Act::Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned())).await;
    for text in TEXTS {
        let description = serde_json::json!({
            "method": "PUT",
            "url": server.url(),
            "form": {"a": "<{text}>", "b": "{digits}/{id}", "c": "{secret:key}"},
        });
        let gateway = Gateway::from_json(&description.to_string()).unwrap().secret("key", KEY.into());
        SmsHttp::gateway(gateway, options()).unwrap().send(&sms(text)).await.unwrap();
        let request = server.seen().requests.pop().unwrap();
        let expected =
            [("a", format!("<{text}>")), ("b", format!("37120000045/{ID}")), ("c", KEY.to_owned())];
        assert_eq!(form(&request.body), expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    }
}

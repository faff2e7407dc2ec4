//! Every trouble with every shape: what it is called, and that one send is at most one submission.

use std::time::Duration;

use crate::support::server::{Act, Server};
use crate::support::{Kind, PATIENCE, SHAPES, Shape, kind, options, sms};
use portcullis::port::message::{SendError, SmsSender as _};

use Kind::{Ambiguous, Misconfigured, Permanent, Throttled, Transient};

fn answer(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(format!("HTTP/1.1 {status} Scripted\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

fn status(status: u16) -> Act {
    answer(status, "", "SECRET 924417")
}

/// One send against one trouble.
async fn cell(shape: Shape, act: Act, timeout: Duration, expected: Kind) {
    let cell = format!("{shape:?} {act:.200?}");
    let server = Server::start(act).await;
    let options = options().timeout(timeout).connect_timeout(timeout / 2);
    let sender = shape.sender(&server.url(), options);
    let sms = sms("Your code is 924417");
    let send = tokio::time::timeout(PATIENCE, sender.send(&sms));
    let error = send.await.expect("a send outlived its timeout").expect_err(&cell);
    assert_eq!(kind(&error), expected, "{cell}: {error}");
    says_nothing(&error);
    let seen = server.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 1), "{cell}: one send is one submission");
}

/// The words of an error are ours, not the gateway's.
fn says_nothing(error: &SendError) {
    let text = format!("{error} {error:?}");
    for word in ["Scripted", "SECRET", "c4n4ry", "20000045", "924417", "127.0.0.1"] {
        assert!(!text.contains(word), "{text}");
    }
}

async fn row(act: Act, expected: [Kind; 3]) {
    for (shape, expected) in SHAPES.into_iter().zip(expected) {
        cell(shape, act.clone(), PATIENCE, expected).await;
    }
}

#[tokio::test]
async fn who_takes_it_over_is_believed_and_named() {
    for (shape, name) in SHAPES.into_iter().zip([Some("SM07"), None, Some("g-07")]) {
        // A gateway that would keep the connection is no reason to wait for its end.
        for act in [Act::Say(shape.good().to_owned()), Act::SayAndHang(shape.good().to_owned())] {
            let server = Server::start(act).await;
            let sender = shape.sender(&server.url(), options());
            for sends in 1..=2 {
                let receipt = sender.send(&sms("Your code is 924417")).await.unwrap();
                assert_eq!(receipt.reference.as_deref(), name, "{shape:?}");
                let seen = server.seen();
                assert_eq!((seen.connections, seen.requests.len()), (sends, sends), "{shape:?}");
            }
        }
    }
}

#[tokio::test]
async fn silence_after_the_request_is_ambiguous() {
    let moment = Duration::from_millis(500);
    for shape in SHAPES {
        let half = shape.good().split_at(shape.good().len() - 8).0.to_owned();
        for head in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Le", &half] {
            cell(shape, Act::SayAndHang(head.to_owned()), moment, Ambiguous).await;
            if !head.is_empty() {
                cell(shape, Act::Say(head.to_owned()), PATIENCE, Ambiguous).await;
            }
        }
        cell(shape, Act::Say(String::new()), PATIENCE, Ambiguous).await;
        let endless = "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_owned();
        cell(shape, Act::SayAndDrip(endless), moment, Ambiguous).await;
    }
}

#[tokio::test]
async fn a_success_that_is_not_understood_is_ambiguous() {
    for body in
        ["", "\u{fffd}\0 nonsense", "{}", "[]", "null", "\"0: \"", "{\"sid\":7,\"result\":\"queued\"}"]
    {
        for code in [200, 201, 202, 204, 299] {
            let body = if code == 204 { "" } else { body };
            row(answer(code, "", body), [Ambiguous; 3]).await;
        }
    }
    row(Act::Say("\0\0\0 no HTTP at all\r\n\r\n".to_owned()), [Ambiguous; 3]).await;
    // What would be a success under another status.
    cell(Shape::Kannel, answer(200, "", "0: Accepted for delivery"), PATIENCE, Ambiguous).await;
    cell(Shape::Twilio, answer(200, "", "{\"sid\":\"\"}"), PATIENCE, Ambiguous).await;
    for body in [
        "{\"result\":\"queued\"}",
        "{\"result\":\"queued\",\"id\":\"\"}",
        "{\"result\":\"odd\",\"id\":\"1\"}",
    ] {
        cell(Shape::Gateway, answer(200, "", body), PATIENCE, Ambiguous).await;
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_it() {
    let mebibyte = " ".repeat(1 << 20);
    for shape in SHAPES {
        let (head, body) = shape.good().split_once("\r\n\r\n").unwrap();
        let line = head.lines().next().unwrap();
        // Without a length, and with one.
        for frame in [String::new(), format!("Content-Length: {}\r\n", body.len() + mebibyte.len())] {
            let act = Act::Say(format!("{line}\r\n{frame}\r\n{body}{mebibyte}"));
            cell(shape, act, PATIENCE, Ambiguous).await;
        }
    }
    // A refusal is one by its status.
    row(answer(429, "", &mebibyte), [Throttled(0); 3]).await;
    row(Act::Say(format!("HTTP/1.1 200 OK\r\nX: {mebibyte}\r\n\r\n")), [Ambiguous; 3]).await;
}

#[tokio::test]
async fn too_many_is_for_now_and_says_when() {
    let date = "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n";
    for (headers, wait) in [
        (String::new(), 0),
        ("Retry-After: 7\r\n".to_owned(), 7),
        ("Retry-After: 999999999999999999999999\r\n".to_owned(), 86_400),
        ("Retry-After: soon\r\n".to_owned(), 0),
        (format!("{date}Retry-After: Tue, 24 Nov 2026 10:01:30 GMT\r\n"), 90),
        (format!("{date}Retry-After: Tue, 24 Nov 2020 10:01:30 GMT\r\n"), 0),
    ] {
        row(answer(429, &headers, "slow down"), [Throttled(wait); 3]).await;
    }
    row(answer(503, "Retry-After: 11\r\n", ""), [Throttled(11); 3]).await;
    row(
        Act::Say("HTTP/1.1 429 X\r\nRetry-After: 5\r\nContent-Length: 99\r\n\r\ncut".to_owned()),
        [Throttled(5); 3],
    )
    .await;
}

#[tokio::test]
async fn refusals_say_whose_fault_it_is() {
    for code in [400, 413, 422, 418] {
        row(status(code), [Permanent; 3]).await;
    }
    for code in [404, 410] {
        row(status(code), [Misconfigured, Misconfigured, Permanent]).await;
    }
    row(status(403), [Misconfigured, Misconfigured, Permanent]).await;
    for code in [401, 402, 405, 407, 415] {
        row(status(code), [Misconfigured; 3]).await;
    }
    for code in [408, 409] {
        row(status(code), [Ambiguous; 3]).await;
    }
}

#[tokio::test]
async fn a_server_that_fails_says_nothing_about_the_message() {
    for code in [500, 502, 503, 504, 507, 599] {
        row(status(code), [Ambiguous; 3]).await;
    }
    // A code of Twilio's beside a 5xx changes nothing.
    cell(Shape::Twilio, answer(500, "", "{\"code\":21211}"), PATIENCE, Ambiguous).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let canary = Server::start(Act::Say(Shape::Twilio.good().to_owned())).await;
    let target = format!("Location: {}/\r\n", canary.url());
    for (code, expected) in
        [(301, Misconfigured), (302, Ambiguous), (303, Ambiguous), (307, Misconfigured), (308, Misconfigured)]
    {
        row(answer(code, &target, ""), [expected; 3]).await;
    }
    assert_eq!(canary.seen().connections, 0);
}

#[tokio::test]
async fn twilios_numbers_go_before_its_status() {
    for (code, expected) in [
        (10001, Misconfigured),
        (20003, Misconfigured),
        (20404, Misconfigured),
        (21703, Misconfigured),
        (30002, Misconfigured),
        (20429, Throttled(9)),
        (21611, Throttled(9)),
        (63017, Throttled(9)),
        (63038, Throttled(9)),
        (21730, Transient),
        (21211, Permanent),
        (21408, Permanent),
        (21606, Permanent),
        (21610, Permanent),
        (21612, Permanent),
        (21614, Permanent),
        (21635, Permanent),
        (21659, Permanent),
    ] {
        let body = format!("{{\"code\":{code},\"message\":\"SECRET\",\"status\":400}}");
        // The status says something else each time.
        let status = if expected == Permanent { 403 } else { 400 };
        let act = answer(status, "Retry-After: 9\r\n", &body);
        cell(Shape::Twilio, act, PATIENCE, expected).await;
    }
    cell(Shape::Twilio, answer(201, "", "{\"sid\":\"SM1\",\"status\":\"failed\"}"), PATIENCE, Permanent)
        .await;
    // A number that is not known here says nothing that the status does not say.
    for (status, expected) in [(400, Permanent), (401, Misconfigured), (429, Throttled(0))] {
        cell(Shape::Twilio, answer(status, "", "{\"code\":99999}"), PATIENCE, expected).await;
    }
}

#[tokio::test]
async fn a_description_names_what_its_set_up_is_blamed_by() {
    for (named, expected) in [("[403,404]", Misconfigured), ("[404]", Permanent), ("[]", Permanent)] {
        let server = Server::start(answer(403, "", "SECRET")).await;
        let text = format!(
            "{{\"url\":\"{}/\",\"form\":{{\"a\":\"{{to}}\",\"b\":\"{{text}}\"}},\"set_up_status\":{named}}}",
            server.url()
        );
        let gateway = portcullis_sms_http::Gateway::from_json(&text).unwrap();
        let sender = portcullis_sms_http::SmsHttp::gateway(gateway, options()).unwrap();
        let error = sender.send(&sms("x")).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{named}: {error}");
        says_nothing(&error);
    }
}

#[tokio::test]
async fn what_only_the_answers_text_tells() {
    cell(Shape::Kannel, answer(403, "", "Not routable. Do not try again."), PATIENCE, Transient).await;
    cell(Shape::Kannel, answer(403, "", "Authorization failed for sendsms"), PATIENCE, Misconfigured).await;
    cell(Shape::Kannel, answer(503, "", "Temporal failure, try again later."), PATIENCE, Transient).await;
    cell(Shape::Gateway, answer(200, "", "{\"result\":\"blocked\"}"), PATIENCE, Permanent).await;
}

#[tokio::test]
async fn who_is_not_reached_got_nothing() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    for shape in SHAPES {
        let sender = shape.sender(&format!("http://127.0.0.1:{port}"), options());
        assert_eq!(kind(&sender.send(&sms("x")).await.unwrap_err()), Transient, "{shape:?}");
    }
}

#[tokio::test]
async fn a_gateway_whose_queue_is_full_got_nothing() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let moment = Duration::from_millis(200);
    while let Ok(connected) = tokio::time::timeout(moment, tokio::net::TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 100, "the queue has no end");
    }
    for shape in SHAPES {
        let options = options().connect_timeout(moment);
        let sender = shape.sender(&format!("http://{address}"), options);
        let error = sender.send(&sms("x")).await.unwrap_err();
        assert_eq!(kind(&error), Transient, "{shape:?}");
        assert!(error.to_string().contains("not reached in time"), "{error}");
    }
}

#[tokio::test]
async fn only_a_described_gateway_with_its_header_is_idempotent() {
    let server = Server::start(Act::Say(Shape::Gateway.good().to_owned())).await;
    for shape in SHAPES {
        assert!(!shape.sender(&server.url(), options()).is_idempotent(), "{shape:?}");
    }
    let text = format!(
        "{{\"url\":\"{}/\",\"form\":{{\"a\":\"{{to}}\",\"b\":\"{{text}}\"}},\"idempotency_header\":\"Idempotency-Key\"}}",
        server.url()
    );
    let gateway = portcullis_sms_http::Gateway::from_json(&text).unwrap();
    let sender = portcullis_sms_http::SmsHttp::gateway(gateway, options()).unwrap();
    assert!(sender.is_idempotent());
    for _ in 0..2 {
        sender.send(&sms("x")).await.unwrap();
    }
    let keys: Vec<_> =
        server.seen().requests.iter().map(|r| r.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, ["018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9"; 2], "the same at every try");
}

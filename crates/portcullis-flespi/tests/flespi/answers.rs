//! Answers that are late, cut, too long, or not flespi's.

use std::time::Duration;

use portcullis::port::flespi::{FlespiApi as _, FlespiError};

use crate::support::{Raw, Say, name, say, token, towards, wanted};

/// What each call makes of an answer: inspect, issue, find, revoke.
async fn each(answer: Say) -> [Option<FlespiError>; 4] {
    let server = Raw::start([answer]).await;
    let flespi = towards(&server.url()).build().unwrap();
    let (eu, by) = (name("eu"), token());
    [
        flespi.inspect(&eu, &by).await.err(),
        flespi.issue(&eu, &by, &wanted("x")).await.err(),
        flespi.find(&eu, &by, "x").await.err(),
        flespi.revoke(&eu, &by, 7).await.err(),
    ]
}

fn ambiguous(detail: &'static str) -> FlespiError {
    FlespiError::Ambiguous { detail }
}

#[tokio::test]
async fn every_status_has_its_meaning_for_every_call() {
    let unavailable = |detail| Some(FlespiError::Unavailable { detail });
    for (status, same) in [
        ("401 Unauthorized", Some(FlespiError::Unauthorized)),
        ("403 Forbidden", Some(FlespiError::Forbidden)),
        ("429 Too Many Requests", Some(FlespiError::Throttled { wait: None })),
        ("400 Bad Request", unavailable("flespi refuses the request")),
        ("407 Proxy", unavailable("flespi refuses the request")),
        ("201 Created", Some(ambiguous("flespi answers with an odd status"))),
        ("204 No Content", Some(ambiguous("flespi answers with an odd status"))),
    ] {
        let all = each(say(status, "", "{\"result\":[]}")).await;
        assert_eq!(all, [same.clone(), same.clone(), same.clone(), same], "{status}");
    }
    for (status, read) in [
        ("500 Error", "flespi has a fault of its own"),
        ("502 Bad Gateway", "flespi has a fault of its own"),
        ("503 Unavailable", "flespi has a fault of its own"),
        ("304 Not Modified", "flespi sends elsewhere, which is not followed"),
    ] {
        let changed = Some(ambiguous("flespi answers with an odd status"));
        let all = each(say(status, "", "")).await;
        assert_eq!(all, [unavailable(read), changed.clone(), unavailable(read), changed], "{status}");
    }
    let gone = each(say("404 Not Found", "", "{}")).await;
    let refused = unavailable("flespi refuses the request");
    assert_eq!(gone, [refused.clone(), refused.clone(), refused, None], "what is not there is revoked");
}

#[tokio::test]
async fn a_wait_is_passed_on_when_it_is_a_number() {
    for (header, wait) in [
        ("retry-after: 7\r\n", Some(Duration::from_secs(7))),
        ("retry-after: 86400\r\n", Some(Duration::from_secs(86_400))),
        ("retry-after: soon\r\n", None),
        ("retry-after: -1\r\n", None),
        ("", None),
    ] {
        let throttled = Some(FlespiError::Throttled { wait });
        assert_eq!(each(say("429 Slow", header, "")).await[1], throttled, "{header}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_confirms_nothing() {
    for (body, detail) in [
        ("", "the answer is no json"),
        ("<html>log in here</html>", "the answer is no json"),
        ("{\"result\":[", "the answer is no json"),
        ("[]", "the answer is no object"),
        ("{}", "the answer has no result"),
        ("{\"result\":true}", "the answer has no result"),
        ("{\"errors\":[{\"code\":1,\"reason\":\"x\"}]}", "flespi reports an error beside its answer"),
    ] {
        let all = each(say("200 OK", "", body)).await;
        assert_eq!(all, [1, 2, 3, 4].map(|_| Some(ambiguous(detail))), "{body}");
    }
    let empty = each(say("200 OK", "", "{\"result\":[]}")).await;
    let nothing = Some(ambiguous("the result is empty"));
    assert_eq!(empty, [nothing.clone(), nothing, None, None]);
    let odd = each(say("200 OK", "", "{\"result\":[{\"access\":0}]}")).await;
    assert_eq!(odd[0], Some(ambiguous("the result names no token")));
    assert_eq!(odd[1], Some(ambiguous("the token has no number")));
    let beside = "{\"result\":[{\"access\":{\"type\":1},\"expire\":4000000000}],\"errors\":[{\"code\":1}]}";
    let beside = each(say("200 OK", "", beside)).await;
    assert_eq!(beside[0], Some(ambiguous("flespi reports an error beside its answer")));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_on() {
    let most = portcullis_flespi::FlespiBuilder::LONGEST_ANSWER;
    let padded = |length: usize| {
        let body = "{\"result\":[{\"access\":{\"type\":1}}]}";
        say("200 OK", "", &format!("{body}{}", " ".repeat(length - body.len())))
    };
    assert_eq!(each(padded(most)).await[0], None);
    assert_eq!(each(padded(most + 1)).await[0], Some(ambiguous("the answer is too long")));
    let endless = each(Say::Endless("{\"result\":[{\"access\":{\"type\":1}}]}")).await;
    assert_eq!(endless, [1, 2, 3, 4].map(|_| Some(ambiguous("the answer is too long"))));
}

#[tokio::test]
async fn a_line_that_breaks_leaves_open_what_was_done() {
    for cut in [
        Say::Cut,
        Say::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Say::Bytes(b"nonsense\r\n\r\n".to_vec()),
        Say::Bytes([b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat()),
    ] {
        assert_eq!(each(cut).await, [1, 2, 3, 4].map(|_| Some(ambiguous("the connection broke"))));
    }
    let half = Say::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"result\":[".to_vec());
    assert_eq!(each(half).await, [1, 2, 3, 4].map(|_| Some(ambiguous("the answer was cut off"))));
}

#[tokio::test]
async fn time_runs_out_as_ambiguous_once_something_was_sent() {
    let server = Raw::start([Say::Hold]).await;
    let short = Duration::from_millis(100);
    let flespi = towards(&server.url()).timeout(short).connect_timeout(short).build().unwrap();
    let (eu, by) = (name("eu"), token());
    assert_eq!(flespi.issue(&eu, &by, &wanted("x")).await.err(), Some(ambiguous("the time ran out")));
    assert_eq!(flespi.inspect(&eu, &by).await.err(), Some(ambiguous("the time ran out")));
    assert_eq!(server.requests().len(), 2, "time that has run out is not begun again");
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_nothing_was_done() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let flespi = towards(&url).build().unwrap();
    let nobody = Some(FlespiError::Unavailable { detail: "there is no connection" });
    assert_eq!(flespi.issue(&name("eu"), &token(), &wanted("x")).await.err(), nobody);
    assert_eq!(flespi.inspect(&name("eu"), &token()).await.err(), nobody);
}

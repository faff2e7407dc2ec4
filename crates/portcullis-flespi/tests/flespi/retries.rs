//! What is asked again, and what is sent once.

use std::sync::Arc;
use std::time::Duration;

use portcullis::port::flespi::{FlespiApi as _, FlespiError};

use crate::support::{Pauses, Raw, Say, name, say, token, towards, wanted};

const GOOD: &str = "{\"result\":[{\"id\":7,\"access\":{\"type\":1}}]}";

fn seconds(seconds: &[u64]) -> Vec<Duration> {
    seconds.iter().map(|seconds| Duration::from_secs(*seconds)).collect()
}

#[tokio::test]
async fn a_read_is_asked_again_after_one_and_two_seconds() {
    for trouble in [say("502 Bad Gateway", "", ""), say("429 Slow", "", ""), Say::Cut] {
        let server = Raw::start([trouble.clone(), trouble, say("200 OK", "", GOOD)]).await;
        let pauses = Arc::new(Pauses::default());
        let flespi = towards(&server.url()).pause(Arc::clone(&pauses) as _).build().unwrap();
        assert_eq!(flespi.inspect(&name("eu"), &token()).await.unwrap().id, Some(7));
        assert_eq!(*pauses.0.lock().unwrap(), seconds(&[1, 2]));
        assert_eq!((server.requests().len(), server.connections()), (3, 3));
    }
}

#[tokio::test]
async fn three_tries_are_all() {
    let server = Raw::start([say("503 Unavailable", "", "")]).await;
    let flespi = towards(&server.url()).build().unwrap();
    let error = flespi.find(&name("eu"), &token(), "x").await.unwrap_err();
    assert_eq!(error, FlespiError::Unavailable { detail: "flespi has a fault of its own" });
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_wait_that_was_asked_for_is_kept_within_the_time() {
    let slow = |wait: &str| say("429 Slow", &format!("retry-after: {wait}\r\n"), "");
    let server = Raw::start([slow("7"), say("200 OK", "", GOOD)]).await;
    let pauses = Arc::new(Pauses::default());
    let flespi = towards(&server.url()).pause(Arc::clone(&pauses) as _).build().unwrap();
    flespi.inspect(&name("eu"), &token()).await.unwrap();
    assert_eq!(*pauses.0.lock().unwrap(), seconds(&[7]));

    let server = Raw::start([slow("3600")]).await;
    let flespi = towards(&server.url()).build().unwrap();
    let wait = Some(Duration::from_secs(3600));
    assert_eq!(flespi.inspect(&name("eu"), &token()).await, Err(FlespiError::Throttled { wait }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_changes_something_is_sent_once_whatever_happens() {
    for trouble in [
        say("429 Slow", "", ""),
        say("500 Error", "", ""),
        say("503 Unavailable", "retry-after: 0\r\n", ""),
        say("200 OK", "", "nonsense"),
        Say::Cut,
    ] {
        let server = Raw::start([trouble.clone()]).await;
        let flespi = towards(&server.url()).build().unwrap();
        flespi.issue(&name("eu"), &token(), &wanted("x")).await.unwrap_err();
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{trouble:?}");
        flespi.revoke(&name("eu"), &token(), 7).await.unwrap_err();
        assert_eq!((server.requests().len(), server.connections()), (2, 2), "{trouble:?}");
    }
}

#[tokio::test]
async fn what_will_not_change_is_asked_once() {
    for refusal in ["400 Bad", "401 Unauthorized", "403 Forbidden", "404 Not Found", "302 Found"] {
        let server = Raw::start([say(refusal, "", "")]).await;
        let flespi = towards(&server.url()).build().unwrap();
        flespi.inspect(&name("eu"), &token()).await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn a_request_says_what_flespi_wants_to_hear() {
    let server = Raw::start([say("401 Unauthorized", "", "")]).await;
    let flespi = towards(&server.url()).app("fleet.example.com").build().unwrap();
    flespi.inspect(&name("eu"), &token()).await.unwrap_err();
    flespi.issue(&name("eu"), &token(), &wanted("op \"7\"")).await.unwrap_err();
    flespi.find(&name("eu"), &token(), "op").await.unwrap_err();
    flespi.revoke(&name("eu"), &token(), 7).await.unwrap_err();
    let requests = server.requests();
    let lines: Vec<_> = requests.iter().map(|request| request.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "GET /auth/info HTTP/1.1",
            "POST /platform/tokens?fields=id,key,info,expire,ttl,created,accessed,access HTTP/1.1",
            "GET /platform/tokens/all?fields=id,info HTTP/1.1",
            "DELETE /platform/tokens/7 HTTP/1.1",
        ]
    );
    for request in &requests {
        assert!(request.contains("\r\nx-flespi-app: fleet.example.com\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nauthorization: FlespiToken {}\r\n", token().expose())));
        assert!(request.contains("\r\naccept: application/json\r\n"));
    }
    let body = requests[1].split_once("\r\n\r\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected =
        serde_json::json!([{"info": "op \"7\"", "expire": 4_000_000_000_i64, "access": {"type": 1}}]);
    assert_eq!(body, expected);
}

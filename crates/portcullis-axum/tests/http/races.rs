//! Many clients at once, each with its own connection: the promises hold as answers of HTTP.

use axum::body::Body;
use axum::http::{Request, header};
use chrono::TimeDelta;
use portcullis_axum::PeerAddress;
use serde_json::{Value, json};

use crate::client::{ALICE, MOUNT, Reply, Site, exchange};

const MANY: usize = 64;

/// Sends one request from each of many addresses at the same moment.
async fn at_once(site: &Site, path: &str, bodies: impl Fn(usize) -> Value) -> Vec<Reply> {
    let mut tasks = tokio::task::JoinSet::new();
    for nth in 0..MANY {
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("{MOUNT}{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(bodies(nth).to_string()))
            .unwrap();
        let last = u8::try_from(nth).unwrap();
        request.extensions_mut().insert(PeerAddress::from(std::net::IpAddr::from([198, 51, 100, last])));
        tasks.spawn(exchange(site.app.clone(), request));
    }
    tasks.join_all().await
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status.as_u16() == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_is_worth_one_cookie() {
    for _ in 0..5 {
        let (mut site, _) = Site::with_two_factor().await;
        let challenge = site.ask_code().await;
        let code = site.code(ALICE).await;
        let body = json!({"challenge": challenge, "code": code});
        let replies = at_once(&site, "/sign-in/code", |_| body.clone()).await;
        assert_eq!((count(&replies, 200), count(&replies, 410)), (1, MANY - 1), "{replies:?}");
        let cookies = replies.iter().filter(|reply| reply.headers.contains_key(header::SET_COOKIE)).count();
        assert_eq!(cookies, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_wrong_codes_are_judged_and_the_right_one_is_locked_out() {
    for _ in 0..5 {
        let (mut site, _) = Site::with_two_factor().await;
        let challenge = site.ask_code().await;
        let wrong = site.wrong_code(ALICE).await;
        let body = json!({"challenge": challenge, "code": wrong});
        let replies = at_once(&site, "/sign-in/code", |_| body.clone()).await;
        assert_eq!((count(&replies, 401), count(&replies, 429)), (5, MANY - 5));
        let mut left: Vec<_> = replies
            .iter()
            .filter(|reply| reply.status.as_u16() == 401)
            .map(|reply| reply.json()["attempts_left"].as_u64().unwrap())
            .collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4], "each guess has its own place");
        let code = site.code(ALICE).await;
        site.post("/sign-in/code", json!({"challenge": challenge, "code": code}))
            .await
            .refused(429, "locked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_resends_goes_out() {
    let (mut site, _) = Site::with_two_factor().await;
    let challenge = site.ask_code().await;
    site.world.run_worker().await.unwrap();
    site.world.advance(TimeDelta::minutes(1));
    let before = site.world.mailbox.to(ALICE).len();
    let body = json!({"challenge": challenge});
    let replies = at_once(&site, "/sign-in/resend", |_| body.clone()).await;
    assert_eq!((count(&replies, 200), count(&replies, 429)), (1, MANY - 1));
    site.world.run_worker().await.unwrap();
    assert_eq!(site.world.mailbox.to(ALICE).len(), before + 1);
}

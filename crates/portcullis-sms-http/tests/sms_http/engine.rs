//! The core over this sender and a gateway with a trouble: how often it submits.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::Portcullis;
use portcullis::challenge::PendingCode;
use portcullis::contact::Phone;
use portcullis::id::SessionId;
use portcullis::keyring::Keyring;
use portcullis::password::argon2::HashPool;
use portcullis::port::message::SmsSender;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::world::{PUBLIC_URL, source};
use portcullis::user::User;
use portcullis_sms_http::{Gateway, SmsHttp};

use crate::support::server::{Act, Server};
use crate::support::{Shape, options};

/// A world whose SMS go through a sender of ours, and a user who is signed in.
pub(crate) struct Scene {
    pub(crate) w: World,
    pub(crate) alice: User,
    pub(crate) session: SessionId,
}

impl Scene {
    pub(crate) async fn new(sender: impl SmsSender) -> Self {
        let mut w = World::new();
        // Another process on the same store, with the keys that every world has.
        let keyring = Keyring::generate(&SeededRandom::new(0), w.now()).unwrap();
        w.security = Portcullis::builder_on(Arc::clone(&w.store))
            .keyring(keyring)
            .mail(w.mailbox.clone())
            .sms(sender)
            .hasher(Arc::new(HashPool::with_cheap_cost_for_tests().unwrap()))
            .clock(Arc::clone(&w.clock) as _)
            .random(Arc::new(SeededRandom::new(2)))
            .public_url(PUBLIC_URL)
            .build()
            .unwrap();
        let account = w.account_with_sms("demo").await.unwrap();
        let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
        let session = w.sign_in(&alice).await.unwrap().id;
        Self { w, alice, session }
    }

    pub(crate) async fn ask(&self, number: &str) -> PendingCode {
        let phone = Phone::parse(number).unwrap();
        self.w.security.two_factor().ask_sms(self.session, Some(&phone), &source()).await.unwrap()
    }

    /// Lets the worker work every few seconds for an hour.
    async fn hour(&self) {
        for _ in 0..360 {
            self.w.run_worker().await.unwrap();
            self.w.advance(TimeDelta::seconds(10));
        }
    }
}

fn lost() -> Act {
    Act::Say(String::new())
}

#[tokio::test]
async fn an_answer_that_is_lost_is_one_submission() {
    let moment = Duration::from_millis(500);
    for shape in [Shape::Twilio, Shape::Kannel, Shape::Gateway] {
        for act in [lost(), Act::SayAndHang(String::new()), Act::Say("HTTP/1.1 500 x\r\n\r\n".to_owned())] {
            let server = Server::start(act).await;
            let scene = Scene::new(
                shape.sender(&server.url(), options().timeout(moment).connect_timeout(moment / 2)),
            )
            .await;
            scene.ask("+37120000045").await;
            assert_eq!(scene.w.run_worker().await.unwrap().maybe_sent, 1, "{shape:?}");
            scene.hour().await;
            assert_eq!(server.seen().requests.len(), 1, "{shape:?}: it is not sent again by itself");
        }
    }
}

#[tokio::test]
async fn a_gateway_that_knows_the_message_again_is_asked_again() {
    let server = Server::start(lost()).await;
    let text = serde_json::json!({
        "url": server.url(),
        "form": {"to": "{to}", "text": "{text}"},
        "idempotency_header": "Idempotency-Key",
    });
    let gateway = Gateway::from_json(&text.to_string()).unwrap();
    let scene = Scene::new(SmsHttp::gateway(gateway, options()).unwrap()).await;
    scene.ask("+37120000045").await;
    scene.hour().await;
    let requests = server.seen().requests;
    assert!((2..=20).contains(&requests.len()), "{} requests", requests.len());
    let mut keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    keys.dedup();
    assert!(keys.len() == 1 && keys[0].is_some(), "{keys:?}");
}

#[tokio::test]
async fn who_says_when_to_come_again_is_not_asked_sooner() {
    for shape in [Shape::Twilio, Shape::Kannel, Shape::Gateway] {
        let busy = "HTTP/1.1 429 x\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n".to_owned();
        let server = Server::start(Act::Say(busy)).await;
        let scene = Scene::new(shape.sender(&server.url(), options())).await;
        scene.ask("+37120000045").await;
        for (seconds, requests) in [(0, 1), (119, 1), (1, 2)] {
            scene.w.advance(TimeDelta::seconds(seconds));
            scene.w.run_worker().await.unwrap();
            assert_eq!(server.seen().requests.len(), requests, "{shape:?} after {seconds} s");
        }
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_submitted_once() {
    for shape in [Shape::Twilio, Shape::Kannel, Shape::Gateway] {
        let server = Server::start(Act::Say("HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n".to_owned())).await;
        let scene = Scene::new(shape.sender(&server.url(), options())).await;
        scene.ask("+37120000045").await;
        assert_eq!(scene.w.run_worker().await.unwrap().given_up, 1, "{shape:?}");
        scene.hour().await;
        assert_eq!(server.seen().requests.len(), 1, "{shape:?}");
    }
}

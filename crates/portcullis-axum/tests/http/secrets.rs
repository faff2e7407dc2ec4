//! No secret comes back in an answer or goes into a log, at the finest level.

use std::io;
use std::sync::{Arc, Mutex};

use portcullis::testing::world::PASSWORD;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::client::{ALICE, DEVICE, Reply, SESSION, Site};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_whole_story_leaves_no_secret_behind() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("the log works");

    let (mut site, _) = Site::signed_in().await;
    let mut secrets = vec![PASSWORD.to_owned(), site.session(), site.jar[DEVICE].clone()];
    let mut answers: Vec<Reply> = Vec::new();

    let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.is(202);
    let challenge = asked.json()["challenge"].clone();
    answers.push(asked);
    let code = site.code(ALICE).await;
    let wrong = site.wrong_code(ALICE).await;
    let change = |code: &str| json!({"method": "email", "challenge": challenge, "code": code});
    answers.push(site.put("/two-factor", change(&wrong)).await);
    answers.push(site.put("/two-factor", change(&code)).await.is(200));
    secrets.extend([code, wrong, site.session()]);
    answers.push(site.get("/settings").await.is(200));
    answers.push(site.get("/audit").await.is(200));
    let guess = "a guessed pass phrase";
    answers.push(site.post("/sign-in", json!({"login": "alice", "password": guess})).await);
    secrets.push(guess.to_owned());
    answers.push(site.post("/sign-in", json!({"login": "alice", "password": PASSWORD})).await.is(200));
    answers.push(site.send("POST", "/sign-out", None).await.is(204));
    answers.push(site.get("/settings").await);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the log works"));
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
        for answer in &answers {
            assert!(!answer.text.contains(secret.as_str()), "{secret} is in {}", answer.text);
        }
    }
    assert!(!log.contains(ALICE), "addresses are no part of a log");
    for answer in &answers {
        for (name, value, _) in answer.cookies() {
            assert!(
                [SESSION, DEVICE].contains(&name.as_str()) && !answer.text.contains(&value)
                    || value.is_empty()
            );
        }
    }
}

#[tokio::test]
async fn debug_of_what_a_host_holds_shows_no_key() {
    let (site, _) = Site::of_alice().await;
    let options = portcullis_axum::HttpOptions::new(crate::client::PUBLIC).unwrap();
    let security = portcullis_axum::Security::new(site.world.security.clone(), options);
    assert_eq!(format!("{security:?}").matches("Security").count(), 1);
    assert!(!format!("{security:?}").contains("key"));
}

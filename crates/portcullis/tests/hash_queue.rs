//! Codes do not wait for passwords, however many of those wait.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use portcullis::Portcullis;
use portcullis::port::hasher::{HashError, PasswordHash, PasswordHasher, Verified};
use portcullis::secret::Password;
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, attempt};

/// A pool whose threads are busy for ever.
struct Stuck;

#[async_trait]
impl PasswordHasher for Stuck {
    async fn hash(&self, _: &Password, _: [u8; 16]) -> Result<PasswordHash, HashError> {
        std::future::pending().await
    }

    async fn verify<'a>(&self, _: &Password, _: Option<&'a PasswordHash>) -> Result<Verified, HashError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_code_is_checked_while_every_hash_waits() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    w.switch_on(session.id, &alice).await.unwrap();
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let started = w.security.sign_in().start(&alice.login, &password, &attempt()).await.unwrap();
    let SignInResult::CodeRequired { code, .. } = started else { panic!("a code is asked") };
    w.run_worker().await.unwrap();
    let entered = w.code_of(&alice).await.unwrap();

    let busy = Portcullis::builder_on(Arc::clone(&w.store))
        .keyring(w.security.keyring())
        .mail(w.mailbox.clone())
        .hasher(Arc::new(Stuck))
        .clock(Arc::clone(&w.clock) as _)
        .public_url("https://fleet.example.com")
        .build()
        .unwrap();
    let sign_in = busy.sign_in();
    let attempt = attempt();
    let mut waits = pin!(sign_in.start(&alice.login, &password, &attempt));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut context).is_pending());
    let checked = sign_in.code(code.id, &entered, &attempt, None);
    let checked = tokio::time::timeout(Duration::from_secs(20), checked).await;
    assert!(matches!(checked, Ok(Ok(CodeResult::Admitted(_)))), "{checked:?}");
    assert!(matches!(waits.as_mut().poll(&mut context), Poll::Pending), "the password still waits");
}

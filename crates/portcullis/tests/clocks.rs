//! Several processes on one store, whose clocks never agree to the microsecond.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use core::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::contact::SourceAddress;
use portcullis::decision::Reason;
use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::secret::Password;
use portcullis::sign_in::Attempt;
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt};
use portcullis::user::Login;

async fn guess(world: &World, nth: u32) -> Reason {
    let login = Login::parse(&format!("nobody{nth}")).unwrap();
    let password = Password::parse("a wrong password".to_owned(), "password").unwrap();
    match world.security.sign_in().start(&login, &password, &attempt()).await {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_limit_holds_over_processes_whose_clocks_differ_by_a_moment() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (ahead, behind) = (
        World::on(Arc::clone(&store)),
        World::with(WorldOptions { store, seed: 2, ..WorldOptions::default() }),
    );
    ahead.advance(TimeDelta::milliseconds(5));
    let mut judged = 0;
    for nth in 0..40 {
        let world = if nth % 2 == 0 { &ahead } else { &behind };
        if guess(world, nth).await == Reason::BadCredentials {
            judged += 1;
        }
    }
    assert_eq!(judged, ahead.security.policy().sign_in_failures_per_source.count);
}

#[tokio::test]
async fn a_clock_that_steps_far_back_locks_nobody() {
    let world = World::new();
    world.advance(TimeDelta::days(365));
    for nth in 0..10 {
        assert_eq!(guess(&world, nth).await, Reason::BadCredentials);
    }
    assert_eq!(guess(&world, 10).await, Reason::TooManyAttempts);
    world.advance(-TimeDelta::days(365));
    assert_eq!(guess(&world, 11).await, Reason::BadCredentials);
}

#[tokio::test]
async fn wrong_passwords_of_a_clock_that_stepped_back_make_nobody_wait() {
    let world = World::new();
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", None).await.unwrap();
    let sign_in = async |password: &str, nth: u8| {
        let source = SourceAddress::from(IpAddr::from([198, 51, 100, nth]));
        let password = Password::parse(password.to_owned(), "password").unwrap();
        world.security.sign_in().start(&alice.login, &password, &Attempt::from(source)).await
    };
    world.advance(TimeDelta::days(365));
    let before_the_wait = world.security.policy().password_backoff.after - 1;
    for nth in 0..before_the_wait {
        assert!(sign_in("a wrong password", u8::try_from(nth).unwrap()).await.is_err());
    }
    world.advance(-TimeDelta::days(365));
    assert!(sign_in("a wrong password", 100).await.is_err(), "the first one of this clock");
    assert!(sign_in(PASSWORD, 101).await.is_ok(), "and no wait follows from it");
}

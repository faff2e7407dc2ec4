//! Several processes on one store, whose clocks never agree to the microsecond.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::secret::Password;
use portcullis::testing::World;
use portcullis::testing::world::{WorldOptions, attempt};
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

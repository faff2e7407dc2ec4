//! A mock where the calls themselves are the matter: which come, how often, with what.

use std::sync::Arc;

use portcullis::Portcullis;
use portcullis::keyring::Keyring;
use portcullis::memory::MemoryStore;
use portcullis::port::hasher::HashError;
use portcullis::testing::ambient::{SeededRandom, TestClock};
use portcullis::testing::block_on;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::mocks::MockPasswordHasher;
use portcullis::testing::sync::World;
use portcullis::testing::usual::{PASSWORD, source};
use unit_testing::door::{self, Answer};

#[test]
fn a_hasher_that_is_busy_is_asked_once_and_lets_nobody_in() {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().times(1).returning(|_, _| Err(HashError::Busy { retry_after: 3 }));
    let clock = Arc::new(TestClock::at(World::new().now()));
    let keys = Keyring::generate(&SeededRandom::new(1), World::new().now()).unwrap();
    let security = Portcullis::builder(MemoryStore::new())
        .keyring(keys)
        .mail(Mailbox::new())
        .hasher(Arc::new(hasher))
        .clock(clock)
        .public_url("https://fleet.example.com")
        .build()
        .unwrap();
    let answer = block_on(door::sign_in(&security, "alice", PASSWORD, source()));
    assert_eq!(answer, Answer::Later);
}

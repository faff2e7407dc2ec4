//! Notices of an account that runs out, as stories over the store in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod planted;

use std::sync::Arc;

use planted::{Fault, Planted};
use portcullis::memory::MemoryStore;
use portcullis::port::store::{Expect, Store};
use portcullis::testing::stories;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stories_of_notices_hold_in_memory() {
    stories::run_all(|| async { Arc::new(MemoryStore::new()) as Arc<dyn Store> }).await;
}

#[tokio::test]
async fn a_reader_may_leave_at_any_hour() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let starts: Vec<i32> = (0..12).collect();
    stories::journeys(&store, &starts).await;
}

/// What is wrong with a store that the story with two processes finds.
const FAULTS: [(&str, Fault); 2] = [
    ("gives two workers one message", Fault { shares_claims: true, ..Fault::NONE }),
    (
        "keeps no notice",
        Fault {
            alter: |commit| {
                commit.puts.retain(|put| !matches!(put.expect, Expect::AbsentElseSkip { .. }));
            },
            ..Fault::NONE
        },
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_with_two_processes_finds_faults_of_a_store() {
    let mut missed = Vec::new();
    for (name, fault) in FAULTS {
        let story = async move {
            let store: Arc<dyn Store> = Arc::new(Planted::new(fault));
            stories::one_mail_a_day_from_five_days_before_the_block_until_it_is_put_off(&store).await;
        };
        if !tokio::spawn(story).await.is_err_and(|failed| failed.is_panic()) {
            missed.push(name);
        }
    }
    assert_eq!(missed, Vec::<&str>::new());
}

//! What every adapter must do. Here are the stores: one function for each property of the contract in
//! [`crate::port::store`]. [`mail`], [`sms`], [`flespi`] and [`hasher`] are the suites of the other ports.
//!
//! Each function takes a store and a nonce, makes its own ids, and panics with a sentence when the store breaks the
//! property. All of them can run against one database without cleaning, as long as each run has its own nonce; the
//! same nonce gives the same ids. The functions that claim or purge work in the years 1980 to 1981, take whatever is
//! due or dead there, and must run one after the other on one database, as [`run_all`] does. They want a
//! multi-thread tokio runtime with its timer on: the races are real.
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::memory::MemoryStore;
//! use portcullis::testing::conformance;
//!
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build()?;
//! runtime.block_on(conformance::run_all(1, || async { Arc::new(MemoryStore::new()) as Arc<_> }));
//! # Ok::<(), std::io::Error>(())
//! ```

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a conformance case has one way to fail, said once in the docs of the module: it panics with a sentence"
)]

mod claiming;
mod counting;
mod dropping;
mod far;
pub mod flespi;
pub mod hasher;
mod keys;
mod kit;
pub mod mail;
mod putting;
mod racing;
mod reading;
pub mod sms;
mod trail;
mod whole;
mod windows;

use core::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::port::store::Store;

pub use self::claiming::*;
pub use self::counting::*;
pub use self::dropping::*;
pub use self::far::FarSide;
pub use self::keys::*;
pub use self::putting::*;
pub use self::racing::*;
pub use self::reading::*;
pub use self::trail::*;
pub use self::whole::*;
pub use self::windows::*;

/// One case, as it is kept in [`CASES`].
pub type Case = fn(Arc<dyn Store>, u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a case may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(180);

macro_rules! cases {
    ($($name:ident)+) => {
        /// Every case with the name of its function.
        pub const CASES: &[(&str, Case)] =
            &[$((stringify!($name), |store, nonce| Box::pin(async move { $name(&store, nonce).await }))),+];
    };
}

cases! {
    read_starts_by_id_and_by_unique_key
    read_follows_references_two_hops
    read_gives_the_counters_of_all_it_read
    read_leaves_out_ended_counters
    read_is_one_snapshot
    list_pages_in_id_order
    list_knows_unique_keys
    keys_compare_bytewise
    keys_are_replaced_on_put
    unique_key_is_held_once
    freed_key_can_be_taken
    key_moves_in_one_commit
    put_needs_its_version
    put_absent_needs_absence
    skipped_put_claims_no_key
    put_waits_for_its_counter
    delete_needs_its_version
    record_comes_back_exactly
    guard_needs_its_version
    guard_locks_until_the_commit_ends
    add_never_passes_its_limit
    below_only_looks
    give_back_only_in_its_window
    steps_are_taken_in_order
    counts_name_every_counter_stepped_on
    counters_hold_big_values
    rolling_window_opens_at_the_first_add
    cleared_counter_opens_a_new_window
    given_back_counter_stays_in_its_window
    clock_stepped_back_locks_nobody_longer
    until_ends_at_its_instant
    until_in_the_past_keeps_nothing
    no_window_counts_for_ever
    failed_commit_leaves_no_trace
    same_commit_twice_has_one_effect
    same_commit_without_a_trail_has_one_effect
    same_commit_again_gives_present_counts
    same_commit_in_parallel_has_one_effect
    parallel_adds_stop_at_the_limit
    parallel_puts_have_one_winner
    parallel_inserts_have_one_winner
    parallel_takers_of_a_key_have_one_winner
    claim_takes_what_is_due_in_its_lane
    claim_fences_older_outcomes
    parallel_claimers_never_share
    claimed_record_is_due_again_at_until
    dead_lane_is_never_claimed
    dropped_claim_is_due_again_at_until
    waiting_counts_what_is_due
    dropped_commit_is_before_or_after
    audit_gives_the_trail_of_its_subject
    audit_goes_back_from_the_newest
    purge_removes_ended_counters
    purge_removes_old_audit_events
    purge_removes_dead_records
}

/// Runs every case in turn on what `make_store` gives (new stores, or the same one again and again), and prints the
/// name of each before it runs.
///
/// A nonce must not be used twice on one database.
pub async fn run_all<F, Fut>(nonce: u64, make_store: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    for (name, case) in CASES {
        announce(name);
        let within = tokio::time::timeout(PATIENCE, case(make_store().await, nonce)).await;
        assert!(within.is_ok(), "{name} hangs: callers wait for each other in a circle");
    }
}

#[expect(clippy::print_stdout, reason = "the harness shows it beside the failure")]
fn announce(name: &str) {
    println!("conformance: {name}");
}

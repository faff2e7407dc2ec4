//! Many callers at once against a whole engine: what must hold on every store, whoever is faster.
//!
//! Each function takes a store and a nonce, makes its own accounts, users, addresses and sources, runs real tasks in
//! parallel and panics with a sentence when a promise is broken. Where it helps, every caller is made to read before
//! any of them may commit, or one commit is held until another has been answered: the worst order is not left to
//! chance. All of them can run against one database, one after the other, as long as each run has its own nonce. They
//! want a multi-thread tokio runtime with its timer on.
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::memory::MemoryStore;
//! use portcullis::testing::races;
//!
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build()?;
//! let store = Arc::new(MemoryStore::new()) as Arc<_>;
//! runtime.block_on(races::one_code_admits_once(&store, 1));
//! # Ok::<(), std::io::Error>(())
//! ```

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a race has one way to fail, said once in the docs of the module: it panics with a sentence"
)]

mod accounts;
mod addresses;
mod bootstrap;
mod changes;
mod codes;
mod ends;
mod flespi;
mod guesses;
mod keys;
mod kit;
mod links;
mod managing;
mod notices;
mod passwords;
mod rights;
mod sends;
mod sms;
mod spend;
mod stage;
mod undo;
mod workers;

use core::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::port::store::Store;

pub use self::accounts::*;
pub use self::addresses::*;
pub use self::bootstrap::*;
pub use self::changes::*;
pub use self::codes::*;
pub use self::ends::*;
pub use self::flespi::*;
pub use self::guesses::*;
pub use self::keys::*;
pub use self::links::*;
pub use self::managing::*;
pub use self::notices::*;
pub use self::passwords::*;
pub use self::rights::*;
pub use self::sends::*;
pub use self::sms::*;
pub use self::spend::*;
pub use self::undo::*;
pub use self::workers::*;

/// One race, as it is kept in [`RACES`].
pub type Race = fn(Arc<dyn Store>, u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a race may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(180);

macro_rules! races {
    ($($name:ident)+) => {
        /// Every race with the name of its function.
        pub const RACES: &[(&str, Race)] =
            &[$((stringify!($name), |store, nonce| Box::pin(async move { $name(&store, nonce).await }))),+];
    };
}

races! {
    one_of_many_bootstraps
    a_top_account_stops_the_bootstrap_under_way
    one_code_admits_once
    one_code_confirms_once
    one_code_switches_on_once
    wrong_guesses_stop_at_the_limit
    a_right_guess_among_wrong_ones
    a_right_guess_that_comes_late_is_locked
    wrong_guesses_in_a_row_end_at_a_hundred
    resends_are_spaced_and_counted
    mailed_codes_stop_at_the_budget
    sms_stop_at_every_budget
    one_sms_tells_that_a_budget_runs_out
    enrolments_submit_the_one_sms_that_is_left
    sign_ins_submit_the_one_sms_that_is_left
    resends_submit_the_one_sms_that_is_left
    wrong_passwords_from_one_source_stop_at_ten
    wrong_passwords_from_many_sources_stop_at_ten
    a_revoked_right_changes_nothing
    a_revoked_right_stops_every_act
    what_ends_stops_the_sign_in_under_way
    what_ends_stops_the_change_under_way
    payments_at_once_all_count
    a_lifted_block_ends_the_sign_in_under_way
    one_of_many_changes_the_password
    a_change_of_password_ends_the_sign_in_under_way
    a_change_of_password_ends_the_code_under_way
    ending_the_others_and_a_change_of_password_come_in_some_order
    one_of_two_gets_the_address
    a_claimed_address_stays_its_users
    one_link_undoes_once
    an_undo_beats_a_further_change
    the_older_undo_wins
    one_link_sets_one_password
    requests_at_once_mail_one_link
    a_recovery_ends_the_sign_in_under_way
    workers_share_without_sending_twice
    a_late_outcome_is_not_kept
    one_of_many_sends_a_dead_message_again
    a_message_sealed_anew_is_sent_once
    workers_mail_each_day_once
    moves_amid_a_look_double_nothing
    one_nonce_gives_one_token
    a_disconnection_beats_the_token_under_way
}

/// Runs every race in turn on what `make_store` gives (new stores, or the same one again and again), and prints the
/// name of each before it runs.
///
/// A nonce must not be used twice on one database.
pub async fn run_all<F, Fut>(nonce: u64, make_store: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    for (name, race) in RACES {
        announce(name);
        let within = tokio::time::timeout(PATIENCE, race(make_store().await, nonce)).await;
        assert!(within.is_ok(), "{name} hangs: callers wait for each other in a circle");
    }
}

#[expect(clippy::print_stdout, reason = "the harness shows it beside the failure")]
fn announce(name: &str) {
    println!("race: {name}");
}

//! The notices of an account that runs out, as stories over a whole engine: what must hold on every store, with a clock
//! that is moved.
//!
//! Each function takes an empty store, makes accounts and readers on it, lets days pass with workers that look every
//! hour, and panics with a sentence when a promise is broken. They want a tokio runtime with its timer on.
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::memory::MemoryStore;
//! use portcullis::testing::stories;
//!
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
//! runtime.block_on(stories::run_all(|| async { Arc::new(MemoryStore::new()) as Arc<_> }));
//! # Ok::<(), std::io::Error>(())
//! ```

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a story has one way to fail, said once in the docs of the module: it panics with a sentence"
)]

mod chains;
mod days;
mod downtime;
mod kit;
mod sentence;
mod shown;
mod zones;

use core::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::port::store::Store;

pub use self::chains::*;
pub use self::days::*;
pub use self::downtime::*;
pub use self::sentence::*;
pub use self::shown::*;
pub use self::zones::*;

/// One story, as it is kept in [`STORIES`].
pub type Story = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a story may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(180);

macro_rules! stories {
    ($($name:ident)+) => {
        /// Every story with the name of its function.
        pub const STORIES: &[(&str, Story)] =
            &[$((stringify!($name), |store| Box::pin(async move { $name(&store).await }))),+];
    };
}

stories! {
    one_mail_a_day_from_five_days_before_the_block_until_it_is_put_off
    notifications_arrive_daily_from_five_days_before_the_block
    after_a_prolongation_none_come_until_the_new_date_is_near
    a_date_that_comes_nearer_is_told_from_today_on
    switched_off_none_come_and_switched_on_again_they_resume
    one_that_was_stopped_on_its_way_comes_if_it_is_wanted_again_the_same_day
    a_new_address_gets_what_the_old_one_was_to_get
    an_address_that_notices_use_is_not_removed
    a_notice_is_remembered_though_messages_are_not_kept
    users_of_the_accounts_below_are_told_without_the_name_of_the_one_above
    of_two_dates_the_earlier_one_is_told
    while_a_block_lasts_none_come_and_after_it_todays_does
    each_reader_has_his_own_days_wherever_he_is
    a_reader_who_travels_gets_one_for_each_day_of_his_own
    after_a_downtime_only_todays_comes
    a_downtime_in_the_middle_loses_its_days_and_no_other
    one_that_nobody_takes_over_is_not_sent_on_the_next_day
    a_crash_between_any_two_commits_loses_no_day_and_doubles_none
    everybody_who_signs_in_is_warned_in_the_last_days
    the_tab_tells_the_date_and_the_first_mail
}

/// Runs every story in turn on what `make_store` gives, and prints the name of each before it runs.
///
/// Each story wants an empty store: the worker of one would send what another left.
pub async fn run_all<F, Fut>(make_store: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    for (name, story) in STORIES {
        play(name, *story, make_store().await).await;
    }
}

/// Runs one story of [`STORIES`] on an empty store, and prints its name before.
pub async fn play(name: &str, story: Story, on: Arc<dyn Store>) {
    announce(name);
    assert!(tokio::time::timeout(PATIENCE, story(on)).await.is_ok(), "{name} hangs");
}

#[expect(clippy::print_stdout, reason = "the harness shows it beside the failure")]
fn announce(name: &str) {
    println!("story: {name}");
}

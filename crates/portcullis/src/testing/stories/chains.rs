//! Accounts below accounts: whose date is told to whom.

use std::sync::Arc;

use super::kit::{below, counted, days, left, live_days, reader, set_days};
use crate::port::store::Store;
use crate::testing::World;

/// The date of an account is told to the users of all accounts below it, and its name to none of them.
pub async fn users_of_the_accounts_below_are_told_without_the_name_of_the_one_above(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let top = counted(&w, "dealer's own name", 8).await;
    let middle = below(&w, &top, "middle", None).await;
    let low = below(&w, &middle, "low", Some(60)).await;
    reader(&w, &top, "alice").await;
    reader(&w, &middle, "bob").await;
    reader(&w, &low, "carol").await;
    live_days(&w, 10).await;
    for login in ["alice", "bob", "carol"] {
        assert_eq!(days(&w, login), [5, 4, 3, 2, 1], "{login}");
    }
    for mail in w.mailbox.mails() {
        assert!(!format!("{}{}{}", mail.subject, mail.text, mail.html).contains("dealer"));
    }
}

/// Of an account's own date and one above it, the earlier one is told.
pub async fn of_two_dates_the_earlier_one_is_told(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let top = counted(&w, "top", 9).await;
    let low = below(&w, &top, "low", Some(7)).await;
    reader(&w, &low, "carol").await;
    live_days(&w, 2).await;
    assert_eq!(days(&w, "carol"), [5]);
    set_days(&w, &low, left(40)).await;
    live_days(&w, 12).await;
    // What is left is the other date, seven days ahead.
    assert_eq!(days(&w, "carol"), [5, 5, 4, 3, 2, 1]);
}

/// Who is blocked is not told what he can't avert; once the block is lifted, today's comes.
pub async fn while_a_block_lasts_none_come_and_after_it_todays_does(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let top = w.account("top").await.unwrap();
    let low = below(&w, &top, "low", Some(6)).await;
    reader(&w, &low, "carol").await;
    live_days(&w, 1).await;
    assert_eq!(days(&w, "carol"), [5]);
    w.security.accounts().set_blocked(top.id, true).await.unwrap();
    live_days(&w, 2).await;
    assert_eq!(days(&w, "carol"), [5]);
    w.security.accounts().set_blocked(top.id, false).await.unwrap();
    w.run_worker().await.unwrap();
    assert_eq!(days(&w, "carol"), [5, 3]);
    live_days(&w, 4).await;
    assert_eq!(days(&w, "carol"), [5, 3, 2, 1]);
}

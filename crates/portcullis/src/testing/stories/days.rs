//! One date, one reader: its five days, and what moves, stops and resumes them.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{counted, days, left, live, live_days, reader, session, set_days, switch, told};
use crate::account::DaysChange;
use crate::contact::Email;
use crate::decision::Reason;
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::{Lane, Page, Store};
use crate::testing::World;
use crate::testing::world::{WorldOptions, source};

/// Each of the last five days has its notice at nine, who did not ask for them gets none, and nothing is left to be done.
pub async fn notifications_arrive_daily_from_five_days_before_the_block(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 12).await;
    reader(&w, &account, "alice").await;
    w.user(&account, "bob", Some("bob@example.com")).await.unwrap();
    let arrivals = live(&w, 14 * 24, "alice").await;
    assert_eq!(days(&w, "alice"), [5, 4, 3, 2, 1]);
    let blocking_day = "2026-11-30".parse().unwrap();
    assert!(w.mailbox.to("alice@example.com").iter().all(|mail| told(mail).1 == blocking_day));
    let times: Vec<_> = arrivals.iter().map(|at| at.format("%d %H").to_string()).collect();
    assert_eq!(times, ["25 09", "26 09", "27 09", "28 09", "29 09"], "at nine, as the user's clocks have it");
    assert!(days(&w, "bob").is_empty(), "who did not ask for them gets none");
    let ever = w.now() + TimeDelta::days(3650);
    for lane in [Lane::Timed, Lane::Bulk] {
        let left = store.waiting(lane, ever, 10).await.unwrap();
        assert_eq!(left.count, 0, "nothing of it is left to be done");
    }
}

/// A date moved away stops what was planned; the new one has its five days.
pub async fn after_a_prolongation_none_come_until_the_new_date_is_near(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 7).await;
    reader(&w, &account, "alice").await;
    live_days(&w, 3).await;
    assert_eq!(days(&w, "alice"), [5, 4]);
    set_days(&w, &account, left(33)).await;
    live_days(&w, 27).await;
    assert_eq!(days(&w, "alice"), [5, 4], "what was planned is not sent");
    live_days(&w, 10).await;
    assert_eq!(days(&w, "alice"), [5, 4, 5, 4, 3, 2, 1]);
}

/// A date moved so near that its days have begun is told from today on, and days that are not counted block nobody.
pub async fn a_date_that_comes_nearer_is_told_from_today_on(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 60).await;
    reader(&w, &account, "alice").await;
    live_days(&w, 2).await;
    set_days(&w, &account, left(3)).await;
    live(&w, 1, "alice").await;
    assert_eq!(days(&w, "alice"), [3], "it is past nine");
    set_days(&w, &account, DaysChange::default().counting(false)).await;
    live_days(&w, 8).await;
    assert_eq!(days(&w, "alice"), [3], "days that are not counted block nobody");
    set_days(&w, &account, left(2)).await;
    live_days(&w, 3).await;
    assert_eq!(days(&w, "alice"), [3, 2, 1]);
}

/// Off is off; on again, today's comes at once, and not a second time.
pub async fn switched_off_none_come_and_switched_on_again_they_resume(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 6).await;
    let alice = reader(&w, &account, "alice").await;
    live_days(&w, 1).await;
    assert_eq!(days(&w, "alice"), [5]);
    switch(&w, &alice, false).await;
    live_days(&w, 2).await;
    assert_eq!(days(&w, "alice"), [5]);
    switch(&w, &alice, true).await;
    live(&w, 1, "alice").await;
    assert_eq!(days(&w, "alice"), [5, 3], "today's comes at once");
    for _ in 0..3 {
        switch(&w, &alice, false).await;
        w.run_worker().await.unwrap();
        switch(&w, &alice, true).await;
        w.run_worker().await.unwrap();
    }
    assert_eq!(days(&w, "alice"), [5, 3], "and not a second time");
    live_days(&w, 4).await;
    assert_eq!(days(&w, "alice"), [5, 3, 2, 1]);
}

/// Switched off between planning and sending, a notice is dropped; wanted again the same day, it comes.
pub async fn one_that_was_stopped_on_its_way_comes_if_it_is_wanted_again_the_same_day(
    store: &Arc<dyn Store>,
) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 3).await;
    let alice = reader(&w, &account, "alice").await;
    switch(&w, &alice, false).await;
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.suppressed), (0, 1), "switching on left today's to be sent");
    switch(&w, &alice, true).await;
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    assert_eq!(days(&w, "alice"), [3]);
    let trail = w.security.audit(alice.id, Page { after: None, limit: 1000 }).await.unwrap();
    let why: Vec<_> = trail
        .iter()
        .filter(|event| event.action == "message_suppressed")
        .map(|event| event.reason.clone().unwrap())
        .collect();
    assert_eq!(why, ["switched_off"]);
}

/// A notice that waits goes to the address that its user has by then.
pub async fn a_new_address_gets_what_the_old_one_was_to_get(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 7).await;
    let alice = reader(&w, &account, "alice").await;
    // Until five in the morning: the mail of that day is planned, and waits for nine.
    live(&w, 2 * 24 + 18, "alice").await;
    assert_eq!(days(&w, "alice"), [5]);
    let acting = session(&w, &alice).await;
    let pending = w.security.email().set(acting, &Email::parse("new@example.com").unwrap()).await.unwrap();
    w.run_worker().await.unwrap();
    let code = w.mailbox.last_code("new@example.com").unwrap();
    w.security.email().confirm(acting, pending.id, &code, &source()).await.unwrap();
    let notices = |to: &str| {
        let mails = w.mailbox.to(to);
        mails
            .iter()
            .filter(|mail| mail.text.contains("blocked on"))
            .map(|mail| told(mail).0)
            .collect::<Vec<_>>()
    };
    live_days(&w, 6).await;
    assert_eq!(notices("alice@example.com"), [5]);
    assert_eq!(notices("new@example.com"), [4, 3, 2, 1]);
}

/// Who gets notices keeps an address.
pub async fn an_address_that_notices_use_is_not_removed(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = w.account("demo").await.unwrap();
    let alice = reader(&w, &account, "alice").await;
    let acting = session(&w, &alice).await;
    match w.security.email().clear(acting).await {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.reason(), Reason::InUse),
        other => panic!("to be refused, not {other:?}"),
    }
    w.security.notices().set_blocking(acting, false).await.unwrap();
    assert!(w.security.email().clear(acting).await.unwrap().is_some());
}

/// Where messages are purged at once, no day has two notices all the same.
pub async fn a_notice_is_remembered_though_messages_are_not_kept(store: &Arc<dyn Store>) {
    let policy = Policy { message_kept: TimeDelta::zero(), ..Policy::default() };
    let w = World::with(WorldOptions { store: Arc::clone(store), policy, ..WorldOptions::default() });
    let account = counted(&w, "demo", 5).await;
    let alice = reader(&w, &account, "alice").await;
    live(&w, 3, "alice").await;
    switch(&w, &alice, false).await;
    switch(&w, &alice, true).await;
    live(&w, 3, "alice").await;
    assert_eq!(days(&w, "alice"), [5]);
}

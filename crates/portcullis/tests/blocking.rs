//! Notices of an account that runs out: they arrive daily, one a day, from five days before it is blocked, whatever
//! happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::{Account, DaysChange, NewAccount, TimeZone};
use portcullis::contact::Email;
use portcullis::decision::Reason;
use portcullis::id::SessionId;
use portcullis::manage::{AccountChange, UserChange};
use portcullis::memory::MemoryStore;
use portcullis::policy::Policy;
use portcullis::port::message::{Mail, SendError};
use portcullis::port::store::{Page, Store};
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::sign_in::SignInResult;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt, source};
use portcullis::testing::{Dump as _, World};
use portcullis::user::User;

/// Wednesday, 18 November 2026, six minutes and forty seconds past eleven, UTC: when every world here begins.
const HOUR: TimeDelta = TimeDelta::hours(1);

fn left(days: i32) -> DaysChange {
    DaysChange::default().left(days).counting(true)
}

async fn counted(w: &World, name: &str, days: i32) -> Account {
    let new = NewAccount::named(name).with_days(left(days));
    w.security.accounts().create(new).await.unwrap()
}

async fn below(w: &World, parent: &Account, name: &str, days: Option<i32>) -> Account {
    let mut new = NewAccount::named(name).under(parent.id).dealer();
    if let Some(days) = days {
        new = new.with_days(left(days));
    }
    w.security.accounts().create(new).await.unwrap()
}

fn address(login: &str) -> String {
    format!("{login}@example.com")
}

/// A user who wants notices.
async fn reader(w: &World, account: &Account, login: &str) -> User {
    let user = w.user(account, login, Some(&address(login))).await.unwrap();
    switch(w, &user, true).await;
    user
}

async fn session(w: &World, user: &User) -> SessionId {
    w.sign_in(user).await.unwrap().id
}

async fn switch(w: &World, user: &User, on: bool) {
    let session = session(w, user).await;
    let notices = w.security.notices().set_blocking(session, on).await.unwrap();
    assert_eq!(notices.blocking.enabled, on);
}

async fn set_days(w: &World, account: &Account, days: DaysChange) {
    let change = AccountChange::default().days(days);
    w.security.manage(Actor::Program).change_account(account.id, &change).await.unwrap();
}

async fn move_to(w: &World, user: &User, zone: &str) {
    let change = UserChange::default().time_zone(TimeZone::parse(zone).unwrap());
    w.security.manage(Actor::Program).change_user(user.id, &change).await.unwrap();
}

/// The days left and the blocking day that a notice tells.
fn told(mail: &Mail) -> (u32, NaiveDate) {
    let (_, rest) = mail.text.split_once("will be blocked on ").unwrap();
    let (day, rest) = rest.split_once(": ").unwrap();
    let (left, _) = rest.split_once(" day").unwrap();
    (left.parse().unwrap(), day.parse().unwrap())
}

/// The days left that each notice told who reads an address, in order.
fn days(w: &World, login: &str) -> Vec<u32> {
    w.mailbox.to(&address(login)).iter().map(|mail| told(mail).0).collect()
}

/// Lets so many hours pass, with a worker that looks every hour; gives when each mail to an address arrived.
async fn live(w: &World, hours: i32, login: &str) -> Vec<DateTime<Utc>> {
    let mut arrivals = Vec::new();
    for _ in 0..hours {
        w.advance(HOUR);
        let before = w.mailbox.to(&address(login)).len();
        w.run_worker().await.unwrap();
        let after = w.mailbox.to(&address(login)).len();
        arrivals.extend((before..after).map(|_| w.now()));
    }
    arrivals
}

async fn live_days(w: &World, count: i32) {
    live(w, count * 24, "nobody").await;
}

#[tokio::test]
async fn notifications_arrive_daily_from_five_days_before_the_block() {
    let store = Arc::new(MemoryStore::new());
    let w = World::on(Arc::clone(&store) as Arc<dyn Store>);
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
    let contents = store.contents().await.unwrap();
    let left: Vec<_> = contents.records.iter().map(|record| record.kind.as_str()).collect();
    assert!(!left.contains(&"notice_schedule"), "nothing of it is left to be done");
}

#[tokio::test]
async fn after_a_prolongation_none_come_until_the_new_date_is_near() {
    let w = World::new();
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

#[tokio::test]
async fn a_date_that_comes_nearer_is_told_from_today_on() {
    let w = World::new();
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

#[tokio::test]
async fn switched_off_none_come_and_switched_on_again_they_resume() {
    let w = World::new();
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

#[tokio::test]
async fn one_that_was_stopped_on_its_way_comes_if_it_is_wanted_again_the_same_day() {
    let w = World::new();
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

#[tokio::test]
async fn users_of_the_accounts_below_are_told_without_the_name_of_the_one_above() {
    let w = World::new();
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

#[tokio::test]
async fn of_two_dates_the_earlier_one_is_told() {
    let w = World::new();
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

#[tokio::test]
async fn after_a_downtime_only_todays_comes() {
    let w = World::new();
    let account = counted(&w, "demo", 10).await;
    reader(&w, &account, "alice").await;
    live_days(&w, 1).await;
    w.advance(TimeDelta::days(7));
    w.run_worker().await.unwrap();
    assert_eq!(days(&w, "alice"), [2]);
    live_days(&w, 3).await;
    assert_eq!(days(&w, "alice"), [2, 1]);
}

#[tokio::test]
async fn a_downtime_in_the_middle_loses_its_days_and_no_other() {
    let w = World::new();
    let account = counted(&w, "demo", 10).await;
    reader(&w, &account, "alice").await;
    live_days(&w, 5).await;
    assert_eq!(days(&w, "alice"), [5]);
    w.advance(TimeDelta::days(2));
    w.run_worker().await.unwrap();
    assert_eq!(days(&w, "alice"), [5, 3]);
    live_days(&w, 4).await;
    assert_eq!(days(&w, "alice"), [5, 3, 2, 1]);
}

#[tokio::test]
async fn one_that_nobody_takes_over_is_not_sent_on_the_next_day() {
    let w = World::new();
    let account = counted(&w, "demo", 5).await;
    reader(&w, &account, "alice").await;
    w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    live(&w, 20, "alice").await;
    w.mailbox.fail_with(None);
    live_days(&w, 5).await;
    assert_eq!(days(&w, "alice"), [4, 3, 2, 1]);
}

#[tokio::test]
async fn each_reader_has_his_own_days_wherever_he_is() {
    let w = World::new();
    let account = counted(&w, "demo", 8).await;
    let zones = ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns"];
    for (nth, zone) in zones.iter().enumerate() {
        let user = reader(&w, &account, &format!("user{nth}")).await;
        move_to(&w, &user, zone).await;
    }
    let mut arrivals: BTreeMap<usize, Vec<DateTime<Utc>>> = BTreeMap::new();
    for _ in 0..10 * 24 {
        w.advance(HOUR);
        let before: Vec<_> = (0..4).map(|nth| days(&w, &format!("user{nth}")).len()).collect();
        w.run_worker().await.unwrap();
        for (nth, before) in before.into_iter().enumerate() {
            if days(&w, &format!("user{nth}")).len() > before {
                arrivals.entry(nth).or_default().push(w.now());
            }
        }
    }
    for (nth, zone) in zones.iter().enumerate() {
        assert_eq!(days(&w, &format!("user{nth}")), [5, 4, 3, 2, 1], "{zone}");
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        let hours: BTreeSet<_> =
            arrivals[&nth].iter().map(|at| at.with_timezone(&zone).format("%H").to_string()).collect();
        assert_eq!(hours, ["09".to_owned()].into(), "{zone}");
    }
}

#[tokio::test]
async fn a_reader_who_travels_gets_one_for_each_day_of_his_own() {
    // East and west, before and after nine: the days he sees are counted once each, and none is missing on which his
    // clocks showed nine or later while a worker ran.
    for route in [
        ["America/New_York", "Asia/Tokyo", "UTC"],
        ["Pacific/Kiritimati", "Pacific/Honolulu", "Pacific/Kiritimati"],
        ["Etc/GMT+12", "Pacific/Kiritimati", "Etc/GMT+12"],
    ] {
        for start in 0..12 {
            let w = World::new();
            let account = counted(&w, "demo", 6).await;
            let alice = reader(&w, &account, "alice").await;
            let mut zone: chrono_tz::Tz = "UTC".parse().unwrap();
            let mut owed = BTreeSet::new();
            let blocks_at = "2026-11-24T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
            for hour in 0..6 * 24 {
                w.advance(HOUR);
                if hour >= start && (hour - start) % 31 == 0 {
                    let name = route[usize::try_from((hour - start) / 31).unwrap() % route.len()];
                    move_to(&w, &alice, name).await;
                    zone = name.parse().unwrap();
                }
                w.run_worker().await.unwrap();
                let local = w.now().with_timezone(&zone);
                let blocking_day = blocks_at.with_timezone(&zone).date_naive();
                let ahead = blocking_day.signed_duration_since(local.date_naive()).num_days();
                let nine = local.time() >= "09:00:00".parse().unwrap();
                if nine && (1..=5).contains(&ahead) && w.now() < blocks_at {
                    owed.insert(local.date_naive());
                }
            }
            let sent: Vec<_> = w
                .mailbox
                .to("alice@example.com")
                .iter()
                .map(told)
                .map(|(left, blocked)| blocked - TimeDelta::days(left.into()))
                .collect();
            assert_eq!(sent.len(), sent.iter().collect::<BTreeSet<_>>().len(), "each day once: {sent:?}");
            let sent: BTreeSet<_> = sent.into_iter().collect();
            assert_eq!(sent, owed, "{route:?} from hour {start}");
        }
    }
}

#[tokio::test]
async fn while_a_block_lasts_none_come_and_after_it_todays_does() {
    let w = World::new();
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

#[tokio::test]
async fn a_new_address_gets_what_the_old_one_was_to_get() {
    let w = World::new();
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

#[tokio::test]
async fn an_address_that_notices_use_is_not_removed() {
    let w = World::new();
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

#[tokio::test]
async fn a_notice_is_remembered_though_messages_are_not_kept() {
    let mut policy = Policy::default();
    policy.message_kept = TimeDelta::zero();
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let account = counted(&w, "demo", 5).await;
    let alice = reader(&w, &account, "alice").await;
    live(&w, 3, "alice").await;
    switch(&w, &alice, false).await;
    switch(&w, &alice, true).await;
    live(&w, 3, "alice").await;
    assert_eq!(days(&w, "alice"), [5]);
}

#[tokio::test]
async fn everybody_who_signs_in_is_warned_in_the_last_days() {
    let w = World::new();
    let account = counted(&w, "demo", 6).await;
    let bob = w.user(&account, "bob", None).await.unwrap();
    let mut warnings = Vec::new();
    for _ in 0..6 {
        let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
        let result = w.security.sign_in().start(&bob.login, &password, &attempt()).await.unwrap();
        let SignInResult::Admitted(admission) = result else { panic!("to be admitted") };
        warnings.push(admission.days_left);
        w.advance(TimeDelta::days(1));
    }
    assert_eq!(warnings, [None, Some(5), Some(4), Some(3), Some(2), Some(1)]);
    w.advance(TimeDelta::hours(-12));
    move_to(&w, &bob, "Etc/GMT-14").await;
    let tab = w.security.settings(session(&w, &bob).await).await.unwrap();
    assert_eq!(
        (tab.account.days_left, tab.account.blocked),
        (Some(0), false),
        "it is that day there already"
    );
    w.advance(TimeDelta::hours(12));
    assert!(w.sign_in(&bob).await.is_err());
}

#[tokio::test]
async fn the_tab_tells_the_date_and_the_first_mail() {
    let w = World::new();
    let account = counted(&w, "demo", 20).await;
    let alice = reader(&w, &account, "alice").await;
    move_to(&w, &alice, "America/New_York").await;
    let tab = w.security.settings(session(&w, &alice).await).await.unwrap();
    let blocking = tab.notices.blocking;
    assert!(blocking.enabled && blocking.change.is_allowed());
    assert_eq!(blocking.blocking_date, Some("2026-12-07".parse().unwrap()));
    assert_eq!(blocking.first_notice, Some("2026-12-02T14:00:00Z".parse().unwrap()));
    assert_eq!(tab.account.blocks_at, Some("2026-12-08T00:00:00Z".parse().unwrap()));
    assert_eq!((tab.account.days_left, tab.account.blocked), (Some(19), false));
}

/// Seven readers in pages of two, three of them below, one day before the first notice.
async fn walked(w: &World) {
    let top = counted(w, "top", 6).await;
    let low = below(w, &top, "low", None).await;
    for nth in 0..4 {
        reader(w, &top, &format!("top{nth}")).await;
    }
    for nth in 0..3 {
        reader(w, &low, &format!("low{nth}")).await;
    }
}

fn pages_of_two() -> Policy {
    let mut policy = Policy::default();
    policy.notice_page = 2;
    policy
}

#[tokio::test]
async fn a_crash_between_any_two_commits_loses_no_day_and_doubles_none() {
    let mut crashes = 0;
    for nth in 1.. {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let options = WorldOptions { store: shared, policy: pages_of_two(), ..WorldOptions::default() };
        let w = World::with(options);
        walked(&w).await;
        let mut reached = false;
        for _ in 0..8 {
            store.reset();
            // From this commit on the store is gone: what was claimed stays claimed.
            for later in nth..nth + 200 {
                store.fail(Method::Commit, later, Failure::Port);
            }
            w.run_worker().await.unwrap();
            reached |= store.commits() >= nth;
            store.reset();
            w.advance(w.security.policy().claim_life);
            w.run_worker().await.unwrap();
            w.advance(TimeDelta::days(1) - w.security.policy().claim_life);
        }
        for login in ["top0", "top1", "top2", "top3", "low0", "low1", "low2"] {
            // The next system may be told one message twice; it is one all the same.
            let mails = w.mailbox.to(&address(login));
            let distinct: BTreeMap<_, _> = mails.iter().map(|mail| (mail.id, told(mail).0)).collect();
            let mut days: Vec<_> = distinct.into_values().collect();
            days.sort_unstable();
            assert_eq!(days, [1, 2, 3, 4, 5], "{login}, killed at commit {nth} of each day");
        }
        if !reached {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 10, "there was something to kill: {crashes}");
}

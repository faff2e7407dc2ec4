//! Workers, mail servers and stores that are gone for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{address, below, counted, days, live, live_days, reader, told};
use crate::policy::Policy;
use crate::port::message::SendError;
use crate::port::store::Store;
use crate::testing::World;
use crate::testing::faulty::{Failure, FaultyStore, Method};
use crate::testing::world::WorldOptions;

/// What a downtime missed is not made up for.
pub async fn after_a_downtime_only_todays_comes(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 10).await;
    reader(&w, &account, "alice").await;
    live_days(&w, 1).await;
    w.advance(TimeDelta::days(7));
    w.run_worker().await.unwrap();
    assert_eq!(days(&w, "alice"), [2]);
    live_days(&w, 3).await;
    assert_eq!(days(&w, "alice"), [2, 1]);
}

/// A downtime of two days costs two notices.
pub async fn a_downtime_in_the_middle_loses_its_days_and_no_other(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
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

/// A notice that no mail server took over on its day is not sent on the next.
pub async fn one_that_nobody_takes_over_is_not_sent_on_the_next_day(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 5).await;
    reader(&w, &account, "alice").await;
    w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    live(&w, 20, "alice").await;
    w.mailbox.fail_with(None);
    live_days(&w, 5).await;
    assert_eq!(days(&w, "alice"), [4, 3, 2, 1]);
}

/// A worker that dies after any of its commits, every day at the same one, costs no notice and doubles none.
pub async fn a_crash_between_any_two_commits_loses_no_day_and_doubles_none(store: &Arc<dyn Store>) {
    let mut crashes = 0;
    for nth in 1.. {
        let faulty = Arc::new(FaultyStore::new(Arc::clone(store)));
        let store = Arc::clone(&faulty) as Arc<dyn Store>;
        let w =
            World::with(WorldOptions { store, policy: pages_of_two(), seed: nth, ..WorldOptions::default() });
        let readers = walked(&w, nth).await;
        let mut reached = false;
        for _ in 0..8 {
            faulty.reset();
            // From this commit on the store is gone: what was claimed stays claimed.
            for later in nth..nth + 200 {
                faulty.fail(Method::Commit, later, Failure::Port);
            }
            w.run_worker().await.unwrap();
            reached |= faulty.commits() >= nth;
            faulty.reset();
            w.advance(w.security.policy().claim_life);
            w.run_worker().await.unwrap();
            w.advance(TimeDelta::days(1) - w.security.policy().claim_life);
        }
        for login in readers {
            // The next system may be told one message twice; it is one all the same.
            let mails = w.mailbox.to(&address(&login));
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

/// Seven readers in pages of two, three of them below, one day before the first notice.
async fn walked(w: &World, nth: u64) -> Vec<String> {
    let top = counted(w, "top", 6).await;
    let low = below(w, &top, "low", None).await;
    let mut logins = Vec::new();
    for (account, name, many) in [(&top, "top", 4), (&low, "low", 3)] {
        for reader_nth in 0..many {
            let login = format!("{name}{reader_nth}-{nth}");
            reader(w, account, &login).await;
            logins.push(login);
        }
    }
    logins
}

fn pages_of_two() -> Policy {
    Policy { notice_page: 2, ..Policy::default() }
}

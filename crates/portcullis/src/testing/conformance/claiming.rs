//! Due records and those who claim them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::port::store::{CommitError, Expect, Lane, Record, Store, Waiting};

use super::dropping::drop_at_poll;
use super::kit::{Kit, Steps, ids, old, race, set, sorted};

/// A claim takes what is due in its lane and nothing else, earliest first and no more than asked, and moves it.
pub async fn claim_takes_what_is_due_in_its_lane(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "claim_takes_what_is_due_in_its_lane");
    for lane in [Lane::Interactive, Lane::Bulk, Lane::Timed] {
        drain(&kit).await;
        let mut due = Vec::new();
        for secs in [30, 10, 40, 20] {
            let keys = vec![kit.key(), kit.lookup()];
            let refs = vec![kit.id(), kit.id()];
            due.push(kit.insert(Record { keys, refs, due: Some((lane, old(secs))), ..kit.record() }).await);
        }
        let mut others = vec![kit.insert(kit.record()).await];
        for other in Lane::ALL.into_iter().filter(|other| *other != lane) {
            others.push(kit.insert(Record { due: Some((other, old(5))), ..kit.record() }).await);
        }
        let [thirty, ten, forty, twenty] = due.try_into().unwrap_or_else(|_| panic!("four were made"));
        let moved =
            |record: &Record| sorted(Record { version: 2, due: Some((lane, old(900))), ..record.clone() });
        let claimed = claim(&kit, lane, old(30), old(900), 2).await;
        assert_eq!(
            claimed.into_iter().map(sorted).collect::<Vec<_>>(),
            [moved(&ten), moved(&twenty)],
            "a claim gives the earliest, as many as asked, whole, with the new version and due time"
        );
        let stored = kit.get(ten.id).await.map(sorted);
        assert_eq!(stored, Some(moved(&ten)), "and that is what is stored");
        let rest = claim(&kit, lane, old(30), old(900), 9).await;
        assert_eq!(
            ids(&rest),
            [thirty.id],
            "what is due at the very instant is due, what is due later is not"
        );
        assert!(claim(&kit, lane, old(30), old(900), 9).await.is_empty(), "nothing is claimed twice");
        for other in others.iter().chain([&forty]) {
            let stored = kit.get(other.id).await.map(sorted);
            assert_eq!(stored, Some(sorted(other.clone())), "what is not claimed is not touched");
        }
    }
}

/// A claim bumps the version: an outcome, or a guard, under the version before it conflicts.
pub async fn claim_fences_older_outcomes(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "claim_fences_older_outcomes");
    drain(&kit).await;
    let record = kit.insert(Record { due: Some((Lane::Bulk, old(10))), ..kit.record() }).await;
    let claimed = claim(&kit, Lane::Bulk, old(10), old(100), 1).await;
    assert_eq!(claimed.first().map(|record| record.version), Some(2), "a claim bumps the version");
    let done = |version| kit.commit().put(Record { due: None, ..record.clone() }, Expect::Version(version));
    kit.refuse("an outcome under the version before the claim", &done(1), &CommitError::Conflict).await;
    let guard = kit.commit().guard(record.id, 1);
    kit.refuse("a guard on the version before the claim", &guard, &CommitError::Conflict).await;
    kit.keep("the outcome of the claimer", &done(2)).await;
    assert!(claim(&kit, Lane::Bulk, old(500), old(900), 9).await.is_empty(), "what is done is not due again");
}

/// Eight claimers at once never get the same record, and together they get every one.
pub async fn parallel_claimers_never_share(store: &Arc<dyn Store>, nonce: u64) {
    const RECORDS: i64 = 40;
    const CLAIMERS: usize = 8;
    let kit = Arc::new(Kit::new(store, nonce, "parallel_claimers_never_share"));
    drain(&kit).await;
    let mut made = Vec::new();
    for secs in 0..RECORDS {
        made.push(kit.insert(Record { due: Some((Lane::Timed, old(secs / 4))), ..kit.record() }).await.id);
    }
    let claimers = (0..CLAIMERS).map(|_| {
        let kit = Arc::clone(&kit);
        async move { claim_all(&kit, Lane::Timed, old(60), old(900), 3).await }
    });
    let mut claimed: Vec<Record> = race(claimers.collect()).await.into_iter().flatten().collect();
    claimed.extend(claim_all(&kit, Lane::Timed, old(60), old(900), 3).await);
    let mut claimed = ids(&claimed);
    claimed.sort_unstable();
    assert_eq!(claimed, made, "each record goes to one claimer, and none is left");
}

/// A claimed record is nobody's until `until`, and due again from then on; the first claimer is fenced off by the second.
pub async fn claimed_record_is_due_again_at_until(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "claimed_record_is_due_again_at_until");
    drain(&kit).await;
    let record = kit.insert(Record { due: Some((Lane::Interactive, old(10))), ..kit.record() }).await;
    let first = claim(&kit, Lane::Interactive, old(10), old(100), 9).await;
    assert_eq!(ids(&first), [record.id], "a due record is claimed");
    let early = old(100) - chrono::TimeDelta::microseconds(1);
    assert!(
        claim(&kit, Lane::Interactive, early, old(900), 9).await.is_empty(),
        "it is not due before `until`"
    );
    let second = claim(&kit, Lane::Interactive, old(100), old(200), 9).await;
    let version = second.first().map(|record| record.version);
    assert_eq!((ids(&second), version), (vec![record.id], Some(3)), "it is due again at `until`");
    let done = |version| kit.commit().put(Record { due: None, ..record.clone() }, Expect::Version(version));
    kit.refuse("an outcome of the first claimer", &done(2), &CommitError::Conflict).await;
    kit.keep("an outcome of the second claimer", &done(3)).await;
}

/// The dead lane is never claimed.
pub async fn dead_lane_is_never_claimed(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "dead_lane_is_never_claimed");
    let record = kit.insert(Record { due: Some((Lane::Dead, old(10))), ..kit.record() }).await;
    assert!(
        claim(&kit, Lane::Dead, old(20), old(30), 100).await.is_empty(),
        "a claim of the dead gives nothing"
    );
    assert_eq!(kit.get(record.id).await, Some(record.clone()), "and touches nothing");
    kit.keep("its delete", &kit.commit().delete(record.id, 1)).await;
}

/// A claim whose caller went away at any point leaves the record due again at `until` at the latest.
pub async fn dropped_claim_is_due_again_at_until(store: &Arc<dyn Store>, nonce: u64) {
    const POLLS: usize = 200;
    // The dropped call may still be at work, and its locks passed over.
    const TRIES: usize = 1000;
    let kit = Kit::new(store, nonce, "dropped_claim_is_due_again_at_until");
    for poll in 1..=POLLS {
        drain(&kit).await;
        let record = kit.insert(Record { due: Some((Lane::Timed, old(10))), ..kit.record() }).await;
        let finished = drop_at_poll(kit.store.claim(Lane::Timed, old(10), old(100), 9), poll).await;
        let mut again = Vec::new();
        for _ in 0..TRIES {
            again = claim(&kit, Lane::Timed, old(100), old(900), 9).await;
            if !again.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(
            ids(&again),
            [record.id],
            "a claim dropped at poll {poll} leaves its record due at `until`"
        );
        if finished.is_some() {
            break;
        }
    }
}

/// What is due in a lane is counted no further than asked, with the time of the earliest; what is claimed is not due.
pub async fn waiting_counts_what_is_due(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "waiting_counts_what_is_due");
    for lane in [Lane::Interactive, Lane::Bulk, Lane::Timed] {
        drain(&kit).await;
        assert_eq!(waiting(&kit, lane, old(30), 9).await, Waiting::default(), "nothing is due yet");
        for secs in [30, 10, 40, 20] {
            kit.insert(Record { due: Some((lane, old(secs))), ..kit.record() }).await;
        }
        let count = |count| Waiting { count, oldest: Some(old(10)) };
        assert_eq!(waiting(&kit, lane, old(30), 9).await, count(3), "what is due at the very instant is due");
        assert_eq!(waiting(&kit, lane, old(30), 2).await, count(2), "no further than asked");
        assert_eq!(waiting(&kit, lane, old(30), 0).await, Waiting::default(), "which may be nothing");
        assert_eq!(waiting(&kit, lane, old(10), 9).await, count(1), "what is due later is not");
        for other in [Lane::Interactive, Lane::Bulk, Lane::Timed].into_iter().filter(|other| *other != lane) {
            let others = waiting(&kit, other, old(30), 9).await;
            assert_eq!(others, Waiting::default(), "each lane is counted on its own");
        }
        claim(&kit, lane, old(10), old(900), 1).await;
        let rest = Waiting { count: 2, oldest: Some(old(20)) };
        assert_eq!(waiting(&kit, lane, old(30), 9).await, rest, "what is claimed is not due");
    }
}

async fn waiting(kit: &Kit, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Waiting {
    match kit.store.waiting(lane, now, at_most).await {
        Ok(waiting) => waiting,
        Err(error) => panic!("the store must count what is due, but says: {error}"),
    }
}

async fn claim(kit: &Kit, lane: Lane, now: DateTime<Utc>, until: DateTime<Utc>, limit: u32) -> Vec<Record> {
    match kit.store.claim(lane, now, until, limit).await {
        Ok(records) => records,
        Err(error) => panic!("the store must answer a claim, but says: {error}"),
    }
}

async fn claim_all(
    kit: &Kit,
    lane: Lane,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Vec<Record> {
    let mut all = Vec::new();
    let mut seen = set([]);
    loop {
        let some = claim(kit, lane, now, until, limit).await;
        // A store that gives the same record for ever must fail a case and not hang it.
        let news = some.iter().filter(|record| seen.insert(record.id)).count();
        all.extend(some);
        if news == 0 {
            return all;
        }
        tokio::task::yield_now().await;
    }
}

/// Takes whatever earlier runs have left due in the years in which these cases play.
async fn drain(kit: &Kit) {
    for lane in [Lane::Interactive, Lane::Bulk, Lane::Timed] {
        claim_all(kit, lane, old(1000), super::kit::at(0), 1000).await;
    }
}

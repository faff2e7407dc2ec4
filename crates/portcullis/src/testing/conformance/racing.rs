//! Many callers at once.

use std::sync::Arc;

use crate::port::store::{Commit, CommitError, Expect, Record, Store, Window};

use super::kit::{Kit, Steps, add, at, holds, race_commits};

const CALLERS: u32 = 64;

/// Sixty-four callers add to one counter at once: exactly as many succeed as its limit allows.
pub async fn parallel_adds_stop_at_the_limit(store: &Arc<dyn Store>, nonce: u64) {
    const LIMIT: u32 = 10;
    let kit = Kit::new(store, nonce, "parallel_adds_stop_at_the_limit");
    for already in [0, LIMIT - 1] {
        let counter = kit.counter();
        if already > 0 {
            kit.add(&counter, already, Window::None, at(0)).await;
        }
        let exhausted = CommitError::Exhausted(counter.clone());
        let one = || kit.commit().count(&counter, add(1, LIMIT, Window::None));
        let answers = race_commits(&kit, (0..CALLERS).map(|_| one()).collect()).await;
        let mut values = Vec::new();
        for answer in answers {
            match answer {
                Ok(counts) => values.extend(counts.get(&counter).map(|count| count.value)),
                Err(error) => {
                    assert_eq!(error, exhausted, "who comes late is told why");
                }
            }
        }
        values.sort_unstable();
        let expected: Vec<u32> = (already + 1..=LIMIT).collect();
        assert_eq!(values, expected, "each addition up to the limit is made once, and none past it");
        assert_eq!(kit.count(&counter, at(0)).await, holds(LIMIT, None), "the counter is at its limit");
    }
}

/// Sixty-four callers change one record under one version at once: exactly one succeeds.
pub async fn parallel_puts_have_one_winner(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "parallel_puts_have_one_winner");
    let record = kit.insert(kit.record()).await;
    let put = |n| Record { body: format!(r#"{{"v":1,"n":{n}}}"#), ..record.clone() };
    let commits = (0..CALLERS).map(|n| kit.commit().put(put(n), Expect::Version(1))).collect();
    let winner = one_winner(&kit, commits, &CommitError::Conflict).await;
    let stored = kit.get(record.id).await;
    assert_eq!(stored, Some(Record { version: 2, ..put(winner) }), "what the winner wrote is stored");
}

/// Sixty-four callers store a new record under one id at once: exactly one succeeds.
pub async fn parallel_inserts_have_one_winner(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "parallel_inserts_have_one_winner");
    let record = kit.record();
    let put = |n| Record { body: format!(r#"{{"v":1,"n":{n}}}"#), ..record.clone() };
    let commits = (0..CALLERS).map(|n| kit.commit().put(put(n), Expect::Absent)).collect();
    let winner = one_winner(&kit, commits, &CommitError::Conflict).await;
    let stored = kit.get(record.id).await;
    assert_eq!(stored, Some(Record { version: 1, ..put(winner) }), "what the winner wrote is stored");
    let counter = kit.counter();
    let once = kit.record();
    let commits = (0..CALLERS).map(|_| {
        let expect = Expect::AbsentElseSkip { at: None };
        kit.commit().put(once.clone(), expect).count(&counter, add(1, CALLERS, Window::None))
    });
    let answers = race_commits(&kit, commits.collect()).await;
    assert!(answers.iter().all(Result::is_ok), "a put that is skipped fails nobody");
    assert_eq!(kit.get(once.id).await.map(|record| record.version), Some(1), "the record is stored once");
    assert_eq!(kit.count(&counter, at(0)).await, holds(CALLERS, None), "the rest of each commit is kept");
}

/// Sixty-four callers take one unique key at once, each for a record of its own: exactly one succeeds.
pub async fn parallel_takers_of_a_key_have_one_winner(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "parallel_takers_of_a_key_have_one_winner");
    let key = kit.key();
    let records: Vec<Record> =
        (0..CALLERS).map(|_| Record { keys: vec![key.clone()], ..kit.record() }).collect();
    let commits = records.iter().map(|record| kit.commit().put(record.clone(), Expect::Absent)).collect();
    let winner = one_winner(&kit, commits, &CommitError::Duplicate(key.clone())).await;
    let winner = records.into_iter().zip(0..).find(|(_, n)| *n == winner).map(|(record, _)| record.id);
    assert_eq!(kit.holder(&key).await, winner, "the winner holds the key");
}

/// Runs the race and gives the number of its one winner; all others must hear `why`.
async fn one_winner(kit: &Kit, commits: Vec<Commit>, why: &CommitError) -> u32 {
    let mut winners = Vec::new();
    for (n, answer) in (0..).zip(race_commits(kit, commits).await) {
        match answer {
            Ok(_) => winners.push(n),
            Err(error) => assert_eq!(&error, why, "the losers are told why"),
        }
    }
    match winners.as_slice() {
        [winner] => *winner,
        _ => panic!("exactly one of {CALLERS} callers wins, but {} did", winners.len()),
    }
}

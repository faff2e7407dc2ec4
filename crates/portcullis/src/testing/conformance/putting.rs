//! Conditions of puts, deletes and guards, and what a record is when it comes back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::port::store::{Commit, CommitError, CounterOp, Expect, Kind, Lane, Record, Store, Window};

use super::kit::{Kit, Steps, add, at, page, race_commits, secs, sorted};

/// A put under a version needs exactly that version, and leaves the next one.
pub async fn put_needs_its_version(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "put_needs_its_version");
    let record = kit.insert(kit.record()).await;
    let changed = Record { version: 99, body: r#"{"v":1,"n":2}"#.to_owned(), ..record.clone() };
    kit.keep("a put under the stored version", &kit.commit().put(changed.clone(), Expect::Version(1))).await;
    let stored = Record { version: 2, ..changed.clone() };
    assert_eq!(
        kit.get(record.id).await,
        Some(stored.clone()),
        "the version is one more than the one expected"
    );
    for version in [0, 1, 3] {
        let put = kit.commit().put(record.clone(), Expect::Version(version));
        kit.refuse("a put under another version", &put, &CommitError::Conflict).await;
    }
    assert_eq!(kit.get(record.id).await, Some(stored), "refused puts change nothing");
    for version in [0, 1] {
        let put = kit.commit().put(kit.record(), Expect::Version(version));
        kit.refuse("a put under a version where nothing is stored", &put, &CommitError::Conflict).await;
    }
}

/// A put that expects nothing stored finds nothing stored, or conflicts.
pub async fn put_absent_needs_absence(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "put_absent_needs_absence");
    let record = Record { version: 7, ..kit.record() };
    kit.keep("a new record", &kit.commit().put(record.clone(), Expect::Absent)).await;
    let stored = Record { version: 1, ..record.clone() };
    assert_eq!(kit.get(record.id).await, Some(stored.clone()), "a new record has version 1");
    let changed = Record { body: r#"{"v":1,"n":2}"#.to_owned(), ..record };
    let put = kit.commit().put(changed, Expect::Absent);
    kit.refuse("a new record under an id that is taken", &put, &CommitError::Conflict).await;
    assert_eq!(kit.get(stored.id).await, Some(stored), "the stored record is unchanged");
}

/// A put that is skipped is no error, changes nothing and claims no key; the rest of its commit is kept.
pub async fn skipped_put_claims_no_key(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "skipped_put_claims_no_key");
    let skip = Expect::AbsentElseSkip { at: None };
    let (key, rival_key) = (kit.key(), kit.key());
    let first = Record { keys: vec![key.clone()], ..kit.record() };
    kit.keep("a put with nothing stored", &kit.commit().put(first.clone(), skip.clone())).await;
    let first = Record { version: 1, ..first };
    assert_eq!(kit.get(first.id).await, Some(first.clone()), "it is stored like any new record");
    let skipped = Record { keys: vec![rival_key.clone()], body: r#"{"v":2}"#.to_owned(), ..first.clone() };
    let rival = Record { keys: vec![rival_key.clone()], ..kit.record() };
    let commit = kit.commit().put(skipped, skip).put(rival.clone(), Expect::Absent);
    kit.keep("a commit with a skipped put", &commit).await;
    assert_eq!(kit.get(first.id).await, Some(first.clone()), "a skipped put changes nothing");
    assert_eq!(kit.holder(&key).await, Some(first.id), "and takes no key from what is stored");
    assert_eq!(
        kit.holder(&rival_key).await,
        Some(rival.id),
        "and claims none that another put of the commit wants"
    );
}

/// A put tied to a counter is skipped while that counter, after the steps of this commit, is below the value.
pub async fn put_waits_for_its_counter(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "put_waits_for_its_counter");
    let counter = kit.counter();
    let one_more = add(1, 100, Window::Rolling(secs(60)));
    let tied = |commit: Commit| {
        let record = kit.record();
        let expect = Expect::AbsentElseSkip { at: Some((counter.clone(), 3)) };
        (record.id, commit.put(record, expect))
    };
    for (steps, stored, what) in [
        (vec![one_more], false, "at 1 of 3"),
        (vec![one_more], false, "at 2 of 3"),
        (vec![one_more], true, "at 3 of 3, reached by this commit"),
        (vec![one_more], true, "at 4 of 3"),
        (vec![], true, "at 4 of 3, with no step in this commit"),
        (vec![CounterOp::Clear], false, "at 0, by a step of this commit"),
        (vec![], false, "at 0, with no step in this commit"),
        (vec![one_more, one_more, one_more], true, "at 3, reached by three steps of this commit"),
    ] {
        let commit = steps.into_iter().fold(kit.commit(), |commit, op| commit.count(&counter, op));
        let (id, commit) = tied(commit);
        kit.keep("a commit with a put tied to a counter", &commit).await;
        let found = kit.get(id).await.is_some();
        assert_eq!(found, stored, "whether a put tied to a counter is stored, with the counter {what}");
    }
    let (id, commit) = tied(kit.commit().at(at(60)));
    kit.keep("a commit with a put tied to an ended counter", &commit).await;
    assert_eq!(kit.get(id).await, None, "a counter whose window has ended is at 0");
}

/// A delete needs the version it names; what is deleted is gone for every question, and its id can be used anew.
pub async fn delete_needs_its_version(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "delete_needs_its_version");
    let (key, lookup) = (kit.key(), kit.lookup());
    let record = kit.insert(Record { keys: vec![key.clone(), lookup.clone()], ..kit.record() }).await;
    for version in [0, 2] {
        let delete = kit.commit().delete(record.id, version);
        kit.refuse("a delete under another version", &delete, &CommitError::Conflict).await;
    }
    assert!(kit.get(record.id).await.is_some(), "a refused delete removes nothing");
    kit.refuse("a delete of nothing", &kit.commit().delete(kit.id(), 1), &CommitError::Conflict).await;
    kit.keep("a delete", &kit.commit().delete(record.id, 1)).await;
    assert_eq!(kit.get(record.id).await, None, "what is deleted is gone");
    assert_eq!(kit.holder(&key).await, None, "and not found by its key");
    assert!(kit.list(&lookup, page(None, 10)).await.is_empty(), "and not listed");
    let again = kit.insert(record.clone()).await;
    assert_eq!(
        kit.get(record.id).await.map(sorted),
        Some(sorted(again)),
        "its id can be used anew, from version 1"
    );
}

/// A record comes back as it was put: tenant, kind, references in order, due time to the microsecond, body to the byte.
pub async fn record_comes_back_exactly(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "record_comes_back_exactly");
    let lookup = kit.lookup();
    let mut refs: Vec<Uuid> = (0..64).map(|_| kit.id()).collect();
    refs.reverse();
    let day = |secs: i64, micros: u32| DateTime::<Utc>::from_timestamp(secs, micros * 1000);
    let tail = r#"","v":1}"#;
    let fill = |unit: &str, head: &str| {
        let room = 64 * 1024 - head.len() - tail.len();
        format!("{head}{}{}{tail}", unit.repeat(room / unit.len()), "x".repeat(room % unit.len()))
    };
    let bodies = [
        r#"{ "b" : 1,  "a":"\u00e9\n", "a2": 1.0, "v":1 , "big": 12345678901234567890 }"#.to_owned(),
        "{\"v\":1,\"name\":\"Åsa 😀 \u{202e}العربية 'quoted' \\\\ a\u{301}\"}".to_owned(),
        fill("a", r#"{"a":""#),
        fill("漢", r#"{"a":""#),
        "{}".to_owned(),
    ];
    let dues = [
        day(1_790_000_000, 1).map(|at| (Lane::Dead, at)),
        day(-2_208_988_800, 999_999).map(|at| (Lane::Timed, at)),
        day(253_402_300_799, 999_999).map(|at| (Lane::Bulk, at)),
        day(32_503_680_000, 123_457).map(|at| (Lane::Interactive, at)),
        None,
    ];
    let kinds = ["conformance", "kind_of_exactly_thirty-two_bytes", "k", "conformance", "é"];
    for ((body, due), kind) in bodies.into_iter().zip(dues).zip(kinds) {
        let record = Record {
            tenant: if due.is_some() { kit.id() } else { Uuid::nil() },
            kind: Kind::stored(kind),
            keys: vec![lookup.clone()],
            refs: std::mem::take(&mut refs),
            due,
            body,
            ..kit.record()
        };
        let stored = kit.insert(record).await;
        assert_eq!(kit.get(stored.id).await, Some(stored.clone()), "a record read is the record put");
        let listed = kit.list(&lookup, page(None, 1)).await.pop();
        assert_eq!(listed, Some(stored.clone()), "a record listed is the record put");
        kit.keep("its delete", &kit.commit().delete(stored.id, 1)).await;
    }
}

/// A guard needs the version it names, and a record to be there.
pub async fn guard_needs_its_version(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "guard_needs_its_version");
    let record = kit.insert(kit.record()).await;
    for version in [0, 2] {
        let commit = kit.commit().guard(record.id, version);
        kit.refuse("a guard on another version", &commit, &CommitError::Conflict).await;
    }
    kit.refuse("a guard on nothing", &kit.commit().guard(kit.id(), 1), &CommitError::Conflict).await;
    let proof = kit.record();
    let commit = kit.commit().guard(record.id, 1).put(proof.clone(), Expect::Absent);
    kit.keep("a commit whose guard holds", &commit).await;
    assert_eq!(kit.get(record.id).await, Some(record), "a guard changes nothing");
    assert!(kit.get(proof.id).await.is_some(), "and lets the rest be kept");
}

/// A guard locks: of two commits that each guard what the other changes, one is refused, always.
///
/// A guard that only compares lets both pass, each on the strength of what the other is taking away.
pub async fn guard_locks_until_the_commit_ends(store: &Arc<dyn Store>, nonce: u64) {
    const ROUNDS: usize = 40;
    let kit = Kit::new(store, nonce, "guard_locks_until_the_commit_ends");
    for round in 0..ROUNDS {
        let (left, right) = (kit.insert(kit.record()).await, kit.insert(kit.record()).await);
        let mut commits = vec![
            kit.commit().guard(left.id, 1).put(right.clone(), Expect::Version(1)),
            kit.commit().guard(right.id, 1).put(left.clone(), Expect::Version(1)),
        ];
        if round % 2 == 1 {
            commits.reverse();
        }
        let answers = race_commits(&kit, commits).await;
        let kept = answers.iter().filter(|answer| answer.is_ok()).count();
        let refused = answers.iter().filter(|answer| **answer == Err(CommitError::Conflict)).count();
        assert_eq!(
            (kept, refused),
            (1, 1),
            "of two commits that each guard what the other changes, one is kept and one conflicts"
        );
    }
}

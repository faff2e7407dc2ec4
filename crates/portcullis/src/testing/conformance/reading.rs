//! What a read and a list give.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::port::store::{Counter, CounterOp, Expect, Key, Read, Record, Snapshot, Start, Store, Window};

use super::kit::{Kit, Steps, add, at, holds, ids, page, secs, set, sorted};

/// A read finds records by id and by unique key, says so in the order asked, and says what is missing.
pub async fn read_starts_by_id_and_by_unique_key(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "read_starts_by_id_and_by_unique_key");
    let key = kit.key();
    let keyed = kit.insert(Record { keys: vec![key.clone()], ..kit.record() }).await;
    let plain = kit.insert(kit.record()).await;
    let read = Read {
        now: at(0),
        starts: vec![
            Start::Id(plain.id),
            Start::Key(kit.key()),
            Start::Key(key.clone()),
            Start::Id(kit.id()),
            Start::Id(keyed.id),
        ],
        subjects: Vec::new(),
    };
    let snapshot = kit.read(&read).await;
    let found = vec![Some(plain.id), None, Some(keyed.id), None, Some(keyed.id)];
    assert_eq!(snapshot.found, found, "a read says for each start, in order, what it found");
    let records = BTreeMap::from([(plain.id, plain), (keyed.id, keyed)]);
    assert_eq!(snapshot.records, records, "a read gives the records found and no other");
    let nothing = kit.read(&Read { now: at(0), ..Read::default() }).await;
    assert!(nothing.records.is_empty(), "a read without a start finds nothing");
}

/// A read gives the records referred to and those they refer to, once each, and none behind them.
pub async fn read_follows_references_two_hops(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "read_follows_references_two_hops");
    let mut chain = [kit.record(), kit.record(), kit.record(), kit.record()];
    let [first, second, third, fourth] = chain.each_ref().map(|record| record.id);
    let refs = [vec![second, kit.id()], vec![third, first], vec![fourth], vec![]];
    for (record, refs) in chain.iter_mut().zip(refs) {
        record.refs = refs;
        kit.insert(record.clone()).await;
    }
    let start = |starts: &[uuid::Uuid]| Read {
        now: at(0),
        starts: starts.iter().map(|id| Start::Id(*id)).collect(),
        subjects: Vec::new(),
    };
    let one = kit.read(&start(&[first])).await;
    assert_eq!(
        set(one.records.into_keys()),
        set([first, second, third]),
        "a read goes two references far and not three, and forgives one that leads nowhere"
    );
    let both = kit.read(&start(&[first, third])).await;
    assert_eq!(
        set(both.records.into_keys()),
        set([first, second, third, fourth]),
        "every start has its own two hops"
    );
}

/// A read gives every counter above 0 of each record in it and of the listed subjects, and no other.
pub async fn read_gives_the_counters_of_all_it_read(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "read_gives_the_counters_of_all_it_read");
    let far = kit.insert(kit.record()).await;
    let middle = kit.insert(Record { refs: vec![far.id], ..kit.record() }).await;
    let start = kit.insert(Record { refs: vec![middle.id], ..kit.record() }).await;
    let (subject, stranger, emptied) = (kit.id(), kit.id(), Counter::of(start.id, "emptied"));
    let counters = [
        (Counter::of(start.id, "guesses"), 1),
        (Counter::of(start.id, "sends"), 2),
        (Counter::of(middle.id, "guesses"), 3),
        (Counter::of(far.id, "guesses"), 4),
        (Counter::of(subject, "guesses"), 5),
    ];
    for (counter, n) in &counters {
        kit.add(counter, *n, Window::None, at(0)).await;
    }
    kit.add(&Counter::of(stranger, "guesses"), 6, Window::None, at(0)).await;
    kit.add(&emptied, 7, Window::None, at(0)).await;
    let give_back = CounterOp::GiveBack { n: 7, ends_at: None };
    kit.keep("a refund", &kit.commit().count(&emptied, give_back)).await;
    let read = Read { now: at(0), starts: vec![Start::Id(start.id)], subjects: vec![subject] };
    let expected: BTreeMap<_, _> = counters.into_iter().map(|(c, n)| (c, holds(n, None))).collect();
    assert_eq!(
        kit.read(&read).await.counters,
        expected,
        "a read gives the counters above 0 of all its records and of the listed subjects"
    );
}

/// A counter whose window has ended by the time of the read is not in it.
pub async fn read_leaves_out_ended_counters(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "read_leaves_out_ended_counters");
    let counter = kit.counter();
    kit.add(&counter, 2, Window::Rolling(secs(60)), at(0)).await;
    assert_eq!(
        kit.count(&counter, at(60) - chrono::TimeDelta::microseconds(1)).await,
        holds(2, Some(at(60))),
        "a window is open until its end"
    );
    let read = Read { now: at(60), starts: Vec::new(), subjects: vec![counter.subject] };
    assert!(kit.read(&read).await.counters.is_empty(), "a counter is 0 from the end of its window on");
}

/// A read never shows half of a commit, however many commit beside it.
pub async fn read_is_one_snapshot(store: &Arc<dyn Store>, nonce: u64) {
    const READS: usize = 60;
    let kit = Arc::new(Kit::new(store, nonce, "read_is_one_snapshot"));
    let (left, right) = (kit.insert(kit.record()).await, kit.insert(kit.record()).await);
    let counter = kit.counter();
    let read = Read {
        now: at(0),
        starts: vec![Start::Id(left.id), Start::Id(right.id)],
        subjects: vec![counter.subject],
    };
    // The writer goes on as long as this lives, also if the case fails.
    let reading = Arc::new(());
    let writer = tokio::spawn({
        let (kit, counter, reading) = (Arc::clone(&kit), counter.clone(), Arc::downgrade(&reading));
        async move {
            let mut version = 1;
            while reading.strong_count() > 0 {
                let commit = kit
                    .commit()
                    .put(left.clone(), Expect::Version(version))
                    .put(right.clone(), Expect::Version(version))
                    .count(&counter, add(1, u32::MAX, Window::None));
                kit.keep("a change of two records by their only writer", &commit).await;
                version += 1;
                tokio::task::yield_now().await;
            }
            version
        }
    });
    let mut seen = 0;
    // The reads count once the writer is at work.
    while seen < READS {
        let last = check_whole(&kit.read(&read).await, &counter);
        seen += usize::from(last > 1);
        assert!(last > 1 || !writer.is_finished(), "the writer beside the reads fails");
        tokio::task::yield_now().await;
    }
    drop(reading);
    let written = writer.await.unwrap_or_default();
    let last = check_whole(&kit.read(&read).await, &counter);
    assert_eq!(last, written, "a read shows what was committed before it");
}

/// The version of both records, which must be one more than the counter.
fn check_whole(snapshot: &Snapshot, counter: &Counter) -> u64 {
    let versions: Vec<u64> = snapshot.records.values().map(|record| record.version).collect();
    let expected = snapshot.counters.get(counter).map_or(0, |count| u64::from(count.value)) + 1;
    assert_eq!(versions, [expected, expected], "a read shows all that a commit changed, or nothing of it");
    expected
}

/// A list gives the records that carry a key, whole, in id order, page by page.
pub async fn list_pages_in_id_order(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "list_pages_in_id_order");
    let (key, other) = (kit.lookup(), kit.lookup());
    let mut records = Vec::new();
    for _ in 0..7 {
        records.push(Record { keys: vec![key.clone(), kit.key()], refs: vec![kit.id()], ..kit.record() });
    }
    for nth in [3, 0, 6, 1, 5, 2, 4] {
        if let Some(record) = records.get(nth) {
            kit.insert(record.clone()).await;
        }
        kit.insert(Record { keys: vec![other.clone()], ..kit.record() }).await;
    }
    let listed: Vec<Record> = kit.list(&key, page(None, 1000)).await.into_iter().map(sorted).collect();
    let expected: Vec<Record> =
        records.into_iter().map(|record| sorted(Record { version: 1, ..record })).collect();
    assert_eq!(listed, expected, "a list gives every record that carries the key, whole and in id order");
    let expected = ids(&expected);
    let mut after = None;
    for part in expected.chunks(3) {
        let listed = ids(&kit.list(&key, page(after, 3)).await);
        assert_eq!(listed, part, "a page goes on after the id given and holds as many as asked");
        after = part.last().copied();
    }
    assert!(kit.list(&key, page(after, 3)).await.is_empty(), "nothing comes after the last record");
    assert_eq!(
        kit.list(&key, page(Some(uuid::Uuid::nil()), 1)).await.len(),
        1,
        "any id is a place to go on from"
    );
}

/// A unique key is listed like any other, apart from a plain one of the same name and value, and a key that nobody
/// carries gives nothing.
pub async fn list_knows_unique_keys(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "list_knows_unique_keys");
    let key = kit.key();
    let record = kit.insert(Record { keys: vec![key.clone()], ..kit.record() }).await;
    let listed = kit.list(&key, page(None, 10)).await;
    assert_eq!(listed.first(), Some(&record), "a unique key lists its holder");
    assert!(kit.list(&key, page(Some(record.id), 10)).await.is_empty(), "and nothing after it");
    let plain = Key { unique: false, ..key.clone() };
    let other = kit.insert(Record { keys: vec![plain.clone()], ..kit.record() }).await;
    assert_eq!(kit.list(&key, page(None, 10)).await, [record], "who asks for the unique key gets no other");
    assert_eq!(kit.list(&plain, page(None, 10)).await, [other], "who asks for the plain one gets no holder");
    assert!(kit.list(&kit.lookup(), page(None, 10)).await.is_empty(), "a key nobody carries lists nothing");
}

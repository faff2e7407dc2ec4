//! Random calls give the same answers, and leave the same contents, as on the store in memory.

use crate::common::{commit, id, in_database, later, now};
use chrono::TimeDelta;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{
    Commit, CommitError, Counter, CounterOp, Delete, Expect, Guard, Key, Kind, Lane, Page, Purge, Put, Read,
    Record, Start, Store, TrailPage, Window,
};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

/// A small generator: the same seed gives the same calls.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(sides)).unwrap()
    }

    fn some<T>(&mut self, at_most: u32, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(at_most + 1)).map(|_| make(self)).collect()
    }

    fn record(&mut self) -> u128 {
        10 + u128::from(self.roll(6))
    }

    fn key(&mut self) -> Key {
        let kind = Kind::of(["user", "User"][self.roll(8) as usize / 7]);
        let value = ["a", "A", "ä", "\\\"{}, ", "e\u{1}mpty"][self.roll(5) as usize];
        if self.roll(3) > 0 { Key::unique(kind, "login", value) } else { Key::lookup(kind, "login", value) }
    }

    fn counter(&mut self) -> Counter {
        Counter::of(id(10 + u128::from(self.roll(2))), ["guesses", "sends"][self.roll(2) as usize])
    }

    fn window(&mut self) -> Window {
        match self.roll(4) {
            0 => Window::None,
            1 => Window::Until(later(i64::from(self.roll(40)) - 5)),
            _ => Window::Rolling(TimeDelta::seconds(i64::from(self.roll(30)) + 1)),
        }
    }

    fn op(&mut self) -> CounterOp {
        match self.roll(8) {
            0 => CounterOp::Clear,
            1 => CounterOp::Below { limit: self.roll(6), window: self.window() },
            2 | 3 => {
                let ends_at = (self.roll(3) > 0).then(|| later(i64::from(self.roll(40))));
                CounterOp::GiveBack { n: self.roll(3), ends_at }
            }
            _ => CounterOp::Add { n: self.roll(3), limit: 2 + self.roll(6), window: self.window() },
        }
    }

    fn body(&mut self, n: u128) -> Record {
        let lane = Lane::ALL[self.roll(4) as usize];
        Record {
            tenant: id(1),
            kind: Kind::of("user"),
            id: id(n),
            version: 77,
            keys: self.some(3, Self::key),
            refs: self.some(3, |dice| id(dice.record())),
            due: (self.roll(2) > 0).then(|| (lane, later(i64::from(self.roll(40))))),
            body: format!("{{\"v\":1,\"n\":\"\\u0000 {}\"}}", self.roll(1000)),
        }
    }

    async fn version(&mut self, memory: &MemoryStore, n: u128) -> u64 {
        let read = Read { now: now(), starts: vec![Start::Id(id(n))], subjects: Vec::new() };
        let stored = memory.read(&read).await.unwrap().records.get(&id(n)).map_or(0, |record| record.version);
        if self.roll(12) == 0 { stored + 1 } else { stored }
    }

    async fn commit(&mut self, n: u128, memory: &MemoryStore) -> Commit {
        let mut made = commit(n * 4);
        made.now = later(i64::from(self.roll(40)));
        if self.roll(6) == 0 {
            made.audit.push(crate::common::event((1 << 64) + n * 4 + 1));
        }
        if self.roll(15) == 0 {
            made.id = portcullis::id::CommitId::from_uuid(id((1 << 64) + n * 4 + 2));
        }
        made.counters = self.some(4, |dice| (dice.counter(), dice.op()));
        for _ in 0..self.roll(4) {
            let n = self.record();
            let version = self.version(memory, n).await;
            match self.roll(8) {
                0 => made.guards.push(Guard { id: id(n), version }),
                1 => made.deletes.push(Delete { id: id(n), version }),
                2 | 3 => made.puts.push(Put { record: self.body(n), expect: Expect::Absent }),
                4 => {
                    let at = (self.roll(2) > 0).then(|| (self.counter(), self.roll(4)));
                    made.puts.push(Put { record: self.body(n), expect: Expect::AbsentElseSkip { at } });
                }
                _ => made.puts.push(Put { record: self.body(n), expect: Expect::Version(version) }),
            }
        }
        made
    }
}

#[derive(Default, Debug)]
struct Seen {
    kept: u32,
    conflict: u32,
    duplicate: u32,
    exhausted: u32,
    again: u32,
}

async fn one_call(
    dice: &mut Dice,
    n: u128,
    memory: &MemoryStore,
    store: &PostgresStore,
    past: &mut Vec<Commit>,
    seen: &mut Seen,
) {
    let page = Page {
        after: (dice.roll(2) > 0).then(|| id(10 + u128::from(dice.roll(4)))),
        limit: 1 + dice.roll(4),
    };
    let at = later(i64::from(dice.roll(40)));
    match dice.roll(12) {
        0 => {
            let starts = dice.some(3, |dice| match dice.roll(2) {
                0 => Start::Id(id(dice.record())),
                _ => Start::Key(dice.key()),
            });
            let read = Read { now: at, starts, subjects: dice.some(2, |dice| id(dice.record())) };
            assert_eq!(store.read(&read).await.unwrap(), memory.read(&read).await.unwrap(), "{read:?}");
        }
        1 => {
            let key = dice.key();
            assert_eq!(store.list(&key, page).await, memory.list(&key, page).await);
        }
        2 => {
            let lane = Lane::ALL[dice.roll(4) as usize];
            let (until, limit) = (at + TimeDelta::seconds(20), dice.roll(4));
            assert_eq!(store.claim(lane, at, until, limit).await, memory.claim(lane, at, until, limit).await,);
        }
        3 if dice.roll(3) == 0 => {
            let (lane, most) = (Lane::ALL[dice.roll(4) as usize], dice.roll(4));
            assert_eq!(store.waiting(lane, at, most).await, memory.waiting(lane, at, most).await);
        }
        3 => {
            let what = [Purge::Counters, Purge::Records][dice.roll(2) as usize];
            let before = later(i64::from(dice.roll(20)) - 5);
            assert_eq!(store.purge(what, before, 100).await, memory.purge(what, before, 100).await);
        }
        4 => {
            let page = Page {
                after: (dice.roll(2) > 0).then(|| past.last().map_or(id(1), |last| last.id.uuid())),
                ..page
            };
            let newest = TrailPage::newest(page.after, page.limit);
            for page in [page.into(), newest] {
                assert_eq!(store.audit(id(2), page).await, memory.audit(id(2), page).await, "{page:?}");
            }
        }
        5 if !past.is_empty() => {
            let again = &past[dice.roll(u32::try_from(past.len()).unwrap()) as usize];
            let counts = store.commit(again).await;
            assert_eq!(counts, memory.commit(again).await, "again {again:?}");
            seen.again += 1;
        }
        _ => {
            let made = dice.commit(n, memory).await;
            let (ours, theirs) = (store.commit(&made).await, memory.commit(&made).await);
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => {
                    assert_eq!(ours, theirs, "{made:?}");
                    seen.kept += 1;
                    past.push(made);
                }
                // Of several conditions that fail any may be named.
                (Err(ours), Err(theirs)) => {
                    assert_eq!(
                        matches!(ours, CommitError::Port(_)),
                        matches!(theirs, CommitError::Port(_)),
                        "{ours:?} {theirs:?} {made:?}"
                    );
                    assert_ne!(*ours, CommitError::Unknown);
                    match ours {
                        CommitError::Duplicate(_) => seen.duplicate += 1,
                        CommitError::Exhausted(_) => seen.exhausted += 1,
                        CommitError::Conflict | CommitError::Unknown | CommitError::Port(_) => {
                            seen.conflict += 1;
                        }
                    }
                }
                _ => panic!("{ours:?} but in memory {theirs:?} of {made:?}"),
            }
        }
    }
}

#[test]
fn random_calls_are_answered_as_by_the_store_in_memory() {
    in_database("random_calls_are_answered_as_by_the_store_in_memory", async |database| {
        let store = database.migrated().await;
        let start =
            std::env::var("PORTCULLIS_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
        println!("seed {start}");
        let (mut dice, memory) = (Dice(start), MemoryStore::new());
        let (mut past, mut seen) = (Vec::new(), Seen::default());
        for n in 1..=1500 {
            one_call(&mut dice, n, &memory, &store, &mut past, &mut seen).await;
            if n % 10 == 0 {
                assert_eq!(store.contents().await.unwrap().to_string(), memory.dump(), "after call {n}");
            }
        }
        let Seen { kept, conflict, duplicate, exhausted, again } = seen;
        for (count, at_least) in [(kept, 100), (conflict, 100), (duplicate, 20), (exhausted, 20), (again, 50)]
        {
            assert!(count >= at_least, "the calls were too tame: {seen:?}");
        }
    });
}

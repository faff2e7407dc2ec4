//! Random calls, made on this store and on the reference in memory, give the same answers and the same contents.

use crate::common::{File, at, block, event, id, record};
use portcullis::audit::AuditEvent;
use portcullis::id::CommitId;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{
    Commit, CommitError, Count, Counter, CounterOp, Delete, Expect, Guard, Key, Kind, Lane, Page, Purge, Put,
    Read, Record, Start, Store, TrailPage, Window,
};
use portcullis::testing::Dump;
use portcullis_sqlite::{SqliteOptions, SqliteStore, Synchronous};
use uuid::Uuid;

/// A small generator: the same seed gives the same calls.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        let index = self.roll(of.len() as u64);
        of[usize::try_from(index).unwrap()].clone()
    }

    fn some<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(most + 1)).map(|_| make(self)).collect()
    }

    fn id(&mut self) -> Uuid {
        id(1 + self.roll(9))
    }

    fn key(&mut self) -> Key {
        let value = self.one_of(&["ann", "Ann", "bob", "zoë", "a'b\"c\\", "nul\0", "", "%_*"]);
        let kind = Kind::of(self.one_of(&["user", "session"]));
        if self.roll(3) == 0 {
            Key::unique(kind, "login", value)
        } else {
            Key::lookup(kind, self.one_of(&["user", "login"]), value)
        }
    }

    fn counter(&mut self) -> Counter {
        Counter::of(self.id(), self.one_of(&["guesses", "sends"]))
    }

    fn window(&mut self, now: i64) -> Window {
        match self.roll(3) {
            0 => Window::None,
            1 => Window::Rolling(chrono::TimeDelta::seconds(self.one_of(&[1, 30, 300]))),
            _ => Window::Until(at(now + self.one_of(&[-5, 0, 1, 60]))),
        }
    }

    fn op(&mut self, now: i64, ends: &[Option<chrono::DateTime<chrono::Utc>>]) -> CounterOp {
        let n = self.one_of(&[0, 1, 1, 1, 2, 5, u32::MAX]);
        match self.roll(8) {
            0 => CounterOp::Clear,
            1 => CounterOp::Below { limit: self.one_of(&[0, 1, 3, 9]), window: self.window(now) },
            2 => CounterOp::GiveBack { n, ends_at: self.one_of(ends) },
            _ => CounterOp::Add { n, limit: self.one_of(&[2, 5, 9, u32::MAX]), window: self.window(now) },
        }
    }

    fn record(&mut self, id: Uuid, now: i64) -> Record {
        Record {
            tenant: self.one_of(&[Uuid::nil(), crate::common::id(77)]),
            kind: Kind::of(self.one_of(&["user", "session"])),
            keys: self.some(3, Self::key),
            refs: self.some(3, Self::id),
            due: (self.roll(2) == 0)
                .then(|| (self.one_of(&Lane::ALL), at(now + self.one_of(&[-60, -1, 0, 1, 60])))),
            body: self.one_of(&["{\"v\":1}", "{\"v\":1,\"name\":\"zoë \\u0000 'x'\"}", "{}"]).to_owned(),
            id,
            ..record(1)
        }
    }
}

fn one_call(
    dice: &mut Dice,
    step: u64,
    now: i64,
    memory: &MemoryStore,
    sqlite: &SqliteStore,
    past: &mut Vec<Commit>,
) -> bool {
    let page = Page { after: (dice.roll(3) == 0).then(|| dice.id()), limit: dice.one_of(&[1, 2, 1000]) };
    match dice.roll(12) {
        0 => {
            let key = dice.key();
            assert_eq!(block(sqlite.list(&key, page)), block(memory.list(&key, page)));
        }
        1 => {
            let (lane, limit) = (dice.one_of(&Lane::ALL), dice.one_of(&[0, 1, 3, 100]));
            let until = at(now + dice.one_of(&[0, 5, 90]));
            let claimed = block(sqlite.claim(lane, at(now), until, limit));
            assert_eq!(claimed, block(memory.claim(lane, at(now), until, limit)));
        }
        2 => {
            let subject = dice.id();
            let newest = TrailPage::newest(page.after, page.limit);
            let page = if dice.roll(2) == 0 { page.into() } else { newest };
            assert_eq!(block(sqlite.audit(subject, page)), block(memory.audit(subject, page)));
        }
        3 if dice.roll(3) == 0 => {
            let (lane, most) = (dice.one_of(&Lane::ALL), dice.one_of(&[0, 2, 100]));
            let counted = block(sqlite.waiting(lane, at(now), most));
            assert_eq!(counted, block(memory.waiting(lane, at(now), most)));
        }
        3 => {
            let what = dice.one_of(&[Purge::Counters, Purge::Audit, Purge::Records]);
            let limit = if what == Purge::Records { dice.one_of(&[1, 2, 100]) } else { 1000 };
            let before = at(now - dice.one_of(&[0, 1, 20]));
            assert_eq!(block(sqlite.purge(what, before, limit)), block(memory.purge(what, before, limit)));
        }
        4 | 5 => {
            let starts =
                dice.some(
                    3,
                    |dice| {
                        if dice.roll(2) == 0 { Start::Id(dice.id()) } else { Start::Key(dice.key()) }
                    },
                );
            let read = Read { now: at(now), starts, subjects: dice.some(2, Dice::id) };
            assert_eq!(block(sqlite.read(&read)), block(memory.read(&read)));
        }
        6 if !past.is_empty() => {
            both(&dice.one_of(past), memory, sqlite);
        }
        _ => {
            let commit = any_commit(dice, step, now, memory);
            let kept = both(&commit, memory, sqlite);
            past.push(commit);
            return kept;
        }
    }
    false
}

fn any_commit(dice: &mut Dice, step: u64, now: i64, memory: &MemoryStore) -> Commit {
    let contents = block(memory.contents()).unwrap();
    let version = |dice: &mut Dice, id: Uuid| {
        let stored =
            contents.records.iter().find(|record| record.id == id).map_or(1, |record| record.version);
        if dice.roll(12) == 0 { stored + 1 } else { stored }
    };
    let mut ends: Vec<_> = contents.counters.iter().map(|(_, count)| count.ends_at).collect();
    ends.push(None);
    let mut ids: Vec<Uuid> = (1..=9).map(id).collect();
    let mut commit = Commit {
        id: CommitId::from_uuid(id(10_000 + step * 10)),
        now: at(now),
        puts: vec![],
        guards: vec![],
        deletes: vec![],
        counters: dice.some(4, |dice| (dice.counter(), dice.op(now, &ends))),
        audit: vec![],
    };
    for _ in 0..dice.roll(5) {
        let id = ids.swap_remove(usize::try_from(dice.roll(ids.len() as u64)).unwrap());
        let version = version(dice, id);
        match dice.roll(8) {
            0 => commit.guards.push(Guard { id, version }),
            1 => commit.deletes.push(Delete { id, version }),
            roll => {
                let is_there = contents.records.iter().any(|record| record.id == id);
                let expect = match roll {
                    2 => Expect::AbsentElseSkip { at: None },
                    3 => Expect::AbsentElseSkip { at: Some((dice.counter(), dice.one_of(&[0, 1, 3]))) },
                    _ if is_there => Expect::Version(version),
                    _ => Expect::Absent,
                };
                commit.puts.push(Put { record: dice.record(id, now), expect });
            }
        }
    }
    let events = dice.roll(3);
    for number in 0..events {
        let subject = dice.id();
        commit.audit.push(AuditEvent {
            at: at(now),
            actor: (dice.roll(2) == 0).then(|| dice.id()),
            reason: (dice.roll(2) == 0).then_some("because".into()),
            ..event(10_000 + step * 10 + number, subject)
        });
    }
    commit
}

/// Commits on both; says whether it was kept. Which of several refusals is named is left to the store.
fn both(commit: &Commit, memory: &MemoryStore, sqlite: &SqliteStore) -> bool {
    match (block(memory.commit(commit)), block(sqlite.commit(commit))) {
        (Ok(expected), Ok(counts)) => {
            assert_eq!(counts, expected, "{commit:#?}");
            true
        }
        (Err(expected), Err(error)) => {
            assert!(!matches!(error, CommitError::Port(_) | CommitError::Unknown), "{error} for {expected}");
            false
        }
        (expected, outcome) => panic!("{outcome:?} instead of {expected:?} for {commit:#?}"),
    }
}

#[test]
fn random_calls_give_the_same_answers_and_contents() {
    let rounds = std::env::var("PORTCULLIS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40);
    let mut kept = 0;
    for seed in 1..=rounds {
        println!("seed {seed}");
        let file = File::new();
        let sqlite = SqliteOptions::new().synchronous(Synchronous::Normal).readers(1).open(&file).unwrap();
        let memory = MemoryStore::new();
        let mut dice = Dice(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut past = Vec::new();
        let mut now = 0;
        for step in 0..60 {
            now += dice.one_of(&[0, 1, 1, 5, 40, -20]);
            kept += u64::from(one_call(&mut dice, step, now, &memory, &sqlite, &mut past));
            let contents = block(sqlite.contents()).unwrap().to_string();
            assert_eq!(contents, memory.dump(), "seed {seed}, step {step}");
        }
    }
    assert!(kept > rounds * 10, "only {kept} commits were kept in {rounds} rounds");
}

#[test]
fn everything_a_record_holds_comes_back() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let mut stored = record(5);
    stored.tenant = id(3);
    stored.keys = vec![
        Key::unique(Kind::of("user"), "login", "nul\0 'quote' \"double\" zoë \u{10ffff}"),
        Key::lookup(Kind::of("user"), "user", "5"),
    ];
    stored.refs = (100..164).map(id).collect();
    stored.due = Some((Lane::Timed, at(7) + chrono::TimeDelta::microseconds(123_457)));
    stored.body = format!("{{\"v\":1,\"text\":\"{}\"}}", "zoë".repeat(16_000));
    let puts = vec![Put { record: stored.clone(), expect: Expect::Absent }];
    let counters =
        vec![(Counter::of(id(5), "c"), CounterOp::Add { n: 1, limit: u32::MAX, window: Window::None })];
    block(store.commit(&Commit { puts, counters, ..crate::common::commit(1) })).unwrap();
    let starts = vec![Start::Key(stored.keys[0].clone())];
    let snapshot = block(store.read(&Read { now: at(0), starts, subjects: vec![] })).unwrap();
    assert_eq!(snapshot.found, [Some(id(5))]);
    assert_eq!(snapshot.records[&id(5)], stored);
    assert_eq!(snapshot.counters[&Counter::of(id(5), "c")], Count { value: 1, ends_at: None });
}

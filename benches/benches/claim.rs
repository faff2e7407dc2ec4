//! What it costs a worker to take what is due, beside few and beside many records that are not.
//!
//! `cargo bench -p portcullis-benches --bench claim`, with these set in the environment where wanted:
//!
//! - `MANY`: records that wait beside what is due, in the large file, by default 100000; the small one has 1000;
//! - `BLOCKS`: how often everything is measured, by turns, by default 7;
//! - `FOLDER`: where to put the files, by default beside the program, under `target`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::cell::Cell;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::id::{CommitId, uuid_v7};
use portcullis::port::ambient::{Clock, SystemClock};
use portcullis::port::store::{Commit, Expect, Key, Kind, Lane, Put, Record, Store};
use portcullis_benches::Fallible;
use portcullis_benches::files::{Folder, number};
use portcullis_benches::meter::{Block, Meter};
use portcullis_benches::turns::Turns;
use portcullis_sqlite::SqliteStore;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Records of the small file that are not due.
const FEW: u32 = 1000;
/// Records taken by one claim.
const DUE: u32 = 64;
/// Claims that find nothing, in one measurement.
const EMPTY: u32 = 200;
/// Records of one commit.
const AT_ONCE: u32 = 500;

/// A file with records that are not due.
struct Waiting {
    store: SqliteStore,
    next: Cell<u64>,
    now: DateTime<Utc>,
}

fn main() -> Fallible<()> {
    let many = number("MANY", 100_000)?;
    let blocks = number("BLOCKS", 7)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = Folder::new("claim")?;
    let few = Waiting::new(&runtime, &folder.file("few.db"), FEW)?;
    let large = Waiting::new(&runtime, &folder.file("many.db"), many)?;
    let mut turns = Turns::new();
    let sides = [(FEW, &few), (many, &large)];
    for (count, waiting) in sides {
        turns.add(named("64 due", count), |_| waiting.claim(&runtime));
        turns.add(named("none due", count), |_| waiting.nothing(&runtime));
    }
    turns.run(blocks)?;
    println!("{blocks} turns, one claim of {DUE} and {EMPTY} of nothing in each; medians\n");
    turns.print();
    println!();
    for what in ["64 due", "none due"] {
        turns.ratio(&named(what, FEW), &named(what, many));
    }
    Ok(())
}

fn named(what: &str, count: u32) -> String {
    format!("{what} beside {count}")
}

impl Waiting {
    fn new(runtime: &Runtime, path: &Path, count: u32) -> Fallible<Self> {
        let waiting =
            Self { store: SqliteStore::open(path)?, next: Cell::new(0), now: SystemClock::default().now() };
        let mut left = count;
        while left > 0 {
            let these = left.min(AT_ONCE);
            waiting.add(runtime, these, waiting.now + TimeDelta::days(100))?;
            left -= these;
        }
        Ok(waiting)
    }

    fn id(&self) -> Uuid {
        let number = self.next.get();
        self.next.set(number + 1);
        let mut random = [0; 10];
        random.iter_mut().skip(2).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        uuid_v7(self.now, random)
    }

    fn add(&self, runtime: &Runtime, count: u32, due: DateTime<Utc>) -> Fallible<()> {
        let kind = Kind::of("message");
        let puts = (0..count).map(|_| {
            let id = self.id();
            let record = Record {
                tenant: Uuid::nil(),
                kind: kind.clone(),
                id,
                version: 0,
                keys: vec![Key::lookup(kind.clone(), "user", id.to_string())],
                refs: vec![Uuid::nil()],
                due: Some((Lane::Interactive, due)),
                body: format!(r#"{{"v":1,"filled":"{}"}}"#, "x".repeat(600)),
            };
            Put { record, expect: Expect::Absent }
        });
        let commit = Commit {
            id: CommitId::from_uuid(self.id()),
            now: self.now,
            puts: puts.collect(),
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        };
        runtime.block_on(self.store.commit(&commit)).map_err(|error| format!("{error:?}"))?;
        Ok(())
    }

    /// One claim of what is due. What it took is due again far later.
    fn claim(&self, runtime: &Runtime) -> Fallible<Block> {
        self.add(runtime, DUE, self.now)?;
        let meter = Meter::start();
        let until = self.now + TimeDelta::days(200);
        let claimed = runtime.block_on(self.store.claim(Lane::Interactive, self.now, until, DUE))?;
        let block = meter.stop(1);
        if claimed.len() == usize::try_from(DUE)? { Ok(block) } else { Err("not all were claimed".into()) }
    }

    fn nothing(&self, runtime: &Runtime) -> Fallible<Block> {
        let meter = Meter::start();
        runtime.block_on(async {
            for _ in 0..EMPTY {
                let claimed = self.store.claim(Lane::Interactive, self.now, self.now, DUE).await?;
                if !claimed.is_empty() {
                    return Err("something was due".into());
                }
            }
            Fallible::Ok(())
        })?;
        Ok(meter.stop(EMPTY))
    }
}

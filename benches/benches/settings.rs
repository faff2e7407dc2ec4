//! What the settings page costs: one read of the session with all that belongs to it, beside that read alone.
//!
//! `cargo bench -p portcullis-benches --bench settings`; `PAGES` says how many make a measurement, by default 2000;
//! `FOLDER` where the file goes.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::sync::Arc;

use portcullis::memory::MemoryStore;
use portcullis::port::store::{Read, Store};
use portcullis_benches::Fallible;
use portcullis_benches::files::{Folder, number};
use portcullis_benches::meter::Meter;
use portcullis_benches::ours::Ours;
use portcullis_benches::tape::{Call, Tape};
use portcullis_benches::turns::Turns;
use portcullis_sqlite::SqliteStore;
use tokio::runtime::Runtime;

fn main() -> Fallible<()> {
    let pages = number("PAGES", 2000)?;
    let blocks = number("BLOCKS", 7)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = Folder::new("settings")?;
    let mut turns = Turns::new();
    let memory = Arc::new(Tape::new(MemoryStore::new()));
    let file = Arc::new(Tape::new(SqliteStore::open(folder.file("settings.db"))?));
    add(&mut turns, &runtime, "memory", pages, &memory)?;
    add(&mut turns, &runtime, "SQLite", pages, &file)?;
    turns.run(blocks)?;
    println!("{blocks} turns of {pages}; medians\n");
    turns.print();
    println!();
    for store in ["memory", "SQLite"] {
        turns.ratio(&format!("{store}: the page"), &format!("{store}: its read alone"));
    }
    Ok(())
}

fn add<'a, S: Store>(
    turns: &mut Turns<'a>,
    runtime: &'a Runtime,
    name: &str,
    pages: u32,
    store: &Arc<Tape<S>>,
) -> Fallible<()> {
    let ours = runtime.block_on(Ours::new(Arc::clone(store) as Arc<dyn Store>, 1))?;
    let session = runtime.block_on(ours.session(0))?;
    store.take();
    runtime.block_on(ours.security().settings(session))?;
    let reads = store.take().into_iter().filter_map(|call| match call {
        Call::Read(read, _) => Some(read),
        Call::Commit(_) | _ => None,
    });
    let [read]: [Read; 1] =
        reads.collect::<Vec<_>>().try_into().map_err(|_| "the page takes other than one read")?;
    let alone = Arc::clone(store);
    turns.add(format!("{name}: its read alone"), move |_| {
        let meter = Meter::start();
        runtime.block_on(async {
            for _ in 0..pages {
                core::hint::black_box(alone.read(&read).await?);
            }
            Fallible::Ok(())
        })?;
        let block = meter.stop(pages);
        alone.take();
        Ok(block)
    });
    let taped = Arc::clone(store);
    turns.add(format!("{name}: the page"), move |_| {
        let meter = Meter::start();
        runtime.block_on(async {
            for _ in 0..pages {
                core::hint::black_box(ours.security().settings(session).await?);
            }
            Fallible::Ok(())
        })?;
        let block = meter.stop(pages);
        taped.take();
        Ok(block)
    });
    Ok(())
}

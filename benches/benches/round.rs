//! Rounds of a sign-in, the password and then the mailed code, beside the same rows written in bare SQL.
//!
//! `cargo bench -p portcullis-benches --bench round`, with these set in the environment where wanted:
//!
//! - `ROUNDS`: rounds of one measurement with one caller, by default 64; with more, each does as many as makes four times that;
//! - `BLOCKS`: how often everything is measured, by turns, by default 3;
//! - `CALLERS`: how many at once, by default `1,8,32,128`;
//! - `FOLDER`: where to put the files, by default beside the program, under `target`;
//! - `SYNC`: `full`, the default, or `normal`: how durable SQLite is, ours and bare;
//! - `PORTCULLIS_TEST_POSTGRES`: the server, as for the tests (`scripts/postgres`); without it PostgreSQL is skipped;
//! - `ONLY`: `core`, `bare`, `ours` or `postgres` measures that alone, once, for a profiler.
//!
//! Nothing is asserted about times: they are printed as medians, and as ratios of what was measured one right after the
//! other. Processor time is this process's, without a server's; it needs `/proc` with `schedstat`, elsewhere it is `n/a`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, mpsc};

use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis_benches::Fallible;
use portcullis_benches::bare::Bare;
use portcullis_benches::bare_postgres::BarePostgres;
use portcullis_benches::files::{Folder, number};
use portcullis_benches::meter::{Block, Meter};
use portcullis_benches::ours::{NoHash, Ours};
use portcullis_benches::script::{Script, scripts};
use portcullis_benches::turns::Turns;
use portcullis_postgres::PostgresStore;
use portcullis_sqlite::{SqliteOptions, SqliteStore, Synchronous};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

/// Rounds that fill the log of a file once.
const GROWING: u32 = 1024;

/// The file that bare SQL works on.
#[derive(Clone)]
struct Plain {
    path: PathBuf,
    scripts: Arc<Vec<Script>>,
    full: bool,
}

/// The database that bare SQL works on, with a connection for each caller.
#[derive(Clone)]
struct Served {
    clients: Arc<Vec<BarePostgres>>,
    scripts: Arc<Vec<Script>>,
}

fn main() -> Fallible<()> {
    let rounds = number("ROUNDS", 64)?;
    let blocks = number("BLOCKS", 3)?;
    let callers = callers()?;
    let most = callers.iter().copied().max().unwrap_or(1);
    let full = std::env::var("SYNC").unwrap_or_default() != "normal";
    let only = std::env::var("ONLY").unwrap_or_default();
    let workers = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2);
        builder
    };
    // Whoever waits for no socket wakes his workers without one, too.
    let runtime = workers().build()?;
    let wired = workers().enable_all().build()?;
    let folder = Folder::new("round")?;

    let core = Arc::new(runtime.block_on(Ours::new(Arc::new(MemoryStore::new()), most))?);
    let bald = runtime.block_on(Ours::with(Arc::new(MemoryStore::new()), 1, NoHash::shared()))?;
    let bald = Arc::new(bald);
    let options =
        SqliteOptions::new().synchronous(if full { Synchronous::Full } else { Synchronous::Normal });
    let store = Arc::new(options.open(folder.file("ours.db"))?);
    let ours = Arc::new(runtime.block_on(Ours::new(Arc::clone(&store) as _, most))?);
    let path = folder.file("bare.db");
    let scripts = runtime.block_on(scripts(SqliteStore::open(&path)?, most))?;
    let plain = Plain { path, scripts: Arc::new(scripts), full };
    if !only.is_empty() && only != "postgres" {
        return alone(&only, rounds, &runtime, &[core, bald, ours], &plain);
    }
    let postgres = postgres(&wired, most)?;
    if only == "postgres" {
        let Some((ours, _, _)) = &postgres else { return Ok(()) };
        show(&only, ours_by(&wired, ours, 1, rounds)?);
        return Ok(());
    }

    let before = (store.statements(), store.transactions());
    ours_by(&runtime, &ours, 1, 1)?;
    let (statements, commits) = (store.statements() - before.0, store.transactions() - before.1);
    let rows = plain.scripts.first().map_or(0, Script::rows);
    println!("a round on SQLite: {statements} statements, {commits} commits, {rows} rows");

    // Keeps the log of the bare file between the blocks, as the store keeps its own; and lets both logs grow to the
    // size they stay at, since a file that grows takes longer to sync.
    let _open = Bare::open(&plain.path, full)?;
    grouped_by(&plain, most.min(32), GROWING, u32::MAX)?;
    ours_by(&runtime, &ours, most.min(32), GROWING)?;

    let mut turns = Turns::new();
    turns.add("memory without hash, 1", |_| ours_by(&runtime, &bald, 1, 16 * rounds));
    for &many in &callers {
        let share = if many == 1 { rounds } else { 4 * rounds };
        let (runtime, wired, core, ours, plain) = (&runtime, &wired, &core, &ours, &plain);
        turns.add(named("memory", many), move |_| ours_by(runtime, core, many, 16 * rounds));
        turns.add(named("SQLite bare", many), move |turn| bare_by(plain, many, rounds, turn));
        turns.add(named("SQLite ours", many), move |_| ours_by(runtime, ours, many, share));
        if many > 1 {
            turns.add(named("SQLite bare, one writer", many), move |turn| {
                grouped_by(plain, many, share, turn)
            });
        }
        if let Some((ours, served, _)) = &postgres {
            turns
                .add(named("PostgreSQL bare", many), move |turn| served_by(wired, served, many, share, turn));
            turns.add(named("PostgreSQL ours", many), move |_| ours_by(wired, ours, many, share));
        }
    }
    turns.run(blocks)?;
    println!("{blocks} turns, durability {}; medians\n", if full { "FULL" } else { "NORMAL" });
    turns.print();
    println!();
    for &many in &callers {
        turns.ratio(&named("SQLite ours", many), &named("SQLite bare", many));
        turns.ratio(&named("SQLite ours", many), &named("SQLite bare, one writer", many));
        turns.ratio(&named("PostgreSQL ours", many), &named("PostgreSQL bare", many));
    }
    for &many in callers.iter().filter(|many| **many > 1) {
        for what in ["memory", "SQLite ours", "PostgreSQL ours"] {
            turns.ratio(&named(what, many), &named(what, 1));
        }
    }
    drop(turns);
    if let Some((_, _, base)) = postgres {
        wired.block_on(base.gone())?;
    }
    Ok(())
}

fn named(what: &str, callers: usize) -> String {
    format!("{what}, {callers}")
}

fn callers() -> Fallible<Vec<usize>> {
    let text = std::env::var("CALLERS").unwrap_or_else(|_| "1,8,32,128".to_owned());
    Ok(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

/// Runs one of the measurements alone, for a profiler.
fn alone(only: &str, rounds: u32, runtime: &Runtime, ours: &[Arc<Ours>; 3], plain: &Plain) -> Fallible<()> {
    let [core, bald, sqlite] = ours;
    let block = match only {
        "bare" => bare_by(plain, 1, rounds, 0)?,
        "ours" => ours_by(runtime, sqlite, 1, rounds)?,
        "ours-many" => ours_by(runtime, sqlite, 32, rounds)?,
        "core" => ours_by(runtime, core, 1, rounds)?,
        "no-hash" => ours_by(runtime, bald, 1, rounds)?,
        _ => return Err("ONLY is one of bare, ours, ours-many, core, no-hash, postgres".into()),
    };
    show(only, block);
    Ok(())
}

fn show(only: &str, block: Block) {
    let cpu = block.cpu_micros().map_or_else(|| "n/a".to_owned(), |cpu| format!("{cpu:.0}"));
    println!("{only}: {:.0} rounds/s, {cpu} us of processor each", block.rate());
}

/// How many rounds each of so many callers does, so that together they do about the number asked for.
fn share(rounds: u32, callers: usize) -> Fallible<u32> {
    Ok((rounds / u32::try_from(callers)?).max(1))
}

fn ours_by(runtime: &Runtime, ours: &Arc<Ours>, callers: usize, rounds: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    let meter = Meter::start();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let ours = Arc::clone(ours);
                tokio::spawn(async move {
                    for _ in 0..share {
                        ours.round(caller).await?;
                    }
                    Fallible::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Fallible::Ok(())
    })?;
    Ok(meter.stop(share * u32::try_from(callers)?))
}

fn served_by(runtime: &Runtime, served: &Served, callers: usize, rounds: u32, turn: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    let meter = Meter::start();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (served, seed) =
                    (served.clone(), (u64::from(turn) << 32) | u64::try_from(caller).unwrap_or(0));
                tokio::spawn(async move {
                    let (Some(client), Some(script)) =
                        (served.clients.get(caller), served.scripts.get(caller))
                    else {
                        return Err("there is no such caller".into());
                    };
                    client.rounds(script, share, seed).await
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Fallible::Ok(())
    })?;
    Ok(meter.stop(share * u32::try_from(callers)?))
}

/// Two databases on the server, dropped when the run ends.
struct Base {
    server: String,
    names: [String; 2],
}

impl Base {
    async fn gone(self) -> Fallible<()> {
        let (client, connection) = tokio_postgres::connect(&self.server, NoTls).await?;
        tokio::spawn(connection);
        for name in &self.names {
            client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }
}

/// Ours and bare on PostgreSQL, or a word why not.
fn postgres(runtime: &Runtime, callers: usize) -> Fallible<Option<(Arc<Ours>, Served, Base)>> {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        println!("skipped: PostgreSQL: PORTCULLIS_TEST_POSTGRES is not set");
        return Ok(None);
    };
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server, NoTls).await?;
        tokio::spawn(connection);
        let names = ["ours", "bare"].map(|name| format!("portcullis_bench_{}_{name}", std::process::id()));
        let (host, _) = server.rsplit_once('/').ok_or("the server's URL names no database")?;
        let [ours, bare] = names.each_ref().map(|name| format!("{host}/{name}"));
        for name in &names {
            client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        }
        let store = PostgresStore::connect(&ours).await?;
        store.migrate().await?;
        let ours = Ours::new(Arc::new(store) as Arc<dyn Store>, callers).await?;
        let store = PostgresStore::connect(&bare).await?;
        store.migrate().await?;
        let scripts = scripts(store, callers).await?;
        let mut clients = Vec::with_capacity(callers);
        for _ in 0..callers {
            clients.push(BarePostgres::connect(&bare).await?);
        }
        let bare = Served { clients: Arc::new(clients), scripts: Arc::new(scripts) };
        Ok(Some((Arc::new(ours), bare, Base { server: server.clone(), names })))
    })
}

fn bare_by(plain: &Plain, callers: usize, rounds: u32, turn: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    in_threads(plain, callers, share, turn, |bare, script, seed| bare.rounds(script, share, seed))
}

fn grouped_by(plain: &Plain, callers: usize, rounds: u32, turn: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    let (writer, handed) = mpsc::channel();
    let bare = Bare::open(&plain.path, plain.full)?;
    let (end, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || {
            let served = bare.serve(&handed);
            // Lives until the meter has looked at it.
            ended.recv().ok();
            served
        });
        let block = in_threads(plain, callers, share, turn, |bare, script, seed| {
            bare.rounds_by(&writer, script, share, seed)
        });
        drop((writer, end));
        serving.join().map_err(|_| "the writer is gone")??;
        block
    })
}

/// Runs a thread with its own connection for each caller. What opens and closes them is not measured.
fn in_threads(
    plain: &Plain,
    callers: usize,
    share: u32,
    turn: u32,
    work: impl Fn(&Bare, &Script, u64) -> Fallible<()> + Sync,
) -> Fallible<Block> {
    let open = |path: &Path| Bare::open(path, plain.full);
    let callers = plain
        .scripts
        .iter()
        .take(callers)
        .map(|script| Ok((script, open(&plain.path)?)))
        .collect::<Fallible<Vec<_>>>()?;
    let rounds = share * u32::try_from(callers.len())?;
    let gate = Barrier::new(callers.len() + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0_u64..)
            .zip(callers)
            .map(|(caller, (script, bare))| {
                let (gate, work) = (&gate, &work);
                scope.spawn(move || {
                    gate.wait();
                    let worked = work(&bare, script, (u64::from(turn) << 32) | caller);
                    gate.wait();
                    gate.wait();
                    worked
                })
            })
            .collect();
        let meter = Meter::start();
        gate.wait();
        gate.wait();
        let block = meter.stop(rounds);
        gate.wait();
        for thread in threads {
            thread.join().map_err(|_| "a caller panicked")??;
        }
        Ok(block)
    })
}

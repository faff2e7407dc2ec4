//! Rounds of a sign-in, the password and then the mailed code, beside the same rows written in bare SQL.
//!
//! `cargo bench -p portcullis-benches --bench round`, with these set in the environment where wanted:
//!
//! - `ROUNDS`: rounds of one measurement, by default 64;
//! - `BLOCKS`: how often everything is measured, by turns, by default 7;
//! - `FOLDER`: where to put the files, by default beside the program, under `target`;
//! - `ONLY`: `bare`, `ours`, `ours-many` or `core` measures that alone, once, for a profiler.
//!
//! Nothing is asserted about times: they are printed as medians, and as ratios of what was measured one right after the
//! other. Processor time needs `/proc` with `schedstat`; elsewhere it is `n/a`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, mpsc};

use portcullis::memory::MemoryStore;
use portcullis_benches::Fallible;
use portcullis_benches::bare::Bare;
use portcullis_benches::meter::{Block, Meter, median};
use portcullis_benches::ours::Ours;
use portcullis_benches::script::{Script, scripts};
use portcullis_sqlite::SqliteStore;
use tokio::runtime::Runtime;

/// Callers at once, in the crowded case.
const MANY: usize = 32;

/// Rounds that fill the log of a file once.
const GROWING: u32 = 1024;

/// Everything measured once, one right after the other.
struct Turn {
    bare: Block,
    ours: Block,
    bare_many: Block,
    grouped_many: Block,
    ours_many: Block,
    core: Block,
}

/// The files of a run, removed when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Fallible<Self> {
        let exe = std::env::current_exe()?;
        let beside = exe.parent().unwrap_or_else(|| Path::new("."));
        let within = std::env::var_os("FOLDER").map_or_else(|| beside.to_owned(), PathBuf::from);
        let folder = within.join(format!("round-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn main() -> Fallible<()> {
    let rounds = number("ROUNDS", 64)?.max(1);
    let blocks = number("BLOCKS", 7)?.max(1);
    let only = std::env::var("ONLY").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = Folder::new()?;

    let core = Arc::new(runtime.block_on(Ours::new(Arc::new(MemoryStore::new()), 1))?);
    let store = Arc::new(SqliteStore::open(folder.0.join("ours.db"))?);
    let ours = Arc::new(runtime.block_on(Ours::new(Arc::clone(&store) as _, MANY))?);
    let path = folder.0.join("bare.db");
    let scripts = runtime.block_on(scripts(&path, MANY))?;
    if !only.is_empty() {
        return repeat(&only, rounds, &runtime, &core, &ours, &path, &scripts);
    }

    let before = (store.statements(), store.transactions());
    ours_by(&runtime, &ours, 1, 1)?;
    let cost = (store.statements() - before.0, store.transactions() - before.1);

    // Keeps the log of the bare file between the blocks, as the store keeps its own; and lets both logs grow to the
    // size they stay at, since a file that grows takes longer to sync.
    let _open = Bare::open(&path)?;
    grouped_by(&path, &scripts, MANY, GROWING, u32::MAX)?;
    ours_by(&runtime, &ours, MANY, GROWING)?;
    let mut turns = Vec::new();
    for turn in 0..=blocks {
        // By turns the one and the other comes first, so that what the disk or the machine does between them evens out.
        let mut bare = None;
        if turn % 2 == 0 {
            bare = Some(bare_by(&path, &scripts, 1, rounds, turn)?);
        }
        let ours_one = ours_by(&runtime, &ours, 1, rounds)?;
        let measured = Turn {
            bare: bare.map_or_else(|| bare_by(&path, &scripts, 1, rounds, turn), Ok)?,
            ours: ours_one,
            bare_many: bare_by(&path, &scripts, MANY, rounds, turn)?,
            grouped_many: grouped_by(&path, &scripts, MANY, 4 * rounds, turn)?,
            ours_many: ours_by(&runtime, &ours, MANY, 4 * rounds)?,
            core: ours_by(&runtime, &core, 1, 16 * rounds)?,
        };
        // The first turn only warms caches.
        if turn > 0 {
            turns.push(measured);
        }
    }
    println!("a round: {} statements, {} commits, {} rows", cost.0, cost.1, rows(&scripts));
    println!("{blocks} turns of {rounds} rounds, durability FULL; medians\n");
    print(&turns);
    Ok(())
}

fn rows(scripts: &[Script]) -> usize {
    scripts.first().map_or(0, Script::rows)
}

/// Runs one of the measurements alone, for a profiler.
fn repeat(
    only: &str,
    rounds: u32,
    runtime: &Runtime,
    core: &Arc<Ours>,
    ours: &Arc<Ours>,
    path: &Path,
    scripts: &[Script],
) -> Fallible<()> {
    let block = match only {
        "bare" => bare_by(path, scripts, 1, rounds, 0)?,
        "ours" => ours_by(runtime, ours, 1, rounds)?,
        "ours-many" => ours_by(runtime, ours, MANY, rounds)?,
        "core" => ours_by(runtime, core, 1, rounds)?,
        _ => return Err("ONLY is one of bare, ours, ours-many, core".into()),
    };
    println!("{only}: {:.0} rounds/s, {} us of processor each", block.rate(), shown(block.cpu_micros()));
    Ok(())
}

fn print(turns: &[Turn]) {
    let line = |name: &str, of: &dyn Fn(&Turn) -> Block| {
        let rate = median(turns.iter().map(|turn| of(turn).rate()));
        let cpu = cpu_median(turns.iter().map(|turn| of(turn).cpu_micros()));
        println!("{name:<40} {rate:>9.0} {:>12}", shown(cpu));
    };
    println!("{:<40} {:>9} {:>12}", "", "rounds/s", "CPU us/round");
    line("bare, 1 caller", &|turn| turn.bare);
    line("ours, 1 caller", &|turn| turn.ours);
    line("bare, 32 threads, a commit each", &|turn| turn.bare_many);
    line("bare, 32 threads, one writer groups", &|turn| turn.grouped_many);
    line("ours, 32 callers", &|turn| turn.ours_many);
    line("ours in memory, 1 caller", &|turn| turn.core);

    let ratio = |name: &str, over: &dyn Fn(&Turn) -> Block, under: &dyn Fn(&Turn) -> Block| {
        let rates: Vec<f64> = turns.iter().map(|turn| over(turn).rate() / under(turn).rate()).collect();
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rates.iter().copied().fold(0.0, f64::max);
        let rate = median(rates);
        let cpu =
            cpu_median(turns.iter().map(|turn| Some(over(turn).cpu_micros()? / under(turn).cpu_micros()?)));
        let cpu = cpu.map_or_else(|| "n/a".to_owned(), |cpu| format!("{cpu:.2}"));
        println!("{name:<40} {rate:>9.2} {low:>9.2} {high:>9.2} {cpu:>9}");
    };
    println!("\n{:<40} {:>9} {:>9} {:>9} {:>9}", "", "rate", "lowest", "highest", "CPU");
    ratio("ours / bare, 1 caller", &|turn| turn.ours, &|turn| turn.bare);
    ratio("ours, 32 callers / 1 caller", &|turn| turn.ours_many, &|turn| turn.ours);
    ratio("ours / bare, 32", &|turn| turn.ours_many, &|turn| turn.bare_many);
    ratio("ours / bare with one writer, 32", &|turn| turn.ours_many, &|turn| turn.grouped_many);
}

fn cpu_median(numbers: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    numbers.collect::<Option<Vec<f64>>>().map(median)
}

fn shown(micros: Option<f64>) -> String {
    micros.map_or_else(|| "n/a".to_owned(), |micros| format!("{micros:.0}"))
}

fn number(name: &str, default: u32) -> Fallible<u32> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse()?),
        Err(_) => Ok(default),
    }
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

fn bare_by(path: &Path, scripts: &[Script], callers: usize, rounds: u32, turn: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    in_threads(path, scripts.iter().take(callers), share, turn, |bare, script, seed| {
        bare.rounds(script, share, seed)
    })
}

fn grouped_by(path: &Path, scripts: &[Script], callers: usize, rounds: u32, turn: u32) -> Fallible<Block> {
    let share = share(rounds, callers)?;
    let (writer, handed) = mpsc::channel();
    let bare = Bare::open(path)?;
    let (end, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || {
            let served = bare.serve(&handed);
            // Lives until the meter has looked at it.
            ended.recv().ok();
            served
        });
        let block = in_threads(path, scripts.iter().take(callers), share, turn, |bare, script, seed| {
            bare.rounds_by(&writer, script, share, seed)
        });
        drop((writer, end));
        serving.join().map_err(|_| "the writer is gone")??;
        block
    })
}

/// Runs a thread with its own connection for each script. What opens and closes them is not measured.
fn in_threads<'a>(
    path: &Path,
    scripts: impl Iterator<Item = &'a Script>,
    share: u32,
    turn: u32,
    work: impl Fn(&Bare, &Script, u64) -> Fallible<()> + Sync,
) -> Fallible<Block> {
    let callers = scripts.map(|script| Ok((script, Bare::open(path)?))).collect::<Fallible<Vec<_>>>()?;
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

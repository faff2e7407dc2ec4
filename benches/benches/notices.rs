//! The worker beside so many accounts whose time has not come: a pass in which a hundred accounts are due to be looked
//! through and their readers mailed, and one with nothing to do.
//!
//! `cargo bench -p portcullis-benches --bench notices`, with these set in the environment where wanted:
//!
//! - `MANY`: accounts in the large file, by default 100000; the small one has 1000;
//! - `BLOCKS`: how often everything is measured, by turns, by default 5;
//! - `FOLDER`: where to put the files, by default beside the program, under `target`.
//!
//! Nothing is asserted about times: they are printed as medians, and as ratios of what was measured one right after the
//! other. Processor time needs `/proc` with `schedstat`, memory `/proc` with `clear_refs`; elsewhere it is `n/a`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::Path;
use std::sync::Arc;

use portcullis_benches::Fallible;
use portcullis_benches::crowd::Crowd;
use portcullis_benches::files::{Folder, number};
use portcullis_benches::meter::{Block, Meter, forget_peak, median, memory};
use portcullis_sqlite::SqliteStore;
use tokio::runtime::Runtime;

/// Accounts in the small file.
const FEW: u32 = 1000;
/// Accounts due in a pass, each with a message.
const DUE: u32 = 100;
/// Passes with nothing due, in one block.
const TICKS: u32 = 200;

/// A file and what works on it.
struct Side {
    store: Arc<SqliteStore>,
    crowd: Crowd,
}

/// What one file cost in one turn.
#[derive(Clone, Copy)]
struct Cost {
    tick: Block,
    pass: Block,
    /// Statements of one pass with nothing due, and of one with messages due.
    statements: (u64, u64),
    /// How far the memory rose above what there was before, in KiB: with nothing due, and with messages due.
    rose: (Option<u64>, Option<u64>),
}

fn main() -> Fallible<()> {
    let many = number("MANY", 100_000)?;
    let blocks = number("BLOCKS", 5)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = Folder::new("notices")?;
    let mut few = side(&runtime, &folder.file("few.db"), FEW)?;
    let mut large = side(&runtime, &folder.file("many.db"), many)?;
    let mut turns = Vec::new();
    for turn in 0..=blocks {
        // By turns the one and the other comes first, so that what the disk or the machine does between them evens out.
        let (small, big) = if turn % 2 == 0 {
            let small = cost(&runtime, &mut few)?;
            (small, cost(&runtime, &mut large)?)
        } else {
            let big = cost(&runtime, &mut large)?;
            (cost(&runtime, &mut few)?, big)
        };
        // The first turn only warms caches, and purges.
        if turn > 0 {
            turns.push((small, big));
        }
    }
    print(&turns, many);
    Ok(())
}

fn side(runtime: &Runtime, path: &Path, accounts: u32) -> Fallible<Side> {
    let store = Arc::new(SqliteStore::open(path)?);
    let meter = Meter::start();
    let crowd = runtime.block_on(Crowd::new(Arc::clone(&store) as _, accounts))?;
    println!(
        "{accounts} accounts with a user and a look each, after {:.0} s",
        meter.stop(1).wall.as_secs_f64()
    );
    Ok(Side { store, crowd })
}

fn cost(runtime: &Runtime, side: &mut Side) -> Fallible<Cost> {
    runtime.block_on(side.crowd.leave(DUE))?;
    let before = side.store.statements();
    let level = level();
    let meter = Meter::start();
    let sent = runtime.block_on(side.crowd.pass())?;
    let pass = meter.stop(1);
    let in_pass = side.store.statements() - before;
    let in_pass = (in_pass, rise(level));
    if sent != DUE {
        return Err(format!("{sent} of {DUE} were sent").into());
    }
    let before = side.store.statements();
    let level = self::level();
    let meter = Meter::start();
    runtime.block_on(async {
        for _ in 0..TICKS {
            side.crowd.pass().await?;
        }
        Fallible::Ok(())
    })?;
    let tick = meter.stop(TICKS);
    let in_tick = (side.store.statements() - before) / u64::from(TICKS);
    Ok(Cost { tick, pass, statements: (in_tick, in_pass.0), rose: (rise(level), in_pass.1) })
}

/// The memory of the process; its peak begins anew.
fn level() -> Option<u64> {
    forget_peak();
    memory().map(|(now, _)| now)
}

/// How far the memory has risen above a level since.
fn rise(level: Option<u64>) -> Option<u64> {
    memory().zip(level).map(|((_, peak), level)| peak.saturating_sub(level))
}

fn print(turns: &[(Cost, Cost)], many: u32) {
    if let Some((small, big)) = turns.last() {
        println!("statements of an empty pass: {} and {}", small.statements.0, big.statements.0);
        println!("statements of a pass with {DUE} due: {} and {}", small.statements.1, big.statements.1);
    }
    println!("{} turns, durability FULL; medians\n", turns.len());
    println!("{:<40} {:>12} {:>12}", "", "wall us", "CPU us");
    let line = |name: String, of: &dyn Fn(&(Cost, Cost)) -> Block| {
        let wall = median(turns.iter().map(|turn| wall(of(turn))));
        println!("{name:<40} {wall:>12.0} {:>12}", shown(cpu(turns, |turn| of(turn).cpu_micros()), 0));
    };
    line(format!("an empty pass, {FEW} accounts"), &|turn| turn.0.tick);
    line(format!("an empty pass, {many} accounts"), &|turn| turn.1.tick);
    line(format!("{DUE} due, {FEW} accounts"), &|turn| turn.0.pass);
    line(format!("{DUE} due, {many} accounts"), &|turn| turn.1.pass);
    println!("\n{:<40} {:>9} {:>9} {:>9} {:>9}", "many / few", "wall", "lowest", "highest", "CPU");
    let ratio = |name: &str, of: &dyn Fn(&Cost) -> Block| {
        let walls: Vec<f64> = turns.iter().map(|(small, big)| wall(of(big)) / wall(of(small))).collect();
        let low = walls.iter().copied().fold(f64::INFINITY, f64::min);
        let high = walls.iter().copied().fold(0.0, f64::max);
        let cpu = cpu(turns, |(small, big)| Some(of(big).cpu_micros()? / of(small).cpu_micros()?));
        println!("{name:<40} {:>9.2} {low:>9.2} {high:>9.2} {:>9}", median(walls), shown(cpu, 2));
    };
    ratio("an empty pass", &|cost| cost.tick);
    ratio("a pass with messages due", &|cost| cost.pass);
    println!("\n{:<40} {:>9} {:>9}", "memory rose by KiB, median and most", FEW, many);
    let rose = |name: &str, of: &dyn Fn(&Cost) -> Option<u64>| {
        let small = rose(turns.iter().map(|(small, _)| of(small)));
        let big = rose(turns.iter().map(|(_, big)| of(big)));
        println!("{name:<40} {small:>9} {big:>9}");
    };
    rose("an empty pass", &|cost| cost.rose.0);
    rose("a pass with messages due", &|cost| cost.rose.1);
    if let Some((resident, _)) = memory() {
        println!("resident at the end: {resident} KiB");
    }
}

fn rose(all: impl Iterator<Item = Option<u64>>) -> String {
    let Some(mut all) = all.collect::<Option<Vec<u64>>>() else { return "n/a".to_owned() };
    all.sort_unstable();
    let most = all.last().copied().unwrap_or(0);
    let middle = all.get(all.len() / 2).copied().unwrap_or(0);
    format!("{middle}/{most}")
}

fn wall(block: Block) -> f64 {
    1e6 / block.rate()
}

fn cpu(turns: &[(Cost, Cost)], of: impl Fn(&(Cost, Cost)) -> Option<f64>) -> Option<f64> {
    turns.iter().map(of).collect::<Option<Vec<f64>>>().map(median)
}

fn shown(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "n/a".to_owned(), |number| format!("{number:.digits$}"))
}

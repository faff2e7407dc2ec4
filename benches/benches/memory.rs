//! How much memory a process takes that does round after round.
//!
//! `cargo bench -p portcullis-benches --bench memory`, with these set in the environment where wanted:
//!
//! - `ROUNDS`: rounds in all, by default 10000; it prints the resident memory at each tenfold from 1000 on;
//! - `FOLDER`: where to put the file, by default beside the program, under `target`.
//!
//! SQLite at durability NORMAL, four callers. A pool of one thread at the least cost a host may choose has hashed and
//! stays there, so its memory counts; the rounds themselves use the cheap one of the tests.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::sync::Arc;

use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::port::hasher::PasswordHasher;
use portcullis::secret::Password;
use portcullis_benches::Fallible;
use portcullis_benches::files::{Folder, number};
use portcullis_benches::meter::memory;
use portcullis_benches::ours::Ours;
use portcullis_sqlite::{SqliteOptions, Synchronous};

const CALLERS: usize = 4;
const STEP: u32 = 1000;

fn main() -> Fallible<()> {
    let rounds = number("ROUNDS", 10_000)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let folder = Folder::new("memory")?;
    let pool = HashPool::new(HashCost::FLOOR, 1, 100)?;
    let password = Password::parse("correct horse".to_owned(), "password")?;
    runtime.block_on(pool.hash(&password, [7; 16]))?;
    let store = SqliteOptions::new().synchronous(Synchronous::Normal).open(folder.file("memory.db"))?;
    let ours = Arc::new(runtime.block_on(Ours::new(Arc::new(store), CALLERS))?);
    let (mut done, mut next, mut first) = (0, STEP, None);
    while done < rounds {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let ours = Arc::clone(&ours);
                    tokio::spawn(async move {
                        for _ in 0..STEP / u32::try_from(CALLERS)? {
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
        done += STEP;
        if done == next {
            next *= 10;
            let Some((now, peak)) = memory() else {
                println!("n/a: this system does not tell");
                return Ok(());
            };
            let first = *first.get_or_insert(now);
            let hundredths = 100 * now / first;
            println!(
                "after {done:>7} rounds: {now} KiB, {peak} at the peak, {}.{:02} times the first",
                hundredths / 100,
                hundredths % 100
            );
        }
    }
    Ok(())
}

//! What one password costs: the pool beside the crate that hashes, with memory reused and with memory taken each time.
//!
//! `cargo bench -p portcullis-benches --bench hash`, with these set in the environment where wanted:
//!
//! - `HASHES`: hashes of one measurement, by default 8;
//! - `BLOCKS`: how often everything is measured, by turns, by default 7.
//!
//! With `--features simd-argon2` the pool hashes with `argon2-rust`. Page faults are counted over the whole process.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::cell::Cell;

use argon2::{Algorithm, Argon2, Block as Words, Params, Version};
use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::port::hasher::PasswordHasher;
use portcullis::secret::Password;
use portcullis_benches::Fallible;
use portcullis_benches::files::number;
use portcullis_benches::meter::{Meter, memory};
use portcullis_benches::turns::Turns;
use tokio::runtime::Runtime;

const PASSWORD: &str = "correct horse battery staple";
const SALT: [u8; 16] = [7; 16];

fn main() -> Fallible<()> {
    let hashes = number("HASHES", 8)?;
    let blocks = number("BLOCKS", 7)?;
    let before = memory();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let HashCost { memory_kib, passes, lanes, .. } = HashCost::FLOOR;
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let portable = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let password = Password::parse(PASSWORD.to_owned(), "password")?;
    let one = HashPool::new(HashCost::FLOOR, 1, 100)?;
    let two = HashPool::new(HashCost::FLOOR, 2, 100)?;
    let mut words = vec![Words::new(); usize::try_from(memory_kib)?];
    let names = ["portable crate, memory reused", "pool of one thread", "pool of two threads"];
    let [reused, pool, pools] = names;
    let taken = "portable crate, memory taken each time";
    let simd = "argon2-rust, memory reused";
    let faults: [Cell<u64>; 3] = Default::default();

    let mut turns = Turns::new();
    turns.add(reused, |_| {
        counted(&faults[0], hashes, || {
            let mut tag = [0; 32];
            portable
                .hash_password_into_with_memory(PASSWORD.as_bytes(), &SALT, &mut tag, &mut words)
                .map_err(|error| error.to_string())?;
            Ok(())
        })
    });
    turns.add(taken, |_| {
        counted(&faults[1], hashes, || {
            let mut tag = [0; 32];
            portable
                .hash_password_into(PASSWORD.as_bytes(), &SALT, &mut tag)
                .map_err(|error| error.to_string())?;
            Ok(())
        })
    });
    turns.add(pool, |_| {
        counted(&faults[2], hashes, || {
            by(&runtime, &one, &password, 1);
            Ok(())
        })
    });
    turns.add(pools, |_| {
        let meter = Meter::start();
        by(&runtime, &two, &password, 2 * hashes);
        Ok(meter.stop(2 * hashes))
    });
    #[cfg(target_arch = "x86_64")]
    let mut wide = simd_hasher()?;
    #[cfg(target_arch = "x86_64")]
    turns.add(simd, move |_| {
        let meter = Meter::start();
        for _ in 0..hashes {
            wide.hash_into(PASSWORD.as_bytes(), &SALT, &mut [0; 32]).map_err(|error| error.to_string())?;
        }
        Ok(meter.stop(hashes))
    });
    turns.run(blocks)?;
    println!("19 MiB, two passes, one lane; {blocks} turns of {hashes}; medians\n");
    turns.print();
    println!();
    turns.ratio(pool, reused);
    turns.ratio(pools, pool);
    turns.ratio(reused, taken);
    turns.ratio(simd, reused);
    turns.ratio(pool, simd);
    for (name, faults) in [reused, taken, pool].iter().zip(&faults) {
        println!("{name}: {} page faults in the last turn", faults.get());
    }
    if let (Some((before, _)), Some((_, peak))) = (before, memory()) {
        println!("{before} KiB at first, {peak} KiB at the peak, with five memories of {memory_kib} KiB");
    }
    Ok(())
}

fn counted(
    faults: &Cell<u64>,
    hashes: u32,
    mut hash: impl FnMut() -> Fallible<()>,
) -> Fallible<portcullis_benches::meter::Block> {
    let (meter, before) = (Meter::start(), page_faults());
    for _ in 0..hashes {
        hash()?;
    }
    faults.set(page_faults() - before);
    Ok(meter.stop(hashes))
}

/// So many passwords at once, by a pool.
fn by(runtime: &Runtime, pool: &HashPool, password: &Password, many: u32) {
    runtime.block_on(async {
        let mut waiting = (0..many).map(|_| pool.hash(password, SALT)).collect::<Vec<_>>();
        // Each is queued when it is first asked.
        core::future::poll_fn(|context| {
            waiting.retain_mut(|hash| hash.as_mut().poll(context).is_pending());
            if waiting.is_empty() { core::task::Poll::Ready(()) } else { core::task::Poll::Pending }
        })
        .await;
    });
}

/// Page faults of this process that needed no disk: the tenth word of its `stat`, whose second is its name.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let words = stat.rsplit_once(')').map_or("", |(_, words)| words);
    words.split(' ').nth(8).and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
fn simd_hasher() -> Fallible<argon2_rust::Hasher> {
    let HashCost { memory_kib, passes, lanes, .. } = HashCost::FLOOR;
    let params = argon2_rust::Params::builder()
        .memory(argon2_rust::params::Memory::kib(u64::from(memory_kib)))
        .passes(passes)
        .lanes(lanes)
        .tag_len(argon2_rust::params::TagLen::bytes(32))
        .build()
        .map_err(|error| error.to_string())?;
    println!("argon2-rust computes with {}", argon2_rust::detected_backend());
    Ok(argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params)
        .hasher())
}

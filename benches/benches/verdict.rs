//! What a verdict costs once everything it rests on is read: a pure function.
//!
//! `cargo bench -p portcullis-benches --bench verdict`; `VERDICTS` says how many make a measurement, by default 200000.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use core::hint::black_box;

use portcullis::testing::judge::Judge;
use portcullis_benches::Fallible;
use portcullis_benches::files::number;
use portcullis_benches::meter::Meter;
use portcullis_benches::turns::Turns;

fn main() -> Fallible<()> {
    let verdicts = number("VERDICTS", 200_000)?;
    let blocks = number("BLOCKS", 7)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let judge = runtime.block_on(Judge::new())?;
    let mut turns = Turns::new();
    let (yes, no) = ("a verdict that says yes", "a verdict that names what is missing");
    turns.add(yes, |_| {
        let meter = Meter::start();
        for _ in 0..verdicts {
            let _ = black_box(black_box(&judge).judge());
        }
        Ok(meter.stop(verdicts))
    });
    turns.add(no, |_| {
        let meter = Meter::start();
        for _ in 0..verdicts {
            let _ = black_box(black_box(&judge).judge_the_other_way());
        }
        Ok(meter.stop(verdicts))
    });
    turns.run(blocks)?;
    println!("{blocks} turns of {verdicts}; medians; aim: 1 us\n");
    turns.print();
    println!();
    turns.ratio(no, yes);
    Ok(())
}

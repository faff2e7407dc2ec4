//! Things measured by turns in one run, and their ratios.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;

use crate::Fallible;
use crate::meter::{Block, median};

/// One thing to measure: its name, and what does it once.
type Work<'a> = Box<dyn FnMut(u32) -> Fallible<Block> + 'a>;

/// Things that are measured one right after the other, again and again.
#[derive(Default)]
pub struct Turns<'a> {
    works: Vec<(String, Work<'a>)>,
    blocks: BTreeMap<String, Vec<Block>>,
}

impl core::fmt::Debug for Turns<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Turns").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

impl<'a> Turns<'a> {
    /// Nothing to measure yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a thing; it is given the number of the turn.
    pub fn add(&mut self, name: impl Into<String>, work: impl FnMut(u32) -> Fallible<Block> + 'a) {
        self.works.push((name.into(), Box::new(work)));
    }

    /// Measures everything so many times. The first turn only warms caches and is not kept; every other turn runs the
    /// other way round, so that what the machine does meanwhile evens out.
    ///
    /// # Errors
    /// When one of them fails.
    pub fn run(&mut self, turns: u32) -> Fallible<()> {
        for turn in 0..=turns {
            let mut measure = |name: &String, work: &mut Work<'a>| -> Fallible<()> {
                let block = work(turn)?;
                if turn > 0 {
                    self.blocks.entry(name.clone()).or_default().push(block);
                }
                Ok(())
            };
            if turn % 2 == 0 {
                self.works.iter_mut().try_for_each(|(name, work)| measure(name, work))?;
            } else {
                self.works.iter_mut().rev().try_for_each(|(name, work)| measure(name, work))?;
            }
        }
        Ok(())
    }

    /// Prints what each took: rate and processor time of one, medians.
    pub fn print(&self) {
        println!("{:<44} {:>11} {:>11} {:>11}", "", "each second", "wall us", "CPU us");
        for (name, _) in &self.works {
            let blocks = self.blocks.get(name).map(Vec::as_slice).unwrap_or_default();
            let rate = median(blocks.iter().map(Block::rate));
            let cpu = blocks.iter().map(Block::cpu_micros).collect::<Option<Vec<_>>>().map(median);
            println!("{name:<44} {rate:>11.1} {:>11.2} {:>11}", 1e6 / rate, shown(cpu));
        }
    }

    /// Prints how often one goes into another, turn by turn: median, lowest and highest of the rates, median of the
    /// processor times of one.
    pub fn ratio(&self, over: &str, under: &str) {
        let (Some(over_blocks), Some(under_blocks)) = (self.blocks.get(over), self.blocks.get(under)) else {
            return;
        };
        let pairs = || over_blocks.iter().zip(under_blocks);
        let rates: Vec<f64> = pairs().map(|(over, under)| over.rate() / under.rate()).collect();
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rates.iter().copied().fold(0.0, f64::max);
        let cpu = pairs().map(|(over, under)| Some(over.cpu_micros()? / under.cpu_micros()?));
        let cpu = cpu.collect::<Option<Vec<_>>>().map(median);
        println!(
            "{:<66} rate {:>7.2} ({low:.2} - {high:.2})   CPU {:>6}",
            format!("{over} / {under}"),
            median(rates),
            shown(cpu)
        );
    }
}

fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "n/a".to_owned(), |number| format!("{number:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Meter;

    #[test]
    fn every_thing_is_measured_in_each_turn_and_the_first_is_forgotten() {
        let order = std::cell::RefCell::new(Vec::new());
        let mut turns = Turns::new();
        for name in ["a", "b"] {
            let order = &order;
            turns.add(name, move |turn| {
                order.borrow_mut().push((name, turn));
                Ok(Meter::start().stop(1))
            });
        }
        turns.run(2).unwrap();
        assert_eq!(turns.blocks["a"].len(), 2);
        assert_eq!(turns.blocks["b"].len(), 2);
        drop(turns);
        assert_eq!(order.take(), [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]);
    }
}

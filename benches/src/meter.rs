//! Wall time, processor time and memory of a block of rounds.

use std::time::{Duration, Instant};

/// What a block of rounds took.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Block {
    /// How many rounds it had.
    pub rounds: u32,
    /// From its start to its end.
    pub wall: Duration,
    /// Processor time of all threads of this process that lived through the block; `None` where the system does not
    /// tell.
    pub cpu: Option<Duration>,
}

impl Block {
    /// Rounds in a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.rounds) / self.wall.as_secs_f64()
    }

    /// Processor time of one round, in microseconds.
    pub fn cpu_micros(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / f64::from(self.rounds))
    }
}

/// A block that has begun.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    cpu: Option<Duration>,
}

impl Meter {
    /// Begins a block.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub fn start() -> Self {
        let cpu = cpu();
        Self { start: Instant::now(), cpu }
    }

    /// Ends it. Threads that ended meanwhile are not counted, so those that did the work must still be there.
    pub fn stop(self, rounds: u32) -> Block {
        let wall = self.start.elapsed();
        let cpu = cpu().zip(self.cpu).map(|(after, before)| after.saturating_sub(before));
        Block { rounds, wall, cpu }
    }
}

/// Processor time of the threads that are alive: the first number of each thread's `schedstat`, in nanoseconds.
fn cpu() -> Option<Duration> {
    let mut nanos = 0_u64;
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        // A thread may end between the listing and the reading.
        if let Ok(text) = std::fs::read_to_string(thread.ok()?.path().join("schedstat")) {
            nanos += text.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

/// The resident memory of this process, in KiB, and its peak since [`forget_peak`]; `None` where the system does not
/// tell.
pub fn memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// Lets the peak of the resident memory begin anew, where the system can.
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// The middle of some numbers; not a number when there are none.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (numbers.len().saturating_sub(1) / 2, numbers.len() / 2);
    match (numbers.get(low), numbers.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_seen_and_forgotten() {
        const MIB: u64 = 1024;
        let Some((before, _)) = memory() else { return };
        let big = vec![1_u8; 64 << 20];
        std::hint::black_box(&big);
        drop(big);
        let (_, peak) = memory().unwrap();
        assert!(peak >= before + 60 * MIB, "{before} {peak}");
        forget_peak();
        let (_, forgotten) = memory().unwrap();
        assert!(forgotten < peak - 30 * MIB, "{peak} {forgotten}");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "halves are exact")]
    fn the_median_is_the_middle_or_between_the_middle_two() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}

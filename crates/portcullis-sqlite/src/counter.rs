//! One counter while a commit steps on it.

use chrono::{DateTime, Utc};
use portcullis::port::store::{Count, CounterOp, Window};

/// No counter goes higher, whatever its limit.
const HIGHEST: u32 = i32::MAX.unsigned_abs();

/// The step is not allowed.
#[derive(Debug)]
pub(crate) struct Exhausted;

/// What the steps of a commit leave to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Put(Count),
    Remove,
}

/// A counter as the steps of one commit see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    now: DateTime<Utc>,
    stored: Option<Count>,
    /// The open window. One that this commit opened stays open for its later steps, whenever it ends.
    open: Option<Count>,
    changed: bool,
}

impl Steps {
    /// Starts from what is stored.
    pub(crate) fn from(stored: Option<Count>, now: DateTime<Utc>) -> Self {
        Self { now, stored, open: stored.filter(|count| lasts(count, now)), changed: false }
    }

    /// Takes one step.
    pub(crate) fn take(&mut self, op: CounterOp) -> Result<(), Exhausted> {
        match op {
            CounterOp::Add { n, limit, window } => {
                self.close_overlong(window);
                let value = self.count().value.checked_add(n).filter(|value| *value <= limit.min(HIGHEST));
                let ends_at = self.open.map_or_else(|| window.end(self.now), |count| count.ends_at);
                self.open = Some(Count { value: value.ok_or(Exhausted)?, ends_at });
                self.changed = true;
            }
            CounterOp::Below { limit, window } => {
                self.close_overlong(window);
                if self.count().value >= limit {
                    return Err(Exhausted);
                }
            }
            CounterOp::GiveBack { n, ends_at } => {
                if let Some(count) = self.open.as_mut().filter(|count| count.ends_at == ends_at) {
                    count.value = count.value.saturating_sub(n);
                    self.changed = true;
                }
            }
            CounterOp::Clear => {
                self.open = None;
                self.changed = true;
            }
        }
        Ok(())
    }

    /// What it holds after the steps so far.
    pub(crate) fn count(&self) -> Count {
        self.open.unwrap_or_default()
    }

    /// What is to be written.
    pub(crate) fn change(&self) -> Change {
        let kept = self.open.filter(|count| lasts(count, self.now));
        if !self.changed || kept == self.stored {
            return Change::Nothing;
        }
        kept.map_or(Change::Remove, Change::Put)
    }

    /// A window that ends too far away was opened by a clock that has since stepped back.
    fn close_overlong(&mut self, window: Window) {
        if let Some(latest) = window.latest_end(self.now) {
            self.open = self.open.filter(|count| count.ends_at.is_none_or(|end| end <= latest));
        }
    }
}

/// Whether the value of a counter still counts at an instant.
pub(crate) fn lasts(count: &Count, now: DateTime<Utc>) -> bool {
    count.ends_at.is_none_or(|end| end > now)
}

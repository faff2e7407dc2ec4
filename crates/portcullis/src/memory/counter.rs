//! One counter while a commit steps on it.

use chrono::{DateTime, Utc};

use crate::port::store::{Count, CounterOp, Window};

/// No counter goes higher, whatever its limit.
const HIGHEST: u32 = i32::MAX.unsigned_abs();

/// The step is not allowed.
pub(super) struct Exhausted;

/// A counter as the steps of one commit see it.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    now: DateTime<Utc>,
    /// The window that is open, also one that ended by being opened: see [`Window::Until`].
    open: Option<Count>,
    changed: bool,
}

impl Tally {
    /// Starts from what is stored.
    pub(super) fn load(stored: Option<Count>, now: DateTime<Utc>) -> Self {
        Self { now, open: stored.filter(|count| lasts(count, now)), changed: false }
    }

    /// What it holds after the steps so far.
    pub(super) fn count(&self) -> Count {
        self.open.unwrap_or_default()
    }

    /// Whether a step changed it.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    /// What is stored of it after the steps, if anything is.
    pub(super) fn kept(&self) -> Option<Count> {
        self.open.filter(|count| lasts(count, self.now))
    }

    /// Takes one step.
    pub(super) fn step(&mut self, op: CounterOp) -> Result<(), Exhausted> {
        match op {
            CounterOp::Add { n, limit, window } => self.add(n, limit, window),
            CounterOp::Below { limit, window } => {
                self.end_overlong(window);
                if self.count().value < limit { Ok(()) } else { Err(Exhausted) }
            }
            CounterOp::GiveBack { n, ends_at } => {
                if let Some(count) = self.open.as_mut().filter(|count| count.ends_at == ends_at) {
                    count.value = count.value.saturating_sub(n);
                    self.changed = true;
                }
                Ok(())
            }
            CounterOp::Clear => {
                self.open = None;
                self.changed = true;
                Ok(())
            }
        }
    }

    fn add(&mut self, n: u32, limit: u32, window: Window) -> Result<(), Exhausted> {
        self.end_overlong(window);
        let value = self.count().value.checked_add(n).filter(|value| *value <= limit.min(HIGHEST));
        let value = value.ok_or(Exhausted)?;
        let ends_at = match self.open {
            Some(count) => count.ends_at,
            None => window.end(self.now),
        };
        self.open = Some(Count { value, ends_at });
        self.changed = true;
        Ok(())
    }

    /// A window whose end lies too far away was opened by a clock that has since stepped back.
    fn end_overlong(&mut self, window: Window) {
        if let Some(latest) = window.latest_end(self.now) {
            self.open = self.open.filter(|count| count.ends_at.is_none_or(|end| end <= latest));
        }
    }
}

/// Whether the value of a counter still counts at an instant.
pub(super) fn lasts(count: &Count, now: DateTime<Utc>) -> bool {
    count.ends_at.is_none_or(|end| end > now)
}

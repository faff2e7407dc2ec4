//! One counter while a commit steps on it.

use portcullis::port::store::{CommitError, Count, Counter, CounterOp, Window};

use crate::contents::Time;
use crate::{Failure, Outcome};

/// The window that is open, if one is.
pub(crate) type Tally = Option<Count>;

/// No counter goes higher, whatever its limit.
const HIGHEST: u32 = i32::MAX.unsigned_abs();

/// Takes a step, if the counter allows it.
pub(crate) fn step(counter: &Counter, tally: Tally, op: CounterOp, now: Time) -> Outcome<Tally> {
    let exhausted = || Failure(CommitError::Exhausted(counter.clone()));
    match op {
        CounterOp::Add { n, limit, window } => {
            let open = within(window, tally, now);
            let value = open.unwrap_or_default().value.checked_add(n);
            let value = value.filter(|value| *value <= limit.min(HIGHEST)).ok_or_else(exhausted)?;
            Ok(Some(Count { value, ends_at: open.map_or_else(|| window.end(now), |count| count.ends_at) }))
        }
        CounterOp::Below { limit, window } => {
            let value = within(window, tally, now).unwrap_or_default().value;
            if value < limit { Ok(tally) } else { Err(exhausted()) }
        }
        CounterOp::GiveBack { n, ends_at } => {
            let n = if tally.is_some_and(|count| count.ends_at == ends_at) { n } else { 0 };
            // At 0 its window is still open.
            Ok(tally.map(|count| Count { value: count.value.saturating_sub(n), ..count }))
        }
        CounterOp::Clear => Ok(None),
    }
}

/// Without a window that was opened by a clock which has since stepped back.
fn within(window: Window, tally: Tally, now: Time) -> Tally {
    let latest = window.latest_end(now);
    tally.filter(|count| latest.is_none_or(|latest| count.ends_at.is_none_or(|end| end <= latest)))
}

/// Whether a counter still counts.
pub(crate) fn lasts(count: &Count, now: Time) -> bool {
    count.ends_at.is_none_or(|end| end > now)
}

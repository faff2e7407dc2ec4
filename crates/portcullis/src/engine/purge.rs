//! The purge: what is long dead is removed, a bounded number at a time.

use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::claim::{Done, Work};
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::Purge;

/// What a pass has done about the purge.
#[derive(Default)]
pub(super) struct Purging {
    /// Whether one is under way.
    pub(super) under_way: bool,
    /// Why the last one failed.
    pub(super) failed: Option<Error>,
    begun: Option<DateTime<Utc>>,
}

impl Engine {
    /// The removal of what is long dead, as work to be done beside other work; if this process has not done so for the
    /// policy's `purge_every`. Any number of processes may do so at once.
    ///
    /// A pass begins one, and another only if it lasts for the policy's `worker_every` more: what did not fit, and what
    /// a failing store left, is removed by the next pass, or by this one when there is always something to send:
    /// `goes_on` says whether it does.
    pub(super) fn purge_if_due(&self, pass: &mut Purging, goes_on: bool) -> Option<Work<'_>> {
        let now = self.now();
        let last = DateTime::from_timestamp_micros(self.last_purge.load(Ordering::Relaxed));
        let again = pass.begun.is_none() || (goes_on && is_due(pass.begun, self.policy.worker_every, now));
        if pass.under_way || !again || !is_due(last, self.policy.purge_every, now) {
            return None;
        }
        *pass = Purging { under_way: true, failed: None, begun: Some(now) };
        Some(Box::pin(async move { self.purge(now).await.map(Done::Purged) }))
    }

    /// Removes what is long dead, a bounded number of each sort; gives how much was removed.
    async fn purge(&self, now: DateTime<Utc>) -> Result<u32, Error> {
        let mut removed = 0_u32;
        let mut full = false;
        for (what, before) in what_is_dead(&self.policy, now) {
            let gone = self.store.purge(what, before, self.policy.purge_batch).await?;
            removed = removed.saturating_add(gone);
            full |= gone >= self.policy.purge_batch;
        }
        if !full {
            self.last_purge.store(now.timestamp_micros(), Ordering::Relaxed);
        }
        Ok(removed)
    }
}

/// Whether a purge is due: never done, long ago, or done by a clock that has since stepped back.
fn is_due(last: Option<DateTime<Utc>>, every: TimeDelta, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now < last || now.signed_duration_since(last) >= every)
}

/// What is removed if it ended before when. A counter is kept for one more of the longest windows, so that no
/// colleague whose clock is behind still counts on it.
fn what_is_dead(policy: &Policy, now: DateTime<Utc>) -> [(Purge, DateTime<Utc>); 3] {
    let ago = |age: TimeDelta| now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC);
    [
        (Purge::Records, now),
        (Purge::Counters, ago(policy.longest_window())),
        (Purge::Audit, ago(policy.audit_kept)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TICK, began};

    #[test]
    fn a_purge_is_due_once_in_its_time_and_when_the_clock_stepped_back() {
        let every = Policy::default().purge_every;
        assert!(is_due(None, every, began()));
        assert!(!is_due(Some(began()), every, began()));
        assert!(!is_due(Some(began()), every, began() + every - TICK));
        assert!(is_due(Some(began()), every, began() + every));
        assert!(is_due(Some(began()), every, began() - TICK));
    }

    #[test]
    fn a_counter_outlives_its_end_by_the_longest_window() {
        let mut policy = Policy::default();
        let counters = |policy: &Policy| what_is_dead(policy, began())[1];
        assert_eq!(counters(&policy), (Purge::Counters, began() - policy.password_failures_kept));
        policy.email_codes_per_address.within = TimeDelta::days(3);
        assert_eq!(counters(&policy), (Purge::Counters, began() - TimeDelta::days(3)));
        policy.password_change_failures.within = TimeDelta::days(4);
        assert_eq!(counters(&policy), (Purge::Counters, began() - TimeDelta::days(4)));
        let [records, _, audit] = what_is_dead(&policy, began());
        assert_eq!(records, (Purge::Records, began()));
        assert_eq!(audit, (Purge::Audit, began() - policy.audit_kept));
    }
}

//! How fast one process sends: a rate for what nobody waits for, and a halt while the sender is set up wrongly.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::rules::spaced;
use crate::policy::Policy;
use crate::port::message::SendError;
use crate::session::rules::after;

/// The bulk messages that a process may send now: so many in a minute, spread evenly. What was not used is kept for a
/// little while.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// When the next message counts, if what was kept is used up; `None` before the first.
    next: Option<DateTime<Utc>>,
}

impl Rate {
    /// Takes as many as may be sent now, and no more than wanted.
    pub(crate) fn take(&mut self, wanted: u32, policy: &Policy, now: DateTime<Utc>) -> u32 {
        let (each, kept) = policy.bulk_spacing();
        // A time further off than can be was counted by a clock that stepped back.
        let next = self.next.map_or(now, |next| next.clamp(now, after(now, kept)));
        let left = (kept - next.signed_duration_since(now)).num_nanoseconds().unwrap_or(i64::MAX);
        let allowed = u32::try_from(left / each.num_nanoseconds().unwrap_or(i64::MAX).max(1)).unwrap_or(0);
        let taken = allowed.min(wanted);
        self.next = Some(after(next, times(each, taken)));
        taken
    }

    /// Gives back what was taken for messages that there were not.
    pub(crate) fn give_back(&mut self, unused: u32, policy: &Policy) {
        let (each, _) = policy.bulk_spacing();
        self.next = self.next.and_then(|next| next.checked_sub_signed(times(each, unused)));
    }
}

fn times(length: TimeDelta, number: u32) -> TimeDelta {
    length.checked_mul(i32::try_from(number).unwrap_or(i32::MAX)).unwrap_or(TimeDelta::MAX)
}

/// How many messages may be claimed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    /// As many as there are senders.
    Free,
    /// None, while the sender is set up wrongly or one message tries whether it still is.
    None,
    /// One, to try whether it still is.
    One,
}

/// A halt of all mail: a sender that is set up wrongly would refuse every message that waits.
#[derive(Debug, Default)]
pub(crate) struct Halt {
    /// Faults of the set-up in a row, and until when nothing is claimed.
    faults: Option<(u32, DateTime<Utc>)>,
    /// Whose message alone ran into a fault so far.
    suspect: Option<Uuid>,
    /// Until when the one message that tries has to come to something.
    trial: Option<DateTime<Utc>>,
}

impl Halt {
    /// Until when nothing is sent; in the past when the next message tries again; `None` while mail is sent.
    pub(crate) fn until(&self) -> Option<DateTime<Utc>> {
        self.faults.map(|(_, until)| until)
    }

    /// Until when nothing is sent, while that lasts.
    pub(crate) fn lasting(&self, policy: &Policy, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.until().filter(|until| lasts(*until, policy, now))
    }

    /// Lets a message try, if nothing is halted or it is the one that tries whether it still must be.
    ///
    /// # Errors
    /// Until when to wait.
    // INVARIANT: when a halt ends, one message tries, and the others wait for what it comes to.
    pub(crate) fn admit(&mut self, policy: &Policy, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if self.faults.is_none() {
            return Ok(());
        }
        let waits = [self.until(), self.trial].into_iter().flatten().find(|until| lasts(*until, policy, now));
        if let Some(until) = waits {
            return Err(until);
        }
        self.trial = Some(after(now, policy.send_retry_first));
        Ok(())
    }

    /// As [`Self::note`], where a fault may also be the receiver's: a halt only begins with the second receiver in a row.
    // INVARIANT: nobody halts everybody with a number of his own that the gateway takes for a fault of the set-up.
    pub(crate) fn note_of<T>(
        &mut self,
        receiver: Uuid,
        result: &Result<T, SendError>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> bool {
        self.trial = None;
        match result {
            Ok(_) | Err(SendError::Permanent { .. }) => self.suspect = None,
            Err(SendError::Misconfigured { .. })
                if self.faults.is_none() && self.suspect.is_none_or(|suspect| suspect == receiver) =>
            {
                self.suspect = Some(receiver);
                return false;
            }
            Err(_) => {}
        }
        self.note(result, policy, now)
    }

    /// How many messages may be claimed while so many are under way.
    pub(crate) fn claims(&self, under_way: usize, policy: &Policy, now: DateTime<Utc>) -> Claims {
        match self.faults {
            None => Claims::Free,
            Some((_, until)) if under_way > 0 || lasts(until, policy, now) => Claims::None,
            Some(_) => Claims::One,
        }
    }

    /// Takes note of what sending came to; says whether a halt begins or goes on.
    // INVARIANT: of the messages that were under way together only the first lengthens the wait.
    pub(crate) fn note<T>(
        &mut self,
        result: &Result<T, SendError>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> bool {
        // One that was under way when the fault came up proves nothing.
        if self.faults.is_some_and(|(_, until)| lasts(until, policy, now)) {
            return false;
        }
        let before = self.faults.take().map_or(0, |(faults, _)| faults);
        let Err(SendError::Misconfigured { .. }) = result else { return false };
        let wait = spaced(before, policy.send_retry_first, policy.fault_retry_longest);
        self.faults = Some((before.saturating_add(1), after(now, wait)));
        true
    }
}

/// Whether a halt lasts. A time further off than the longest wait was counted by a clock that stepped back.
fn lasts(until: DateTime<Utc>, policy: &Policy, now: DateTime<Utc>) -> bool {
    now < until && until <= after(now, policy.fault_retry_longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TICK, began};

    fn policy(per_minute: u32) -> Policy {
        Policy { bulk_per_minute: per_minute, ..Policy::default() }
    }

    #[test]
    fn no_more_leave_in_any_time_than_the_rate_and_what_was_kept() {
        let policy = policy(1200);
        let (mut rate, mut sent, mut now) = (Rate::default(), 0, began());
        for tick in 0..600 {
            let wanted = if tick == 0 { 1000 } else { 4 };
            let taken = rate.take(wanted, &policy, now);
            assert!(taken <= if tick == 0 { 100 } else { 4 }, "five seconds' worth at once");
            sent += taken;
            now += TimeDelta::milliseconds(100);
        }
        assert_eq!(sent, 100 + 599 * 2, "what was kept, and then two in each tenth of a second");
    }

    #[test]
    fn what_is_not_used_is_not_kept_for_longer_than_a_worker_sleeps() {
        let policy = policy(60);
        let mut rate = Rate::default();
        let second = TimeDelta::seconds(1);
        assert_eq!(rate.take(9, &policy, began()), 5);
        assert_eq!(rate.take(9, &policy, began() + second - TICK), 0);
        assert_eq!(rate.take(9, &policy, began() + second), 1);
        assert_eq!(rate.take(9, &policy, began() + second * 5), 4);
        assert_eq!(rate.take(9, &policy, began() + second * 500), 5);
        rate.give_back(3, &policy);
        assert_eq!(rate.take(9, &policy, began() + second * 500), 3, "what was not needed is there again");
        let asleep = Policy { worker_every: TimeDelta::days(1), ..policy };
        assert_eq!(rate.take(1000, &asleep, began() + second * 900), 60, "a minute's worth at most");
    }

    #[test]
    fn a_slow_rate_still_sends_and_a_clock_that_steps_back_holds_nobody_up() {
        let policy = policy(1);
        let mut rate = Rate::default();
        assert_eq!(rate.take(2, &policy, began()), 1);
        let back = began() - TimeDelta::days(1);
        assert_eq!(rate.take(2, &policy, back), 0);
        assert_eq!(rate.take(2, &policy, back + TimeDelta::minutes(1)), 1);
    }

    const FAULT: Result<(), SendError> = Err(SendError::Misconfigured { detail: "credentials" });

    #[test]
    fn a_fault_of_the_set_up_stops_all_and_then_one_message_tries() {
        let policy = Policy::default();
        let mut halt = Halt::default();
        assert_eq!((halt.claims(3, &policy, began()), halt.until()), (Claims::Free, None));
        assert!(halt.note(&FAULT, &policy, began()));
        assert!(!halt.note(&FAULT, &policy, began()), "the others that were under way are told once");
        assert!(!halt.note(&Ok(()), &policy, began()), "nor does one prove anything");
        let until = began() + policy.send_retry_first;
        assert_eq!(halt.until(), Some(until));
        assert_eq!(halt.claims(0, &policy, until - TICK), Claims::None);
        assert_eq!(halt.claims(0, &policy, until), Claims::One);
        assert_eq!(halt.claims(1, &policy, until), Claims::None, "that one is under way");
        assert!(halt.note(&FAULT, &policy, until));
        assert_eq!(halt.until(), Some(until + policy.send_retry_first * 2));
        assert!(!halt.note(&Ok(()), &policy, until + policy.send_retry_first * 2));
        assert_eq!((halt.claims(7, &policy, began()), halt.until()), (Claims::Free, None));
    }

    #[test]
    fn the_wait_of_a_halt_has_an_end_also_for_a_clock_that_steps_back() {
        let policy = Policy::default();
        let (mut halt, mut now) = (Halt::default(), began());
        for _ in 0..40 {
            assert!(halt.note(&FAULT, &policy, now));
            now = halt.until().unwrap();
        }
        assert!(halt.note(&FAULT, &policy, now));
        assert_eq!(halt.until(), Some(now + policy.fault_retry_longest));
        assert_eq!(halt.claims(0, &policy, now - TimeDelta::days(1)), Claims::One);
    }

    #[test]
    fn one_number_halts_nobody_and_two_do() {
        let policy = Policy::default();
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut halt = Halt::default();
        for _ in 0..3 {
            assert!(!halt.note_of(mine, &FAULT, &policy, began()));
        }
        assert_eq!((halt.until(), halt.admit(&policy, began())), (None, Ok(())));
        assert!(!halt.note_of(other, &Ok(()), &policy, began()));
        assert!(!halt.note_of(other, &FAULT, &policy, began()), "the other was served in between");
        assert!(halt.note_of(mine, &FAULT, &policy, began()));
        assert_eq!(halt.until(), Some(began() + policy.send_retry_first));
    }

    #[test]
    fn when_a_halt_ends_one_tries_and_the_others_wait() {
        let policy = Policy::default();
        let mut halt = Halt::default();
        assert!(halt.note(&FAULT, &policy, began()));
        let until = began() + policy.send_retry_first;
        assert_eq!(halt.admit(&policy, until - TICK), Err(until));
        assert_eq!(halt.admit(&policy, until), Ok(()));
        assert_eq!(halt.admit(&policy, until), Err(until + policy.send_retry_first), "one is trying");
        let later = until + policy.send_retry_first;
        assert_eq!(halt.admit(&policy, later), Ok(()), "it came to nothing");
        assert!(!halt.note_of(Uuid::from_u128(1), &Ok(()), &policy, later));
        assert_eq!((halt.admit(&policy, later), halt.admit(&policy, later)), (Ok(()), Ok(())));
    }

    #[test]
    fn a_server_that_is_only_busy_stops_nobody() {
        let policy = Policy::default();
        let mut halt = Halt::default();
        for error in [
            SendError::Transient { detail: "busy" },
            SendError::Permanent { detail: "no such mailbox" },
            SendError::Ambiguous { detail: "lost" },
        ] {
            assert!(!halt.note(&Err::<(), _>(error), &policy, began()));
            assert_eq!(halt.claims(9, &policy, began()), Claims::Free);
        }
    }
}

//! What a worker claims, how much of it at a time, and how it waits for what it has under way.

use core::pin::Pin;
use core::task::Poll;
use std::future::poll_fn;
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use event_listener::EventListener;

use super::Engine;
use crate::error::Error;
use crate::message::model::{Message, Outcome};
use crate::message::pace::{Claims, Rate};
use crate::port::store::Lane;
use crate::session::rules::after;

/// What a pass does beside other work.
pub(super) struct UnderWay<'a> {
    /// Where it was claimed; [`Lane::Dead`] for the purge.
    pub(super) lane: Lane,
    /// Whether it is a message, which needs the mail sender.
    pub(super) mails: bool,
    pub(super) work: Work<'a>,
}

pub(super) type Work<'a> = Pin<Box<dyn Future<Output = Result<Done, Error>> + Send + 'a>>;

/// What a piece of work came to, and of which lane one was that failed.
pub(super) type Ended = Result<Done, (Lane, Error)>;

/// What came of a piece of work.
pub(super) enum Done {
    Message(Outcome),
    Timed,
    Purged(u32),
}

/// Waits for the first of several to end, and takes it out; `None` when there is something new to send before that: what
/// somebody waits for is not kept back by a slow sender.
pub(super) async fn first(under_way: &mut Vec<UnderWay<'_>>, mut woken: EventListener) -> Option<Ended> {
    let done = poll_fn(|context| {
        for (nth, claimed) in under_way.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = claimed.work.as_mut().poll(context) {
                return Poll::Ready(Some((nth, outcome)));
            }
        }
        Pin::new(&mut woken).poll(context).map(|()| None)
    })
    .await;
    let (nth, outcome) = done?;
    let lane = under_way.swap_remove(nth).lane;
    Some(outcome.map_err(|error| (lane, error)))
}

/// Waits for something while others go on; keeps what they come to.
// INVARIANT: whatever is under way is polled while the pass waits for the store: it may hold the connection that the
// store waits for.
async fn beside<T>(
    under_way: &mut Vec<UnderWay<'_>>,
    ended: &mut Vec<Ended>,
    wanted: impl Future<Output = T> + Send,
) -> T {
    let mut wanted = core::pin::pin!(wanted);
    poll_fn(|context| {
        let mut nth = 0;
        while let Some(claimed) = under_way.get_mut(nth) {
            match claimed.work.as_mut().poll(context) {
                Poll::Ready(outcome) => {
                    let lane = under_way.swap_remove(nth).lane;
                    ended.push(outcome.map_err(|error| (lane, error)));
                }
                Poll::Pending => nth += 1,
            }
        }
        wanted.as_mut().poll(context)
    })
    .await
}

impl Engine {
    pub(super) async fn claim_all<'a>(
        &'a self,
        under_way: &mut Vec<UnderWay<'a>>,
        ended: &mut Vec<Ended>,
    ) -> Result<(), Error> {
        self.claim(Lane::Interactive, under_way, ended).await?;
        self.claim(Lane::Timed, under_way, ended).await?;
        self.claim(Lane::Bulk, under_way, ended).await
    }

    /// Claims as many due records of a lane as there are senders for it.
    async fn claim<'a>(
        &'a self,
        lane: Lane,
        under_way: &mut Vec<UnderWay<'a>>,
        ended: &mut Vec<Ended>,
    ) -> Result<(), Error> {
        let now = self.now();
        let limit = self.wanted(lane, under_way, now);
        if limit == 0 {
            return Ok(());
        }
        let until = after(now, self.policy.claim_life);
        let claimed = beside(under_way, ended, self.store.claim(lane, now, until, limit)).await;
        if lane == Lane::Bulk {
            let used = claimed.as_ref().map_or(0, |records| u32::try_from(records.len()).unwrap_or(limit));
            self.rate().give_back(limit.saturating_sub(used), &self.policy);
        }
        for record in claimed? {
            // The kind says what to do, since people wait for more than messages.
            let mails = record.kind == Message::KIND;
            let work: Work<'a> = if mails {
                Box::pin(async move { self.send(record).await.map(Done::Message) })
            } else {
                Box::pin(async move { self.when_due(record).await.map(|()| Done::Timed) })
            };
            under_way.push(UnderWay { lane, mails, work });
        }
        Ok(())
    }

    /// How many records of a lane to claim now.
    fn wanted(&self, lane: Lane, under_way: &[UnderWay<'_>], now: DateTime<Utc>) -> u32 {
        let free = u32::try_from(self.free(lane, under_way)).unwrap_or(u32::MAX);
        if !matches!(lane, Lane::Interactive | Lane::Bulk) {
            return free;
        }
        // INVARIANT: only a message tries whether the sender is still set up wrongly: what needs no sender neither ends
        // a halt nor keeps the message behind it from trying.
        let mails = under_way.iter().filter(|claimed| claimed.mails).count();
        let free = match self.halt().claims(mails, &self.policy, now) {
            Claims::Free => free,
            Claims::None => 0,
            Claims::One => free.min(1),
        };
        if lane == Lane::Bulk { self.rate().take(free, &self.policy, now) } else { free }
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many senders are free for a lane: half of them at most where nobody waits. The purge takes none.
    fn free(&self, lane: Lane, under_way: &[UnderWay<'_>]) -> usize {
        let senders = usize::try_from(self.policy.senders).unwrap_or(1);
        let of = |wanted: Lane| under_way.iter().filter(|claimed| claimed.lane == wanted).count();
        let free = senders.saturating_sub(under_way.len().saturating_sub(of(Lane::Dead)));
        match lane {
            Lane::Bulk | Lane::Timed => free.min((senders / 2).saturating_sub(of(lane))),
            Lane::Interactive | Lane::Dead => free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::message::SendError;
    use crate::testing::World;

    /// So much of a lane under way, which never ends.
    fn under_way(lane: Lane, mails: bool, number: usize) -> Vec<UnderWay<'static>> {
        let work = || Box::pin(core::future::pending());
        (0..number).map(|_| UnderWay { lane, mails, work: work() }).collect()
    }

    #[test]
    fn where_nobody_waits_half_the_senders_stay_free() {
        let w = World::new();
        let engine = &w.security.engine;
        let senders = usize::try_from(engine.policy.senders).unwrap();
        for lane in [Lane::Bulk, Lane::Timed] {
            assert_eq!(engine.free(lane, &[]), senders / 2);
            let half = under_way(lane, lane == Lane::Bulk, senders / 2);
            assert_eq!(engine.free(lane, &half), 0, "{lane:?}");
            assert_eq!(engine.free(Lane::Interactive, &half), senders / 2);
        }
        let purge = under_way(Lane::Dead, false, 1);
        assert_eq!(engine.free(Lane::Interactive, &purge), senders, "the purge takes none");
    }

    #[test]
    fn what_needs_no_sender_is_not_the_message_that_ends_a_halt() {
        let w = World::new();
        let engine = &w.security.engine;
        let fault = Err::<(), _>(SendError::Misconfigured { detail: "credentials" });
        assert!(engine.halt().note(&fault, &engine.policy, w.now()));
        assert_eq!(engine.wanted(Lane::Interactive, &[], w.now()), 0);
        assert_eq!(engine.wanted(Lane::Timed, &[], w.now()), engine.policy.senders / 2);
        w.advance(engine.policy.send_retry_first);
        let request = under_way(Lane::Interactive, false, 1);
        assert_eq!(engine.wanted(Lane::Interactive, &request, w.now()), 1, "a message still tries");
        let message = under_way(Lane::Interactive, true, 1);
        assert_eq!(engine.wanted(Lane::Interactive, &message, w.now()), 0);
        assert_eq!(engine.wanted(Lane::Bulk, &message, w.now()), 0);
    }
}

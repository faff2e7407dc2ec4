//! What a worker claims, how much of it at a time, and how it waits for what it has under way.

use core::pin::Pin;
use core::task::Poll;
use std::future::poll_fn;
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use event_listener::EventListener;

use super::{Engine, record};
use crate::challenge::Channel;
use crate::decision::Changes;
use crate::error::Error;
use crate::message::model::{Message, Outcome};
use crate::message::pace::{Claims, Rate};
use crate::policy::PARKED_PER_SENDER;
use crate::port::store::{Lane, Record};
use crate::recovery::model::RecoveryRequest;
use crate::session::rules::after;

/// What a pass does beside other work.
pub(super) struct UnderWay<'a> {
    /// Where it was claimed; [`Lane::Dead`] for the purge.
    pub(super) lane: Lane,
    /// What it takes.
    pub(super) load: Load,
    pub(super) work: Work<'a>,
}

/// What a piece of work takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// The mail sender.
    Mail,
    /// The SMS sender, which may hang while the other does not.
    Sms,
    /// The time of a request that anybody may make.
    Request,
    /// Neither.
    Other,
}

impl Load {
    // The kind says what to do, since people wait for more than messages.
    fn of(record: &Record) -> Self {
        if record.kind == RecoveryRequest::KIND {
            Self::Request
        } else if record.kind != Message::KIND {
            Self::Other
        } else if record::parse::<Message>(record).is_ok_and(|it| it.value.channel == Channel::Sms) {
            Self::Sms
        } else {
            Self::Mail
        }
    }
}

/// What was claimed and waits for its share of the senders.
pub(super) type Parked = Vec<(Lane, Load, Record)>;

pub(super) type Work<'a> = Pin<Box<dyn Future<Output = Result<Done, Error>> + Send + 'a>>;

/// What a piece of work came to, and of which lane one was that failed.
pub(super) type Ended = Result<Done, (Lane, Error)>;

/// What came of a piece of work.
pub(super) enum Done {
    Message(Outcome),
    Timed,
    PutOff,
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
        parked: &mut Parked,
        under_way: &mut Vec<UnderWay<'a>>,
        ended: &mut Vec<Ended>,
    ) -> Result<(), Error> {
        for lane in [Lane::Interactive, Lane::Timed, Lane::Bulk] {
            // INVARIANT: what found no room here keeps nothing behind it from being claimed: its sender may hang.
            while self.claim(lane, parked, under_way, ended).await? {}
        }
        Ok(())
    }

    /// Begins what waited for its share of the senders, as far as there is room now.
    pub(super) fn begin_parked<'a>(&'a self, parked: &mut Parked, under_way: &mut Vec<UnderWay<'a>>) {
        let mut nth = 0;
        while let Some((_, load, _)) = parked.get(nth) {
            if self.has_room(*load, under_way) && self.free(Lane::Interactive, under_way) > 0 {
                let (lane, load, record) = parked.remove(nth);
                under_way.push(UnderWay { lane, load, work: self.work_on(load, record) });
            } else {
                nth += 1;
            }
        }
    }

    /// Whether one more may begin that takes so much.
    // INVARIANT: neither SMS nor requests, which anybody may make, hold more than half the senders: a gateway that hangs
    // keeps no mail from leaving, nor does a flood.
    fn has_room(&self, load: Load, under_way: &[UnderWay<'_>]) -> bool {
        let half = usize::try_from(self.policy.senders / 2).unwrap_or(1).max(1);
        let same = under_way.iter().filter(|claimed| claimed.load == load).count();
        !matches!(load, Load::Sms | Load::Request) || same < half
    }

    fn work_on(&self, load: Load, record: Record) -> Work<'_> {
        match load {
            Load::Mail | Load::Sms => Box::pin(async move { self.send(record).await.map(Done::Message) }),
            Load::Request | Load::Other => {
                Box::pin(async move { self.when_due(record).await.map(|()| Done::Timed) })
            }
        }
    }

    /// Lets what was claimed without room for it be claimed again a little later.
    async fn put_off(&self, load: Load, record: Record) -> Result<Done, Error> {
        let due_at = after(self.now(), self.policy.worker_every);
        let mut changes = Changes::none();
        if load == Load::Sms {
            let mut message = record::parse::<Message>(&record)?;
            message.value.due_at = due_at;
            changes.put(&message);
        } else {
            let mut request = record::parse::<RecoveryRequest>(&record)?;
            request.value.due_at = due_at;
            changes.put(&request);
        }
        self.keep_first(changes).await.map(|()| Done::PutOff)
    }

    /// Claims as many due records of a lane as there are senders for it; says whether there may be more for which there is
    /// room.
    async fn claim<'a>(
        &'a self,
        lane: Lane,
        parked: &mut Parked,
        under_way: &mut Vec<UnderWay<'a>>,
        ended: &mut Vec<Ended>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let limit = self.wanted(lane, under_way, now);
        if limit == 0 {
            return Ok(false);
        }
        let until = after(now, self.policy.claim_life);
        let claimed = beside(under_way, ended, self.store.claim(lane, now, until, limit)).await;
        if lane == Lane::Bulk {
            let used = claimed.as_ref().map_or(0, |records| u32::try_from(records.len()).unwrap_or(limit));
            self.rate().give_back(limit.saturating_sub(used), &self.policy);
        }
        let claimed = claimed?;
        let all = u32::try_from(claimed.len()).is_ok_and(|number| number >= limit);
        let mut without_room = false;
        for record in claimed {
            let load = Load::of(&record);
            if self.has_room(load, under_way) {
                under_way.push(UnderWay { lane, load, work: self.work_on(load, record) });
            } else if parked.len() < self.parked_most() {
                without_room = true;
                parked.push((lane, load, record));
            } else {
                let work = Box::pin(async move { self.put_off(load, record).await });
                under_way.push(UnderWay { lane, load: Load::Other, work });
            }
        }
        Ok(all && without_room)
    }

    /// How much waits here for its share: what comes beyond is put off in the store.
    fn parked_most(&self) -> usize {
        usize::try_from(self.policy.senders.saturating_mul(PARKED_PER_SENDER)).unwrap_or(usize::MAX)
    }

    /// How many records of a lane to claim now.
    fn wanted(&self, lane: Lane, under_way: &[UnderWay<'_>], now: DateTime<Utc>) -> u32 {
        let free = u32::try_from(self.free(lane, under_way)).unwrap_or(u32::MAX);
        if !matches!(lane, Lane::Interactive | Lane::Bulk) {
            return free;
        }
        // Of two senders, the one that is set up wrongly keeps nothing of the other's from being claimed.
        if lane == Lane::Interactive && self.sms.is_some() {
            return free;
        }
        // INVARIANT: only a message tries whether the sender is still set up wrongly: what needs no sender neither ends
        // a halt nor keeps the message behind it from trying.
        let mails = under_way.iter().filter(|claimed| claimed.load == Load::Mail).count();
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
    use crate::testing::mailbox::Mailbox;
    use crate::testing::world::WorldOptions;

    /// So much of a lane under way, which never ends.
    fn under_way(lane: Lane, load: Load, number: usize) -> Vec<UnderWay<'static>> {
        let work = || Box::pin(core::future::pending());
        (0..number).map(|_| UnderWay { lane, load, work: work() }).collect()
    }

    #[test]
    fn where_nobody_waits_half_the_senders_stay_free() {
        let w = World::new();
        let engine = &w.security.engine;
        let senders = usize::try_from(engine.policy.senders).unwrap();
        for lane in [Lane::Bulk, Lane::Timed] {
            assert_eq!(engine.free(lane, &[]), senders / 2);
            let half = under_way(lane, Load::Mail, senders / 2);
            assert_eq!(engine.free(lane, &half), 0, "{lane:?}");
            assert_eq!(engine.free(Lane::Interactive, &half), senders / 2);
        }
        let purge = under_way(Lane::Dead, Load::Other, 1);
        assert_eq!(engine.free(Lane::Interactive, &purge), senders, "the purge takes none");
    }

    #[test]
    fn what_needs_no_sender_is_not_the_message_that_ends_a_halt() {
        // Where SMS are sent too, the mails of a halt wait one by one.
        let mailbox = Mailbox::new();
        let w = World::without_sms(WorldOptions::default(), mailbox.clone(), mailbox);
        let engine = &w.security.engine;
        let fault = Err::<(), _>(SendError::Misconfigured { detail: "credentials" });
        assert!(engine.halt().note(&fault, &engine.policy, w.now()));
        assert_eq!(engine.wanted(Lane::Interactive, &[], w.now()), 0);
        assert_eq!(engine.wanted(Lane::Timed, &[], w.now()), engine.policy.senders / 2);
        w.advance(engine.policy.send_retry_first);
        let request = under_way(Lane::Interactive, Load::Request, 1);
        assert_eq!(engine.wanted(Lane::Interactive, &request, w.now()), 1, "a message still tries");
        let message = under_way(Lane::Interactive, Load::Mail, 1);
        assert_eq!(engine.wanted(Lane::Interactive, &message, w.now()), 0);
        assert_eq!(engine.wanted(Lane::Bulk, &message, w.now()), 0);
    }

    #[test]
    fn sms_and_requests_leave_half_the_senders_to_the_rest() {
        let w = World::new();
        let engine = &w.security.engine;
        let half = usize::try_from(engine.policy.senders).unwrap() / 2;
        for load in [Load::Sms, Load::Request] {
            assert!(engine.has_room(load, &under_way(Lane::Interactive, load, half - 1)), "{load:?}");
            let full = under_way(Lane::Interactive, load, half);
            assert!(!engine.has_room(load, &full), "{load:?}");
            assert!(engine.has_room(Load::Mail, &full) && engine.has_room(Load::Other, &full));
        }
        assert!(engine.has_room(Load::Mail, &under_way(Lane::Interactive, Load::Mail, half)));
    }

    /// So many messages to the number of one user, as the store gives them.
    async fn claimed_sms(w: &World) -> Record {
        let account = w.account_with_sms("demo").await.unwrap();
        let alice = w.user(&account, "alice", None).await.unwrap();
        let session = w.sign_in(&alice).await.unwrap().id;
        let number = crate::contact::Phone::parse("+37120000045").unwrap();
        let source = crate::testing::world::source();
        w.security.two_factor().ask_sms(session, Some(&number), &source).await.unwrap();
        let engine = &w.security.engine;
        let until = after(w.now(), engine.policy.claim_life);
        engine.store.claim(Lane::Interactive, w.now(), until, 1).await.unwrap().remove(0)
    }

    #[tokio::test]
    async fn what_finds_no_room_waits_here_and_is_begun_when_there_is_some() {
        let w = World::new();
        let engine = &w.security.engine;
        let record = claimed_sms(&w).await;
        assert_eq!(Load::of(&record), Load::Sms);
        let half = usize::try_from(engine.policy.senders).unwrap() / 2;
        let mut busy = under_way(Lane::Interactive, Load::Sms, half);
        let mut parked = vec![(Lane::Interactive, Load::Sms, record)];
        engine.begin_parked(&mut parked, &mut busy);
        assert_eq!((parked.len(), busy.len()), (1, half));
        busy.pop();
        engine.begin_parked(&mut parked, &mut busy);
        assert_eq!((parked.len(), busy.len()), (0, half));
        assert!(matches!(busy.pop().unwrap().work.await, Ok(Done::Message(Outcome::Sent))));
    }

    #[tokio::test]
    async fn what_is_put_off_is_not_lost() {
        let w = World::new();
        let engine = &w.security.engine;
        let record = claimed_sms(&w).await;
        assert!(matches!(engine.put_off(Load::Sms, record).await, Ok(Done::PutOff)));
        assert_eq!(w.run_worker().await.unwrap().sent, 0);
        w.advance(engine.policy.worker_every);
        assert_eq!(w.run_worker().await.unwrap().sent, 1);
    }
}

//! A bounded queue between async callers and the store's threads.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

/// Work in line. Callers wait for a place without holding a thread, the store's threads wait for work.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    work: Condvar,
    capacity: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// One for each caller that found no place: dropped, and so woken, when there is one.
    outside: Vec<oneshot::Sender<()>>,
    /// How many threads still take work. At 0 nothing is done any more.
    takers: usize,
    /// No further work is accepted; what is in line is still done.
    closed: bool,
}

impl<J> Queue<J> {
    /// A queue with so many places, served by so many threads.
    pub(crate) fn new(capacity: usize, takers: usize) -> Arc<Self> {
        let state = State { jobs: VecDeque::new(), outside: Vec::new(), takers, closed: false };
        Arc::new(Self { state: Mutex::new(state), work: Condvar::new(), capacity })
    }

    /// Gets in line. Gives the work back if nobody will do it.
    pub(crate) async fn push(&self, job: J) -> Result<(), J> {
        loop {
            let place = {
                let mut state = self.lock();
                if state.closed || state.takers == 0 {
                    return Err(job);
                }
                if state.jobs.len() < self.capacity {
                    state.jobs.push_back(job);
                    // First the lock, so that the thread that wakes does not wait for it.
                    drop(state);
                    self.work.notify_one();
                    return Ok(());
                }
                let (wake, place) = oneshot::channel();
                state.outside.push(wake);
                place
            };
            // INVARIANT: the waker is only ever dropped, so that this ends when a place may be free or all is over.
            let _: Result<(), oneshot::Canceled> = place.await;
        }
    }

    /// Waits for work and takes at most so many pieces of it; none when the queue is closed and empty.
    pub(crate) fn take(&self, most: usize) -> Vec<J> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return Vec::new();
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.jobs.len().min(most);
        let taken = state.jobs.drain(..count).collect();
        state.outside.clear();
        taken
    }

    /// Accepts no further work; what is in line is still done.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.outside.clear();
        self.work.notify_all();
    }

    /// One thread fewer takes work. With the last one gone, whatever is in line is dropped, and so answered.
    fn leave(&self) {
        let mut state = self.lock();
        state.takers = state.takers.saturating_sub(1);
        if state.takers == 0 {
            state.jobs.clear();
            state.outside.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by each thread that takes work: tells the queue when the thread ends, however it ends.
pub(crate) struct Taker<J>(pub(crate) Arc<Queue<J>>);

impl<J> Drop for Taker<J> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_full_queue_lets_callers_wait_and_one_taken_piece_lets_them_in() {
        let queue = Queue::new(1, 1);
        assert_eq!(poll(pin!(queue.push(1))), Poll::Ready(Ok(())));
        let mut second = pin!(queue.push(2));
        assert_eq!(poll(second.as_mut()), Poll::Pending);
        assert_eq!(queue.take(64), [1]);
        assert_eq!(poll(second.as_mut()), Poll::Ready(Ok(())));
        assert_eq!(queue.take(64), [2]);
    }

    #[test]
    fn a_caller_that_stopped_waiting_takes_no_place_from_others() {
        let queue = Queue::new(1, 1);
        assert_eq!(poll(pin!(queue.push(1))), Poll::Ready(Ok(())));
        let mut stays = pin!(queue.push(3));
        {
            let mut goes = pin!(queue.push(2));
            assert_eq!(poll(goes.as_mut()), Poll::Pending);
            assert_eq!(poll(stays.as_mut()), Poll::Pending);
        }
        assert_eq!(queue.take(1), [1]);
        assert_eq!(poll(stays.as_mut()), Poll::Ready(Ok(())));
        assert_eq!(queue.take(1), [3]);
    }

    #[test]
    fn a_closed_queue_hands_out_what_is_in_line_and_takes_nothing_more() {
        let queue = Queue::new(2, 1);
        assert_eq!(poll(pin!(queue.push(1))), Poll::Ready(Ok(())));
        queue.close();
        assert_eq!(poll(pin!(queue.push(2))), Poll::Ready(Err(2)));
        assert_eq!(queue.take(64), [1]);
        assert!(queue.take(64).is_empty());
    }

    #[test]
    fn when_the_last_thread_is_gone_those_in_line_and_outside_are_told() {
        let queue = Queue::new(1, 2);
        let (reply, answer) = oneshot::channel::<()>();
        assert!(matches!(poll(pin!(queue.push(reply))), Poll::Ready(Ok(()))));
        let mut outside = pin!(queue.push(oneshot::channel().0));
        assert!(poll(outside.as_mut()).is_pending());
        drop(Taker(Arc::clone(&queue)));
        assert!(poll(outside.as_mut()).is_pending());
        drop(Taker(Arc::clone(&queue)));
        assert!(matches!(poll(outside), Poll::Ready(Err(_))));
        assert_eq!(poll(pin!(answer)), Poll::Ready(Err(oneshot::Canceled)));
    }
}

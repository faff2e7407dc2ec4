//! Runs a future to its end on the thread of a test, without a runtime.

use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// How long nothing may happen before a future counts as stuck. Nothing in a world waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a future to its end on this thread and gives its answer.
///
/// Over [`MemoryStore`](crate::memory::MemoryStore) no operation waits for anything, so that a test needs no runtime. What
/// is woken by a thread (a [`HashPool`](crate::password::argon2::HashPool), a store with threads of its own) is waited
/// for.
///
/// ```
/// use portcullis::testing::block_on;
/// assert_eq!(block_on(async { 6 * 7 }), 42);
/// ```
///
/// # Panics
/// When the future waits for something that nobody will ever wake it for, as what needs a runtime: at once if it gave its
/// waker to nobody, else after 30 seconds.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        if !alarm.rung() {
            // One is ours and one the waker's: without a third, nobody can ring.
            assert!(
                Arc::strong_count(&alarm) > 2 || alarm.rung(),
                "the future waits, and gave its waker to nobody: nothing will ever wake it"
            );
            assert!(
                alarm.wait(),
                "the future waits, and nothing woke it in {} s: a socket or timer wants the runtime it belongs to",
                PATIENCE.as_secs()
            );
        }
        alarm.reset();
    }
}

/// Rings when a future is to be polled again.
#[derive(Default)]
struct Alarm {
    rings: Mutex<bool>,
    rang: Condvar,
}

impl Alarm {
    fn rung(&self) -> bool {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reset(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until it rings; `false` if it does not.
    fn wait(&self) -> bool {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rang.wait_timeout_while(rings, PATIENCE, |rings| !*rings);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rang.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::password::argon2::HashPool;
    use crate::port::hasher::PasswordHasher;
    use crate::secret::Password;

    #[test]
    fn what_wakes_itself_goes_on() {
        let mut times = 0;
        let answer = block_on(core::future::poll_fn(|context| {
            times += 1;
            context.waker().wake_by_ref();
            if times < 3 { Poll::Pending } else { Poll::Ready(times) }
        }));
        assert_eq!(answer, 3);
    }

    #[test]
    fn what_a_thread_answers_is_waited_for() {
        let (asked, answered) = futures_channel::oneshot::channel();
        let (ready, go) = std::sync::mpsc::channel();
        let answering = thread::spawn(move || {
            go.recv().unwrap();
            asked.send(7).unwrap();
        });
        let answer = block_on(async {
            ready.send(()).unwrap();
            answered.await
        });
        assert_eq!(answer, Ok(7));
        answering.join().unwrap();
        let pool = HashPool::with_cheap_cost_for_tests().unwrap();
        let password = Password::parse("correct horse".to_owned(), "password").unwrap();
        let hash = block_on(pool.hash(&password, [7; 16])).unwrap();
        assert!(block_on(pool.verify(&password, Some(&hash))).unwrap().fits);
    }

    #[test]
    #[should_panic(expected = "gave its waker to nobody")]
    fn what_nobody_can_wake_fails_at_once() {
        block_on(core::future::pending::<()>());
    }
}

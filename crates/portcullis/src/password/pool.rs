//! A fixed number of threads that work off a bounded queue.
//!
//! The permit to work is the thread: a caller that goes away frees nothing early, and no runtime is needed.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use futures_channel::oneshot;

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// As many jobs as allowed wait already.
    Full,
    /// No thread is left to do it.
    Dead,
}

/// Dropping it throws away what waits, lets what runs come to its end and joins the threads.
pub(super) struct Pool<I, O> {
    shared: Arc<Shared<I, O>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<I, O> {
    state: Mutex<State<I, O>>,
    came: Condvar,
    waiting: usize,
}

struct State<I, O> {
    jobs: VecDeque<Job<I, O>>,
    alive: usize,
    closed: bool,
}

struct Job<I, O> {
    input: I,
    answer: oneshot::Sender<O>,
}

impl<I: Send + 'static, O: Send + 'static> Pool<I, O> {
    /// Starts one thread for each worker; at most `waiting` jobs wait for one.
    pub(super) fn start<W>(workers: Vec<W>, waiting: usize) -> std::io::Result<Self>
    where
        W: FnMut(I) -> O + Send + 'static,
    {
        let state = State { jobs: VecDeque::with_capacity(waiting), alive: workers.len(), closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), came: Condvar::new(), waiting });
        let mut pool = Self { shared, threads: Vec::with_capacity(workers.len()) };
        for mut worker in workers {
            let alive = Alive(Arc::clone(&pool.shared));
            let run = move || {
                while let Some(job) = alive.0.next() {
                    // Nobody may be waiting any more; then the work was for nothing and no harm is done.
                    let _ = job.answer.send(worker(job.input));
                }
            };
            pool.threads.push(thread::Builder::new().name("portcullis-hash".to_owned()).spawn(run)?);
        }
        Ok(pool)
    }

    /// Queues a job. The receiver ends with an error if the pool dies before the job is done.
    pub(super) fn submit(&self, input: I) -> Result<oneshot::Receiver<O>, Rejected> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(Rejected::Dead);
        }
        if state.jobs.len() >= self.shared.waiting {
            state.jobs.retain(|job| !job.answer.is_canceled());
        }
        if state.jobs.len() >= self.shared.waiting {
            return Err(Rejected::Full);
        }
        let (answer, receiver) = oneshot::channel();
        state.jobs.push_back(Job { input, answer });
        drop(state);
        self.shared.came.notify_one();
        Ok(receiver)
    }
}

impl<I, O> Drop for Pool<I, O> {
    fn drop(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has been told of by its panic; its end is all that matters here.
            let _ = thread.join();
        }
    }
}

impl<I, O> Shared<I, O> {
    fn lock(&self) -> MutexGuard<'_, State<I, O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a job that somebody still waits for; `None` when the pool is closed.
    fn next(&self) -> Option<Job<I, O>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            match state.jobs.pop_front() {
                Some(job) if job.answer.is_canceled() => {}
                Some(job) => return Some(job),
                None => state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn close(&self) {
        let jobs = {
            let mut state = self.lock();
            state.closed = true;
            core::mem::take(&mut state.jobs)
        };
        // Outside the lock: each job dropped wakes its caller.
        drop(jobs);
        self.came.notify_all();
    }
}

/// Counts a thread as alive until it ends, also by a panic; the last one closes the pool, so that nobody waits for
/// ever.
struct Alive<I, O>(Arc<Shared<I, O>>);

impl<I, O> Drop for Alive<I, O> {
    fn drop(&mut self) {
        let last = {
            let mut state = self.0.lock();
            state.alive = state.alive.saturating_sub(1);
            state.alive == 0
        };
        if last {
            self.0.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn two_threads_never_run_three_jobs() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = || {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            move |n: usize| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                n
            }
        };
        let pool = Arc::new(Pool::start(vec![worker(), worker()], 200).unwrap());
        let callers: Vec<_> = (0..200)
            .map(|n| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || wait(pool.submit(n).unwrap()).unwrap())
            })
            .collect();
        let answers: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert_eq!(answers, (0..200).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[test]
    fn two_threads_run_two_jobs_at_once() {
        let gate = Gate::new(2, 2);
        let first = gate.occupy();
        let second = gate.pool.submit(2).unwrap();
        assert_eq!(gate.started.recv_timeout(PATIENCE), Ok(2), "it starts while the first runs");
        gate.open(2);
        assert_eq!((wait(first), wait(second)), (Ok(1), Ok(2)));
    }

    #[test]
    fn a_full_queue_takes_nothing_more() {
        let gate = Gate::new(1, 2);
        let first = gate.occupy();
        let second = gate.pool.submit(2).unwrap();
        let third = gate.pool.submit(3).unwrap();
        assert_eq!(gate.pool.submit(4).unwrap_err(), Rejected::Full);
        gate.open(3);
        assert_eq!((wait(first), wait(second), wait(third)), (Ok(1), Ok(2), Ok(3)));
    }

    #[test]
    fn a_caller_that_left_gives_its_place_in_the_queue_away_and_is_not_worked_for() {
        let gate = Gate::new(1, 1);
        let first = gate.occupy();
        drop(gate.pool.submit(2).unwrap());
        let third = gate.pool.submit(3).unwrap();
        gate.open(2);
        assert_eq!((wait(first), wait(third)), (Ok(1), Ok(3)));
        assert_eq!(gate.started.try_iter().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_cancelled_job_is_skipped_by_the_worker() {
        let gate = Gate::new(1, 3);
        let first = gate.occupy();
        drop(gate.pool.submit(2).unwrap());
        let third = gate.pool.submit(3).unwrap();
        gate.open(2);
        assert_eq!((wait(first), wait(third)), (Ok(1), Ok(3)));
        assert_eq!(gate.started.try_iter().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_caller_that_leaves_while_its_job_runs_frees_no_thread() {
        let gate = Gate::new(1, 1);
        drop(gate.occupy());
        let second = gate.pool.submit(2).unwrap();
        assert_eq!(gate.pool.submit(3).unwrap_err(), Rejected::Full);
        assert!(gate.started.try_recv().is_err());
        gate.open(2);
        assert_eq!(wait(second), Ok(2));
    }

    #[test]
    fn a_dead_pool_answers() {
        let pool = Pool::start(vec![|n: u32| if n == 0 { panic!("planted") } else { n }], 4).unwrap();
        let answers = [0, 1, 2].map(|n| pool.submit(n));
        for answer in answers.into_iter().flatten() {
            assert_eq!(wait(answer), Err(oneshot::Canceled));
        }
        // The answers end while the thread still unwinds; when it has ended, nothing is taken.
        while !pool.threads[0].is_finished() {
            thread::yield_now();
        }
        assert_eq!(pool.submit(3).unwrap_err(), Rejected::Dead);
    }

    #[test]
    fn dropping_the_pool_ends_its_threads_and_its_callers() {
        let ended = Arc::new(());
        let held = Arc::clone(&ended);
        let pool = Pool::start(vec![move |n: u32| (n, Arc::strong_count(&held)).0], 4).unwrap();
        assert_eq!(wait(pool.submit(7).unwrap()), Ok(7));
        drop(pool);
        assert_eq!(Arc::strong_count(&ended), 1);

        let gate = Gate::new(1, 1);
        let first = gate.occupy();
        let second = gate.pool.submit(2).unwrap();
        let Gate { pool, started: _started, permits } = gate;
        let dropping = thread::spawn(move || drop(pool));
        // What waits is thrown away at once, what runs comes to its end.
        assert_eq!(wait(second), Err(oneshot::Canceled));
        permits.send(()).unwrap();
        assert_eq!(wait(first), Ok(1));
        dropping.join().unwrap();
    }

    /// A pool whose jobs each need a permit, and tell when they start.
    ///
    /// The permits are dropped before the pool, so that a failed test ends its threads.
    struct Gate {
        permits: mpsc::Sender<()>,
        started: mpsc::Receiver<u32>,
        pool: Pool<u32, u32>,
    }

    impl Gate {
        fn new(threads: usize, waiting: usize) -> Self {
            let (tell, started) = mpsc::channel();
            let (permits, asked) = mpsc::channel();
            let asked = Arc::new(Mutex::new(asked));
            let worker = |_| {
                let (tell, asked) = (tell.clone(), Arc::clone(&asked));
                move |n| {
                    tell.send(n).unwrap();
                    let permit = asked.lock().unwrap().recv();
                    permit.unwrap();
                    n
                }
            };
            Self { pool: Pool::start((0..threads).map(worker).collect(), waiting).unwrap(), started, permits }
        }

        /// Submits job 1 and returns when it runs.
        fn occupy(&self) -> oneshot::Receiver<u32> {
            let first = self.pool.submit(1).unwrap();
            assert_eq!(self.started.recv_timeout(PATIENCE), Ok(1));
            first
        }

        fn open(&self, jobs: usize) {
            (0..jobs).for_each(|_| self.permits.send(()).unwrap());
        }
    }

    /// Waits for an answer; one that does not come at all fails the test.
    fn wait<O>(answer: oneshot::Receiver<O>) -> Result<O, oneshot::Canceled> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await.expect("an answer") })
    }
}

//! The writer: one thread, one connection, one transaction and one sync for all commits that wait.
//!
//! Each piece of work of a batch runs in its own savepoint, so a refusal undoes only itself. Nobody is answered before
//! the one COMMIT. When SQLite gives the whole transaction up (a full disk does that, released savepoints included), or
//! the COMMIT fails, every piece of the batch runs again, alone, and is answered by its own outcome.

use std::sync::Arc;

use futures_channel::oneshot;
use portcullis::port::store::CommitError;

use crate::error::{Failure, after_commit, port};
use crate::queue::{Queue, Taker};
use crate::session::Session;
use crate::work::{Done, Work};

/// What a caller gets.
pub(crate) type Outcome = Result<Done, CommitError>;

/// A piece of work and whom to answer. The caller may be gone: the work is done whole all the same.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// Serves the queue until it is closed and empty.
pub(crate) fn serve(session: &Session, queue: &Arc<Queue<Job>>, batch: usize) {
    let _taker = Taker(Arc::clone(queue));
    loop {
        let jobs = queue.take(batch);
        if jobs.is_empty() {
            return;
        }
        let work: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        let outcomes = run(session, &work);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Fails when the caller is gone, which is its right.
            let _: Result<(), Outcome> = job.reply.send(outcome);
        }
    }
}

/// Runs all, together if that works; gives the outcome of each.
fn run(session: &Session, work: &[&Work]) -> Vec<Outcome> {
    if work.len() > 1 {
        match together(session, work) {
            Ok(outcomes) => return outcomes,
            Err(Lost::Unbegun(error)) => {
                let answer = CommitError::Port(port(&error));
                return work.iter().map(|_| Err(answer.clone())).collect();
            }
            Err(Lost::Batch(error)) => {
                let error = port(&error);
                tracing::warn!(batch = work.len(), %error, "a batch of commits was lost and runs one by one");
            }
        }
    }
    work.iter().map(|work| alone(session, work)).collect()
}

/// Why a batch has no outcomes; nothing of it was kept.
enum Lost {
    /// The transaction did not begin.
    Unbegun(rusqlite::Error),
    /// The transaction is gone, or was not committed.
    Batch(rusqlite::Error),
}

fn together(session: &Session, work: &[&Work]) -> Result<Vec<Outcome>, Lost> {
    begin(session).map_err(Lost::Unbegun)?;
    let outcomes = work.iter().map(|work| in_savepoint(session, work)).collect::<Result<Vec<_>, _>>();
    match outcomes.and_then(|outcomes| session.commit().map(|()| outcomes)) {
        Ok(outcomes) => Ok(outcomes),
        Err(error) => Err(Lost::Batch(error)),
    }
}

/// Runs one piece of a batch. An error means that the batch is lost.
fn in_savepoint(session: &Session, work: &Work) -> rusqlite::Result<Outcome> {
    session.control("SAVEPOINT piece")?;
    match work.run(session) {
        Ok(done) => {
            session.control("RELEASE piece")?;
            Ok(Ok(done))
        }
        // INVARIANT: after a failure the transaction may be gone with all savepoints released before, and a ROLLBACK TO
        // would fail for another reason than the one to tell.
        Err(Failure::Sql(error)) if session.conn.is_autocommit() => Err(error),
        Err(failure) => {
            session.control("ROLLBACK TO piece")?;
            session.control("RELEASE piece")?;
            Ok(Err(failure.answer()))
        }
    }
}

fn alone(session: &Session, work: &Work) -> Outcome {
    begin(session).map_err(|error| CommitError::Port(port(&error)))?;
    let outcome = match work.run(session) {
        Ok(done) => session.commit().map(|()| done).map_err(|error| after_commit(&error)),
        Err(failure) => Err(failure.answer()),
    };
    if outcome.is_err() {
        // A failure here is met again, and told, when the next transaction begins.
        let _: rusqlite::Result<()> = session.roll_back();
    }
    outcome
}

/// Begins a transaction, having ended the one that a lost batch left open.
fn begin(session: &Session) -> rusqlite::Result<()> {
    session.roll_back()?;
    session.control("BEGIN IMMEDIATE")
}

//! Every public operation, one by one: what it costs the store, that its future is `Send`, that dropping it anywhere
//! leaves the state before or after, and that a store failing at any of its calls opens nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each stage knows its own operations, the last is all the others"
)]

mod stage;

use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use portcullis::Error;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use stage::{Op, Stage, Yielding};

/// Polls a prepared operation to its end: nothing in it waits for anything but the store in memory and the hash pool.
fn finish(stage: &mut Stage) -> Result<(), Error> {
    loop {
        if let Poll::Ready(result) = stage.operation.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
        std::thread::yield_now();
    }
}

fn prepared(op: Op) -> Stage {
    let mut stage = None;
    let mut future = Box::pin(async { stage = Some(stage::prepare(op).await) });
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        std::thread::yield_now();
    }
    drop(future);
    stage.unwrap()
}

fn dump(store: &Arc<FaultyStore<Yielding>>) -> String {
    store.inner().contents().to_string()
}

/// Whether an operation is one flow. What is left where one of several is dropped or fails has tests of its own:
/// `worker.rs`, `flespi.rs`.
fn one_flow(op: Op) -> bool {
    !matches!(op, Op::WorkerPass | Op::FlespiRedeem | Op::FlespiCheck)
}

/// The state before an operation and after it.
fn before_and_after(op: Op) -> (String, String) {
    let mut stage = prepared(op);
    let before = dump(&stage.store);
    assert_eq!(finish(&mut stage).is_ok(), op.succeeds(), "{op:?}");
    (before, dump(&stage.store))
}

#[test]
fn every_operation_reads_once_and_commits_once_at_most() {
    for op in Op::ALL {
        let mut stage = prepared(op);
        stage.store.reset();
        let _ = finish(&mut stage);
        let (reads, commits, lists) = (stage.store.reads(), stage.store.commits(), stage.store.lists());
        let messages = stage.messages;
        // Who holds rights on an item is named in a second look, which notices there are follows from the user, and what
        // came of a message from its challenge.
        let second =
            matches!(op, Op::ManageUser | Op::ManageAccount | Op::NoticesOutlook | Op::SignInPending);
        let named = u64::from(second);
        // A number is found out with its user, and what was counted for it is read at the next try.
        let tries = if matches!(op, Op::SmsSignIn | Op::SmsResend) { 2 } else { 1 };
        // What a login posted is kept in one flow, and the token issued in another; a check is counted before it is made.
        let flows = tries + u64::from(matches!(op, Op::FlespiRedeem | Op::FlespiCheck));
        // Four sorts of records are sealed.
        let sorts = if op == Op::Reseal { 4 } else { 1 };
        assert!(
            reads <= flows + messages + named && commits <= flows + messages && lists <= sorts,
            "{op:?}: {reads} {commits} {lists}"
        );
        assert!(reads + lists + commits + stage.store.calls(Method::Audit) > 0, "{op:?} asks the store");
        let changed = op.changes();
        assert_eq!(commits > 0, changed, "{op:?} commits what it changes, and only then");
    }
}

#[test]
fn dropping_an_operation_anywhere_leaves_before_or_after() {
    for op in Op::ALL.into_iter().filter(|op| one_flow(*op)) {
        let (before, after) = before_and_after(op);
        let (mut seen_before, mut seen_after) = (false, false);
        for polls in 0.. {
            let mut stage = prepared(op);
            let mut done = false;
            for _ in 0..polls {
                done =
                    done || stage.operation.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
                if done {
                    break;
                }
                stage.let_hashes_finish();
            }
            stage.operation = Box::pin(async { Ok(()) });
            let now = dump(&stage.store);
            assert!(now == before || now == after, "{op:?} dropped at poll {polls} left something between");
            seen_before |= now == before;
            seen_after |= now == after;
            if done {
                break;
            }
            assert!(polls < 1000, "{op:?} never ends");
        }
        assert!(seen_before && seen_after, "{op:?}");
    }
}

#[test]
fn a_store_that_fails_opens_nothing_and_a_lost_answer_is_resolved() {
    for op in Op::ALL.into_iter().filter(|op| one_flow(*op)) {
        let (before, after) = before_and_after(op);
        for (method, failure) in [
            (Method::Read, Failure::Port),
            (Method::List, Failure::Port),
            (Method::Audit, Failure::Port),
            (Method::Commit, Failure::Port),
            (Method::Commit, Failure::UnknownBefore),
            (Method::Commit, Failure::UnknownAfter),
        ] {
            let mut stage = prepared(op);
            stage.store.reset();
            stage.store.fail(method, 1, failure);
            let result = finish(&mut stage);
            if stage.store.calls(method) == 0 {
                continue;
            }
            let now = dump(&stage.store);
            if failure == Failure::Port {
                assert!(matches!(result, Err(Error::Unavailable(_))), "{op:?} {method:?}: {result:?}");
                assert_eq!(now, before, "{op:?} {method:?}");
            } else {
                assert_eq!(result.is_ok(), op.succeeds(), "{op:?} {failure:?}: {result:?}");
                assert_eq!(now, after, "{op:?} {failure:?}: the same commit again has one effect");
            }
        }
    }
}

#[test]
fn a_commit_whose_fate_stays_unknown_is_reported_as_that() {
    let mut stage = prepared(Op::SignIn);
    stage.store.reset();
    stage.store.fail(Method::Commit, 1, Failure::UnknownAfter);
    for nth in 2..50 {
        stage.store.fail(Method::Commit, nth, Failure::Port);
    }
    assert!(matches!(finish(&mut stage), Err(Error::Unknown(_))), "it is neither a success nor a failure");
}

#[test]
fn others_being_faster_is_decided_anew() {
    for op in Op::ALL.into_iter().filter(|op| op.changes() && one_flow(*op)) {
        let mut stage = prepared(op);
        stage.store.reset();
        stage.store.fail(Method::Commit, 1, Failure::Conflict);
        assert_eq!(finish(&mut stage).is_ok(), op.succeeds(), "{op:?}");
        assert_eq!((stage.store.reads(), stage.store.commits()), (2, 2), "{op:?}");
        let mut stage = prepared(op);
        stage.store.reset();
        for nth in 1..1000 {
            stage.store.fail(Method::Commit, nth, Failure::Conflict);
        }
        assert!(matches!(finish(&mut stage), Err(Error::Contended)), "{op:?} gives up at last");
    }
}

//! Callers that go away.

use core::pin::pin;
use core::task::Poll;
use std::sync::Arc;

use crate::port::store::Store;

use super::kit::Kit;
use super::whole::Scene;

/// A commit whose caller went away at any point is kept whole or not at all, and can be made again.
pub async fn dropped_commit_is_before_or_after(store: &Arc<dyn Store>, nonce: u64) {
    const POLLS: usize = 200;
    let kit = Kit::new(store, nonce, "dropped_commit_is_before_or_after");
    for poll in 1..=POLLS {
        let scene = Scene::new(&kit).await;
        let commit = scene.commit(&kit);
        let finished = drop_at_poll(kit.store.commit(&commit), poll).await;
        let parts = scene.parts(&kit).await;
        assert!(
            parts == [false; 6] || parts == [true; 6],
            "a commit dropped at poll {poll} is seen whole or not at all, but this much of it is: {parts:?}"
        );
        let again = super::kit::settle(kit.store.as_ref(), &commit).await;
        assert!(
            again.is_ok(),
            "a commit dropped at poll {poll} can be made again, but the store says {again:?}"
        );
        scene.is_done(&kit, 1).await;
        if finished.is_some() {
            break;
        }
    }
}

/// Polls a future as its waker asks, and drops it after so many polls unless it is ready.
pub(super) async fn drop_at_poll<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    core::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left <= 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

//! The steps on a counter.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::port::store::{CommitError, Count, CounterOp, Store, Window};

use super::kit::{Kit, Steps, add, at, holds, secs};

/// A counter is added to up to its limit and never past it, not even by one.
pub async fn add_never_passes_its_limit(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "add_never_passes_its_limit");
    let counter = kit.counter();
    let exhausted = CommitError::Exhausted(counter.clone());
    let commit = |n, limit| kit.commit().count(&counter, add(n, limit, Window::None));
    kit.refuse("an addition larger than its limit", &commit(6, 5), &exhausted).await;
    for value in 1..=5 {
        let counts = kit.keep("an addition up to its limit", &commit(1, 5)).await;
        assert_eq!(counts.get(&counter), Some(&holds(value, None)), "an addition gives the new value");
    }
    kit.refuse("an addition of one at the limit", &commit(1, 5), &exhausted).await;
    kit.refuse("an addition under a limit lowered since", &commit(1, 3), &exhausted).await;
    kit.refuse("an addition of three with room for two", &commit(3, 7), &exhausted).await;
    assert_eq!(kit.count(&counter, at(0)).await, holds(5, None), "refused additions count nothing");
    kit.keep("an addition of two with room for two", &commit(2, 7)).await;
    assert_eq!(kit.count(&counter, at(0)).await, holds(7, None), "the limit itself can be reached");
    let twice = commit(1, 8).count(&counter, add(1, 8, Window::None));
    kit.refuse("two additions with room for one", &twice, &exhausted).await;
    assert_eq!(kit.count(&counter, at(0)).await, holds(7, None), "the first of them is not kept either");
}

/// `Below` refuses at the limit, lets pass below it, and changes nothing and opens no window.
pub async fn below_only_looks(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "below_only_looks");
    let counter = kit.counter();
    let exhausted = CommitError::Exhausted(counter.clone());
    let window = Window::Rolling(secs(60));
    let below = |limit| kit.commit().count(&counter, CounterOp::Below { limit, window });
    let counts = kit.keep("a look at a counter that was never added to", &below(1)).await;
    assert_eq!(counts.get(&counter), Some(&Count::default()), "such a counter is at 0 and has no window");
    kit.refuse("a value below 0", &below(0), &exhausted).await;
    let opened = kit.add(&counter, 2, window, at(10)).await;
    assert_eq!(
        opened,
        holds(2, Some(at(70))),
        "the window opens at the first addition, not at a look before it"
    );
    kit.keep("a look at 2 below 3", &below(3).at(at(20))).await;
    kit.refuse("a look at 2 below 2", &below(2).at(at(20)), &exhausted).await;
    kit.refuse("a look at 2 below 1", &below(1).at(at(20)), &exhausted).await;
    assert_eq!(kit.count(&counter, at(20)).await, opened, "a look changes nothing");
    kit.keep("a look after the end of the window", &below(1).at(at(70))).await;
}

/// A refund counts only in the window in which it was spent, and never goes below 0.
pub async fn give_back_only_in_its_window(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "give_back_only_in_its_window");
    let counter = kit.counter();
    let window = Window::Rolling(secs(60));
    let give_back = |n, ends_at| kit.commit().count(&counter, CounterOp::GiveBack { n, ends_at });
    kit.keep("a refund to a counter that was never added to", &give_back(1, None)).await;
    assert_eq!(kit.count(&counter, at(0)).await.value, 0, "nothing can be given back to nothing");
    kit.add(&counter, 5, window, at(0)).await;
    let counts = kit.keep("a refund", &give_back(2, Some(at(60)))).await;
    assert_eq!(counts.get(&counter), Some(&holds(3, Some(at(60)))), "a refund in its window counts");
    for ends_at in [None, Some(at(59)), Some(at(61))] {
        kit.keep("a refund for another window", &give_back(1, ends_at)).await;
        assert_eq!(kit.count(&counter, at(0)).await.value, 3, "a refund for another window does nothing");
    }
    kit.add(&counter, 4, window, at(100)).await;
    kit.keep("a late refund", &give_back(1, Some(at(60))).at(at(100))).await;
    assert_eq!(
        kit.count(&counter, at(100)).await,
        holds(4, Some(at(160))),
        "what was spent in an ended window is not given back in the next one"
    );
    kit.keep("a large refund", &give_back(9, Some(at(160))).at(at(100))).await;
    assert_eq!(kit.count(&counter, at(100)).await.value, 0, "a refund goes down to 0 at most");
    let endless = kit.counter();
    kit.add(&endless, 5, Window::None, at(0)).await;
    let give_back = |ends_at| kit.commit().count(&endless, CounterOp::GiveBack { n: 1, ends_at });
    kit.keep("a refund", &give_back(None)).await;
    kit.keep("a refund for another window", &give_back(Some(at(60)))).await;
    assert_eq!(kit.count(&endless, at(0)).await, holds(4, None), "a window without an end is a window");
}

/// Several steps on one counter are taken in the order given, each seeing what the one before left.
pub async fn steps_are_taken_in_order(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "steps_are_taken_in_order");
    let (counter, other) = (kit.counter(), kit.counter());
    kit.add(&counter, 5, Window::None, at(0)).await;
    let below = CounterOp::Below { limit: 3, window: Window::None };
    let commit = kit
        .commit()
        .count(&counter, CounterOp::Clear)
        .count(&counter, add(2, 5, Window::None))
        .count(&other, add(1, 1, Window::None))
        .count(&counter, below)
        .count(&counter, add(3, 5, Window::None))
        .count(&counter, CounterOp::GiveBack { n: 1, ends_at: None });
    kit.keep("steps that are possible in their order only", &commit).await;
    assert_eq!(kit.count(&counter, at(0)).await, holds(4, None), "the steps were taken in their order");
    let other_way = kit.commit().count(&counter, add(2, 5, Window::None)).count(&counter, CounterOp::Clear);
    let exhausted = CommitError::Exhausted(counter.clone());
    kit.refuse("an addition past the limit, cleared afterwards", &other_way, &exhausted).await;
    let cleared = kit.commit().count(&counter, add(1, 5, Window::None)).count(&counter, CounterOp::Clear);
    kit.keep("an addition, cleared afterwards", &cleared).await;
    assert_eq!(kit.count(&counter, at(0)).await.value, 0, "the last step was taken last");
}

/// A commit answers with the new value of every counter it stepped on, and of no other.
pub async fn counts_name_every_counter_stepped_on(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "counts_name_every_counter_stepped_on");
    let [added, looked, cleared, refunded] = [kit.counter(), kit.counter(), kit.counter(), kit.counter()];
    for counter in [&looked, &cleared, &refunded] {
        kit.add(counter, 3, Window::Rolling(secs(60)), at(0)).await;
    }
    let below = CounterOp::Below { limit: 9, window: Window::Rolling(secs(60)) };
    let commit = kit
        .commit()
        .at(at(1))
        .count(&refunded, CounterOp::GiveBack { n: 1, ends_at: Some(at(60)) })
        .count(&cleared, CounterOp::Clear)
        .count(&looked, below)
        .count(&added, add(1, 9, Window::Rolling(secs(60))))
        .count(&added, add(1, 9, Window::Rolling(secs(60))));
    let expected = BTreeMap::from([
        (added, holds(2, Some(at(61)))),
        (looked, holds(3, Some(at(60)))),
        (cleared, Count::default()),
        (refunded, holds(2, Some(at(60)))),
    ]);
    let counts = kit.keep("steps on four counters", &commit).await;
    assert_eq!(counts, expected, "a commit answers with the value of every counter after it");
    let bare = kit.keep("a commit without steps", &kit.commit()).await;
    assert!(bare.is_empty(), "a commit without steps has no counts");
}

/// Counters go up to `i32::MAX` whatever their limit, and not further.
pub async fn counters_hold_big_values(store: &Arc<dyn Store>, nonce: u64) {
    const HIGHEST: u32 = i32::MAX.unsigned_abs();
    let kit = Kit::new(store, nonce, "counters_hold_big_values");
    let counter = kit.counter();
    kit.add(&counter, 70_000, Window::None, at(0)).await;
    let counts = kit.add(&counter, HIGHEST - 70_000, Window::None, at(0)).await;
    assert_eq!(counts, holds(HIGHEST, None), "a counter goes up to the highest value");
    let exhausted = CommitError::Exhausted(counter.clone());
    for n in [1, HIGHEST, u32::MAX] {
        let commit = kit.commit().count(&counter, add(n, u32::MAX, Window::None));
        kit.refuse("an addition past the highest value", &commit, &exhausted).await;
    }
    assert_eq!(kit.count(&counter, at(0)).await, holds(HIGHEST, None), "and stays there");
    let below = CounterOp::Below { limit: u32::MAX, window: Window::None };
    kit.keep("a look below a limit nothing reaches", &kit.commit().count(&counter, below)).await;
    let fresh = kit.counter();
    let commit = kit.commit().count(&fresh, add(u32::MAX, u32::MAX, Window::None));
    kit.refuse("a first addition past the highest value", &commit, &CommitError::Exhausted(fresh.clone()))
        .await;
}

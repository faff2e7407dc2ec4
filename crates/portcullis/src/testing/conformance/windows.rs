//! When the window of a counter opens and ends.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::policy::CLOCK_SLACK;
use crate::port::store::{CommitError, CounterOp, Store, Window};

use super::kit::{Kit, Steps, add, at, holds, secs};

/// A rolling window opens at the first addition, is not extended by later ones, and ends at its end.
pub async fn rolling_window_opens_at_the_first_add(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "rolling_window_opens_at_the_first_add");
    let counter = kit.counter();
    let window = Window::Rolling(secs(60));
    for (n, now, value) in [(1, 0, 1), (1, 30, 2), (3, 59, 5)] {
        assert_eq!(
            kit.add(&counter, n, window, at(now)).await,
            holds(value, Some(at(60))),
            "an addition in an open window leaves its end where it is"
        );
    }
    let other = kit.add(&counter, 1, Window::Rolling(secs(600)), at(59)).await;
    assert_eq!(other, holds(6, Some(at(60))), "also one that would open a longer window");
    let reopened = kit.add(&counter, 1, window, at(60)).await;
    assert_eq!(reopened, holds(1, Some(at(120))), "an addition at the end opens the next window");
    let full = kit.commit().at(at(61)).count(&counter, add(1, 1, window));
    kit.refuse("a second addition of one", &full, &CommitError::Exhausted(counter.clone())).await;
    let after = kit.commit().at(at(120)).count(&counter, add(1, 1, window));
    kit.keep("an addition of one after the end of the window", &after).await;
}

/// `Clear` closes the window: the next addition opens a new one, also in the same commit.
pub async fn cleared_counter_opens_a_new_window(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "cleared_counter_opens_a_new_window");
    let counter = kit.counter();
    let window = Window::Rolling(secs(60));
    kit.add(&counter, 3, window, at(0)).await;
    let both = kit.commit().at(at(10)).count(&counter, CounterOp::Clear).count(&counter, add(1, 1, window));
    let counts = kit.keep("a clear and an addition", &both).await;
    assert_eq!(counts.get(&counter), Some(&holds(1, Some(at(70)))), "the addition opened a new window");
    assert_eq!(kit.count(&counter, at(69)).await, holds(1, Some(at(70))), "and that is what is stored");
    kit.keep("a clear", &kit.commit().at(at(20)).count(&counter, CounterOp::Clear)).await;
    assert_eq!(kit.count(&counter, at(20)).await.value, 0, "a cleared counter is at 0");
    let reopened = kit.add(&counter, 2, Window::None, at(30)).await;
    assert_eq!(reopened, holds(2, None), "the next addition says what window it opens");
    kit.keep("a clear of nothing", &kit.commit().count(&kit.counter(), CounterOp::Clear)).await;
}

/// A refund does not close the window, not even at 0: the next addition counts in it.
pub async fn given_back_counter_stays_in_its_window(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "given_back_counter_stays_in_its_window");
    let counter = kit.counter();
    let window = Window::Rolling(secs(60));
    kit.add(&counter, 1, window, at(0)).await;
    let give_back = CounterOp::GiveBack { n: 1, ends_at: Some(at(60)) };
    kit.keep("a refund of all", &kit.commit().at(at(10)).count(&counter, give_back)).await;
    assert_eq!(kit.count(&counter, at(10)).await.value, 0, "all is given back");
    let again = kit.add(&counter, 1, window, at(30)).await;
    assert_eq!(again, holds(1, Some(at(60))), "the window fixed when it opened is still open");
}

/// A rolling window whose end lies further off than its length and the slack of clocks counts as ended: the clock has
/// stepped back. One that is less far off was opened by a caller whose clock is ahead, and counts.
pub async fn clock_stepped_back_locks_nobody_longer(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "clock_stepped_back_locks_nobody_longer");
    let window = Window::Rolling(secs(60));
    let year = 365 * 24 * 3600;
    let counter = kit.counter();
    let exhausted = CommitError::Exhausted(counter.clone());
    kit.add(&counter, 1, window, at(year)).await;
    let below = |now| kit.commit().at(now).count(&counter, CounterOp::Below { limit: 1, window });
    kit.keep("a look under a clock that stepped back by a year", &below(at(0))).await;
    assert_eq!(kit.count(&counter, at(year)).await.value, 1, "a look does not end a window");
    let one = |now| kit.commit().at(now).count(&counter, add(1, 1, window));
    let counts = kit.keep("an addition under a clock that stepped back by a year", &one(at(0))).await;
    assert_eq!(counts.get(&counter), Some(&holds(1, Some(at(60)))), "it opens a window by the present clock");
    let tick = TimeDelta::microseconds(1);
    kit.refuse("an addition in an open window", &one(at(0)), &exhausted).await;
    let behind = at(0) - CLOCK_SLACK;
    kit.refuse("an addition by a caller whose clock is behind", &one(behind), &exhausted).await;
    kit.refuse("a look by a caller whose clock is behind", &below(behind), &exhausted).await;
    kit.keep("an addition under a clock that stepped back by more", &one(behind - tick)).await;
    kit.refuse("an addition in the window opened then", &one(at(0)), &exhausted).await;
    kit.refuse("a look into the window opened then", &below(at(29)), &exhausted).await;
    let dated = kit.counter();
    kit.add(&dated, 1, Window::Until(at(year)), at(0)).await;
    let until = kit.commit().count(&dated, add(1, 1, Window::Until(at(60))));
    kit.refuse("an addition in a window with a far date", &until, &CommitError::Exhausted(dated.clone()))
        .await;
}

/// A window until an instant is open before it and over from it on.
pub async fn until_ends_at_its_instant(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "until_ends_at_its_instant");
    let counter = kit.counter();
    assert_eq!(
        kit.add(&counter, 1, Window::Until(at(60)), at(0)).await,
        holds(1, Some(at(60))),
        "the window ends at the instant given"
    );
    let later = kit.add(&counter, 1, Window::Until(at(600)), at(30)).await;
    assert_eq!(later, holds(2, Some(at(60))), "a later addition does not move it");
    assert_eq!(kit.count(&counter, at(60)).await.value, 0, "it is over at that instant");
    let next = kit.add(&counter, 1, Window::Until(at(600)), at(60)).await;
    assert_eq!(next, holds(1, Some(at(600))), "and the next addition opens the next one");
    let far = kit.counter();
    let century = 100 * 365 * 24 * 3600;
    kit.add(&far, 1, Window::Until(at(century)), at(0)).await;
    let last = at(century) - TimeDelta::microseconds(1);
    assert_eq!(
        kit.count(&far, last).await,
        holds(1, Some(at(century))),
        "however far off it is, to the microsecond"
    );
}

/// A window until an instant that is over counts within the commit and keeps nothing.
pub async fn until_in_the_past_keeps_nothing(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "until_in_the_past_keeps_nothing");
    let counter = kit.counter();
    let exhausted = CommitError::Exhausted(counter.clone());
    for end in [at(-60), at(0)] {
        let one = || kit.commit().count(&counter, add(1, 1, Window::Until(end)));
        kit.keep("an addition in a window that is over", &one()).await;
        kit.keep("another one in a later commit", &one()).await;
        let twice = one().count(&counter, add(1, 1, Window::Until(end)));
        kit.refuse("two of them in one commit", &twice, &exhausted).await;
        assert_eq!(kit.count(&counter, at(0)).await.value, 0, "nothing of it is kept");
        kit.keep("an addition in a window to come", &one().at(at(-120))).await;
        kit.keep("its clear", &kit.commit().at(at(-120)).count(&counter, CounterOp::Clear)).await;
    }
}

/// A counter without a window counts for ever.
pub async fn no_window_counts_for_ever(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "no_window_counts_for_ever");
    let counter = kit.counter();
    assert_eq!(kit.add(&counter, 1, Window::None, at(0)).await, holds(1, None), "it has no end");
    let century = 100 * 365 * 24 * 3600;
    assert_eq!(kit.count(&counter, at(century)).await, holds(1, None), "it counts a century later");
    let again = kit.add(&counter, 1, Window::Rolling(secs(1)), at(century)).await;
    assert_eq!(again, holds(2, None), "no addition gives it an end");
}

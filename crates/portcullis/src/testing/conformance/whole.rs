//! All or nothing, and the same commit again.

use std::sync::Arc;

use crate::port::store::{
    Commit, CommitError, Counter, CounterOp, Expect, Key, Read, Record, Start, Store, Window,
};

use super::kit::{Kit, Steps, add, at, holds, page, race_commits};

/// Adds what fails to a commit, given a stored record, a full counter and a record with a key that is taken.
type Spoil = fn(Commit, &Record, &Counter, &Record) -> Commit;

/// A commit that fails, whatever its reason, leaves nothing of itself behind, and can be made good under the same id.
pub async fn failed_commit_leaves_no_trace(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "failed_commit_leaves_no_trace");
    let taken = kit.key();
    let holder = kit.insert(Record { keys: vec![taken.clone()], ..kit.record() }).await;
    let full = kit.counter();
    kit.add(&full, 1, Window::None, at(0)).await;
    let duplicate = Record { keys: vec![taken.clone()], ..kit.record() };
    let failures: [(&str, Spoil, CommitError); 8] = [
        (
            "a put under another version",
            |c, r, _, _| c.put(r.clone(), Expect::Version(7)),
            CommitError::Conflict,
        ),
        ("a put of what exists", |c, r, _, _| c.put(r.clone(), Expect::Absent), CommitError::Conflict),
        ("a guard on another version", |c, r, _, _| c.guard(r.id, 7), CommitError::Conflict),
        ("a guard on nothing", |c, _, _, d| c.guard(d.id, 1), CommitError::Conflict),
        ("a delete under another version", |c, r, _, _| c.delete(r.id, 7), CommitError::Conflict),
        (
            "a key that is taken",
            |c, _, _, d| c.put(d.clone(), Expect::Absent),
            CommitError::Duplicate(taken.clone()),
        ),
        (
            "an addition past its limit",
            |c, _, full, _| c.count(full, add(1, 1, Window::None)),
            CommitError::Exhausted(full.clone()),
        ),
        (
            "a look at the limit",
            |c, _, full, _| c.count(full, CounterOp::Below { limit: 1, window: Window::None }),
            CommitError::Exhausted(full.clone()),
        ),
    ];
    for (what, spoil, why) in failures {
        let scene = Scene::new(&kit).await;
        let good = scene.commit(&kit);
        let bad = spoil(good.clone(), &holder, &full, &duplicate);
        kit.refuse(what, &bad, &why).await;
        scene.is_untouched(&kit, what).await;
        assert_eq!(kit.get(holder.id).await, Some(holder.clone()), "{what} changes nothing it failed on");
        kit.keep("the same commit without what failed, under the same id", &good).await;
        scene.is_done(&kit, 1).await;
    }
}

/// A commit made twice has one effect, and is answered as kept each time.
pub async fn same_commit_twice_has_one_effect(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "same_commit_twice_has_one_effect");
    let scene = Scene::new(&kit).await;
    let commit = scene.commit(&kit);
    let first = kit.keep("a commit", &commit).await;
    let second = kit.keep("the same commit again", &commit).await;
    assert_eq!(first, second, "with nothing in between both are answered alike");
    scene.is_done(&kit, 1).await;
    let bare = kit.commit_about(scene.subject);
    kit.keep("a commit with an event only", &bare).await;
    kit.keep("the same commit with an event only", &bare).await;
    assert_eq!(kit.trail(scene.subject, page(None, 10)).await.len(), 2, "no event is doubled");
}

/// A commit that leaves no event is known again by its id like any other, and a second one is another.
pub async fn same_commit_without_a_trail_has_one_effect(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "same_commit_without_a_trail_has_one_effect");
    let scene = Scene::new(&kit).await;
    let bare =
        |commit: Commit| Commit { id: crate::id::CommitId::from_uuid(kit.id()), audit: Vec::new(), ..commit };
    let commit = bare(scene.commit(&kit));
    kit.keep("a commit without an event", &commit).await;
    let other = kit.counter();
    let step = bare(kit.commit().count(&other, add(1, 100, Window::None)));
    kit.keep("another commit without an event", &step).await;
    for again in [&commit, &step, &commit] {
        kit.keep("the same commit without an event again", again).await;
    }
    scene.is_done(&kit, 0).await;
    assert_eq!(kit.count(&other, at(0)).await, holds(1, None), "the other one has its effect, once");
}

/// A commit made again after others went on is answered as kept, with the present counts, and undoes nothing.
pub async fn same_commit_again_gives_present_counts(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "same_commit_again_gives_present_counts");
    let scene = Scene::new(&kit).await;
    let commit = scene.commit(&kit);
    kit.keep("a commit", &commit).await;
    let newer = Record { body: r#"{"v":1,"by":"another"}"#.to_owned(), ..scene.changed.clone() };
    let other = kit
        .commit()
        .put(newer.clone(), Expect::Version(2))
        .delete(scene.fresh.id, 1)
        .count(&scene.counter, add(5, 100, Window::None));
    kit.keep("a commit of another", &other).await;
    let thief = kit.insert(Record { keys: vec![scene.key.clone()], ..kit.record() }).await;
    let counts = kit.keep("the first commit again", &commit).await;
    assert_eq!(
        counts.get(&scene.counter),
        Some(&holds(7, None)),
        "it is answered with what the counter holds by then"
    );
    assert_eq!(counts.get(&scene.cleared), Some(&holds(0, None)), "for each counter it stepped on");
    assert_eq!(kit.count(&scene.counter, at(0)).await, holds(7, None), "and counts nothing again");
    let stored = kit.get(newer.id).await;
    assert_eq!(stored, Some(Record { version: 3, ..newer }), "what another wrote meanwhile stays");
    assert_eq!(kit.get(scene.fresh.id).await, None, "what another deleted meanwhile stays deleted");
    assert_eq!(kit.holder(&scene.key).await, Some(thief.id), "a key that another took meanwhile stays taken");
}

/// A commit made by sixteen callers at once has one effect, and every one is told that it is kept.
pub async fn same_commit_in_parallel_has_one_effect(store: &Arc<dyn Store>, nonce: u64) {
    const CALLERS: usize = 16;
    let kit = Kit::new(store, nonce, "same_commit_in_parallel_has_one_effect");
    for _ in 0..4 {
        let scene = Scene::new(&kit).await;
        let commit = scene.commit(&kit);
        for answer in race_commits(&kit, vec![commit; CALLERS]).await {
            assert!(answer.is_ok(), "every caller is told that the commit is kept, but one hears {answer:?}");
        }
        scene.is_done(&kit, 1).await;
    }
}

/// A little of everything, for one commit to change.
pub(super) struct Scene {
    pub(super) subject: uuid::Uuid,
    pub(super) counter: Counter,
    cleared: Counter,
    key: Key,
    fresh: Record,
    changed: Record,
    deleted: Record,
}

impl Scene {
    pub(super) async fn new(kit: &Kit) -> Self {
        let key = kit.key();
        let scene = Self {
            subject: kit.id(),
            counter: kit.counter(),
            cleared: kit.counter(),
            fresh: Record { keys: vec![key.clone()], ..kit.record() },
            key,
            changed: kit.insert(kit.record()).await,
            deleted: kit.insert(kit.record()).await,
        };
        kit.add(&scene.cleared, 3, Window::None, at(0)).await;
        scene
    }

    /// A commit that changes all of it.
    pub(super) fn commit(&self, kit: &Kit) -> Commit {
        kit.commit_about(self.subject)
            .put(self.fresh.clone(), Expect::Absent)
            .put(self.changed.clone(), Expect::Version(1))
            .delete(self.deleted.id, 1)
            .count(&self.counter, add(2, 100, Window::None))
            .count(&self.cleared, CounterOp::Clear)
    }

    /// How much of the commit one snapshot shows: each part that it changes, as it was (`false`) or is (`true`).
    pub(super) async fn parts(&self, kit: &Kit) -> [bool; 6] {
        let read = Read {
            now: at(0),
            starts: vec![
                Start::Id(self.fresh.id),
                Start::Id(self.changed.id),
                Start::Id(self.deleted.id),
                Start::Key(self.key.clone()),
            ],
            subjects: vec![self.counter.subject, self.cleared.subject],
        };
        let snapshot = kit.read(&read).await;
        [
            snapshot.records.contains_key(&self.fresh.id),
            snapshot.records.get(&self.changed.id).is_none_or(|record| record.version != 1),
            !snapshot.records.contains_key(&self.deleted.id),
            snapshot.found.last().copied().flatten().is_some(),
            snapshot.counters.contains_key(&self.counter),
            !snapshot.counters.contains_key(&self.cleared),
        ]
    }

    async fn is_untouched(&self, kit: &Kit, what: &str) {
        assert_eq!(
            self.parts(kit).await,
            [false; 6],
            "a commit that fails by {what} leaves everything as it was"
        );
        let trail = kit.trail(self.subject, page(None, 10)).await;
        assert!(trail.is_empty(), "a commit that fails by {what} leaves no event");
    }

    /// Checks that the commit had its effect once.
    pub(super) async fn is_done(&self, kit: &Kit, events: usize) {
        assert_eq!(self.parts(kit).await, [true; 6], "the whole commit is kept");
        let versions = (kit.get(self.fresh.id).await, kit.get(self.changed.id).await);
        let versions = (versions.0.map(|record| record.version), versions.1.map(|record| record.version));
        assert_eq!(versions, (Some(1), Some(2)), "its puts are made once");
        assert_eq!(kit.count(&self.counter, at(0)).await, holds(2, None), "its addition is counted once");
        assert_eq!(kit.trail(self.subject, page(None, 10)).await.len(), events, "its event is there once");
    }
}

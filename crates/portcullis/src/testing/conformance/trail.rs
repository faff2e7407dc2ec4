//! The trail, and what is purged.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::audit::AuditEvent;
use crate::port::store::{Counter, Expect, Lane, Purge, Record, Store, TrailPage, Window};

use super::kit::{Kit, Steps, add, at, old, page, secs};

/// The trail of a subject has its events and no other, to the last field, in the order of their ids, by page.
pub async fn audit_gives_the_trail_of_its_subject(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "audit_gives_the_trail_of_its_subject");
    let (subject, other) = (kit.id(), kit.id());
    let full = AuditEvent {
        tenant: kit.id(),
        actor: Some(kit.id()),
        action: "forty_lower_case_letters_digits_and_0123".into(),
        reason: Some("wrong_password".into()),
        source: Some(kit.id()),
        about: Some(kit.id()),
        at: at(-5) + chrono::TimeDelta::microseconds(1),
        ..kit.event(subject)
    };
    let events = [full, kit.event(subject), kit.event(subject), kit.event(subject), kit.event(subject)];
    let [first, second, third, fourth, fifth] = events.clone();
    let about = AuditEvent { about: Some(subject), actor: Some(subject), ..kit.event(other) };
    for events in [vec![second, about, fifth], vec![fourth, first], vec![third]] {
        let mut commit = kit.commit();
        let id = events.first().map(|event| crate::id::CommitId::from_uuid(event.id));
        commit.id = id.unwrap_or(commit.id);
        commit.audit = events;
        kit.keep("a commit with events", &commit).await;
    }
    let trail = kit.trail(subject, page(None, 100)).await;
    assert_eq!(
        trail, events,
        "the trail holds every event of its subject and no other, in the order of their ids"
    );
    let mut after = None;
    for part in events.chunks(2) {
        let trail = kit.trail(subject, page(after, 2)).await;
        assert_eq!(trail, part, "a page goes on after the event given and holds as many as asked");
        after = part.last().map(|event| event.id);
    }
    assert!(kit.trail(subject, page(after, 2)).await.is_empty(), "nothing comes after the last event");
    assert_eq!(kit.trail(other, page(None, 9)).await.len(), 1, "every subject has a trail of its own");
}

/// The trail of a subject can be read from its end: newest first, by page before an id, and nothing of others.
pub async fn audit_goes_back_from_the_newest(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "audit_goes_back_from_the_newest");
    let (subject, other) = (kit.id(), kit.id());
    let mut events = Vec::new();
    for _ in 0..5 {
        let mut commit = kit.commit_about(subject);
        events.extend(commit.audit.iter().cloned());
        commit.audit.push(kit.event(other));
        kit.keep("a commit with events of two subjects", &commit).await;
    }
    events.reverse();
    let trail = kit.trail(subject, TrailPage::newest(None, 100)).await;
    assert_eq!(trail, events, "newest first, the trail has the same events in the opposite order");
    let mut before = None;
    for part in events.chunks(2) {
        let trail = kit.trail(subject, TrailPage::newest(before, 2)).await;
        assert_eq!(trail, part, "a page goes back from before the event given and holds as many as asked");
        before = part.last().map(|event| event.id);
    }
    let first = kit.trail(subject, TrailPage::newest(before, 2)).await;
    assert!(first.is_empty(), "nothing comes before the first event");
}

/// A purge of counters removes those whose window ended before the instant, no more at a time than asked.
pub async fn purge_removes_ended_counters(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "purge_removes_ended_counters");
    purge_all(&kit, Purge::Counters).await;
    let subject = kit.id();
    let windows = [
        ("ten", Window::Rolling(secs(10))),
        ("twenty", Window::Until(old(20))),
        ("thirty", Window::Rolling(secs(30))),
        ("later", Window::Rolling(secs(5000))),
        ("endless", Window::None),
    ];
    let commit = windows.iter().fold(kit.commit().at(old(0)), |commit, (name, window)| {
        commit.count(&Counter::of(subject, name), add(1, 9, *window))
    });
    kit.keep("five counters", &commit).await;
    assert_eq!(
        purge(&kit, Purge::Counters, old(10), 9).await,
        0,
        "what ends at the instant did not end before it"
    );
    assert_eq!(purge(&kit, Purge::Counters, old(30), 1).await, 1, "a purge removes no more than asked");
    assert_eq!(purge(&kit, Purge::Counters, old(30), 9).await, 1, "a purge says how many it removed");
    assert_eq!(purge(&kit, Purge::Counters, old(30), 9).await, 0, "what is removed is not removed again");
    for (name, left) in [("ten", 0), ("twenty", 0), ("thirty", 1), ("later", 1), ("endless", 1)] {
        let count = kit.count(&Counter::of(subject, name), old(1)).await;
        assert_eq!(count.value, left, "what the counter named {name} holds for a clock that stepped back");
    }
    purge_all(&kit, Purge::Counters).await;
}

/// A purge of the trail removes events from before the instant, no more at a time than asked.
pub async fn purge_removes_old_audit_events(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "purge_removes_old_audit_events");
    purge_all(&kit, Purge::Audit).await;
    let subject = kit.id();
    for now in [10, 20, 30, 3000] {
        kit.keep("a commit with an event", &kit.commit_about(subject).at(old(now))).await;
    }
    assert_eq!(
        purge(&kit, Purge::Audit, old(10), 9).await,
        0,
        "what is from the instant is not from before it"
    );
    assert_eq!(purge(&kit, Purge::Audit, old(30), 1).await, 1, "a purge removes no more than asked");
    assert_eq!(kit.trail(subject, page(None, 9)).await.len(), 3, "and the others stay");
    assert_eq!(purge(&kit, Purge::Audit, old(30), 9).await, 1, "a purge says how many it removed");
    assert_eq!(purge(&kit, Purge::Audit, old(30), 9).await, 0, "what is removed is not removed again");
    let left: Vec<_> = kit.trail(subject, page(None, 9)).await.into_iter().map(|event| event.at).collect();
    assert_eq!(left, [old(30), old(3000)], "what is not from before the instant stays");
}

/// A purge of records removes those in the dead lane that were due before the instant, keys included, and no other.
pub async fn purge_removes_dead_records(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "purge_removes_dead_records");
    purge_all(&kit, Purge::Records).await;
    let key = kit.key();
    let mut dead = Vec::new();
    for secs in [10, 20, 30] {
        let keys = if secs == 10 { vec![key.clone()] } else { Vec::new() };
        dead.push(kit.insert(Record { keys, due: Some((Lane::Dead, old(secs))), ..kit.record() }).await);
    }
    let mut alive = vec![kit.insert(kit.record()).await];
    for lane in [Lane::Interactive, Lane::Bulk, Lane::Timed] {
        alive.push(kit.insert(Record { due: Some((lane, old(5))), ..kit.record() }).await);
    }
    assert_eq!(
        purge(&kit, Purge::Records, old(10), 9).await,
        0,
        "what is due at the instant was not due before it"
    );
    assert_eq!(purge(&kit, Purge::Records, old(30), 1).await, 1, "a purge removes no more than asked");
    assert_eq!(purge(&kit, Purge::Records, old(30), 9).await, 1, "a purge says how many it removed");
    assert_eq!(purge(&kit, Purge::Records, old(30), 9).await, 0, "what is removed is not removed again");
    let [ten, twenty, thirty] = dead.try_into().unwrap_or_else(|_| panic!("three were made"));
    for gone in [&ten, &twenty] {
        assert_eq!(kit.get(gone.id).await, None, "a dead record that was due before the instant is gone");
    }
    for record in alive.iter().chain([&thirty]) {
        assert_eq!(kit.get(record.id).await, Some(record.clone()), "no other record is touched");
    }
    assert_eq!(kit.holder(&key).await, None, "the key of a purged record is free");
    let heir = Record { keys: vec![key], ..kit.record() };
    kit.keep("a new record with that key", &kit.commit().put(heir, Expect::Absent)).await;
}

async fn purge(kit: &Kit, what: Purge, before: DateTime<Utc>, limit: u32) -> u32 {
    match kit.store.purge(what, before, limit).await {
        Ok(removed) => removed,
        Err(error) => panic!("the store must answer a purge, but says: {error}"),
    }
}

/// Purges what earlier runs have left in the years in which these cases play.
async fn purge_all(kit: &Kit, what: Purge) {
    for _ in 0..1000 {
        if purge(kit, what, old(10_000), 1000).await == 0 {
            return;
        }
    }
    panic!("a purge of {what:?} never comes to an end");
}

//! Keys: who holds them, and how they change hands.

use std::sync::Arc;

use crate::port::store::{CommitError, Expect, Key, Kind, Record, Store};

use super::kit::{KIND, Kit, Steps, page};

/// Keys are equal only byte by byte, under one kind and one name.
pub async fn keys_compare_bytewise(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "keys_compare_bytewise");
    let run = kit.id();
    let value = |text: &str| format!("{run} {text}");
    let texts = [
        "anna",
        "Anna",
        "ANNA",
        "anna ",
        " anna",
        "anna\t",
        "ánna",
        "a\u{301}nna",
        "anna\u{200b}",
        "strasse",
        "straße",
        "i",
        "İ",
        "ı",
        "анна",
        "Анна",
        "%",
        "_",
        "'",
        "\\",
        "😀",
    ];
    let mut held = Vec::new();
    for text in texts {
        held.push((Key::unique(KIND, "login", value(text)), Key::lookup(KIND, "user", value(text))));
    }
    let long = "é".repeat(230);
    held.push((Key::unique(KIND, "login", value(&long)), Key::lookup(KIND, "user", value(&long))));
    held.push((Key::unique(KIND, "email", value("anna")), Key::lookup(KIND, "account", value("anna"))));
    let kind = Kind::of("conformance_other");
    held.push((Key::unique(kind.clone(), "login", value("anna")), Key::lookup(kind, "user", value("anna"))));
    let mut records = Vec::new();
    for (unique, lookup) in &held {
        let keys = vec![unique.clone(), lookup.clone()];
        records.push(kit.insert(Record { kind: unique.kind.clone(), keys, ..kit.record() }).await);
    }
    for ((unique, lookup), record) in held.iter().zip(&records) {
        let text = &unique.value;
        assert_eq!(kit.holder(unique).await, Some(record.id), "{text:?} is found by its own bytes only");
        assert_eq!(kit.carriers(lookup).await, [record.id], "{text:?} is listed by its own bytes only");
    }
    let absent = Key::unique(KIND, "login", value("aNNa"));
    assert_eq!(kit.holder(&absent).await, None, "another case is another key");
}

/// A put replaces all keys of the record: the old ones lead nowhere, those kept still lead to it.
pub async fn keys_are_replaced_on_put(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "keys_are_replaced_on_put");
    let [old, new, kept] = [kit.key(), kit.key(), kit.key()];
    let [old_lookup, new_lookup] = [kit.lookup(), kit.lookup()];
    let before = vec![old.clone(), kept.clone(), old_lookup.clone()];
    let record = kit.insert(Record { keys: before, ..kit.record() }).await;
    let after = vec![kept.clone(), new.clone(), new_lookup.clone()];
    let put = kit.commit().put(Record { keys: after, ..record.clone() }, Expect::Version(1));
    kit.keep("a put with other keys", &put).await;
    assert_eq!(kit.holder(&old).await, None, "a key that the put leaves out is free");
    assert!(kit.list(&old_lookup, page(None, 10)).await.is_empty(), "a lookup key left out lists nothing");
    assert_eq!(kit.holder(&new).await, Some(record.id), "a key that the put brings is held");
    assert_eq!(kit.holder(&kept).await, Some(record.id), "a key that stays is held");
    assert_eq!(kit.carriers(&new_lookup).await, [record.id], "a lookup key that the put brings lists it");
}

/// A unique key has one holder; whoever else wants it is told which key is taken.
pub async fn unique_key_is_held_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "unique_key_is_held_once");
    let (key, lookup) = (kit.key(), kit.lookup());
    let holder = kit.insert(Record { keys: vec![key.clone(), lookup.clone()], ..kit.record() }).await;
    let taken = CommitError::Duplicate(key.clone());
    let keys = vec![kit.key(), key.clone(), kit.key()];
    let rival = Record { keys, ..kit.record() };
    let insert = kit.commit().put(rival.clone(), Expect::Absent);
    kit.refuse("a new record with a key that is taken", &insert, &taken).await;
    assert_eq!(kit.get(rival.id).await, None, "the refused record is not there");
    let skipping = kit.commit().put(rival, Expect::AbsentElseSkip { at: None });
    kit.refuse("a put that may be skipped, but need not be", &skipping, &taken).await;
    let other = kit.insert(kit.record()).await;
    let put = kit.commit().put(Record { keys: vec![key.clone()], ..other.clone() }, Expect::Version(1));
    kit.refuse("a put with a key that is taken", &put, &taken).await;
    assert_eq!(kit.get(other.id).await, Some(other), "the refused put changed nothing");
    let fresh = kit.key();
    let both = kit
        .commit()
        .put(Record { keys: vec![fresh.clone()], ..kit.record() }, Expect::Absent)
        .put(Record { keys: vec![fresh.clone()], ..kit.record() }, Expect::Absent);
    kit.refuse("two puts that want one key", &both, &CommitError::Duplicate(fresh)).await;
    assert_eq!(kit.holder(&key).await, Some(holder.id), "the holder still holds it");
    let second = kit.insert(Record { keys: vec![lookup.clone()], ..kit.record() }).await;
    assert_eq!(kit.carriers(&lookup).await, [holder.id, second.id], "any number may carry a lookup key");
    let again = kit.commit().put(Record { keys: vec![key.clone()], ..holder }, Expect::Version(1));
    kit.keep("a put of the holder itself", &again).await;
}

/// A key that a put or a delete has freed can be taken, at the latest by the next commit and also by the same one.
pub async fn freed_key_can_be_taken(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "freed_key_can_be_taken");
    let key = kit.key();
    let with_key = || Record { keys: vec![key.clone()], ..kit.record() };
    let first = kit.insert(with_key()).await;
    let put = kit.commit().put(Record { keys: Vec::new(), ..first.clone() }, Expect::Version(1));
    kit.keep("a put that frees a key", &put).await;
    let second = kit.insert(with_key()).await;
    assert_eq!(kit.holder(&key).await, Some(second.id), "a key freed by a put can be taken");
    kit.keep("a delete", &kit.commit().delete(second.id, 1)).await;
    assert_eq!(kit.holder(&key).await, None, "a delete frees the key");
    let third = kit.insert(with_key()).await;
    let fourth = with_key();
    let swap = kit.commit().put(fourth.clone(), Expect::Absent).delete(third.id, 1);
    kit.keep("an insert with a key that the same commit frees by a delete", &swap).await;
    assert_eq!(kit.holder(&key).await, Some(fourth.id), "the key went over with the delete");
}

/// Keys change hands within one commit, whatever the order of its puts.
pub async fn key_moves_in_one_commit(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "key_moves_in_one_commit");
    let (key, other) = (kit.key(), kit.key());
    let with = |record: &Record, keys: &[&Key]| Record {
        keys: keys.iter().copied().cloned().collect(),
        ..record.clone()
    };
    let a = kit.insert(with(&kit.record(), &[&key])).await;
    let b = kit.insert(kit.record()).await;
    let loser_first =
        kit.commit().put(with(&a, &[]), Expect::Version(1)).put(with(&b, &[&key]), Expect::Version(1));
    kit.keep("a key that moves, its loser put first", &loser_first).await;
    assert_eq!(kit.holder(&key).await, Some(b.id), "the key has moved");
    let taker_first =
        kit.commit().put(with(&a, &[&key]), Expect::Version(2)).put(with(&b, &[&other]), Expect::Version(2));
    kit.keep("a key that moves, its taker put first", &taker_first).await;
    assert_eq!(kit.holder(&key).await, Some(a.id), "the key has moved back");
    let swap =
        kit.commit().put(with(&a, &[&other]), Expect::Version(3)).put(with(&b, &[&key]), Expect::Version(3));
    kit.keep("two records that swap their keys", &swap).await;
    assert_eq!(kit.holder(&key).await, Some(b.id), "one key has changed hands");
    assert_eq!(kit.holder(&other).await, Some(a.id), "and so has the other");
}

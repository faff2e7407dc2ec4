//! How many statements things cost.

use crate::common::{File, add, at, block, commit, event, id, login, put, record};
use portcullis::port::store::{
    Commit, Counter, CounterOp, Expect, Guard, Key, Kind, Lane, Page, Read, Record, Start, Store,
};
use portcullis_sqlite::SqliteStore;

/// What a call costs, in statements.
fn cost<T>(store: &SqliteStore, call: impl Future<Output = T>) -> (T, u64) {
    let before = store.statements();
    let answer = block(call);
    (answer, store.statements() - before)
}

fn user_with_account(store: &SqliteStore) -> Record {
    let mut account = record(2);
    account.kind = Kind::of("account");
    account.refs = vec![id(3)];
    let mut top = record(3);
    top.kind = Kind::of("account");
    let mut user = record(1);
    user.keys = vec![login("ann"), Key::lookup(Kind::of("user"), "account", id(2).to_string())];
    user.refs = vec![id(2), id(3)];
    let puts = [&user, &account, &top].map(|record| put(record.clone(), Expect::Absent)).into();
    block(store.commit(&Commit { puts, ..commit(100) })).unwrap();
    user
}

fn of_user(number: u64, kind: &'static str, lane: Lane) -> Record {
    let mut record = record(number);
    record.kind = Kind::of(kind);
    record.keys = vec![Key::lookup(Kind::of(kind), "user", id(1).to_string())];
    record.refs = vec![id(1)];
    record.due = Some((lane, at(600)));
    record
}

#[test]
fn a_read_is_one_statement_and_so_are_a_listing_and_a_trail() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    user_with_account(&store);
    let starts = vec![Start::Key(login("ann")), Start::Id(id(2)), Start::Key(login("bob"))];
    let read = Read { now: at(0), starts, subjects: vec![id(7)] };
    let (snapshot, statements) = cost(&store, store.read(&read));
    assert_eq!(snapshot.unwrap().records.len(), 3);
    assert_eq!(statements, 1);
    let page = Page { after: None, limit: 10 };
    assert_eq!(cost(&store, store.list(&login("ann"), page)).1, 1);
    assert_eq!(cost(&store, store.audit(id(1), page.into())).1, 1);
    assert_eq!(cost(&store, store.waiting(Lane::Bulk, at(0), 10)).1, 1);
}

#[test]
fn what_a_commit_does_not_do_costs_nothing() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let user = user_with_account(&store);
    assert_eq!(cost(&store, store.commit(&commit(200))).1, 1, "a trail only");
    let counted = Commit { counters: vec![add(1, 9), add(2, 9), add(1, 9)], ..commit(201) };
    assert_eq!(cost(&store, store.commit(&counted)).1, 3, "counters are looked up, then written");
    let update = |number, version, user: Record| Commit {
        puts: vec![put(user, Expect::Version(version))],
        ..commit(number)
    };
    assert_eq!(cost(&store, store.commit(&update(202, 1, user.clone()))).1, 3, "its keys stay as they were");
    let mut renamed = user;
    renamed.keys[0] = login("anna");
    assert_eq!(cost(&store, store.commit(&update(203, 2, renamed))).1, 5, "one key goes, one comes");
}

#[test]
fn a_sign_in_round_is_two_reads_and_two_commits_within_sixteen_statements() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let mut user = user_with_account(&store);
    let before = (store.statements(), store.transactions());

    let starts = vec![Start::Key(login("ann"))];
    let found = block(store.read(&Read { now: at(0), starts, subjects: vec![id(50)] })).unwrap();
    assert_eq!(found.records.len(), 3);
    user.refs.push(id(10));
    let first = Commit {
        puts: vec![
            put(user, Expect::Version(1)),
            put(of_user(10, "challenge", Lane::Timed), Expect::Absent),
            put(of_user(11, "message", Lane::Interactive), Expect::Absent),
        ],
        guards: vec![Guard { id: id(2), version: 1 }, Guard { id: id(3), version: 1 }],
        counters: vec![add(1, 9), add(50, 9), add(10, 9)],
        audit: vec![event(300, id(1)), event(301, id(1))],
        ..commit(300)
    };
    block(store.commit(&first)).unwrap();

    let starts = vec![Start::Id(id(10))];
    let found = block(store.read(&Read { now: at(0), starts, subjects: vec![] })).unwrap();
    assert_eq!(found.records.len(), 4);
    let mut spent = of_user(10, "challenge", Lane::Dead);
    spent.keys.clear();
    let second = Commit {
        puts: vec![put(spent, Expect::Version(1)), put(of_user(12, "session", Lane::Timed), Expect::Absent)],
        guards: vec![Guard { id: id(1), version: 2 }, Guard { id: id(2), version: 1 }],
        counters: vec![add(10, 9), (Counter::of(id(1), "guesses"), CounterOp::Clear)],
        audit: vec![event(310, id(1)), event(311, id(1))],
        ..commit(310)
    };
    block(store.commit(&second)).unwrap();

    let statements = store.statements() - before.0;
    assert!(statements <= 16, "{statements} statements");
    assert_eq!(store.transactions() - before.1, 2);
}

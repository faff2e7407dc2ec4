//! The model test over the store in memory, and that it finds planted bugs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod planted;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use planted::{Fault, Planted};
use portcullis::memory::MemoryStore;
use portcullis::policy::{Limit, Policy};
use portcullis::port::store::{Commit, CounterOp, Expect, Put, Store};
use portcullis::testing::machine::{self, Plan};

const NONE: Fault = Fault::NONE;

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn two_thousand_sequences_answer_as_the_model_says() {
    let transcript = block(machine::run(memory, &Plan::new(1, 2_000, 30)));
    assert_eq!(transcript.answers.len(), 60_000);
    let mut words: BTreeMap<&str, u32> = BTreeMap::new();
    for answer in &transcript.answers {
        *words.entry(answer).or_default() += 1;
    }
    // The sequences reach what they are there to reach.
    for word in [
        "admitted",
        "code",
        "fresh",
        "ok",
        "bad_credentials",
        "wrong_code",
        "challenge_dead",
        "locked",
        "too_soon",
        "too_many_attempts",
        "not_allowed",
        "signed_out",
        "stale_sign_in",
        "unchanged",
        "in_use",
        "address_taken",
        "email_unconfirmed",
        "not_found",
        "no_sends_left",
    ] {
        assert!(words.contains_key(word), "{word} is never answered: {words:?}");
    }
}

#[test]
fn the_same_seed_plays_the_same_sequences() {
    let play = |seed| block(machine::run(memory, &Plan::new(seed, 5, 30)));
    assert_eq!(play(3), play(3));
    assert_ne!(play(3), play(4));
}

fn updates(put: &Put, kind: &str) -> bool {
    put.record.kind.as_str() == kind && matches!(put.expect, Expect::Version(_))
}

fn rewrite(commit: &mut Commit, kind: &str, from: &str, to: &str) {
    for put in commit.puts.iter_mut().filter(|put| put.record.kind.as_str() == kind) {
        put.record.body = put.record.body.replace(from, to);
    }
}

/// Stores with a bug.
const FAULTS: &[(&str, Fault)] = &[
    ("spends no code", Fault { alter: |c| c.puts.retain(|put| !updates(put, "challenge")), ..NONE }),
    ("ends no session", Fault { alter: |c| c.deletes.clear(), ..NONE }),
    (
        "blocks nobody",
        Fault { alter: |c| rewrite(c, "account", "\"blocked\":true", "\"blocked\":false"), ..NONE },
    ),
    (
        "disables nobody",
        Fault { alter: |c| rewrite(c, "user", "\"disabled\":true", "\"disabled\":false"), ..NONE },
    ),
    (
        "forgets the factor",
        Fault {
            alter: |c| rewrite(c, "user", "\"two_factor\":\"email\"", "\"two_factor\":\"none\""),
            ..NONE
        },
    ),
    ("counts nothing", Fault { alter: |c| c.counters.clear(), ..NONE }),
    (
        "forgives nothing",
        Fault { alter: |c| c.counters.retain(|(_, op)| !matches!(op, CounterOp::Clear)), ..NONE },
    ),
    (
        "loses messages",
        Fault { alter: |c| c.puts.retain(|put| put.record.kind.as_str() != "message"), ..NONE },
    ),
    (
        "shares addresses",
        Fault {
            alter: |commit| {
                let keys = commit.puts.iter_mut().flat_map(|put| &mut put.record.keys);
                keys.filter(|key| key.name == "email").for_each(|key| key.unique = false);
            },
            ..NONE
        },
    ),
    (
        "shows no counters",
        Fault {
            shows: |mut snapshot| {
                snapshot.counters.clear();
                snapshot
            },
            ..NONE
        },
    ),
];

type Change = fn(&mut Policy);

/// Policies whose numbers are not those of the documentation.
const POLICIES: &[(&str, Change)] = &[
    ("code_life", |policy| policy.code_life = TimeDelta::hours(2)),
    ("code_attempts", |policy| policy.code_attempts = 6),
    ("resend_after", |policy| policy.resend_after = TimeDelta::seconds(1)),
    ("sends_per_challenge", |policy| policy.sends_per_challenge = 20),
    ("email_codes", |policy| {
        policy.email_codes_per_user = Limit::new(1_000, TimeDelta::hours(1));
        policy.email_codes_per_address = policy.email_codes_per_user;
    }),
    ("sign_in_failures_per_source", |policy| {
        policy.sign_in_failures_per_source = Limit::new(1_000, TimeDelta::hours(1));
    }),
    ("session_fresh", |policy| policy.session_fresh = TimeDelta::hours(2)),
    ("session_idle", |policy| policy.session_idle = TimeDelta::days(20)),
    ("email_unique", |policy| policy.email_unique = false),
];

#[test]
fn planted_bugs_are_found() {
    let mut missed = Vec::new();
    for (name, fault) in FAULTS {
        let store = || async { Arc::new(Planted::new(*fault)) as Arc<dyn Store> };
        match block(machine::check(store, &Plan::new(5, 1_000, 30))) {
            Err(failure) => println!("a store that {name}: {failure}"),
            Ok(_) => missed.push(format!("a store that {name}")),
        }
    }
    for (name, change) in POLICIES {
        let mut plan = Plan::new(5, 2_000, 30);
        change(&mut plan.policy);
        match block(machine::check(memory, &plan)) {
            Err(failure) => println!("another {name}: {failure}"),
            Ok(_) => missed.push(format!("another {name}")),
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

//! The races over the store in memory, and that each of them finds the faults it is there to find.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod planted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use planted::{Fault, Planted};
use portcullis::memory::MemoryStore;
use portcullis::port::store::{Commit, CommitError, CounterOp, Counts, Expect, Store};
use portcullis::testing::races::{self, RACES};

const NONE: Fault = Fault::NONE;

fn no_limits(commit: &mut Commit) {
    no_below(commit);
    for (_, op) in &mut commit.counters {
        if let CounterOp::Add { limit, .. } = op {
            *limit = u32::MAX;
        }
    }
}

fn no_below(commit: &mut Commit) {
    commit.counters.retain(|(_, op)| !matches!(op, CounterOp::Below { .. }));
}

fn one_more(commit: &mut Commit) {
    for (_, op) in &mut commit.counters {
        if let CounterOp::Add { limit, .. } = op {
            *limit = limit.saturating_add(1);
        }
    }
}

/// The faults, by name.
const FAULTS: &[(&str, Fault)] = &[
    ("ignores limits", Fault { alter: no_limits, ..NONE }),
    ("counts only what is added", Fault { alter: no_below, ..NONE }),
    ("counts one too many", Fault { alter: one_more, ..NONE }),
    ("compares no versions", Fault { unfenced: |_| true, ..NONE }),
    ("checks no guards", Fault { alter: |commit| commit.guards.clear(), ..NONE }),
    (
        "shares unique keys",
        Fault {
            alter: |commit| {
                let keys = commit.puts.iter_mut().flat_map(|put| &mut put.record.keys);
                keys.filter(|key| key.name == "email").for_each(|key| key.unique = false);
            },
            ..NONE
        },
    ),
    (
        "spends nothing",
        Fault {
            alter: |commit| {
                commit.puts.retain(|put| {
                    put.record.kind.as_str() != "challenge" || !matches!(put.expect, Expect::Version(_))
                });
            },
            ..NONE
        },
    ),
    ("fences no outcome", Fault { unfenced: |record| record.kind.as_str() == "message", ..NONE }),
    ("shares claims", Fault { shares_claims: true, ..NONE }),
    (
        "hides that a limit was reached",
        Fault {
            answer: |answer| match answer {
                Err(CommitError::Exhausted(_)) => Ok(Counts::new()),
                answer => answer,
            },
            ..NONE
        },
    ),
    (
        "hides that others were faster",
        Fault {
            answer: |answer| match answer {
                Err(CommitError::Conflict) => Ok(Counts::new()),
                answer => answer,
            },
            ..NONE
        },
    ),
];

/// Each race with the faults it must find.
const FINDS: &[(&str, &[&str])] = &[
    ("one_of_many_bootstraps", &["hides that a limit was reached"]),
    ("a_top_account_stops_the_bootstrap_under_way", &["ignores limits", "hides that a limit was reached"]),
    ("one_code_admits_once", &["compares no versions", "spends nothing", "hides that others were faster"]),
    ("one_code_confirms_once", &["compares no versions", "hides that others were faster"]),
    ("one_code_switches_on_once", &["compares no versions", "hides that others were faster"]),
    (
        "wrong_guesses_stop_at_the_limit",
        &["ignores limits", "counts one too many", "hides that a limit was reached"],
    ),
    ("a_right_guess_among_wrong_ones", &["ignores limits", "hides that a limit was reached"]),
    ("a_right_guess_that_comes_late_is_locked", &["counts only what is added", "ignores limits"]),
    ("wrong_guesses_in_a_row_end_at_a_hundred", &["ignores limits", "hides that a limit was reached"]),
    ("resends_are_spaced_and_counted", &["compares no versions", "hides that others were faster"]),
    (
        "mailed_codes_stop_at_the_budget",
        &["ignores limits", "counts one too many", "hides that a limit was reached"],
    ),
    (
        "sms_stop_at_every_budget",
        &["ignores limits", "counts one too many", "hides that a limit was reached"],
    ),
    (
        "one_sms_tells_that_a_budget_runs_out",
        &["ignores limits", "counts only what is added", "hides that a limit was reached"],
    ),
    // What is fenced by more than a limit does not show one too many; the race for charges alone does.
    ("enrolments_submit_the_one_sms_that_is_left", &["ignores limits", "hides that a limit was reached"]),
    ("sign_ins_submit_the_one_sms_that_is_left", &["ignores limits", "hides that a limit was reached"]),
    ("resends_submit_the_one_sms_that_is_left", &["ignores limits", "hides that a limit was reached"]),
    ("wrong_passwords_from_one_source_stop_at_ten", &["ignores limits", "hides that a limit was reached"]),
    (
        "wrong_passwords_from_many_sources_stop_at_ten",
        &["ignores limits", "counts one too many", "hides that a limit was reached"],
    ),
    ("a_revoked_right_changes_nothing", &["checks no guards", "compares no versions"]),
    (
        "a_revoked_right_stops_every_act",
        &["checks no guards", "compares no versions", "hides that others were faster"],
    ),
    ("what_ends_stops_the_sign_in_under_way", &["checks no guards"]),
    ("what_ends_stops_the_change_under_way", &["compares no versions", "hides that others were faster"]),
    ("one_of_many_changes_the_password", &["compares no versions", "hides that others were faster"]),
    ("a_change_of_password_ends_the_sign_in_under_way", &["checks no guards"]),
    ("a_change_of_password_ends_the_code_under_way", &["checks no guards"]),
    (
        "ending_the_others_and_a_change_of_password_come_in_some_order",
        &["compares no versions", "hides that others were faster"],
    ),
    ("one_of_two_gets_the_address", &["shares unique keys"]),
    ("a_claimed_address_stays_its_users", &["shares unique keys"]),
    ("one_link_undoes_once", &["compares no versions", "hides that others were faster"]),
    ("an_undo_beats_a_further_change", &["compares no versions"]),
    ("the_older_undo_wins", &["hides that others were faster"]),
    ("payments_at_once_all_count", &["compares no versions", "hides that others were faster"]),
    ("a_lifted_block_ends_the_sign_in_under_way", &["checks no guards"]),
    ("one_link_sets_one_password", &["compares no versions", "hides that others were faster"]),
    ("requests_at_once_mail_one_link", &["ignores limits", "counts one too many"]),
    ("a_recovery_ends_the_sign_in_under_way", &["checks no guards"]),
    ("workers_share_without_sending_twice", &["shares claims"]),
    ("a_late_outcome_is_not_kept", &["fences no outcome", "compares no versions"]),
    ("one_of_many_sends_a_dead_message_again", &["compares no versions", "hides that others were faster"]),
    (
        "a_message_sealed_anew_is_sent_once",
        &["fences no outcome", "compares no versions", "hides that others were faster"],
    ),
    ("workers_mail_each_day_once", &["shares claims"]),
    ("moves_amid_a_look_double_nothing", &["shares claims"]),
    ("one_nonce_gives_one_token", &["spends nothing", "hides that others were faster"]),
    ("a_disconnection_beats_the_token_under_way", &["compares no versions", "hides that others were faster"]),
];

fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn the_promises_hold_in_memory() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    block(races::run_all(1, || async { Arc::clone(&store) }));
}

#[test]
fn every_race_finds_its_faults() {
    let names: BTreeSet<_> = RACES.iter().map(|(name, _)| *name).collect();
    assert_eq!(FINDS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), names);
    let looked_for: BTreeSet<_> = FINDS.iter().flat_map(|(_, faults)| *faults).copied().collect();
    assert_eq!(FAULTS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), looked_for);
    let missed = block(async {
        let mut missed = Vec::new();
        for (name, faults) in FINDS {
            let (_, race) = RACES.iter().find(|(race, _)| race == name).unwrap();
            for fault in *faults {
                let (_, planted) = FAULTS.iter().find(|(name, _)| name == fault).unwrap();
                let store: Arc<dyn Store> = Arc::new(Planted::new(*planted));
                let run = tokio::spawn(tokio::time::timeout(Duration::from_secs(60), race(store, 2)));
                match run.await {
                    Err(failed) if failed.is_panic() => {}
                    other => missed.push(format!("{name} does not find that the store {fault}: {other:?}")),
                }
            }
        }
        missed
    });
    assert_eq!(missed, Vec::<String>::new());
}

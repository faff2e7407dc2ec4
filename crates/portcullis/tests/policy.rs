//! Every number of the policy stands in its table, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn fields() -> BTreeSet<String> {
    let source = read("src/policy.rs");
    let (_, body) = source.split_once("pub struct Policy {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    body.lines()
        .filter_map(|line| line.trim().strip_prefix("pub "))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn rows() -> BTreeSet<String> {
    read("../../docs/policy.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| !["default", "wialon-hosting", "wialon-local", "strict"].contains(&name.as_str()))
        .collect()
}

#[test]
fn the_table_and_the_policy_name_the_same_numbers() {
    assert!(fields().len() > 30, "the fields were found");
    assert_eq!(fields(), rows());
}

#[test]
fn the_table_holds_the_defaults() {
    let policy = portcullis::policy::Policy::default();
    let table = read("../../docs/policy.md");
    let row =
        |name: &str| table.lines().find(|line| line.starts_with(&format!("| `{name}` "))).unwrap().to_owned();
    for (name, value) in [
        ("code_length", policy.code_length.to_string()),
        ("code_life", format!("{} minutes", policy.code_life.num_minutes())),
        ("sms_code_life", format!("{} minutes", policy.sms_code_life.num_minutes())),
        ("code_attempts", policy.code_attempts.to_string()),
        ("code_disabled_after", policy.code_disabled_after.to_string()),
        ("resend_after", format!("{} seconds", policy.resend_after.num_seconds())),
        ("sends_per_challenge", policy.sends_per_challenge.to_string()),
        ("session_idle", format!("{} hours", policy.session_idle.num_hours())),
        ("session_longest", format!("{} days", policy.session_longest.num_days())),
        ("session_fresh", format!("{} minutes", policy.session_fresh.num_minutes())),
        ("password_minimum_alone", policy.password_minimum_alone.to_string()),
        ("send_tries", policy.send_tries.to_string()),
        ("message_kept", format!("{} days", policy.message_kept.num_days())),
    ] {
        assert!(row(name).contains(&format!("| {value} |")), "{}", row(name));
    }
}

//! The shape of the house, held by reading the source: rules do not wait, numbers live in the policy, secrets are shown
//! in few places, files stay small, adapters hold no clock.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file with the lines that count: no comments, no test modules.
struct Source {
    path: String,
    code: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") {
                rust_files(&path, into);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push(path);
        }
    }
}

/// The code of a text: whole-line comments and inline test modules left out.
fn code_of(text: &str) -> Vec<String> {
    let mut code: Vec<String> = Vec::new();
    for line in text.lines() {
        if line == "mod tests {" && code.last().is_some_and(|last| last == "#[cfg(test)]") {
            code.pop();
            break;
        }
        if !line.trim_start().starts_with("//") {
            code.push(line.to_owned());
        }
    }
    code
}

fn sources(folder: &str) -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    rust_files(&root.join(folder), &mut files);
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|path| Source { path: relative(path), code: code_of(&fs::read_to_string(path).unwrap()) })
        .collect()
}

fn core() -> Vec<Source> {
    let all = sources("crates/portcullis/src");
    assert!(all.len() > 40, "the source was found");
    all
}

fn adapters() -> Vec<Source> {
    ["sqlite", "postgres", "smtp", "flespi", "axum"]
        .into_iter()
        .flat_map(|name| sources(&format!("crates/portcullis-{name}/src")))
        .filter(|source| !source.path.ends_with("tests.rs"))
        .collect()
}

/// Whether a word stands in a line by itself.
fn has_word(line: &str, word: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(word).any(|(at, _)| {
        outside(line[..at].chars().next_back()) && outside(line[at + word.len()..].chars().next())
    })
}

/// Where a line of the sources breaks a rule.
fn finds<'a>(sources: &'a [Source], breaks: impl Fn(&str) -> bool + 'a) -> Vec<String> {
    let lines = |source: &'a Source| source.code.iter().map(move |line| (source, line));
    sources
        .iter()
        .flat_map(lines)
        .filter(|(_, line)| breaks(line))
        .map(|(source, line)| format!("{}: {}", source.path, line.trim()))
        .collect()
}

fn waits(line: &str) -> bool {
    ["async", "await", "Clock", "Store", "Random", "MailSender", "PasswordHasher"]
        .iter()
        .any(|word| has_word(line, word))
}

fn measures_time(line: &str) -> bool {
    ["seconds", "minutes", "hours", "days", "weeks", "milliseconds"]
        .iter()
        .any(|unit| line.contains(&format!("TimeDelta::{unit}(")) || line.contains(&format!("from_{unit}(")))
        || line.contains("from_secs(")
        || line.contains("from_millis(")
}

#[test]
fn rules_and_models_never_wait() {
    assert!(waits("pub(crate) async fn judge()") && waits("store: &dyn Store,") && !waits("Stored<User>"));
    let rules: Vec<_> = core()
        .into_iter()
        .filter(|source| source.path.ends_with("/rules.rs") || source.path.ends_with("/model.rs"))
        .collect();
    assert!(rules.len() > 12, "the rooms were found");
    assert_eq!(finds(&rules, waits), Vec::<String>::new());
}

#[test]
fn flows_hold_no_rule() {
    let compares_time =
        |line: &str| line.contains("now >=") || line.contains("now <") || line.contains(".value >");
    assert!(compares_time("if t.now >= session.ends_at {"));
    let flows: Vec<_> = core().into_iter().filter(|source| source.path.ends_with("/flow.rs")).collect();
    assert!(flows.len() >= 7, "the flows were found");
    assert_eq!(finds(&flows, compares_time), Vec::<String>::new());
}

#[test]
fn lifetimes_and_limits_live_in_the_policy() {
    assert!(measures_time("after(now, TimeDelta::minutes(10))") && measures_time("Duration::from_secs(5)"));
    let others: Vec<_> = core()
        .into_iter()
        .filter(|source| !source.path.ends_with("/policy.rs") && !source.path.contains("/testing/"))
        .filter(|source| !source.path.ends_with("/tests.rs") && !source.path.contains("/tests/"))
        .collect();
    assert_eq!(finds(&others, measures_time), Vec::<String>::new());
}

#[test]
fn secrets_are_shown_in_few_places() {
    const SHOWN_IN: &[&str] = &[
        "src/request/mod.rs",
        "src/request/accounts.rs",
        "src/request/people.rs",
        "src/request/raw.rs",
        "src/secret.rs",
        "src/secret/flespi.rs",
        "src/secret/link.rs",
        "src/recovery/model.rs",
        "src/flespi/model.rs",
        "src/flespi/flow.rs",
        "src/testing/flespi.rs",
        "src/testing/races/flespi.rs",
        "src/keyring/bind.rs",
        "src/keyring/file.rs",
        "src/keyring/mod.rs",
        "src/keyring/seal.rs",
        "src/keyring/token.rs",
        "src/bootstrap/flow.rs",
        "src/invitation/flow.rs",
        "src/challenge/flow.rs",
        "src/challenge/model.rs",
        "src/message/model.rs",
        "src/sign_in/flow.rs",
        "src/password/argon2.rs",
        "src/password/common.rs",
        "src/password/rules.rs",
        "src/templates/mod.rs",
        "src/sms_text/fit.rs",
        "src/testing/canary.rs",
        "src/testing/usual.rs",
        "src/testing/hasher.rs",
        "src/password/phc.rs",
        "src/keyring/file/tests.rs",
    ];
    let shows = |line: &str| line.contains(".expose()") || line.contains("expose_secret()");
    let files = core().into_iter().filter(|source| !source.path.ends_with("/tests.rs")).collect::<Vec<_>>();
    let elsewhere: Vec<_> = finds(&files, shows)
        .into_iter()
        .filter(|find| !SHOWN_IN.iter().any(|file| find.starts_with(&format!("crates/portcullis/{file}:"))))
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn time_and_randomness_come_in_as_values() {
    let reads = |line: &str| {
        ["Utc::now(", "SystemTime::now(", "Instant::now(", "now_v7(", "new_v4(", "UNIX_EPOCH", "getrandom::"]
            .iter()
            .any(|call| line.contains(call))
    };
    assert!(reads("let now = Utc::now();"));
    let core: Vec<_> =
        core().into_iter().filter(|source| !source.path.ends_with("/port/ambient.rs")).collect();
    assert_eq!(finds(&core, reads), Vec::<String>::new());
    // An adapter may bound its waits by the monotonic clock, which no rule ever sees.
    let wall = |line: &str| reads(line) && !line.contains("Instant::now(");
    assert_eq!(finds(&adapters(), wall), Vec::<String>::new());
}

#[test]
fn files_have_at_most_400_lines_of_code() {
    let mut all = core();
    all.extend(adapters());
    all.extend(sources("examples"));
    all.extend(sources("benches"));
    let long: Vec<_> = all
        .iter()
        .map(|source| (source.code.iter().filter(|line| !line.trim().is_empty()).count(), &source.path))
        .filter(|(lines, _)| *lines > 400)
        .collect();
    assert_eq!(long, []);
}

#[test]
fn nothing_forbids_less_than_unsafe_code() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for folder in ["crates", "examples"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
            assert!(
                manifest.contains("[lints]\nworkspace = true"),
                "every crate takes the lints:\n{manifest}"
            );
        }
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The platform this test runs on; what only others need may not have been downloaded.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn the_core_has_at_most_60_crates_below_it() {
    let tree = cargo(&[
        "tree",
        "--package=portcullis",
        "--no-default-features",
        "--features=argon2",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]);
    let mut crates: Vec<_> = tree.lines().filter_map(|line| line.split(" (").next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert!((30..=61).contains(&crates.len()), "{} with itself: {crates:#?}", crates.len());
}

/// The names of the crates that a package needs, its tests included.
fn needs(arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["tree", "--edges=normal,dev", "--prefix=none", "--format={p}"];
    all.extend(arguments);
    cargo(&all).lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_host_is_tested_without_a_runtime_and_without_sleeping() {
    let runtimes = ["tokio", "async-std", "smol", "async-executor", "futures-executor", "actix-rt"];
    let runtime = |all: &[String]| all.iter().find(|name| runtimes.contains(&name.as_str())).cloned();
    let example = needs(&["--package=unit-testing"]);
    assert!(example.iter().any(|name| name == "mockall"), "it has portcullis with `testing`");
    assert_eq!(runtime(&example), None);
    assert!(runtime(&needs(&["--package=security-tab"])).is_some(), "a runtime would be found");
    let sources = sources("examples/unit-testing");
    assert!(sources.len() > 5 && sources.iter().any(|source| source.path.ends_with("tests/four.rs")));
    let sleeps = finds(&sources, |line| line.contains("sleep") || line.contains("Instant"));
    assert_eq!(sleeps, Vec::<String>::new());
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_we_promise() {
    let metadata: serde_json::Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version=1", "--filter-platform", &host()]))
            .unwrap();
    let number =
        |version: &str| -> Vec<u32> { version.split('.').map(|part| part.parse().unwrap()).collect() };
    let promised = number("1.89");
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "the packages were found");
    let newer: Vec<_> = packages
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?, package["rust_version"].as_str()?)))
        .filter(|(_, version)| number(version).into_iter().take(2).collect::<Vec<_>>() > promised)
        .collect();
    assert_eq!(newer, []);
}

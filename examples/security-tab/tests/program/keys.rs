//! The keyring file: made, read, rotated, and what a restored backup would revive.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{Client, Folder, PASSWORD, Program};
use crate::tools::{api, sign_in};

/// Whether it succeeded, and what it said.
fn run(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_security-tab")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn the_file_is_made_for_its_owner_alone_rotated_and_never_shown() {
    let folder = Folder::new();
    let file = folder.arg("keys.json");
    let keys = |words: &[&str]| run(&[words, &["--keys", &file]].concat());
    assert!(keys(&["keys", "new"]).0);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!keys(&["keys", "new"]).0, "a keyring is never written over");
    let (_, first) = keys(&["keys", "check"]);
    let first = first.split_once("key ").unwrap().1.split_once(',').unwrap().0.to_owned();
    let (refused, why) = keys(&["keys", "retire", &first]);
    assert!(!refused && why.contains("current key"), "{why}");
    assert!(keys(&["keys", "rotate"]).0);
    let (_, both) = keys(&["keys", "check"]);
    assert_eq!(both.lines().count(), 3, "{both}");
    assert!(keys(&["keys", "retire", &first]).0);
    let (_, one) = keys(&["keys", "check"]);
    assert!(one.starts_with("epoch 0\n") && one.lines().count() == 2 && !one.contains(&first), "{one}");
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = text.split_once("\"derive\": \"").unwrap().1.split_once('"').unwrap().0;
    assert!(!format!("{both}{one}").contains(secret));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (read, why) = keys(&["keys", "check"]);
    assert!(!read && why.contains("0600"), "{why}");
}

/// The same browser at a program that was started again.
fn with_cookies_of(client: &Client, program: &Program) -> Client {
    let mut later = program.client();
    later.cookies.clone_from(&client.cookies);
    later
}

#[test]
fn after_a_restore_no_old_cookie_lives() {
    let folder = Folder::new();
    let file = folder.arg("keys.json");
    assert!(run(&["keys", "new", "--keys", &file]).0);
    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = program.client();
    sign_in(&mut alice, "alice", PASSWORD);
    api(&mut alice, "GET", "/sessions", &serde_json::Value::Null, 200);
    drop(program);
    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/sessions", &serde_json::Value::Null, 200);
    drop(program);
    let (done, said) = run(&["after-restore", "--keys", &file]);
    assert!(done && said.contains("from epoch 0 to 1"), "{said}");
    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/sessions", &serde_json::Value::Null, 401);
    let mut again = program.client();
    assert!(sign_in(&mut again, "alice", PASSWORD).body.contains("User settings"));
}

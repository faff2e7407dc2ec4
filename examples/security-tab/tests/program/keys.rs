//! The keyring file: made, read, rotated, and what a restored backup would revive.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Client, Folder, PASSWORD, Program, code_in};
use crate::tools::{advance, api, messages, sign_in};

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
    api(&mut alice, "GET", "/sessions", &Value::Null, 200);
    drop(program);
    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/sessions", &Value::Null, 200);
    drop(program);
    let (done, said) = run(&["after-restore", "--keys", &file]);
    assert!(done && said.contains("from epoch 0 to 1"), "{said}");
    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/sessions", &Value::Null, 401);
    let mut again = program.client();
    assert!(sign_in(&mut again, "alice", PASSWORD).body.contains("User settings"));
}

/// The id of the current key.
fn current_key(file: &str) -> String {
    let (_, said) = run(&["keys", "check", "--keys", file]);
    let line = said.lines().find(|line| line.ends_with(", current")).unwrap();
    line.split([' ', ',']).nth(1).unwrap().to_owned()
}

/// A program in whose database one message waits for its next try, alice who asked for it, and her challenge.
fn with_a_message_that_waits(folder: &Folder, file: &str) -> (Program, Client, Value) {
    assert!(run(&["keys", "new", "--keys", file]).0);
    let program = Program::dev(folder, &["--keys", file]);
    let mut alice = program.client();
    sign_in(&mut alice, "alice", PASSWORD);
    let down = json!({"channel": "email", "mode": "down"});
    assert_eq!(program.client().json("POST", "/dev/fail", &down).status, 204);
    let asked = api(&mut alice, "PUT", "/email", &json!({"address": "alice@example.com"}), 202);
    assert!(messages(&program).is_empty(), "it was tried, and waits");
    (program, alice, asked["challenge"].clone())
}

#[test]
fn a_rotation_takes_effect_at_the_next_start_and_loses_nothing() {
    let folder = Folder::new();
    let (file, data) = (folder.arg("keys.json"), folder.arg("data"));
    let (program, mut alice, challenge) = with_a_message_that_waits(&folder, &file);
    let old = current_key(&file);
    assert!(run(&["keys", "rotate", "--keys", &file]).0);
    api(&mut alice, "GET", "/settings", &Value::Null, 200);
    drop(program);

    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/settings", &Value::Null, 200);
    // Sealed anew while the program runs.
    let (done, said) = run(&["keys", "reseal", "--keys", &file, "--data", &data]);
    assert!(done && said.contains("sealed 1 waiting messages anew"), "{said}");
    advance(&program, 60);
    let sent = messages(&program);
    assert_eq!(sent.len(), 1);
    let code = code_in(sent[0]["text"].as_str().unwrap());
    api(&mut alice, "POST", "/email/confirm", &json!({"challenge": challenge, "code": code}), 200);
    let (done, said) = run(&["keys", "retire", &old, "--keys", &file, "--data", &data]);
    assert!(done && said.contains("sealed 0 waiting messages anew"), "{said}");
    drop(program);

    let program = Program::dev(&folder, &["--keys", &file]);
    let mut alice = with_cookies_of(&alice, &program);
    api(&mut alice, "GET", "/settings", &Value::Null, 200);
}

#[test]
fn a_key_is_retired_only_after_what_waits_under_it_is_sealed_anew() {
    let folder = Folder::new();
    let (file, data) = (folder.arg("keys.json"), folder.arg("data"));
    drop(with_a_message_that_waits(&folder, &file));
    let old = current_key(&file);
    assert!(run(&["keys", "rotate", "--keys", &file]).0);
    let (done, why) = run(&["keys", "retire", &old, "--keys", &file, "--data", &folder.arg("elsewhere")]);
    assert!(!done && why.contains("there is no"), "{why}");
    assert!(run(&["keys", "check", "--keys", &file]).1.contains(&old), "it is still there");
    let (done, said) = run(&["keys", "retire", &old, "--keys", &file, "--data", &data]);
    assert!(done && said.contains("sealed 1 waiting messages anew"), "{said}");
    assert!(!run(&["keys", "check", "--keys", &file]).1.contains(&old));
    let program = Program::dev(&folder, &["--keys", &file]);
    advance(&program, 60);
    assert_eq!(messages(&program).len(), 1, "it can still be opened");
}

/// A program whose mail is down, with a notice to dora that was tried and waits.
fn with_a_notice_that_waits(folder: &Folder, file: &str) -> Program {
    assert!(run(&["keys", "new", "--keys", file]).0);
    let program = Program::dev(folder, &["--keys", file]);
    let body = json!({"login": "dora", "account": "demo", "password": PASSWORD, "email": "dora@example.com",
        "flags": {"change_password": true}});
    assert_eq!(program.client().json("POST", "/dev/users", &body).status, 201);
    let mut dora = program.client();
    sign_in(&mut dora, "dora", PASSWORD);
    let down = json!({"channel": "email", "mode": "down"});
    assert_eq!(program.client().json("POST", "/dev/fail", &down).status, 204);
    let new = "seven quiet lanterns";
    let body = json!({"current": PASSWORD, "new": new, "repeat": new});
    api(&mut dora, "POST", "/password", &body, 204);
    assert!(messages(&program).is_empty(), "the notice was tried, and waits");
    program
}

#[test]
fn a_message_that_was_given_up_is_listed_and_sent_again() {
    let folder = Folder::new();
    let (file, data) = (folder.arg("keys.json"), folder.arg("data"));
    let program = with_a_notice_that_waits(&folder, &file);
    let dead = |words: &[&str]| run(&[&["messages"], words, &["--keys", &file, "--data", &data]].concat());
    assert_eq!(dead(&["dead"]), (true, String::new()), "nothing is given up");
    // Twenty tries, the longest wait between two of them being a day.
    for _ in 0..20 {
        advance(&program, 24 * 60 * 60);
    }
    let (done, said) = dead(&["dead"]);
    assert!(done && said.lines().count() == 1, "{said}");
    assert!(said.contains(" password_changed to d•••@example.com, written 20"), "{said}");
    let id = said.split(' ').next().unwrap();
    let up = json!({"channel": "email", "mode": "off"});
    assert_eq!(program.client().json("POST", "/dev/fail", &up).status, 204);
    let (done, said) = dead(&["resend", id]);
    assert!(done && said.contains("took up the password_changed to d•••@example.com"), "{said}");
    advance(&program, 1);
    assert_eq!(messages(&program).len(), 1);
    let (done, why) = dead(&["resend", id]);
    assert!(!done && why.contains("no message of this id was given up"), "{why}");
    assert_eq!(dead(&["dead"]), (true, String::new()));
}

#[test]
fn a_message_that_a_restore_brought_back_is_listed_and_released() {
    let folder = Folder::new();
    let (file, data) = (folder.arg("keys.json"), folder.arg("data"));
    drop(with_a_notice_that_waits(&folder, &file));
    let held = |words: &[&str]| run(&[&["messages"], words, &["--keys", &file, "--data", &data]].concat());
    assert_eq!(held(&["held"]), (true, String::new()), "nothing is held");
    assert!(run(&["after-restore", "--keys", &file]).0);
    let program = Program::dev(&folder, &["--keys", &file]);
    advance(&program, 2 * 60 * 60);
    assert!(messages(&program).is_empty(), "it is held");
    let (done, said) = held(&["held"]);
    assert!(done && said.lines().count() == 1, "{said}");
    assert!(said.contains(" password_changed to d•••@example.com, written 20"), "{said}");
    let id = said.split(' ').next().unwrap();
    let (done, said) = held(&["release", id]);
    assert!(done && said.contains("released the password_changed to d•••@example.com"), "{said}");
    assert_eq!(messages(&program).len(), 1);
    let (done, why) = held(&["release", id]);
    assert!(!done && why.contains("no message of this id is held"), "{why}");
}

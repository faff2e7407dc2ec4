//! Ending and starting again on the same data.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, Program, Started, start};
use crate::tools::{api, sign_in};

#[test]
fn what_was_kept_and_who_was_signed_in_stays() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    assert!(sign_in(&mut alice, "alice", PASSWORD).body.contains("User settings"));
    let pending = api(&mut alice, "PUT", "/email", &json!({"address": "alice@example.com"}), 202);
    let before = api(&mut alice, "GET", "/settings", &Value::Null, 200);
    let (status, _) = program.stop();
    assert!(status.success(), "{status}");

    let program = Program::dev(&folder, &[]);
    let mut again = program.client();
    again.cookies = alice.cookies;
    let after = api(&mut again, "GET", "/settings", &Value::Null, 200);
    assert_eq!(after, before);
    assert_eq!(after["email"]["pending"]["challenge"], pending["challenge"]);
    assert!(sign_in(&mut program.client(), "bob", PASSWORD).body.contains("User settings"));
    for name in ["keys.json", "portcullis.db", "demo-password"] {
        let mode = std::fs::metadata(folder.path().join("data").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_mail_that_waited_is_sent_by_the_next_start() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let down = json!({"channel": "email", "mode": "down"});
    program.client().json("POST", "/dev/fail", &down);
    let mut bob = program.client();
    sign_in(&mut bob, "bob", PASSWORD);
    api(&mut bob, "PUT", "/email", &json!({"address": "bob@example.com"}), 202);
    program.client().json("POST", "/dev/run-worker", &Value::Null);
    drop(program);
    let program = Program::dev(&folder, &[]);
    let forward = program.client().json("POST", "/dev/clock", &json!({"advance_seconds": 120}));
    assert_eq!(forward.status, 200);
    assert_eq!(crate::tools::messages(&program).len(), 1);
}

#[test]
fn the_random_password_is_told_again() {
    let folder = Folder::new();
    let data = folder.arg("data");
    let password = |arguments: &[&str]| match start(arguments, &[]) {
        Started::Listening(program) => {
            let line = program.said.iter().find_map(|line| line.trim().strip_prefix("password:")).unwrap();
            let password = line.trim().to_owned();
            assert!(sign_in(&mut program.client(), "carol", &password).body.contains("User settings"));
            password
        }
        Started::Ended(status, stderr) => panic!("{status}: {stderr}"),
    };
    let first = password(&["--listen", "127.0.0.1:0", "--data", &data]);
    assert!(first.len() >= 15, "{first}");
    assert_eq!(password(&["--listen=127.0.0.1:0", "--data", &data]), first);
    assert_eq!(password(&["--listen=127.0.0.1:0", "--data", &data, "--demo-password", "another one"]), first);
    let half = Folder::new();
    std::fs::create_dir(half.path().join("data")).unwrap();
    std::fs::write(half.path().join("data/demo-password"), "of a start cut off").unwrap();
    assert_eq!(password(&["--listen=127.0.0.1:0", "--data", &half.arg("data")]), "of a start cut off");
    let other = Folder::new();
    assert_ne!(password(&["--listen=127.0.0.1:0", "--data", &other.arg("data")]), first);
}

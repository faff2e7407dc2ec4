//! Senders that fail: no request fails with them, and no message is lost.

use serde_json::{Value, json};

use crate::support::{Client, Folder, PASSWORD, Program, code_in};
use crate::tools::{advance, api, messages};

fn fail(program: &Program, mode: &str) {
    let body = json!({"channel": "email", "mode": mode});
    assert_eq!(program.client().json("POST", "/dev/fail", &body).status, 204);
}

fn run_worker(program: &Program) -> Value {
    program.client().json("POST", "/dev/run-worker", &Value::Null).json()
}

fn bob_asks_for_a_code(program: &Program) -> (Client, Value) {
    let mut bob = program.client();
    api(&mut bob, "POST", "/sign-in", &json!({"login": "bob", "password": PASSWORD}), 200);
    let pending = api(&mut bob, "PUT", "/email", &json!({"address": "bob@example.com"}), 202);
    (bob, pending)
}

#[test]
fn a_mail_server_that_is_down_loses_nothing() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    fail(&program, "down");
    let (mut bob, pending) = bob_asks_for_a_code(&program);
    let done = run_worker(&program);
    assert_eq!((&done["sent"], &done["due"]), (&json!(0), &json!(0)), "{done}");
    assert_eq!(done["postponed"], 1, "{done}");
    assert!(messages(&program).is_empty());

    fail(&program, "off");
    assert_eq!(run_worker(&program)["sent"], 0, "it is not due yet");
    advance(&program, 60);
    assert_eq!(run_worker(&program)["sent"], 1);
    let sent = messages(&program);
    assert_eq!(sent.len(), 1);
    let confirm =
        json!({"challenge": pending["challenge"], "code": code_in(sent[0]["text"].as_str().unwrap())});
    api(&mut bob, "POST", "/email/confirm", &confirm, 200);
}

#[test]
fn a_mail_whose_code_ended_meanwhile_is_not_sent() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    fail(&program, "down");
    bob_asks_for_a_code(&program);
    run_worker(&program);
    fail(&program, "off");
    advance(&program, 3600);
    let done = run_worker(&program);
    assert_eq!((&done["sent"], &done["suppressed"]), (&json!(0), &json!(1)), "{done}");
    assert!(messages(&program).is_empty());
}

#[test]
fn a_slow_mail_server_slows_no_request() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    fail(&program, "slow");
    bob_asks_for_a_code(&program);
    let sent = program.client().get("/dev/messages");
    assert_eq!(sent.body, "[]", "the answer came before the mail");
    assert_eq!(messages(&program).len(), 1, "and the worker waits for it");
}

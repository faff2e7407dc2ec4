//! Two-factor authentication by SMS, by the forms without a script.

use serde_json::{Value, json};

use crate::support::{Client, Folder, PASSWORD, Program};
use crate::tools::{advance, api, fill, follow, messages, post, sign_in, signed_in};

const NUMBER: &str = "+37120000045";

/// The code of the last SMS.
fn code_by_sms(program: &Program) -> String {
    let sent = messages(program);
    let last = sent.iter().rev().find(|sent| sent["channel"] == "sms").expect("an SMS was sent");
    assert_eq!(last["to"], NUMBER);
    let text = last["text"].as_str().unwrap();
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
    code.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// How many SMS were sent.
fn sms(program: &Program) -> usize {
    messages(program).iter().filter(|sent| sent["channel"] == "sms").count()
}

/// The last code that was mailed.
fn code_by_mail(program: &Program) -> String {
    let sent = messages(program);
    let mut mails = sent.iter().rev().filter(|sent| sent["channel"] == "email");
    mails.find_map(|mail| crate::support::find_code(mail["text"].as_str().unwrap())).unwrap()
}

/// Alice, whose codes come by SMS, and her tab; `address` is confirmed before.
fn with_sms(program: &Program, address: Option<&str>) -> (Client, String) {
    let mut alice = signed_in(program, "alice");
    if let Some(address) = address {
        let page = alice.get("/settings").body;
        let reply = fill(&mut alice, &page, "/settings/email", &[("address", address)]);
        let page = follow(&mut alice, &reply);
        let reply = fill(&mut alice, &page, "/settings/email/confirm", &[("code", &code_by_mail(program))]);
        follow(&mut alice, &reply);
    }
    let page = send(&mut alice, "+371 20 000 045");
    assert!(page.contains("+371•••••45"), "{page}");
    let code = code_by_sms(program);
    let reply = fill(&mut alice, &page, "/settings/two-factor/confirm", &[("code", &code)]);
    let page = follow(&mut alice, &reply);
    (alice, page)
}

/// Asks for a code by SMS; the page after it.
fn send(client: &mut Client, number: &str) -> String {
    let fields = [("method", "sms"), ("phone", number)];
    let reply = post(client, "/settings/two-factor/send", &fields);
    if reply.status == 303 { follow(client, &reply) } else { reply.body }
}

/// Changes the account of the demo users, or a user, as `admin`.
fn administer(program: &Program, login: &str, flags: Option<Value>, services: Option<Value>) {
    let mut admin = program.client();
    api(&mut admin, "POST", "/sign-in", &json!({"login": "admin", "password": PASSWORD}), 200);
    let user = api(&mut admin, "GET", &format!("/users?login={login}"), &Value::Null, 200);
    let user = if user.is_array() { user[0].clone() } else { user["users"][0].clone() };
    if let Some(flags) = flags {
        let path = format!("/users/{}", user["id"].as_str().unwrap());
        api(&mut admin, "PATCH", &path, &json!({ "flags": flags }), 200);
    }
    if let Some(services) = services {
        let account = api(&mut admin, "GET", "/settings", &Value::Null, 200)["account"]["id"].clone();
        let path = format!("/accounts/{}", account.as_str().unwrap());
        api(&mut admin, "PATCH", &path, &json!({ "services": services }), 200);
    }
}

#[test]
fn a_number_is_confirmed_and_a_sign_in_asks_for_its_code() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, page) = with_sms(&program, None);
    assert!(page.contains("Two-factor authentication is on."), "{page}");
    let on = "On: codes are sent by SMS to <bdi class=\"address\">+371•••••45</bdi>";
    assert!(page.contains(on), "{page}");
    let reply = post(&mut alice, "/sign-out", &[]);
    assert_eq!(reply.status, 303);

    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    assert!(page.contains("+371•••••45") && !page.contains("Send by email instead"), "{page}");
    let reply = fill(&mut alice, &page, "/sign-in/code", &[("code", &code_by_sms(&program))]);
    let page = follow(&mut alice, &reply);
    assert!(page.contains(on) && page.contains("Password and a code by SMS"), "{page}");
}

#[test]
fn what_is_no_number_is_refused_at_its_field() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = signed_in(&program, "alice");
    for wrong in ["20000045", "0037120000045", "+37120000045;+37120000046", "+3712000004x", ""] {
        let page = send(&mut alice, wrong);
        assert!(page.contains("This is no phone number."), "{wrong}: {page}");
        assert!(page.contains("id=\"two-factor-phone-problem\""), "{wrong}: {page}");
    }
    assert_eq!(sms(&program), 0);
}

#[test]
fn every_closed_gate_is_named_and_switches_the_panel_off() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = signed_in(&program, "alice");
    let panel = |alice: &mut Client| alice.get("/settings?method=sms").body;
    let button = "id=\"two-factor-send-sms\" disabled";
    assert!(!panel(&mut alice).contains(button));
    let services = json!({"sms": {"on": false, "quota": null, "period": "none"}});
    administer(&program, "alice", Some(json!({"send_sms": false})), Some(services));
    let page = panel(&mut alice);
    assert!(page.contains("The SMS messages service is not active in the account properties."), "{page}");
    assert!(page.contains("Can send SMS is off in the user properties."), "{page}");
    assert!(page.contains(button), "{page}");
    assert!(send(&mut alice, NUMBER).contains("The SMS messages service is not active"));
    assert_eq!(sms(&program), 0);
}

#[test]
fn a_quota_that_is_used_up_says_until_when() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let services = json!({"sms": {"on": true, "quota": 1, "period": "day"}});
    administer(&program, "alice", None, Some(services));
    let (mut alice, page) = with_sms(&program, None);
    let used = "The SMS messages limit of the account is used up until <time";
    assert!(page.contains("On, but SMS cannot be sent: The SMS messages limit"), "{page}");
    assert!(page.contains("You may not be able to sign in."), "{page}");
    assert!(page.contains(used), "{page}");
    advance(&program, 24 * 3600);
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    assert!(page.contains("+371•••••45"), "the next day it may go: {page}");
}

#[test]
fn a_service_withdrawn_falls_back_to_the_address() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, _) = with_sms(&program, Some("alice@example.com"));
    let off = json!({"sms": {"on": false, "quota": null, "period": "none"}});
    administer(&program, "alice", None, Some(off));
    let page = alice.get("/settings").body;
    let line = "The SMS messages service is not active in the account properties. Codes go to \
                <bdi class=\"address\">a•••@example.com</bdi>.";
    assert!(page.contains(line), "{page}");
    post(&mut alice, "/sign-out", &[]);
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    assert!(page.contains("a•••@example.com"), "{page}");
    let reply = fill(&mut alice, &page, "/sign-in/code", &[("code", &code_by_mail(&program))]);
    let page = follow(&mut alice, &reply);
    assert!(page.contains("Password and a code by email"), "{page}");
}

#[test]
fn a_mailbox_thief_who_recovers_the_password_ends_at_the_sms() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, _) = with_sms(&program, Some("alice@example.com"));
    post(&mut alice, "/sign-out", &[]);
    let mut thief = program.client();
    assert_eq!(post(&mut thief, "/recovery", &[("identifier", "alice")]).status, 303);
    let sent = messages(&program);
    let link = sent
        .iter()
        .rev()
        .find_map(|mail| crate::support::find_link(mail["text"].as_str().unwrap(), "recovery"));
    let link = link.expect("a link was mailed");
    let token = link.rsplit('/').next().unwrap();
    let new = "seven quiet lanterns";
    let body = json!({"new": new, "repeat": new});
    api(&mut thief, "POST", &format!("/recovery/{token}"), &body, 204);
    let page = sign_in(&mut thief, "alice", new).body;
    assert!(page.contains("+371•••••45"), "{page}");
    assert!(!page.contains("Send by email instead"), "{page}");
}

#[test]
fn a_phone_that_is_down_loses_nothing() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let fail = |mode: &str| {
        let body = json!({"channel": "sms", "mode": mode});
        assert_eq!(program.client().json("POST", "/dev/fail", &body).status, 204);
    };
    fail("down");
    let mut alice = signed_in(&program, "alice");
    send(&mut alice, NUMBER);
    assert_eq!(sms(&program), 0);
    fail("off");
    advance(&program, 60);
    assert_eq!(sms(&program), 1);
}

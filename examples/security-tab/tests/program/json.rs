//! The main job by JSON.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Program};
use crate::tools::{advance, api, last_code, messages};

#[test]
fn an_address_a_second_factor_and_a_sign_in_with_both() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    let admitted = api(&mut alice, "POST", "/sign-in", &json!({"login": "alice", "password": PASSWORD}), 200);
    assert_eq!(admitted["status"], "admitted");
    assert_eq!(admitted["assurance"], "password");

    let pending = api(&mut alice, "PUT", "/email", &json!({"address": "alice@example.com"}), 202);
    assert_eq!(pending["destination"], "a•••@example.com");
    let (code, to) = last_code(&program);
    assert_eq!(to, "alice@example.com");
    let confirm = json!({"challenge": pending["challenge"], "code": code});
    let email = api(&mut alice, "POST", "/email/confirm", &confirm, 200);
    assert_eq!((&email["address"], &email["confirmed"]), (&json!("alice@example.com"), &json!(true)));

    let asked = api(&mut alice, "POST", "/two-factor/challenge", &json!({"method": "email"}), 202);
    let (code, _) = last_code(&program);
    let on = json!({"method": "email", "challenge": asked["challenge"], "code": code});
    assert_eq!(api(&mut alice, "PUT", "/two-factor", &on, 200)["method"], "email");
    let old = alice.clone();
    api(&mut alice, "POST", "/sign-out", &Value::Null, 204);
    assert!(!alice.cookies.contains_key("portcullis"));
    api(&mut old.clone(), "GET", "/settings", &Value::Null, 401);

    let asked = api(&mut alice, "POST", "/sign-in", &json!({"login": "alice", "password": PASSWORD}), 200);
    assert_eq!(asked["status"], "code_required");
    api(&mut alice, "GET", "/settings", &Value::Null, 401);
    let (code, to) = last_code(&program);
    assert_eq!(to, "alice@example.com");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let guess = json!({"challenge": asked["challenge"], "code": wrong});
    assert_eq!(api(&mut alice, "POST", "/sign-in/code", &guess, 401)["attempts_left"], 4);
    let right = json!({"challenge": asked["challenge"], "code": code});
    let admitted = api(&mut alice, "POST", "/sign-in/code", &right, 200);
    assert_eq!(admitted["assurance"], "password_email");
    let settings = api(&mut alice, "GET", "/settings", &Value::Null, 200);
    assert_eq!(settings["two_factor"]["method"], "email");
    assert_eq!(settings["account"]["name"], "demo");
    api(&mut program.client(), "POST", "/sign-in/code", &right, 410);

    // Nothing of all this is in what the program said.
    let codes: Vec<_> = messages(&program).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    let keys: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("data/keys.json")).unwrap()).unwrap();
    let cookies: Vec<_> = alice.cookies.values().cloned().collect();
    let (status, said) = program.stop();
    assert!(status.success(), "{status}");
    assert_eq!(said.matches(PASSWORD).count(), 1, "the demo password is told once: {said}");
    assert!(!codes.is_empty() && !cookies.is_empty());
    for secret in cookies {
        assert!(!said.contains(&secret));
    }
    for text in codes {
        let digits: Vec<_> =
            text.lines().filter(|l| l.len() == 6 && l.bytes().all(|b| b.is_ascii_digit())).collect();
        assert!(digits.iter().all(|code| !said.contains(*code)), "{said}");
    }
    let key = keys["keys"][0]["key"].as_str().unwrap();
    assert!(key.len() > 40 && !said.contains(key) && !said.contains(keys["derive"].as_str().unwrap()));
    assert!(!said.contains("alice@example.com"), "{said}");
}

#[test]
fn a_code_ends_when_the_clock_is_put_forward() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut bob = program.client();
    api(&mut bob, "POST", "/sign-in", &json!({"login": "bob", "password": PASSWORD}), 200);
    let pending = api(&mut bob, "PUT", "/email", &json!({"address": "bob@example.com"}), 202);
    let (code, _) = last_code(&program);
    let confirm = json!({"challenge": pending["challenge"], "code": code});
    advance(&program, 601);
    assert_eq!(api(&mut bob, "POST", "/email/confirm", &confirm, 410)["code"], "challenge_dead");
    advance(&program, -601);
    assert_eq!(api(&mut bob, "POST", "/email/confirm", &confirm, 410)["code"], "challenge_dead");
    let settings = api(&mut bob, "GET", "/settings", &Value::Null, 200);
    assert_eq!(settings["email"]["confirmed"], false);
}

#[test]
fn the_demo_data_is_as_promised() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut accounts = Vec::new();
    for (login, account) in [("admin", "demo"), ("alice", "demo"), ("bob", "demo"), ("carol", "child")] {
        let mut client = program.client();
        api(&mut client, "POST", "/sign-in", &json!({"login": login, "password": PASSWORD}), 200);
        let settings = api(&mut client, "GET", "/settings", &Value::Null, 200);
        assert_eq!(settings["account"]["name"], account, "{login}");
        assert_eq!(settings["email"]["address"], Value::Null, "{login}");
        assert_eq!(settings["two_factor"]["method"], "none", "{login}");
        let services = &settings["account"]["services"];
        assert_eq!(services["sms"]["on"], true);
        assert_eq!((&services["sms"]["quota"], &services["sms"]["period"]), (&json!(1000), &json!("day")));
        assert_eq!(services["email_notification"]["on"], true);
        accounts.push(settings["account"]["id"].clone());
    }
    assert_eq!(accounts[0], accounts[2]);
    assert_ne!(accounts[0], accounts[3]);
    let said = program.said.join("\n");
    for word in
        ["admin, alice, bob, carol", PASSWORD, "/dev/messages", &format!("http://{}", program.address)]
    {
        assert!(said.contains(word), "{word} in {said}");
    }
}

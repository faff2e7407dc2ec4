//! The pages without a script: forms, redirects, and what stands at which field.

use crate::support::{Client, Folder, PASSWORD, Program, Reply};
use crate::tools::{advance, fill, last_code, messages, post, sign_in};

/// Follows the redirect that a form was answered with.
fn follow(client: &mut Client, reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.body);
    let page = client.get(reply.header("location").to_owned().as_str());
    assert_eq!(page.status, 200);
    page.body
}

/// A user with a confirmed address, made by the forms, and the tab.
fn with_address(program: &Program, login: &str, address: &str) -> (Client, String) {
    let mut client = program.client();
    let page = sign_in(&mut client, login, PASSWORD).body;
    let reply = fill(&mut client, &page, "/settings/email", &[("address", address)]);
    let page = follow(&mut client, &reply);
    let (code, to) = last_code(program);
    assert_eq!(to, address);
    let reply = fill(&mut client, &page, "/settings/email/confirm", &[("code", &code)]);
    let page = follow(&mut client, &reply);
    (client, page)
}

/// The same with two-factor authentication on.
fn with_two_factor(program: &Program, login: &str, address: &str) -> (Client, String) {
    let (mut client, _) = with_address(program, login, address);
    let page = client.get("/settings?method=email").body;
    let reply = fill(&mut client, &page, "/settings/two-factor/send", &[]);
    let page = follow(&mut client, &reply);
    let (code, _) = last_code(program);
    let reply = fill(&mut client, &page, "/settings/two-factor/confirm", &[("code", &code)]);
    let page = follow(&mut client, &reply);
    (client, page)
}

#[test]
fn an_address_a_second_factor_and_a_sign_in_with_both() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, page) = with_address(&program, "alice", "alice@example.com");
    assert!(page.contains("The email address is confirmed."), "{page}");
    assert!(!alice.get("/settings").body.contains("The email address is confirmed."), "it is told once");

    let (mut alice_again, page) = {
        let page = alice.get("/settings?method=email").body;
        let reply = fill(&mut alice, &page, "/settings/two-factor/send", &[]);
        let page = follow(&mut alice, &reply);
        assert!(page.contains("Code sent to"), "{page}");
        let (code, _) = last_code(&program);
        let (front, back) = code.split_at(3);
        let spaced = format!(" {front} {back} ");
        let reply = fill(&mut alice, &page, "/settings/two-factor/confirm", &[("code", &spaced)]);
        (alice.clone(), follow(&mut alice, &reply))
    };
    assert!(page.contains("Two-factor authentication is on."), "{page}");
    assert!(page.contains("On: codes are sent to <bdi class=\"address\">a•••@example.com</bdi>"), "{page}");
    assert!(page.contains("two-factor authentication uses it"), "the address is held: {page}");

    let reply = post(&mut alice_again, "/sign-out", &[]);
    let page = follow(&mut alice_again, &reply);
    assert!(page.contains("action=\"/sign-in\"") && !page.contains("You were signed out"));
    let page = alice.get("/settings");
    assert_eq!((page.status, page.header("location")), (303, "/sign-in"), "a copied cookie is dead");
    assert!(follow(&mut alice, &page).contains("You were signed out"));

    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    assert!(page.contains("Enter the code") && page.contains("a•••@example.com"), "{page}");
    let (code, _) = last_code(&program);
    assert!(!page.contains(&code));
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let reply = fill(&mut alice, &page, "/sign-in/code", &[("code", wrong)]);
    assert_eq!(reply.status, 401);
    assert!(reply.body.contains("Wrong code. 4 attempts left."), "{}", reply.body);
    let reply = fill(&mut alice, &reply.body, "/sign-in/code", &[("code", "12")]);
    assert!(reply.body.contains("Wrong code. 4 attempts left."), "what is no code is no guess");
    let reply = fill(&mut alice, &reply.body, "/sign-in/code", &[("code", &code)]);
    assert!(follow(&mut alice, &reply).contains("<bdi class=\"login\">alice</bdi>"));
}

#[test]
fn a_sign_in_code_is_sent_again_after_its_time_and_ends_with_its_guesses() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    with_two_factor(&program, "alice", "alice@example.com");
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    let reply = fill(&mut alice, &page, "/sign-in/resend", &[]);
    assert_eq!(reply.status, 429);
    assert!(reply.body.contains("No more codes can be sent now. Try again at"), "{}", reply.body);
    let before = messages(&program).len();
    advance(&program, 61);
    let reply = fill(&mut alice, &page, "/sign-in/resend", &[]);
    let mut page = follow(&mut alice, &reply);
    assert_eq!(messages(&program).len(), before + 1);
    for left in (0..5).rev() {
        let reply = fill(&mut alice, &page, "/sign-in/code", &[("code", "000000")]);
        let said = match left {
            0 => "Too many wrong codes. Start again.".to_owned(),
            1 => "Wrong code. 1 attempt left.".to_owned(),
            left => format!("Wrong code. {left} attempts left."),
        };
        assert!(reply.body.contains(&said), "{left}: {}", reply.body);
        page = reply.body;
    }
    assert!(!page.contains("name=\"code\""));
}

#[test]
fn a_code_that_ended_leads_back_to_the_password() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    with_two_factor(&program, "alice", "alice@example.com");
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    let (code, _) = last_code(&program);
    advance(&program, 601);
    let reply = fill(&mut alice, &page, "/sign-in/code", &[("code", &code)]);
    assert_eq!(reply.status, 410);
    assert!(reply.body.contains("This code is no longer valid. Send a new one."), "{}", reply.body);
    let reply = fill(&mut alice, &reply.body, "/sign-in/resend", &[]);
    assert!(
        reply.body.contains("action=\"/sign-in\"") && reply.body.contains("no longer valid"),
        "{}",
        reply.body
    );
    assert_eq!(
        post(&mut program.client(), "/sign-in/code", &[("challenge", "x"), ("code", &code)]).status,
        303
    );
}

#[test]
fn what_is_wrong_stands_at_the_sign_in() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut client = program.client();
    for (login, password) in
        [("alice", "not-the-one"), ("nobody", PASSWORD), ("", ""), ("alice", ""), (" x", "y")]
    {
        let reply = post(&mut client, "/sign-in", &[("login", login), ("password", password)]);
        assert_eq!(reply.status, 401);
        assert!(reply.body.contains("The login or the password is wrong."), "{}", reply.body);
        assert!(reply.body.contains(&format!("value=\"{login}\"")), "the login stays");
        assert!(
            password.is_empty() || password == "y" || !reply.body.contains(password),
            "the password does not"
        );
    }
    let russian = post(&mut program.client().with("Accept-Language", "ru-RU,ru;q=0.9"), "/sign-in", &[]);
    assert!(russian.body.contains("<html lang=\"ru\">"));
    for _ in 0..9 {
        post(&mut client, "/sign-in", &[("login", "alice"), ("password", "wrong")]);
    }
    let reply = post(&mut client, "/sign-in", &[("login", "alice"), ("password", "wrong")]);
    assert_eq!(reply.status, 429);
    assert!(reply.body.contains("Too many attempts. Try again at"), "{}", reply.body);
}

#[test]
fn what_is_wrong_stands_at_the_address() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, page) = with_address(&program, "alice", "alice@example.com");
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "alice@")]);
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("Enter a full address") && reply.body.contains("value=\"alice@\""));
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "Alice@example.com")]);
    assert_eq!(reply.status, 409);
    assert!(reply.body.contains("This is the address in use already."));

    let mut bob = program.client();
    let page = sign_in(&mut bob, "bob", PASSWORD).body;
    let reply = fill(&mut bob, &page, "/settings/email", &[("address", "alice@example.com")]);
    let page = follow(&mut bob, &reply);
    assert!(page.contains("is waiting for confirmation."), "a taken address is not revealed here");
    let (code, _) = last_code(&program);
    let reply = fill(&mut bob, &page, "/settings/email/confirm", &[("code", "000001")]);
    assert!(reply.body.contains("Wrong code. 4 attempts left."));
    let reply = fill(&mut bob, &page, "/settings/email/confirm", &[("code", &code)]);
    assert_eq!(reply.status, 409);
    assert!(reply.body.contains("Another user has this address."), "{}", reply.body);
    let reply = fill(&mut bob, &page, "/settings/email/cancel", &[]);
    assert!(follow(&mut bob, &reply).contains("The change was canceled."));

    let reply = post(&mut alice, "/settings/email/remove", &[]);
    let page = follow(&mut alice, &reply);
    assert!(page.contains("The email address was removed.") && page.contains("No email address"), "{page}");
}

#[test]
fn a_pending_address_whose_code_ended_gets_a_new_one() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "alice@example.com")]);
    let page = follow(&mut alice, &reply);
    let before = messages(&program).len();
    advance(&program, 601);
    let reply = fill(&mut alice, &page, "/settings/email/resend", &[]);
    assert!(reply.body.contains("This code is no longer valid."), "{}", reply.body);
    let page = alice.get("/settings").body;
    assert!(page.contains("is waiting for confirmation.") && !page.contains("name=\"code\""), "{page}");
    let reply = fill(&mut alice, &page, "/settings/email/resend", &[]);
    let page = follow(&mut alice, &reply);
    assert_eq!(messages(&program).len(), before + 1);
    let (code, _) = last_code(&program);
    let reply = fill(&mut alice, &page, "/settings/email/confirm", &[("code", &code)]);
    assert!(follow(&mut alice, &reply).contains("The email address is confirmed."));
}

#[test]
fn one_code_confirms_and_switches_on() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "alice@example.com")]);
    follow(&mut alice, &reply);
    let page = alice.get("/settings?method=email").body;
    let reply = fill(&mut alice, &page, "/settings/two-factor/send", &[]);
    let page = follow(&mut alice, &reply);
    let (code, _) = last_code(&program);
    let reply = fill(&mut alice, &page, "/settings/two-factor/confirm", &[("code", &code)]);
    let page = follow(&mut alice, &reply);
    assert!(page.contains("Two-factor authentication is on.") && page.contains(">Confirmed<"), "{page}");
}

#[test]
fn a_stale_sign_in_is_confirmed_and_the_action_goes_on() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut bob = program.client();
    let page = sign_in(&mut bob, "bob", PASSWORD).body;
    advance(&program, 16 * 60);
    let reply = fill(&mut bob, &page, "/settings/email", &[("address", "bob@example.com")]);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("Confirm that it is you"), "{}", reply.body);
    let field = reply.body.split_once("<input id=\"email\"").unwrap().1.split('>').next().unwrap();
    assert!(field.contains("value=\"bob@example.com\""), "nothing is retyped: {field}");
    let wrong = fill(&mut bob, &reply.body, "/reauthenticate", &[("password", "wrong")]);
    assert_eq!(wrong.status, 200, "{}", wrong.body);
    assert!(wrong.body.contains("The current password is wrong."), "{}", wrong.body);
    assert!(messages(&program).is_empty(), "nothing was done yet");
    let reply = fill(&mut bob, &wrong.body, "/reauthenticate", &[("password", PASSWORD)]);
    let page = follow(&mut bob, &reply);
    assert!(
        page.contains("<bdi class=\"address\">bob@example.com</bdi> is waiting for confirmation."),
        "{page}"
    );
    assert_eq!(last_code(&program).1, "bob@example.com");
}

#[test]
fn a_stale_sign_in_with_a_second_factor_asks_for_a_code_too() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, _) = with_two_factor(&program, "alice", "alice@example.com");
    advance(&program, 16 * 60);
    let reply = post(&mut alice, "/settings/two-factor/off", &[]);
    let reply = fill(&mut alice, &reply.body, "/reauthenticate", &[("password", PASSWORD)]);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("action=\"/reauthenticate/code\""), "{}", reply.body);
    let (code, _) = last_code(&program);
    let reply = fill(&mut alice, &reply.body, "/reauthenticate/code", &[("code", "000000")]);
    assert!(reply.body.contains("Wrong code. 4 attempts left."), "{}", reply.body);
    let again = fill(&mut alice, &reply.body, "/reauthenticate/resend", &[]);
    assert!(again.body.contains("No more codes can be sent now."), "{}", again.body);
    let reply = fill(&mut alice, &again.body, "/reauthenticate/code", &[("code", &code)]);
    let page = follow(&mut alice, &reply);
    assert!(page.contains("Two-factor authentication is off."), "{page}");
    let mut fresh = program.client();
    assert!(
        sign_in(&mut fresh, "alice", PASSWORD).body.contains("User settings"),
        "no code is asked any more"
    );
}

#[test]
fn a_short_password_can_not_stand_alone() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let user = serde_json::json!({
        "login": "dora", "account": "demo", "password": "ten chars.", "email": "dora@example.com", "language": "ru",
    });
    assert_eq!(program.client().json("POST", "/dev/users", &user).status, 201);
    let mut dora = program.client();
    let page = sign_in(&mut dora, "dora", "ten chars.").body;
    assert!(page.contains("<html lang=\"ru\">"));
    let page = dora.get("/settings?method=email").body;
    assert!(!page.contains("id=\"two-factor-off\""), "{page}");
    let reply = fill(&mut dora, &page, "/settings/two-factor/send", &[]);
    let page = follow(&mut dora, &reply);
    let (code, _) = last_code(&program);
    let reply = fill(&mut dora, &page, "/settings/two-factor/confirm", &[("code", &code)]);
    follow(&mut dora, &reply);
    let asked = sign_in(&mut program.client().with("Accept-Language", "en"), "dora", "ten chars.").body;
    assert!(asked.contains("<html lang=\"ru\">"), "the code page speaks as its user does: {asked}");
    let page = dora.get("/settings?method=none").body;
    assert!(page.contains("id=\"two-factor-too-short\""), "{page}");
    let reply = post(&mut dora, "/settings/two-factor/off", &[]);
    assert_eq!(reply.status, 409);
    assert!(reply.body.contains("role=\"alert\" id=\"two-factor-problem\""), "{}", reply.body);
}

#[test]
fn with_a_script_only_the_parts_that_changed_are_sent() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    sign_in(&mut alice, "alice", PASSWORD);
    let mut scripted = alice.clone().with("HX-Request", "true");
    let reply = post(&mut scripted, "/settings/email", &[("address", "alice@example.com")]);
    assert_eq!(reply.status, 200);
    assert!(!reply.body.contains("<html") && reply.body.contains("id=\"email-line\""));
    assert!(reply.body.contains("id=\"two-factor\"") && reply.body.contains("id=\"dialog-slot\""));
    advance(&program, 16 * 60);
    let reply = post(&mut scripted, "/settings/email", &[("address", "other@example.com")]);
    assert!(reply.body.contains("<dialog") && !reply.body.contains("id=\"authorization\""), "{}", reply.body);
    post(&mut alice, "/sign-out", &[]);
    let reply = post(&mut scripted, "/settings/email", &[("address", "other@example.com")]);
    assert_eq!((reply.status, reply.header("hx-redirect")), (200, "/sign-in"));
}

#[test]
fn forms_of_other_origins_are_refused_and_pages_are_locked_down() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let own = format!("http://{}", program.address);
    let fields = [("login", "alice"), ("password", PASSWORD)];
    for (name, value, status) in [
        ("Origin", own.as_str(), 303),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "same-origin", 303),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
    ] {
        let reply = post(&mut program.client().with(name, value), "/sign-in", &fields);
        assert_eq!(reply.status, status, "{name}: {value}");
        assert_eq!(reply.header("set-cookie").is_empty(), status == 403);
    }
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value);
    }
    let style = alice.get("/static/app.css");
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(alice.get("/static/../Cargo.toml").status, 404);
    assert_eq!(alice.send("POST", "/sign-in", "application/json", "{}").status, 415);
    let long = format!("login={}", "x".repeat(70_000));
    assert_eq!(alice.send("POST", "/sign-in", "application/x-www-form-urlencoded", &long).status, 413);
}

#[test]
fn a_developer_at_localhost_is_led_to_the_own_address() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let port = program.address.rsplit_once(':').unwrap().1;
    let mut client = program.client().with("Host", &format!("localhost:{port}"));
    let reply = client.get("/settings?method=email");
    let own = format!("http://{}/settings?method=email", program.address);
    assert_eq!((reply.status, reply.header("location")), (307, own.as_str()));
    assert_eq!(post(&mut client, "/sign-in", &[("login", "x")]).status, 401, "only reading is led away");
    assert_eq!(program.client().with("Host", "evil.example").get("/sign-in").status, 200);
}

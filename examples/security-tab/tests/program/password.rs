//! The row "Change password", by forms.

use crate::support::{Client, Folder, PASSWORD, Program, Reply};
use crate::tools::{fill, last_code, messages, post, sign_in};

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

#[test]
fn the_password_is_changed_by_the_current_one_and_ends_the_other_sessions() {
    const NEW: &str = "seven quiet lanterns";
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, page) = with_address(&program, "alice", "alice@example.com");
    assert!(page.contains("At least 15 characters"), "{page}");
    let mut other = program.client();
    sign_in(&mut other, "alice", PASSWORD);
    let copied = alice.clone();
    let change = |client: &mut Client, current: &str, new: &str, repeat: &str| {
        post(client, "/settings/password", &[("current", current), ("new", new), ("repeat", repeat)])
    };
    for (current, new, repeat, status, field, words) in [
        (PASSWORD, NEW, "other", 422, "repeat", "The new passwords differ."),
        (PASSWORD, "short", "short", 422, "new", "Too short: at least 15 characters."),
        (PASSWORD, "", "", 422, "new", "Too short: at least 15 characters."),
        (
            PASSWORD,
            "1q2w3e4r5t6y7u8i9o0p",
            "1q2w3e4r5t6y7u8i9o0p",
            422,
            "new",
            "This password is too common.",
        ),
        (PASSWORD, PASSWORD, PASSWORD, 422, "new", "The new password is the current one."),
        ("not this one", NEW, NEW, 401, "current", "The current password is wrong."),
        ("", NEW, NEW, 401, "current", "The current password is wrong."),
    ] {
        let reply = change(&mut alice, current, new, repeat);
        assert_eq!(reply.status, status, "{words}");
        let (_, line) = reply.body.split_once(&format!("id=\"password-{field}-problem\"")).expect(words);
        assert!(line.split('<').next().is_some_and(|line| line.contains(words)), "{words}: {line}");
        assert!(!reply.body.contains(NEW) && !reply.body.contains(PASSWORD), "no password comes back");
    }
    let reply = change(&mut alice, PASSWORD, NEW, NEW);
    assert_eq!(reply.header("location"), "/settings#password");
    let page = follow(&mut alice, &reply);
    assert!(page.contains("Password changed. All other sessions were signed out."), "{page}");
    for mut dead in [other, copied] {
        assert_eq!(dead.get("/settings").header("location"), "/sign-in");
    }
    let old = [("login", "alice"), ("password", PASSWORD)];
    assert_eq!(post(&mut program.client(), "/sign-in", &old).status, 401);
    assert_eq!(
        messages(&program).iter().filter(|mail| mail["text"].to_string().contains("was changed")).count(),
        1
    );

    let mut bob = program.client();
    let page = sign_in(&mut bob, "bob", PASSWORD).body;
    assert!(
        page.contains("You do not have the right to change the password. Ask your administrator."),
        "{page}"
    );
    assert_eq!(page.matches("autocomplete=\"new-password\" aria-describedby").count(), 2, "{page}");
    assert_eq!(change(&mut bob, PASSWORD, NEW, NEW).status, 403);
}

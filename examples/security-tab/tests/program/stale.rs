//! Acts that need a fresh sign-in, without a script: the dialog, and the act that goes on after it.

use serde_json::json;

use crate::support::{Client, Folder, PASSWORD, Program, Reply};
use crate::tools::{advance, api, fill, follow, hidden, last_code, messages, post, signed_in};

/// Longer than a sign-in is fresh, in seconds.
const STALE: i64 = 16 * 60;

/// The page of a user, found by the login.
fn user_page(client: &mut Client, login: &str) -> String {
    let list = client.get(&format!("/admin/users?login={login}")).body;
    let (_, rest) = list.split_once("class=\"list-name\" href=\"").expect("the user");
    client.get(rest.split('"').next().unwrap()).body
}

/// Answers the dialog, first wrongly, and gives the page that the act led to.
fn confirm(client: &mut Client, asked: &Reply, action: &str) -> String {
    assert_eq!(asked.status, 403, "{}", asked.body);
    assert!(asked.body.contains("Confirm that it is you"), "{}", asked.body);
    let wrong = fill(client, &asked.body, "/reauthenticate", &[("password", "not this one")]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("The current password is wrong."), "{}", wrong.body);
    assert!(!wrong.body.contains("not this one"), "{}", wrong.body);
    assert!(hidden(&wrong.body, "/reauthenticate").contains(&("then", action)), "{}", wrong.body);
    let reply = fill(client, &wrong.body, "/reauthenticate", &[("password", PASSWORD)]);
    follow(client, &reply)
}

fn last_text(program: &Program, to: &str) -> String {
    let sent = messages(program);
    let last = sent.iter().rev().find(|message| message["to"] == to).expect("a message");
    last["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_link_for_a_new_password_and_an_invitation_go_out_after_the_dialog() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = signed_in(&program, "alice");
    let page = alice.get("/settings").body;
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "alice@example.com")]);
    let page = follow(&mut alice, &reply);
    let reply = fill(&mut alice, &page, "/settings/email/confirm", &[("code", &last_code(&program).0)]);
    follow(&mut alice, &reply);

    let mut admin = signed_in(&program, "admin");
    advance(&program, STALE);
    let page = user_page(&mut admin, "alice");
    let asked = fill(&mut admin, &page, "/admin/users/reset", &[]);
    assert!(!last_text(&program, "alice@example.com").contains("/recovery/"), "nothing left before");
    let page = confirm(&mut admin, &asked, "/admin/users/reset");
    assert!(page.contains("The link is on its way."), "{page}");
    assert!(last_text(&program, "alice@example.com").contains("/recovery/"));

    advance(&program, STALE);
    let page = admin.get("/admin/users/new").body;
    let (_, rest) = page.split_once("<select id=\"account\"").expect("accounts");
    let account = rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let typed = [
        ("login", "dora"),
        ("account", account.as_str()),
        ("address", "dora@example.com"),
        ("language", "de"),
        ("zone", "Europe/Berlin"),
        ("flag", "change_password"),
        ("flag", "send_sms"),
    ];
    let asked = post(&mut admin, "/admin/users/new", &typed);
    for kept in [
        "type=\"text\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" value=\"dora\"",
        "value=\"dora@example.com\" aria-describedby",
        "value=\"Europe/Berlin\" aria-describedby",
        "value=\"de\" selected",
        "value=\"send_sms\" checked",
    ] {
        assert!(asked.body.contains(kept), "{kept}: {}", asked.body);
    }
    let page = confirm(&mut admin, &asked, "/admin/users/new");
    assert!(page.contains("The user was created, and the invitation is on its way."), "{page}");
    assert!(page.contains("value=\"de\" selected") && page.contains("value=\"Europe/Berlin\""), "{page}");
    for flag in ["change_password", "send_sms"] {
        assert!(page.contains(&format!("name=\"shown\" value=\"{flag}\"")), "every flag goes on: {page}");
    }
    let first = last_text(&program, "dora@example.com");

    advance(&program, STALE);
    let asked = fill(&mut admin, &page, "/admin/users/invitation", &[]);
    let page = confirm(&mut admin, &asked, "/admin/users/invitation");
    assert!(page.contains("The invitation is on its way."), "{page}");
    assert_ne!(last_text(&program, "dora@example.com"), first);
}

#[test]
fn rights_are_granted_by_an_act_that_waited() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let bob = user_page(&mut admin, "bob");
    let list = admin.get("/admin/accounts").body;
    let (_, rest) = list.split_once("class=\"list-name\" href=\"").unwrap();
    let path = rest.split('"').next().unwrap().to_owned();
    let fleet = admin.get(&path).body;
    for (page, action, named) in
        [(bob, "/admin/users/rights", "user"), (fleet, "/admin/accounts/rights", "account")]
    {
        let on = hidden(&page, action)[0].1.to_owned();
        let ask = |password| {
            let carried = format!("then.{named}");
            let fields = [
                ("then", action),
                (carried.as_str(), on.as_str()),
                ("then.to", "alice"),
                ("then.right", "view"),
                ("then.right", "view_details"),
                ("password", password),
            ];
            fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let send = |client: &mut Client, password| {
            let fields = ask(password);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            post(client, "/reauthenticate", &fields)
        };
        let wrong = send(&mut admin, "not this one");
        assert_eq!(wrong.status, 401, "{}", wrong.body);
        for kept in ["value=\"alice\"", "value=\"view_details\" checked"] {
            assert!(wrong.body.contains(kept), "{kept}: {}", wrong.body);
        }
        let reply = send(&mut admin, PASSWORD);
        let page = follow(&mut admin, &reply);
        assert!(page.contains("The rights were set."), "{page}");
        let (_, held) = page.split_once("id=\"rights-held\"").expect("the list");
        let (_, held) = held.split_once(">alice<").expect("alice in the list");
        let held = held.split("</li>").next().unwrap();
        assert!(
            held.matches("class=\"mark-word\"").count() == 2 && held.contains(">Read the events<"),
            "{held}"
        );
    }
}

#[test]
fn rights_on_an_account_are_shown_and_granted() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let list = admin.get("/admin/accounts").body;
    let (_, rest) = list.split_once("class=\"list-name\" href=\"").unwrap();
    let path = rest.split('"').next().unwrap().to_owned();
    let page = admin.get(&path).body;
    let mut alice = signed_in(&program, "alice");
    assert_eq!(alice.get(&path).status, 404);
    let reply = fill(&mut admin, &page, "/admin/accounts/rights", &[("to", "nobody"), ("right", "view")]);
    assert_eq!(reply.status, 422);
    assert!(
        reply.body.contains("id=\"rights-to-problem\" role=\"alert\">There is no such user."),
        "{}",
        reply.body
    );
    let rights = [("to", "alice"), ("right", "view"), ("right", "rename")];
    let reply = fill(&mut admin, &page, "/admin/accounts/rights", &rights);
    let page = follow(&mut admin, &reply);
    assert!(page.contains("The rights were set."), "{page}");
    let chosen = page.split("class=\"list-name\" href=\"").skip(1).find(|rest| rest.contains(">alice<"));
    let chosen = admin.get(chosen.expect("alice").split('"').next().unwrap().split('#').next().unwrap()).body;
    assert!(chosen.contains("value=\"rename\" checked") && !chosen.contains("value=\"delete\" checked"));
    let seen = alice.get(&path);
    assert_eq!(seen.status, 200);
    assert!(seen.body.contains("id=\"rights-gates\"") && !seen.body.contains("rights-held"), "{}", seen.body);
    let refused = fill(&mut alice, &seen.body, "/admin/accounts/rights", &rights);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("id=\"rights-problem\" role=\"alert\""), "{}", refused.body);
}

#[test]
fn an_address_that_an_administrator_proposed_is_confirmed_after_the_dialog() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut bob = signed_in(&program, "bob");
    advance(&program, STALE);
    let mut admin = signed_in(&program, "admin");
    let page = user_page(&mut admin, "bob");
    let id = hidden(&page, "/admin/users/rights")[0].1.to_owned();
    let new = json!({"email": "bob@example.com"});
    api(&mut admin, "PATCH", &format!("/users/{id}"), &new, 200);
    let code = last_code(&program).0;

    let page = bob.get("/settings").body;
    let asked = fill(&mut bob, &page, "/settings/email/confirm", &[("code", &code)]);
    assert_eq!(asked.status, 200);
    let (_, dialog) = asked.body.split_once("<dialog").expect("the dialog");
    assert!(dialog.contains("Confirm that it is you") && !dialog.contains(&code), "{dialog}");
    let reply = fill(&mut bob, &asked.body, "/reauthenticate", &[("password", PASSWORD)]);
    let page = follow(&mut bob, &reply);
    assert!(
        page.contains("id=\"email-code\"") && !page.contains("<dialog"),
        "the code is typed again: {page}"
    );
    let reply = fill(&mut bob, &page, "/settings/email/confirm", &[("code", &code)]);
    let page = follow(&mut bob, &reply);
    assert!(page.contains("The email address is confirmed."), "{page}");
}

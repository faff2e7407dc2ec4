//! The pages for administrators, by forms.

use serde_json::json;

use crate::support::{Client, Folder, PASSWORD, Program};
use crate::tools::{advance, api, fill, follow, last_code, messages, post, sign_in, signed_in};

const NEW: &str = "seven quiet lanterns";

/// The page of a user, found by the login.
fn user_page(client: &mut Client, login: &str) -> (String, String) {
    let list = client.get(&format!("/admin/users?login={login}")).body;
    let (_, rest) =
        list.split_once("class=\"list-name\" href=\"").unwrap_or_else(|| panic!("no {login}: {list}"));
    let path = rest.split('"').next().unwrap().to_owned();
    let page = client.get(&path).body;
    (path, page)
}

fn link_in<'page>(page: &'page str, before: &str) -> &'page str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split('"').next().unwrap()
}

#[test]
fn a_flag_is_granted_on_the_page_and_the_user_changes_the_password() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut bob = signed_in(&program, "bob");
    let page = bob.get("/settings").body;
    assert!(page.contains("You do not have the right to change the password. Ask your administrator."));
    assert!(!page.contains("/admin/users"), "who administers nothing sees no way there: {page}");

    let mut admin = signed_in(&program, "admin");
    assert!(admin.get("/settings").body.contains("href=\"/admin/users\""));
    let (path, page) = user_page(&mut admin, "bob");
    let reply = fill(&mut admin, &page, "/admin/users/flags", &[("flag", "change_password")]);
    assert_eq!(reply.header("location"), path);
    let page = follow(&mut admin, &reply);
    assert!(page.contains("role=\"status\">Saved<"), "{page}");
    assert!(!admin.get(&path).body.contains("role=\"status\""), "it is told once");

    let fields = [("current", PASSWORD), ("new", NEW), ("repeat", NEW)];
    let reply = post(&mut bob, "/settings/password", &fields);
    assert!(follow(&mut bob, &reply).contains("Password changed."));

    // What the page did not show as on was changed by somebody else meanwhile, and stays.
    let reply =
        fill(&mut admin, &page, "/admin/users/flags", &[("flag", "change_password"), ("flag", "send_sms")]);
    follow(&mut admin, &reply);
    let stale = page;
    let reply = fill(&mut admin, &stale, "/admin/users/flags", &[("flag", "change_settings")]);
    let page = follow(&mut admin, &reply);
    let is_on = |flag: &str| page.contains(&format!("name=\"shown\" value=\"{flag}\""));
    assert!(is_on("send_sms") && is_on("change_settings") && !is_on("change_password"), "{page}");
}

#[test]
fn nobody_grants_on_the_page_what_he_lacks() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let (_, page) = user_page(&mut admin, "bob");
    let grant = [("to", "alice"), ("right", "view"), ("right", "edit_flags")];
    let reply = fill(&mut admin, &page, "/admin/users/rights", &grant);
    assert!(page.contains("Nobody was granted rights on this user."), "{page}");
    let page = follow(&mut admin, &reply);
    assert!(page.contains("The rights were set.") && !page.contains("Nobody was granted"), "{page}");
    let (_, held) = page.split_once("id=\"rights-held\"").expect("the list");
    let held = held.split("</ul>").next().unwrap();
    assert_eq!(held.matches("<li>").count(), 1, "{held}");
    assert!(held.contains(">See the user<") && held.matches("class=\"mark-word\"").count() == 2, "{held}");
    let chosen = admin.get(link_in(held, "href=\"")).body;
    assert!(chosen.contains("name=\"to\" type=\"text\"") && chosen.contains("value=\"alice\""), "{chosen}");
    let checked: Vec<_> =
        chosen.split("name=\"right\"").skip(1).map(|box_| box_.split('>').next().unwrap()).collect();
    let on = |name: &str| checked.iter().any(|box_| box_.contains(&format!("\"{name}\" checked")));
    assert!(on("view") && on("edit_flags") && !on("delete"), "{checked:?}");
    let reply = fill(&mut admin, &page, "/admin/users/rights", &[("to", "nobody"), ("right", "view")]);
    assert_eq!(reply.status, 422);
    assert!(
        reply.body.contains("id=\"rights-to-problem\" role=\"alert\">There is no such user."),
        "{}",
        reply.body
    );

    let mut alice = signed_in(&program, "alice");
    let (path, page) = user_page(&mut alice, "bob");
    let lacked = "You do not have this permission yourself, so you cannot grant it.";
    assert_eq!(page.matches(lacked).count(), 1, "{page}");
    assert!(
        page.contains("value=\"create_items\" aria-describedby=\"flag-create_items-note\" disabled"),
        "{page}"
    );
    assert!(page.contains("You do not have the right to change this."), "time zone and language: {page}");
    assert!(!page.contains("rights-held"), "who has rights is for who may let others have some: {page}");
    let reply =
        fill(&mut alice, &page, "/admin/users/settings", &[("language", "ru"), ("zone", "Europe/Riga")]);
    assert_eq!(reply.status, 403);
    let mut bob = signed_in(&program, "bob");
    assert!(bob.get(&path).body.contains("id=\"flags-gates\""), "he sees himself and changes nothing");

    let (carol, _) = user_page(&mut admin, "carol");
    let hidden_one = alice.get(&carol);
    assert_eq!(hidden_one.status, 404);
    let nobody = alice.get("/admin/users/706f7274-6375-8c6c-8000-64656d6f9999");
    assert_eq!(nobody.body, hidden_one.body, "who is hidden is like nobody");
    assert!(alice.get("/admin/users?login=carol").body.contains("No such user."));
    assert_eq!(program.client().get(&carol).header("location"), "/sign-in");
}

#[test]
fn sign_in_is_switched_off_and_on_and_words_are_set() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let mut bob = signed_in(&program, "bob");
    let (path, page) = user_page(&mut admin, "bob");
    let reply = fill(&mut admin, &page, "/admin/users/sign-in", &[]);
    let page = follow(&mut admin, &reply);
    assert!(
        page.contains("Sign-in was switched off.") && page.contains("The user cannot sign in."),
        "{page}"
    );
    assert_eq!(bob.get("/settings").header("location"), "/sign-in");
    let wrong = [("login", "bob"), ("password", PASSWORD)];
    assert_eq!(post(&mut program.client(), "/sign-in", &wrong).status, 401);
    let reply = fill(&mut admin, &page, "/admin/users/sign-in", &[]);
    assert!(follow(&mut admin, &reply).contains("Sign-in was switched on."));
    let mut bob = signed_in(&program, "bob");

    let zone = |zone| [("language", "ru"), ("zone", zone)];
    let reply = fill(&mut admin, &page, "/admin/users/settings", &zone("Riga"));
    assert_eq!(reply.status, 422);
    assert!(
        reply.body.contains("id=\"zone-problem\" role=\"alert\"") && reply.body.contains("value=\"Riga\"")
    );
    assert!(
        reply.body.contains("value=\"ru\" selected"),
        "the language that was chosen stays: {}",
        reply.body
    );
    let none = fill(&mut admin, &page, "/admin/users/settings", &zone(""));
    assert!(
        none.status == 422 && none.body.contains("value=\"\" aria-describedby=\"zone-problem"),
        "{}",
        none.body
    );
    let reply = fill(&mut admin, &page, "/admin/users/settings", &zone("Europe/Riga"));
    assert!(follow(&mut admin, &reply).contains("Saved"));
    assert!(bob.get("/settings").body.contains("Время указано по часовому поясу Europe/Riga."));

    let reply = fill(&mut admin, &page, "/admin/users/sessions", &[]);
    assert!(follow(&mut admin, &reply).contains("All sessions were ended."));
    assert_eq!(bob.get("/settings").header("location"), "/sign-in");
    let id = path.rsplit('/').next().unwrap().to_owned();
    let trail = admin.get(&format!("/admin/trail?user={id}")).body;
    for words in [
        "Sign-in was switched off, by you",
        "Signed in <span class=\"trail-why\">By password</span>",
        "Language or time zone was changed, by you",
        "Sign-in refused <span class=\"trail-why\">Reason: sign-in is switched off</span>",
    ] {
        assert!(trail.contains(words), "{words}: {trail}");
    }
    let mut alice = signed_in(&program, "alice");
    assert_eq!(alice.get(&format!("/admin/trail?user={id}")).status, 404);
    assert!(alice.get("/admin/trail").body.contains("Signed in"), "the own trail");
}

#[test]
fn a_second_factor_is_removed_after_a_stale_sign_in_was_confirmed() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = signed_in(&program, "alice");
    let page = alice.get("/settings").body;
    let reply = fill(&mut alice, &page, "/settings/email", &[("address", "alice@example.com")]);
    let page = follow(&mut alice, &reply);
    let reply = fill(&mut alice, &page, "/settings/email/confirm", &[("code", &last_code(&program).0)]);
    follow(&mut alice, &reply);
    let page = alice.get("/settings?method=email").body;
    let reply = fill(&mut alice, &page, "/settings/two-factor/send", &[]);
    let page = follow(&mut alice, &reply);
    let reply = fill(&mut alice, &page, "/settings/two-factor/confirm", &[("code", &last_code(&program).0)]);
    follow(&mut alice, &reply);

    let mut admin = signed_in(&program, "admin");
    advance(&program, 16 * 60);
    let (_, page) = user_page(&mut admin, "alice");
    assert!(page.contains("a•••@example.com") && !page.contains("alice@example.com"), "masked: {page}");
    let reply = fill(&mut admin, &page, "/admin/users/two-factor", &[]);
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("Confirm that it is you"), "{}", reply.body);
    let wrong = fill(&mut admin, &reply.body, "/reauthenticate", &[("password", "not this one")]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("The current password is wrong."), "{}", wrong.body);
    let reply = fill(&mut admin, &wrong.body, "/reauthenticate", &[("password", PASSWORD)]);
    let page = follow(&mut admin, &reply);
    assert!(page.contains("The second factor was removed. Every session was ended."), "{page}");
    assert!(
        sign_in(&mut program.client(), "alice", PASSWORD).body.contains("id=\"email\""),
        "no code is asked"
    );
    let told = messages(&program);
    assert_eq!(told.last().unwrap()["to"], "alice@example.com", "{told:?}");

    let reply = fill(&mut admin, &page, "/admin/users/reset", &[]);
    assert!(follow(&mut admin, &reply).contains("The link is on its way."));
    let sent = messages(&program);
    assert!(sent.last().unwrap()["text"].as_str().unwrap().contains("/recovery/"), "{sent:?}");
    let again = fill(&mut admin, &page, "/admin/users/reset", &[]);
    assert_eq!(again.status, 429);
    assert!(again.body.contains("id=\"reset-problem\" role=\"alert\""), "{}", again.body);
}

#[test]
fn the_account_that_is_named_is_chosen_however_many_there_are() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let top = api(&mut admin, "GET", "/settings", &json!(null), 200)["account"]["id"].clone();
    let ids: Vec<_> = (0..201)
        .map(|n| {
            let body = json!({"name": format!("fleet {n}"), "parent": top});
            api(&mut admin, "POST", "/accounts", &body, 201)["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let last = ids.last().unwrap();
    for page in ["/admin/users/new", "/admin/users"] {
        let body = admin.get(&format!("{page}?account={last}")).body;
        assert!(body.contains(&format!("value=\"{last}\" selected>fleet 200<")), "{page}: {body}");
        assert_eq!(
            body.matches(" selected").count() - body.matches("value=\"en\" selected").count(),
            1,
            "{page}"
        );
    }
    let nowhere = admin.get("/admin/users/new?account=706f7274-6375-8c6c-8000-64656d6f9999");
    assert_eq!(nowhere.status, 422);
    assert!(
        nowhere.body.contains("id=\"account-problem\" role=\"alert\">There is no such account."),
        "{}",
        nowhere.body
    );
    assert!(
        nowhere.body.contains("<option value=\"\" selected>Choose an account</option>"),
        "{}",
        nowhere.body
    );
    assert!(!admin.get("/admin/users/new").body.contains("Choose an account"));
}

#[test]
fn a_user_is_created_with_an_invitation() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let list = admin.get("/admin/users").body;
    for login in ["admin", "alice", "bob"] {
        assert!(list.contains(&format!("<bdi>{login}</bdi>")), "{login}: {list}");
    }
    let path = link_in(&list, "id=\"create-user\" href=\"").to_owned();
    let page = admin.get(&path).body;
    let account = path.rsplit('=').next().unwrap();
    let ask = |client: &mut Client, login: &str, address: &str, zone: &str| {
        let fields = [
            ("login", login),
            ("account", account),
            ("address", address),
            ("zone", zone),
            ("language", "en"),
            ("flag", "change_password"),
        ];
        post(client, "/admin/users/new", &fields)
    };
    assert!(page.contains("action=\"/admin/users/new\""), "{page}");
    for (login, address, zone, status, field) in [
        ("alice", "", "", 409, "login"),
        (" dora", "", "", 422, "login"),
        ("dora", "dora@", "", 422, "address"),
        ("dora", "", "Riga", 422, "zone"),
    ] {
        let reply = ask(&mut admin, login, address, zone);
        assert_eq!(reply.status, status, "{field}");
        assert!(reply.body.contains(&format!("id=\"{field}-problem\" role=\"alert\"")), "{}", reply.body);
        assert!(
            reply.body.contains("value=\"change_password\" checked"),
            "what was typed stays: {}",
            reply.body
        );
    }
    let reply = ask(&mut admin, "dora", "dora@example.com", "");
    let page = follow(&mut admin, &reply);
    assert!(page.contains("The user was created, and the invitation is on its way."), "{page}");
    assert!(
        page.contains("An invitation was sent to <bdi class=\"address\">d•••@example.com</bdi>."),
        "{page}"
    );
    let first = link(&program, "dora@example.com");
    let reply = fill(&mut admin, &page, "/admin/users/invitation", &[]);
    assert!(follow(&mut admin, &reply).contains("The invitation is on its way."));
    let soon = fill(&mut admin, &page, "/admin/users/invitation", &[]);
    assert_eq!(soon.status, 429, "{}", soon.body);
    let second = link(&program, "dora@example.com");
    assert_ne!(first, second);
    let set = json!({"new": NEW, "repeat": NEW});
    let mut dora = program.client();
    api(&mut dora, "POST", &format!("/recovery/{first}"), &set, 410);
    api(&mut dora, "POST", &format!("/recovery/{second}"), &set, 204);
    assert!(sign_in(&mut dora, "dora", NEW).body.contains("Confirmed"), "the address is confirmed too");
    let reply = fill(&mut admin, &page, "/admin/users/invitation", &[]);
    assert_eq!(reply.status, 409, "who has a password is not invited");

    let mut bob = signed_in(&program, "bob");
    assert_eq!(ask(&mut bob, "eve", "", "").status, 404);
    assert_eq!(bob.get("/admin/users/new").status, 404);
}

/// The secret of the link that was sent to an address last.
fn link(program: &Program, to: &str) -> String {
    let sent = messages(program);
    let last = sent.iter().rev().find(|message| message["to"] == to).unwrap();
    let (_, rest) = last["text"].as_str().unwrap().split_once("/invitation/").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn accounts_are_created_changed_and_blocked() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = signed_in(&program, "admin");
    let list = admin.get("/admin/accounts").body;
    assert!(list.contains("<li class=\"depth-0\">") && list.contains("<li class=\"depth-1\">"), "{list}");
    let demo = link_in(&list, "class=\"list-name\" href=\"").to_owned();
    let page = admin.get(&demo).body;
    let path = link_in(&page, "id=\"create-account\" href=\"").to_owned();
    let page = admin.get(&path).body;
    let with = |name, quota, zone| {
        [("name", name), ("sms", "on"), ("quota", quota), ("period", "month"), ("zone", zone)]
    };
    for (fields, place) in [
        (with("", "", "UTC"), "name"),
        (with("fleet", "many", "UTC"), "quota"),
        (with("fleet", "", "Riga"), "zone"),
    ] {
        let reply = fill(&mut admin, &page, "/admin/accounts/new", &fields);
        assert_eq!(reply.status, 422, "{place}");
        assert!(reply.body.contains(&format!("id=\"{place}-problem\" role=\"alert\"")), "{}", reply.body);
    }
    let reply = fill(&mut admin, &page, "/admin/accounts/new", &with("fleet", "7", "Europe/Riga"));
    let fleet = reply.header("location").to_owned();
    let page = follow(&mut admin, &reply);
    for words in
        ["The account was created.", "value=\"7\"", "value=\"month\" selected", "value=\"Europe/Riga\""]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let api_path = fleet.replace("/admin", "");
    let limited = json!({"services": {"email_notification": {"on": true, "quota": 5, "period": "day"}}});
    api(&mut admin, "PATCH", &api_path, &limited, 200);
    let reply = fill(&mut admin, &page, "/admin/accounts/change", &with("trucks", "", "UTC"));
    let page = follow(&mut admin, &reply);
    let kept = api(&mut admin, "GET", &api_path, &json!(null), 200);
    assert_eq!(
        kept["services"]["email_notification"],
        json!({"on": false, "quota": 5, "period": "day"}),
        "the form has one switch for it and touches nothing else"
    );
    assert!(page.contains("Saved") && page.contains("<bdi>trucks</bdi>"), "{page}");
    assert!(
        page.contains("name=\"email_notification\" type=\"checkbox\" value=\"on\">"),
        "it is off: {page}"
    );

    let mut alice = signed_in(&program, "alice");
    assert_eq!(alice.get(&fleet).status, 404);
    assert_eq!(fill(&mut alice, &page, "/admin/accounts/block", &[]).status, 404);
    let child = list.rsplit("class=\"list-name\" href=\"").next().unwrap().split('"').next().unwrap();
    let page = admin.get(child).body;
    let reply = fill(&mut admin, &page, "/admin/accounts/block", &[]);
    let page = follow(&mut admin, &reply);
    assert!(page.contains("The account was blocked."), "{page}");
    let carol = [("login", "carol"), ("password", PASSWORD)];
    assert_eq!(post(&mut program.client(), "/sign-in", &carol).status, 401);
    let reply = fill(&mut admin, &page, "/admin/accounts/block", &[]);
    assert!(follow(&mut admin, &reply).contains("The account was unblocked."));
    assert_eq!(post(&mut program.client(), "/sign-in", &carol).status, 303);
}

//! Mailed links by forms: a forgotten password, and a changed address taken back.

use serde_json::json;

use crate::support::{Client, Folder, PASSWORD, Program, Reply, find_link};
use crate::tools::{advance, api, hidden, last_code, messages, post, sign_in};

const NEW: &str = "seven quiet lanterns";

/// A user with a confirmed address, who may change the password.
fn user(program: &Program, login: &str, address: &str) {
    let body = json!({"login": login, "account": "demo", "password": PASSWORD, "email": address,
        "flags": {"change_password": true}});
    assert_eq!(program.client().json("POST", "/dev/users", &body).status, 201);
}

/// The path of the newest link of a kind in the mails to an address.
fn last_link(program: &Program, to: &str, folder: &str) -> String {
    let sent = messages(program);
    let mut own = sent.iter().rev().filter(|mail| mail["to"] == to);
    let link = own.find_map(|mail| find_link(mail["text"].as_str()?, folder));
    let link = link.unwrap_or_else(|| panic!("no link to {folder} in {sent:?}"));
    link.strip_prefix(&format!("http://{}", program.address)).expect("our own address").to_owned()
}

/// Opens a link as a browser does: the link is gone from the address bar, and its form is there.
fn open(client: &mut Client, link: &str, form: &str) -> Reply {
    let (_, token) = link.rsplit_once('/').expect("a token");
    let reply = client.get(link);
    assert_eq!((reply.status, reply.header("location")), (303, form));
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("cache-control"), "no-store");
    let cookie = reply.header("set-cookie");
    assert!(cookie.contains(&format!("; Path={form};")) && cookie.contains("; HttpOnly"), "{cookie}");
    assert!(!cookie.contains(token), "the link is sealed");
    let page = client.get(form);
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    assert!(!page.body.contains(token), "the link is not on the page");
    page
}

/// Sends the form of the link that the browser has open.
fn set(client: &mut Client, route: &str, new: &str, repeat: &str) -> Reply {
    let page = client.get(route).body;
    let mut fields = if page.contains("<form") { hidden(&page, route) } else { Vec::new() };
    fields.extend([("new", new), ("repeat", repeat)]);
    post(client, route, &fields)
}

#[test]
fn a_forgotten_password_is_set_anew_by_the_mailed_link() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    user(&program, "dora", "dora@example.com");
    let mut there = program.client();
    sign_in(&mut there, "dora", PASSWORD);

    let mut here = program.client();
    assert!(here.get("/sign-in").body.contains("href=\"/recovery\""));
    assert!(here.get("/recovery").body.contains("Login or email"));
    let reply = post(&mut here, "/recovery", &[("identifier", "\u{7}bell")]);
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("Enter a login or a full email address."));
    let shape = |reply: &Reply| {
        (reply.status, reply.header("location").to_owned(), reply.header("set-cookie").to_owned())
    };
    let known = post(&mut here, "/recovery", &[("identifier", "dora")]);
    assert_eq!(shape(&known), (303, "/recovery/sent".into(), String::new()));
    for other in ["nobody", "bob", "nobody@example.com"] {
        let unknown = post(&mut here, "/recovery", &[("identifier", other)]);
        assert_eq!(shape(&unknown), shape(&known), "{other}");
    }
    let page = here.get("/recovery/sent").body;
    assert!(page.contains("The link is valid for 60 minutes."), "{page}");

    let link = last_link(&program, "dora@example.com", "recovery");
    assert_eq!(messages(&program).len(), 1, "only who may recover is written to");
    open(&mut program.client(), &link, "/recovery/password");
    let page = open(&mut here, &link, "/recovery/password");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("At least 15 characters") && page.body.contains("The link is valid until"));
    for (new, repeat, field, words) in [
        ("short", "short", "new", "Too short: at least 15 characters."),
        (NEW, "other", "repeat", "The new passwords differ."),
        ("", "", "new", "Too short: at least 15 characters."),
    ] {
        let reply = set(&mut here, "/recovery/password", new, repeat);
        assert_eq!(reply.status, 422, "{words}");
        let (_, rest) = reply.body.split_once(&format!("id=\"password-{field}-problem\"")).expect(words);
        assert!(rest.split('<').next().is_some_and(|line| line.contains(words)), "{words}: {rest}");
        assert!(!reply.body.contains(NEW), "no password comes back");
    }
    assert_eq!(there.get("/settings").status, 200, "nothing has happened yet");
    let reply = set(&mut here, "/recovery/password", NEW, NEW);
    assert_eq!((reply.status, reply.header("location")), (303, "/sign-in"), "{}", reply.body);
    assert!(here.get("/sign-in").body.contains("The new password is set. Sign in with it."));
    assert!(!here.get("/sign-in").body.contains("The new password is set."), "it is told once");
    assert_eq!(here.get("/settings").header("location"), "/sign-in", "a link signs nobody in");
    assert_eq!(there.get("/settings").header("location"), "/sign-in", "every session is over");
    let old = [("login", "dora"), ("password", PASSWORD)];
    assert_eq!(post(&mut here, "/sign-in", &old).status, 401);
    assert_eq!(sign_in(&mut here, "dora", NEW).status, 200);

    let dead = open(&mut program.client(), &link, "/recovery/password");
    assert_eq!(dead.status, 410);
    assert!(dead.body.contains("This link is no longer valid") && dead.body.contains("href=\"/recovery\""));
    assert_eq!(set(&mut here, "/recovery/password", NEW, NEW).status, 410, "without a link");
}

#[test]
fn links_that_are_none_are_over_or_of_another_kind_lead_on() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    user(&program, "dora", "dora@example.com");
    let mut here = program.client();
    let forged = format!("/{}", "A".repeat(64));
    for (path, form) in
        [("/recovery", "/recovery/password"), ("/invitation", "/invitation"), ("/email/undo", "/email/undo")]
    {
        for bad in ["/x", "/%00", "/sentinel"] {
            let reply = here.get(&format!("{path}{bad}"));
            assert_eq!(reply.status, 410, "{path}{bad}");
            assert_eq!(reply.header("referrer-policy"), "no-referrer");
            assert!(reply.body.contains("href=\"/sign-in\""), "{}", reply.body);
        }
        assert_eq!(open(&mut here, &format!("{path}{forged}"), form).status, 410);
        assert_eq!(program.client().get(form).status, 410, "{form} without a link");
    }
    let reply = post(&mut here, "/recovery", &[("identifier", "dora@example.com")]);
    assert_eq!(reply.header("location"), "/recovery/sent", "{}", reply.body);
    let link = last_link(&program, "dora@example.com", "recovery");
    let (_, token) = link.rsplit_once('/').expect("a token");
    assert_eq!(open(&mut here, &format!("/invitation/{token}"), "/invitation").status, 410);
    assert_eq!(open(&mut here, &format!("/email/undo/{token}"), "/email/undo").status, 410);
    advance(&program, 59 * 60);
    assert_eq!(open(&mut here, &link, "/recovery/password").status, 200);
    advance(&program, 61);
    let reply = set(&mut here, "/recovery/password", NEW, NEW);
    assert_eq!(reply.status, 410);
    assert!(reply.body.contains("Recover the password"), "{}", reply.body);
}

#[test]
fn a_page_that_tells_nobody_where_it_was_still_refuses_foreign_forms() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let own = format!("http://{}", program.address);
    for (origin, site, path, status) in [
        ("null", "same-origin", "/recovery/password", 410),
        ("null", "", "/recovery/password", 410),
        ("null", "cross-site", "/recovery/password", 403),
        ("null", "same-origin", "/invitation", 410),
        ("null", "same-origin", "/email/undo", 410),
        (own.as_str(), "same-origin", "/recovery", 303),
        ("null", "same-origin", "/recovery", 403),
        ("null", "", "/recovery", 403),
        ("https://evil.example", "", "/recovery", 403),
        ("null", "same-origin", "/sign-out", 403),
    ] {
        let mut client = program.client().with("Origin", origin).with("Sec-Fetch-Site", site);
        assert_eq!(post(&mut client, path, &[("identifier", "x")]).status, status, "{origin} {site} {path}");
    }
}

#[test]
fn a_changed_address_is_taken_back_by_the_link_in_the_old_mailbox() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    user(&program, "dora", "old@example.com");
    let mut thief = program.client();
    let page = sign_in(&mut thief, "dora", PASSWORD).body;
    let mut fields = hidden(&page, "/settings/email");
    fields.push(("address", "thief@example.com"));
    post(&mut thief, "/settings/email", &fields);
    let page = thief.get("/settings").body;
    let (code, to) = last_code(&program);
    assert_eq!(to, "thief@example.com");
    let mut fields = hidden(&page, "/settings/email/confirm");
    fields.push(("code", &code));
    assert_eq!(post(&mut thief, "/settings/email/confirm", &fields).status, 303);
    let settings = api(&mut thief, "GET", "/settings", &json!(null), 200);
    assert_eq!(settings["email"]["address"], "thief@example.com");

    let link = last_link(&program, "old@example.com", "email/undo");
    let mut owner = program.client();
    open(&mut program.client(), &link, "/email/undo");
    assert_eq!(thief.get("/settings").status, 200, "a look changes nothing");
    let page = open(&mut owner, &link, "/email/undo");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Undo the change"), "{}", page.body);
    assert_eq!(post(&mut owner, "/email/undo", &[]).status, 200, "what is no form of this link does nothing");
    let reply = post(&mut owner, "/email/undo", &hidden(&page.body, "/email/undo"));
    assert_eq!((reply.status, reply.header("location")), (303, "/sign-in"), "{}", reply.body);
    assert!(owner.get("/sign-in").body.contains("The change was undone"));
    assert_eq!(thief.get("/settings").header("location"), "/sign-in");
    assert_eq!(open(&mut owner, &link, "/email/undo").status, 410);

    let link = last_link(&program, "old@example.com", "recovery");
    open(&mut owner, &link, "/recovery/password");
    assert_eq!(set(&mut owner, "/recovery/password", NEW, NEW).status, 303);
    sign_in(&mut owner, "dora", NEW);
    let settings = api(&mut owner, "GET", "/settings", &json!(null), 200);
    assert_eq!(settings["email"]["address"], "old@example.com");
}

#[test]
fn an_invited_user_sets_the_first_password_by_the_mailed_link() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = program.client();
    sign_in(&mut admin, "admin", PASSWORD);
    let account = api(&mut admin, "GET", "/settings", &json!(null), 200)["account"]["id"].clone();
    let body = json!({"login": "erin", "account": account, "email": "erin@example.com"});
    api(&mut admin, "POST", "/users", &body, 201);
    let link = last_link(&program, "erin@example.com", "invitation");
    let mut erin = program.client();
    open(&mut program.client(), &link, "/invitation");
    let page = open(&mut erin, &link, "/invitation");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You were invited as") && page.body.contains("erin"), "{}", page.body);
    assert_eq!(set(&mut erin, "/invitation", "short", "short").status, 422);
    let (_, token) = link.rsplit_once('/').expect("a token");
    let other = open(&mut program.client(), &format!("/recovery/{token}"), "/recovery/password");
    assert_eq!(other.status, 410, "an invitation is no recovery");
    let reply = set(&mut erin, "/invitation", NEW, NEW);
    assert_eq!((reply.status, reply.header("location")), (303, "/sign-in"), "{}", reply.body);
    assert!(sign_in(&mut erin, "erin", NEW).body.contains("Confirmed"), "the address was proved by the link");
    let dead = open(&mut program.client(), &link, "/invitation");
    assert_eq!(dead.status, 410);
    assert!(dead.body.contains("Ask your administrator for a new invitation."), "{}", dead.body);
}

#[test]
fn who_is_signed_in_is_told_before_a_link_signs_him_out() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    user(&program, "dora", "dora@example.com");
    let mut here = program.client();
    sign_in(&mut here, "bob", PASSWORD);
    let kept = here.clone();
    post(&mut program.client(), "/recovery", &[("identifier", "dora")]);
    let link = last_link(&program, "dora@example.com", "recovery");
    let page = open(&mut here, &link, "/recovery/password").body;
    let words = "This browser is signed in as <bdi class=\"address\">bob</bdi>. It will be signed out.";
    assert!(page.contains(words), "{page}");
    assert!(
        !open(&mut program.client(), &link, "/recovery/password").body.contains("It will be signed out.")
    );
    assert_eq!(here.get("/settings").status, 200, "a look signs nobody out");
    let reply = set(&mut here, "/recovery/password", NEW, NEW);
    assert_eq!((reply.status, reply.header("location")), (303, "/sign-in"), "{}", reply.body);
    assert!(here.get("/sign-in").body.contains("The new password is set. Sign in with it."));
    let mut copied = kept;
    assert_eq!(
        copied.get("/settings").header("location"),
        "/sign-in",
        "his session is over, not only its cookie"
    );
}

#[test]
fn an_address_that_went_to_another_user_meanwhile_is_worded_for_a_link() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = program.client();
    sign_in(&mut admin, "admin", PASSWORD);
    let account = api(&mut admin, "GET", "/settings", &json!(null), 200)["account"]["id"].clone();
    let body = json!({"login": "erin", "account": account, "email": "both@example.com"});
    api(&mut admin, "POST", "/users", &body, 201);
    let link = last_link(&program, "both@example.com", "invitation");
    user(&program, "dora", "both@example.com");
    let mut erin = program.client();
    open(&mut erin, &link, "/invitation");
    let reply = set(&mut erin, "/invitation", NEW, NEW);
    assert_eq!(reply.status, 409);
    let words = "The address this link was sent to belongs to another user by now. Ask your administrator.";
    assert!(reply.body.contains(words), "{}", reply.body);
}

#[test]
fn the_form_of_one_link_spends_no_other() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    user(&program, "dora", "dora@example.com");
    user(&program, "erin", "erin@example.com");
    let mut here = program.client();
    for login in ["dora", "erin"] {
        post(&mut here, "/recovery", &[("identifier", login)]);
    }
    let link = |login: &str| last_link(&program, &format!("{login}@example.com"), "recovery");
    let of_dora = open(&mut here, &link("dora"), "/recovery/password").body;
    open(&mut here, &link("erin"), "/recovery/password");
    let mut fields = hidden(&of_dora, "/recovery/password");
    fields.extend([("new", NEW), ("repeat", NEW)]);
    let reply = post(&mut here, "/recovery/password", &fields);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("erin"), "the page says whose password it is: {}", reply.body);
    let old = [("login", "erin"), ("password", PASSWORD)];
    assert_eq!(post(&mut program.client(), "/sign-in", &old).status, 303, "nothing was set");
}

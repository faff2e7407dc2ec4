//! The timeline of development mode: which notices go when, and the clock moved by its buttons.

use serde_json::{Value, json};

use crate::support::{Client, Folder, Program};
use crate::tools::{api, follow, messages, post};

const PAGE: &str = "/dev/timeline";

/// A user with a confirmed address, who wants notices.
fn reader(program: &Program, login: &str, zone: &str) {
    let user = json!({"login": login, "account": "child", "password": "pass word", "time_zone": zone,
        "email": format!("{login}@example.com"), "flags": {"change_settings": true}});
    assert_eq!(program.client().json("POST", "/dev/users", &user).status, 201);
    let mut client = program.client();
    api(&mut client, "POST", "/sign-in", &json!({"login": login, "password": "pass word"}), 200);
    api(&mut client, "PUT", "/notices/blocking", &json!({"enabled": true}), 200);
}

/// What the page says of a user.
fn section<'page>(page: &'page str, login: &str) -> &'page str {
    let (_, rest) =
        page.split_once(&format!("id=\"user-{login}\"")).unwrap_or_else(|| panic!("{login}: {page}"));
    rest.split("</section>").next().unwrap()
}

/// The classes of the stops on a user's line.
fn stops<'page>(page: &'page str, login: &str) -> Vec<&'page str> {
    let stops = section(page, login).split("<li class=\"").skip(1);
    stops.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Presses a button of the page and gives what it shows then.
fn press(client: &mut Client, by: &str) -> String {
    let reply = post(client, PAGE, &[("by", by)]);
    assert!(reply.header("location").starts_with("/dev/timeline?since=2"), "{}", reply.body);
    follow(client, &reply)
}

/// The text of a page without its markup.
fn text(page: &str) -> String {
    let mut out = String::new();
    for rest in page.split('<') {
        out.push_str(rest.split_once('>').map_or(rest, |(_, text)| text));
    }
    out
}

#[test]
fn the_clock_goes_from_notice_to_notice_until_all_are_out() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    reader(&program, "dora", "Pacific/Kiritimati");
    let mut client = program.client();
    let page = client.get(PAGE);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(!page.body.contains("id=\"moved\""), "nothing was moved yet");
    let planned = ["now", "planned", "planned", "planned", "planned", "planned", "block"];
    assert_eq!(stops(&page.body, "dora"), planned);
    assert!(
        section(&page.body, "dora").contains("Account child, times in Pacific/Kiritimati"),
        "{}",
        page.body
    );
    for login in ["admin", "alice", "bob", "carol"] {
        let section = section(&page.body, login);
        assert_eq!(section.matches("Not sent: the user has notices switched off").count(), 5, "{section}");
    }

    let page = press(&mut client, "day");
    assert!(text(&page).contains("Nothing went out."), "{page}");
    assert_eq!(stops(&page, "dora"), planned);
    for nth in 1..=5 {
        let page = press(&mut client, "notice");
        let sent = messages(&program);
        assert_eq!(sent.len(), nth, "one a day");
        let (last, left) = (&sent[nth - 1], 6 - nth);
        let dora = section(&page, "dora");
        assert_eq!(dora.matches("just now").count(), 1, "{dora}");
        assert_eq!(dora.matches("class=\"sent").count(), nth, "{dora}");
        let link = format!("href=\"/dev/messages#message-{}\"", last["id"].as_str().unwrap());
        assert!(dora.contains(&link) && page.matches(&link).count() == 2, "the mail can be read: {page}");
        let at_nine = " 09:00</time> <span class=\"mark-word\">just now";
        assert!(dora.contains(at_nine), "by the clock of the reader: {dora}");
        assert!(
            text(dora).contains(&format!("{left} day{} left", if left == 1 { "" } else { "s" })),
            "{dora}"
        );
        let (_, out) = page.split_once("class=\"went-out\"").unwrap();
        assert!(out.contains("dora@example.com"), "{page}");
        let here = stops(&page, "dora").iter().position(|stop| *stop == "now");
        assert_eq!(here, Some(nth), "the present is behind what is out");
    }
    let page = client.get(PAGE).body;
    assert_eq!(stops(&page, "dora"), ["sent", "sent", "sent", "sent", "sent", "now", "block"]);
    assert!(text(&page).contains("No notice is planned."), "{page}");
    let (_, button) = page.split_once("id=\"move-notice\"").unwrap();
    assert!(button.starts_with(" disabled"), "{button}");
    let page = press(&mut client, "notice");
    assert!(text(&page).contains("Nothing went out."), "there is no next one");
    press(&mut client, "day");
    let page = press(&mut client, "day");
    assert_eq!(stops(&page, "dora").last(), Some(&"now"), "it is blocked");
    assert_eq!(messages(&program).len(), 5);
}

#[test]
fn each_reason_why_a_notice_does_not_go_is_named() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    reader(&program, "dora", "UTC");
    let mut client = program.client();
    let page = press(&mut client, "notice");
    assert_eq!(stops(&page, "dora")[..2], ["sent", "now"]);
    // The second day passes while no mail is taken over.
    let down = json!({"channel": "email", "mode": "down"});
    assert_eq!(client.json("POST", "/dev/fail", &down).status, 204);
    let page = press(&mut client, "notice");
    assert_eq!(stops(&page, "dora")[..3], ["sent", "now", "planned"], "it is tried again: {page}");
    let page = press(&mut client, "day");
    assert!(section(&page, "dora").contains("Not sent: the day is over"), "{page}");
    let off = json!({"channel": "email", "mode": "off"});
    assert_eq!(client.json("POST", "/dev/fail", &off).status, 204);
    let mut admin = program.client();
    api(
        &mut admin,
        "POST",
        "/sign-in",
        &json!({"login": "admin", "password": crate::support::PASSWORD}),
        200,
    );
    let dora = api(&mut admin, "GET", "/users?login=dora", &Value::Null, 200)["users"][0].clone();
    let path = format!("/users/{}", dora["id"].as_str().unwrap());
    api(&mut admin, "PATCH", &path, &json!({"flags": {"disabled": true}}), 200);
    let page = client.get(PAGE).body;
    assert!(section(&page, "dora").contains("Not sent: the user may not sign in"), "{page}");
    let page = client.with("Accept-Language", "ru").get(PAGE).body;
    assert!(section(&page, "dora").contains("Не отправляется: пользователю запрещён вход"), "{page}");
}

#[test]
fn the_clock_moves_by_what_the_buttons_say_alone() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut client = program.client();
    for fields in [&[("by", "year")][..], &[], &[("by", "")]] {
        let reply = post(&mut client, PAGE, fields);
        assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("invalid_step")));
    }
    assert_eq!(client.get("/dev/timeline?since=yesterday").status, 422);
    let now = |client: &mut Client| {
        let reply = client.json("POST", "/dev/clock", &json!({"advance_seconds": 0}));
        reply.json()["now"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    };
    for (by, hours) in [("hour", 1), ("day", 24)] {
        let before = now(&mut client);
        press(&mut client, by);
        let moved = now(&mut client) - before;
        assert_eq!(moved.num_hours(), hours, "{by}");
    }
    let mut stranger = program.client().with("Origin", "http://evil.example");
    let before = now(&mut client);
    assert_eq!(post(&mut stranger, PAGE, &[("by", "day")]).status, 403);
    assert!((now(&mut client) - before).num_hours() < 1);
}

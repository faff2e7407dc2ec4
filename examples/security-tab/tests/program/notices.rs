//! Notices about blocking, by the forms of the tab.

use crate::support::{Client, Folder, PASSWORD, Program, Reply};
use crate::tools::{advance, hidden, last_code, post, sign_in};

const DAY: i64 = 24 * 60 * 60;

fn follow(client: &mut Client, reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.body);
    client.get(reply.header("location").to_owned().as_str()).body
}

#[test]
fn notices_are_switched_on_and_off_without_a_script() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut alice = program.client();
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    let (_, section) = page.split_once("id=\"advanced\"").unwrap();
    assert!(section.contains("Confirm an email address first."), "{section}");
    assert!(!section.contains("id=\"advanced-save\""), "what is off can't be saved: {section}");
    let reply = post(&mut alice, "/settings/notices", &[("enabled", "on")]);
    assert_eq!(reply.status, 409);
    assert!(reply.body.contains("id=\"advanced-problem\""), "{}", reply.body);

    let reply = post(&mut alice, "/settings/email", &[("address", "alice@example.com")]);
    let page = follow(&mut alice, &reply);
    let (code, _) = last_code(&program);
    let mut fields = hidden(&page, "/settings/email/confirm");
    fields.push(("code", &code));
    let reply = post(&mut alice, "/settings/email/confirm", &fields);
    assert!(follow(&mut alice, &reply).contains("Remove address"));

    let reply = post(&mut alice, "/settings/notices", &[("enabled", "on")]);
    assert_eq!(reply.header("location"), "/settings#advanced");
    let page = follow(&mut alice, &reply);
    assert!(
        page.contains("role=\"status\">Saved<") && page.contains("value=\"on\" autocomplete=\"off\" checked")
    );
    assert!(page.contains("notices about account blocking use it"), "the address is held: {page}");
    assert!(page.contains("a•••@example.com</bdi> starting 5 days before"), "{page}");
    assert!(page.contains("Blocking date: <time datetime=\""), "{page}");
    assert!(!page.contains("class=\"banner\""), "twenty days are no reason to warn");

    let mut script = alice.clone().with("hx-request", "true");
    let reply = post(&mut script, "/settings/notices", &[]);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("Saved") && !reply.body.contains("autocomplete=\"off\" checked"));
    assert!(reply.body.contains("id=\"authorization\"") && !reply.body.contains("id=\"two-factor\""));

    advance(&program, 16 * DAY);
    let page = sign_in(&mut alice, "alice", PASSWORD).body;
    assert!(page.contains("class=\"banner\">Account demo will be blocked on <time"), "{page}");
    assert!(page.contains(": 4 days left</p>"), "{page}");
    advance(&program, 3 * DAY);
    assert!(sign_in(&mut alice, "alice", PASSWORD).body.contains(": 1 day left</p>"));
    let (status, said) = program.stop();
    assert!(status.success(), "{said}");
}

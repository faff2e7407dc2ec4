//! The section "Sessions", by forms.

use crate::support::{Client, Folder, PASSWORD, Program, Reply};
use crate::tools::{advance, hidden, post, sign_in};

fn follow(client: &mut Client, reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("location")), (303, "/settings#sessions"), "{}", reply.body);
    client.get("/settings").body
}

/// The section of the page, and how many sessions it lists.
fn section(page: &str) -> (&str, usize) {
    let (_, section) = page.split_once("<section class=\"group\" id=\"sessions\"").expect("the section");
    let (section, _) = section.split_once("</section>").expect("its end");
    (section, section.matches("<li>").count())
}

/// Whether the browser's session lives.
fn lives(client: &mut Client) -> bool {
    client.get("/settings").status == 200
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_and_together() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut here = program.client();
    let page = sign_in(&mut here, "alice", PASSWORD).body;
    let (alone, count) = section(&page);
    assert_eq!(count, 1);
    assert!(alone.contains("This browser") && alone.contains("There are no other sessions."), "{alone}");
    assert!(!alone.contains("<form"), "nothing is there to be ended: {alone}");

    let mut others: Vec<_> = (0..3)
        .map(|_| {
            advance(&program, 60);
            let mut other = program.client();
            sign_in(&mut other, "alice", PASSWORD);
            other
        })
        .collect();
    let mut bob = program.client();
    sign_in(&mut bob, "bob", PASSWORD);
    let page = here.get("/settings").body;
    let (all, count) = section(&page);
    assert_eq!((count, all.matches("This browser").count()), (4, 1), "{all}");
    let own = all.find("This browser").expect("this browser");
    assert!(own < all.find("/settings/sessions/end\"").expect("a form"), "this browser comes first: {all}");

    // The newest of the others stands first among them.
    let handle = hidden(&page, "/settings/sessions/end");
    let reply = post(&mut here, "/settings/sessions/end", &handle);
    let page = follow(&mut here, &reply);
    let (left, count) = section(&page);
    assert_eq!(count, 3);
    assert!(left.contains("The session was ended."), "{left}");
    assert_eq!(others.iter_mut().map(lives).collect::<Vec<_>>(), [true, true, false]);

    // A second press, a handle of nobody, a forged one: the list is shown, and nothing else is ended.
    let again = post(&mut here, "/settings/sessions/end", &handle);
    assert_eq!(section(&follow(&mut here, &again)).1, 3);
    let foreign = post(&mut here, "/settings/sessions/end", &[("session", "made up")]);
    assert_eq!(section(&follow(&mut here, &foreign)).1, 3);
    let cookie = others[0].cookies.values().next().expect("a cookie").clone();
    let by_cookie = post(&mut here, "/settings/sessions/end", &[("session", &cookie)]);
    follow(&mut here, &by_cookie);
    assert!(lives(&mut others[0]), "a cookie is no handle");

    // Another user's session is not there to be ended.
    let page = others[0].get("/settings").body;
    post(&mut bob, "/settings/sessions/end", &hidden(&page, "/settings/sessions/end"));
    assert!(lives(&mut here) && lives(&mut others[1]));

    let copied = here.clone();
    let reply = post(&mut here, "/settings/sessions/end-others", &[]);
    let page = follow(&mut here, &reply);
    let (alone, count) = section(&page);
    assert_eq!(count, 1);
    assert!(alone.contains("All other sessions were signed out."), "{alone}");
    assert!(lives(&mut bob), "nobody else's");
    others.push(copied);
    assert!(!others.iter_mut().any(lives), "others and copies are dead");
}

#[test]
fn with_a_script_only_the_section_comes_back() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut other = program.client();
    sign_in(&mut other, "alice", PASSWORD);
    let mut here = program.client();
    let page = sign_in(&mut here, "alice", PASSWORD).body;
    let mut scripted = here.clone().with("HX-Request", "true");
    let reply = post(&mut scripted, "/settings/sessions/end", &hidden(&page, "/settings/sessions/end"));
    assert_eq!(reply.status, 200);
    assert!(!reply.body.contains("<html") && !reply.body.contains("id=\"authorization\""), "{}", reply.body);
    assert_eq!(section(&reply.body).1, 1);
    assert!(!lives(&mut other));
}

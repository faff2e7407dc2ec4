//! The first administrator of a production database.

use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, Started, start};

/// Whether it succeeded, and what it said.
fn run(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_security-tab")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn the_first_administrator_is_made_once_and_the_service_then_runs() {
    let folder = Folder::new();
    let (keys, database) = (folder.arg("keys.json"), format!("sqlite://{}", folder.arg("db/fleet.db")));
    std::fs::create_dir(folder.path().join("db")).unwrap();
    assert!(run(&["keys", "new", "--keys", &keys]).0);
    let place = ["--keys", &keys, "--database", &database, "--public-url", "https://a.example"];
    let init = |login: &str| {
        let whom =
            ["init", "--login", login, "--email", "root@example.com", "--account", "Fleet", "--print-link"];
        run(&[whom.as_slice(), place.as_slice()].concat())
    };
    let whom = ["init", "--login", "root", "--email", "root@example.com"];
    let (made, why) = run(&[whom.as_slice(), place.as_slice()].concat());
    assert!(!made && why.contains("standard output is no terminal") && !why.contains("https://"), "{why}");
    let (made, said) = init("root");
    assert!(made && said.contains("account Fleet and its administrator root"), "{said}");
    let links: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("https://a.example/invitation/")).collect();
    assert!(links.len() == 1 && links[0].len() == 64, "one link: {said}");
    let (again, why) = init("other");
    assert!(!again && why.contains("there is a top account already"), "{why}");
    assert!(why.contains("administrator root has no password yet, and security-tab invite makes"), "{why}");

    let serve = ["--no-dev", "--listen", "127.0.0.1:0", "--smtp", "smtp://127.0.0.1:1"];
    let data = folder.arg("data");
    let all = [serve.as_slice(), &["--data", &data], place.as_slice()].concat();
    let Started::Listening(program) = start(&all, &[]) else { panic!("it does not serve") };
    let mut root = program.client();
    let typed = json!({"login": "root", "password": PASSWORD});
    let refused = crate::tools::api(&mut root, "POST", "/sign-in", &typed, 401);
    assert_eq!(refused["code"], "bad_credentials", "no password yet");
    let mut page = program.client();
    let opened = page.get(&format!("/invitation/{}", links[0]));
    let cookie = opened.header("set-cookie");
    // A browser keeps `__Host-` for the path `/` alone.
    assert!(cookie.starts_with("__Secure-portcullis-link="), "{cookie}");
    assert!(cookie.contains("; Path=/invitation;") && cookie.ends_with("; Secure"), "{cookie}");
    let form = page.get("/invitation");
    assert!(form.status == 200 && form.body.contains("You were invited as"), "{}", form.body);
    let link = format!("/recovery/{}", links[0]);
    let told = crate::tools::api(&mut root, "GET", &link, &Value::Null, 200);
    assert_eq!(told["purpose"], "invitation");
    let new = json!({"new": PASSWORD, "repeat": PASSWORD});
    crate::tools::api(&mut root, "POST", &link, &new, 204);
    crate::tools::api(&mut root, "POST", &link, &new, 410);
    let admitted = crate::tools::api(&mut root, "POST", "/sign-in", &typed, 200);
    assert_eq!(admitted["status"], "admitted");
    let (status, heard) = program.stop();
    assert!(status.success() && !heard.contains(links[0]), "the link is shown by init alone");
    let (again, why) = init("other");
    assert!(!again && why.contains("top account already") && !why.contains("invite"), "he got in: {why}");
}

#[test]
fn a_development_database_has_its_administrators_already() {
    let folder = Folder::new();
    drop(crate::support::Program::dev(&folder, &[]));
    let (data, keys) = (folder.arg("data"), folder.arg("keys.json"));
    std::fs::copy(folder.arg("data/keys.json"), &keys).unwrap();
    let (made, why) = run(&[
        "init",
        "--print-link",
        "--login",
        "root",
        "--email",
        "r@example.com",
        "--data",
        &data,
        "--keys",
        &keys,
        "--public-url",
        "https://a.example",
    ]);
    assert!(!made && why.contains("mark of development"), "{why}");
}

/// The links below `/invitation/` in what was said.
fn links(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("https://a.example")).map(str::to_owned).collect()
}

#[test]
fn a_lost_link_is_renewed_and_a_mailed_one_is_shown_to_nobody() {
    let folder = Folder::new();
    let (keys, data) = (folder.arg("keys.json"), folder.arg("data"));
    assert!(run(&["keys", "new", "--keys", &keys]).0);
    let place = ["--keys", &keys, "--data", &data, "--public-url", "https://a.example"];
    let invite = |words: &[&str]| run(&[&["invite", "--login", "root"], words, place.as_slice()].concat());
    let (done, why) = invite(&["--print-link"]);
    assert!(!done && why.contains("there is no") && !folder.path().join("data").exists(), "{why}");
    let whom = ["init", "--login", "root", "--email", "root@example.com", "--print-link"];
    let (_, said) = run(&[whom.as_slice(), place.as_slice()].concat());
    let first = links(&said);
    let (done, why) = invite(&[]);
    assert!(!done && why.contains("standard output is no terminal") && links(&why).is_empty(), "{why}");
    let (done, said) = invite(&["--print-link"]);
    let second = links(&said);
    assert!(done && first.len() == 1 && second.len() == 1, "one link: {said}");
    let (done, why) = run(&[&["invite", "--login", "nobody", "--print-link"], place.as_slice()].concat());
    assert!(!done && why.contains("--login: there is no such user"), "{why}");

    let serve = ["--no-dev", "--listen", "127.0.0.1:0", "--smtp", "smtp://127.0.0.1:1"];
    let Started::Listening(program) = start(&[serve.as_slice(), place.as_slice()].concat(), &[]) else {
        panic!("it does not serve")
    };
    let api = |link: &str, status| {
        let path = link.replace("/invitation/", "/recovery/");
        crate::tools::api(&mut program.client(), "GET", &path, &Value::Null, status)
    };
    api(&first[0], 410);
    api(&second[0], 200);
    drop(program);

    // The command sends nothing itself: the mail waits for the service, and its link is on no terminal.
    let (done, said) = invite(&["--mail"]);
    assert!(done && said.contains("the running service mails its link") && links(&said).is_empty(), "{said}");
    let (done, why) = invite(&["--mail"]);
    assert!(!done && why.contains("invite: "), "a mailed one has its cool-down: {why}");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let smtp = format!("smtp://{}", server.local_addr().unwrap());
    let (say, came) = channel();
    spawn(move || say.send(server.accept().is_ok()));
    let mailing = ["--no-dev", "--listen", "127.0.0.1:0", "--smtp", &smtp];
    let Started::Listening(program) = start(&[mailing.as_slice(), place.as_slice()].concat(), &[]) else {
        panic!("it does not serve")
    };
    assert_eq!(
        came.recv_timeout(Duration::from_secs(60)),
        Ok(true),
        "the service brings it to its mail server"
    );
    drop(program);
    let (_, said) = invite(&["--print-link"]);
    let Started::Listening(program) = start(&[serve.as_slice(), place.as_slice()].concat(), &[]) else {
        panic!("it does not serve")
    };
    let new = json!({"new": PASSWORD, "repeat": PASSWORD});
    let last = links(&said)[0].replace("/invitation/", "/recovery/");
    crate::tools::api(&mut program.client(), "POST", &last, &new, 204);
    let (done, why) = invite(&["--print-link"]);
    assert!(!done && why.contains("the user has a password"), "{why}");
}

//! The first administrator of a production database.

use std::process::Command;

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
        let whom = ["init", "--login", login, "--email", "root@example.com", "--account", "Fleet"];
        run(&[whom.as_slice(), place.as_slice()].concat())
    };
    let (made, said) = init("root");
    assert!(made && said.contains("account Fleet and its administrator root"), "{said}");
    let links: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("https://a.example/invitation/")).collect();
    assert!(links.len() == 1 && links[0].len() == 64, "one link: {said}");
    let (again, why) = init("other");
    assert!(!again && why.contains("there is a top account already"), "{why}");

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
}

#[test]
fn a_development_database_has_its_administrators_already() {
    let folder = Folder::new();
    drop(crate::support::Program::dev(&folder, &[]));
    let (data, keys) = (folder.arg("data"), folder.arg("keys.json"));
    std::fs::copy(folder.arg("data/keys.json"), &keys).unwrap();
    let (made, why) = run(&[
        "init",
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

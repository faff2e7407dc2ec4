//! Starts that must not succeed: one line each, and no secret in it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Folder, PASSWORD, Program, Started, start};
use crate::tools::sign_in;

/// The exit code and the one line of a start that fails.
fn refused(arguments: &[&str]) -> (i32, String) {
    let variables = [("PORTCULLIS_SMTP_PASSWORD", "s3cret-of-smtp")];
    match start(arguments, &variables) {
        Started::Listening(_) => panic!("{arguments:?} started"),
        Started::Ended(status, stderr) => {
            assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
            assert!(!stderr.contains("s3cret"), "{stderr}");
            let line = stderr.trim_end().strip_prefix("security-tab: ").expect("the program says its name");
            (status.code().unwrap(), line.to_owned())
        }
    }
}

#[test]
fn a_command_line_that_can_not_be_understood_ends_with_2() {
    for (arguments, line) in [
        (&["--smpp", "smpp://h"][..], "--smpp names a part that does not exist yet"),
        (&["--smpp=smpp://h"], "--smpp names a part that does not exist yet"),
        (&["--flespi-region", "ap=http://h"], "--flespi-region must be eu=URL or ru=URL"),
        (&["keys", "new"], "--keys names the keyring file"),
        (&["keys"], "keys is followed by new, check, rotate, reseal or retire"),
        (&["after-restore"], "--keys names the keyring file"),
        (&["init", "--login", "x"], "init needs --email, --keys, --public-url"),
        (&["--colour"], "there is no option --colour"),
        (&["-v"], "there is no option -v"),
        (&["serve"], "there is no subcommand serve"),
        (&["--listen"], "--listen needs a value"),
        (&["--data="], "--data needs a value"),
        (&["--no-dev=yes"], "--no-dev takes no value"),
        (&["--listen", "here"], "--listen must be an address and a port such as 127.0.0.1:8080"),
        (&["--listen", "0.0.0.0:0"], "--listen must be a loopback address in dev mode"),
        (
            &["--database", "mysql://s3cret@h"],
            "--database must start with sqlite:// or postgres:// and name a database",
        ),
        (
            &["--trusted-proxy", "x"],
            "--trusted-proxy: a network is an address, or an address, `/` and the length of its prefix, such as 10.0.0.0/8",
        ),
        (
            &["--policy", "loose"],
            "--policy has no such preset, it is default, wialon-hosting, wialon-local or strict",
        ),
        (&["--no-dev"], "--no-dev needs --keys, --public-url, --smtp"),
        (&["--no-dev", "--keys", "k", "--smtp", "smtp://h"], "--no-dev needs --public-url"),
        (&["--no-dev", "--demo-password", "s3cret"], "--demo-password is for dev mode only"),
    ] {
        assert_eq!(refused(arguments), (2, line.to_owned()), "{arguments:?}");
    }
    match start(&["--help"], &[]) {
        Started::Ended(status, stderr) => assert!(status.success() && stderr.is_empty()),
        Started::Listening(_) => panic!("help does not serve"),
    }
}

#[test]
fn what_can_not_be_used_ends_with_1() {
    let folder = Folder::new();
    let data = folder.arg("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let file = folder.arg("file");
    std::fs::write(&file, "no database").unwrap();
    let under = format!("{file}/data");
    let broken = folder.arg("broken.json");
    std::fs::write(&broken, "{}").unwrap();
    mode(&broken, 0o600);
    let open = folder.arg("open.json");
    std::fs::write(&open, "{}").unwrap();
    mode(&open, 0o644);
    let missing = folder.arg("missing.json");
    let no_folder = format!("sqlite://{}", folder.arg("nowhere/x.db"));
    let no_database = format!("sqlite://{file}");
    let dev = |more: &[&str]| {
        let mut all = vec!["--listen", "127.0.0.1:0", "--data", &data];
        all.extend(more);
        refused(&all)
    };
    for (result, words) in [
        (refused(&["--listen", &taken, "--data", &data]), &[taken.as_str(), "is in use"][..]),
        (refused(&["--listen", "127.0.0.1:0", "--data", &under]), &["--data", "can't be used"]),
        (dev(&["--keys", &missing]), &["--keys", "missing.json"]),
        (dev(&["--keys", &open]), &["--keys", "0600"]),
        (dev(&["--keys", &broken]), &["--keys", "can't be read"]),
        (dev(&["--database", &no_folder]), &["--database", "does not exist"]),
        (dev(&["--database", &no_database]), &["--database", "not a SQLite database"]),
        (dev(&["--database", "postgres://u:s3cret@127.0.0.1:1/x"]), &["--database", "store"]),
        (dev(&["--public-url", "http://a.example"]), &["--public-url", "https"]),
        (dev(&["--public-url", "https://u:s3cret@a.example"]), &["--public-url", "no user name"]),
        (dev(&["--smtp", "smtp://u:s3cret@h"]), &["--smtp", "password does not belong"]),
        (dev(&["--smtp", "http://h"]), &["--smtp", "smtp://"]),
    ] {
        let (code, line) = result;
        assert_eq!(code, 1, "{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} in {line}");
        assert_eq!(line.chars().next().map(char::is_uppercase), Some(false), "{line}");
    }
}

#[test]
fn development_and_production_do_not_share_a_database() {
    let folder = Folder::new();
    drop(Program::dev(&folder, &[]));
    let (data, keys, beside) = (folder.arg("data"), folder.arg("keys.json"), folder.arg("data/keys.json"));
    std::fs::copy(&beside, &keys).unwrap();
    let production_with = |keys: &str, data: &str, url: &str| {
        let mut all = vec!["--no-dev", "--listen", "127.0.0.1:0", "--data", data, "--keys", keys];
        all.extend(["--smtp", "smtp://127.0.0.1:1", "--public-url", url]);
        start(&all, &[])
    };
    match production_with(&beside, &data, "https://a.example") {
        Started::Ended(status, stderr) => {
            assert_eq!(status.code(), Some(1));
            assert!(stderr.contains("beside the database"), "{stderr}");
        }
        Started::Listening(_) => panic!("it took keys beside the database"),
    }
    let production = |data: &str, url: &str| production_with(&keys, data, url);
    match production(&data, "https://a.example") {
        Started::Ended(status, stderr) => {
            assert_eq!(status.code(), Some(1));
            assert!(stderr.contains("mark of development"), "{stderr}");
        }
        Started::Listening(_) => panic!("it took a development database"),
    }
    match production(&folder.arg("production"), "http://127.0.0.1:1") {
        Started::Ended(_, stderr) => assert!(stderr.contains("must be https"), "{stderr}"),
        Started::Listening(_) => panic!("it took http"),
    }

    // A mail server that can't be reached is no reason not to start.
    let Started::Listening(program) = production(&folder.arg("production"), "https://a.example") else {
        panic!("production did not start");
    };
    let mut client = program.client();
    for path in ["/dev/messages", "/dev/states", "/dev/users", "/dev/clock"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    let page = client.get("/sign-in");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("/dev/messages"), "no strip");
    let reply = crate::tools::post(&mut client, "/sign-in", &[("login", "alice"), ("password", PASSWORD)]);
    assert_eq!(reply.status, 401, "no demo users");
    let (_, said) = program.stop();
    assert!(said.contains("the mail server is not ready"), "it warns: {said}");
}

#[test]
fn a_mail_server_that_can_not_be_reached_only_warns() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &["--smtp", "smtp://127.0.0.1:1"]);
    assert!(sign_in(&mut program.client(), "alice", PASSWORD).body.contains("User settings"));
    let (status, said) = program.stop();
    assert!(status.success() && said.contains("the mail server is not ready"), "{said}");
}

fn mode(path: &str, mode: u32) {
    std::fs::set_permissions(Path::new(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

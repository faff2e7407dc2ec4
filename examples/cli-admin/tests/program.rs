//! The program on a database of each kind: what is said, what is kept, and what is asked first.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::contact::Email;
use portcullis::keyring::Keyring;
use portcullis::port::ambient::{Clock as _, SystemClock};
use portcullis::port::message::SendError;
use portcullis::testing::World;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::WorldOptions;
use portcullis::user::{Login, NewUser};
use portcullis::{Portcullis, id::AccountId};
use portcullis_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

const URL: &str = "https://fleet.example.com";
const BOOTSTRAP: &[&str] =
    &["bootstrap", "--login", "root", "--email", "r@example.com", "--public-url", URL, "--print-link"];

#[test]
fn an_office_is_set_up_and_kept_on_sqlite() {
    let desk = Desk::new("sqlite");
    an_office_is_set_up_and_kept(&desk);
}

#[test]
fn an_office_is_set_up_and_kept_on_postgresql() {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        eprintln!("skipped: an_office_is_set_up_and_kept_on_postgresql: PORTCULLIS_TEST_POSTGRES is not set");
        assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
        return;
    };
    let name = format!("cli_admin_{}", std::process::id());
    runtime().block_on(async {
        let (client, connection) = tokio_postgres::connect(&server, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    });
    let (address, options) =
        server.split_once('?').map_or((&*server, String::new()), |(a, o)| (a, format!("?{o}")));
    let (address, _) = address.rsplit_once('/').unwrap();
    let desk = Desk { database: format!("{address}/{name}{options}"), ..Desk::new("postgres") };
    an_office_is_set_up_and_kept(&desk);
}

fn an_office_is_set_up_and_kept(desk: &Desk) {
    assert_eq!(desk.json(&["keys", "new"]).as_array().unwrap().len(), 1);
    let made = desk.bootstrap();
    assert!(made["link"].as_str().unwrap().starts_with("https://fleet.example.com/invitation/"));
    let again = desk.run(BOOTSTRAP, false);
    assert_eq!(text(&again.stderr), "cli-admin: there is a top account already\n");

    let account = made["account"].as_str().unwrap();
    assert_eq!(desk.json(&["accounts"])[0]["name"], "main");
    let users = desk.json(&["users", "--account", account]);
    assert_eq!((&users[0]["login"], &users[0]["password"]), (&json!("root"), &json!(false)));
    let table = text(&desk.run(&["users"], true).stdout);
    assert!(table.lines().nth(1).unwrap().contains("two_factor") && table.contains(" root "), "{table}");

    let flags = desk.json(&["flags", "root", "--on", "send_sms", "--off", "create_items"]);
    let flags = flags["flags"].as_array().unwrap().clone();
    assert!(flags.contains(&json!("send_sms")) && !flags.contains(&json!("create_items")));
    let changed = desk.json(&["services", account, "--on", "sms", "--quota", "50", "--period", "day"]);
    assert_eq!(changed["services"], json!(["sms (50)"]));
    assert_eq!(desk.json(&["services", account, "--off", "sms"])["services"], json!([]));
    let changed = desk.json(&["days", account, "--left", "30", "--counting", "true"]);
    assert_eq!((&changed["days"], &changed["counting"]), (&json!(30), &json!(true)));

    let asked = desk.run(&["block", account], false);
    assert_eq!(
        text(&asked.stderr),
        "cli-admin: everybody in main and below is signed out: nobody is there to ask, add --yes\n"
    );
    assert_eq!(desk.json(&["accounts"])[0]["blocked"], false, "nothing was done");
    assert_eq!(desk.json(&["--yes", "block", account])["blocked"], true);
    assert_eq!(desk.json(&["unblock", account])["blocked"], false);
    assert_eq!(text(&desk.run(&["dead-letters", "list"], true).stdout), "none\n");
}

#[test]
fn dead_letters_are_listed_and_sent_again() {
    let desk = Desk::new("dead");
    let world = desk.world(1, TimeDelta::zero());
    world.security.keyring().write_new_file(&desk.keys()).unwrap();
    runtime().block_on(async {
        let account = world.account("demo").await.unwrap();
        let mut sessions = Vec::new();
        for login in ["alice", "bob"] {
            let user = world.user(&account, login, Some(&format!("{login}@example.com"))).await.unwrap();
            let session = world.sign_in(&user).await.unwrap();
            sessions.push(world.switch_on(session.id, &user).await.unwrap().id);
        }
        // Bob's mail that it is on waits, and from now on Alice's that it is off.
        world.security.two_factor().disable(sessions[0]).await.unwrap();
        world.mailbox.fail_with(Some(SendError::Permanent { detail: "the mailbox is full" }));
        world.run_worker().await.unwrap();
    });
    drop(world);
    let dead = desk.json(&["dead-letters", "list"]);
    assert_eq!((dead.as_array().unwrap().len(), &dead[0]["kind"]), (2, &json!("two_factor_on")));
    assert!(!dead.to_string().contains("alice@"), "an address is masked");

    let refused = desk.run(&["dead-letters", "resend", "--all"], false);
    assert!(text(&refused.stderr).contains("2 messages are sent again: nobody is there to ask, add --yes"));
    let id = dead[0]["id"].as_str().unwrap();
    assert_eq!(desk.json(&["dead-letters", "resend", id])["kind"], "two_factor_on");
    let resent = desk.run(&["--yes", "dead-letters", "resend", "--all"], true);
    assert_eq!(text(&resent.stderr), "1 of 1, 0 can't be sent again\n");
    let world = desk.world(2, TimeDelta::minutes(10));
    runtime().block_on(world.run_worker()).unwrap();
    assert_eq!(world.mailbox.mails().len(), 2);
    assert!(!desk.run(&["dead-letters", "resend", id], false).status.success(), "it was sent");
}

#[test]
fn keys_are_rotated_and_go_when_nothing_waits_under_them() {
    let desk = Desk::new("keys");
    let first = desk.json(&["keys", "new"])[0]["id"].as_str().unwrap().to_owned();
    let made = desk.bootstrap();
    let account: uuid::Uuid = made["account"].as_str().unwrap().parse().unwrap();
    let mailbox = Mailbox::new();
    desk.serve(&mailbox, |security| async move {
        let mut new = NewUser::new(Login::parse("alice").unwrap(), AccountId::from_uuid(account));
        new.invited_email = Some(Email::parse("alice@example.com").unwrap());
        security.users().create(new).await.unwrap();
    });
    let second = desk.rotate();
    let resealed = desk.run(&["keys", "reseal"], true);
    assert_eq!(text(&resealed.stderr), format!("key {first}: 1 sealed anew, 0 left\n"));
    assert!(text(&desk.run(&["keys", "retire", &first], false).stderr).contains("add --yes"));
    assert_eq!(desk.json(&["--yes", "keys", "retire", &first]).as_array().unwrap().len(), 1);
    let third = desk.rotate();
    let left = desk.json(&["--yes", "keys", "retire", &second]);
    assert_eq!(left[0]["id"], third.as_str(), "what waited under it was sealed anew first");
    desk.serve(&mailbox, |security| async move {
        security.worker().pass().await.unwrap();
    });
    assert_eq!(mailbox.to("alice@example.com").len(), 1, "what waited is sent under the newest key");
}

#[test]
fn what_is_wrong_is_named_without_its_value() {
    let desk = Desk::new("wrong");
    desk.json(&["keys", "new"]);
    let missing = desk.run(&["accounts"], false);
    assert!(text(&missing.stderr).starts_with("cli-admin: there is no database `"));
    let url = Desk { database: "mysql://root:hunter2@host/db".to_owned(), ..Desk::new("url") };
    url.json(&["keys", "new"]);
    let out = url.run(&["accounts"], false);
    assert_eq!(text(&out.stderr), "cli-admin: --database is neither sqlite://FILE nor postgres://…\n");
    let flag = desk.run(&["flags", "root", "--on", "fly"], false);
    assert!(text(&flag.stderr).contains("it is none of change_password, send_sms"));
}

/// A folder with keys and the URL of a database.
struct Desk {
    folder: Folder,
    database: String,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("cli-admin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("keys")).unwrap();
        let database = format!("sqlite://{}", folder.join("app.db").display());
        Self { folder: Folder(folder), database }
    }

    fn keys(&self) -> PathBuf {
        self.folder.0.join("keys/app.json")
    }

    fn bootstrap(&self) -> Value {
        self.json(BOOTSTRAP)
    }

    /// The id of the new key.
    fn rotate(&self) -> String {
        let keys = self.json(&["keys", "rotate"]);
        let current = keys.as_array().unwrap().iter().find(|key| key["current"] == true).unwrap();
        current["id"].as_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str], succeeds: bool) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cli-admin"));
        command.args(["--database", &self.database]).arg("--keys").arg(self.keys()).args(args);
        let out = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(out.status.success(), succeeds, "{args:?}: {}{}", text(&out.stdout), text(&out.stderr));
        out
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[&["--json"], args].concat(), true).stdout).unwrap()
    }

    /// An engine of a test on the same database.
    fn world(&self, seed: u64, later: TimeDelta) -> World {
        let path = Path::new(self.database.strip_prefix("sqlite://").unwrap());
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let now = SystemClock::default().now() + later;
        World::with(WorldOptions { store, seed, now, ..WorldOptions::default() })
    }

    /// The service beside it, for as long as this takes.
    fn serve<F: Future<Output = ()>>(&self, mailbox: &Mailbox, work: impl FnOnce(Portcullis) -> F) {
        let path = Path::new(self.database.strip_prefix("sqlite://").unwrap());
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let keys = Keyring::from_file(&self.keys()).unwrap();
        let builder = Portcullis::builder_on(store).keyring(keys).mail(mailbox.clone()).public_url(URL);
        let security = builder.build().unwrap();
        runtime().block_on(work(security));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Removed when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

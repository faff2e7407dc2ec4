//! The same program on a PostgreSQL server.

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::support::{Folder, PASSWORD, Program};
use crate::tools::{api, last_code, sign_in};

/// A database of its own on the server of the environment; `None`, said aloud, where there is none.
async fn database(test: &str) -> Option<String> {
    database_named(test, "tab").await
}

/// The same for several tests at once, each with a name.
pub(crate) async fn database_named(test: &str, name: &str) -> Option<String> {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        eprintln!("skipped: {test}: PORTCULLIS_TEST_POSTGRES is not set");
        assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
        return None;
    };
    let (client, connection) = tokio_postgres::connect(&server, NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("security_{name}_{}", std::process::id());
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (address, options) = server.split_once('?').map_or((server.as_str(), None), |(a, o)| (a, Some(o)));
    let (address, _) = address.rsplit_once('/').unwrap();
    Some(options.map_or(format!("{address}/{name}"), |options| format!("{address}/{name}?{options}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_share_one_database() {
    let Some(url) = database("two_programs_share_one_database").await else { return };
    let folder = Folder::new();
    let first = Program::dev(&folder, &["--database", &url]);
    let keys = folder.arg("data/keys.json");
    let other = Folder::new();
    let second = Program::dev(&other, &["--database", &url, "--keys", &keys]);

    let mut alice = first.client();
    assert!(sign_in(&mut alice, "alice", PASSWORD).body.contains("User settings"));
    let pending = api(&mut alice, "PUT", "/email", &json!({"address": "alice@example.com"}), 202);
    let mut elsewhere = second.client();
    elsewhere.cookies = alice.cookies.clone();
    let settings = api(&mut elsewhere, "GET", "/settings", &Value::Null, 200);
    assert_eq!(settings["email"]["pending"]["challenge"], pending["challenge"]);
    let codes = [&first, &second].map(|program| crate::tools::messages(program).len());
    assert_eq!(codes[0] + codes[1], 1, "one of them sent it, once");
    let sender = if codes[0] == 1 { &first } else { &second };
    let confirm = json!({"challenge": pending["challenge"], "code": last_code(sender).0});
    api(&mut elsewhere, "POST", "/email/confirm", &confirm, 200);
}

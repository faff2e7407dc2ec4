//! What is wrong with a PostgreSQL database at the start: one clear line, and the program ends.

use tokio_postgres::{Client, NoTls};

use super::postgres::database_named;
use crate::support::{Folder, Program, Started, start};
use crate::tools::sign_in;

/// The line that the program ends with on a database.
fn line(url: &str) -> String {
    let folder = Folder::new();
    let (data, arguments) = (folder.arg("data"), ["--listen", "127.0.0.1:0", "--database", url, "--data"]);
    match start(&[&arguments[..], &[&data]].concat(), &[]) {
        Started::Listening(_) => panic!("it started"),
        Started::Ended(status, stderr) => {
            assert_eq!(status.code(), Some(1), "{stderr}");
            assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
            assert!(!stderr.contains("s3cret"), "{stderr}");
            stderr.trim_end().to_owned()
        }
    }
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[test]
fn a_server_that_can_not_be_used_is_named_in_one_line() {
    for (url, what) in [
        ("postgres://app:s3cret@127.0.0.1:1/app", "can't be reached: connection refused"),
        ("postgres://app:s3cret@127.0.0.1:s3cret/app", "can't be understood"),
        ("postgres://app:s3cret@db.example.com/app", "the connection must be encrypted"),
    ] {
        let line = line(url);
        assert!(line.contains("--database: store: ") && line.contains(what), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_fit_is_named_in_one_line() {
    let test = "a_database_that_does_not_fit_is_named_in_one_line";
    let Some(url) = database_named(test, "faults").await else { return };
    let (base, name) = url.rsplit_once('/').unwrap();
    let said = line(&format!("{base}/no_such_database"));
    assert!(said.contains("the database does not exist (3D000)"), "{said}");
    let said = line(&url.replace("//postgres@", "//nobody_of_that_name:s3cret@"));
    assert!(said.contains("refused the user or the password"), "{said}");

    let admin = client(&url).await;
    let role = format!("{name}_role");
    admin.batch_execute(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN")).await.unwrap();
    let service = url.replace("//postgres@", &format!("//{role}@"));
    let said = line(&service);
    assert!(said.contains("lacks a privilege (42501)"), "it may not make the tables: {said}");
    let folder = Folder::new();
    drop(Program::dev(&folder, &["--database", &url]));
    let said = line(&service);
    assert!(said.contains("gives the user no") && said.contains("insert on portcullis_record"), "{said}");

    let newer = "INSERT INTO portcullis_migration (version, name, checksum) VALUES (99, 'future', 'x')";
    admin.batch_execute(newer).await.unwrap();
    let said = line(&url);
    assert!(said.contains("the schema is newer than this release by 0099 future"), "{said}");
    let changed = "DELETE FROM portcullis_migration WHERE version = 99;
                   UPDATE portcullis_migration SET checksum = 'x' WHERE version = 1";
    admin.batch_execute(changed).await.unwrap();
    let said = line(&url);
    assert!(said.contains("was made by other sql in 0001 tables"), "{said}");
    admin.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_brought_up_to_date() {
    let Some(url) = database_named("an_older_database_is_brought_up_to_date", "older").await else { return };
    let folder = Folder::new();
    drop(Program::dev(&folder, &["--database", &url]));
    // As the release before left it.
    let views = "accounts users sessions challenges messages recovery_requests notice_schedules payments
                 flespi_connections due trail";
    let views: Vec<_> = views.split_whitespace().map(|view| format!("portcullis_{view}")).collect();
    let sql = format!("DROP VIEW {}; DELETE FROM portcullis_migration WHERE version = 3", views.join(", "));
    client(&url).await.batch_execute(&sql).await.unwrap();
    let program = Program::dev(&folder, &["--database", &url]);
    assert!(sign_in(&mut program.client(), "alice", crate::support::PASSWORD).body.contains("User settings"));
}

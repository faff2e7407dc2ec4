//! What a host brings: a pool, a schema, rows of its own in one transaction with ours, and references to them.

use crate::common::{
    Database, at_once, commit, id, in_database, insert, keyring, login, now, pool, record, with_key,
};
use portcullis::Portcullis;
use portcullis::account::{Account, NewAccount};
use portcullis::error::Error;
use portcullis::port::store::{Commit, CommitError, Delete, Lane, Page, Purge, Read, Start, Store};
use portcullis::rights::Actor;
use portcullis::testing::Dump;
use portcullis::testing::mailbox::Mailbox;
use portcullis::user::{Login, NewUser};
use portcullis_postgres::{PostgresOptions, PostgresStore, deadpool_postgres};

fn engine(store: PostgresStore, mailbox: &Mailbox) -> Portcullis {
    Portcullis::builder(store)
        .keyring(keyring())
        .mail(mailbox.clone())
        .public_url("https://fleet.example.com")
        .build()
        .unwrap()
}

/// A host on its own pool, with a table of drivers that refers to our users.
struct Host {
    pool: deadpool_postgres::Pool,
    store: PostgresStore,
    security: Portcullis,
    mailbox: Mailbox,
    account: Account,
}

impl Host {
    async fn new(database: &Database) -> Self {
        database.migrated().await;
        let pool = pool(&database.url, 8);
        let store = PostgresStore::from_pool(pool.clone());
        let mailbox = Mailbox::new();
        let security = engine(store.clone(), &mailbox);
        let sql = "CREATE TABLE driver (
                       name    text PRIMARY KEY,
                       user_id uuid NOT NULL REFERENCES portcullis_record (id))";
        pool.get().await.unwrap().batch_execute(sql).await.unwrap();
        let account = security.accounts().create(NewAccount::named("demo")).await.unwrap();
        Self { pool, store, security, mailbox, account }
    }

    fn user(&self, login: &str) -> NewUser {
        NewUser::new(Login::parse(login).unwrap(), self.account.id)
    }

    async fn drivers(&self) -> i64 {
        self.pool.get().await.unwrap().query_one("SELECT count(*) FROM driver", &[]).await.unwrap().get(0)
    }
}

#[test]
fn a_host_makes_its_row_and_ours_together_or_neither() {
    in_database("a_host_makes_its_row_and_ours_together_or_neither", async |database| {
        let host = Host::new(&database).await;
        let (mut client, mut alice) = (host.pool.get().await.unwrap(), host.user("alice"));
        alice.invited_email = Some(portcullis::contact::Email::parse("alice@example.com").unwrap());
        for ends_well in [false, true] {
            let woken = host.security.worker().woken();
            let transaction = client.transaction().await.unwrap();
            let created = host.store.create_user_in(&transaction, &host.security, &alice).await.unwrap();
            let user = created.value().id.uuid();
            transaction.execute("INSERT INTO driver VALUES ('alice', $1)", &[&user]).await.unwrap();
            let found = host.security.users().by_login(&alice.login).await;
            assert!(found.is_err(), "nobody sees it before the host has committed");
            if !ends_well {
                transaction.rollback().await.unwrap();
                assert!(host.security.users().by_login(&alice.login).await.is_err());
                assert_eq!((host.drivers().await, host.security.worker().pass().await.unwrap().sent), (0, 0));
                continue;
            }
            transaction.commit().await.unwrap();
            let created = created.kept();
            woken.await;
            assert_eq!(host.security.users().by_login(&alice.login).await.unwrap().id, created.id);
            assert_eq!((host.drivers().await, host.security.worker().pass().await.unwrap().sent), (1, 1));
            assert_eq!(host.mailbox.mails().len(), 1);
        }
    });
}

#[test]
fn a_user_that_is_refused_leaves_no_row_of_the_host() {
    in_database("a_user_that_is_refused_leaves_no_row_of_the_host", async |database| {
        let host = Host::new(&database).await;
        let made = host.security.users().create(host.user("alice")).await.unwrap();
        let mut client = host.pool.get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let made = made.id.uuid();
        transaction.execute("INSERT INTO driver VALUES ('bob', $1)", &[&made]).await.unwrap();
        let refused = host.store.create_user_in(&transaction, &host.security, &host.user("alice")).await;
        assert_eq!(refused.unwrap_err().to_string(), "the login is taken");
        transaction.commit().await.unwrap();
        assert_eq!(host.drivers().await, 0, "the server undoes the whole transaction");
        let nowhere = portcullis::id::AccountId::from_uuid(id(7));
        let nowhere = NewUser::new(Login::parse("bob").unwrap(), nowhere);
        let transaction = client.transaction().await.unwrap();
        let refused = host.store.create_user_in(&transaction, &host.security, &nowhere).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{refused:?}");
    });
}

#[test]
fn of_hosts_that_create_one_login_at_once_one_does() {
    in_database("of_hosts_that_create_one_login_at_once_one_does", async |database| {
        let host = std::sync::Arc::new(Host::new(&database).await);
        let outcomes = at_once(6, |n| {
            let host = std::sync::Arc::clone(&host);
            async move {
                let mut client = host.pool.get().await.unwrap();
                let transaction = client.transaction().await.unwrap();
                let created =
                    host.store.create_user_in(&transaction, &host.security, &host.user("alice")).await?;
                let (name, user) = (n.to_string(), created.value().id.uuid());
                transaction.execute("INSERT INTO driver VALUES ($1, $2)", &[&name, &user]).await.unwrap();
                transaction.commit().await.unwrap();
                Ok::<_, Error>(created.kept())
            }
        })
        .await;
        let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), host.drivers().await), (1, 1));
        for refused in refused {
            assert_eq!(refused.unwrap_err().to_string(), "the login is taken");
        }
    });
}

#[test]
fn a_commit_of_the_hosts_own_is_durable_and_the_same_again_doubles_nothing() {
    in_database("a_commit_of_the_hosts_own_is_durable", async |database| {
        let host = Host::new(&database).await;
        let sql = format!("ALTER DATABASE {} SET synchronous_commit = off", database.name());
        database.client().await.batch_execute(&sql).await.unwrap();
        let fresh = pool(&database.url, 1);
        let mut client = fresh.get().await.unwrap();
        let put = Commit { puts: vec![insert(record(10))], ..commit(1) };
        for _ in 0..2 {
            let transaction = client.transaction().await.unwrap();
            host.store.commit_in(&transaction, &put).await.unwrap();
            let row =
                transaction.query_one("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
            assert_eq!(row.get::<_, &str>(0), "on", "still when the host commits");
            transaction.commit().await.unwrap();
        }
        let contents = host.store.contents().await.unwrap();
        assert_eq!(contents.records.iter().filter(|record| record.id == id(10)).count(), 1);
        let row = client.query_one("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "off", "the session is as it was");
        let transaction = client.build_transaction();
        let level = tokio_postgres::IsolationLevel::Serializable;
        let transaction = transaction.isolation_level(level).start().await.unwrap();
        let error = host.store.commit_in(&transaction, &commit(3)).await.unwrap_err();
        assert!(error.to_string().contains("must be read committed"), "{error}");
    });
}

#[test]
fn a_row_of_the_hosts_keeps_its_user_and_stands_in_nobodys_way() {
    in_database("a_row_of_the_hosts_keeps_its_user_and_stands_in_nobodys_way", async |database| {
        let host = Host::new(&database).await;
        let alice = host.security.users().create(host.user("alice")).await.unwrap();
        let client = host.pool.get().await.unwrap();
        let insert = "INSERT INTO driver VALUES ($1, $2)";
        let nobody = client.execute(insert, &[&"nobody", &id(4711)]).await.unwrap_err();
        assert_eq!(nobody.code(), Some(&tokio_postgres::error::SqlState::FOREIGN_KEY_VIOLATION));
        // The host's transaction holds its reference to the row while the user is changed.
        client.batch_execute("BEGIN").await.unwrap();
        client.execute(insert, &[&"alice", &alice.id.uuid()]).await.unwrap();
        let change = portcullis::manage::UserChange::default().disabled(true);
        host.security.manage(Actor::Program).change_user(alice.id, &change).await.unwrap();
        client.batch_execute("COMMIT").await.unwrap();
        let gone = Commit { deletes: vec![Delete { id: alice.id.uuid(), version: 2 }], ..commit(1) };
        let error = host.store.commit(&gone).await.unwrap_err();
        assert_eq!(error.to_string(), "store: a row of another table still refers to the record (23503)");
        assert!(matches!(error, CommitError::Port(_)));
        client.batch_execute("DELETE FROM driver").await.unwrap();
        host.store.commit(&gone).await.unwrap();
    });
}

#[test]
fn fields_of_a_newer_release_survive_a_write_by_this_one() {
    in_database("fields_of_a_newer_release_survive_a_write_by_this_one", async |database| {
        let host = Host::new(&database).await;
        let alice = host.security.users().create(host.user("alice")).await.unwrap();
        let client = host.pool.get().await.unwrap();
        // What a newer release added: a column with a default, and a field in each body.
        let sql = "ALTER TABLE portcullis_record ADD COLUMN colour text NOT NULL DEFAULT 'blue';
                   UPDATE portcullis_record SET body = (body::jsonb || '{\"badge\": {\"no\": 7}}')::text, colour = 'red'";
        client.batch_execute(sql).await.unwrap();
        let change = portcullis::manage::UserChange::default().disabled(true);
        host.security.manage(Actor::Program).change_user(alice.id, &change).await.unwrap();
        let sql =
            "SELECT (body::jsonb #>> '{badge,no}') || ' ' || (body::jsonb ->> 'disabled') || ' ' || colour
                   FROM portcullis_record WHERE id = $1";
        let kept: String = client.query_one(sql, &[&alice.id.uuid()]).await.unwrap().get(0);
        assert_eq!(kept, "7 true red");
        assert!(host.security.users().get(alice.id).await.unwrap().disabled);
    });
}

#[test]
fn everything_lives_in_the_schema_of_the_options() {
    in_database("everything_lives_in_the_schema_of_the_options", async |database| {
        let client = database.client().await;
        let options = database.options().in_schema("security").unwrap();
        let store = PostgresStore::connect_with(options.clone()).await.unwrap();
        let error = store.migrate().await.unwrap_err();
        assert!(error.to_string().contains("schema that holds the tables does not exist"), "{error}");
        // Tables of the same names elsewhere are not taken for ours.
        client
            .batch_execute("CREATE SCHEMA security; CREATE TABLE portcullis_record (wrong text)")
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let report = store.check_schema().await.unwrap();
        assert!(report.is_current(), "{report}");
        let sql = "SELECT count(*) FROM pg_class WHERE relname LIKE 'portcullis%' AND relnamespace = 'public'::regnamespace";
        assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);

        // Also by a pool of the host's, and every call of the contract.
        let store = PostgresStore::from_pool_with(
            pool(&database.url, 2),
            &PostgresOptions::for_pool().in_schema("security").unwrap(),
        );
        assert!(store.check_schema().await.unwrap().is_current());
        store.commit(&Commit { puts: vec![insert(with_key(10, "ann"))], ..commit(1) }).await.unwrap();
        let starts = vec![Start::Key(login("ann"))];
        let read = Read { now: now(), starts, subjects: vec![id(2)] };
        assert_eq!(store.read(&read).await.unwrap().found, [Some(id(10))]);
        assert_eq!(store.list(&login("ann"), Page { after: None, limit: 9 }).await.unwrap().len(), 1);
        let newest = portcullis::port::store::TrailPage::newest(None, 9);
        for page in [Page { after: None, limit: 9 }.into(), newest] {
            assert_eq!(store.audit(id(2), page).await.unwrap().len(), 1);
        }
        for lane in Lane::ALL {
            assert_eq!(store.claim(lane, now(), now(), 9).await, Ok(vec![]));
            assert_eq!(store.waiting(lane, now(), 9).await.unwrap().count, 0);
        }
        for what in [Purge::Counters, Purge::Audit, Purge::Records] {
            assert_eq!(store.purge(what, now(), 9).await, Ok(0));
        }
        store.set_mark("dev", "1").await.unwrap();
        assert_eq!(store.mark("dev").await.unwrap().as_deref(), Some("1"));
        assert_eq!(store.contents().await.unwrap().records.len(), 1);
        assert!(!database.store().await.check_schema().await.unwrap().is_current());
    });
}

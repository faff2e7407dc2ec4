//! The two roles of the documentation: one that makes the tables, one that works on them and can do no more.

use std::sync::Arc;

use crate::common::{Database, client, in_database};
use portcullis::port::store::{Lane, Purge, Store};
use portcullis_postgres::{PostgresOptions, PostgresStore};

const DOCUMENT: &str = include_str!("../../../../docs/postgres.md");

/// A block of SQL in the documentation, with the roles of this test.
fn documented(heading: &str, owner: &str, service: &str, readers: &str) -> String {
    let (_, rest) = DOCUMENT.split_once(heading).unwrap_or_else(|| panic!("no {heading:?}"));
    let (_, rest) = rest.split_once("```sql\n").unwrap();
    let sql = rest.split("```").next().unwrap();
    sql.replace("security_owner", owner)
        .replace("security_service", service)
        .replace("security_readers", readers)
}

struct Roles {
    owner: String,
    service: String,
    readers: String,
}

impl Roles {
    /// The roles and the schema, as the documentation has them made.
    async fn made(database: &Database) -> Self {
        let name = |what: &str| format!("{}_{what}", database.name());
        let roles = Self { owner: name("owner"), service: name("service"), readers: name("readers") };
        let sql = roles.sql("### The roles");
        database.client().await.batch_execute(&sql).await.unwrap();
        roles
    }

    fn sql(&self, heading: &str) -> String {
        documented(heading, &self.owner, &self.service, &self.readers)
    }

    fn options(database: &Database, role: &str) -> PostgresOptions {
        PostgresOptions::from_url(&database.url_of(role)).unwrap().in_schema("security").unwrap()
    }

    async fn store(&self, database: &Database, role: &str) -> PostgresStore {
        PostgresStore::connect_with(Self::options(database, role)).await.unwrap()
    }

    /// Drops the roles, which outlive the database.
    async fn dropped(self, database: &Database) {
        let sql = format!(
            "DROP OWNED BY {0}, {1}, {2} CASCADE; DROP ROLE {0}, {1}, {2}",
            self.owner, self.service, self.readers
        );
        database.client().await.batch_execute(&sql).await.unwrap();
    }
}

#[test]
fn the_documented_rights_suffice_and_give_no_more() {
    in_database("the_documented_rights_suffice_and_give_no_more", async |database| {
        let roles = Roles::made(&database).await;
        let (owner, service) =
            (roles.store(&database, &roles.owner).await, roles.store(&database, &roles.service).await);
        let error = service.migrate().await.unwrap_err();
        assert_eq!(error.to_string(), "store: the schema gives the user no usage on schema security");
        owner.migrate().await.unwrap();
        let grants = client(&database.url_of(&roles.owner)).await;
        grants.batch_execute(&format!("GRANT USAGE ON SCHEMA security TO {}", roles.service)).await.unwrap();

        // Before the grants: each right by its name.
        let report = service.check_schema().await.unwrap();
        let lacks = report.to_string();
        for right in
            ["insert on portcullis_record", "delete on portcullis_key", "select on portcullis_migration"]
        {
            assert!(lacks.contains(right), "{lacks}");
        }
        assert!(!report.is_current() && report.missing.is_empty(), "{lacks}");

        grants.batch_execute(&roles.sql("### The grants")).await.unwrap();
        let report = service.check_schema().await.unwrap();
        assert!(report.is_current(), "{report}");
        assert_eq!(service.migrate().await, Ok(vec![]), "nothing is left to do");

        // Everything the store is asked for is allowed.
        let store: Arc<dyn Store> = Arc::new(service.clone());
        portcullis::testing::conformance::run_all(1, || async { Arc::clone(&store) }).await;
        for what in [Purge::Counters, Purge::Audit, Purge::Records] {
            service.purge(what, crate::common::later(0), 10).await.unwrap();
        }
        service.claim(Lane::Timed, crate::common::now(), crate::common::now(), 10).await.unwrap();
        service.set_mark("dev", "1").await.unwrap();

        // And nothing else is.
        let session = client(&database.url_of(&roles.service)).await;
        for sql in [
            "CREATE TABLE security.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE FUNCTION security.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP TABLE security.portcullis_mark",
            "ALTER TABLE security.portcullis_record ADD COLUMN mine int",
            "TRUNCATE security.portcullis_audit",
            "UPDATE security.portcullis_audit SET action = 'nothing'",
            "UPDATE security.portcullis_migration SET checksum = ''",
            "DELETE FROM security.portcullis_migration",
            "CREATE OR REPLACE FUNCTION security.portcullis_purge_records(timestamptz, bigint) RETURNS bigint
             LANGUAGE sql AS 'SELECT 1::bigint'",
            "DROP SCHEMA security CASCADE",
        ] {
            let error = session.batch_execute(sql).await.unwrap_err();
            assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
        }
        drop((owner, service, store));
        roles.dropped(&database).await;
    });
}

#[test]
fn people_read_the_views_and_no_table() {
    in_database("people_read_the_views_and_no_table", async |database| {
        let roles = Roles::made(&database).await;
        roles.store(&database, &roles.owner).await.migrate().await.unwrap();
        client(&database.url_of(&roles.owner))
            .await
            .batch_execute(&roles.sql("### The grants"))
            .await
            .unwrap();
        let service = roles.store(&database, &roles.service).await;
        portcullis::testing::canary::live_through(Arc::new(service.clone()), 1).await.unwrap();

        let session = client(&database.url_of(&roles.readers)).await;
        session.batch_execute("SET search_path TO security").await.unwrap();
        let login: String =
            session.query_one("SELECT login FROM portcullis_users", &[]).await.unwrap().get(0);
        assert_eq!(login, "canary-1");
        for table in ["portcullis_record", "portcullis_key", "portcullis_counter", "portcullis_audit"] {
            assert!(session.batch_execute(&format!("SELECT * FROM {table}")).await.is_err(), "{table}");
        }
        drop(service);
        roles.dropped(&database).await;
    });
}

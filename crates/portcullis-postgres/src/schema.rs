//! The schema: what makes it, and whether the database has it.

use core::fmt;
use std::collections::BTreeMap;

use portcullis::error::PortError;
use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;

use crate::error::{port, statement};
use crate::objects;
use crate::pool::Lease;
use crate::row::column;
use crate::store::PostgresStore;

/// One step of the schema: SQL that is run once, in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// Its number, from 1 without a gap.
    pub version: i32,
    /// What it makes.
    pub name: &'static str,
    /// The SQL, several statements.
    pub sql: &'static str,
}

impl Migration {
    /// The SHA-256 of the SQL, in 64 lower-case hexadecimal digits.
    ///
    /// ```
    /// let migrations = portcullis_postgres::PostgresStore::migrations();
    /// assert_eq!(migrations[0].version, 1);
    /// assert_eq!(migrations[0].checksum().len(), 64);
    /// ```
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql).iter().fold(String::with_capacity(64), |mut hex, byte| {
            hex.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('?')),
            );
            hex
        })
    }
}

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "tables", sql: include_str!("../migrations/0001_tables.sql") },
    Migration { version: 2, name: "commit", sql: include_str!("../migrations/0002_commit.sql") },
    Migration { version: 3, name: "views", sql: include_str!("../migrations/0003_views.sql") },
];

/// Keeps two migrators apart. The number is "portcul" in ASCII: any fixed one does.
const LOCK: &str = "SELECT pg_advisory_xact_lock(31647247439951212)";

const LOG: &str = "CREATE TABLE IF NOT EXISTS portcullis_migration (
    version    integer PRIMARY KEY,
    name       text COLLATE \"C\" NOT NULL,
    checksum   text COLLATE \"C\" NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

pub(crate) const APPLIED: &str = "SELECT m.version, m.name, m.checksum FROM portcullis_migration m";

const RECORDED: &str = "INSERT INTO portcullis_migration (version, name, checksum) VALUES ($1, $2, $3)";

/// What differs between the schema in the database and the one this release needs.
///
/// Its `Display` is one line that names everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Migrations that were not applied, and tables, columns, indexes and functions that are not there: the schema is
    /// older, or something was dropped.
    pub missing: Vec<String>,
    /// Rights that the user lacks, such as `insert on portcullis_record`.
    pub rights: Vec<String>,
    /// Migrations that this release does not know: the schema is newer.
    pub newer: Vec<String>,
    /// Migrations that were applied with other SQL than this release holds.
    pub changed: Vec<String>,
}

impl SchemaReport {
    /// Whether nothing differs.
    pub fn is_current(&self) -> bool {
        self.missing.is_empty() && self.rights.is_empty() && self.newer.is_empty() && self.changed.is_empty()
    }

    /// Compares what was applied, by version, with what this release holds.
    fn of(applied: &BTreeMap<i32, (String, String)>) -> Self {
        let mut report = Self::default();
        for migration in MIGRATIONS {
            let label = format!("{:04} {}", migration.version, migration.name);
            match applied.get(&migration.version) {
                None => report.missing.push(label),
                Some((_, checksum)) if *checksum != migration.checksum() => report.changed.push(label),
                Some(_) => {}
            }
        }
        let known = |version: &i32| MIGRATIONS.iter().any(|migration| migration.version == *version);
        report.newer = applied
            .iter()
            .filter(|(version, _)| !known(version))
            .map(|(version, (name, _))| format!("{version:04} {name}"))
            .collect();
        report
    }
}

impl fmt::Display for SchemaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_current() {
            return f.write_str("the schema is current");
        }
        let parts = [
            ("lacks", &self.missing),
            ("is newer than this release by", &self.newer),
            ("was made by other sql in", &self.changed),
            ("gives the user no", &self.rights),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, labels)| !labels.is_empty())
            .map(|(what, labels)| format!("{what} {}", labels.join(", ")))
            .collect();
        write!(f, "the schema {}", parts.join("; "))
    }
}

impl PostgresStore {
    /// Every migration, in the order of the versions, for those who let somebody else run them.
    ///
    /// Whoever runs the SQL by hand also inserts version, name and [`checksum`](Migration::checksum) into
    /// `portcullis_migration`.
    pub const fn migrations() -> &'static [Migration] {
        MIGRATIONS
    }

    /// Applies the migrations that were not applied, all in one transaction, and gives the versions applied. A user who
    /// may not make tables can call it where nothing is left to apply.
    ///
    /// Two that migrate at once wait for each other, for as long as the lock timeout says; the second finds nothing
    /// to do. The tables are made in the schema of the options, else in the first of the connection's `search_path`.
    ///
    /// # Errors
    /// The schema is newer than this release or was made by other SQL, the user may not make tables, or the database
    /// does not answer. Nothing was applied, except that a lost connection leaves that open; migrating again tells.
    pub async fn migrate(&self) -> Result<Vec<i32>, PortError> {
        let report = self.check_schema().await?;
        if report.is_current() {
            return Ok(Vec::new());
        }
        if report.missing.is_empty() && !report.rights.is_empty() {
            return Err(port(report.to_string()));
        }
        let lease = Lease::take(self.pool(), self.waits()).await?;
        // A lease that is not given back closes the connection, which rolls back.
        let applied = tokio::time::timeout(self.waits().statement, self.migrate_on(&lease))
            .await
            .map_err(|_| port("migrating took too long"))??;
        lease.give_back();
        // A transaction that failed answers COMMIT as if nothing had happened: what counts is what is there now.
        let report = self.check_schema().await?;
        if report.is_current() { Ok(applied) } else { Err(port(report.to_string())) }
    }

    async fn migrate_on(&self, lease: &Lease) -> Result<Vec<i32>, PortError> {
        let client = lease.client()?;
        let run = async |sql: &str| client.batch_execute(sql).await.map_err(|error| statement(&error));
        run("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        if let Some(schema) = self.schema() {
            // A name of lower-case letters, digits and _ needs no quotes, unless it is a word of the language.
            run(&format!("SET LOCAL search_path TO \"{schema}\"")).await?;
        }
        let wait = self.waits().lock.as_millis().max(1).to_string();
        client
            .query_typed("SELECT set_config('lock_timeout', $1, true)", &[(&wait, Type::TEXT)])
            .await
            .map_err(|error| statement(&error))?;
        run(LOCK).await?;
        run(LOG).await?;
        let rows = client.query_typed(APPLIED, &[]).await.map_err(|error| statement(&error))?;
        let report = SchemaReport::of(&applied(&rows)?);
        if !report.newer.is_empty() || !report.changed.is_empty() {
            return Err(port(format!("nothing was migrated: {report}")));
        }
        let mut done = Vec::new();
        for migration in MIGRATIONS {
            let label = format!("{:04} {}", migration.version, migration.name);
            if !report.missing.contains(&label) {
                continue;
            }
            run(migration.sql).await?;
            client
                .query_typed(
                    RECORDED,
                    &[
                        (&migration.version, Type::INT4),
                        (&migration.name, Type::TEXT),
                        (&migration.checksum(), Type::TEXT),
                    ],
                )
                .await
                .map_err(|error| statement(&error))?;
            done.push(migration.version);
        }
        run("COMMIT").await?;
        Ok(done)
    }

    /// Says what differs between the schema in the database and the one this release needs: by name each migration,
    /// table, column, index and function that is not there, and each right that the user lacks.
    ///
    /// # Errors
    /// [`PortError`] when the database does not answer.
    pub async fn check_schema(&self) -> Result<SchemaReport, PortError> {
        let wanted = objects::Wanted::new();
        let schema = self.schema();
        let mut params = wanted.params();
        params.push((&schema, Type::TEXT));
        let rows = self.ask(objects::DIFFERS, &params).await?;
        let (mut absent, mut rights) = (Vec::new(), Vec::new());
        for row in &rows {
            let name: String = column(row, "name")?;
            if column(row, "is_right")? { rights.push(name) } else { absent.push(name) }
        }
        // Whoever may not enter the schema sees nothing in it.
        if rights.iter().any(|right| right.starts_with("usage on schema ")) {
            return Ok(SchemaReport { rights, ..SchemaReport::default() });
        }
        let logged = !absent.iter().any(|name| name == "portcullis_migration");
        let legible = !rights.iter().any(|right| right == "select on portcullis_migration");
        let mut report = if logged && !legible {
            SchemaReport::default()
        } else {
            let rows = if logged { self.ask(APPLIED, &[]).await? } else { Vec::new() };
            SchemaReport::of(&applied(&rows)?)
        };
        if logged {
            report.missing.extend(absent);
            report.rights = rights;
        }
        Ok(report)
    }
}

fn applied(rows: &[tokio_postgres::Row]) -> Result<BTreeMap<i32, (String, String)>, PortError> {
    rows.iter()
        .map(|row| Ok((column(row, "version")?, (column(row, "name")?, column(row, "checksum")?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_no_gap() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(index + 1));
        }
    }

    #[test]
    fn the_checksum_is_the_sha256_of_the_sql() {
        let migration = Migration { version: 1, name: "abc", sql: "abc" };
        assert_eq!(migration.checksum(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_views_show_what_the_core_names_and_nothing_else() {
        let sql = MIGRATIONS[2].sql;
        let kinds = portcullis::schema::kinds();
        let mut shown = 0;
        for view in sql.split("CREATE VIEW ").skip(1).filter(|view| view.contains("r.kind = '")) {
            let kind = view.split("r.kind = '").nth(1).unwrap().split('\'').next().unwrap();
            let known = kinds.iter().find(|known| known.kind.as_str() == kind).unwrap();
            for line in view.lines().filter(|line| line.contains("r.body")) {
                let path = line.split("'{").nth(1).unwrap().split("}'").next().unwrap();
                let name = line.split(" AS ").nth(1).unwrap().trim_matches([',', '"']);
                let is_named = |column: &&portcullis::schema::Column| {
                    column.name == name && column.path.join(",") == path
                };
                assert!(known.columns.iter().any(|column| is_named(&column)), "{kind}: {line}");
            }
            shown += 1;
        }
        assert_eq!(shown, 9);
    }
}

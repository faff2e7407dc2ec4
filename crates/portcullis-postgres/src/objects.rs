//! What the statements of this crate need in the database, as its catalogue names it.

use tokio_postgres::types::{ToSql, Type};

/// A table: its name, its columns, and the rights that the statements take on it.
type Table = (&'static str, &'static [&'static str], &'static [&'static str]);

const TABLES: &[Table] = &[
    (
        "portcullis_record",
        &["id", "tenant", "kind", "version", "lane", "due_at", "refs", "body"],
        &["select", "insert", "update", "delete"],
    ),
    (
        "portcullis_key",
        &["kind", "name", "value", "tenant", "id", "is_unique"],
        &["select", "insert", "delete"],
    ),
    (
        "portcullis_counter",
        &["subject", "name", "value", "ends_at"],
        &["select", "insert", "update", "delete"],
    ),
    (
        "portcullis_audit",
        &["id", "at", "tenant", "subject", "actor", "action", "reason", "source", "about", "opens"],
        // A line is never changed, but who locks one that he purges needs the right to update some column.
        &["select", "insert", "update", "delete"],
    ),
    ("portcullis_mark", &["name", "value"], &["select", "insert", "update"]),
    ("portcullis_migration", &["version", "name", "checksum", "applied_at"], &["select"]),
];

const INDEXES: &[&str] = &[
    "portcullis_record_due",
    "portcullis_key_unique",
    "portcullis_key_id",
    "portcullis_counter_end",
    "portcullis_audit_subject",
    "portcullis_audit_at",
];

const FUNCTIONS: &[&str] = &["portcullis_commit", "portcullis_purge_records"];

/// What is not there, and what the user may not do. The last parameter is the schema, or `NULL` for the `search_path`.
pub(crate) const DIFFERS: &str = "
    WITH closed AS MATERIALIZED (
        SELECT n.nspname::text AS name FROM pg_namespace n
        WHERE n.nspname = $7 AND NOT has_schema_privilege(n.oid, 'usage')
    ), relation AS MATERIALIZED (
        SELECT w.name, CASE WHEN NOT EXISTS (SELECT FROM closed)
            THEN to_regclass(COALESCE(quote_ident($7) || '.', '') || w.name) END AS oid
        FROM (SELECT unnest($1) AS name UNION SELECT unnest($2)) w
    ), function AS MATERIALIZED (
        SELECT w.name, (
            SELECT min(p.oid) FROM pg_proc p
            WHERE p.proname = w.name
              AND CASE WHEN $7 IS NULL THEN pg_function_is_visible(p.oid) ELSE p.pronamespace = to_regnamespace(quote_ident($7)) END
        ) AS oid
        FROM unnest($3) AS w (name)
    )
    SELECT n.name, n.is_right FROM (
        SELECT r.name, false AS is_right FROM relation r WHERE r.oid IS NULL
        UNION ALL
        SELECT f.name, false FROM function f WHERE f.oid IS NULL
        UNION ALL
        SELECT c.name || '.' || c.item, false FROM unnest($4, $5) AS c (name, item)
        JOIN relation r ON r.name = c.name
        WHERE NOT starts_with(c.item, '!') AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = c.item AND NOT a.attisdropped)
          AND r.oid IS NOT NULL
        UNION ALL
        SELECT substr(c.item, 2) || ' on ' || c.name, true FROM unnest($4, $5) AS c (name, item)
        JOIN relation r ON r.name = c.name
        WHERE starts_with(c.item, '!') AND NOT CASE
            WHEN c.item = '!delete' THEN has_table_privilege(r.oid, 'delete')
            WHEN c.name = $6 THEN has_any_column_privilege(r.oid, substr(c.item, 2))
            ELSE has_table_privilege(r.oid, substr(c.item, 2)) END
        UNION ALL
        SELECT 'usage on schema ' || c.name, true FROM closed c
        UNION ALL
        SELECT 'execute on ' || f.name, true FROM function f WHERE NOT has_function_privilege(f.oid, 'execute')
    ) n
    ORDER BY n.is_right, n.name";

/// The names, in columns as [`DIFFERS`] takes them.
pub(crate) struct Wanted {
    tables: Vec<&'static str>,
    named: Vec<&'static str>,
    /// A column, or with `!` before it a right.
    items: Vec<String>,
}

impl Wanted {
    pub(crate) fn new() -> Self {
        let items = TABLES.iter().flat_map(|(table, columns, rights)| {
            let columns = columns.iter().map(|column| (*column).to_owned());
            let rights = rights.iter().map(|right| format!("!{right}"));
            columns.chain(rights).map(move |item| (*table, item))
        });
        let (named, items) = items.unzip();
        Self { tables: TABLES.iter().map(|(table, ..)| *table).collect(), named, items }
    }

    /// The parameters but the last.
    pub(crate) fn params(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        vec![
            (&self.tables, Type::TEXT_ARRAY),
            (&INDEXES, Type::TEXT_ARRAY),
            (&FUNCTIONS, Type::TEXT_ARRAY),
            (&self.named, Type::TEXT_ARRAY),
            (&self.items, Type::TEXT_ARRAY),
            (&"portcullis_audit", Type::TEXT),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::MIGRATIONS;

    #[test]
    fn every_table_index_and_function_that_is_made_is_checked() {
        for sql in MIGRATIONS.iter().map(|migration| migration.sql) {
            let made = sql.lines().filter_map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let kind = words.iter().position(|word| ["TABLE", "INDEX", "FUNCTION"].contains(word))?;
                (words[0] == "CREATE").then(|| words[kind + 1].trim_end_matches('(').to_owned())
            });
            for name in made {
                let name = name.split('(').next().unwrap();
                let known = TABLES.iter().any(|(table, ..)| *table == name)
                    || INDEXES.contains(&name)
                    || FUNCTIONS.contains(&name);
                assert!(known, "{name} is not checked");
            }
        }
    }
}

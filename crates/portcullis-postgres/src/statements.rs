//! Every statement, its tables and functions named with their schema where the options name one.

use std::collections::BTreeMap;

use crate::{commit, mark, read, schema, work};

/// What every table and function of ours begins with.
const OURS: &str = "portcullis_";

/// Every statement that is sent with the names of tables or functions in it, but those that migrate.
const ALL: &[&str] = &[
    commit::COMMIT,
    read::READ,
    read::LIST,
    read::OLDEST_FIRST,
    read::NEWEST_FIRST,
    work::CLAIM,
    work::WAITING,
    work::PURGE_COUNTERS,
    work::PURGE_AUDIT,
    work::PURGE_RECORDS,
    mark::MARK,
    mark::SET_MARK,
    schema::APPLIED,
    #[cfg(feature = "testing")]
    crate::dump::RECORDS,
    #[cfg(feature = "testing")]
    crate::dump::COUNTERS,
    #[cfg(feature = "testing")]
    crate::dump::AUDIT,
];

/// The statements, made once for a store. Empty without a schema: they are sent as they are.
pub(crate) struct Statements(BTreeMap<&'static str, String>);

impl Statements {
    pub(crate) fn in_schema(schema: Option<&str>) -> Self {
        let named = schema.map(|schema| ALL.iter().map(move |sql| (*sql, qualified(sql, schema))));
        Self(named.into_iter().flatten().collect())
    }

    pub(crate) fn named<'s>(&'s self, sql: &'s str) -> &'s str {
        self.0.get(sql).map_or(sql, String::as_str)
    }
}

/// Puts the schema before each name of ours.
fn qualified(sql: &str, schema: &str) -> String {
    let mut named = String::with_capacity(sql.len() + 256);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(OURS) {
        named.push_str(before);
        if !named.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
            named.extend(["\"", schema, "\"."]);
        }
        named.push_str(OURS);
        rest = after;
    }
    named.push_str(rest);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_stands_before_every_name_of_ours_and_before_nothing_else() {
        assert_eq!(
            qualified("SELECT r.id FROM portcullis_record r, (portcullis_key k) WHERE not_portcullis_", "s"),
            r#"SELECT r.id FROM "s".portcullis_record r, ("s".portcullis_key k) WHERE not_portcullis_"#
        );
        for sql in ALL {
            let named = qualified(sql, "other");
            assert_eq!(named.matches(r#""other".portcullis_"#).count(), sql.matches(OURS).count(), "{sql}");
            assert_eq!(named.replace(r#""other"."#, ""), *sql);
        }
    }
}

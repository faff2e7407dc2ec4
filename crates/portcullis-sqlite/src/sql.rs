//! Every statement with a varying number of rows. Only constant text and placeholders are joined here: values are
//! always bound.

use portcullis::port::store::Order;

use crate::row::{COUNTER, EVENT, RECORD};

/// Joins `text` with `rows` times the placeholders `row`.
fn list(text: &mut String, row: &str, rows: usize) {
    for index in 0..rows {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(row);
    }
}

fn listed(before: &str, row: &str, rows: usize, after: &str) -> String {
    let mut text = String::with_capacity(before.len() + after.len() + rows * (row.len() + 2));
    text.push_str(before);
    list(&mut text, row, rows);
    text.push_str(after);
    text
}

/// One read: starts by key (number, kind, name, value), starts by id (number, id), subjects, then the time.
///
/// Rows: 0 = a record found, in ten columns, beside one of its counters; 1 = a counter of a subject; 2 = which id a start
/// by key found. A record comes once for each way it was reached, so that no table of what was seen has to be built.
pub(crate) fn read(keys: usize, ids: usize, subjects: usize) -> String {
    const ONE: &str = "portcullis_record r ON r.id = start.id";
    const TWO: &str = "portcullis_record a ON a.id = start.id CROSS JOIN json_each(a.refs) i
        CROSS JOIN portcullis_record r ON r.id = unhex(i.value)";
    const THREE: &str = "portcullis_record a ON a.id = start.id CROSS JOIN json_each(a.refs) i
        CROSS JOIN portcullis_record b ON b.id = unhex(i.value) CROSS JOIN json_each(b.refs) j
        CROSS JOIN portcullis_record r ON r.id = unhex(j.value)";

    let mut text = String::from("WITH ");
    if keys > 0 {
        text.push_str("asked(n, kind, name, value) AS NOT MATERIALIZED (VALUES ");
        list(&mut text, "(?, ?, ?, ?)", keys);
        text.push_str("), ");
    }
    text.push_str("start(n, id) AS NOT MATERIALIZED (");
    if keys > 0 {
        text.push_str(
            "SELECT asked.n, k.id FROM asked CROSS JOIN portcullis_key k
             ON k.kind = asked.kind AND k.name = asked.name AND k.value = asked.value AND k.is_unique = 1",
        );
    }
    if ids > 0 {
        text.push_str(if keys > 0 { " UNION ALL VALUES " } else { "VALUES " });
        list(&mut text, "(?, ?)", ids);
    }
    if keys == 0 && ids == 0 {
        text.push_str("SELECT 0, NULL WHERE 0");
    }
    text.push_str("), subject(id) AS NOT MATERIALIZED (");
    if subjects > 0 {
        text.push_str("VALUES ");
        list(&mut text, "(?)", subjects);
    } else {
        text.push_str("SELECT NULL WHERE 0");
    }
    text.push_str(") ");
    let now = 4 * keys + 2 * ids + subjects + 1;
    let alive = format!("c.value > 0 AND (c.ends_at IS NULL OR c.ends_at > ?{now})");
    for way in [ONE, TWO, THREE] {
        for part in ["SELECT 0, ", RECORD, ", ", COUNTER, " FROM start CROSS JOIN ", way] {
            text.push_str(part);
        }
        for part in [" LEFT JOIN portcullis_counter c ON c.subject = r.id AND ", &alive, " UNION ALL "] {
            text.push_str(part);
        }
    }
    text.push_str("SELECT 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ");
    text.push_str(COUNTER);
    text.push_str(" FROM subject CROSS JOIN portcullis_counter c ON c.subject = subject.id WHERE ");
    text.push_str(&alive);
    if keys > 0 {
        text.push_str(" UNION ALL SELECT 2, start.id, start.n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM start");
    }
    text
}

/// The records that carry a key: kind, name, value, whether unique, after which id, how many.
pub(crate) fn list_by_key() -> String {
    listed(
        "SELECT ",
        RECORD,
        1,
        " FROM portcullis_key k CROSS JOIN portcullis_record r ON r.id = k.id
         WHERE k.kind = ? AND k.name = ? AND k.value = ? AND k.is_unique = ? AND k.id > ?
         ORDER BY k.id LIMIT ?",
    )
}

/// The trail of a subject in an order: subject, beyond which id, how many.
pub(crate) fn trail(order: Order) -> String {
    let rest = match order {
        Order::OldestFirst => {
            " FROM portcullis_audit a WHERE a.subject = ? AND a.id > ? ORDER BY a.id LIMIT ?"
        }
        Order::NewestFirst => {
            " FROM portcullis_audit a WHERE a.subject = ? AND a.id < ? ORDER BY a.id DESC LIMIT ?"
        }
    };
    listed("SELECT ", EVENT, 1, rest)
}

/// Adds events of nine columns.
pub(crate) fn add_events(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_audit (id, at, tenant, subject, actor, action, reason, source, about) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
        "",
    )
}

/// Finds counters by subject and name.
pub(crate) fn counters(rows: usize) -> String {
    let mut text = listed("WITH asked(subject, name) AS (VALUES ", "(?, ?)", rows, ") SELECT ");
    text.push_str(COUNTER);
    text.push_str(
        " FROM asked CROSS JOIN portcullis_counter c ON c.subject = asked.subject AND c.name = asked.name",
    );
    text
}

/// Writes counters of four columns.
pub(crate) fn put_counters(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_counter (subject, name, value, ends_at) VALUES ",
        "(?, ?, ?, ?)",
        rows,
        " ON CONFLICT (subject, name) DO UPDATE SET value = excluded.value, ends_at = excluded.ends_at",
    )
}

/// Removes counters by subject and name.
pub(crate) fn remove_counters(rows: usize) -> String {
    listed("DELETE FROM portcullis_counter WHERE (subject, name) IN (VALUES ", "(?, ?)", rows, ")")
}

/// Finds version and keys of records by id.
pub(crate) fn versions(rows: usize) -> String {
    listed("SELECT id, version, keys FROM portcullis_record WHERE id IN (", "?", rows, ")")
}

/// Adds records of nine columns; one whose id is there makes it fail.
pub(crate) fn add_records(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_record (id, tenant, kind, version, keys, refs, lane, due_at, body) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
        "",
    )
}

/// Adds or replaces records of nine columns, their versions having been looked at before.
pub(crate) fn put_records(rows: usize) -> String {
    let mut text = add_records(rows);
    text.push_str(
        " ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, kind = excluded.kind,
         version = excluded.version, keys = excluded.keys, refs = excluded.refs, lane = excluded.lane,
         due_at = excluded.due_at, body = excluded.body",
    );
    text
}

/// Removes records by id.
pub(crate) fn remove_records(rows: usize) -> String {
    listed("DELETE FROM portcullis_record WHERE id IN (", "?", rows, ")")
}

/// Adds keys of six columns.
pub(crate) fn add_keys(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_key (kind, name, value, is_unique, id, tenant) VALUES ",
        "(?, ?, ?, ?, ?, ?)",
        rows,
        "",
    )
}

/// Removes keys by kind, name, value, whether unique, and id.
pub(crate) fn remove_keys(rows: usize) -> String {
    listed(
        "DELETE FROM portcullis_key WHERE (kind, name, value, is_unique, id) IN (VALUES ",
        "(?, ?, ?, ?, ?)",
        rows,
        ")",
    )
}

/// Finds what is due: lane, time, how many.
pub(crate) fn due() -> String {
    listed(
        "SELECT ",
        RECORD,
        1,
        " FROM portcullis_record r WHERE r.lane = ? AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT ?",
    )
}

/// Moves records to a due time, by id.
pub(crate) fn move_due(rows: usize) -> String {
    listed("UPDATE portcullis_record SET version = version + 1, due_at = ? WHERE id IN (", "?", rows, ")")
}

/// Counts what is due, and the earliest: lane, time, how many at most.
pub(crate) const WAITING: &str = "SELECT count(*), min(due_at) FROM (
    SELECT due_at FROM portcullis_record WHERE lane = ? AND due_at <= ? ORDER BY due_at LIMIT ?)";

/// Whether a record holds a unique key.
pub(crate) const HOLDER: &str =
    "SELECT id FROM portcullis_key WHERE kind = ? AND name = ? AND value = ? AND is_unique = 1";

/// Keeps the id of a commit that is not the id of an event.
pub(crate) const ADD_COMMIT: &str = "INSERT INTO portcullis_commit (id, at) VALUES (?, ?)";

/// Whether a commit happened.
pub(crate) const HAPPENED: &str = "SELECT 1 FROM portcullis_audit WHERE id = ?1
    UNION ALL SELECT 1 FROM portcullis_commit WHERE id = ?1";

/// Finds spent records: before when, how many.
pub(crate) const SPENT: &str = "SELECT id, keys FROM portcullis_record
    WHERE lane = 'dead' AND due_at < ? ORDER BY due_at, id LIMIT ?";

/// Removes ended counters: before when, how many.
pub(crate) const PURGE_COUNTERS: &str = "DELETE FROM portcullis_counter WHERE (subject, name) IN (
    SELECT subject, name FROM portcullis_counter WHERE ends_at < ? ORDER BY ends_at LIMIT ?)";

/// Removes old events: before when, how many.
pub(crate) const PURGE_AUDIT: &str = "DELETE FROM portcullis_audit WHERE id IN (
    SELECT id FROM portcullis_audit WHERE at < ? ORDER BY at, id LIMIT ?)";

/// Removes old commit ids: before when, how many.
pub(crate) const PURGE_COMMITS: &str = "DELETE FROM portcullis_commit WHERE id IN (
    SELECT id FROM portcullis_commit WHERE at < ? ORDER BY at, id LIMIT ?)";

/// Reads a mark.
pub(crate) const MARK: &str = "SELECT value FROM portcullis_mark WHERE name = ?";

/// Writes a mark.
pub(crate) const SET_MARK: &str = "INSERT INTO portcullis_mark (name, value) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Everything that is kept, for tests.
#[cfg(feature = "testing")]
pub(crate) fn everything() -> [String; 3] {
    [
        listed("SELECT ", RECORD, 1, " FROM portcullis_record r"),
        listed("SELECT ", COUNTER, 1, " FROM portcullis_counter c"),
        listed("SELECT ", EVENT, 1, " FROM portcullis_audit a"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::migrate;
    use crate::temporary;

    /// Every statement that touches a table, in each of its shapes.
    fn statements() -> Vec<String> {
        let mut all = Vec::new();
        for rows in [1, 2, 40] {
            for subjects in [0, 1, 3] {
                all.extend([read(rows, 0, subjects), read(0, rows, subjects), read(rows, rows, subjects)]);
                all.push(read(0, 0, subjects));
            }
            all.extend([
                add_events(rows),
                counters(rows),
                put_counters(rows),
                remove_counters(rows),
                versions(rows),
                add_records(rows),
                put_records(rows),
                remove_records(rows),
                add_keys(rows),
                remove_keys(rows),
                move_due(rows),
            ]);
        }
        all.extend([list_by_key(), trail(Order::OldestFirst), trail(Order::NewestFirst), due()]);
        let constant = [
            WAITING,
            HOLDER,
            ADD_COMMIT,
            HAPPENED,
            SPENT,
            PURGE_COUNTERS,
            PURGE_AUDIT,
            PURGE_COMMITS,
            MARK,
            SET_MARK,
        ];
        all.extend(constant.map(str::to_owned));
        all
    }

    /// What the plan of a statement says, step by step.
    fn plan(session: &crate::session::Session, sql: &str) -> Vec<String> {
        let mut statement = session.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
        let steps = statement.raw_query().mapped(|row| row.get("detail")).collect::<Result<_, _>>();
        steps.expect(sql)
    }

    /// Tables of the schema, and what the statements call them.
    const TABLES: [&str; 6] = ["portcullis_", "r", "k", "c", "a", "b"];

    fn scans_a_table(step: &str) -> bool {
        step.strip_prefix("SCAN ").is_some_and(|what| {
            let name = what.split(' ').next().unwrap_or_default();
            TABLES.contains(&name) || name.starts_with("portcullis_")
        })
    }

    #[test]
    fn a_usual_read_builds_no_temporary_table() {
        let file = temporary::file();
        let session = temporary::session(&file);
        migrate(&session).unwrap();
        let operations = |sql: &str| -> Vec<String> {
            let mut statement = session.conn.prepare(&format!("EXPLAIN {sql}")).expect(sql);
            let rows = statement.raw_query().mapped(|row| row.get("opcode")).collect::<Result<_, _>>();
            rows.expect(sql)
        };
        let builds = |sql: &str| operations(sql).iter().any(|operation| operation == "OpenEphemeral");
        for (keys, ids) in [(1, 0), (0, 1), (0, 2)] {
            assert!(!builds(&read(keys, ids, 3)), "{}", read(keys, ids, 3));
        }
        assert!(builds("SELECT DISTINCT body FROM portcullis_record"));
    }

    #[test]
    fn no_statement_scans_a_table_or_sorts_one() {
        let file = temporary::file();
        let session = temporary::session(&file);
        migrate(&session).unwrap();
        for sql in statements() {
            let plan = plan(&session, &sql);
            let bad = |step: &&String| scans_a_table(step) || step.contains("ORDER BY");
            assert_eq!(plan.iter().find(bad), None, "{sql}\n{plan:#?}");
        }
        assert!(
            plan(&session, "SELECT body FROM portcullis_record r").iter().any(|step| scans_a_table(step))
        );
        assert!(plan(&session, "SELECT id FROM portcullis_record").iter().any(|step| scans_a_table(step)));
    }
}

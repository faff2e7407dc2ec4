//! Every statement with a varying number of rows. Only constant text and placeholders are joined here: values are
//! always bound.

use std::borrow::Cow;

use portcullis::port::store::Order;

use crate::row::{COUNTER, EVENT, RECORD};

/// A statement by what it is for, and for how many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sql {
    Read { keys: usize, ids: usize, subjects: usize },
    ListByKey,
    TrailOldestFirst,
    TrailNewestFirst,
    AddCommit,
    AddEvents(usize),
    Happened,
    Counters(usize),
    PutCounters(usize),
    RemoveCounters(usize),
    Versions(usize),
    AddRecords(usize),
    ChangeRecord,
    PutRecords(usize),
    RemoveRecords(usize),
    AddKeys(usize),
    RemoveKeys(usize),
    Holder,
    Due,
    MoveDue(usize),
    Waiting,
    Spent,
    PurgeCounters,
    PurgeAudit,
    PurgeCommits,
    Mark,
    SetMark,
    Begin,
    Commit,
    RollBack,
    SavePiece,
    ReleasePiece,
    UndoPiece,
}

impl Sql {
    /// The trail of a subject in an order.
    pub(crate) const fn trail(order: Order) -> Self {
        match order {
            Order::OldestFirst => Self::TrailOldestFirst,
            Order::NewestFirst => Self::TrailNewestFirst,
        }
    }

    /// Its text.
    pub(crate) fn text(self) -> Cow<'static, str> {
        Cow::Owned(match self {
            Self::Read { keys, ids, subjects } => read(keys, ids, subjects),
            Self::ListByKey => list_by_key(),
            Self::TrailOldestFirst => trail(Order::OldestFirst),
            Self::TrailNewestFirst => trail(Order::NewestFirst),
            Self::AddEvents(rows) => add_events(rows),
            Self::Counters(rows) => counters(rows),
            Self::PutCounters(rows) => put_counters(rows),
            Self::RemoveCounters(rows) => remove_counters(rows),
            Self::Versions(rows) => versions(rows),
            Self::AddRecords(rows) => add_records("INSERT OR FAIL", rows),
            Self::PutRecords(rows) => put_records(rows),
            Self::RemoveRecords(rows) => remove_records(rows),
            Self::AddKeys(rows) => add_keys(rows),
            Self::RemoveKeys(rows) => remove_keys(rows),
            Self::Due => due(),
            Self::MoveDue(rows) => move_due(rows),
            Self::AddCommit => return Cow::Borrowed(ADD_COMMIT),
            Self::Happened => return Cow::Borrowed(HAPPENED),
            Self::ChangeRecord => return Cow::Borrowed(CHANGE_RECORD),
            Self::Holder => return Cow::Borrowed(HOLDER),
            Self::Waiting => return Cow::Borrowed(WAITING),
            Self::Spent => return Cow::Borrowed(SPENT),
            Self::PurgeCounters => return Cow::Borrowed(PURGE_COUNTERS),
            Self::PurgeAudit => return Cow::Borrowed(PURGE_AUDIT),
            Self::PurgeCommits => return Cow::Borrowed(PURGE_COMMITS),
            Self::Mark => return Cow::Borrowed(MARK),
            Self::SetMark => return Cow::Borrowed(SET_MARK),
            Self::Begin => return Cow::Borrowed("BEGIN IMMEDIATE"),
            Self::Commit => return Cow::Borrowed("COMMIT"),
            Self::RollBack => return Cow::Borrowed("ROLLBACK"),
            Self::SavePiece => return Cow::Borrowed("SAVEPOINT piece"),
            Self::ReleasePiece => return Cow::Borrowed("RELEASE piece"),
            Self::UndoPiece => return Cow::Borrowed("ROLLBACK TO piece"),
        })
    }
}

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
fn read(keys: usize, ids: usize, subjects: usize) -> String {
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
fn list_by_key() -> String {
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
fn trail(order: Order) -> String {
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
fn add_events(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_audit (id, at, tenant, subject, actor, action, reason, source, about) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
        "",
    )
}

/// Finds counters by subject and name.
fn counters(rows: usize) -> String {
    let mut text = listed("WITH asked(subject, name) AS (VALUES ", "(?, ?)", rows, ") SELECT ");
    text.push_str(COUNTER);
    text.push_str(
        " FROM asked CROSS JOIN portcullis_counter c ON c.subject = asked.subject AND c.name = asked.name",
    );
    text
}

/// Writes counters of four columns.
fn put_counters(rows: usize) -> String {
    listed(
        "INSERT INTO portcullis_counter (subject, name, value, ends_at) VALUES ",
        "(?, ?, ?, ?)",
        rows,
        " ON CONFLICT (subject, name) DO UPDATE SET value = excluded.value, ends_at = excluded.ends_at",
    )
}

/// Removes counters by subject and name.
fn remove_counters(rows: usize) -> String {
    if rows == 1 {
        return "DELETE FROM portcullis_counter WHERE subject = ? AND name = ?".to_owned();
    }
    listed("DELETE FROM portcullis_counter WHERE (subject, name) IN (VALUES ", "(?, ?)", rows, ")")
}

/// Finds version and keys of records by id. A list after IN would be put into a table of its own first.
fn versions(rows: usize) -> String {
    listed(
        "WITH asked(id) AS (VALUES ",
        "(?)",
        rows,
        ") SELECT r.id, r.version, r.keys FROM asked CROSS JOIN portcullis_record r ON r.id = asked.id",
    )
}

/// Adds records of nine columns. Of several rows, one whose id is there stops it and leaves those before it: the caller
/// gives up the whole piece, so that nothing has to be kept aside for this one statement.
fn add_records(verb: &str, rows: usize) -> String {
    let mut text = verb.to_owned();
    text.push_str(
        " INTO portcullis_record (id, tenant, kind, version, keys, refs, lane, due_at, body) VALUES ",
    );
    list(&mut text, "(?, ?, ?, ?, ?, ?, ?, ?, ?)", rows);
    text
}

/// Replaces a record of nine columns, its version having been looked at before.
const CHANGE_RECORD: &str =
    "UPDATE portcullis_record SET tenant = ?2, kind = ?3, version = ?4, keys = ?5, refs = ?6,
    lane = ?7, due_at = ?8, body = ?9 WHERE id = ?1";

/// Replaces records of nine columns, their versions having been looked at before.
fn put_records(rows: usize) -> String {
    let mut text = add_records("INSERT", rows);
    text.push_str(
        " ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, kind = excluded.kind,
         version = excluded.version, keys = excluded.keys, refs = excluded.refs, lane = excluded.lane,
         due_at = excluded.due_at, body = excluded.body",
    );
    text
}

/// Removes records by id.
fn remove_records(rows: usize) -> String {
    listed("DELETE FROM portcullis_record WHERE id IN (", "?", rows, ")")
}

/// Adds keys of six columns. One that is taken stops it and leaves those before it, as with [`add_records`].
fn add_keys(rows: usize) -> String {
    listed(
        "INSERT OR FAIL INTO portcullis_key (kind, name, value, is_unique, id, tenant) VALUES ",
        "(?, ?, ?, ?, ?, ?)",
        rows,
        "",
    )
}

/// Removes keys by kind, name, value, whether unique, and id.
fn remove_keys(rows: usize) -> String {
    if rows == 1 {
        return "DELETE FROM portcullis_key
                WHERE kind = ? AND name = ? AND value = ? AND is_unique = ? AND id = ?"
            .to_owned();
    }
    listed(
        "DELETE FROM portcullis_key WHERE (kind, name, value, is_unique, id) IN (VALUES ",
        "(?, ?, ?, ?, ?)",
        rows,
        ")",
    )
}

/// Finds what is due: lane, time, how many.
fn due() -> String {
    listed(
        "SELECT ",
        RECORD,
        1,
        " FROM portcullis_record r WHERE r.lane = ? AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT ?",
    )
}

/// Moves records to a due time, by id.
fn move_due(rows: usize) -> String {
    listed("UPDATE portcullis_record SET version = version + 1, due_at = ? WHERE id IN (", "?", rows, ")")
}

/// Counts what is due, and the earliest: lane, time, how many at most.
const WAITING: &str = "SELECT count(*), min(due_at) FROM (
    SELECT due_at FROM portcullis_record WHERE lane = ? AND due_at <= ? ORDER BY due_at LIMIT ?)";

/// Whether a record holds a unique key.
const HOLDER: &str =
    "SELECT id FROM portcullis_key WHERE kind = ? AND name = ? AND value = ? AND is_unique = 1";

/// Keeps the id of a commit that is not the id of an event.
const ADD_COMMIT: &str = "INSERT INTO portcullis_commit (id, at) VALUES (?, ?)";

/// Whether a commit happened.
const HAPPENED: &str = "SELECT 1 FROM portcullis_audit WHERE id = ?1
    UNION ALL SELECT 1 FROM portcullis_commit WHERE id = ?1";

/// Finds spent records: before when, how many.
const SPENT: &str = "SELECT id, keys FROM portcullis_record
    WHERE lane = 'dead' AND due_at < ? ORDER BY due_at, id LIMIT ?";

/// Removes ended counters: before when, how many.
const PURGE_COUNTERS: &str = "DELETE FROM portcullis_counter WHERE (subject, name) IN (
    SELECT subject, name FROM portcullis_counter WHERE ends_at < ? ORDER BY ends_at LIMIT ?)";

/// Removes old events: before when, how many.
const PURGE_AUDIT: &str = "DELETE FROM portcullis_audit WHERE id IN (
    SELECT id FROM portcullis_audit WHERE at < ? ORDER BY at, id LIMIT ?)";

/// Removes old commit ids: before when, how many.
const PURGE_COMMITS: &str = "DELETE FROM portcullis_commit WHERE id IN (
    SELECT id FROM portcullis_commit WHERE at < ? ORDER BY at, id LIMIT ?)";

/// Reads a mark.
const MARK: &str = "SELECT value FROM portcullis_mark WHERE name = ?";

/// Writes a mark.
const SET_MARK: &str = "INSERT INTO portcullis_mark (name, value) VALUES (?, ?)
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
    fn statements() -> Vec<Sql> {
        let mut all = Vec::new();
        for rows in [1, 2, 40] {
            for subjects in [0, 1, 3] {
                for (keys, ids) in [(rows, 0), (0, rows), (rows, rows), (0, 0)] {
                    all.push(Sql::Read { keys, ids, subjects });
                }
            }
            all.extend([
                Sql::AddEvents(rows),
                Sql::Counters(rows),
                Sql::PutCounters(rows),
                Sql::RemoveCounters(rows),
                Sql::Versions(rows),
                Sql::AddRecords(rows),
                Sql::PutRecords(rows),
                Sql::RemoveRecords(rows),
                Sql::AddKeys(rows),
                Sql::RemoveKeys(rows),
                Sql::MoveDue(rows),
            ]);
        }
        all.extend([
            Sql::ListByKey,
            Sql::TrailOldestFirst,
            Sql::TrailNewestFirst,
            Sql::AddCommit,
            Sql::Happened,
            Sql::ChangeRecord,
            Sql::Holder,
            Sql::Due,
            Sql::Waiting,
            Sql::Spent,
            Sql::PurgeCounters,
            Sql::PurgeAudit,
            Sql::PurgeCommits,
            Sql::Mark,
            Sql::SetMark,
        ]);
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
    fn what_every_round_runs_builds_no_temporary_table() {
        let file = temporary::file();
        let session = temporary::session(&file);
        migrate(&session).unwrap();
        let operations = |sql: &str| -> Vec<String> {
            let mut statement = session.conn.prepare(&format!("EXPLAIN {sql}")).expect(sql);
            let rows = statement.raw_query().mapped(|row| row.get("opcode")).collect::<Result<_, _>>();
            rows.expect(sql)
        };
        let builds = |sql: &str| operations(sql).iter().any(|operation| operation == "OpenEphemeral");
        let reads = [(1, 0), (0, 1), (0, 2)].map(|(keys, ids)| Sql::Read { keys, ids, subjects: 3 });
        let writes = [
            Sql::AddEvents(2),
            Sql::Counters(4),
            Sql::PutCounters(2),
            Sql::RemoveCounters(1),
            Sql::Versions(5),
            Sql::AddRecords(2),
            Sql::ChangeRecord,
            Sql::AddKeys(3),
            Sql::RemoveKeys(1),
        ];
        for sql in reads.into_iter().chain(writes) {
            assert!(!builds(&sql.text()), "{sql:?}");
        }
        assert!(builds("SELECT DISTINCT body FROM portcullis_record"));
    }

    #[test]
    fn no_statement_scans_a_table_or_sorts_one() {
        let file = temporary::file();
        let session = temporary::session(&file);
        migrate(&session).unwrap();
        for sql in statements() {
            let plan = plan(&session, &sql.text());
            let bad = |step: &&String| scans_a_table(step) || step.contains("ORDER BY");
            assert_eq!(plan.iter().find(bad), None, "{sql:?}\n{plan:#?}");
        }
        assert!(
            plan(&session, "SELECT body FROM portcullis_record r").iter().any(|step| scans_a_table(step))
        );
        assert!(plan(&session, "SELECT id FROM portcullis_record").iter().any(|step| scans_a_table(step)));
    }
}

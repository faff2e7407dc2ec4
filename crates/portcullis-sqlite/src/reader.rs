//! What readers ask: each question is one statement, and so one snapshot.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::port::store::{Key, Lane, Order, Page, Read, Record, Snapshot, Start, TrailPage, Waiting};
use rusqlite::types::ValueRef;
use uuid::Uuid;

use crate::commit::key_args;
use crate::desk::Desk;
use crate::error::Failure;
use crate::queue::{Queue, Taker};
use crate::row::{self, micros};
use crate::session::{Arg, Session, blob, int, text};
use crate::sql::Sql;

/// A question, with its way to answer inside.
pub(crate) type Question = Box<dyn FnOnce(&Desk<'_>) + Send>;

/// Serves the queue until it is closed and empty.
pub(crate) fn serve(session: &Session, queue: &Arc<Queue<Question>>) {
    let _taker = Taker(Arc::clone(queue));
    let desk = Desk::new(session);
    while let Some(question) = queue.take(1).pop() {
        question(&desk);
    }
}

/// Reads the starts, what they refer to in two steps, and the counters of it all.
pub(crate) fn read(desk: &Desk<'_>, read: &Read) -> Result<Snapshot, Failure> {
    let mut keys = Vec::new();
    let mut ids = Vec::new();
    for (index, start) in (0_i64..).zip(&read.starts) {
        match start {
            // A key that is not unique is held by nobody.
            Start::Key(key) if key.unique => {
                keys.push(int(index));
                keys.extend(key_args(key));
            }
            Start::Key(_) => {}
            Start::Id(id) => ids.extend([int(index), blob(id)]),
        }
    }
    let sql = Sql::Read { keys: keys.len() / 4, ids: ids.len() / 2, subjects: read.subjects.len() };
    let mut args = keys;
    args.extend(ids);
    args.extend(read.subjects.iter().map(blob));
    args.push(int(micros(read.now)));

    let mut snapshot = Snapshot::default();
    let mut by_key: BTreeMap<i64, Uuid> = BTreeMap::new();
    desk.query(sql, &args, |row| {
        match row.get::<_, i64>(0)? {
            0 => {
                if let Entry::Vacant(place) = snapshot.records.entry(row::id(row, 1)?) {
                    place.insert(row::record(row, 1)?);
                }
                if row.get_ref(10)? != ValueRef::Null {
                    let (counter, count) = row::counter(row, 10)?;
                    snapshot.counters.insert(counter, count);
                }
            }
            1 => {
                let (counter, count) = row::counter(row, 10)?;
                snapshot.counters.insert(counter, count);
            }
            _ => {
                by_key.insert(row.get(2)?, row::id(row, 1)?);
            }
        }
        Ok(())
    })?;
    snapshot.found = (0_i64..)
        .zip(&read.starts)
        .map(|(index, start)| match start {
            Start::Key(_) => by_key.get(&index).copied(),
            Start::Id(id) => snapshot.records.contains_key(id).then_some(*id),
        })
        .collect();
    Ok(snapshot)
}

/// Lists the records that carry a key.
pub(crate) fn list(desk: &Desk<'_>, key: &Key, page: Page) -> Result<Vec<Record>, Failure> {
    let mut args: Vec<Arg<'_>> = key_args(key).into();
    args.push(int(i64::from(key.unique)));
    args.extend(page_args(&page));
    Ok(desk.query(Sql::ListByKey, &args, |row| row::record(row, 0))?)
}

/// Gives a page of the trail of a subject.
pub(crate) fn trail(desk: &Desk<'_>, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, Failure> {
    // Nothing sorts before an empty blob, and no id after seventeen bytes of the highest.
    let end: &[u8] = match page.order {
        Order::OldestFirst => &[],
        Order::NewestFirst => &[u8::MAX; 17],
    };
    let beyond = page.beyond.as_ref().map_or(Arg::Borrowed(ValueRef::Blob(end)), blob);
    let args = [blob(&subject), beyond, int(i64::from(page.limit))];
    Ok(desk.query(Sql::trail(page.order), &args, row::event)?)
}

/// Counts what is due in a lane.
pub(crate) fn waiting(
    desk: &Desk<'_>,
    lane: Lane,
    now: DateTime<Utc>,
    at_most: u32,
) -> Result<Waiting, Failure> {
    let args = [text(lane.as_str()), int(micros(now)), int(i64::from(at_most))];
    let mut rows = desk.query(Sql::Waiting, &args, row::waiting)?;
    rows.pop().ok_or(Failure::Corrupt("a count is missing"))
}

/// Reads a mark.
pub(crate) fn mark(desk: &Desk<'_>, name: &str) -> Result<Option<String>, Failure> {
    Ok(desk.query(Sql::Mark, &[text(name)], |row| row.get(0))?.pop())
}

/// The id to start after and the length of a page. Nothing sorts before an empty blob.
fn page_args(page: &Page) -> [Arg<'_>; 2] {
    let after = page.after.as_ref().map_or(Arg::Borrowed(ValueRef::Blob(&[])), blob);
    [after, int(i64::from(page.limit))]
}

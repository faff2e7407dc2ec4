//! What the writer does, one piece at a time, inside a transaction that somebody else begins and ends.

use chrono::{DateTime, Utc};
use portcullis::port::store::{Commit, Counts, Lane, Purge, Record};

use crate::commit::{commit, remove_keys};
use crate::desk::Desk;
use crate::error::Failure;
use crate::row::{self, micros};
use crate::session::{Arg, blob, int, text};
use crate::sql::Sql;

/// How many rows one statement names at most: it takes at most 32766 values.
const CHUNK: usize = 1000;

/// One piece of work.
#[derive(Debug)]
pub(crate) enum Work {
    Commit(Box<Commit>),
    Claim {
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    },
    Purge {
        what: Purge,
        before: DateTime<Utc>,
        limit: u32,
    },
    Mark {
        name: String,
        value: String,
    },
    #[cfg(test)]
    Die,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Counts(Counts),
    Claimed(Vec<Record>),
    Purged(u32),
    Marked,
}

impl Work {
    /// Does it. On an error the caller rolls back what was written.
    pub(crate) fn run(&self, desk: &Desk<'_>) -> Result<Done, Failure> {
        match self {
            Self::Commit(value) => commit(desk, value).map(Done::Counts),
            Self::Claim { lane, now, until, limit } => {
                claim(desk, *lane, *now, *until, *limit).map(Done::Claimed)
            }
            Self::Purge { what, before, limit } => purge(desk, *what, *before, *limit).map(Done::Purged),
            Self::Mark { name, value } => {
                desk.execute(Sql::SetMark, &[text(name), text(value)])?;
                Ok(Done::Marked)
            }
            #[cfg(test)]
            Self::Die => panic!("the test asked for it"),
        }
    }
}

fn claim(
    desk: &Desk<'_>,
    lane: Lane,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Record>, Failure> {
    if lane == Lane::Dead || limit == 0 {
        return Ok(Vec::new());
    }
    let args = [text(lane.as_str()), int(micros(now)), int(i64::from(limit))];
    let mut claimed = desk.query(Sql::Due, &args, |row| row::record(row, 0))?;
    if claimed.is_empty() {
        return Ok(claimed);
    }
    for claimed in claimed.chunks(CHUNK) {
        let mut args = vec![int(micros(until))];
        args.extend(claimed.iter().map(|record| blob(&record.id)));
        desk.execute(Sql::MoveDue(claimed.len()), &args)?;
    }
    for record in &mut claimed {
        record.version = record.version.saturating_add(1);
        record.due = Some((lane, until));
    }
    Ok(claimed)
}

fn purge(desk: &Desk<'_>, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, Failure> {
    let args = [int(micros(before)), int(i64::from(limit))];
    let removed = match what {
        Purge::Counters => desk.execute(Sql::PurgeCounters, &args)?,
        Purge::Audit => {
            desk.execute(Sql::PurgeCommits, &args)?;
            desk.execute(Sql::PurgeAudit, &args)?
        }
        Purge::Records => purge_records(desk, &args)?,
    };
    Ok(u32::try_from(removed).unwrap_or(limit))
}

fn purge_records(desk: &Desk<'_>, args: &[Arg<'_>]) -> Result<usize, Failure> {
    let spent = desk.query(Sql::Spent, args, |row| Ok((row::id(row, 0)?, row::keys(row, 1)?)))?;
    if spent.is_empty() {
        return Ok(0);
    }
    let keys: Vec<_> = spent.iter().flat_map(|(id, keys)| keys.iter().map(|key| (*id, key))).collect();
    for keys in keys.chunks(CHUNK) {
        remove_keys(desk, keys)?;
    }
    for spent in spent.chunks(CHUNK) {
        let args: Vec<Arg<'_>> = spent.iter().map(|(id, _)| blob(id)).collect();
        desk.execute(Sql::RemoveRecords(spent.len()), &args)?;
    }
    Ok(spent.len())
}

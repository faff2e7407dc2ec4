//! Everything a store keeps, as text that is equal for equal contents.

#![expect(clippy::exhaustive_structs, reason = "stores build it field by field")]

use core::fmt;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::port::store::{Count, Counter, Record, Store};

/// Everything a store keeps.
///
/// Its `Display` is the canonical dump: one line each for every record, counter and audit event, whatever the order
/// in the vectors. Two stores that went through the same calls must give the same text, and a secret that was never
/// written in clear must not be found in it.
///
/// ```
/// use portcullis::port::store::{Count, Counter};
/// use portcullis::testing::Contents;
/// let counter = Counter::of(uuid::Uuid::nil(), "guesses");
/// let contents =
///     Contents { counters: vec![(counter, Count { value: 2, ends_at: None })], ..Contents::default() };
/// assert_eq!(
///     contents.to_string(),
///     "counter 00000000-0000-0000-0000-000000000000 \"guesses\" value=2 ends=-\n",
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Every record.
    pub records: Vec<Record>,
    /// Every counter that is stored, also one at 0 or whose window has ended.
    pub counters: Vec<(Counter, Count)>,
    /// Every audit event.
    pub audit: Vec<AuditEvent>,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.records.iter().map(record).collect();
        lines.sort();
        let mut counters: Vec<String> = self.counters.iter().map(counter).collect();
        counters.sort();
        let mut audit: Vec<String> = self.audit.iter().map(event).collect();
        audit.sort();
        lines.extend(counters);
        lines.extend(audit);
        lines.into_iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A store that can show everything it keeps.
///
/// The store contract has no such question on purpose, so a store implements this for its tests only.
#[async_trait]
pub trait Dump: Store {
    /// Gives everything that is kept, in any order.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    async fn contents(&self) -> Result<Contents, PortError>;
}

fn record(record: &Record) -> String {
    let Record { tenant, kind, id, version, keys, refs, due, body } = record;
    let mut keys: Vec<String> = keys
        .iter()
        .map(|key| {
            let mark = if key.unique { "!" } else { "" };
            format!("{}.{}{mark}={:?}", key.kind, key.name, key.value)
        })
        .collect();
    keys.sort();
    let refs: Vec<String> = refs.iter().map(ToString::to_string).collect();
    let due = due.map_or_else(|| "-".to_owned(), |(lane, at)| format!("{}@{}", lane.as_str(), time(at)));
    format!(
        "record {id} {:?} v{version} tenant={tenant} due={due} keys=[{}] refs=[{}] body={body:?}",
        kind.as_str(),
        keys.join(" "),
        refs.join(" "),
    )
}

fn counter((counter, count): &(Counter, Count)) -> String {
    let ends = count.ends_at.map_or_else(|| "-".to_owned(), time);
    format!("counter {} {:?} value={} ends={ends}", counter.subject, counter.name, count.value)
}

fn event(event: &AuditEvent) -> String {
    let AuditEvent { id, at, tenant, subject, actor, action, reason, source, about } = event;
    let or_none = |id: &Option<uuid::Uuid>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    format!(
        "audit {id} {} {action:?} reason={:?} tenant={tenant} subject={subject} actor={} source={} about={}",
        time(*at),
        reason.as_deref().unwrap_or("-"),
        or_none(actor),
        or_none(source),
        or_none(about),
    )
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

//! The audit trail as the routes show it.

use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use serde::Serialize;
use uuid::Uuid;

/// A page of the trail.
#[derive(Debug, Serialize)]
pub(crate) struct AuditView {
    events: Vec<EventView>,
    next: Option<Uuid>,
}

#[derive(Debug, Serialize)]
struct EventView {
    id: Uuid,
    at: DateTime<Utc>,
    action: String,
    reason: Option<String>,
    actor: Option<Uuid>,
    about: Option<Uuid>,
    source: Option<Uuid>,
}

impl AuditView {
    /// A page of at most `limit` events; `next` is where the following page starts, if there may be one.
    pub(crate) fn of(events: Vec<AuditEvent>, limit: u32) -> Self {
        let full = u32::try_from(events.len()).is_ok_and(|length| length >= limit);
        let next = events.last().filter(|_| full).map(|event| event.id);
        let view = |event: AuditEvent| EventView {
            id: event.id,
            at: event.at,
            action: event.action.into_owned(),
            reason: event.reason.map(std::borrow::Cow::into_owned),
            actor: event.actor,
            about: event.about,
            source: event.source,
        };
        Self { events: events.into_iter().map(view).collect(), next }
    }
}

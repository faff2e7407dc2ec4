//! The audit trail, one's own or that of a user one administers.

use axum::http::StatusCode;
use portcullis::Error;
use portcullis::audit::AuditEvent;
use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::port::store;
use uuid::Uuid;

use super::desk::{Desk, id};
use crate::page::admin::{Doer, Tab, TrailLine, TrailPage};
use crate::page::field;
use crate::web::visit::Answer;
use crate::web::words::date_and_time_of;

/// How many events a page shows.
const SHOWN: usize = 50;
/// One more than a page shows: whether there are earlier ones.
const READ: u32 = 51;
/// The field of the query that says before which event the page ends.
const BEFORE: &str = "before";

/// GET: the trail, newest first.
pub(super) async fn page(desk: Desk) -> Answer {
    let named = desk.visit.field(field::USER);
    let user = if named.is_empty() { Some(desk.me.id) } else { id(named).map(UserId::from_uuid) };
    let Some(user) = user else { return desk.not_found(Tab::Users) };
    let before = id(desk.visit.field(BEFORE));
    let read = async {
        let of = if user == desk.me.id { None } else { Some(desk.manage().user(user).await?) };
        Ok((of, desk.newest(user, before).await?))
    };
    let (of, (events, more)) = match read.await {
        Ok(read) => read,
        Err(Error::Refused(refusal)) if matches!(refusal.reason(), Reason::NotFound | Reason::NotAllowed) => {
            return desk.not_found(Tab::Users);
        }
        Err(error) => return Err(desk.visit.end(error)),
    };
    let earlier = events.last().filter(|_| more).map(|event| event.id.to_string());
    let page = TrailPage {
        of: of.map(|user| (user.id.to_string(), user.login.as_str().to_owned())),
        lines: events.iter().map(|event| line(event, user, &desk)).collect(),
        earlier,
        frame: desk.frame,
    };
    desk.visit.html(StatusCode::OK, page.html())
}

impl Desk {
    /// The last events before one, newest first, and whether there are earlier ones.
    async fn newest(&self, user: UserId, before: Option<Uuid>) -> Result<(Vec<AuditEvent>, bool), Error> {
        let page = store::TrailPage::newest(before, READ);
        let mut events = self.manage().trail(user, page).await?;
        let more = events.len() > SHOWN;
        events.truncate(SHOWN);
        Ok((events, more))
    }
}

fn line(event: &AuditEvent, user: UserId, desk: &Desk) -> TrailLine {
    let doer = match event.actor {
        Some(actor) if actor != user.uuid() && actor == desk.me.id.uuid() => Doer::You,
        Some(actor) if actor != user.uuid() => Doer::Somebody,
        Some(_) | None => Doer::Himself,
    };
    TrailLine {
        at: date_and_time_of(event.at, desk.zone()),
        action: event.action.to_string(),
        doer,
        reason: event.reason.as_ref().map(ToString::to_string),
    }
}

//! Which notices about blocking go out when, and the buttons that move the clock. What is shown is what the core says of
//! each user; here it is only put in order.

use std::collections::BTreeMap;

use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use axum::{Form, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::account::TimeZone;
use portcullis::id::{AccountId, MessageId};
use portcullis::manage::ManagedUser;
use portcullis::notice::{NoticeDay, NoticeFate, NoticeOutlook};
use portcullis::port::ambient::Clock as _;
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use portcullis::{Error, Portcullis};

use super::body::{problem, unfit};
use super::messages::{frame, page};
use super::tools::{advance, dev};
use crate::mailbox::Sent;
use crate::page::{Fate, Moved, SentMail, Stop, TimelinePage, UserLine, field, route};
use crate::texts::Language;
use crate::web::{Answer, App, date_and_time_of, day_of, language_of_request, rfc3339, time_of};

/// How many accounts or users are read at once.
const AT_ONCE: u32 = 100;

/// A user, the name of his account, and what the core says of his notices.
struct Reader {
    user: ManagedUser,
    account: String,
    outlook: NoticeOutlook,
}

/// GET: the timeline, and what went out since the clock was moved.
pub(super) async fn show(
    State(app): State<App>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let dev = dev(&app)?;
    let now = dev.clock.now();
    let since = match query.get(field::SINCE) {
        Some(since) => Some(since.parse::<DateTime<Utc>>().map_err(|_| no_time())?),
        None => None,
    };
    let sent = dev.mailbox.sent();
    let readers = readers(app.security.portcullis()).await?;
    let fresh = |sent: &&Sent| since.is_some_and(|since| sent.at() >= since);
    let moved = since.map(|since| Moved {
        from: date_and_time_of(since, TimeZone::UTC),
        sent: sent.iter().filter(fresh).map(mail).collect(),
    });
    let by_id: BTreeMap<MessageId, &Sent> = sent.iter().map(|sent| (sent.id(), sent)).collect();
    let language = language_of_request(&headers);
    let line = |reader: &Reader| line_of(reader, &by_id, since, language, now);
    let shown = TimelinePage {
        frame: frame(&headers),
        now: date_and_time_of(now, TimeZone::UTC),
        next: next(&readers, now).map(|next| date_and_time_of(next, TimeZone::UTC)),
        moved,
        users: readers.iter().map(line).collect(),
    };
    Ok(page(shown.html()))
}

/// POST: moves the clock, works on what has become due, and goes back to the page.
pub(super) async fn go_on(State(app): State<App>, request: Request) -> Answer {
    let form = Form::<BTreeMap<String, String>>::from_request(request, &app).await;
    let Form(fields) = form.map_err(IntoResponse::into_response)?;
    let dev = dev(&app)?;
    let before = dev.clock.now();
    let by = match fields.get(field::BY).map(String::as_str) {
        Some("hour") => TimeDelta::hours(1),
        Some("day") => TimeDelta::days(1),
        Some("notice") => {
            let next = next(&readers(app.security.portcullis()).await?, before);
            next.map_or(TimeDelta::zero(), |next| next.signed_duration_since(before))
        }
        Some(_) | None => {
            return Err(unfit("invalid_step", field::BY, "the clock moves by hour, day or notice"));
        }
    };
    // The clock moves by whole seconds, and a notice does not go before its time.
    let seconds = by.num_seconds() + i64::from(by.subsec_nanos() > 0);
    advance(dev, seconds, field::BY).await?;
    Ok(Redirect::to(&format!("{}?{}={}", route::DEV_TIMELINE, field::SINCE, rfc3339(before))).into_response())
}

fn no_time() -> axum::response::Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_since", "that is no time")
}

/// Everybody who has a blocking date, in the order of logins.
async fn readers(portcullis: &Portcullis) -> Result<Vec<Reader>, Error> {
    let manage = portcullis.manage(Actor::Program);
    let mut readers = Vec::new();
    for (account, name) in accounts(portcullis).await? {
        let mut after = None;
        loop {
            let found = manage.users(Some(account), Page { after, limit: AT_ONCE }).await?;
            for user in found.users {
                let outlook = portcullis.notices().outlook(user.id).await?;
                if outlook.blocks_at.is_some() {
                    readers.push(Reader { user, account: name.clone(), outlook });
                }
            }
            match found.next {
                Some(next) => after = Some(next.uuid()),
                None => break,
            }
        }
    }
    readers.sort_by(|one, other| one.user.login.as_str().cmp(other.user.login.as_str()));
    Ok(readers)
}

async fn accounts(portcullis: &Portcullis) -> Result<Vec<(AccountId, String)>, Error> {
    let manage = portcullis.manage(Actor::Program);
    let (mut accounts, mut after) = (Vec::new(), None);
    loop {
        let found = manage.all_below(None, Page { after, limit: AT_ONCE }).await?;
        accounts.extend(found.accounts.into_iter().map(|account| (account.id, account.name)));
        match found.next {
            Some(next) => after = Some(next.uuid()),
            None => return Ok(accounts),
        }
    }
}

/// When the next notice of anybody goes: now, if one is due.
fn next(readers: &[Reader], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let days = readers.iter().flat_map(|reader| &reader.outlook.days);
    days.filter(|day| day.fate == NoticeFate::Planned).map(|day| day.at.max(now)).min()
}

fn mail(sent: &Sent) -> SentMail {
    SentMail {
        id: sent.id().to_string(),
        subject: sent.subject().unwrap_or_default().to_owned(),
        to: sent.to().to_owned(),
        at: date_and_time_of(sent.at(), TimeZone::UTC),
    }
}

fn line_of(
    reader: &Reader,
    sent: &BTreeMap<MessageId, &Sent>,
    since: Option<DateTime<Utc>>,
    language: Language,
    now: DateTime<Utc>,
) -> UserLine {
    let zone = reader.outlook.time_zone;
    let stop = |day: &NoticeDay| Stop::Notice {
        day: day_of(day.day, language),
        hour: time_of(day.at, zone),
        left: day.days_left,
        fate: fate_of(day, sent, since, zone),
    };
    let mut stops: Vec<_> = reader.outlook.days.iter().map(|day| (day.at, stop(day))).collect();
    stops.extend(reader.outlook.blocks_at.map(|at| (at, Stop::Block(date_and_time_of(at, zone)))));
    let here = stops.partition_point(|(at, _)| *at <= now);
    stops.insert(here, (now, Stop::Now(date_and_time_of(now, zone))));
    UserLine {
        login: reader.user.login.as_str().to_owned(),
        account: reader.account.clone(),
        zone: zone.name().to_owned(),
        stops: stops.into_iter().map(|(_, stop)| stop).collect(),
    }
}

fn fate_of(
    day: &NoticeDay,
    sent: &BTreeMap<MessageId, &Sent>,
    since: Option<DateTime<Utc>>,
    zone: TimeZone,
) -> Fate {
    match day.fate {
        NoticeFate::Sent => {
            let mail = sent.get(&day.message);
            Fate::Sent {
                mail: mail.map(|sent| (sent.id().to_string(), date_and_time_of(sent.at(), zone))),
                fresh: mail.zip(since).is_some_and(|(sent, since)| sent.at() >= since),
            }
        }
        NoticeFate::Planned => Fate::Planned,
        NoticeFate::Withheld(why) => Fate::Withheld(why),
        _ => Fate::Withheld(""),
    }
}

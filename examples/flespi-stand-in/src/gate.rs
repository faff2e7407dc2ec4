//! What every request to the API passes: counted, scripted, limited, admitted.

use std::future::pending;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::clock::Clock;
use crate::draft::Fault;
use crate::listen::Scissors;
use crate::place::Place;
use crate::script::Scripted;
use crate::world::{Seen, Who, World};

/// Both regions, with one clock.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) urls: [String; 2],
    worlds: [Mutex<World>; 2],
}

impl Shared {
    pub(crate) fn new(urls: [String; 2]) -> Self {
        let worlds = Place::ALL.map(|place| Mutex::new(World::new(place)));
        Self { clock: Clock::default(), urls, worlds }
    }

    pub(crate) fn url(&self, place: Place) -> &str {
        let [eu, ru] = &self.urls;
        match place {
            Place::Eu => eu,
            Place::Ru => ru,
        }
    }

    pub(crate) fn world(&self, place: Place) -> MutexGuard<'_, World> {
        let [eu, ru] = &self.worlds;
        let world = match place {
            Place::Eu => eu,
            Place::Ru => ru,
        };
        world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stand-in, seen from the port of one region.
#[derive(Clone)]
pub(crate) struct Here {
    pub(crate) shared: Arc<Shared>,
    pub(crate) place: Place,
}

impl Here {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world(self.place)
    }

    pub(crate) fn now(&self) -> i64 {
        self.shared.clock.now()
    }
}

/// An answer of errors alone.
pub(crate) fn refuse(status: StatusCode, faults: &[Fault]) -> Response {
    let errors: Vec<_> = faults.iter().map(Fault::shown).collect();
    (status, axum::Json(json!({"errors": errors}))).into_response()
}

/// An answer of one error whose code is its status.
pub(crate) fn refuse_with(status: StatusCode, reason: &str) -> Response {
    refuse(status, &[Fault::new(u32::from(status.as_u16()), reason)])
}

/// Refuses what did not come by a name of loopback, so that no page of the net reaches a developer's stand-in by a name
/// of its own that leads here.
pub(crate) async fn only_loopback(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    if ["127.0.0.1", "localhost", "[::1]"].contains(&name) {
        next.run(request).await
    } else {
        refuse_with(StatusCode::MISDIRECTED_REQUEST, "this is a stand-in on loopback")
    }
}

/// Whose token this request may act by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acting(pub(crate) u64);

/// Passes a request to the API on, or not.
pub(crate) async fn gate(
    State(here): State<Here>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
    next: Next,
) -> Response {
    let scripted = {
        let mut world = here.world();
        let seen = seen(&mut world, &request, here.now());
        let scripted = world.scripted(&seen.method, &seen.path);
        world.note(seen);
        scripted
    };
    let Some(scripted) = scripted else { return open(admit(&here, request, next).await) };
    let real =
        if scripted.act || !scripted.replaces() { Some(admit(&here, request, next).await) } else { None };
    open(play(&scripted, real, &scissors).await)
}

/// Pages of other origins may call the API, as they may call flespi's.
fn open(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn seen(world: &mut World, request: &Request, now: i64) -> Seen {
    let text = |headers: &HeaderMap, name: HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let who = match text(request.headers(), AUTHORIZATION) {
        None => Who::Nobody,
        Some(header) => header.strip_prefix("FlespiToken ").map_or(Who::Unknown, |key| world.whose(key, now)),
    };
    Seen {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        who,
        app: text(request.headers(), HeaderName::from_static("x-flespi-app")),
    }
}

async fn admit(here: &Here, mut request: Request, next: Next) -> Response {
    {
        let now = here.now();
        let mut world = here.world();
        if let Some(wait) = world.too_many(now) {
            let refused = refuse_with(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            return ([(RETRY_AFTER, wait.to_string())], refused).into_response();
        }
        let path = request.uri().path();
        if path != "/auth/regions" && path != "/auth/oauth/providers" {
            let Who::Token(id) = seen(&mut world, &request, now).who else {
                return refuse_with(StatusCode::UNAUTHORIZED, "unauthorized");
            };
            let master = world.used(id, now);
            if path.starts_with("/platform/") && !master {
                return refuse_with(StatusCode::FORBIDDEN, "access denied");
            }
            request.extensions_mut().insert(Acting(id));
        }
    }
    next.run(request).await
}

async fn play(scripted: &Scripted, real: Option<Response>, scissors: &Scissors) -> Response {
    if scripted.hold {
        return pending().await;
    }
    if scripted.delay_ms > 0 {
        delay(Duration::from_millis(scripted.delay_ms)).await;
    }
    if scripted.cut {
        scissors.cut();
    }
    let mut response = match real {
        Some(real) if !scripted.replaces() => real,
        _ => written(scripted),
    };
    for (name, value) in &scripted.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn written(scripted: &Scripted) -> Response {
    let status =
        scripted.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let body = match (&scripted.body, scripted.oversize) {
        (Some(body), _) => Body::from(body.clone()),
        (None, Some(bytes)) => Body::from(vec![b' '; bytes.min(Scripted::MOST)]),
        (None, None) => return refuse_with(status, "this answer is scripted"),
    };
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[expect(clippy::disallowed_methods, reason = "being late is what was asked for")]
async fn delay(time: Duration) {
    tokio::time::sleep(time).await;
}

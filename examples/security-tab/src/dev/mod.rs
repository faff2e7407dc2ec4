//! What only development mode has: reading what was sent, moving the clock, making users, breaking senders.

mod body;
mod health;
mod messages;
mod templates;
mod timeline;
mod tools;
mod users;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use portcullis::id::AccountId;
use portcullis::port::hasher::PasswordHasher;

use crate::clock::MovableClock;
use crate::flespi::Caller;
use crate::mailbox::Mailbox;
use crate::page::route;
use crate::web::{App, LONGEST_BODY};
use crate::work::DevWorker;

/// What the `/dev` routes reach.
pub(crate) struct Dev {
    /// What was sent.
    pub(crate) mailbox: Arc<Mailbox>,
    /// What calls flespi.
    pub(crate) flespi: Arc<Caller>,
    /// The whole program's clock.
    pub(crate) clock: Arc<MovableClock>,
    /// What hashes passwords.
    pub(crate) hasher: Arc<dyn PasswordHasher>,
    /// What sends messages.
    pub(crate) worker: DevWorker,
    /// The port of the listen address.
    pub(crate) port: u16,
    /// The demo accounts by name.
    pub(crate) accounts: BTreeMap<&'static str, AccountId>,
}

impl fmt::Debug for Dev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dev").field("port", &self.port).finish_non_exhaustive()
    }
}

/// The `/dev` routes. [`App::dev`] must be there.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route(route::DEV_MESSAGES, get(messages::list))
        .route(route::DEV_STATES, get(messages::gallery))
        .route(&format!("{}/{{name}}", route::DEV_STATES), get(messages::state))
        .route(route::DEV_TEMPLATES, get(templates::first))
        .route(&format!("{}/{{tag}}", route::DEV_TEMPLATES), get(templates::of_language))
        .route(route::DEV_TIMELINE, get(timeline::show).post(timeline::go_on))
        .route("/dev/health", get(health::show))
        .route("/dev/clock", post(tools::clock))
        .route("/dev/run-worker", post(tools::run_worker))
        .route("/dev/fail", post(tools::fail))
        .route("/dev/users", post(users::create))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), near))
        .with_state(app)
}

/// Answers only a browser or program of this machine that knows where it is: a name that was made to point here
/// (DNS rebinding) is not ours, and neither is a page of another origin.
async fn near(State(app): State<App>, request: Request, next: Next) -> Response {
    let port = app.dev.as_ref().map_or(0, |dev| dev.port);
    if is_near(request.headers(), port) {
        next.run(request).await
    } else {
        body::problem(StatusCode::FORBIDDEN, "not_local", "development routes answer this machine alone")
    }
}

fn is_near(headers: &HeaderMap, port: u16) -> bool {
    let ours = |host: &str| {
        [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]
            .iter()
            .any(|name| host.eq_ignore_ascii_case(name))
    };
    let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let own = format!("http://{host}");
    let site = HeaderName::from_static("sec-fetch-site");
    let every = |name: &HeaderName, passes: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(passes))
    };
    ours(host)
        && every(&header::ORIGIN, &|origin| origin.eq_ignore_ascii_case(&own))
        && every(&site, &|site| matches!(site, "same-origin" | "none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_own_pages_are_near() {
        for (pairs, near) in [
            (&[("host", "127.0.0.1:8080")][..], true),
            (&[("host", "LocalHost:8080")], true),
            (&[("host", "[::1]:8080")], true),
            (&[("host", "localhost:8080"), ("origin", "http://localhost:8080")], true),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "none")], true),
            (&[], false),
            (&[("host", "127.0.0.1")], false),
            (&[("host", "127.0.0.1:8081")], false),
            (&[("host", "evil.example:8080")], false),
            (&[("host", "127.0.0.1:8080"), ("host", "127.0.0.1:8080")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://localhost:8080")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "https://127.0.0.1:8080")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "null")], false),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-site")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(is_near(&headers, 8080), near, "{pairs:?}");
        }
    }
}

//! The pages over HTTP: what is stored becomes a view model, and a form becomes one call of the core.

mod act;
mod admin;
mod again;
mod delivery;
mod fault;
mod flespi;
mod flespi_view;
mod links;
mod password;
mod sessions;
mod settings;
mod show;
mod sign_in;
mod ticket;
mod view;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use portcullis_axum::{Security, is_same_origin};

use crate::dev::Dev;
use crate::page::{route, static_file};

pub(crate) use visit::{Answer, Stop};
pub(crate) use words::{date_and_time_of, day_of, language_of_request, rfc3339, time_of};

/// The longest form that is read, in bytes.
pub(crate) const LONGEST_BODY: usize = 64 * 1024;

/// What every page holds.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// The engine as HTTP sees it.
    pub(crate) security: Security,
    /// What development mode adds.
    pub(crate) dev: Option<Arc<Dev>>,
}

impl App {
    /// The pages of an engine.
    pub(crate) fn new(security: Security, dev: Option<Arc<Dev>>) -> Self {
        Self { security, dev }
    }
}

/// Every page and every form.
pub(crate) fn router(app: App) -> Router {
    let links = Router::new()
        .route(route::RECOVERY_PASSWORD, get(links::recovery_form).post(links::set_by_recovery))
        .route(&format!("{}/{{token}}", route::RECOVERY), get(links::recovery))
        .route(route::INVITATION, get(links::invitation_form).post(links::set_by_invitation))
        .route(&format!("{}/{{token}}", route::INVITATION), get(links::invitation))
        .route(route::EMAIL_UNDO, get(links::undo_form).post(links::undo))
        .route(&format!("{}/{{token}}", route::EMAIL_UNDO), get(links::undo_link))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), own_origin))
        .layer(from_fn(links::tell_nobody));
    Router::new()
        .route(route::HOME, get(sign_in::home))
        .route(route::SIGN_IN, get(sign_in::page).post(sign_in::start))
        .route(route::SIGN_IN_CODE, get(sign_in::code_page).post(sign_in::code))
        .route(route::SIGN_IN_RESEND, post(sign_in::resend))
        .route(route::CODE_DELIVERY, post(delivery::tell))
        .route(route::SIGN_OUT, post(sign_in::sign_out))
        .route(route::RECOVERY, get(links::forgotten).post(links::request))
        .route(route::RECOVERY_SENT, get(links::sent))
        .route(route::REAUTHENTICATE, post(again::password))
        .route(route::REAUTHENTICATE_CODE, post(again::code))
        .route(route::REAUTHENTICATE_RESEND, post(again::resend))
        .route(route::SETTINGS, get(settings::page))
        .route(route::EMAIL, post(settings::go_on))
        .route(route::EMAIL_REMOVE, post(settings::go_on))
        .route(route::TWO_FACTOR_SEND, post(settings::go_on))
        .route(route::TWO_FACTOR_OFF, post(settings::go_on))
        .route(route::PASSWORD, post(password::change))
        .route(route::EMAIL_CONFIRM, post(settings::confirm_email))
        .route(route::EMAIL_RESEND, post(settings::resend_email))
        .route(route::EMAIL_CANCEL, post(settings::cancel_email))
        .route(route::TWO_FACTOR_CONFIRM, post(settings::confirm_two_factor))
        .route(route::TWO_FACTOR_RESEND, post(settings::resend_two_factor))
        .route(route::TWO_FACTOR_CANCEL, post(settings::cancel_two_factor))
        .route(route::NOTICES, post(settings::notices))
        .route(route::FLESPI_LOGIN, post(settings::go_on))
        .route(route::FLESPI_DISCONNECT, post(settings::go_on))
        .route(route::FLESPI_TOKEN, post(flespi::type_in))
        .route(route::FLESPI_CHECK, post(flespi::check))
        .route(route::SESSION_END, post(sessions::end))
        .route(route::SESSIONS_END_OTHERS, post(sessions::end_others))
        .merge(admin::router())
        .route(&format!("{}{{*path}}", route::STATIC), get(file))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), own_origin))
        .merge(links)
        .with_state(app)
}

/// Refuses what a page of another origin sends.
async fn own_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let url = app.security.options().public_url();
    if let Some(dev) = &app.dev
        && request.method() == Method::GET
        && let Some(own) = own_address(&request, &url.to_string(), dev.port)
    {
        return own.into_response();
    }
    if is_same_origin(request.method(), request.headers(), url) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "cross_origin\n").into_response()
    }
}

/// Where a developer who typed `localhost` finds the page: forms are taken from one origin alone.
fn own_address(request: &Request, url: &str, port: u16) -> Option<Redirect> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let other_name = host == format!("localhost:{port}") && url != format!("http://{host}");
    let path = request.uri().path_and_query()?;
    other_name.then(|| Redirect::temporary(&format!("{url}{path}")))
}

async fn file(Path(path): Path<String>) -> Response {
    let Some(file) = static_file(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

//! The pages for administrators over HTTP.

mod accounts;
mod confirm;
mod desk;
mod trail;
mod user;
mod users;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use super::App;
use crate::page::route;

/// Where the pages begin.
const ADMIN: &str = "/admin";

/// Their routes.
pub(super) fn router() -> Router<App> {
    let to_users = get(async || Redirect::to(route::ADMIN_USERS));
    let of_id = |page: &str| format!("{page}/{{id}}");
    Router::new()
        .route(ADMIN, to_users)
        .route(route::ADMIN_USERS, get(users::page))
        .route(route::ADMIN_USER_NEW, get(users::new_page).post(users::create))
        .route(&of_id(route::ADMIN_USERS), get(user::page))
        .route(route::ADMIN_FLAGS, post(user::flags))
        .route(route::ADMIN_SETTINGS, post(user::settings))
        .route(route::ADMIN_SIGN_IN, post(user::sign_in))
        .route(route::ADMIN_RESET, post(user::reset))
        .route(route::ADMIN_INVITE, post(user::invite))
        .route(route::ADMIN_FACTOR, post(user::two_factor))
        .route(route::ADMIN_SESSIONS, post(user::sessions))
        .route(route::ADMIN_RIGHTS, post(user::rights))
        .route(route::ADMIN_CONFIRM, post(confirm::password))
        .route(route::ADMIN_CONFIRM_CODE, post(confirm::code))
        .route(route::ADMIN_CONFIRM_RESEND, post(confirm::resend))
        .route(route::ADMIN_ACCOUNTS, get(accounts::page))
        .route(route::ADMIN_ACCOUNT_NEW, get(accounts::new_page).post(accounts::create))
        .route(&of_id(route::ADMIN_ACCOUNTS), get(accounts::account))
        .route(route::ADMIN_ACCOUNT_CHANGE, post(accounts::change))
        .route(route::ADMIN_ACCOUNT_BLOCK, post(accounts::block))
        .route(route::ADMIN_TRAIL, get(trail::page))
}

//! The pages for administrators over HTTP.

mod accounts;
mod billing;
mod desk;
mod rights;
mod trail;
mod user;
mod users;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use axum::http::StatusCode;
use portcullis::session::CurrentSession;

use super::App;
use super::visit::{Answer, Visit};
use crate::page::admin::Tab;
use crate::page::{PendingAction, Reauthenticate, Step, route};
use desk::Desk;

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
        .route(route::ADMIN_RIGHTS, post(rights::on_user))
        .route(route::ADMIN_ACCOUNTS, get(accounts::page))
        .route(route::ADMIN_ACCOUNT_NEW, get(accounts::new_page).post(accounts::create))
        .route(&of_id(route::ADMIN_ACCOUNTS), get(accounts::account))
        .route(route::ADMIN_ACCOUNT_CHANGE, post(accounts::change))
        .route(route::ADMIN_ACCOUNT_BILL, post(billing::bill))
        .route(route::ADMIN_ACCOUNT_PAY, post(billing::pay))
        .route(route::ADMIN_ACCOUNT_BLOCK, post(accounts::block))
        .route(route::ADMIN_ACCOUNT_RIGHTS, post(rights::on_account))
        .route(route::ADMIN_TRAIL, get(trail::page))
}

/// An action that waited goes on as if it had just been posted.
pub(super) async fn go_on(mut visit: Visit, session: CurrentSession, action: PendingAction) -> Answer {
    visit.put_fields(action.fields());
    let route = action.route();
    let desk = Desk::on(visit, session, Some(action)).await?;
    match route {
        route::ADMIN_USER_NEW => users::create(desk).await,
        route::ADMIN_RESET => user::reset(desk).await,
        route::ADMIN_INVITE => user::invite(desk).await,
        route::ADMIN_FACTOR => user::two_factor(desk).await,
        route::ADMIN_RIGHTS => rights::on_user(desk).await,
        _ => rights::on_account(desk).await,
    }
}

/// Shows the dialog of a stale sign-in over the page that its action was posted from; what was typed stays there.
pub(super) async fn ask_who_it_is(
    mut visit: Visit,
    session: &CurrentSession,
    action: PendingAction,
    status: StatusCode,
    step: Step,
) -> Answer {
    visit.put_fields(action.fields());
    let desk = Desk::on(visit, session.clone(), Some(action)).await?;
    desk.ask_who_it_is(status, step).await
}

impl Desk {
    /// The same, over the page of the action that this desk was posted.
    async fn ask_who_it_is(mut self, status: StatusCode, step: Step) -> Answer {
        let Some(pending) = self.posted.take() else { return self.visit.redirect(route::ADMIN_USERS) };
        let route = pending.route();
        self.dialog = Some(Reauthenticate { login: self.me.login.as_str().to_owned(), pending, step });
        match route {
            route::ADMIN_USER_NEW => users::form(self, status, None).await,
            route::ADMIN_ACCOUNT_RIGHTS => match self.account() {
                Some(account) => self.show_account(account, status, None, None).await,
                None => self.not_found(Tab::Accounts),
            },
            _ => match self.user() {
                Some(user) => self.show_user(user, status, None).await,
                None => self.not_found(Tab::Users),
            },
        }
    }
}

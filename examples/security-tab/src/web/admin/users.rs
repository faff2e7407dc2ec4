//! Finding users, and creating one.

use axum::http::StatusCode;
use portcullis::account::TimeZone;
use portcullis::contact::Email;
use portcullis::decision::Reason;
use portcullis::manage::{ManagedAccount, ManagedUser};
use portcullis::port::store::Page;
use portcullis::rights::Verdict;
use portcullis::user::{Flags, Login, NewUser};
use portcullis::{Error, id::AccountId};

use super::desk::{Desk, flag_of, id, is_stale, language_of};
use crate::page::admin::{
    AdminSaid, Choice, NewUserPage, Note, Place, Tab, Trouble, UserLine, UsersPage, gates_of,
};
use crate::page::{Problem, Step, field, route};
use crate::web::visit::{Answer, Stop};

/// How many users a page lists.
const PAGE: u32 = 50;
/// The field of the query that says after whom the page begins.
const AFTER: &str = "after";

/// GET: the users one may see.
pub(super) async fn page(desk: Desk) -> Answer {
    let accounts = desk.accounts_and_named().await?;
    let chosen = desk.account().or_else(|| accounts.first().map(|(account, _)| account.id));
    let login = desk.typed(field::LOGIN);
    let after = id(desk.visit.field(AFTER));
    let manage = desk.manage();
    let found = if login.is_empty() {
        manage.users(chosen, Page { after, limit: PAGE }).await.map(|page| (page.users, page.next))
    } else {
        match Login::parse(&login) {
            Ok(login) => manage.user_by_login(&login).await.map(|user| (Vec::from_iter(user), None)),
            Err(_) => Ok((Vec::new(), None)),
        }
    };
    let (users, next) = match found {
        Ok(found) => found,
        Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
            return desk.not_found(Tab::Users);
        }
        Err(error) => return Err(desk.visit.end(error)),
    };
    let create = accounts.iter().find(|(account, _)| Some(account.id) == chosen);
    let page = UsersPage {
        login,
        create: create.map(|(account, _)| gates_of(&account.may.create_user)),
        accounts: choices(&accounts, chosen),
        users: users.iter().map(|user| line(user, &desk)).collect(),
        next: next.map(|next| next.to_string()),
        later: after.is_some(),
        note: desk.note.clone(),
        frame: desk.frame,
    };
    desk.visit.html(StatusCode::OK, page.html())
}

fn line(user: &ManagedUser, desk: &Desk) -> UserLine {
    UserLine {
        id: user.id.to_string(),
        login: user.login.as_str().to_owned(),
        address: user.email.confirmed.clone().or_else(|| user.email.pending.clone()),
        own: user.id == desk.me.id,
        disabled: user.disabled,
        blocked: user.blocked,
        password: user.password_set,
    }
}

/// Accounts to choose from.
fn choices(accounts: &[(ManagedAccount, u8)], chosen: Option<AccountId>) -> Vec<Choice> {
    let choice = |account: &ManagedAccount| Choice {
        id: account.id.to_string(),
        name: account.name.clone(),
        chosen: Some(account.id) == chosen,
    };
    accounts.iter().map(|(account, _)| choice(account)).collect()
}

/// GET: the form for a new user.
pub(super) async fn new_page(desk: Desk) -> Answer {
    form(desk, StatusCode::OK, None).await
}

/// Why the account that is named can't be the one of a new user.
fn trouble_of_account(named: Option<&ManagedAccount>) -> Trouble {
    match named {
        Some(account) => Trouble::Known(Problem::NotAllowed(gates_of(&account.may.create_user))),
        None => Trouble::NoSuchAccount,
    }
}

/// The form with what was typed, and what was wrong with it.
pub(super) async fn form(desk: Desk, status: StatusCode, note: Option<Note>) -> Answer {
    let mut accounts = desk.accounts_and_named().await?;
    let may = |account: &ManagedAccount| Verdict::is_allowed(&account.may.create_user);
    let named =
        accounts.iter().map(|(account, _)| account).find(|account| Some(account.id) == desk.account());
    let unchosen = !desk.visit.field(field::ACCOUNT).is_empty() && !named.is_some_and(may);
    let refused = unchosen.then(|| Note::trouble(Place::Account, trouble_of_account(named)));
    let (status, note) = match (note, refused) {
        (None, Some(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, Some(refused)),
        (note, _) => (status, note),
    };
    accounts.retain(|(account, _)| may(account));
    if accounts.is_empty() {
        return desk.not_found(Tab::Users);
    }
    let checked: Vec<_> = desk.all(field::FLAG).collect();
    let page = NewUserPage {
        accounts: choices(&accounts, desk.account()),
        unchosen,
        login: desk.typed(field::LOGIN),
        address: desk.typed(field::ADDRESS),
        zone: desk.typed(field::ZONE),
        languages: desk.languages(&language_of(desk.visit.field(field::LANGUAGE)).unwrap_or_default()),
        flags: desk.flags(|name| checked.contains(&name), |_| false),
        note,
        dialog: desk.dialog.clone(),
        frame: desk.frame.clone(),
    };
    desk.visit.html(status, page.html())
}

/// POST: creates a user.
pub(super) async fn create(desk: Desk) -> Answer {
    let new = match new_user(&desk) {
        Ok(new) => new,
        Err(note) => return form(desk, StatusCode::UNPROCESSABLE_ENTITY, Some(note)).await,
    };
    match desk.manage().create_user(new).await {
        Ok(user) => {
            let invited = user.email.pending.is_some();
            let said = if invited { AdminSaid::UserInvited } else { AdminSaid::UserCreated };
            desk.done(said, route::ADMIN_USERS, user.id)
        }
        Err(error) if is_stale(&error) => {
            desk.ask_who_it_is(StatusCode::FORBIDDEN, Step::Password(None)).await
        }
        Err(error) => {
            let (status, note) = refused(&desk, error)?;
            form(desk, status, Some(note)).await
        }
    }
}

fn new_user(desk: &Desk) -> Result<NewUser, Note> {
    let account = desk.account().ok_or_else(|| Note::trouble(Place::Account, Trouble::NoSuchAccount))?;
    let login = Login::parse(desk.visit.field(field::LOGIN))
        .map_err(|_| Note::trouble(Place::Login, Trouble::InvalidLogin))?;
    let mut new = NewUser::new(login, account);
    new.flags = desk.all(field::FLAG).filter_map(flag_of).collect::<Flags>();
    new.language = language_of(desk.visit.field(field::LANGUAGE)).unwrap_or_default();
    let address = desk.typed(field::ADDRESS);
    if !address.is_empty() {
        let invalid = |_| Note::trouble(Place::Address, Trouble::Known(Problem::InvalidEmail));
        new.invited_email = Some(Email::parse(&address).map_err(invalid)?);
    }
    let zone = desk.typed(field::ZONE);
    if !zone.is_empty() {
        let zone = TimeZone::parse(&zone).map_err(|_| Note::trouble(Place::Zone, Trouble::InvalidZone))?;
        new.time_zone = Some(zone);
    }
    Ok(new)
}

/// What the core refused, where it belongs.
fn refused(desk: &Desk, error: Error) -> Result<(StatusCode, Note), Stop> {
    let (status, trouble) = desk.trouble(error)?;
    let place = match trouble {
        Trouble::LoginTaken | Trouble::InvalidLogin => Place::Login,
        Trouble::Lacked => Place::Flags,
        Trouble::NoSuchUser | Trouble::NoSuchAccount => Place::Account,
        Trouble::InvalidZone => Place::Zone,
        Trouble::NoAddress => Place::Address,
        Trouble::Known(_)
        | Trouble::InvalidName
        | Trouble::InvalidQuota
        | Trouble::InvalidNumber
        | Trouble::InvalidPayment
        | Trouble::UnknownPlan => Place::Form,
    };
    let trouble = if place == Place::Account { Trouble::NoSuchAccount } else { trouble };
    Ok((status, Note::trouble(place, trouble)))
}

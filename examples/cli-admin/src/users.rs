//! Users: the first one, who there is, and what each may do.

use portcullis::Portcullis;
use portcullis::contact::Email;
use portcullis::id::AccountId;
use portcullis::manage::{ManagedUser, UserChange};
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use portcullis::user::{Flag, Login};
use serde_json::json;
use uuid::Uuid;

use crate::accounts;
use crate::args::flag_name;
use crate::engine::Fault;
use crate::out::{Out, Row};

/// Users of one page.
const PAGE: u32 = 100;

/// Shows the link: once, here, and nowhere else. A file or a log would keep it, unless that was asked for.
pub(crate) async fn bootstrap(
    portcullis: &Portcullis,
    out: Out,
    login: &Login,
    email: &Email,
    account: &str,
) -> Result<(), Fault> {
    let made = portcullis.bootstrap(account, login, email).await?;
    out.one(vec![
        ("account", json!(made.account.id.uuid())),
        ("user", json!(made.user.id.uuid())),
        ("login", json!(made.user.login.as_str())),
        ("valid_until", json!(made.valid_until.to_rfc3339())),
        ("link", json!(made.link.expose())),
    ])
}

pub(crate) async fn list(portcullis: &Portcullis, out: Out, account: Option<Uuid>) -> Result<(), Fault> {
    let accounts = match account {
        Some(account) => vec![AccountId::from_uuid(account)],
        None => accounts::all(portcullis, None).await?.iter().map(|account| account.id).collect(),
    };
    let mut rows = Vec::new();
    for account in accounts {
        let mut page = Page { after: None, limit: PAGE };
        loop {
            let some = portcullis.manage(Actor::Program).users(Some(account), page).await?;
            rows.extend(some.users.iter().map(row));
            let Some(next) = some.next else { break };
            page.after = Some(next.uuid());
        }
    }
    out.rows(rows)
}

pub(crate) async fn flags(
    portcullis: &Portcullis,
    out: Out,
    login: &Login,
    on: &[Flag],
    off: &[Flag],
) -> Result<(), Fault> {
    let manage = portcullis.manage(Actor::Program);
    let user = manage.user_by_login(login).await?.ok_or("there is no such user")?;
    let switch = |on| move |flag: &Flag| (*flag, on);
    let mut change = UserChange::default();
    change.flags = on.iter().map(switch(true)).chain(off.iter().map(switch(false))).collect();
    out.one(row(&manage.change_user(user.id, &change).await?))
}

fn row(user: &ManagedUser) -> Row {
    vec![
        ("id", json!(user.id.uuid())),
        ("login", json!(user.login.as_str())),
        ("account", json!(user.account.uuid())),
        ("email", json!(user.email.confirmed)),
        ("two_factor", json!(user.two_factor.name())),
        ("password", json!(user.password_set)),
        ("disabled", json!(user.disabled)),
        ("blocked", json!(user.blocked)),
        ("flags", json!(user.flags.iter().map(flag_name).collect::<Vec<_>>())),
    ]
}

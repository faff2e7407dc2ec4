//! Users made on the spot, ready to sign in.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use portcullis::account::TimeZone;
use portcullis::contact::Email;
use portcullis::error::InputError;
use portcullis::id::AccountId;
use portcullis::language::Language;
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::user::{Flag, Flags, Login, NewUser, User};
use portcullis_axum::Problem;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Dev;
use super::body::{Fields, unfit};
use super::tools::dev;
use crate::demo::with_password;
use crate::web::{Answer, App, Stop};

const FIELDS: [&str; 7] = ["login", "account", "password", "email", "flags", "time_zone", "language"];

/// The flags by the names of the HTTP contract.
const FLAGS: [(&str, Flag); 4] = [
    ("change_password", Flag::ChangePassword),
    ("send_sms", Flag::SendSms),
    ("change_settings", Flag::ChangeSettings),
    ("create_items", Flag::CreateItems),
];

/// POST: makes a user with a password; a given address is confirmed.
pub(super) async fn create(State(app): State<App>, mut fields: Fields) -> Answer {
    let dev = dev(&app)?;
    fields.only(&FIELDS)?;
    let login = Login::parse(&fields.need::<String>("login")?).map_err(refuse)?;
    let account = account(dev, &fields.need::<String>("account")?)?;
    let password = Password::parse(fields.need("password")?, "password").map_err(refuse)?;
    let mut new = NewUser::new(login, account);
    if let Some(address) = fields.take::<String>("email")? {
        new.confirmed_email = Some(Email::parse_field(&address, "email").map_err(refuse)?);
    }
    if let Some(language) = fields.take::<String>("language")? {
        new.language = Language::parse(&language).map_err(refuse)?;
    }
    if let Some(zone) = fields.take::<String>("time_zone")? {
        new.time_zone = Some(TimeZone::parse(&zone).map_err(refuse)?);
    }
    let mut disabled = false;
    for (name, on) in fields.take::<BTreeMap<String, bool>>("flags")?.unwrap_or_default() {
        match FLAGS.iter().find(|(known, _)| *known == name) {
            Some((_, flag)) => new.flags = new.flags.with(*flag, on),
            None if name == "disabled" => disabled = on,
            None => return Err(unfit("unknown_field", &format!("flags.{name}"), "there is no such flag")),
        }
    }
    let portcullis = app.security.portcullis();
    with_password(portcullis, &*dev.hasher, &mut new, &password).await?;
    let mut user = portcullis.users().create(new).await?;
    if disabled {
        user = portcullis.rights().set_disabled(Actor::Program, user.id, true).await?;
    }
    Ok((StatusCode::CREATED, Json(shown(&user))).into_response())
}

/// An account by its id, or a demo account by its name.
fn account(dev: &Dev, text: &str) -> Result<AccountId, Stop> {
    let named = dev.accounts.get(text).copied();
    let account = named.or_else(|| Uuid::parse_str(text).ok().map(AccountId::from_uuid));
    account
        .ok_or_else(|| unfit("invalid_account", "account", "an account is its id, or a demo account's name"))
}

fn shown(user: &User) -> Value {
    let flags = |flags: &Flags| {
        let mut object: serde_json::Map<_, _> =
            FLAGS.iter().map(|(name, flag)| ((*name).to_owned(), Value::from(flags.has(*flag)))).collect();
        object.insert("disabled".into(), user.disabled.into());
        object
    };
    json!({
        "id": user.id.to_string(),
        "login": user.login.as_str(),
        "account": user.account.to_string(),
        "email": user.confirmed_email().map(Email::as_str),
        "flags": flags(&user.flags),
        "time_zone": user.time_zone.name(),
        "language": user.language.as_str(),
    })
}

fn refuse(error: InputError) -> Stop {
    Problem::from(error).into()
}

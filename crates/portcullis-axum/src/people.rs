//! Bodies of the requests about users.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use portcullis::account::TimeZone;
use portcullis::contact::Email;
use portcullis::id::AccountId;
use portcullis::language::Language;
use portcullis::manage::UserChange;
use portcullis::rights::AccessRight;
use portcullis::user::{Flag, NewUser};
use uuid::Uuid;

use crate::Problem;
use crate::input::{Fields, unknown_field};

/// The flags by their names.
pub(crate) const FLAGS: [(&str, Flag); 4] = [
    ("change_password", Flag::ChangePassword),
    ("send_sms", Flag::SendSms),
    ("change_settings", Flag::ChangeSettings),
    ("create_items", Flag::CreateItems),
];

/// `POST /users`.
pub(crate) fn new_user(mut fields: Fields) -> Result<NewUser, Problem> {
    fields.only(&["login", "account", "email", "flags", "time_zone", "language", "external_id"])?;
    let mut new = NewUser::new(fields.login()?, AccountId::from_uuid(fields.id("account")?));
    if let Some(mut flags) = fields.object("flags")? {
        // A new user is not disabled.
        flags.only(&FLAGS.map(|(name, _)| name))?;
        for (name, flag) in FLAGS {
            new.flags = new.flags.with(flag, flags.optional_flag(name)?.unwrap_or(false));
        }
    }
    let email = fields.optional_text("email")?;
    new.invited_email = email.map(|email| Email::parse_field(&email, "email")).transpose()?;
    new.time_zone = time_zone(&mut fields)?;
    if let Some(language) = language(&mut fields)? {
        new.language = language;
    }
    new.external_id = fields.optional_text("external_id")?;
    Ok(new)
}

/// `PATCH /users/{id}`.
pub(crate) fn user_change(mut fields: Fields) -> Result<UserChange, Problem> {
    fields.only(&["flags", "email", "time_zone", "language"])?;
    let mut change = UserChange::default();
    if let Some(mut flags) = fields.object("flags")? {
        flags.only(&["change_password", "send_sms", "change_settings", "create_items", "disabled"])?;
        for (name, flag) in FLAGS {
            if let Some(on) = flags.optional_flag(name)? {
                change.flags.insert(flag, on);
            }
        }
        change.disabled = flags.optional_flag("disabled")?;
    }
    let email = fields.optional_text("email")?;
    change.email = email.map(|email| Email::parse_field(&email, "email")).transpose()?;
    change.time_zone = time_zone(&mut fields)?;
    change.language = language(&mut fields)?;
    Ok(change)
}

/// `POST /users/{id}/rights`.
pub(crate) fn rights(mut fields: Fields) -> Result<(Uuid, BTreeSet<AccessRight>), Problem> {
    fields.only(&["item", "rights"])?;
    let item = fields.id("item")?;
    let right = |name: &String| {
        let named = AccessRight::ALL.into_iter().find(|right| right.name() == name);
        named.ok_or_else(|| Problem::input("rights", "invalid_right", "there is no right of this name"))
    };
    let rights = fields.texts("rights")?.iter().map(right).collect::<Result<_, _>>()?;
    Ok((item, rights))
}

pub(crate) fn time_zone(fields: &mut Fields) -> Result<Option<TimeZone>, Problem> {
    Ok(fields.optional_text("time_zone")?.map(|zone| TimeZone::parse(&zone)).transpose()?)
}

fn language(fields: &mut Fields) -> Result<Option<Language>, Problem> {
    Ok(fields.optional_text("language")?.map(|tag| Language::parse(&tag)).transpose()?)
}

/// The query of a list of users.
#[derive(Debug, Default)]
pub(crate) struct UserQuery {
    pub(crate) login: Option<String>,
    pub(crate) account: Option<AccountId>,
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: Option<u32>,
}

/// Reads the query of a list of users.
pub(crate) fn user_query(pairs: Vec<(String, String)>, longest: u32) -> Result<UserQuery, Problem> {
    let mut query = UserQuery::default();
    for (name, value) in pairs {
        match name.as_str() {
            "login" => query.login = Some(value),
            "account" => {
                let id = value.parse().map_err(|_| invalid_query("account"))?;
                query.account = Some(AccountId::from_uuid(id));
            }
            "after" => query.after = Some(value.parse().map_err(|_| invalid_query("after"))?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=longest).contains(limit));
                query.limit = Some(limit.ok_or_else(|| invalid_query("limit"))?);
            }
            _ => return Err(unknown_field(&name)),
        }
    }
    Ok(query)
}

/// A query that can't be read.
pub(crate) fn invalid_query(field: &'static str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", "the query can't be read")
        .of_field(StatusCode::UNPROCESSABLE_ENTITY, field)
}

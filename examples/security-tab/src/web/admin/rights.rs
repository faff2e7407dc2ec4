//! Who has rights on a user or an account, and the form that grants them.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use portcullis::Error;
use portcullis::id::UserId;
use portcullis::manage::Holder;
use portcullis::rights::{AccessRight, Verdict};
use portcullis::user::Login;

use super::desk::{Desk, id};
use crate::page::admin::{AdminSaid, HolderLine, Note, Place, RIGHTS, RightsForm, Tab, Trouble, gates_of};
use crate::page::field;
use crate::web::visit::Answer;

/// POST: lets somebody have exactly these rights on a user.
pub(super) async fn on_user(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let result = match desk.named().await {
        Ok(Some(to)) => desk.manage().grant(user.uuid(), to, &desk.rights()).await,
        Ok(None) => return desk.show_user(user, StatusCode::UNPROCESSABLE_ENTITY, Some(nobody())).await,
        Err(error) => Err(error),
    };
    desk.answer(user, result, AdminSaid::RightsSet).await
}

/// POST: lets somebody have exactly these rights on an account.
pub(super) async fn on_account(desk: Desk) -> Answer {
    let Some(account) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let result = match desk.named().await {
        Ok(Some(to)) => desk.manage().grant(account.uuid(), to, &desk.rights()).await,
        Ok(None) => {
            return desk.show_account(account, StatusCode::UNPROCESSABLE_ENTITY, Some(nobody()), None).await;
        }
        Err(error) => Err(error),
    };
    desk.account_answer(account, result, AdminSaid::RightsSet, None).await
}

fn nobody() -> Note {
    Note::trouble(Place::RightsTo, Trouble::NoSuchUser)
}

fn holder_line(holder: &Holder) -> HolderLine {
    let has = |name: &&str| holder.rights.iter().any(|right| right.name() == *name);
    HolderLine {
        id: holder.user.to_string(),
        login: holder.login.as_ref().map(|login| login.as_str().to_owned()),
        rights: RIGHTS.into_iter().filter(has).collect(),
    }
}

impl Desk {
    /// Who is to get rights, by the login that was typed.
    async fn named(&self) -> Result<Option<UserId>, Error> {
        let Ok(login) = Login::parse(&self.typed(field::TO)) else { return Ok(None) };
        Ok(self.manage().user_by_login(&login).await?.map(|user| user.id))
    }

    /// The rights that are checked.
    fn rights(&self) -> BTreeSet<AccessRight> {
        let is_checked = |right: &AccessRight| self.all(field::RIGHT).any(|name| name == right.name());
        AccessRight::ALL.into_iter().filter(is_checked).collect()
    }

    /// The form: what was typed, or what somebody has who was chosen from the list.
    pub(super) fn rights_form(&self, holders: Option<&[Holder]>, may: &Verdict) -> RightsForm {
        let mut holders: Option<Vec<_>> = holders.map(|holders| holders.iter().map(holder_line).collect());
        if let Some(holders) = &mut holders {
            holders.sort_by(|one, other| one.login.cmp(&other.login));
        }
        let named = id(self.visit.field(field::HOLDER)).map(|id| id.to_string());
        let chosen = holders.iter().flatten().find(|holder| Some(&holder.id) == named.as_ref());
        let held = chosen.and_then(|holder| Some((holder.login.clone()?, holder.rights.clone())));
        let (to, checked) = held.unwrap_or_else(|| {
            let rights: Vec<_> = self.all(field::RIGHT).collect();
            (self.typed(field::TO), RIGHTS.into_iter().filter(|name| rights.contains(name)).collect())
        });
        RightsForm { to, checked, holders, gates: gates_of(may) }
    }
}

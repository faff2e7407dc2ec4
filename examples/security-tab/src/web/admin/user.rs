//! One user: the page, and what is done on it.

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::http::StatusCode;
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::manage::{ManagedUser, UserChange};
use portcullis::rights::{Actor, Verdict};
use portcullis::user::Method;

use super::desk::{Desk, flag_of, id, is_stale, language_of};
use crate::page::admin::{AdminAddress, AdminSaid, Note, Place, Tab, Trouble, UserFacts, UserPage, gates_of};
use crate::page::{Gate, Step, field, route};
use crate::web::visit::{Answer, Stop};
use crate::web::words::date_and_time_of;

/// GET: a user.
pub(super) async fn page(Path(text): Path<String>, desk: Desk) -> Answer {
    let Some(user) = id(&text).map(UserId::from_uuid) else {
        return desk.not_found(Tab::Users);
    };
    let note = desk.note.clone();
    desk.show_user(user, StatusCode::OK, note).await
}

/// POST: switches flags.
pub(super) async fn flags(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let named = |field| -> BTreeSet<_> { desk.all(field).filter_map(flag_of).collect() };
    let (on, shown) = (named(field::FLAG), named(field::SHOWN));
    let mut change = UserChange::default();
    for flag in on.symmetric_difference(&shown) {
        change = change.flag(*flag, on.contains(flag));
    }
    let result = desk.manage().change_user(user, &change).await.map(drop);
    desk.answer(user, result, AdminSaid::FlagsSaved).await
}

/// POST: sets language and time zone.
pub(super) async fn settings(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let Ok(zone) = TimeZone::parse(&desk.typed(field::ZONE)) else {
        let note = Some(Note::trouble(Place::Zone, Trouble::InvalidZone));
        return desk.show_user(user, StatusCode::UNPROCESSABLE_ENTITY, note).await;
    };
    let mut change = UserChange::default().time_zone(zone);
    let wanted = language_of(desk.visit.field(field::LANGUAGE));
    let result = match desk.manage().user(user).await {
        Ok(known) => {
            // A variety of a language, or one that no message is in, stays until another one is chosen.
            if let Some(wanted) = wanted.filter(|wanted| known.language.base() != wanted.as_str()) {
                change = change.language(wanted);
            }
            desk.manage().change_user(user, &change).await.map(drop)
        }
        Err(error) => Err(error),
    };
    desk.answer(user, result, AdminSaid::SettingsSaved).await
}

/// POST: switches signing in on or off.
pub(super) async fn sign_in(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let (disabled, said) = match desk.visit.field(field::ON) {
        "yes" => (false, AdminSaid::SignInOn),
        "no" => (true, AdminSaid::SignInOff),
        _ => return desk.visit.redirect_to(route::ADMIN_USERS, user),
    };
    let change = UserChange::default().disabled(disabled);
    let result = desk.manage().change_user(user, &change).await.map(drop);
    desk.answer(user, result, said).await
}

/// POST: sends a link for a new password.
pub(super) async fn reset(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let result = desk.manage().send_recovery(user).await;
    desk.answer(user, result, AdminSaid::ResetSent).await
}

/// POST: sends a link for the first password.
pub(super) async fn invite(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let actor = Actor::Session(desk.session.id);
    let result = desk.visit.portcullis().invitation().send(actor, user).await;
    desk.answer(user, result, AdminSaid::Invited).await
}

/// POST: removes the second factor.
pub(super) async fn two_factor(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let result = desk.manage().remove_two_factor(user).await;
    desk.answer(user, result, AdminSaid::FactorRemoved).await
}

/// POST: ends every session.
pub(super) async fn sessions(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let result = desk.manage().end_sessions(user).await;
    desk.answer(user, result, AdminSaid::SessionsEnded).await
}

/// The gates of sending a link: that there is no address, the page says itself.
fn of_address(verdict: &Verdict) -> Vec<Gate> {
    let mut gates = gates_of(verdict);
    gates.retain(|gate| *gate != Gate::EmailUnconfirmed);
    gates
}

impl Desk {
    /// Answers a form of a user's page.
    pub(super) async fn answer(self, user: UserId, result: Result<(), Error>, said: AdminSaid) -> Answer {
        match result {
            Ok(()) => self.done(said, route::ADMIN_USERS, user),
            Err(error) if is_stale(&error) => {
                self.ask_who_it_is(StatusCode::FORBIDDEN, Step::Password(None)).await
            }
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                self.not_found(Tab::Users)
            }
            Err(error) => {
                let (status, trouble) = self.trouble(error)?;
                let note = Some(Note::trouble(said.place(), trouble));
                self.show_user(user, status, note).await
            }
        }
    }

    /// A user's page; what was typed stays where it is.
    pub(super) async fn show_user(self, user: UserId, status: StatusCode, note: Option<Note>) -> Answer {
        let known = match self.manage().user(user).await {
            Ok(known) => known,
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                return self.not_found(Tab::Users);
            }
            Err(error) => return Err(self.visit.end(error)),
        };
        let page = self.user_page(&known, note).await?;
        self.visit.html(status, page.html())
    }

    async fn user_page(&self, user: &ManagedUser, note: Option<Note>) -> Result<UserPage, Stop> {
        let accounts = self.accounts().await?;
        let account = accounts.iter().find(|(account, _)| account.id == user.account);
        let at = |place| note.as_ref().is_some_and(|note: &Note| note.place == place);
        let checked: Vec<_> = self.all(field::FLAG).collect();
        let typed_flags = at(Place::Flags) && note.as_ref().is_some_and(Note::is_trouble);
        let on = |name: &str| {
            if typed_flags {
                checked.contains(&name)
            } else {
                flag_of(name).is_some_and(|flag| user.flags.has(flag))
            }
        };
        let typed_words = at(Place::Zone) && note.as_ref().is_some_and(Note::is_trouble);
        let (zone, language) = if typed_words {
            (self.typed(field::ZONE), language_of(self.visit.field(field::LANGUAGE)))
        } else {
            (user.time_zone.name().to_owned(), None)
        };
        Ok(UserPage {
            frame: self.frame.clone(),
            user: UserFacts {
                id: user.id.to_string(),
                login: user.login.as_str().to_owned(),
                account: account.map(|(account, _)| (account.id.to_string(), account.name.clone())),
                address: AdminAddress {
                    confirmed: user.email.confirmed.clone(),
                    pending: user.email.pending.clone(),
                },
                password: user.password_set,
                two_factor: user.two_factor != Method::None,
                disabled: user.disabled,
                blocked: user.blocked,
                created: date_and_time_of(user.created_at, self.zone()),
            },
            flags: self.flags(on, |flag| user.flags.has(flag)),
            flags_gates: gates_of(&user.may.edit_flags),
            languages: self.languages(&language.unwrap_or_else(|| user.language.clone())),
            zone,
            settings_gates: gates_of(&user.may.change_settings),
            reset_gates: user.password_set.then(|| of_address(&user.may.send_recovery)),
            invitation_gates: (!user.password_set).then(|| of_address(&user.may.send_invitation)),
            factor_gates: gates_of(&user.may.remove_two_factor),
            sessions_gates: gates_of(&user.may.end_sessions),
            rights: self.rights_form(user.rights.as_deref(), &user.may.manage_access),
            trail: user.may.see_trail.is_allowed(),
            note,
            dialog: self.dialog.clone(),
        })
    }
}

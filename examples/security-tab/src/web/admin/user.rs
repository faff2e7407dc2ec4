//! One user: the page, and what is done on it.

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::http::StatusCode;
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::language::Language as CoreLanguage;
use portcullis::manage::{Holder, ManagedUser, UserChange};
use portcullis::rights::{AccessRight, Actor, Verdict};
use portcullis::user::{Login, Method};

use super::desk::{Desk, flag_of, id};
use crate::page::admin::{
    AdminAddress, AdminDialog, AdminSaid, HolderLine, Note, Place, RIGHTS, RightsForm, Tab, Trouble,
    UserFacts, UserPage, gates_of,
};
use crate::page::{Gate, Step, field, route};
use crate::texts::Language;
use crate::web::visit::{Answer, Stop};
use crate::web::words::date_and_time_of;

/// GET: a user.
pub(super) async fn page(Path(text): Path<String>, desk: Desk) -> Answer {
    let Some(user) = id(&text).map(UserId::from_uuid) else {
        return desk.not_found(Tab::Users);
    };
    let note = desk.note.clone();
    desk.show_user(user, StatusCode::OK, note, None).await
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
        return desk.show_user(user, StatusCode::UNPROCESSABLE_ENTITY, note, None).await;
    };
    let mut change = UserChange::default().time_zone(zone);
    let wanted = Language::of_tag(desk.visit.field(field::LANGUAGE));
    let result = match desk.manage().user(user).await {
        Ok(known) => {
            // A language without pages of its own stays until another one is chosen.
            if Language::of_tag(known.language.base()) != wanted {
                change = change.language(match wanted {
                    Language::English => CoreLanguage::EN,
                    Language::Russian => CoreLanguage::RU,
                });
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
    desk.remove_two_factor(user).await
}

/// POST: ends every session.
pub(super) async fn sessions(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let result = desk.manage().end_sessions(user).await;
    desk.answer(user, result, AdminSaid::SessionsEnded).await
}

/// POST: lets somebody have exactly these rights on the user.
pub(super) async fn rights(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let found = match Login::parse(&desk.typed(field::TO)) {
        Ok(login) => desk.manage().user_by_login(&login).await,
        Err(_) => Ok(None),
    };
    let to = match found {
        Ok(Some(to)) => to.id,
        Ok(None) => {
            let note = Some(Note::trouble(Place::RightsTo, Trouble::NoSuchUser));
            return desk.show_user(user, StatusCode::UNPROCESSABLE_ENTITY, note, None).await;
        }
        Err(error) => return desk.answer(user, Err(error), AdminSaid::RightsSet).await,
    };
    let rights: BTreeSet<_> = AccessRight::ALL
        .into_iter()
        .filter(|right| desk.all(field::RIGHT).any(|name| name == right.name()))
        .collect();
    let result = desk.manage().grant(user.uuid(), to, &rights).await;
    desk.answer(user, result, AdminSaid::RightsSet).await
}

/// The gates of sending a link: that there is no address, the page says itself.
fn of_address(verdict: &Verdict) -> Vec<Gate> {
    let mut gates = gates_of(verdict);
    gates.retain(|gate| *gate != Gate::EmailUnconfirmed);
    gates
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
    /// Removes a user's second factor, or asks who acts to confirm that it is him.
    pub(super) async fn remove_two_factor(self, user: UserId) -> Answer {
        let result = self.manage().remove_two_factor(user).await;
        let stale = matches!(&result, Err(Error::Refused(no)) if no.reason() == Reason::StaleSignIn);
        if stale {
            return self.show_user(user, StatusCode::FORBIDDEN, None, Some(Step::Password(None))).await;
        }
        self.answer(user, result, AdminSaid::FactorRemoved).await
    }

    /// Answers a form of a user's page.
    async fn answer(self, user: UserId, result: Result<(), Error>, said: AdminSaid) -> Answer {
        match result {
            Ok(()) => self.done(said, route::ADMIN_USERS, user),
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                self.not_found(Tab::Users)
            }
            Err(error) => {
                let (status, trouble) = self.trouble(error)?;
                let note = Some(Note::trouble(said.place(), trouble));
                self.show_user(user, status, note, None).await
            }
        }
    }

    /// A user's page; what was typed stays where it is.
    pub(super) async fn show_user(
        self,
        user: UserId,
        status: StatusCode,
        note: Option<Note>,
        step: Option<Step>,
    ) -> Answer {
        let known = match self.manage().user(user).await {
            Ok(known) => known,
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                return self.not_found(Tab::Users);
            }
            Err(error) => return Err(self.visit.end(error)),
        };
        let page = self.user_page(&known, note, step).await?;
        self.visit.html(status, page.html())
    }

    /// The form of the rights: what was typed, or what somebody has who was chosen from the list.
    fn rights_form(&self, user: &ManagedUser) -> RightsForm {
        let mut holders: Option<Vec<_>> =
            user.rights.as_ref().map(|holders| holders.iter().map(holder_line).collect());
        if let Some(holders) = &mut holders {
            holders.sort_by(|one, other| one.login.cmp(&other.login));
        }
        let gates = gates_of(&user.may.manage_access);
        let named = id(self.visit.field(field::HOLDER)).map(|id| id.to_string());
        let chosen = holders.iter().flatten().find(|holder| Some(&holder.id) == named.as_ref());
        let held = chosen.and_then(|holder| Some((holder.login.clone()?, holder.rights.clone())));
        let (to, checked) = held.unwrap_or_else(|| {
            let rights: Vec<_> = self.all(field::RIGHT).collect();
            (self.typed(field::TO), RIGHTS.into_iter().filter(|name| rights.contains(name)).collect())
        });
        RightsForm { to, checked, holders, gates }
    }

    async fn user_page(
        &self,
        user: &ManagedUser,
        note: Option<Note>,
        step: Option<Step>,
    ) -> Result<UserPage, Stop> {
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
            (self.typed(field::ZONE), Language::of_tag(self.visit.field(field::LANGUAGE)))
        } else {
            (user.time_zone.name().to_owned(), Language::of_tag(user.language.base()))
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
            russian: language == Language::Russian,
            zone,
            settings_gates: gates_of(&user.may.change_settings),
            reset_gates: user.password_set.then(|| of_address(&user.may.send_recovery)),
            invitation_gates: (!user.password_set).then(|| of_address(&user.may.send_invitation)),
            factor_gates: gates_of(&user.may.remove_two_factor),
            sessions_gates: gates_of(&user.may.end_sessions),
            rights: self.rights_form(user),
            trail: user.may.see_trail.is_allowed(),
            note,
            dialog: step.map(|step| AdminDialog { login: self.me.login.as_str().to_owned(), step }),
        })
    }
}

//! What every page for administrators begins with: who asks, and what he may see.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::FromRequest;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::decision::Reason;
use portcullis::id::{AccountId, SessionId, UserId};
use portcullis::language::Language as CoreLanguage;
use portcullis::manage::{Manage, ManagedAccount};
use portcullis::port::store::Page;
use portcullis::rights::{Actor, Gate as CoreGate};
use portcullis::session::CurrentSession;
use portcullis::templates::BuiltinTemplates;
use portcullis::user::{Flag, User};
use uuid::Uuid;

use crate::page::admin::{AdminSaid, Choice, FLAGS, FlagBox, NotFoundPage, Note, Tab, Trouble, gates_of};
use crate::page::{Frame, Identity, PendingAction, Problem, Reauthenticate, field};
use crate::texts::Language;
use crate::web::App;
use crate::web::fault::{Fault, Wording};
use crate::web::visit::{Answer, Stop, Visit};

/// The cookie that tells the next page what was done.
const SAID: &str = "admin-said";
/// How long it is kept, in seconds: the way from a redirect to its page.
const SAID_FOR: i64 = 30;
/// How many accounts the pages list at most.
const MOST_ACCOUNTS: usize = 200;

/// A request of somebody who is signed in, on a page for administrators.
pub(super) struct Desk {
    /// The request.
    pub(super) visit: Visit,
    /// The session.
    pub(super) session: CurrentSession,
    /// Who asks.
    pub(super) me: User,
    /// The frame of every page.
    pub(super) frame: Frame,
    /// What was done before.
    pub(super) note: Option<Note>,
    /// What was posted, if a stale sign-in may stop it.
    pub(super) posted: Option<PendingAction>,
    /// The dialog of a stale sign-in.
    pub(super) dialog: Option<Reauthenticate>,
}

impl FromRequest<App> for Desk {
    type Rejection = Response;

    async fn from_request(request: axum::extract::Request, app: &App) -> Result<Self, Response> {
        let visit = Visit::from_request(request, app).await?;
        let desk = async {
            let session = visit.session().await?;
            let posted = PendingAction::new(visit.parts.uri.path(), visit.fields());
            Self::on(visit, session, posted).await
        };
        desk.await.map_err(Stop::into_response)
    }
}

impl Desk {
    /// The desk of a session, with what was posted to it.
    pub(super) async fn on(
        mut visit: Visit,
        session: CurrentSession,
        posted: Option<PendingAction>,
    ) -> Result<Self, Stop> {
        let mut note = None;
        if visit.parts.method == Method::GET {
            visit.renew(&session).await?;
            let said =
                visit.cookie(SAID).and_then(|name| AdminSaid::ALL.iter().find(|said| said.name() == name));
            if let Some(said) = said {
                note = Some(Note::said(*said));
                visit.set_cookie(SAID, "", 0);
            }
        }
        let portcullis = visit.portcullis();
        let me = portcullis.users().get(session.user).await.map_err(|error| visit.end(error))?;
        let account = portcullis.accounts().get(me.account).await.map_err(|error| visit.end(error))?;
        let identity = Identity {
            login: me.login.as_str().to_owned(),
            account: account.name,
            administers: visit.administers(session.id).await?,
        };
        let frame = Frame {
            language: Language::of_tag(me.language.base()),
            zone: me.time_zone.name().to_owned(),
            identity: Some(identity),
            dev_mode: visit.app.dev.is_some(),
        };
        Ok(Self { visit, session, me, frame, note, posted, dialog: None })
    }

    /// What who asks does to users and accounts.
    pub(super) fn manage(&self) -> Manage<'_> {
        self.visit.portcullis().manage(Actor::Session(self.session.id))
    }

    /// The reader's zone.
    pub(super) fn zone(&self) -> TimeZone {
        self.me.time_zone
    }

    /// The user that a form names.
    pub(super) fn user(&self) -> Option<UserId> {
        id(self.visit.field(field::USER)).map(UserId::from_uuid)
    }

    /// The account that a form or query names.
    pub(super) fn account(&self) -> Option<AccountId> {
        id(self.visit.field(field::ACCOUNT)).map(AccountId::from_uuid)
    }

    /// A field without the spaces at its ends.
    pub(super) fn typed(&self, name: &str) -> String {
        self.visit.field(name).trim().to_owned()
    }

    /// Every value of a field that may be sent several times.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.visit.fields().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The accounts who asks may see, each before those below it, with how deep it is.
    pub(super) async fn accounts(&self) -> Result<Vec<(ManagedAccount, u8)>, Stop> {
        let whole = Page { after: None, limit: 1000 };
        let read = async {
            let mut seen = self.manage().accounts(None, whole).await?;
            let below = self.manage().all_below(None, whole).await?.accounts;
            seen.extend(below);
            seen.sort_by_key(|account| account.id);
            seen.dedup_by_key(|account| account.id);
            Ok(seen)
        };
        let seen = read.await.map_err(|error| self.visit.end(error))?;
        let mut found = tree(seen);
        found.truncate(MOST_ACCOUNTS);
        Ok(found)
    }

    /// As [`Self::accounts`], and at the end the account that a form or query names, if there are too many to list it.
    pub(super) async fn accounts_and_named(&self) -> Result<Vec<(ManagedAccount, u8)>, Stop> {
        let mut found = self.accounts().await?;
        let Some(named) = self.account().filter(|named| found.iter().all(|(known, _)| known.id != *named))
        else {
            return Ok(found);
        };
        match self.manage().account(named).await {
            Ok(account) => found.push((account, 0)),
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {}
            Err(error) => return Err(self.visit.end(error)),
        }
        Ok(found)
    }

    /// The flags as checkboxes: on as `on` says, of which `stored` are in the store.
    pub(super) fn flags(&self, on: impl Fn(&str) -> bool, stored: impl Fn(Flag) -> bool) -> Vec<FlagBox> {
        let of = |name| {
            let flag = flag_of(name);
            FlagBox {
                name,
                on: on(name),
                stored: flag.is_some_and(&stored),
                lacked: flag.is_none_or(|flag| !self.me.flags.has(flag)),
            }
        };
        FLAGS.into_iter().map(of).collect()
    }

    /// The languages that messages are in, and the chosen one.
    pub(super) fn languages(&self, chosen: &CoreLanguage) -> Vec<Choice> {
        let texts = self.frame.language.admin();
        let name = |language: &CoreLanguage| match language.as_str() {
            "en" => texts.language_en,
            "ru" => texts.language_ru,
            "es" => texts.language_es,
            "de" => texts.language_de,
            _ => "",
        };
        let choice = |language: &CoreLanguage| Choice {
            id: language.to_string(),
            name: Some(name(language))
                .filter(|name| !name.is_empty())
                .unwrap_or(language.as_str())
                .to_owned(),
            chosen: language.as_str() == chosen.base() || language == chosen,
        };
        let mut choices: Vec<_> = BuiltinTemplates::LANGUAGES.iter().map(choice).collect();
        // Another one stays until one of these is chosen.
        if !choices.iter().any(|choice| choice.chosen) {
            choices.push(choice(chosen));
        }
        choices
    }

    /// Tells the next page what was done, and sends the browser there.
    pub(super) fn done(mut self, said: AdminSaid, page: &'static str, id: impl std::fmt::Display) -> Answer {
        self.visit.set_cookie(SAID, said.name(), SAID_FOR);
        self.visit.redirect_to(page, id)
    }

    /// The page about what is not there, or may not be seen.
    pub(super) fn not_found(self, tab: Tab) -> Answer {
        let html = NotFoundPage { frame: self.frame, tab }.html();
        self.visit.html(StatusCode::NOT_FOUND, html)
    }

    /// What went wrong in words, with the status of the answer. A session that is over ends the request.
    pub(super) fn trouble(&self, error: Error) -> Result<(StatusCode, Trouble), Stop> {
        let fault = Fault::Core(error);
        let reason = fault.reason();
        let status = fault.status();
        let portcullis = self.visit.portcullis();
        let trouble = match (&fault, reason) {
            (Fault::Core(error), Some(Reason::SignedOut)) => return Err(self.visit.end(error.clone())),
            (_, Some(Reason::LoginTaken)) => Trouble::LoginTaken,
            (_, Some(Reason::NotFound)) => Trouble::NoSuchUser,
            (_, Some(Reason::InUse)) => Trouble::Known(Problem::CannotAnswer),
            (_, Some(Reason::EmailUnconfirmed)) => Trouble::NoAddress,
            (Fault::Core(Error::Refused(refusal)), Some(Reason::NotAllowed))
                if refusal.missing().contains(&CoreGate::EmailUnconfirmed) =>
            {
                Trouble::NoAddress
            }
            (Fault::Core(Error::Refused(refusal)), Some(Reason::NotAllowed))
                if refusal.missing().iter().any(|gate| is_granted(*gate)) =>
            {
                Trouble::Lacked
            }
            (Fault::Core(Error::Refused(refusal)), Some(Reason::NotAllowed)) => {
                let gates =
                    portcullis::rights::Verdict::of(refusal.missing().iter().map(|gate| (*gate, false)));
                Trouble::Known(Problem::NotAllowed(gates_of(&gates)))
            }
            (Fault::Core(Error::Input(error)), _) => match error.code() {
                "invalid_login" => Trouble::InvalidLogin,
                "invalid_time_zone" => Trouble::InvalidZone,
                "invalid_name" => Trouble::InvalidName,
                _ => Trouble::Known(Problem::InvalidEmail),
            },
            _ => Trouble::Known(fault.problem(Wording {
                now: portcullis.now(),
                zone: self.zone(),
                minimum: portcullis.policy().password_minimum_alone,
                maximum: portcullis.policy().password_maximum,
                attempts_left: 0,
                signed_in: true,
            })),
        };
        Ok((status, trouble))
    }
}

/// Whether the sign-in of who acts is too old.
pub(super) fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.reason() == Reason::StaleSignIn)
}

/// Whether a gate is a flag that may be granted only by who has it.
fn is_granted(gate: CoreGate) -> bool {
    matches!(gate, CoreGate::ChangePassword | CoreGate::ChangeSettings | CoreGate::SendSms)
}

impl Visit {
    /// Whether the user of a session administers an account: his own, or one directly below it. Who was let have rights
    /// on single users finds them by their logins.
    pub(in crate::web) async fn administers(&self, session: SessionId) -> Result<bool, Stop> {
        let manage = self.portcullis().manage(Actor::Session(session));
        let accounts = manage.accounts(None, Page { after: None, limit: 1000 }).await;
        accounts.map(|accounts| !accounts.is_empty()).map_err(|error| self.end(error))
    }
}

/// Accounts in the order of a tree. One whose parent is not among them stands at the edge.
fn tree(accounts: Vec<ManagedAccount>) -> Vec<(ManagedAccount, u8)> {
    let ids: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
    let mut below: BTreeMap<Option<AccountId>, Vec<ManagedAccount>> = BTreeMap::new();
    for account in accounts {
        below.entry(account.parent.filter(|parent| ids.contains(parent))).or_default().push(account);
    }
    let mut take = |above| below.remove(&above).unwrap_or_default().into_iter().rev();
    let mut waiting: Vec<(ManagedAccount, u8)> = take(None).map(|account| (account, 0)).collect();
    let mut found = Vec::new();
    while let Some((account, depth)) = waiting.pop() {
        waiting.extend(take(Some(account.id)).map(|below| (below, depth.saturating_add(1))));
        found.push((account, depth));
    }
    found
}

/// The language of a form, if it is one that messages are in.
pub(super) fn language_of(tag: &str) -> Option<CoreLanguage> {
    CoreLanguage::parse(tag).ok().filter(|language| BuiltinTemplates::LANGUAGES.contains(language))
}

/// An id as the pages write it.
pub(super) fn id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

/// The flag of a name in a form.
pub(super) fn flag_of(name: &str) -> Option<Flag> {
    match name {
        "change_password" => Some(Flag::ChangePassword),
        "send_sms" => Some(Flag::SendSms),
        "change_settings" => Some(Flag::ChangeSettings),
        "create_items" => Some(Flag::CreateItems),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_box() {
        let mut flags: Vec<_> = FLAGS.into_iter().filter_map(flag_of).collect();
        flags.sort_unstable();
        let mut all = Flag::ALL.to_vec();
        all.sort_unstable();
        assert_eq!(flags, all);
        assert_eq!(flag_of("administrator"), None);
    }

    #[test]
    fn only_languages_that_messages_are_in_can_be_chosen() {
        assert_eq!(language_of("de"), Some(CoreLanguage::DE));
        assert_eq!(language_of("pt"), None);
        assert_eq!(language_of(""), None);
    }
}

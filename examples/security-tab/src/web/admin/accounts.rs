//! Accounts: the list, one of them, and what is done there.

use axum::extract::Path;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use portcullis::Error;
use portcullis::account::{NewAccount, Period, Service, TimeZone};
use portcullis::decision::Reason;
use portcullis::id::AccountId;
use portcullis::manage::{AccountChange, ManagedAccount};
use portcullis::port::store::Page;
use portcullis::spend::{AccountUsage, Usage};

use super::desk::{Desk, id, is_stale};
use crate::page::admin::{
    AccountLine, AccountPage, AccountsPage, AdminSaid, Block, NewAccountPage, Note, Place, ServiceFields,
    Tab, Trouble, UsageFacts, UsageLine, gates_of,
};
use crate::page::{Step, field, route};
use crate::web::visit::Answer;
use crate::web::words::date_and_time_of;

const SMS: &str = "sms";
const EMAIL_NOTIFICATION: &str = "email_notification";

/// GET: the accounts one may see.
pub(super) async fn page(desk: Desk) -> Answer {
    let accounts = desk.accounts().await?;
    let lines = accounts.iter().map(|(account, depth)| line(account, *depth)).collect();
    let page = AccountsPage { frame: desk.frame, accounts: lines, note: desk.note };
    desk.visit.html(StatusCode::OK, page.html())
}

fn line(account: &ManagedAccount, depth: u8) -> AccountLine {
    AccountLine {
        id: account.id.to_string(),
        name: account.name.clone(),
        // The sheet knows four steps.
        depth: depth.min(4),
        blocked: account.blocked,
    }
}

/// GET: an account.
pub(super) async fn account(Path(text): Path<String>, desk: Desk) -> Answer {
    let Some(account) = id(&text).map(AccountId::from_uuid) else {
        return desk.not_found(Tab::Accounts);
    };
    let note = desk.note.clone();
    desk.show_account(account, StatusCode::OK, note, None).await
}

/// GET: the form for an account below another.
pub(super) async fn new_page(desk: Desk) -> Answer {
    let services = ServiceFields { period: "none".to_owned(), ..ServiceFields::default() };
    desk.new_account(StatusCode::OK, services, None).await
}

/// POST: creates an account below another.
pub(super) async fn create(desk: Desk) -> Answer {
    let Some(parent) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let typed = desk.services();
    let new = desk.properties().map(|(name, zone, services)| {
        services
            .into_iter()
            .fold(NewAccount::named(name).under(parent).in_zone(zone), |new, (name, service)| {
                new.with_service(name, service)
            })
    });
    let new = match new {
        Ok(new) => new,
        Err(note) => return desk.new_account(StatusCode::UNPROCESSABLE_ENTITY, typed, Some(note)).await,
    };
    match desk.manage().create_account(new).await {
        Ok(account) => desk.done(AdminSaid::AccountCreated, route::ADMIN_ACCOUNTS, account.id),
        Err(error) => {
            let (status, trouble) = desk.trouble(error)?;
            let note = Note::trouble(place_of(&trouble), trouble);
            desk.new_account(status, typed, Some(note)).await
        }
    }
}

/// POST: changes name, services and time zone.
pub(super) async fn change(desk: Desk) -> Answer {
    let Some(account) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let typed = desk.services();
    let change = desk.properties().map(|(name, zone, services)| {
        services
            .into_iter()
            .fold(AccountChange::default().name(name).time_zone(zone), |change, (name, service)| {
                change.service(name, service)
            })
    });
    let change = match change {
        Ok(change) => change,
        Err(note) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return desk.show_account(account, status, Some(note), Some(typed)).await;
        }
    };
    let result = desk.change_account(account, change).await;
    desk.account_answer(account, result.map(drop), AdminSaid::AccountSaved, Some(typed)).await
}

/// POST: blocks or unblocks an account.
pub(super) async fn block(desk: Desk) -> Answer {
    let Some(account) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let (blocked, said) = match desk.visit.field(field::ON) {
        "yes" => (true, AdminSaid::Blocked),
        "no" => (false, AdminSaid::Unblocked),
        _ => return desk.visit.redirect_to(route::ADMIN_ACCOUNTS, account),
    };
    let change = AccountChange::default().blocked(blocked);
    let result = desk.manage().change_account(account, &change).await;
    desk.account_answer(account, result.map(drop), said, None).await
}

fn place_of(trouble: &Trouble) -> Place {
    if matches!(trouble, Trouble::InvalidName) { Place::Name } else { Place::Form }
}

fn period_of(name: &str) -> Period {
    match name {
        "hour" => Period::Hour,
        "day" => Period::Day,
        "week" => Period::Week,
        "month" => Period::Month,
        _ => Period::None,
    }
}

fn name_of(period: Period) -> &'static str {
    match period {
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::None | _ => "none",
    }
}

type Properties = (String, TimeZone, Vec<(&'static str, Service)>);

impl Desk {
    /// What the form says about services, as it was typed.
    fn services(&self) -> ServiceFields {
        ServiceFields {
            sms: !self.visit.field(field::SMS).is_empty(),
            quota: self.typed(field::QUOTA),
            period: name_of(period_of(self.visit.field(field::PERIOD))).to_owned(),
            email_notification: !self.visit.field(field::EMAIL_NOTIFICATION).is_empty(),
        }
    }

    /// Name, time zone and services of the form.
    fn properties(&self) -> Result<Properties, Note> {
        let typed = self.services();
        let quota = match typed.quota.as_str() {
            "" => None,
            quota => Some(quota.parse().map_err(|_| Note::trouble(Place::Quota, Trouble::InvalidQuota))?),
        };
        let zone = TimeZone::parse(&self.typed(field::ZONE))
            .map_err(|_| Note::trouble(Place::Zone, Trouble::InvalidZone))?;
        let mut sms = Service::on(quota, period_of(&typed.period));
        sms.on = typed.sms;
        let mut mail = Service::on(None, Period::None);
        mail.on = typed.email_notification;
        Ok((self.typed(field::NAME), zone, vec![(SMS, sms), (EMAIL_NOTIFICATION, mail)]))
    }

    /// Changes an account; of the notices by mail the form switches nothing but whether they are on.
    async fn change_account(
        &self,
        id: AccountId,
        mut change: AccountChange,
    ) -> Result<ManagedAccount, Error> {
        let stored = self.manage().account(id).await?;
        if let (Some(asked), Some(stored)) =
            (change.services.get_mut(EMAIL_NOTIFICATION), stored.services.get(EMAIL_NOTIFICATION))
        {
            (asked.quota, asked.period) = (stored.quota, stored.period);
        }
        // Who may only name an account leaves its services as they are.
        if !stored.may.bill.is_allowed() {
            change.services.clear();
        }
        self.manage().change_account(id, &change).await
    }

    pub(super) async fn account_answer(
        self,
        account: AccountId,
        result: Result<(), Error>,
        said: AdminSaid,
        typed: Option<ServiceFields>,
    ) -> Answer {
        match result {
            Ok(()) => self.done(said, route::ADMIN_ACCOUNTS, account),
            Err(error) if is_stale(&error) => {
                self.ask_who_it_is(StatusCode::FORBIDDEN, Step::Password(None)).await
            }
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                self.not_found(Tab::Accounts)
            }
            Err(error) => {
                let (status, trouble) = self.trouble(error)?;
                let of_name = matches!(trouble, Trouble::InvalidName);
                let place = if of_name { Place::Name } else { said.place() };
                self.show_account(account, status, Some(Note::trouble(place, trouble)), typed).await
            }
        }
    }

    /// An account's page; `typed` is what its form was sent with.
    pub(super) async fn show_account(
        self,
        id: AccountId,
        status: StatusCode,
        note: Option<Note>,
        typed: Option<ServiceFields>,
    ) -> Answer {
        let read = async {
            let account = self.manage().account(id).await?;
            let below = self.manage().accounts(Some(id), Page { after: None, limit: 1000 }).await?;
            Ok((account, below, self.manage().usage(id).await?))
        };
        let (account, below, usage) = match Box::pin(read).await {
            Ok(read) => read,
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                return self.not_found(Tab::Accounts);
            }
            Err(error) => return Err(self.visit.end(error)),
        };
        let visible = self.accounts().await?;
        let parent = visible.iter().find(|(above, _)| Some(above.id) == account.parent);
        let block = match (account.blocked_by_hand, account.blocked) {
            (true, _) => Block::On,
            (false, true) => Block::Above,
            (false, false) => Block::Off,
        };
        let billing = self.billing(&account, note.as_ref()).await?;
        let (name, zone) = match &typed {
            Some(_) => (self.typed(field::NAME), self.typed(field::ZONE)),
            None => (account.name.clone(), account.time_zone.name().to_owned()),
        };
        let page = AccountPage {
            id: account.id.to_string(),
            parent: parent.map(|(above, _)| (above.id.to_string(), above.name.clone())),
            name,
            services: typed.unwrap_or_else(|| stored(&account)),
            zone,
            usage: facts(&usage, self.zone()),
            billing,
            block,
            below: below.iter().map(|account| line(account, 0)).collect(),
            gates: gates_of(&account.may.change),
            create_gates: gates_of(&account.may.create_account),
            rights: self.rights_form(account.rights.as_deref(), &account.may.manage_access),
            dialog: self.dialog.clone(),
            title: account.name,
            note,
            frame: self.frame,
        };
        self.visit.html(status, page.html())
    }

    async fn new_account(self, status: StatusCode, services: ServiceFields, note: Option<Note>) -> Answer {
        let Some(parent) = self.account() else { return self.not_found(Tab::Accounts) };
        let parent = match self.manage().account(parent).await {
            Ok(parent) => parent,
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
                return self.not_found(Tab::Accounts);
            }
            Err(error) => return Err(self.visit.end(error)),
        };
        let zone = match self.typed(field::ZONE) {
            zone if zone.is_empty() && note.is_none() => parent.time_zone.name().to_owned(),
            zone => zone,
        };
        let page = NewAccountPage {
            parent: (parent.id.to_string(), parent.name),
            name: self.typed(field::NAME),
            services,
            zone,
            note,
            frame: self.frame,
        };
        self.visit.html(status, page.html())
    }
}

/// What was used, told in the zone of who reads it.
fn facts(usage: &AccountUsage, zone: TimeZone) -> UsageFacts {
    let until = |at: Option<DateTime<Utc>>| at.map(|at| date_and_time_of(at, zone));
    let service =
        |usage: &Usage| UsageLine { used: usage.used, limit: usage.quota, until: until(usage.until) };
    let budget = usage.sms_budget;
    UsageFacts {
        sms: service(&usage.sms),
        sms_budget: UsageLine { used: budget.used, limit: Some(budget.limit), until: until(budget.until) },
        mails: service(&usage.email_notification),
    }
}

/// The services in the store, as the form shows them.
fn stored(account: &ManagedAccount) -> ServiceFields {
    let of = |name| account.services.get(name).copied().unwrap_or(Service::off());
    let sms = of(SMS);
    ServiceFields {
        sms: sms.on,
        quota: sms.quota.map(|quota| quota.to_string()).unwrap_or_default(),
        period: name_of(sms.period).to_owned(),
        email_notification: of(EMAIL_NOTIFICATION).on,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::admin::PERIODS;

    #[test]
    fn every_period_has_a_name_of_its_own() {
        for name in PERIODS {
            assert_eq!(name_of(period_of(name)), name);
        }
    }
}

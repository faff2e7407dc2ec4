//! Accounts: who there is, and what each may use.

use portcullis::Portcullis;
use portcullis::account::{DaysChange, Service};
use portcullis::id::AccountId;
use portcullis::manage::{AccountChange, ManagedAccount};
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use serde_json::json;
use uuid::Uuid;

use crate::args::{DayOptions, Every};
use crate::engine::Fault;
use crate::out::{Out, Row};

/// Accounts of one page.
const PAGE: u32 = 100;

pub(crate) async fn list(portcullis: &Portcullis, out: Out, below: Option<Uuid>) -> Result<(), Fault> {
    out.rows(all(portcullis, below).await?.iter().map(row).collect())
}

/// Every account, or every one below one.
pub(crate) async fn all(portcullis: &Portcullis, below: Option<Uuid>) -> Result<Vec<ManagedAccount>, Fault> {
    let (below, mut page) = (below.map(AccountId::from_uuid), Page { after: None, limit: PAGE });
    let mut all = Vec::new();
    loop {
        let some = portcullis.manage(Actor::Program).all_below(below, page).await?;
        all.extend(some.accounts);
        match some.next {
            Some(next) => page.after = Some(next.uuid()),
            None => return Ok(all),
        }
    }
}

/// What to switch.
pub(crate) struct Services<'a> {
    pub(crate) on: &'a [String],
    pub(crate) quota: Option<u32>,
    pub(crate) period: Every,
    pub(crate) off: &'a [String],
}

pub(crate) async fn services(
    portcullis: &Portcullis,
    out: Out,
    account: Uuid,
    services: Services<'_>,
) -> Result<(), Fault> {
    let on = Service::on(services.quota, services.period.into());
    let off = services.off.iter().map(|name| (name.clone(), Service::off()));
    let mut change = AccountChange::default();
    change.services = services.on.iter().map(|name| (name.clone(), on)).chain(off).collect();
    apply(portcullis, out, account, &change).await
}

pub(crate) async fn days(
    portcullis: &Portcullis,
    out: Out,
    account: Uuid,
    days: &DayOptions,
) -> Result<(), Fault> {
    let mut change = DaysChange::default();
    (change.left, change.minimum, change.counting) = (days.left, days.minimum, days.counting);
    apply(portcullis, out, account, &AccountChange::default().days(change)).await
}

pub(crate) async fn block(
    portcullis: &Portcullis,
    out: Out,
    account: Uuid,
    block: bool,
) -> Result<(), Fault> {
    if block {
        let found = portcullis.manage(Actor::Program).account(AccountId::from_uuid(account)).await?;
        out.confirm(&format!("everybody in {} and below is signed out", found.name))?;
    }
    apply(portcullis, out, account, &AccountChange::default().blocked(block)).await
}

async fn apply(portcullis: &Portcullis, out: Out, id: Uuid, change: &AccountChange) -> Result<(), Fault> {
    let changed = portcullis.manage(Actor::Program).change_account(AccountId::from_uuid(id), change).await?;
    out.one(row(&changed))
}

fn row(account: &ManagedAccount) -> Row {
    let services = account.in_force.iter().filter(|(_, service)| service.on).map(|(name, service)| {
        service.quota.map_or_else(|| name.clone(), |quota| format!("{name} ({quota})"))
    });
    vec![
        ("id", json!(account.id.uuid())),
        ("name", json!(account.name)),
        ("above", json!(account.parent.map(AccountId::uuid))),
        ("blocked", json!(account.blocked)),
        ("days", json!(account.days.left)),
        ("counting", json!(account.days.counting)),
        ("blocks_at", json!(account.blocks_at.map(|at| at.date_naive().to_string()))),
        ("services", json!(services.collect::<Vec<_>>())),
    ]
}

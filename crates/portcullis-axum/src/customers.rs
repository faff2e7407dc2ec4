//! Bodies of the requests about accounts.

use std::collections::BTreeMap;

use portcullis::account::{Balance, BalanceChange, DaysChange, NewAccount, Payment, Period, Service};
use portcullis::id::{AccountId, PaymentId};
use portcullis::manage::AccountChange;
use portcullis::port::store::Page;

use crate::Problem;
use crate::input::{Fields, unknown_field};
use crate::people::{invalid_query, time_zone};

/// Plans by name, each with its services.
type Plans = BTreeMap<String, BTreeMap<String, Service>>;

/// The services there are.
pub(crate) const SERVICES: [&str; 2] = ["sms", "email_notification"];

/// `POST /accounts`.
pub(crate) fn new_account(mut fields: Fields) -> Result<NewAccount, Problem> {
    fields.only(&[
        "name",
        "parent",
        "dealer",
        "plan",
        "services",
        "days",
        "balance",
        "blocked",
        "time_zone",
    ])?;
    let mut new = NewAccount::named(fields.text("name")?);
    new.parent = Some(AccountId::from_uuid(fields.id("parent")?));
    new.dealer = fields.optional_flag("dealer")?.unwrap_or(false);
    new.plan = fields.optional_text("plan")?;
    for (name, service) in services(&mut fields)? {
        // What follows the plan has no entry of its own.
        new.services.extend(service.map(|service| (name.to_owned(), service)));
    }
    new.days = days(&mut fields)?;
    new.balance = Balance::default().changed(balance(&mut fields)?);
    new.blocked = fields.optional_flag("blocked")?.unwrap_or(false);
    if let Some(zone) = time_zone(&mut fields)? {
        new.time_zone = zone;
    }
    Ok(new)
}

/// `PATCH /accounts/{id}`.
pub(crate) fn account_change(mut fields: Fields) -> Result<AccountChange, Problem> {
    fields.only(&[
        "name",
        "dealer",
        "plan",
        "plans",
        "services",
        "days",
        "balance",
        "blocked",
        "time_zone",
    ])?;
    let mut change = AccountChange::default();
    change.name = fields.optional_text("name")?;
    change.dealer = fields.optional_flag("dealer")?;
    change.plan = if fields.is_null("plan") { Some(None) } else { fields.optional_text("plan")?.map(Some) };
    change.plans = plans(&mut fields)?;
    for (name, service) in services(&mut fields)? {
        match service {
            Some(service) => drop(change.services.insert(name.to_owned(), service)),
            None => drop(change.by_plan.insert(name.to_owned())),
        }
    }
    change.days = days(&mut fields)?;
    change.balance = balance(&mut fields)?;
    change.blocked = fields.optional_flag("blocked")?;
    change.time_zone = time_zone(&mut fields)?;
    Ok(change)
}

/// `POST /accounts/{id}/payments`.
pub(crate) fn payment(mut fields: Fields) -> Result<Payment, Problem> {
    fields.only(&["id", "days", "amount", "comment"])?;
    let mut payment = Payment::new(fields.text("comment")?);
    payment.id = fields.optional_id("id")?.map(PaymentId::from_uuid);
    payment.days = fields.optional_whole("days")?.map_or(0, many);
    payment.amount = fields.optional_whole("amount")?.unwrap_or(0);
    Ok(payment)
}

/// The query of a list of payments, whose page has so many if none is asked for, and at most so many.
pub(crate) fn page(pairs: Vec<(String, String)>, usual: u32, longest: u32) -> Result<Page, Problem> {
    let mut page = Page { after: None, limit: usual };
    for (name, value) in pairs {
        match name.as_str() {
            "after" => page.after = Some(value.parse().map_err(|_| invalid_query("after"))?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=longest).contains(limit));
                page.limit = limit.ok_or_else(|| invalid_query("limit"))?;
            }
            _ => return Err(unknown_field(&name)),
        }
    }
    Ok(page)
}

/// The services that are named; `None` for one that is `null` and so follows the plan.
fn services(fields: &mut Fields) -> Result<Vec<(&'static str, Option<Service>)>, Problem> {
    let named = fields.object("services")?;
    named.map_or(Ok(Vec::new()), services_of).map_err(|problem| problem.within("services"))
}

fn services_of(mut named: Fields) -> Result<Vec<(&'static str, Option<Service>)>, Problem> {
    named.only(&SERVICES)?;
    let mut services = Vec::new();
    for name in SERVICES {
        if named.is_null(name) {
            services.push((name, None));
        } else if let Some(service) = named.object(name)? {
            services.push((name, Some(self::service(service)?)));
        }
    }
    Ok(services)
}

/// A service. Without a quota it is unlimited, without a period its quota is never counted anew.
fn service(mut fields: Fields) -> Result<Service, Problem> {
    fields.only(&["on", "quota", "period"])?;
    let mut service = Service::off();
    service.on = fields.flag("on")?;
    service.quota = fields.optional_number("quota")?;
    if let Some(name) = fields.optional_text("period")? {
        service.period = period(&name)?;
    }
    Ok(service)
}

fn period(name: &str) -> Result<Period, Problem> {
    Ok(match name {
        "none" => Period::None,
        "hour" => Period::Hour,
        "day" => Period::Day,
        "week" => Period::Week,
        "month" => Period::Month,
        _ => return Err(Problem::input("period", "invalid_period", "there is no period of this name")),
    })
}

/// All plans by name, each with its services.
fn plans(fields: &mut Fields) -> Result<Option<Plans>, Problem> {
    let read = |named: Fields| {
        let mut plans = Plans::new();
        for (name, services) in named.objects("plans")? {
            let services = services_of(services)?.into_iter();
            let named = services.filter_map(|(name, service)| Some((name.to_owned(), service?)));
            plans.insert(name, named.collect());
        }
        Ok(plans)
    };
    fields.object("plans")?.map(read).transpose().map_err(|problem: Problem| problem.within("plans"))
}

fn days(fields: &mut Fields) -> Result<DaysChange, Problem> {
    let read = |mut named: Fields| {
        named.only(&["left", "minimum", "counting"])?;
        let mut days = DaysChange::default();
        days.left = named.optional_whole("left")?.map(many);
        days.minimum = named.optional_whole("minimum")?.map(many);
        days.counting = named.optional_flag("counting")?;
        Ok(days)
    };
    let named = fields.object("days")?;
    named.map_or(Ok(DaysChange::default()), read).map_err(|problem: Problem| problem.within("days"))
}

/// So many days. What is beyond the type is beyond every counter, which is for the core to say.
fn many(days: i64) -> i32 {
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// A threshold that is `null` is none.
fn balance(fields: &mut Fields) -> Result<BalanceChange, Problem> {
    let read = |mut named: Fields| {
        named.only(&["amount", "block_below", "limit_below"])?;
        let mut threshold = |name| {
            let none = named.is_null(name);
            named.optional_whole(name).map(|least| if none { Some(None) } else { least.map(Some) })
        };
        let mut balance = BalanceChange::default();
        balance.block_below = threshold("block_below")?;
        balance.limit_below = threshold("limit_below")?;
        balance.amount = named.optional_whole("amount")?;
        Ok(balance)
    };
    let named = fields.object("balance")?;
    named.map_or(Ok(BalanceChange::default()), read).map_err(|problem: Problem| problem.within("balance"))
}

//! What an account has used, in the shapes of the contract.

use chrono::{DateTime, Utc};
use portcullis::account::Period;
use portcullis::spend::{AccountUsage, BudgetUsage, Usage};
use serde::Serialize;

/// `GET /accounts/{id}/usage`.
#[derive(Debug, Serialize)]
pub(crate) struct UsageView {
    sms: ServiceUsageView,
    email_notification: ServiceUsageView,
    sms_budget: BudgetView,
    sms_new_budget: BudgetView,
}

#[derive(Debug, Serialize)]
struct ServiceUsageView {
    used: u32,
    codes: u32,
    quota: Option<u32>,
    period: Period,
    until: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct BudgetView {
    used: u32,
    limit: u32,
    left: u32,
    until: Option<DateTime<Utc>>,
}

impl From<&AccountUsage> for UsageView {
    fn from(usage: &AccountUsage) -> Self {
        Self {
            sms: ServiceUsageView::from(&usage.sms),
            email_notification: ServiceUsageView::from(&usage.email_notification),
            sms_budget: BudgetView::from(&usage.sms_budget),
            sms_new_budget: BudgetView::from(&usage.sms_new_budget),
        }
    }
}

impl From<&Usage> for ServiceUsageView {
    fn from(usage: &Usage) -> Self {
        Self {
            used: usage.used,
            codes: usage.codes,
            quota: usage.quota,
            period: usage.period,
            until: usage.until,
        }
    }
}

impl From<&BudgetUsage> for BudgetView {
    fn from(budget: &BudgetUsage) -> Self {
        Self { used: budget.used, limit: budget.limit, left: budget.left(), until: budget.until }
    }
}

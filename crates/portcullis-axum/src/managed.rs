//! Users and accounts in the answers to administrators: no secret, and no whole address.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use portcullis::account::{RecordedPayment, Service};
use portcullis::manage::{Holder, ManagedAccount, ManagedUser, UserPage};
use serde::Serialize;
use uuid::Uuid;

use crate::answer::VerdictView;
use crate::people::FLAGS;

/// A user.
#[derive(Debug, Serialize)]
pub(crate) struct ManagedUserView {
    id: Uuid,
    login: String,
    account: Uuid,
    creator: Option<Uuid>,
    external_id: Option<String>,
    flags: BTreeMap<&'static str, bool>,
    blocked: bool,
    email: ManagedEmailView,
    password_set: bool,
    two_factor: MethodView,
    language: String,
    time_zone: &'static str,
    created_at: DateTime<Utc>,
    may: BTreeMap<&'static str, VerdictView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<HolderView>>,
}

/// Who holds rights on a user or an account.
#[derive(Debug, Serialize)]
struct HolderView {
    user: Uuid,
    login: Option<String>,
    rights: Vec<&'static str>,
}

fn holders(rights: Option<&Vec<Holder>>) -> Option<Vec<HolderView>> {
    let view = |holder: &Holder| HolderView {
        user: holder.user.uuid(),
        login: holder.login.as_ref().map(|login| login.as_str().to_owned()),
        rights: holder.rights.iter().map(|right| right.name()).collect(),
    };
    Some(rights?.iter().map(view).collect())
}

#[derive(Debug, Serialize)]
struct ManagedEmailView {
    address: Option<String>,
    confirmed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingView>,
}

#[derive(Debug, Serialize)]
struct PendingView {
    address: String,
}

#[derive(Debug, Serialize)]
struct MethodView {
    method: &'static str,
}

impl From<&ManagedUser> for ManagedUserView {
    fn from(user: &ManagedUser) -> Self {
        let mut flags: BTreeMap<_, _> =
            FLAGS.into_iter().map(|(name, flag)| (name, user.flags.has(flag))).collect();
        flags.insert("disabled", user.disabled);
        let may = &user.may;
        let may = [
            ("edit_flags", &may.edit_flags),
            ("change_settings", &may.change_settings),
            ("change_email", &may.change_email),
            ("end_sessions", &may.end_sessions),
            ("remove_two_factor", &may.remove_two_factor),
            ("send_recovery", &may.send_recovery),
            ("send_invitation", &may.send_invitation),
            ("manage_access", &may.manage_access),
            ("see_trail", &may.see_trail),
        ];
        let email = &user.email;
        Self {
            id: user.id.uuid(),
            login: user.login.as_str().to_owned(),
            account: user.account.uuid(),
            creator: user.creator.map(portcullis::id::UserId::uuid),
            external_id: user.external_id.clone(),
            flags,
            blocked: user.blocked,
            email: ManagedEmailView {
                address: email.confirmed.clone().or_else(|| email.pending.clone()),
                confirmed: email.confirmed.is_some(),
                pending: email.pending.clone().map(|address| PendingView { address }),
            },
            password_set: user.password_set,
            two_factor: MethodView { method: user.two_factor.name() },
            language: user.language.as_str().to_owned(),
            time_zone: user.time_zone.name(),
            created_at: user.created_at,
            may: may.into_iter().map(|(name, verdict)| (name, VerdictView::from(verdict))).collect(),
            rights: holders(user.rights.as_ref()),
        }
    }
}

/// A page of users.
#[derive(Debug, Serialize)]
pub(crate) struct UsersView {
    users: Vec<ManagedUserView>,
    next: Option<Uuid>,
}

impl From<&UserPage> for UsersView {
    fn from(page: &UserPage) -> Self {
        let users = page.users.iter().map(ManagedUserView::from).collect();
        Self { users, next: page.next.map(portcullis::id::UserId::uuid) }
    }
}

impl UsersView {
    /// Those users, and no more.
    pub(crate) fn only(user: Option<&ManagedUser>) -> Self {
        Self { users: user.into_iter().map(ManagedUserView::from).collect(), next: None }
    }
}

/// An account.
#[derive(Debug, Serialize)]
pub(crate) struct ManagedAccountView {
    id: Uuid,
    name: String,
    parent: Option<Uuid>,
    dealer: bool,
    plan: Option<String>,
    services: BTreeMap<String, Service>,
    in_force: BTreeMap<String, Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plans: Option<BTreeMap<String, BTreeMap<String, Service>>>,
    days: DaysView,
    balance: BalanceView,
    blocked: bool,
    blocked_by_hand: bool,
    blocks_at: Option<DateTime<Utc>>,
    days_left: Option<u32>,
    time_zone: &'static str,
    created_at: DateTime<Utc>,
    may: BTreeMap<&'static str, VerdictView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<HolderView>>,
}

#[derive(Debug, Serialize)]
struct DaysView {
    left: i32,
    minimum: i32,
    counting: bool,
}

#[derive(Debug, Serialize)]
struct BalanceView {
    amount: i64,
    block_below: Option<i64>,
    limit_below: Option<i64>,
}

impl From<&ManagedAccount> for ManagedAccountView {
    fn from(account: &ManagedAccount) -> Self {
        let may = &account.may;
        let may = [
            ("change", &may.change),
            ("bill", &may.bill),
            ("create_user", &may.create_user),
            ("create_account", &may.create_account),
            ("manage_access", &may.manage_access),
        ];
        let (days, balance) = (account.days, account.balance);
        Self {
            id: account.id.uuid(),
            name: account.name.clone(),
            parent: account.parent.map(portcullis::id::AccountId::uuid),
            dealer: account.dealer,
            plan: account.plan.clone(),
            services: account.services.clone(),
            in_force: account.in_force.clone(),
            // Only a top account has any.
            plans: account.parent.is_none().then(|| account.plans.clone()),
            days: DaysView { left: days.left, minimum: days.minimum, counting: days.counting },
            balance: BalanceView {
                amount: balance.amount,
                block_below: balance.block_below,
                limit_below: balance.limit_below,
            },
            blocked: account.blocked,
            blocked_by_hand: account.blocked_by_hand,
            blocks_at: account.blocks_at,
            days_left: account.days_left,
            time_zone: account.time_zone.name(),
            created_at: account.created_at,
            may: may.into_iter().map(|(name, verdict)| (name, VerdictView::from(verdict))).collect(),
            rights: holders(account.rights.as_ref()),
        }
    }
}

/// A page of the payments of an account.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentsView {
    payments: Vec<PaymentView>,
    next: Option<Uuid>,
}

#[derive(Debug, Serialize)]
struct PaymentView {
    id: Uuid,
    at: DateTime<Utc>,
    days: i32,
    amount: i64,
    comment: String,
    by: Option<Uuid>,
}

impl PaymentsView {
    /// A page of at most `limit` payments; `next` is where the following page starts, if there may be one.
    pub(crate) fn of(payments: &[RecordedPayment], limit: u32) -> Self {
        let full = u32::try_from(payments.len()).is_ok_and(|length| length >= limit);
        let view = |payment: &RecordedPayment| PaymentView {
            id: payment.id.uuid(),
            at: payment.at,
            days: payment.days,
            amount: payment.amount,
            comment: payment.comment.clone(),
            by: payment.by.map(portcullis::id::UserId::uuid),
        };
        Self {
            payments: payments.iter().map(view).collect(),
            next: payments.last().filter(|_| full).map(|payment| payment.id.uuid()),
        }
    }
}

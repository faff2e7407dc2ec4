//! Users and accounts in the answers to administrators: no secret, and no whole address.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use portcullis::account::Service;
use portcullis::manage::{ManagedAccount, ManagedUser, UserPage};
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
    parent: Option<Uuid>,
    name: String,
    services: BTreeMap<String, Service>,
    blocked: bool,
    blocked_by_hand: bool,
    time_zone: &'static str,
    created_at: DateTime<Utc>,
    may: BTreeMap<&'static str, VerdictView>,
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
        Self {
            id: account.id.uuid(),
            parent: account.parent.map(portcullis::id::AccountId::uuid),
            name: account.name.clone(),
            services: account.services.clone(),
            blocked: account.blocked,
            blocked_by_hand: account.blocked_by_hand,
            time_zone: account.time_zone.name(),
            created_at: account.created_at,
            may: may.into_iter().map(|(name, verdict)| (name, VerdictView::from(verdict))).collect(),
        }
    }
}

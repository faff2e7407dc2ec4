//! When a user may be created, and what bumps the credential version.

use chrono::{DateTime, Utc};

use super::model::{ConfirmedEmail, Method, NewUser, User};
use crate::account::Account;
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::{AccountId, UserId};
use crate::policy::Policy;

/// Makes a user in an account.
pub(crate) fn create(
    new: &NewUser,
    id: UserId,
    account: Option<&Stored<Account>>,
    creator: Option<&Stored<User>>,
    existing: Option<&Stored<User>>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<User> {
    if let Some(existing) = existing {
        let same = existing.value.login == new.login && existing.value.account == new.account;
        return if same {
            Decision::yes(existing.value.clone(), Changes::none())
        } else {
            Decision::no(Reason::InUse.into(), Changes::none())
        };
    }
    let Some(account) = account else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    if new.creator.is_some() && creator.is_none() {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    }
    let creators: Vec<UserId> = creator
        .map(|creator| {
            std::iter::once(creator.value.id).chain(creator.value.creators.iter().copied()).collect()
        })
        .unwrap_or_default();
    if creators.len() > usize::try_from(policy.chain_longest).unwrap_or(usize::MAX) {
        return Decision::no(Reason::NotAllowed.into(), Changes::none());
    }
    let ancestors: Vec<AccountId> = account.value.ancestors.clone();
    let user = User {
        v: Schema::default(),
        id,
        tenant: account.value.tenant,
        account: account.value.id,
        ancestors,
        creators,
        login: new.login.clone(),
        external_id: new.external_id.clone(),
        password: new.password.clone(),
        password_changed_at: new.password.is_some().then_some(now),
        long_enough_alone: new.password.is_some() && new.long_enough_alone,
        email: new.confirmed_email.clone().map(|address| ConfirmedEmail {
            address,
            confirmed_at: now,
            unique: policy.email_unique,
        }),
        pending_email: None,
        two_factor: Method::None,
        pending_two_factor: None,
        flags: new.flags.clone(),
        disabled: false,
        credential_version: 1,
        language: new.language.clone(),
        time_zone: new.time_zone.unwrap_or(account.value.time_zone),
        rights: std::collections::BTreeMap::new(),
        created_at: now,
    };
    let mut changes = Changes::none();
    changes.insert(&user);
    changes.guard(account);
    changes.event(Event::of("user_created", user.tenant.uuid(), id.uuid()).by(new.creator.map(UserId::uuid)));
    Decision::yes(user, changes)
}

/// Marks every session, challenge and remembered browser that relied on the old credentials as dead, and drops what
/// was pending under them.
// INVARIANT: every change of password, address, factor or `disabled` goes through here.
pub(crate) fn bump_credentials(user: &mut User) {
    user.credential_version += 1;
    user.pending_email = None;
    user.pending_two_factor = None;
}

/// Checks an id given by another system.
pub(crate) fn check_external_id(external_id: Option<&str>) -> Result<(), InputError> {
    match external_id {
        Some(id) if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) => {
            Err(InputError::new(
                "external_id",
                "invalid_external_id",
                "an external id has 1 to 200 bytes and no control characters",
            ))
        }
        Some(_) | None => Ok(()),
    }
}

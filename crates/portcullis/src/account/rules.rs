//! What follows from a chain of accounts.

use chrono::{DateTime, Utc};

use super::model::{Account, NewAccount};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::AccountId;

/// A user's account and those above it, nearest first, as read in one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Chain(pub(crate) Vec<Stored<Account>>);

impl Chain {
    /// Blocked is who has a blocked account above him.
    pub(crate) fn blocked(&self) -> bool {
        self.0.iter().any(|account| account.value.blocked)
    }

    /// Whether something begun at `since` died when a block was lifted.
    pub(crate) fn voids(&self, since: DateTime<Utc>) -> bool {
        self.0.iter().any(|account| account.value.void_before.is_some_and(|void| since < void))
    }

    /// Pins the chain: a block that commits first is seen, a later one waits.
    pub(crate) fn guard(&self, changes: &mut Changes) {
        for account in &self.0 {
            changes.guard(account);
        }
    }
}

/// Makes an account under its parent.
pub(crate) fn create(
    new: &NewAccount,
    id: AccountId,
    parent: Option<&Stored<Account>>,
    existing: Option<&Stored<Account>>,
    longest: u32,
    now: DateTime<Utc>,
) -> Decision<Account> {
    if let Some(existing) = existing {
        let same = existing.value.ancestors.first().copied() == new.parent && existing.value.name == new.name;
        return if same {
            Decision::yes(existing.value.clone(), Changes::none())
        } else {
            Decision::no(Reason::InUse.into(), Changes::none())
        };
    }
    if new.parent.is_some() && parent.is_none() {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    }
    let ancestors: Vec<AccountId> = parent
        .map(|parent| {
            std::iter::once(parent.value.id).chain(parent.value.ancestors.iter().copied()).collect()
        })
        .unwrap_or_default();
    if ancestors.len() > usize::try_from(longest).unwrap_or(usize::MAX) {
        return Decision::no(Reason::NotAllowed.into(), Changes::none());
    }
    let account = Account {
        v: Schema::default(),
        id,
        tenant: parent.map_or(id, |parent| parent.value.tenant),
        ancestors,
        name: new.name.clone(),
        services: new.services.clone(),
        blocked: false,
        void_before: None,
        time_zone: new.time_zone,
        rights: std::collections::BTreeMap::new(),
        created_at: now,
    };
    let mut changes = Changes::none();
    changes.insert(&account);
    if let Some(parent) = parent {
        changes.guard(parent);
    }
    changes.event(Event::of("account_created", account.tenant.uuid(), id.uuid()));
    Decision::yes(account, changes)
}

/// Blocks an account by hand, or lifts that block; lifting voids what was begun before.
pub(crate) fn set_blocked(account: Stored<Account>, blocked: bool, now: DateTime<Utc>) -> Decision<Account> {
    let mut account = account;
    if account.value.blocked == blocked {
        return Decision::yes(account.value, Changes::none());
    }
    account.value.blocked = blocked;
    if !blocked {
        account.value.void_before = Some(now);
    }
    let mut changes = Changes::none();
    changes.put(&account);
    let action = if blocked { "account_blocked" } else { "account_unblocked" };
    changes.event(Event::of(action, account.value.tenant.uuid(), account.value.id.uuid()));
    Decision::yes(account.value, changes)
}

/// Checks the name of an account.
pub(crate) fn check_name(name: &str) -> Result<(), InputError> {
    let fits = !name.trim().is_empty() && name.len() <= 400 && name.chars().count() <= 100;
    if fits && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InputError::new(
            "name",
            "invalid_name",
            "a name has 1 to 100 characters and no control characters",
        ))
    }
}

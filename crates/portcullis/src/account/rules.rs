//! What follows from a chain of accounts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{Account, NewAccount};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::AccountId;
use crate::port::store::{Counter, CounterOp, Window};

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

/// Counts the top accounts that were made, under whichever keys.
pub(crate) const fn tops() -> Counter {
    Counter::of(Uuid::nil(), "top_accounts")
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
    let tenant = parent.map_or(id, |parent| parent.value.tenant);
    let account = fresh(new, id, tenant, ancestors, now);
    let mut changes = Changes::none();
    changes.insert(&account);
    match parent {
        Some(parent) => changes.guard(parent),
        // INVARIANT: a bootstrap under way finds it counted.
        None => changes.count(tops(), CounterOp::Add { n: 1, limit: u32::MAX, window: Window::None }),
    };
    changes.event(Event::of("account_created", account.tenant.uuid(), id.uuid()));
    Decision::yes(account, changes)
}

/// An account that is not stored yet.
pub(crate) fn fresh(
    new: &NewAccount,
    id: AccountId,
    tenant: AccountId,
    ancestors: Vec<AccountId>,
    now: DateTime<Utc>,
) -> Account {
    Account {
        v: Schema::default(),
        id,
        tenant,
        ancestors,
        name: new.name.clone(),
        services: new.services.clone(),
        blocked: false,
        void_before: None,
        time_zone: new.time_zone,
        rights: std::collections::BTreeMap::new(),
        created_at: now,
    }
}

/// Blocks an account by hand, or lifts that block; lifting voids what was begun before.
pub(crate) fn set_blocked(account: Stored<Account>, blocked: bool, now: DateTime<Utc>) -> Decision<Account> {
    let mut account = account;
    let Some(action) = block(&mut account.value, blocked, now) else {
        return Decision::yes(account.value, Changes::none());
    };
    let mut changes = Changes::none();
    changes.put(&account);
    changes.event(Event::of(action, account.value.tenant.uuid(), account.value.id.uuid()));
    Decision::yes(account.value, changes)
}

/// Sets the block by hand; gives what happened, if something did.
pub(crate) fn block(account: &mut Account, blocked: bool, now: DateTime<Utc>) -> Option<&'static str> {
    if account.blocked == blocked {
        return None;
    }
    account.blocked = blocked;
    if blocked {
        return Some("account_blocked");
    }
    // INVARIANT: what was void once stays void, also if the clock stepped back between two blocks.
    account.void_before = account.void_before.max(Some(now));
    Some("account_unblocked")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::policy::Policy;

    fn made(
        new: &NewAccount,
        parent: Option<&Stored<Account>>,
        existing: Option<&Stored<Account>>,
    ) -> Decision<Account> {
        let longest = Policy::default().chain_longest;
        create(new, AccountId::from_uuid(uuid(9)), parent, existing, longest, began())
    }

    #[test]
    fn one_blocked_account_blocks_everything_below() {
        let top = account(1);
        let (mut middle, low) = (under(&top, 2), account(3));
        assert!(!chain([&low, &middle, &top]).blocked());
        middle.blocked = true;
        assert!(chain([&low, &middle, &top]).blocked());
    }

    #[test]
    fn lifting_a_block_voids_what_was_begun_before_it() {
        let mut blocked = account(1);
        blocked.blocked = true;
        let lifted = set_blocked(stored(blocked), false, began()).reply.unwrap();
        assert_eq!((lifted.blocked, lifted.void_before), (false, Some(began())));
        let chain = chain([&account(3), &lifted]);
        assert!(chain.voids(began() - TICK), "from anywhere above");
        assert!(!chain.voids(began()));
    }

    #[test]
    fn what_is_void_stays_void_when_the_clock_steps_back() {
        let mut blocked = account(1);
        (blocked.blocked, blocked.void_before) = (true, Some(began()));
        let lifted = set_blocked(stored(blocked), false, began() - TICK).reply.unwrap();
        assert_eq!(lifted.void_before, Some(began()));
    }

    #[test]
    fn blocking_voids_nothing_yet_and_is_told_once() {
        let decision = set_blocked(stored(account(1)), true, began());
        assert_eq!(trail(&decision.changes), ["account_blocked: -"]);
        let blocked = decision.reply.unwrap();
        assert_eq!((blocked.blocked, blocked.void_before), (true, None));
        assert!(set_blocked(stored(blocked), true, began()).changes.is_empty(), "it is so already");
    }

    #[test]
    fn an_account_belongs_to_the_tenant_of_its_parent_which_is_pinned() {
        let top = account(1);
        let parent = stored(under(&top, 2));
        let decision = made(&NewAccount::named("low").under(parent.value.id), Some(&parent), None);
        assert_eq!(touched(&decision.changes), [uuid(9), uuid(2)]);
        let low = decision.reply.as_ref().unwrap();
        assert_eq!((low.tenant, &low.ancestors), (top.id, &vec![parent.value.id, top.id]));
        assert!(steps(&decision.changes).is_empty());
        let top = made(&NewAccount::named("top"), None, None);
        assert_eq!(
            steps(&top.changes),
            ["top_accounts add 1 to 4294967295"],
            "a bootstrap under way is told"
        );
        let top = top.reply.unwrap();
        assert_eq!((top.tenant, top.ancestors), (top.id, Vec::new()));
    }

    #[test]
    fn an_account_is_at_most_16_deep() {
        let mut parent = account(1);
        for n in 2..=16 {
            parent = under(&parent, n);
        }
        assert_eq!(parent.ancestors.len(), 15);
        let new = NewAccount::named("low").under(parent.id);
        assert_eq!(made(&new, Some(&stored(parent.clone())), None).reply.unwrap().ancestors.len(), 16);
        let parent = under(&parent, 17);
        let refused = made(&NewAccount::named("low").under(parent.id), Some(&stored(parent)), None);
        assert_eq!(refused.reply.unwrap_err().reason(), Reason::NotAllowed);
    }

    #[test]
    fn the_same_creation_again_changes_nothing() {
        let new = NewAccount::named("account 9");
        let existing = stored(account(9));
        let again = made(&new, None, Some(&existing));
        assert!(again.changes.is_empty() && again.reply.is_ok());
        for other in [NewAccount::named("other"), NewAccount::named("account 9").under(account(1).id)] {
            let refused = made(&other, Some(&stored(account(1))), Some(&existing));
            assert_eq!(refused.reply.unwrap_err().reason(), Reason::InUse);
        }
        let orphan = made(&NewAccount::named("low").under(account(1).id), None, None);
        assert_eq!(orphan.reply.unwrap_err().reason(), Reason::NotFound);
    }

    #[test]
    fn a_name_has_1_to_100_characters() {
        assert!(check_name(&"ä".repeat(100)).is_ok());
        for name in ["", " ", "a\nb", &"a".repeat(101)] {
            assert_eq!(check_name(name).unwrap_err().code(), "invalid_name", "{name:?}");
        }
    }
}

//! Who may be let have which rights on what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::model::{AccessRight, Gate};
use super::rules::{Action, Who, allow_on_account, allow_on_user, pin, refuse};
use crate::account::Account;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::id::UserId;
use crate::user::User;

/// Rights held on one item, by whom.
type Held = BTreeMap<UserId, BTreeSet<AccessRight>>;

/// Who is to have exactly these rights.
#[derive(Clone, Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) to: UserId,
    pub(crate) rights: &'a BTreeSet<AccessRight>,
    /// That user with his accounts, if there is one.
    pub(crate) found: Option<(Stored<User>, Chain)>,
    /// How many may hold rights on one item.
    pub(crate) most: u32,
    /// When it is asked for.
    pub(crate) now: DateTime<Utc>,
}

impl Grant<'_> {
    /// Giving a right takes a fresh sign-in: whoever took a session over must not leave himself another way in. Taking
    /// one away does not.
    fn fresh(&self, who: Who<'_>, held: &Held) -> Result<(), Refusal> {
        let adds = held.get(&self.to).map_or(!self.rights.is_empty(), |held| !self.rights.is_subset(held));
        if adds { who.fresh(self.now) } else { Ok(()) }
    }

    /// Whether its user may be let have something. Who holds something already may be changed and revoked, whatever
    /// became of him; anybody else must be one whom the actor may see.
    fn check(&self, who: Who<'_>, held: &Held) -> Result<(), Refusal> {
        if held.contains_key(&self.to) {
            return Ok(());
        }
        let Some((user, chain)) = &self.found else {
            return Err(Reason::NotFound.into());
        };
        allow_on_user(who, &Action::SeeUser, &user.value, chain)?;
        let room = u32::try_from(held.len()).is_ok_and(|held| held < self.most);
        if room || self.rights.is_empty() { Ok(()) } else { Err(Refusal::not_allowed(vec![Gate::Policy])) }
    }

    /// The rights that are taken away: as with those that are given, it takes each of them to do so.
    fn taken(&self, held: &Held) -> BTreeSet<AccessRight> {
        let before = held.get(&self.to).cloned().unwrap_or_default();
        before.difference(self.rights).copied().collect()
    }

    fn set(&self, held: &mut Held) {
        if self.rights.is_empty() {
            held.remove(&self.to);
        } else {
            held.insert(self.to, self.rights.clone());
        }
    }

    /// Pins what the check rested on.
    fn pin(&self, who: Who<'_>, changes: &mut Changes) {
        if let (Who::User(_), Some((user, chain))) = (who, &self.found) {
            pin(user, changes);
            for account in &chain.0 {
                pin(account, changes);
            }
        }
    }
}

/// Lets somebody have exactly these rights on a user.
pub(crate) fn on_user(who: Who<'_>, target: &Stored<User>, chain: &Chain, grant: &Grant<'_>) -> Decision<()> {
    let (tenant, id) = (target.value.tenant.uuid(), target.value.id.uuid());
    let (given, taken) = (grant.rights.clone(), grant.taken(&target.value.rights));
    let allowed = allow_on_user(who, &Action::GrantOnUser(given), &target.value, chain)
        .and_then(|()| allow_on_user(who, &Action::GrantOnUser(taken), &target.value, chain))
        .and_then(|()| grant.fresh(who, &target.value.rights))
        .and_then(|()| grant.check(who, &target.value.rights));
    if let Err(refusal) = allowed {
        return refuse(who, tenant, id, refusal);
    }
    let mut user = target.clone();
    grant.set(&mut user.value.rights);
    let mut changes = Changes::none();
    changes.put(&user);
    who.pin(chain, &mut changes);
    grant.pin(who, &mut changes);
    changes.event(Event::of("rights_changed", tenant, id).by(who.id()).about(grant.to.uuid()));
    Decision::yes((), changes)
}

/// Lets somebody have exactly these rights on an account; `chain` holds it and those above it.
pub(crate) fn on_account(
    who: Who<'_>,
    target: &Stored<Account>,
    chain: &Chain,
    grant: &Grant<'_>,
) -> Decision<()> {
    let (tenant, id) = (target.value.tenant.uuid(), target.value.id.uuid());
    let (given, taken) = (grant.rights.clone(), grant.taken(&target.value.rights));
    let allowed = allow_on_account(who, &Action::GrantOnAccount(given), &target.value, chain)
        .and_then(|()| allow_on_account(who, &Action::GrantOnAccount(taken), &target.value, chain))
        .and_then(|()| grant.fresh(who, &target.value.rights))
        .and_then(|()| grant.check(who, &target.value.rights));
    if let Err(refusal) = allowed {
        return refuse(who, tenant, id, refusal);
    }
    let mut account = target.clone();
    grant.set(&mut account.value.rights);
    let mut changes = Changes::none();
    changes.put(&account);
    who.pin(chain, &mut changes);
    grant.pin(who, &mut changes);
    changes.event(Event::of("rights_changed", tenant, id).by(who.id()).about(grant.to.uuid()));
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::session::model::Acting;

    /// Admin, who manages the account, and whoever the account's rights name beside him.
    fn office(others: u128) -> (Account, Acting) {
        let mut account = account(1);
        let admin = user(2, &account);
        account.rights.insert(admin.id, rights([AccessRight::ManageAccount]));
        for n in 0..others {
            account.rights.insert(UserId::from_uuid(uuid(100 + n)), rights([AccessRight::View]));
        }
        (account.clone(), acting_as(&admin, &account))
    }

    fn granted(others: u128, to: u128, found: Option<&User>, names: &[AccessRight]) -> Decision<()> {
        let (account, acting) = office(others);
        let rights = names.iter().copied().collect();
        let found = found.map(|user| (stored(user.clone()), chain([&account])));
        let grant = Grant { to: UserId::from_uuid(uuid(to)), rights: &rights, found, most: 5, now: began() };
        on_account(Who::User(&acting), &stored(account.clone()), &chain([&account]), &grant)
    }

    #[test]
    fn a_right_goes_to_who_is_seen_and_to_nobody_else() {
        let (account, acting) = office(0);
        let view = &[AccessRight::View][..];
        let mut bob = user(3, &account);
        assert_eq!(granted(0, 3, Some(&bob), view).reply, Ok(()));
        let unknown = granted(0, 3, None, view);
        assert_eq!(trail(&unknown.changes), ["change_refused: not_found"]);
        assert_eq!(unknown.reply.unwrap_err().reason(), Reason::NotFound);
        bob.tenant = crate::fixture::account(9).id;
        let foreign = granted(0, 3, Some(&bob), view);
        assert_eq!(trail(&foreign.changes), ["change_refused: not_found"]);
        assert_eq!(granted(0, 2, Some(&acting.user.value), view).reply, Ok(()), "oneself is seen");
    }

    #[test]
    fn who_holds_something_is_revoked_whatever_became_of_him() {
        let decision = granted(1, 100, None, &[]);
        assert_eq!(decision.reply, Ok(()));
        let kept: Account = written(&decision.changes, uuid(1)).unwrap();
        assert!(!kept.rights.contains_key(&UserId::from_uuid(uuid(100))));
    }

    #[test]
    fn nobody_takes_away_a_right_he_lacks() {
        let (mut account, _) = office(0);
        let clerk = user(4, &account);
        let clerks = [AccessRight::View, AccessRight::ManageAccess];
        account.rights.insert(clerk.id, rights(clerks));
        let acting = acting_as(&clerk, &account);
        let admin = UserId::from_uuid(uuid(2));
        let set = |names: &BTreeSet<AccessRight>| {
            let grant = Grant { to: admin, rights: names, found: None, most: 5, now: began() };
            on_account(Who::User(&acting), &stored(account.clone()), &chain([&account]), &grant).reply
        };
        let stripped = set(&BTreeSet::new()).unwrap_err();
        assert_eq!(stripped.missing(), [Gate::Right(AccessRight::ManageAccount)]);
        let lowered = set(&rights([AccessRight::View])).unwrap_err();
        assert_eq!(lowered.missing(), [Gate::Right(AccessRight::ManageAccount)]);
    }

    #[test]
    fn so_many_hold_rights_on_one_item_and_no_more() {
        let bob = user(3, &account(1));
        let view = &[AccessRight::View][..];
        assert_eq!(granted(3, 3, Some(&bob), view).reply, Ok(()), "the fifth");
        let full = granted(4, 3, Some(&bob), view).reply.unwrap_err();
        assert_eq!(full.missing(), [Gate::Policy], "the sixth");
        assert_eq!(
            granted(4, 100, None, &[AccessRight::View, AccessRight::Delete]).reply,
            Ok(()),
            "a change"
        );
        assert_eq!(granted(4, 3, Some(&bob), &[]).reply, Ok(()), "nothing is no more");
    }

    #[test]
    fn giving_a_right_takes_a_fresh_sign_in_and_taking_one_does_not() {
        let (account, acting) = office(1);
        let stale = acting.session.value.fresh_until;
        let bob = user(3, &account);
        let set = |to: u128, names: &[AccessRight], now| {
            let names = names.iter().copied().collect();
            let found = Some((stored(bob.clone()), chain([&account])));
            let grant = Grant { to: UserId::from_uuid(uuid(to)), rights: &names, found, most: 5, now };
            let decision =
                on_account(Who::User(&acting), &stored(account.clone()), &chain([&account]), &grant);
            decision.reply.map_err(|refusal| refusal.reason())
        };
        let (view, more) = ([AccessRight::View], [AccessRight::View, AccessRight::Delete]);
        assert_eq!(set(3, &view, stale - TICK), Ok(()));
        assert_eq!(set(3, &view, stale), Err(Reason::StaleSignIn), "a first right");
        assert_eq!(set(100, &more, stale), Err(Reason::StaleSignIn), "one more");
        assert_eq!(set(100, &view, stale), Ok(()), "what he has");
        assert_eq!(set(100, &[], stale), Ok(()), "none");
        assert_eq!(set(3, &[], stale), Ok(()), "none to who has none");
    }

    #[test]
    fn a_grant_pins_who_gets_it() {
        let bob = user(3, &account(1));
        let decision = granted(0, 3, Some(&bob), &[AccessRight::View]);
        assert_eq!(touched(&decision.changes), [uuid(1), uuid(900), uuid(2), uuid(3)]);
    }
}

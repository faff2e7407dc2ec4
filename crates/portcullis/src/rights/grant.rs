//! Who may be let have which rights on what.

use std::collections::{BTreeMap, BTreeSet};

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
}

impl Grant<'_> {
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
    let action = Action::GrantOnUser(grant.rights.clone());
    let allowed = allow_on_user(who, &action, &target.value, chain)
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
    let action = Action::GrantOnAccount(grant.rights.clone());
    let allowed = allow_on_account(who, &action, &target.value, chain)
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

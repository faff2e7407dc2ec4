//! Who holds rights on a user or an account, as who may let others have some sees it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::model::Holder;
use super::rules::lists;
use crate::engine::Engine;
use crate::error::Error;
use crate::id::UserId;
use crate::port::store::Start;
use crate::rights::flow::starts;
use crate::rights::rules::Who;
use crate::rights::{AccessRight, Actor, Verdict};
use crate::user::User;

/// Who holds rights directly on an item, not named yet; `None` to who may let nobody have any.
pub(super) fn holders(
    rights: &BTreeMap<UserId, BTreeSet<AccessRight>>,
    manage_access: &Verdict,
) -> Option<Vec<Holder>> {
    let holder = |(user, rights): (&UserId, &BTreeSet<AccessRight>)| Holder {
        user: *user,
        login: None,
        rights: rights.clone(),
    };
    manage_access.is_allowed().then(|| rights.iter().map(holder).collect())
}

impl Engine {
    /// Names those holders by their logins whom an actor may see. There are no more on an item than the policy's
    /// `grants_per_item`.
    // INVARIANT: that somebody has rights on what one manages shows no login: one without a right on him knows his id.
    pub(super) async fn name(&self, actor: Actor, holders: Option<&mut Vec<Holder>>) -> Result<(), Error> {
        let Some(holders) = holders.filter(|holders| !holders.is_empty()) else {
            return Ok(());
        };
        let mut starts = starts(actor, Uuid::nil());
        starts.extend(holders.iter().map(|holder| Start::Id(holder.user.uuid())));
        let view = self.read(&self.look(), starts, Vec::new()).await?;
        // Who has meanwhile signed out sees nobody.
        let Ok(acting) = Self::actor(&view, actor)? else {
            return Ok(());
        };
        let who = acting.as_ref().map_or(Who::Program, Who::User);
        for holder in holders {
            let Some(user) = view.record::<User>(holder.user.uuid())? else { continue };
            if lists(who, &user.value, &view.chain(&user.value)?) {
                holder.login = Some(user.value.login);
            }
        }
        Ok(())
    }
}

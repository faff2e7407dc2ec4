//! Who holds rights on a user or an account, as who may let others have some sees it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Holder;
use crate::engine::Engine;
use crate::error::Error;
use crate::id::UserId;
use crate::port::store::Start;
use crate::rights::{AccessRight, Verdict};
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
    /// Names holders by their logins. There are no more on an item than the policy's `grants_per_item`.
    pub(super) async fn name(&self, holders: Option<&mut Vec<Holder>>) -> Result<(), Error> {
        let Some(holders) = holders.filter(|holders| !holders.is_empty()) else {
            return Ok(());
        };
        let starts = holders.iter().map(|holder| Start::Id(holder.user.uuid())).collect();
        let view = self.read(&self.look(), starts, Vec::new()).await?;
        for holder in holders {
            let user = view.record::<User>(holder.user.uuid())?;
            holder.login = user.map(|user| user.value.login);
        }
        Ok(())
    }
}

//! A verdict to be asked again and again: what one costs when everything it rests on is read.

use crate::account::rules::Chain;
use crate::decision::Stored;
use crate::error::Error;
use crate::rights::{AccessRight, Action, Actor, Verdict, rules};
use crate::testing::World;
use crate::user::{Flags, User};

/// Two users and the accounts above one of them, as they were read.
#[derive(Debug)]
pub struct Judge {
    actor: User,
    target: User,
    chain: Chain,
}

impl Judge {
    /// Makes an administrator who may edit the flags of a user two accounts below the top.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn new() -> Result<Self, Error> {
        let w = World::new();
        let top = w.account("top").await?;
        let mut below = crate::account::NewAccount::named("below");
        below.parent = Some(top.id);
        let below = w.security.accounts().create(below).await?;
        let admin = w.user(&top, "admin", None).await?;
        let bob = w.user(&below, "bob", None).await?;
        let rights = [AccessRight::View, AccessRight::EditFlags].into_iter().collect();
        w.security.rights().grant_on_user(Actor::Program, bob.id, admin.id, &rights).await?;
        let target = w.security.users().get(bob.id).await?;
        let chain = [below, top].map(|account| Stored::new(account, 1, String::new()));
        Ok(Self { actor: admin, target, chain: Chain(chain.into()) })
    }

    /// May the administrator switch everything on for the user?
    pub fn judge(&self) -> Verdict {
        rules::on_user(&self.actor, &Action::SetFlags(Flags::all()), &self.target, &self.chain)
    }

    /// May the user do the same to the administrator? He lacks every right.
    pub fn judge_the_other_way(&self) -> Verdict {
        rules::on_user(&self.target, &Action::SetFlags(Flags::all()), &self.actor, &self.chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_administrator_may_and_the_user_may_not() {
        let judge = Judge::new().await.unwrap();
        assert_eq!(judge.judge().missing(), []);
        assert!(!judge.judge_the_other_way().missing().is_empty());
    }
}

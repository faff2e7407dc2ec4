//! Rights taken away while they are used.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kit::{Kit, at_once, must, word};
use crate::account::Account;
use crate::error::Error;
use crate::port::store::Store;
use crate::rights::{AccessRight, Actor};
use crate::session::CurrentSession;
use crate::user::{Flag, Flags, User};

/// Where a right is kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// With the user it is about.
    OnUser,
    /// With that user's account.
    OnAccount,
}

struct Office {
    account: Account,
    admin: User,
    session: CurrentSession,
    target: User,
}

impl Office {
    async fn grant(&self, kit: &Kit, kept: Kept, on: bool) -> Result<(), Error> {
        let rights = kit.world.security.rights();
        let granted = |of: &[AccessRight]| {
            if on { of.iter().copied().collect::<BTreeSet<_>>() } else { BTreeSet::new() }
        };
        match kept {
            Kept::OnUser => {
                let granted = granted(&[AccessRight::View, AccessRight::EditFlags]);
                rights.grant_on_user(Actor::Program, self.target.id, self.admin.id, &granted).await
            }
            Kept::OnAccount => {
                let granted = granted(&[AccessRight::ManageAccount]);
                rights.grant_on_account(Actor::Program, self.account.id, self.admin.id, &granted).await
            }
        }
    }

    /// Turns one switch of the target over.
    fn turn(&self, kit: &Kit, flags: Flags) -> impl Future<Output = &'static str> + Send + 'static {
        let (security, actor, target) =
            (kit.world.security.clone(), Actor::Session(self.session.id), self.target.id);
        async move { word(&security.rights().set_flags(actor, target, flags).await) }
    }

    async fn flags(&self, kit: &Kit) -> Flags {
        must("the target", kit.world.security.users().get(self.target.id).await).flags
    }
}

fn other(flags: &Flags) -> Flags {
    flags.clone().with(Flag::SendSms, !flags.has(Flag::SendSms))
}

/// An administrator changes a user's switches while his right is taken away, over many rounds: no change is kept after
/// the revocation was answered, whether the right was kept with the user or with the account.
pub async fn a_revoked_right_changes_nothing(store: &Arc<dyn Store>, nonce: u64) {
    const ROUNDS: usize = 10;
    const CHANGES: usize = 4;
    let kit = Kit::new(store, nonce, "a_revoked_right_changes_nothing");
    let account = kit.account().await;
    let (admin, session) = kit.user(&account, "admin").await;
    let (target, _) = kit.user(&account, "target").await;
    let office = Office { account, admin, session, target };
    for kept in [Kept::OnUser, Kept::OnAccount] {
        for _ in 0..ROUNDS {
            must("granting", office.grant(&kit, kept, true).await);
            let flags = office.flags(&kit).await;
            // The revocation's own read is not part of the line: it comes first, in the middle or last.
            kit.stage.line_up(CHANGES);
            let changes: Vec<_> = (0..CHANGES)
                .map(|nth| if nth % 2 == 0 { other(&flags) } else { flags.clone() })
                .map(|flags| tokio::spawn(office.turn(&kit, flags)))
                .collect();
            must("revoking", office.grant(&kit, kept, false).await);
            let after = office.flags(&kit).await;
            let answers = at_once(changes).await;
            assert_eq!(office.flags(&kit).await, after, "{kept:?}: nothing changes afterwards: {answers:?}");
        }
        // A change that has read the right and is about to be kept when the revocation is answered.
        must("granting", office.grant(&kit, kept, true).await);
        let flags = office.flags(&kit).await;
        let gate = kit.stage.hold("flags_changed");
        let late = tokio::spawn(office.turn(&kit, other(&flags)));
        gate.somebody_waits().await;
        must("revoking", office.grant(&kit, kept, false).await);
        gate.open();
        let answer = late.await.expect("the late change is answered");
        assert_eq!(answer, "not_found", "{kept:?}: the right is gone");
        assert_eq!(office.flags(&kit).await, flags, "{kept:?}: and nothing was changed");
    }
}

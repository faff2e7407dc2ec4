//! Invitations, as operations.

use uuid::Uuid;

use super::model::ShownInvitation;
use super::rules::{self, Budget, Invitation};
use crate::account::Account;
use crate::challenge::Purpose;
use crate::challenge::flow::NewLink;
use crate::challenge::link::Whose;
use crate::contact::Email;
use crate::decision::Stored;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{AccountId, UserId};
use crate::message::MessageKind;
use crate::rights::Actor;
use crate::user::NewUser;

/// Invitations of users who have no password yet.
#[derive(Clone, Copy, Debug)]
pub struct Invitations<'a>(&'a Portcullis);

impl Portcullis {
    /// Invitations of users who have no password yet.
    pub const fn invitation(&self) -> Invitations<'_> {
        Invitations(self)
    }
}

impl Invitations<'_> {
    /// Sends a link by which a user sets his first password: to his confirmed address, or else to the one that waits,
    /// which the link confirms too. It takes the right `edit_flags` and a fresh sign-in; nobody but the user ever sees the link. One that was
    /// sent before is dead from now on.
    ///
    /// A [creation](crate::user::Users::create) with an `invited_email` has sent the first one.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// use portcullis::rights::Actor;
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// let mut carol = NewUser::new(Login::parse("carol")?, account.id);
    /// carol.invited_email = Some(Email::parse("carol@example.com")?);
    /// let carol = security.users().create(carol).await?;
    /// assert_eq!(w.run_worker().await?.sent, 1);
    /// w.advance(security.policy().invitation_life); // nobody came
    /// security.invitation().send(Actor::Program, carol.id).await?;
    /// assert_eq!(w.run_worker().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `stale_sign_in`; `not_found` when there is no such user or the actor may not see him; `not_allowed` with the
    /// missing gates: the right, `email_unconfirmed` when there is no address at all, `blocked`; `in_use` for who has a
    /// password; `too_soon` within the policy's `recovery_cool_down` after another one, and past its budgets
    /// `invitations_per_address` and `invitations_per_actor`.
    pub async fn send(&self, actor: Actor, user: UserId) -> Result<(), Error> {
        let engine = &self.0.engine;
        let new = engine.new_link(engine.now())?;
        let new = &new;
        self.0
            .manage(actor)
            .on_user(user, &[], |who, target, chain, view, t| {
                let user = &target.value;
                let invitation = rules::address(user).map(|to| {
                    let link = engine.bind_link(new.clone(), Whose::from(user), Purpose::Invitation, to);
                    let budget = engine.invitation_budget(view, user.tenant, to, who.id());
                    (to.clone(), Invitation { link, budget })
                });
                let sent = view.count_within(&rules::sent(user.id), engine.policy.recovery_cool_down);
                Ok(rules::send(who, target, chain, invitation, sent, &engine.policy, t.now))
            })
            .await
    }

    /// Gives whoever operates the service a link by which a user sets his first password: for a first administrator
    /// whose [bootstrap](Portcullis::bootstrap) was lost, or where no mail leaves yet. Nothing is mailed. One that was sent
    /// before is dead from now on.
    ///
    /// Whoever has the link becomes the user, and it confirms the address unproved: keep it from everybody but who asked.
    ///
    /// ```
    /// use portcullis::user::{Login, NewUser};
    /// # use portcullis::contact::Email;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let (login, email) = (Login::parse("root")?, Email::parse("root@example.com")?);
    /// let root = security.bootstrap("Fleet", &login, &email).await?.user; // and nobody kept the link
    /// let shown = security.invitation().show(root.id).await?;
    /// assert!(shown.link.expose().starts_with("https://fleet.example.com/invitation/"));
    /// assert_eq!(shown.valid_until, w.now() + security.policy().invitation_life);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found` when there is no such user; `not_allowed` with the missing gates: `email_unconfirmed` when there
    /// is no address at all, `blocked`; `in_use` for who has a password.
    pub async fn show(&self, user: UserId) -> Result<ShownInvitation, Error> {
        let engine = &self.0.engine;
        let new = engine.new_link(engine.now())?;
        let new = &new;
        self.0
            .manage(Actor::Program)
            .on_user(user, &[], |who, target, chain, _, t| {
                let link = match rules::address(&target.value) {
                    Some(to) => {
                        let whose = Whose::from(&target.value);
                        let fresh = engine.bind_link(new.clone(), whose, Purpose::Invitation, to);
                        let url = engine.link_url(MessageKind::InvitationLink, fresh.token.expose())?;
                        Some((to.clone(), (fresh, url)))
                    }
                    None => None,
                };
                let shown = rules::show(who, target, chain, link, &engine.policy, t.now);
                Ok(shown.map(|(link, valid_until)| ShownInvitation { link, valid_until }))
            })
            .await
    }
}

impl Engine {
    /// Draws the link of a new user who is invited.
    pub(crate) fn new_invitation(&self, new: &NewUser) -> Result<Option<NewLink>, Error> {
        new.invited_email.as_ref().map(|_| self.new_link(self.now())).transpose()
    }

    /// Binds it to the user that is to be.
    pub(crate) fn bind_invitation(
        &self,
        link: Option<&NewLink>,
        new: &NewUser,
        id: UserId,
        account: Option<&Stored<Account>>,
        view: &View,
        actor: Option<Uuid>,
    ) -> Option<Invitation> {
        let (link, address, account) = (link?, new.invited_email.as_ref()?, account?);
        let whose = Whose {
            tenant: account.value.tenant,
            user: id,
            credential_version: crate::user::rules::FIRST_VERSION,
        };
        let link = self.bind_link(link.clone(), whose, Purpose::Invitation, address);
        let budget = self.invitation_budget(view, account.value.tenant, address, actor);
        Some(Invitation { link, budget })
    }

    /// What the budgets of invitations hold. That of the address is read when a try has found it used up.
    // INVARIANT: each tenant has its own, or one would learn whom another invites, and could keep it from doing so.
    fn invitation_budget(
        &self,
        view: &View,
        tenant: AccountId,
        address: &Email,
        actor: Option<Uuid>,
    ) -> Budget {
        let text = format!("{} {}", tenant.uuid(), address.canonical());
        let address = self.keyring().derive("invited_address", text.as_bytes());
        let (to_address, by_actor) = (self.policy.invitations_per_address, self.policy.invitations_per_actor);
        Budget {
            address,
            to_address: view.count_within(&rules::to_address(address), to_address.within),
            actor: actor.map(|actor| (actor, view.count_within(&rules::by_actor(actor), by_actor.within))),
        }
    }
}

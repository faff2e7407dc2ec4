//! The bootstrap, as an operation of the embedding program.

use uuid::Uuid;

use super::model::Bootstrapped;
use super::rules::{self, First};
use crate::account::rules::{check_name, tops};
use crate::account::{Account, NewAccount};
use crate::challenge::Purpose;
use crate::challenge::link::Whose;
use crate::contact::Email;
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::{AccountId, UserId};
use crate::message::MessageKind;
use crate::port::store::{Page, Start};
use crate::user::rules::{FIRST_VERSION, taken};
use crate::user::{Login, NewUser};

impl Portcullis {
    /// Makes the top account of an empty database and its first administrator, and gives the one invitation link that
    /// sets his password and confirms his address. Nothing is mailed.
    ///
    /// However many do so at once, one of them succeeds, and none once any top account was
    /// [created](crate::account::Accounts::create), however close in time. When the link was lost or is over,
    /// [send an invitation](crate::invitation::Invitations::send) as the program.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// use portcullis::user::Login;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let (login, email) = (Login::parse("root")?, Email::parse("root@example.com")?);
    /// let made = security.bootstrap("Fleet", &login, &email).await?;
    /// assert!(made.link.expose().starts_with("https://fleet.example.com/invitation/"));
    /// let again = security.bootstrap("Fleet", &login, &email).await;
    /// assert_eq!(again.unwrap_err().to_string(), "there is a top account already");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `invalid_name`; refused `already_set_up` once there is any top account.
    pub async fn bootstrap(
        &self,
        account_name: &str,
        login: &Login,
        email: &Email,
    ) -> Result<Bootstrapped, Error> {
        check_name(account_name)?;
        let engine = &self.engine;
        let now = engine.now();
        let link = engine.new_link(now)?;
        let account_id = AccountId::from_uuid(engine.keyring().derive("account", b"top"));
        let account = NewAccount::named(account_name);
        let user_id = UserId::from_uuid(engine.new_id(now)?);
        let first = First { account: &account, account_id, user_id, email };
        let new = NewUser::new(login.clone(), account_id);
        let (first, new, link) = (&first, &new, &link);
        engine
            .decide(|t| async move {
                // Listed first: what is made in between is found by the read or by the commit.
                let top = Account::below(Uuid::nil());
                let listed = engine.list_page::<Account>(&top, Page { after: None, limit: 1 }).await?;
                let tops = tops();
                let view = engine.read(&t, vec![Start::Id(account_id.uuid())], vec![tops.subject]).await?;
                let exists = !listed.is_empty() || view.start::<Account>(0)?.is_some() || view.counts(&tops);
                let whose = Whose { tenant: account_id, user: user_id, credential_version: FIRST_VERSION };
                let link = engine.bind_link(link.clone(), whose, Purpose::Invitation, first.email);
                let url = engine.link_url(MessageKind::InvitationLink, link.token.expose())?;
                let made = rules::bootstrap(first, new, exists, taken(&t), link, &engine.policy, t.now);
                Ok(made.map(|(account, user, valid_until)| Bootstrapped {
                    account,
                    user,
                    link: url,
                    valid_until,
                }))
            })
            .await
    }
}

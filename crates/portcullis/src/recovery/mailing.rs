//! What the worker does with a request: finds out for whom it is, and mails one link for each login.

use std::collections::BTreeSet;

use super::model::{Identifier, RecoveryRequest, mails, told};
use super::rules::{self, Mailed};
use crate::account::rules::Chain;
use crate::challenge::link::{LinkAsk, Whose};
use crate::challenge::{Challenge, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Stored};
use crate::engine::Engine;
use crate::error::{Error, PortError};
use crate::id::{ChallengeId, MessageId, NO_TENANT, RequestId, UserId};
use crate::keyring::OpenError;
use crate::port::store::{Key, Page, Start};
use crate::user::User;

/// Where the link of who has no address would go; it never leaves.
const NOWHERE: &str = "nobody@nowhere.invalid";

/// Users read at once who share an address.
const PAGE: u32 = 100;

impl Engine {
    /// Sees to a request. Each login's link has ids that follow from request and login, so that seeing to a request
    /// twice, after a crash or beside another worker, mails nothing twice.
    pub(crate) async fn mail_recovery(&self, request: &Stored<RecoveryRequest>) -> Result<(), Error> {
        let request = &request.value;
        // Who asked so long ago has asked again, or a backup brought it back; and it waits for no lost key for ever.
        if self.now() >= rules::ends_at(request, &self.policy) {
            return self.close_request(request.id).await;
        }
        match request.open(&self.keyring()) {
            None => return Ok(()),
            // A key that is missing may come back.
            Some(Err(OpenError::UnknownKey)) => {
                return Err(PortError::new("keyring", "the key of a recovery request is missing").into());
            }
            Some(Err(OpenError::Malformed | OpenError::Tampered)) => {}
            Some(Ok(identifier)) => {
                let nobody = self.nobody_id(&identifier);
                let mut users = self.users_of(&identifier).await?;
                if users.is_empty() {
                    users.insert(nobody);
                }
                for user in users {
                    self.mail_link(request.id, user, &identifier).await?;
                }
            }
        }
        self.close_request(request.id).await
    }

    async fn close_request(&self, id: RequestId) -> Result<(), Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
            Ok(rules::close(view.start(0)?, &self.policy, t.now))
        })
        .await
    }

    /// Whoever has an identifier as login or as confirmed address.
    async fn users_of(&self, identifier: &Identifier) -> Result<BTreeSet<UserId>, Error> {
        let login = identifier.login().map(|login| User::login_key(login.as_str()));
        // Who holds the address alone is found by one key, who shares it by another.
        let alone = identifier.email().map(|email| Key { unique: true, ..User::email_key(email) });
        let starts: Vec<_> = [login, alone].into_iter().flatten().map(Start::Key).collect();
        let view = self.read(&self.look(), starts, Vec::new()).await?;
        // INVARIANT: an old address that is only kept for its user finds nobody.
        let meant = |user: &User| {
            identifier.login().is_some_and(|login| *login == user.login)
                || identifier.email().is_some_and(|email| user.receives_at(email))
        };
        let mut users = BTreeSet::new();
        for nth in 0..2 {
            users
                .extend(view.start::<User>(nth)?.filter(|user| meant(&user.value)).map(|user| user.value.id));
        }
        if let Some(email) = identifier.email() {
            let key = User::email_key(email);
            let mut after = None;
            loop {
                let page = self.list_page::<User>(&key, Page { after, limit: PAGE }).await?;
                users.extend(page.iter().filter(|user| meant(user)).map(|user| user.id));
                after = page.last().map(|user| user.id.uuid());
                if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                    break;
                }
            }
        }
        Ok(users)
    }

    /// Mails one login's link, or makes the one of nobody, alike to the last row.
    async fn mail_link(
        &self,
        request: RequestId,
        whom: UserId,
        identifier: &Identifier,
    ) -> Result<(), Error> {
        let nowhere =
            Email::parse(NOWHERE).map_err(|_| PortError::new("recovery", "the address of nobody is none"))?;
        let nowhere = identifier.email().unwrap_or(&nowhere);
        let derive = |purpose| {
            let pair = [request.uuid().into_bytes(), whom.uuid().into_bytes()].concat();
            self.keyring().derive(purpose, &pair)
        };
        let (challenge, message) = (derive("recovery_challenge"), derive("recovery_message"));
        self.decide(|t| async move {
            let starts = vec![Start::Id(whom.uuid()), Start::Id(challenge)];
            // Of which lot the link is, this read says; that its counter is full, the next try reads.
            let view = self.read(&t, starts, Vec::new()).await?;
            if view.start::<Challenge>(1)?.is_some() {
                return Ok(Decision::yes((), Changes::none()));
            }
            let user = view.start::<User>(0)?;
            let chain = user.as_ref().map(|user| view.chain(&user.value)).transpose()?;
            let nobody = Whose { tenant: NO_TENANT, user: whom, credential_version: 1 };
            let whose = user.as_ref().map_or(nobody, |user| Whose::from(&user.value));
            let destination = user.as_ref().and_then(|user| user.value.confirmed_email()).unwrap_or(nowhere);
            let link = self.new_link(t.now)?;
            let link = link.under(ChallengeId::from_uuid(challenge), MessageId::from_uuid(message));
            let fresh = self.bind_link(link, whose, Purpose::Recovery, destination);
            let known = user.as_ref().map(|user| &user.value).zip(chain.as_ref());
            let lot = rules::lot(whose, destination, known, view.epoch(), &self.policy, t.now);
            let lot = self.keyring().derive("recovery_mails", lot.as_bytes());
            let within = self.policy.recovery_mails_per_user.within;
            let mailed = Mailed {
                lot,
                links: view.count_within(&mails(lot), within),
                told: view.count_within(&told(lot), within),
            };
            let ask = LinkAsk {
                user: whose,
                lifts: chain.as_ref().map_or(0, Chain::lifts),
                purpose: Purpose::Recovery,
                destination,
                life: self.policy.recovery_life,
            };
            Ok(rules::mail(request, &ask, fresh, mailed, &self.policy, t.now))
        })
        .await
    }
}

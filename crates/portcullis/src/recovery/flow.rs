//! Recovery, as operations.

use super::model::{Identifier, LinkInfo, RecoveryRequest, cool_down, requests};
use super::rules::{self, Asked, Chosen, FreshIds};
use crate::contact::Email;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{MessageId, RequestId, UserId};
use crate::password::flow::NewMemo;
use crate::password::rules::{NewHash, same, stands_alone, weaknesses};
use crate::port::store::{Key, Page, Start};
use crate::secret::{LinkToken, Password};
use crate::sign_in::Attempt;
use crate::user::User;

/// Getting in by a mailed link: without the password, or for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Recovery<'a>(&'a Portcullis);

impl Portcullis {
    /// Getting in by a mailed link: without the password, or for the first time.
    pub const fn recovery(&self) -> Recovery<'_> {
        Recovery(self)
    }
}

impl Engine {
    /// An identifier as a derived id: whom the trail and the counters of requests are about, whether or not somebody
    /// has it.
    // INVARIANT: as it was typed. Logins are told apart by case, so a request for one is no request for another.
    fn identifier_id(&self, identifier: &Identifier) -> uuid::Uuid {
        self.keyring().derive("recovery", identifier.typed().as_bytes())
    }

    /// Whether another user holds an address alone: looked at before a hash is spent on who can not have it.
    async fn is_held(&self, address: &Email, user: UserId) -> Result<bool, Error> {
        if !self.policy.email_unique {
            return Ok(false);
        }
        let key = Key { unique: true, ..User::email_key(address) };
        let holders = self.list_page::<User>(&key, Page { after: None, limit: 1 }).await?;
        Ok(holders.iter().any(|holder| holder.id != user))
    }

    /// The user whom an identifier would be, if somebody had it: one for an address, however it is written.
    pub(super) fn nobody_id(&self, identifier: &Identifier) -> UserId {
        UserId::from_uuid(self.keyring().derive("recovery_nobody", identifier.canonical().as_bytes()))
    }
}

impl Recovery<'_> {
    /// Asks for a link that sets a new password, mailed to the confirmed address of whoever has the identifier.
    ///
    /// Nobody is looked up here: the worker does that. Known and unknown identifiers get the same answer, cost the same
    /// work and leave the same rows. Within `recovery_cool_down` of the last request for the identifier, as it is written,
    /// nothing is mailed, nor beyond `recovery_mails_per_user`; the answer is the same, and a link mailed before lives
    /// on.
    ///
    /// ```
    /// use portcullis::recovery::Identifier;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::attempt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # w.user(&account, "alice", Some("alice@example.com")).await?;
    /// security.recovery().request(&Identifier::parse("alice")?, &attempt()).await?;
    /// security.recovery().request(&Identifier::parse("nobody")?, &attempt()).await?;
    /// let pass = security.worker().pass().await?;
    /// assert_eq!((pass.timed, pass.sent, pass.suppressed), (2, 1, 1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `too_many_attempts` when the source address has to wait.
    pub async fn request(&self, identifier: &Identifier, attempt: &Attempt) -> Result<(), Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                let policy = &engine.policy;
                let source = engine.source_id(&attempt.source);
                let who = engine.identifier_id(identifier);
                let view = engine.read(&t, Vec::new(), vec![who, source]).await?;
                let asked = Asked {
                    identifier: who,
                    source,
                    cool_down: view.count_within(&cool_down(who), policy.recovery_cool_down),
                    from_source: view
                        .count_within(&requests(source), policy.recovery_requests_per_source.within),
                };
                let id = RequestId::from_uuid(engine.new_id(t.now)?);
                let nonce = engine.random_bytes()?;
                let request = RecoveryRequest::sealed(id, identifier, &engine.keyring(), nonce, t.now);
                Ok(rules::request(&asked, &request, policy, t.now))
            })
            .await
    }

    /// Looks at a link and changes nothing, so that a scanner of mail may open it.
    ///
    /// ```
    /// use portcullis::challenge::Purpose;
    /// use portcullis::recovery::Identifier;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::attempt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # w.user(&account, "alice", Some("alice@example.com")).await?;
    /// security.recovery().request(&Identifier::parse("alice@example.com")?, &attempt()).await?;
    /// security.worker().pass().await?;
    /// let token = w.mailbox.last_link("alice@example.com").ok_or("a link arrived")?;
    /// let link = security.recovery().peek(&token).await?;
    /// assert_eq!((link.purpose, link.login.as_str()), (Purpose::Recovery, "alice"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `challenge_dead` for a link that is unknown, spent, over or for something else.
    pub async fn peek(&self, token: &LinkToken) -> Result<LinkInfo, Error> {
        let engine = &self.0.engine;
        let t = engine.look();
        let view = engine.read(&t, vec![Start::Id(token.challenge().uuid())], Vec::new()).await?;
        let entry = engine.link_entry(&view, 0, token, uuid::Uuid::nil())?;
        rules::peek(entry.as_ref(), &engine.policy, t.now).map_err(Error::Refused)
    }

    /// Sets a new password by a link; `new` is typed twice. The link of an invitation confirms the address it was mailed
    /// to besides.
    ///
    /// Every session and every other link and code of the user is dead, and no session is opened: two-factor
    /// authentication is asked at the next sign-in as before. The confirmed address is told. Only the change itself
    /// spends the link.
    ///
    /// ```
    /// use portcullis::recovery::Identifier;
    /// use portcullis::secret::Password;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::attempt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # security.recovery().request(&Identifier::parse("alice")?, &attempt()).await?;
    /// # security.worker().pass().await?;
    /// # let token = w.mailbox.last_link("alice@example.com").ok_or("a link arrived")?;
    /// let new = Password::parse("seven quiet lanterns".to_owned(), "new")?;
    /// security.recovery().set_password(&token, &new, &new, &attempt()).await?;
    /// assert!(security.sessions().current(session.id).await.is_err(), "every session is over");
    /// let again = security.recovery().set_password(&token, &new, &new, &attempt()).await;
    /// assert_eq!(again.unwrap_err().to_string(), "this code or link is no longer valid");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `challenge_dead` as [`peek`](Self::peek); and with the link unspent `repeat_differs`, `weak_password` with
    /// every reason, and for an invitation `address_taken`. [`Error::Busy`] when too many passwords wait.
    pub async fn set_password(
        &self,
        token: &LinkToken,
        new: &Password,
        repeat: &Password,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let engine = &self.0.engine;
        let memo = NewMemo::default();
        let memo = &memo;
        engine
            .decide(|t| async move {
                let policy = &engine.policy;
                let source = engine.source_id(&attempt.source);
                let starts = vec![Start::Id(token.challenge().uuid())];
                let view = engine.read(&t, starts, vec![source]).await?;
                let entry = engine.link_entry(&view, 0, token, source)?;
                let user = entry.as_ref().map(|entry| &entry.user.value);
                let wanted = entry.as_ref().and_then(|entry| Some((rules::takes(entry)?, entry)));
                let held = match wanted {
                    Some(_) if t.found_taken("email") => true,
                    Some((address, entry)) => engine.is_held(address, entry.user.value.id).await?,
                    None => false,
                };
                let chosen = Chosen {
                    repeated: same(new, repeat),
                    weaknesses: user
                        .map_or_else(Vec::new, |user| weaknesses(new, user, &engine.product, policy)),
                    taken: held,
                };
                let entry = match rules::look(entry.as_ref(), chosen, policy, t.now) {
                    Ok(entry) => entry,
                    Err(no) => return Ok(no.into()),
                };
                if memo.is_compromised(engine, new).await? {
                    return Ok(rules::refuse_common(entry).into());
                }
                let hashed = NewHash {
                    hash: memo.hash(engine, new).await?,
                    long_enough_alone: stands_alone(new, policy),
                };
                let ids = FreshIds {
                    changed: MessageId::from_uuid(engine.new_id(t.now)?),
                    undo: engine.undo_link(&entry.user.value, &t)?,
                    to_new: MessageId::from_uuid(engine.new_id(t.now)?),
                };
                Ok(rules::set_password(entry, hashed, held, ids, policy, t.now))
            })
            .await
    }
}

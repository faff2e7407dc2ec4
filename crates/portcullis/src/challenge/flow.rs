//! What every room that works with codes finds out in the same way.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::delivery::{CodeDelivery, delivery};
use super::link::{FreshLink, LinkEntry, Whose, dead_links};
use super::model::{Challenge, Channel, PendingCode, Purpose, sealing};
use super::resend::{self, Again};
use super::rules::{self, Budgets, Entry, Fare, FreshCode, Tally, email_codes, source_failures};
use crate::contact::{Destination, Email, SourceAddress};
use crate::decision::Refusal;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{ChallengeId, MessageId, SessionId};
use crate::keyring::Binding;
use crate::message::Message;
use crate::port::store::Start;
use crate::rights::Gate;
use crate::secret::{Code, LinkToken};
use crate::sms::rules::Route;
use crate::sms::{Found, Learned};
use crate::spend::Left;
use crate::user::User;

/// The label a challenge's token is sealed under.
const TOKEN: &str = "challenge";

impl Portcullis {
    /// Gives a challenge's token: its sealed id, as clients see it.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let code = security.two_factor().ask(session.id, None).await?;
    /// let shown = security.challenge_token(code.id);
    /// assert_eq!(security.open_challenge_token(&shown), Some(code.id));
    /// # Ok(()) }
    /// ```
    pub fn challenge_token(&self, id: ChallengeId) -> String {
        self.keyring().seal_id(TOKEN, id.uuid())
    }

    /// Opens a challenge's token; `None` if it is none of ours.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// assert_eq!(security.open_challenge_token("not ours"), None);
    /// # Ok(()) }
    /// ```
    pub fn open_challenge_token(&self, token: &str) -> Option<ChallengeId> {
        self.keyring().open_id(TOKEN, token).map(ChallengeId::from_uuid)
    }
}

/// The material of one code: drawn once, bound when the user is known.
#[derive(Clone, Debug)]
pub(crate) struct NewCode {
    challenge: ChallengeId,
    message: MessageId,
    code: Code,
    nonce: [u8; 24],
}

/// The material of one link: drawn once, bound when the user is known.
#[derive(Clone)]
pub(crate) struct NewLink {
    challenge: ChallengeId,
    message: MessageId,
    secret: Zeroizing<[u8; 32]>,
}

impl NewLink {
    /// The same under ids that are derived.
    pub(crate) fn under(self, challenge: ChallengeId, message: MessageId) -> Self {
        Self { challenge, message, ..self }
    }
}

impl core::fmt::Debug for NewLink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewLink").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

/// A code entered or to be checked; none for a resend.
type Candidate<'a> = Option<&'a Code>;

impl Engine {
    /// A source address as a derived id.
    pub(crate) fn source_id(&self, source: &SourceAddress) -> Uuid {
        self.keyring().derive("source", &source.to_bytes())
    }

    /// A mail address as a derived id, under which codes mailed to it are counted. What others have sent to an address
    /// that is not theirs is counted apart, so that nobody uses up the codes of who owns it.
    pub(crate) fn address_id(&self, address: &Email, user: &User) -> Uuid {
        match user.confirmed_email() {
            Some(own) if own.same_as(address) => {
                self.keyring().derive("address", address.canonical().as_bytes())
            }
            Some(_) | None => self.unconfirmed_address_id(address),
        }
    }

    /// As [`Self::address_id`], for an address that is not confirmed.
    pub(crate) fn unconfirmed_address_id(&self, address: &Email) -> Uuid {
        self.keyring().derive("unconfirmed_address", address.canonical().as_bytes())
    }

    /// Draws a new code.
    pub(crate) fn new_code(&self, now: chrono::DateTime<chrono::Utc>) -> Result<NewCode, Error> {
        Ok(NewCode {
            challenge: ChallengeId::from_uuid(self.new_id(now)?),
            message: MessageId::from_uuid(self.new_id(now)?),
            code: Code::generate(self.policy.code_length, &*self.random)?,
            nonce: self.random_bytes()?,
        })
    }

    /// Binds a code to its new challenge.
    pub(crate) fn bind(
        &self,
        new: &NewCode,
        user: &User,
        purpose: Purpose,
        destination: &Destination,
    ) -> FreshCode {
        self.bind_to(new, new.challenge, user, purpose, destination)
    }

    /// Binds a code to a challenge that exists already. One that goes to a phone is kept sealed besides, since a resend
    /// repeats it.
    pub(crate) fn bind_to(
        &self,
        new: &NewCode,
        challenge: ChallengeId,
        user: &User,
        purpose: Purpose,
        destination: &Destination,
    ) -> FreshCode {
        let keyring = self.keyring();
        let digest = keyring.bind(&Binding {
            challenge: challenge.uuid(),
            purpose: purpose.name(),
            user: user.id.uuid(),
            destination: destination.canonical(),
            credential_version: user.credential_version,
            secret: new.code.expose().as_bytes(),
        });
        let sealed = destination
            .phone()
            .map(|_| keyring.seal(&sealing(challenge, user.id), new.code.expose().as_bytes(), new.nonce));
        FreshCode {
            challenge,
            message: new.message,
            code: new.code.clone(),
            digest,
            sealed,
            epoch: keyring.epoch(),
        }
    }

    /// What the budgets of mailed codes hold. The address is only counted in the snapshot when it was asked for.
    pub(crate) fn budgets(&self, view: &View, user: &User, address: Uuid) -> Budgets {
        let (per_user, per_address) = (self.policy.email_codes_per_user, self.policy.email_codes_per_address);
        Budgets {
            user: view.count_within(&email_codes(user.id.uuid()), per_user.within),
            address: view.count_within(&email_codes(address), per_address.within),
        }
    }

    /// Everything found out about a code entered for the challenge that the `nth` start names; `None` if there is
    /// none.
    pub(crate) fn entry(
        &self,
        view: &View,
        nth: usize,
        candidate: Candidate<'_>,
        source: Uuid,
    ) -> Result<Option<Entry>, Error> {
        let Some(challenge) = view.start::<Challenge>(nth)? else {
            return Ok(None);
        };
        let Some(user) = view.record::<User>(challenge.value.user.uuid())? else {
            return Ok(None);
        };
        let chain = view.chain(&user.value)?;
        let this = &challenge.value;
        let keyring = self.keyring();
        let fits = candidate.is_some_and(|code| {
            keyring.fits(
                &this.digest,
                &Binding {
                    challenge: this.id.uuid(),
                    purpose: this.purpose.name(),
                    user: this.user.uuid(),
                    destination: this.destination.canonical(),
                    credential_version: user.value.credential_version,
                    secret: code.expose().as_bytes(),
                },
            )
        });
        let tally = Tally {
            attempts: view.count(&Challenge::attempts(this.id)),
            failures: view.count(&this.purpose.failures(this.user)),
            wait: view.count_within(&this.purpose.wait(this.user), self.policy.code_backoff.longest),
            source: match self.policy.code_failures_per_source {
                Some(limit) => view.count_within(&source_failures(source), limit.within),
                None => view.count(&source_failures(source)),
            },
        };
        let lock_notice = MessageId::from_uuid(keyring.derive("lock_notice", this.id.uuid().as_bytes()));
        Ok(Some(Entry { challenge, user, chain, fits, tally, source, lock_notice, epoch: keyring.epoch() }))
    }
}

impl Engine {
    /// Sends the code of a pending challenge again, by the channel named or else by its own. With a session given, the
    /// challenge must be its user's.
    pub(crate) async fn resend(
        &self,
        challenge: ChallengeId,
        purposes: &[Purpose],
        channel: Option<Channel>,
        source: Option<&SourceAddress>,
        session: Option<SessionId>,
    ) -> Result<PendingCode, Error> {
        let learned = Learned::default();
        let learned = &learned;
        self.decide(|t| async move {
            let source = source.map_or(Uuid::nil(), |source| self.source_id(source));
            let mut starts = vec![Start::Id(challenge.uuid())];
            starts.extend(session.map(|session| Start::Id(session.uuid())));
            let view = self.read(&t, starts, learned.and(&[source])).await?;
            let mut acting = None;
            if session.is_some() {
                match view.acting(1)? {
                    Ok(alive) => acting = Some(alive),
                    Err(no) => return Ok(no.into()),
                }
            }
            let user = acting.as_ref().map(|acting| acting.user.value.id);
            let entry = match rules::meant_for(self.entry(&view, 0, None, source)?, purposes, user) {
                Ok(entry) => entry,
                Err(no) => return Ok(no.into()),
            };
            let again = self.again(&view, &entry, channel, learned)?;
            let mut decision = resend::resend(&entry, again, &self.policy, t.now);
            if let (Some(acting), Ok(_)) = (&acting, &decision.reply) {
                decision.changes.guard(&acting.session);
            }
            Ok(decision)
        })
        .await
    }

    /// What a code sent again is made of, or why there is none.
    fn again(
        &self,
        view: &View,
        entry: &Entry,
        channel: Option<Channel>,
        learned: &Learned,
    ) -> Result<Result<Again, Refusal>, Error> {
        let (this, user) = (&entry.challenge.value, &entry.user.value);
        let number = this.destination.phone().or(user.phone.as_ref());
        let asks = this.purpose.may_travel_by_sms();
        let found = if asks {
            Some(self.sms_to(view, user, &entry.chain, number, entry.source, Some(learned))?)
        } else {
            None
        };
        let sms = found.as_ref().map(|found| found.missing.as_slice()).unwrap_or_default();
        let until = found.as_ref().and_then(|found| found.left.as_ref()).and_then(Left::until);
        let refusal = |missing: Vec<Gate>| {
            // Waiting helps where nothing else is missing.
            let ends = missing.iter().all(|gate| matches!(gate, Gate::Budget | Gate::QuotaSms));
            Refusal::not_allowed(missing).until(until.filter(|_| ends), view.now())
        };
        let Route { to, instead_of } = match resend::next_destination(this, user, sms, channel, &self.policy)
        {
            Ok(route) => route,
            Err(missing) => return Ok(Err(refusal(missing))),
        };
        let new = self.new_code(view.now())?;
        let kept = this.destination.same_as(&to).then(|| self.kept_code(this)).flatten();
        let repeats = kept.is_some();
        let new = NewCode { code: kept.unwrap_or_else(|| new.code.clone()), ..new };
        let fresh = self.bind_to(&new, this.id, user, this.purpose, &to);
        let fare = self.fare(view, user, &to, found.as_ref());
        let line = found.filter(|_| to.phone().is_some()).map(|found| found.line);
        Ok(fare.map_err(refusal).map(|fare| Again { to, fresh, fare, repeats, line, instead_of }))
    }

    /// The code that a challenge keeps, if it keeps one that can be opened.
    fn kept_code(&self, challenge: &Challenge) -> Option<Code> {
        let sealed = challenge.sealed.as_deref()?;
        let plain = self.keyring().open(&sealing(challenge.id, challenge.user), sealed).ok()?;
        core::str::from_utf8(plain.expose()).ok().and_then(|text| Code::parse(text).ok())
    }

    /// What a code to a destination is taken out of.
    pub(crate) fn fare(
        &self,
        view: &View,
        user: &User,
        to: &Destination,
        found: Option<&Found>,
    ) -> Result<Fare, Vec<Gate>> {
        match to.email() {
            Some(mailbox) => {
                let address = self.address_id(mailbox, user);
                Ok(Fare::Mail { address, budgets: self.budgets(view, user, address) })
            }
            None => match found.and_then(|found| found.left.clone()) {
                Some(left) => Ok(Fare::Sms(Box::new(left))),
                None => Err(vec![Gate::ServiceSms]),
            },
        }
    }
}

impl Engine {
    /// How far the messages with the living codes of some challenges came; asked of the store only where there is one.
    pub(crate) async fn deliveries<const N: usize>(
        &self,
        challenges: [Option<Challenge>; N],
    ) -> Result<[CodeDelivery; N], Error> {
        let id = |challenge: &Option<Challenge>| challenge.as_ref().and_then(|challenge| challenge.message);
        let starts: Vec<_> = challenges.iter().filter_map(id).map(|id| Start::Id(id.uuid())).collect();
        if starts.is_empty() {
            return Ok([CodeDelivery::Waiting; N]);
        }
        let view = self.read(&self.look(), starts, Vec::new()).await?;
        let mut told = [CodeDelivery::Waiting; N];
        for (told, challenge) in told.iter_mut().zip(&challenges) {
            if let Some((challenge, id)) = challenge.as_ref().zip(id(challenge)) {
                let message = view.record::<Message>(id.uuid())?;
                *told = delivery(challenge, message.as_ref().map(|message| &message.value));
            }
        }
        Ok(told)
    }

    /// A challenge that waits for its code, as who was asked for it sees it.
    pub(crate) async fn pending(
        &self,
        challenge: ChallengeId,
        purposes: &[Purpose],
    ) -> Result<PendingCode, Error> {
        let (mut code, challenge) = self
            .decide(|t| async move {
                let view = self.read(&t, vec![Start::Id(challenge.uuid())], Vec::new()).await?;
                let entry = self.entry(&view, 0, None, Uuid::nil())?;
                Ok(rules::pending(entry, purposes, &self.policy, t.now))
            })
            .await?;
        let [delivery] = self.deliveries([Some(challenge)]).await?;
        code.delivery = delivery;
        Ok(code)
    }

    /// Draws a new link.
    pub(crate) fn new_link(&self, now: chrono::DateTime<chrono::Utc>) -> Result<NewLink, Error> {
        Ok(NewLink {
            challenge: ChallengeId::from_uuid(self.new_id(now)?),
            message: MessageId::from_uuid(self.new_id(now)?),
            secret: Zeroizing::new(self.random_bytes()?),
        })
    }

    /// Binds a link to its new challenge.
    pub(crate) fn bind_link(
        &self,
        new: NewLink,
        user: Whose,
        purpose: Purpose,
        destination: &Email,
    ) -> FreshLink {
        let keyring = self.keyring();
        let NewLink { challenge, message, secret } = new;
        let token = LinkToken::of(challenge, &secret);
        let digest = keyring.bind(&Binding {
            challenge: challenge.uuid(),
            purpose: purpose.name(),
            user: user.user.uuid(),
            destination: destination.canonical(),
            credential_version: user.bound_version(purpose),
            secret: secret.as_ref(),
        });
        FreshLink { challenge, message, token, digest, epoch: keyring.epoch() }
    }

    /// Everything found out about a link opened, whose challenge the `nth` start names; `None` if there is none.
    pub(crate) fn link_entry(
        &self,
        view: &View,
        nth: usize,
        token: &LinkToken,
        source: Uuid,
    ) -> Result<Option<LinkEntry>, Error> {
        let Some(challenge) = view.start::<Challenge>(nth)? else {
            return Ok(None);
        };
        let Some(user) = view.record::<User>(challenge.value.user.uuid())? else {
            return Ok(None);
        };
        let chain = view.chain(&user.value)?;
        let this = &challenge.value;
        let keyring = self.keyring();
        let fits = keyring.fits(
            &this.digest,
            &Binding {
                challenge: token.challenge().uuid(),
                purpose: this.purpose.name(),
                user: this.user.uuid(),
                destination: this.destination.canonical(),
                credential_version: this.credential_version,
                secret: token.secret().expose(),
            },
        );
        let pair = [source.into_bytes(), this.user.uuid().into_bytes()].concat();
        let flood = keyring.derive("dead_links", &pair);
        // Read when a try has found it used up.
        let dead = view.count_within(&dead_links(flood), self.policy.dead_links_per_source.within);
        Ok(Some(LinkEntry { challenge, user, chain, fits, source, flood, dead, epoch: keyring.epoch() }))
    }
}

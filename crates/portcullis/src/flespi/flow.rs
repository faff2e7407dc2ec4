//! The flespi connection, as operations of its user, and of the embedding program that uses the token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::issue::Standing;
use super::model::{Connected, FlespiConnection, Owner, SealedToken, Use, checks, hand_offs};
use super::rules::{self, Place, Returned, Typed};
use super::view::{self, Checked, Expiry, FlespiSettings, HandOff};
use super::{check, posted};
use crate::account::rules::Chain;
use crate::challenge::link::{FreshLink, Whose};
use crate::challenge::{Challenge, Purpose};
use crate::contact::Email;
use crate::decision::{Decision, Reason, Stored};
use crate::engine::commit::Try;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::{Error, InputError, PortError};
use crate::id::{ChallengeId, MessageId, SessionId, UserId};
use crate::keyring::{Binding, Keyring, OpenError};
use crate::port::flespi::{FlespiApi, FlespiError, RegionName};
use crate::port::store::Start;
use crate::secret::{FlespiToken, LinkToken};
use crate::session::model::Acting;
use crate::user::User;

/// Where nothing is ever sent: a nonce is handed out, not mailed.
const NOWHERE: &str = "nobody@nowhere.invalid";

/// The flespi connection of the user whose session acts.
#[derive(Clone, Copy, Debug)]
pub struct Flespi<'a>(&'a Portcullis);

impl Portcullis {
    /// The flespi connection of the user whose session acts, and a user's token for the host's own calls.
    pub const fn flespi(&self) -> Flespi<'_> {
        Flespi(self)
    }
}

/// A user's token, opened for the host's own calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenedToken {
    /// The token.
    pub token: FlespiToken,
    /// The region it is valid in: it must go to no host of another.
    pub region: RegionName,
    /// When it ends, as far as that is known.
    pub expiry: Expiry,
}

impl Flespi<'_> {
    /// Begins a login at flespi: a nonce for this session, and what the page needs to open the pop-up.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let hand_off = security.flespi().begin(session.id).await?;
    /// assert_eq!(hand_off.expires_at, security.now() + security.policy().flespi_hand_off_life);
    /// assert_eq!(hand_off.origins, ["https://flespi.io", "https://ru.flespi.io"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` with the missing gates: `change_settings`, `top_user`, or `policy` where the
    /// engine was built without [`FlespiApi`]; `stale_sign_in`; `too_many_attempts`.
    pub async fn begin(&self, session: SessionId) -> Result<HandOff, Error> {
        let engine = &self.0.engine;
        let nowhere = nowhere()?;
        engine
            .act(session, &[], &[], |acting, view, t| {
                let Some(api) = &engine.flespi else {
                    return Ok(rules::no_api(acting).into());
                };
                let policy = &engine.policy;
                let user = acting.user.value.id;
                let begun = view.count_within(&hand_offs(user), policy.flespi_hand_offs.within);
                let fresh = engine.new_nonce(acting, t)?;
                let nonce = fresh.token.clone();
                let regions = api.regions();
                let url = regions.first().map(|region| region.login_url.clone()).unwrap_or_default();
                let mut origins: Vec<_> = regions.into_iter().map(|region| region.origin).collect();
                origins.dedup();
                let begun = rules::begin(acting, begun, fresh, &nowhere, policy, t.now);
                Ok(begun.map(|expires_at| HandOff { nonce, url, origins, expires_at }))
            })
            .await
    }

    /// Takes what the pop-up posted, with the nonce of its hand-off; the message is wiped. The nonce is spent and what
    /// is to be done is kept before flespi is asked to issue a token.
    ///
    /// If flespi does not answer in the policy's `flespi_patience` the answer is
    /// [`FlespiState::Connecting`](super::FlespiState::Connecting) and the worker goes on. A token that was in force
    /// stays so until the new one is kept.
    ///
    /// ```
    /// use portcullis::flespi::FlespiState;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let hand_off = security.flespi().begin(session.id).await?;
    /// let message = w.flespi.log_in("ru"); // what the pop-up posts
    /// let flespi = security.flespi().redeem(session.id, hand_off.nonce.expose(), message).await?;
    /// assert_eq!(flespi.state, FlespiState::Connected);
    /// assert_eq!(flespi.token.unwrap().region.as_str(), "ru");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` as in [`begin`](Self::begin); `hand_off_dead` for a nonce that is unknown,
    /// over, used, or another session's, and when the user lost his right to it before the token was kept. [`Error::Input`]: `bad_message`, `invalid_token` (also when flespi does not
    /// accept it in its region), `invalid_region`. Whatever it is, the token in force stays.
    pub async fn redeem(
        &self,
        session: SessionId,
        nonce: &str,
        message: String,
    ) -> Result<FlespiSettings, Error> {
        let engine = &self.0.engine;
        let nonce = LinkToken::parse(nonce);
        let message = posted::read(message);
        let challenge = nonce.as_ref().map_or(Uuid::nil(), |nonce| nonce.challenge().uuid());
        let (acting, connection, now) = engine
            .act(session, &[Start::Id(challenge)], &[], |acting, view, t| {
                let Some(api) = &engine.flespi else {
                    return Ok(rules::no_api(acting).into());
                };
                let policy = &engine.policy;
                let returned = engine.returned(view, acting, nonce.as_ref())?;
                let challenge = match rules::judge(acting, &returned, policy, t.now) {
                    Ok(challenge) => challenge,
                    Err(no) => return Ok(no.into()),
                };
                let posted = message.as_ref().map_err(|error| Error::Input(error.clone()))?;
                rules::known(&posted.region, &api.regions())?;
                let place = engine.place(view, acting, t)?;
                let owner = place.owner(acting);
                let sealed = engine.seal_token(owner, Use::Login, &posted.region, &posted.token)?;
                let redeemed = rules::redeem(acting, challenge, &place, posted, sealed, policy, t.now);
                Ok(redeemed.map(|connection| (acting.clone(), connection, t.now)))
            })
            .await?;
        let Some(connecting) = &connection.connecting else {
            return Ok(engine.seen(&acting, Some(&connection), now));
        };
        let until = crate::session::rules::after(now, engine.policy.flespi_patience);
        let issued =
            engine.issue_flespi(connection.id, connecting.operation, connecting.attempt, until).await;
        match issued {
            Ok((Standing::Failed(FlespiError::UnknownRegion), _)) => {
                Err(InputError::new("region", "invalid_region", "there is no such region of flespi").into())
            }
            Ok((Standing::Failed(FlespiError::Unauthorized), _)) => {
                let words = "flespi does not accept this token in its region";
                Err(InputError::new("token", "invalid_token", words).into())
            }
            Ok((Standing::Failed(FlespiError::Forbidden), _)) => {
                let words = "flespi lets this token issue no other one";
                Err(InputError::new("token", "invalid_token", words).into())
            }
            Ok((Standing::Failed(_), _)) => {
                Err(PortError::new("flespi", "it did not answer for too long").into())
            }
            Ok((Standing::Void, _)) => Err(Error::Refused(Reason::HandOffDead.into())),
            Ok((Standing::Connected | Standing::Connecting | Standing::Overtaken, after)) => {
                Ok(engine.seen(&acting, after.as_ref().or(Some(&connection)), engine.now()))
            }
            // The intent is kept, and the worker goes on.
            Err(error) => {
                tracing::warn!(%error, "a flespi token is left for the worker to issue");
                Ok(engine.seen(&acting, Some(&connection), engine.now()))
            }
        }
    }

    /// Keeps a token that its user typed, for a region that he chose. Nobody is asked about it: what it may do and when
    /// it ends is not known before a [`check`](Self::check).
    ///
    /// ```
    /// use portcullis::port::flespi::RegionName;
    /// use portcullis::secret::FlespiToken;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let token = FlespiToken::parse("aB3x".repeat(16))?;
    /// let flespi = security.flespi().manual(session.id, &token, &RegionName::parse("eu")?).await?;
    /// let held = flespi.token.unwrap();
    /// assert_eq!((held.shown.as_str(), held.expiry.ends_at()), ("aB3x", None));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` as in [`begin`](Self::begin); `stale_sign_in`. [`Error::Input`]:
    /// `invalid_region`.
    pub async fn manual(
        &self,
        session: SessionId,
        token: &FlespiToken,
        region: &RegionName,
    ) -> Result<FlespiSettings, Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, view, t| {
                let Some(api) = &engine.flespi else {
                    return Ok(rules::no_api(acting).into());
                };
                if let Err(no) = rules::may_change(acting, &engine.policy, t.now) {
                    return Ok(no.into());
                }
                rules::known(region, &api.regions())?;
                let place = engine.place(view, acting, t)?;
                let stored = place.stored.as_ref().map(|stored| &stored.value);
                let typed = Typed {
                    region: region.clone(),
                    sealed: engine.seal_token(place.owner(acting), Use::Token, region, token)?,
                    shown: token.shown().to_owned(),
                    in_force: engine.is_it(stored, |it| it.connected.as_ref(), token)?,
                    replaced: engine.is_it(stored, |it| it.replaced.as_ref(), token)?,
                };
                let kept = rules::type_in(acting, &place, typed, &engine.policy, t.now);
                Ok(kept.map(|connection| engine.seen(acting, Some(&connection), t.now)))
            })
            .await
    }

    /// Asks flespi, at the host of the token's region alone, whether it accepts the token, and until when. Asking
    /// prolongs a token that lives by its last use.
    ///
    /// ```
    /// use portcullis::flespi::CheckStatus;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let hand_off = security.flespi().begin(session.id).await?;
    /// security.flespi().redeem(session.id, hand_off.nonce.expose(), w.flespi.log_in("eu")).await?;
    /// let checked = security.flespi().check(session.id).await?;
    /// assert_eq!(checked.status, CheckStatus::Active);
    /// assert_eq!(checked.expiry.ends_at(), Some(w.now() + security.policy().flespi_token_life));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_connected`; `too_many_attempts`; `not_allowed` with the gate `policy` where the engine
    /// was built without [`FlespiApi`].
    pub async fn check(&self, session: SessionId) -> Result<Checked, Error> {
        let engine = &self.0.engine;
        let policy = &engine.policy;
        let (owner, connected) = engine
            .act(session, &[], &[], |acting, view, t| {
                if engine.flespi.is_none() {
                    return Ok(rules::no_api(acting).into());
                }
                let made = view.count_within(&checks(acting.user.value.id), policy.flespi_checks.within);
                let connection = view.flespi_of(&acting.user.value)?;
                Ok(check::ask(acting, connection.as_ref(), made, policy, t.now))
            })
            .await?;
        let token = engine.open_token(owner, Use::Token, &connected.region, &connected.sealed)?;
        let answer = engine.flespi_api()?.inspect(&connected.region, &token).await;
        engine
            .act(session, &[], &[], |acting, view, t| {
                let connection = view.flespi_of(&acting.user.value)?;
                let held = connection.as_ref().and_then(|stored| stored.value.connected.as_ref());
                // The answer is about the token that was asked about.
                if held.is_some_and(|held| held.operation != connected.operation) {
                    return Err(Error::Contended);
                }
                Ok(check::settle(acting, connection.as_ref(), &answer, policy, t.now))
            })
            .await
    }

    /// Forgets the token, and drops what is being issued. What was issued here is revoked by the worker, if it can be
    /// revoked and the policy says so. Without a token it changes nothing.
    ///
    /// ```
    /// use portcullis::flespi::FlespiState;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let hand_off = security.flespi().begin(session.id).await?;
    /// security.flespi().redeem(session.id, hand_off.nonce.expose(), w.flespi.log_in("eu")).await?;
    /// security.flespi().disconnect(session.id).await?;
    /// let tab = security.settings(session.id).await?;
    /// assert_eq!(tab.flespi.unwrap().state, FlespiState::Absent);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`; `not_allowed` as in [`begin`](Self::begin); `stale_sign_in`.
    pub async fn disconnect(&self, session: SessionId) -> Result<(), Error> {
        let engine = &self.0.engine;
        engine
            .act(session, &[], &[], |acting, view, t| {
                if let Err(no) = rules::may_change(acting, &engine.policy, t.now) {
                    return Ok(no.into());
                }
                let connection = view.flespi_of(&acting.user.value)?;
                Ok(rules::disconnect(acting, connection.as_ref(), &engine.policy, t.now))
            })
            .await
    }

    /// Opens a user's token for the host's own calls. That is told in the trail, with the purpose: a fixed word such as
    /// `send_command`.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", None).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # let hand_off = security.flespi().begin(session.id).await?;
    /// security.flespi().redeem(session.id, hand_off.nonce.expose(), w.flespi.log_in("eu")).await?;
    /// let opened = security.flespi().token(alice.id, "send_command").await?;
    /// assert_eq!((opened.region.as_str(), opened.token.expose().len()), ("eu", 64));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found`; `not_allowed` while the user is disabled or an account of his is blocked; `not_connected`;
    /// `expired`; `rejected` when flespi did not accept it at the last check.
    /// [`Error::Corrupt`] for a token that was sealed for another user or record.
    pub async fn token(&self, user: UserId, purpose: &'static str) -> Result<OpenedToken, Error> {
        let engine = &self.0.engine;
        engine
            .decide(|t| async move {
                // Before the read: a key is retired only after everything under it was sealed anew, so what is read
                // opens with the keys from before it.
                let keyring = engine.keyring();
                let view = engine.read(&t, vec![Start::Id(user.uuid())], Vec::new()).await?;
                let user = view.start::<User>(0)?;
                let stored = match &user {
                    Some(user) => view.flespi_of(&user.value)?,
                    None => None,
                };
                let chain = match &user {
                    Some(user) => view.chain(&user.value)?,
                    None => Chain(Vec::new()),
                };
                let decision = rules::open(user.as_ref(), &chain, stored.as_ref(), purpose, t.now);
                let Decision { reply, changes, attempts } = decision;
                let reply = match (reply, &stored) {
                    (Ok(connected), Some(stored)) => {
                        let owner = stored.value.owner();
                        let token =
                            open_token(&keyring, owner, Use::Token, &connected.region, &connected.sealed)?;
                        let expiry = connected.expiry();
                        Ok(OpenedToken { token, region: connected.region, expiry })
                    }
                    (Ok(_), None) => return Err(corrupt("it is not there")),
                    (Err(refusal), _) => Err(refusal),
                };
                Ok(Decision { reply, changes, attempts })
            })
            .await
    }
}

impl View {
    /// A user's connection, which was read with him.
    pub(crate) fn flespi_of(&self, user: &User) -> Result<Option<Stored<FlespiConnection>>, Error> {
        match user.flespi {
            // INVARIANT: a record that names another user is none of this one's.
            Some(id) => {
                Ok(self.record::<FlespiConnection>(id)?.filter(|stored| stored.value.user == user.id))
            }
            None => Ok(None),
        }
    }
}

pub(super) fn corrupt(why: &'static str) -> Error {
    Error::Corrupt { kind: FlespiConnection::KIND.as_str().to_owned().into(), why }
}

fn open_token(
    keyring: &Keyring,
    owner: Owner,
    of: Use,
    region: &RegionName,
    sealed: &SealedToken,
) -> Result<FlespiToken, Error> {
    owner.open(of, region, sealed, keyring).map_err(|error| match error {
        OpenError::UnknownKey => PortError::new("keyring", "the key of a flespi token is missing").into(),
        OpenError::Malformed | OpenError::Tampered => corrupt("its token does not open"),
    })
}

fn nowhere() -> Result<Email, Error> {
    Ok(Email::parse(NOWHERE).map_err(|_| PortError::new("flespi", "the address of nobody is none"))?)
}

impl Engine {
    /// Draws a nonce and binds it to a user and a session.
    fn new_nonce(&self, acting: &Acting, t: &Try) -> Result<FreshLink, Error> {
        let secret = Zeroizing::new(self.random_bytes()?);
        let challenge = ChallengeId::from_uuid(self.new_id(t.now)?);
        let token = LinkToken::of(challenge, &secret);
        let keyring = self.keyring();
        let digest = bound(acting, &token, |binding| keyring.bind(binding));
        let message = MessageId::from_uuid(self.new_id(t.now)?);
        Ok(FreshLink { challenge, message, token, digest, epoch: keyring.epoch() })
    }

    /// What was found out about a nonce that came back.
    fn returned(&self, view: &View, acting: &Acting, nonce: Option<&LinkToken>) -> Result<Returned, Error> {
        let challenge = view.start::<Challenge>(1)?;
        let keyring = self.keyring();
        let fits = challenge.as_ref().zip(nonce).is_some_and(|(challenge, nonce)| {
            bound(acting, nonce, |binding| keyring.fits(&challenge.value.digest, binding))
        });
        Ok(Returned { challenge, fits, epoch: keyring.epoch() })
    }

    /// Where a user's connection is kept, or will be.
    fn place(&self, view: &View, acting: &Acting, t: &Try) -> Result<Place, Error> {
        let user = &acting.user.value;
        let id = match user.flespi {
            Some(id) => id,
            None => self.new_id(t.now)?,
        };
        Ok(Place { stored: view.flespi_of(user)?, id, operation: self.new_id(t.now)? })
    }

    /// Seals a token.
    pub(super) fn seal_token(
        &self,
        owner: Owner,
        of: Use,
        region: &RegionName,
        token: &FlespiToken,
    ) -> Result<SealedToken, Error> {
        Ok(owner.seal(of, region, token, &self.keyring(), self.random_bytes()?))
    }

    /// Opens a sealed token with the keys of this moment.
    pub(super) fn open_token(
        &self,
        owner: Owner,
        of: Use,
        region: &RegionName,
        sealed: &SealedToken,
    ) -> Result<FlespiToken, Error> {
        open_token(&self.keyring(), owner, of, region, sealed)
    }

    /// Whether this is one of the tokens that a connection holds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the key that sealed it is missing: it could be the very token.
    fn is_it(
        &self,
        connection: Option<&FlespiConnection>,
        which: impl Fn(&FlespiConnection) -> Option<&Connected>,
        token: &FlespiToken,
    ) -> Result<bool, Error> {
        let Some((connection, held)) = connection.and_then(|it| Some((it, which(it)?))) else {
            return Ok(false);
        };
        match self.open_token(connection.owner(), Use::Token, &held.region, &held.sealed) {
            Ok(held) => Ok(held.same_as(token)),
            // What was tampered with is no token any more.
            Err(Error::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A connection as its user sees it.
    fn seen(
        &self,
        acting: &Acting,
        connection: Option<&FlespiConnection>,
        now: DateTime<Utc>,
    ) -> FlespiSettings {
        let regions = self.flespi.as_ref().map(|api| api.regions()).unwrap_or_default();
        view::settings(acting, connection, regions, &self.policy, now)
    }

    /// The connection of the user who acts, where there is what calls flespi.
    pub(crate) fn flespi_settings(
        &self,
        view: &View,
        acting: &Acting,
    ) -> Result<Option<FlespiSettings>, Error> {
        if self.flespi.is_none() {
            return Ok(None);
        }
        let stored = view.flespi_of(&acting.user.value)?;
        Ok(Some(self.seen(acting, stored.as_ref().map(|stored| &stored.value), view.now())))
    }

    /// What calls flespi.
    pub(super) fn flespi_api(&self) -> Result<Arc<dyn FlespiApi>, Error> {
        let missing = || PortError::new("flespi", "the engine was built without what calls flespi");
        Ok(self.flespi.clone().ok_or_else(missing)?)
    }
}

/// A nonce is bound to its user, its session and the user's credentials.
fn bound<T>(acting: &Acting, nonce: &LinkToken, with: impl FnOnce(&Binding<'_>) -> T) -> T {
    let user = &acting.user.value;
    with(&Binding {
        challenge: nonce.challenge().uuid(),
        purpose: Purpose::FlespiHandOff.name(),
        user: user.id.uuid(),
        destination: &acting.session.value.id.to_string(),
        credential_version: Whose::from(user).bound_version(Purpose::FlespiHandOff),
        secret: nonce.secret().expose(),
    })
}

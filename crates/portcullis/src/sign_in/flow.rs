//! Sign-in, as operations.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::model::{Admission, Attempt, CodeResult, Device, Reauthenticated, SignInResult};
use super::rules::{self, Admitted, Again, CodePlan, FreshIds, Knock, Planned, Proof, Step};
use crate::account::rules::Chain;
use crate::challenge::rules::{Entry, meant_for};
use crate::challenge::{Channel, NewCode, PendingCode, Purpose};
use crate::decision::Decision;
use crate::engine::commit::Try;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::id::{ChallengeId, SessionId};
use crate::port::hasher::{HashError, PasswordHash};
use crate::port::store::Start;
use crate::secret::{Code, Password};
use crate::sms::Learned;
use crate::sms::rules::{channels, route};
use crate::user::{Login, Method, User};

/// The label a device token is sealed under.
const DEVICE: &str = "device";

/// Signing in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a>(&'a Portcullis);

impl Portcullis {
    /// Signing in.
    pub const fn sign_in(&self) -> SignIn<'_> {
        SignIn(self)
    }
}

/// The check of one password, kept over the tries of one operation while the hash stays the same.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Option<(Option<String>, Proof)>>);

impl Memo {
    pub(crate) async fn check(
        &self,
        engine: &Engine,
        password: &Password,
        hash: Option<&PasswordHash>,
        worth_renewing: bool,
    ) -> Result<Proof, Error> {
        let input = hash.map(|hash| hash.as_str().to_owned());
        if let Some((seen, proof)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
            && seen == input
        {
            return Ok(proof);
        }
        let verified = engine.hasher.verify(password, hash).await.map_err(slow)?;
        // A second hash for who is not admitted anyway would tell by its time that the password is right.
        let rehashed = if verified.fits && verified.outdated && worth_renewing {
            Some(engine.hasher.hash(password, engine.random_bytes()?).await.map_err(slow)?)
        } else {
            None
        };
        let proof = Proof { fits: verified.fits, rehashed };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((input, proof.clone()));
        Ok(proof)
    }
}

pub(crate) fn slow(error: HashError) -> Error {
    match error {
        HashError::Busy { retry_after } => Error::Busy { retry_after },
        HashError::Failed(error) => Error::Unavailable(error),
    }
}

impl SignIn<'_> {
    /// Takes a login and a password. A right password admits, or sends a code if two-factor authentication is on.
    ///
    /// Unknown login, wrong password, no password, disabled and blocked are one refusal, cost the same work and leave the
    /// same shape of rows.
    ///
    /// ```
    /// use portcullis::secret::Password;
    /// use portcullis::sign_in::SignInResult;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// match security.sign_in().start(&alice.login, &password, &attempt()).await? {
    ///     SignInResult::Admitted(admission) => assert_eq!(admission.session.user, alice.id),
    ///     SignInResult::CodeRequired { .. } => unreachable!("two-factor authentication is off"),
    ///     _ => unreachable!(),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `bad_credentials`; `too_many_attempts` when the source address or the user has to wait. With a right
    /// password and two-factor authentication on: `locked` after too many wrong codes, `too_soon` when no more codes may
    /// be mailed now, `not_allowed` with the gates that are missing. [`Error::Busy`] when too many passwords wait.
    pub async fn start(
        &self,
        login: &Login,
        password: &Password,
        attempt: &Attempt,
    ) -> Result<SignInResult, Error> {
        let engine = &self.0.engine;
        let (memo, learned) = (Memo::default(), Learned::default());
        let (memo, learned) = (&memo, &learned);
        let step = engine
            .decide(|t| async move {
                let source = engine.source_id(&attempt.source);
                let decoy = engine.keyring().derive("login", login.as_str().as_bytes());
                let device = engine.open_device(attempt.device.as_deref());
                let starts = vec![Start::Key(User::login_key(login.as_str()))];
                let mut subjects = vec![source, decoy];
                subjects.extend(device.map(|device| device.id));
                let view = engine.read(&t, starts, learned.and(&subjects)).await?;
                let user = view.start::<User>(0)?;
                let knock = engine.knock(&view, user, decoy, device, source)?;
                if let Err(no) = knock.open(&engine.policy, t.now) {
                    return Ok(no.into());
                }
                let hash = knock.user.as_ref().and_then(|user| user.value.password.as_ref());
                let proof = memo.check(engine, password, hash, knock.admissible(t.now)).await?;
                let user = knock.user.as_ref().map(|user| &user.value);
                let user = user.filter(|_| proof.fits).zip(Some(&knock.chain));
                let plan = engine.code_plan(&view, user, Purpose::SignIn, source, learned)?;
                let ids = engine.fresh_ids(t.now)?;
                Ok(rules::start(&knock, &proof, plan, ids, &engine.policy, t.now))
            })
            .await?;
        Ok(match step {
            Step::Admitted(admitted) => SignInResult::Admitted(engine.admission(admitted)?),
            Step::CodeRequired(code, channels) => SignInResult::CodeRequired { code, channels },
        })
    }

    /// Takes the code of a sign-in or a re-authentication; the latter only from the session that asked.
    ///
    /// The right code is worth one admission, whoever else brings it at the same moment.
    ///
    /// ```
    /// use portcullis::secret::Password;
    /// use portcullis::sign_in::{CodeResult, SignInResult};
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// # w.advance(chrono::TimeDelta::hours(2));
    /// # let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// let SignInResult::CodeRequired { code, .. } =
    ///     security.sign_in().start(&alice.login, &password, &attempt()).await?
    /// else {
    ///     panic!("a code is asked");
    /// };
    /// # w.run_worker().await?;
    /// let entered = w.code_of(&alice).await?; // what alice read in her mail
    /// let CodeResult::Admitted(admission) =
    ///     security.sign_in().code(code.id, &entered, &attempt(), None).await?
    /// else {
    ///     panic!("the right code admits");
    /// };
    /// assert_eq!(admission.session.assurance.name(), "password_email");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `wrong_code` with the attempts left; `challenge_dead` when it is expired, spent, superseded or for
    /// something else; `locked` after too many wrong ones; `too_many_attempts` from one source address; `signed_out` when
    /// the session to be made fresh is over.
    pub async fn code(
        &self,
        challenge: ChallengeId,
        code: &Code,
        attempt: &Attempt,
        session: Option<SessionId>,
    ) -> Result<CodeResult, Error> {
        let engine = &self.0.engine;
        let result = engine
            .decide(|t| async move {
                let source = engine.source_id(&attempt.source);
                let device = engine.open_device(attempt.device.as_deref());
                let mut starts = vec![Start::Id(challenge.uuid())];
                starts.extend(session.map(|session| Start::Id(session.uuid())));
                let view = engine.read(&t, starts, vec![source]).await?;
                let purposes: &[Purpose] = match session {
                    Some(_) => &[Purpose::SignIn, Purpose::Reauthentication],
                    None => &[Purpose::SignIn],
                };
                let entry = match meant_for(engine.entry(&view, 0, Some(code), source)?, purposes, None) {
                    Ok(entry) => entry,
                    Err(no) => return Ok(no.into()),
                };
                let ids = engine.fresh_ids(t.now)?;
                let device = rules::known_device(device, Some(&entry.user.value), t.now);
                engine.finish(&view, &entry, device, ids, &t)
            })
            .await?;
        Ok(match result {
            Finished::Admitted(admitted) => CodeResult::Admitted(engine.admission(admitted)?),
            Finished::Fresh(session) => CodeResult::Fresh(session),
        })
    }

    /// Sends the code of a sign-in or a re-authentication again: a new code, the old one dead, the attempts as they
    /// were.
    ///
    /// ```
    /// # use portcullis::secret::Password;
    /// # use portcullis::sign_in::SignInResult;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// # w.advance(chrono::TimeDelta::hours(2));
    /// # let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// # let SignInResult::CodeRequired { code, .. } =
    /// #     security.sign_in().start(&alice.login, &password, &attempt()).await?
    /// # else {
    /// #     panic!("a code is asked");
    /// # };
    /// let early = security.sign_in().resend(code.id, &attempt()).await.unwrap_err();
    /// assert_eq!(early.to_string(), "nothing can be sent yet");
    /// w.advance(security.policy().resend_after);
    /// let again = security.sign_in().resend(code.id, &attempt()).await?;
    /// assert_eq!((again.id, again.attempts_left), (code.id, code.attempts_left));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `too_soon`, `no_sends_left`, `challenge_dead`, `locked`, `too_many_attempts`.
    pub async fn resend(&self, challenge: ChallengeId, attempt: &Attempt) -> Result<PendingCode, Error> {
        self.resend_by(challenge, None, attempt).await
    }

    /// Sends a pending sign-in's code again by the channel named, one of those that the answer to the password named. By
    /// SMS it is the same code with the same end, as long as the channel stays; everything else is a new code, and the
    /// old one is dead.
    ///
    /// ```
    /// use portcullis::challenge::Channel;
    /// use portcullis::sign_in::SignInResult;
    /// # use portcullis::secret::Password;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// let started = security.sign_in().start(&alice.login, &password, &attempt()).await?;
    /// let SignInResult::CodeRequired { code, channels } = started else { panic!("a code is asked") };
    /// assert_eq!(channels, [Channel::Email]);
    /// w.advance(security.policy().resend_after);
    /// let by_sms = security.sign_in().resend_by(code.id, Some(Channel::Sms), &attempt()).await;
    /// assert_eq!(by_sms.unwrap_err().to_string(), "this is not allowed");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`SignIn::resend`]; refused `not_allowed` with every missing gate when the channel is not open.
    pub async fn resend_by(
        &self,
        challenge: ChallengeId,
        channel: Option<Channel>,
        attempt: &Attempt,
    ) -> Result<PendingCode, Error> {
        let engine = &self.0.engine;
        let purposes = &[Purpose::SignIn, Purpose::Reauthentication];
        engine.resend(challenge, purposes, channel, Some(&attempt.source), None).await
    }

    /// Shows a pending sign-in or re-authentication: when its code may be sent again, how many wrong ones are left, and how
    /// far the message with it came. It changes nothing.
    ///
    /// ```
    /// use portcullis::challenge::CodeDelivery;
    /// # use portcullis::secret::Password;
    /// # use portcullis::sign_in::SignInResult;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// # let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// # let SignInResult::CodeRequired { code, .. } =
    /// #     security.sign_in().start(&alice.login, &password, &attempt()).await?
    /// # else {
    /// #     panic!("a code is asked");
    /// # };
    /// assert_eq!(security.sign_in().pending(code.id).await?.delivery, CodeDelivery::Waiting);
    /// w.run_worker().await?;
    /// assert_eq!(security.sign_in().pending(code.id).await?.delivery, CodeDelivery::Sent);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `challenge_dead`.
    pub async fn pending(&self, challenge: ChallengeId) -> Result<PendingCode, Error> {
        self.0.engine.pending(challenge, &[Purpose::SignIn, Purpose::Reauthentication]).await
    }

    /// Makes a session fresh again by the password, and by a code if two-factor authentication is on. The session goes
    /// on under a new id; the old one is dead.
    ///
    /// ```
    /// use portcullis::secret::Password;
    /// use portcullis::sign_in::Reauthenticated;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// w.advance(security.policy().session_fresh);
    /// let password = Password::parse(PASSWORD.to_owned(), "password")?;
    /// let Reauthenticated::Fresh(again) =
    ///     security.sign_in().reauthenticate(session.id, &password, &attempt()).await?
    /// else {
    ///     panic!("two-factor authentication is off");
    /// };
    /// assert!(again.id != session.id && again.fresh_until > security.now());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`, and as [`start`](Self::start).
    pub async fn reauthenticate(
        &self,
        session: SessionId,
        password: &Password,
        attempt: &Attempt,
    ) -> Result<Reauthenticated, Error> {
        let engine = &self.0.engine;
        let (memo, learned) = (Memo::default(), Learned::default());
        let (memo, learned) = (&memo, &learned);
        let again = engine
            .decide(|t| async move {
                let source = engine.source_id(&attempt.source);
                let device = engine.open_device(attempt.device.as_deref());
                let mut subjects = vec![source];
                subjects.extend(device.map(|device| device.id));
                let starts = vec![Start::Id(session.uuid())];
                let view = engine.read(&t, starts, learned.and(&subjects)).await?;
                let acting = match view.acting(0)? {
                    Ok(acting) => acting,
                    Err(no) => return Ok(no.into()),
                };
                let who = acting.user.value.id.uuid();
                let knock = engine.knock(&view, Some(acting.user.clone()), who, device, source)?;
                if let Err(no) = knock.open(&engine.policy, t.now) {
                    return Ok(no.into());
                }
                let hash = acting.user.value.password.as_ref();
                let proof = memo.check(engine, password, hash, knock.admissible(t.now)).await?;
                let user = proof.fits.then_some((&acting.user.value, &acting.chain));
                let plan = engine.code_plan(&view, user, Purpose::Reauthentication, source, learned)?;
                let fresh = SessionId::from_uuid(engine.new_id(t.now)?);
                Ok(rules::reauthenticate(&acting, &knock, &proof, plan, fresh, &engine.policy, t.now))
            })
            .await?;
        Ok(match again {
            Again::Fresh(session) => Reauthenticated::Fresh(session),
            Again::CodeRequired(code, channels) => Reauthenticated::CodeRequired { code, channels },
        })
    }
}

/// What a right code came to.
enum Finished {
    Admitted(Admitted),
    Fresh(crate::session::CurrentSession),
}

impl Engine {
    fn finish(
        &self,
        view: &View,
        entry: &Entry,
        device: Option<uuid::Uuid>,
        ids: FreshIds,
        t: &Try,
    ) -> Result<Decision<Finished>, Error> {
        Ok(match entry.challenge.value.purpose {
            Purpose::Reauthentication => match view.acting(1)? {
                Ok(acting) => {
                    rules::refresh(&acting, entry, ids.session, &self.policy, t.now).map(Finished::Fresh)
                }
                Err(no) => no.into(),
            },
            Purpose::SignIn
            | Purpose::EmailConfirmation
            | Purpose::TwoFactorEmail
            | Purpose::TwoFactorSms
            | Purpose::Recovery
            | Purpose::Invitation
            | Purpose::EmailUndo
            | Purpose::FlespiHandOff => {
                rules::finish(entry, device, ids, &self.policy, t.now).map(Finished::Admitted)
            }
        })
    }

    pub(crate) fn knock(
        &self,
        view: &View,
        user: Option<crate::decision::Stored<User>>,
        decoy: uuid::Uuid,
        device: Option<Device>,
        source: uuid::Uuid,
    ) -> Result<Knock, Error> {
        let chain = match &user {
            Some(user) => view.chain(&user.value)?,
            None => Chain(Vec::new()),
        };
        let who = user.as_ref().map_or(decoy, |user| user.value.id.uuid());
        let device = rules::known_device(device, user.as_ref().map(|user| &user.value), view.now());
        let subject = device.unwrap_or(who);
        Ok(Knock {
            failures: view
                .count_within(&rules::password_failures(subject), self.policy.password_failures_kept),
            wait: view.count_within(&rules::password_wait(subject), self.policy.password_backoff.longest),
            from_source: view.count_within(
                &rules::sign_in_failures(source),
                self.policy.sign_in_failures_per_source.within,
            ),
            user,
            chain,
            who,
            device,
            source,
        })
    }

    /// What a code would need, if the user's method asks for one, or what is missing for it.
    fn code_plan(
        &self,
        view: &View,
        user: Option<(&User, &Chain)>,
        purpose: Purpose,
        source: uuid::Uuid,
        learned: &Learned,
    ) -> Result<Option<Planned>, Error> {
        let Some((user, chain)) = user.filter(|(user, _)| user.two_factor != Method::None) else {
            return Ok(None);
        };
        let found = match user.two_factor {
            Method::Sms => {
                let phone = user.phone.as_ref();
                Some(self.sms_to(view, user, chain, phone, source, Some(learned))?)
            }
            Method::None | Method::Email => None,
        };
        let missing = found.as_ref().map(|found| found.missing.as_slice()).unwrap_or_default();
        let route = match route(user, missing, None, &self.policy) {
            Ok(route) => route,
            Err(missing) => {
                return Ok(Some(Err((missing, found.and_then(|found| found.left).map(Box::new)))));
            }
        };
        let fare = match self.fare(view, user, &route.to, found.as_ref()) {
            Ok(fare) => fare,
            Err(missing) => return Ok(Some(Err((missing, None)))),
        };
        let new: NewCode = self.new_code(view.now())?;
        Ok(Some(Ok(Box::new(CodePlan {
            fresh: self.bind(&new, user, purpose, &route.to),
            fare,
            channels: channels(user, missing, &self.policy),
            line: found.filter(|_| route.to.phone().is_some()).map(|found| found.line),
            route,
            failures: view.count(&purpose.failures(user.id)),
            wait: view.count_within(&purpose.wait(user.id), self.policy.code_backoff.longest),
        }))))
    }

    fn fresh_ids(&self, now: DateTime<Utc>) -> Result<FreshIds, Error> {
        Ok(FreshIds {
            session: SessionId::from_uuid(self.new_id(now)?),
            device: self.new_id(now)?,
            epoch: self.keyring().epoch(),
        })
    }

    pub(crate) fn open_device(&self, token: Option<&str>) -> Option<Device> {
        let payload = self.keyring().open_token(DEVICE, token?)?;
        Device::from_bytes(payload.expose())
    }

    fn admission(&self, admitted: Admitted) -> Result<Admission, Error> {
        let Admitted { session, device, days_left } = admitted;
        Ok(Admission { session, device: self.seal_device(device)?, days_left })
    }

    fn seal_device(&self, device: Device) -> Result<String, Error> {
        let token = self.keyring().seal_token(DEVICE, &device.to_bytes());
        token.ok_or(Error::Corrupt { kind: "device".into(), why: "its token can't be sealed" })
    }
}

//! The engine with users who sign in with a password and a mailed code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use portcullis::Portcullis;
use portcullis::account::NewAccount;
use portcullis::contact::Email;
use portcullis::error::PortError;
use portcullis::id::SessionId;
use portcullis::keyring::Keyring;
use portcullis::password::argon2::HashPool;
use portcullis::policy::{Limit, Policy};
use portcullis::port::ambient::{Random, SystemRandom};
use portcullis::port::hasher::{HashError, PasswordHash, PasswordHasher, Verified};
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::Store;
use portcullis::secret::{Code, Password};
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::world::{PASSWORD, attempt, source};
use portcullis::user::{Login, NewUser};

use crate::Fallible;

/// The engine, and users with two-factor authentication by e-mail on.
#[derive(Debug)]
pub struct Ours {
    security: Portcullis,
    logins: Vec<Login>,
    password: Password,
    code: Code,
}

impl Ours {
    /// Makes the engine on a store, and one user for each caller.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn new(store: Arc<dyn Store>, callers: usize) -> Fallible<Self> {
        Self::with(store, callers, Arc::new(HashPool::with_cheap_cost_for_tests()?)).await
    }

    /// As [`Ours::new`], with another hasher.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn with(
        store: Arc<dyn Store>,
        callers: usize,
        hasher: Arc<dyn PasswordHasher>,
    ) -> Fallible<Self> {
        let security = engine(store, hasher)?;
        let password = Password::parse(PASSWORD.to_owned(), "password")?;
        let code = Code::parse("000000")?;
        let hash = HashPool::with_cheap_cost_for_tests()?.hash(&password, [7; 16]).await?;
        let account = security.accounts().create(NewAccount::named("customer")).await?;
        let mut logins = Vec::with_capacity(callers);
        for caller in 0..callers {
            let login = Login::parse(&format!("caller-{caller:04}"))?;
            let mut new = NewUser::new(login.clone(), account.id);
            new.password = Some(hash.clone());
            new.long_enough_alone = true;
            new.confirmed_email = Some(Email::parse(&format!("caller-{caller:04}@example.com"))?);
            security.users().create(new).await?;
            let SignInResult::Admitted(admission) =
                security.sign_in().start(&login, &password, &attempt()).await?
            else {
                return Err("a code is asked before there is a second factor".into());
            };
            let session = admission.session.id;
            let pending = security.two_factor().ask(session, None).await?;
            security.two_factor().enable(session, pending.id, &code, &source()).await?;
            logins.push(login);
        }
        Ok(Self { security, logins, password, code })
    }

    /// The engine.
    pub const fn security(&self) -> &Portcullis {
        &self.security
    }

    /// Signs a caller in, with the code; gives the session.
    ///
    /// # Errors
    /// When it does not end in a session.
    pub async fn session(&self, caller: usize) -> Fallible<SessionId> {
        self.admitted(caller).await
    }

    /// One round of a caller: the password, then the code.
    ///
    /// # Errors
    /// When it does not end in a session.
    pub async fn round(&self, caller: usize) -> Fallible<()> {
        self.admitted(caller).await.map(drop)
    }

    async fn admitted(&self, caller: usize) -> Fallible<SessionId> {
        let login = self.logins.get(caller).ok_or("there is no such caller")?;
        let sign_in = self.security.sign_in();
        let SignInResult::CodeRequired { code, .. } =
            sign_in.start(login, &self.password, &attempt()).await?
        else {
            return Err("no code was asked".into());
        };
        let CodeResult::Admitted(admission) = sign_in.code(code.id, &self.code, &attempt(), None).await?
        else {
            return Err("the code made no session".into());
        };
        Ok(admission.session.id)
    }
}

/// Says that every password fits, at once: what is left of a round is neither hash nor thread.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NoHash;

impl NoHash {
    /// The hasher.
    pub fn shared() -> Arc<dyn PasswordHasher> {
        Arc::new(Self)
    }
}

#[async_trait]
impl PasswordHasher for NoHash {
    async fn hash(&self, _: &Password, _: [u8; 16]) -> Result<PasswordHash, HashError> {
        Ok(PasswordHash::stored("$none"))
    }

    async fn verify<'a>(&self, _: &Password, hash: Option<&'a PasswordHash>) -> Result<Verified, HashError> {
        Ok(Verified { fits: hash.is_some(), outdated: false })
    }
}

fn engine(store: Arc<dyn Store>, hasher: Arc<dyn PasswordHasher>) -> Fallible<Portcullis> {
    let many = Limit::new(1_000_000_000, TimeDelta::hours(1));
    let mut policy = Policy::default();
    policy.email_codes_per_user = many;
    policy.email_codes_per_address = many;
    let keyring = Keyring::generate(&SystemRandom::default(), now())?;
    Ok(Portcullis::builder_on(store)
        .keyring(keyring)
        .mail(NoMail)
        .hasher(hasher)
        .random(Arc::new(KnownCodes(AtomicU64::new(now().timestamp_micros().unsigned_abs()))))
        .policy(policy)
        .public_url("https://fleet.example.com")
        .build()?)
}

fn now() -> chrono::DateTime<chrono::Utc> {
    use portcullis::port::ambient::{Clock, SystemClock};
    SystemClock::default().now()
}

/// Randomness whose codes are all zeros, so that a caller knows them without a mailbox; everything else differs at each
/// call.
#[derive(Debug)]
struct KnownCodes(AtomicU64);

impl Random for KnownCodes {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        /// What a code is drawn from: no other draw of a round has this length.
        const CODE_BYTES: usize = 32;
        if buffer.len() == CODE_BYTES {
            buffer.fill(0);
            return Ok(());
        }
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64.
            let mut z = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.iter_mut().zip(z.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

/// Takes no mail: no worker runs.
struct NoMail;

#[async_trait]
impl MailSender for NoMail {
    async fn send(&self, _: &Mail) -> Result<Receipt, SendError> {
        Err(SendError::Misconfigured { detail: "a bench sends no mail" })
    }
}

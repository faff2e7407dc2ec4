//! Building the engine: what types cannot prevent is refused here, with what to add.

use core::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, RwLock};

use super::health::Counted;
use super::public_url::PublicUrl;
use super::{Engine, Portcullis, SmsLine};
use crate::error::PortError;
use crate::keyring::Keyring;
use crate::password::CommonPasswords;
use crate::policy::{Policy, PolicyError};
use crate::port::ambient::{Clock, Random, SystemClock, SystemRandom};
use crate::port::compromised::CompromisedPasswords;
use crate::port::flespi::FlespiApi;
use crate::port::hasher::PasswordHasher;
use crate::port::message::{MailSender, SmsSender};
use crate::port::store::Store;
use crate::port::template::Templates;
use crate::sms_text::{self, SmsName};
use crate::templates::BuiltinTemplates;

/// Why the engine can't be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A part is missing.
    #[error("{part} is missing: {advice}")]
    Missing {
        /// What is missing.
        part: &'static str,
        /// What to add.
        advice: &'static str,
    },
    /// A number of the policy is out of its range.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The public URL is none.
    #[error("the public url does not fit: {why}")]
    PublicUrl {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A part could not be made.
    #[error(transparent)]
    Part(#[from] PortError),
    /// The password hasher could not be started.
    #[cfg(feature = "argon2")]
    #[error(transparent)]
    Hasher(#[from] crate::password::argon2::HashPoolError),
}

/// Builds a [`Portcullis`].
pub struct Builder {
    store: Arc<dyn Store>,
    keyring: Option<Keyring>,
    mail: Option<Arc<dyn MailSender>>,
    sms: Option<Arc<dyn SmsSender>>,
    flespi: Option<Arc<dyn FlespiApi>>,
    hasher: Option<Arc<dyn PasswordHasher>>,
    compromised: Arc<dyn CompromisedPasswords>,
    templates: Option<Arc<dyn Templates>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    policy: Policy,
    product: String,
    sms_name: Option<SmsName>,
    public_url: Option<String>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Portcullis {
    /// Starts building on a store. Keys, a mail sender and the public URL must be given; everything else has a default.
    ///
    /// ```
    /// use portcullis::keyring::Keyring;
    /// use portcullis::memory::MemoryStore;
    /// use portcullis::policy::Policy;
    /// use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
    /// use portcullis::testing::mailbox::Mailbox; // `portcullis_smtp::SmtpSender` in a service
    /// use portcullis::{BuildError, Portcullis};
    ///
    /// let missing = Portcullis::builder(MemoryStore::new()).build().unwrap_err();
    /// assert!(matches!(missing, BuildError::Missing { part: "a keyring", .. }));
    ///
    /// let keys = Keyring::generate(&SystemRandom::default(), SystemClock::default().now())?;
    /// let security = Portcullis::builder(MemoryStore::new())
    ///     .keyring(keys)
    ///     .mail(Mailbox::new())
    ///     .policy(Policy::strict())
    ///     .product("Example")
    ///     .public_url("https://fleet.example.com")
    ///     .build()?;
    /// assert!(!security.policy().email_factor);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(store: impl Store) -> Builder {
        Self::builder_on(Arc::new(store))
    }

    /// Starts building on a store that others hold too.
    pub fn builder_on(store: Arc<dyn Store>) -> Builder {
        Builder {
            store,
            keyring: None,
            mail: None,
            sms: None,
            flespi: None,
            hasher: None,
            compromised: Arc::new(CommonPasswords),
            templates: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            policy: Policy::default(),
            product: String::from("portcullis"),
            sms_name: None,
            public_url: None,
        }
    }
}

impl Builder {
    /// The host's keys.
    #[must_use]
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// What carries mail.
    #[must_use]
    pub fn mail(mut self, sender: impl MailSender) -> Self {
        self.mail = Some(Arc::new(sender));
        self
    }

    /// What carries mail, held by others too.
    #[must_use]
    pub fn mail_on(mut self, sender: Arc<dyn MailSender>) -> Self {
        self.mail = Some(sender);
        self
    }

    /// What carries SMS. Without it nobody can choose codes by SMS, and the codes of those who have chosen them travel as if
    /// the service were switched off: whether SMS can be sent is the host's to say, so no part is missing without it.
    #[must_use]
    pub fn sms(self, sender: impl SmsSender) -> Self {
        self.sms_on(Arc::new(sender))
    }

    /// What the product is called in an SMS, where its name is too long for one or looks like a link.
    #[must_use]
    pub fn sms_name(mut self, name: SmsName) -> Self {
        self.sms_name = Some(name);
        self
    }

    /// What carries SMS, held by others too.
    #[must_use]
    pub fn sms_on(mut self, sender: Arc<dyn SmsSender>) -> Self {
        self.sms = Some(sender);
        self
    }

    /// What calls flespi. Without it there are no flespi settings, and nobody can connect.
    #[must_use]
    pub fn flespi(self, api: impl FlespiApi) -> Self {
        self.flespi_on(Arc::new(api))
    }

    /// What calls flespi, held by others too.
    #[must_use]
    pub fn flespi_on(mut self, api: Arc<dyn FlespiApi>) -> Self {
        self.flespi = Some(api);
        self
    }

    /// What hashes passwords; by default a [`HashPool`](crate::password::argon2::HashPool) at the policy's cost.
    #[must_use]
    pub fn hasher(mut self, hasher: Arc<dyn PasswordHasher>) -> Self {
        self.hasher = Some(hasher);
        self
    }

    /// What knows passwords that are no secret any more; by default [`CommonPasswords`].
    #[must_use]
    pub fn compromised_passwords(mut self, known: impl CompromisedPasswords) -> Self {
        self.compromised = Arc::new(known);
        self
    }

    /// What words messages; by default [`BuiltinTemplates`].
    #[must_use]
    pub fn templates(mut self, templates: impl Templates) -> Self {
        self.templates = Some(Arc::new(templates));
        self
    }

    /// What tells the time; by default the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What gives randomness; by default the system's generator.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The policy; by default [`Policy::default`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What messages call the product; by default `portcullis`.
    #[must_use]
    pub fn product(mut self, name: impl Into<String>) -> Self {
        self.product = name.into();
        self
    }

    /// Where the host's pages are, as `https://host[/base]`; `http` on a host that is this machine. Links in messages
    /// begin with it: `<public url>/recovery/…`, `<public url>/invitation/…`, `<public url>/email/undo/…`.
    ///
    /// ```
    /// use portcullis::Portcullis;
    /// use portcullis::memory::MemoryStore;
    /// let builder = Portcullis::builder(MemoryStore::new()).public_url("http://fleet.example.com");
    /// let wrong = builder.build().unwrap_err();
    /// assert_eq!(wrong.to_string(), "the public url does not fit: it is neither https nor on this machine");
    /// ```
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Builds.
    ///
    /// ```
    /// use portcullis::keyring::Keyring;
    /// use portcullis::memory::MemoryStore;
    /// use portcullis::policy::Policy;
    /// use portcullis::Portcullis;
    ///
    /// let mut policy = Policy::default();
    /// policy.code_length = 5;
    /// let wrong = Portcullis::builder(MemoryStore::new()).policy(policy).build().unwrap_err();
    /// assert_eq!(wrong.to_string(), "policy field code_length is out of its range");
    /// ```
    ///
    /// # Errors
    /// [`BuildError`] names the part that is missing and what to add, or the field of the policy that is out of its
    /// range.
    pub fn build(self) -> Result<Portcullis, BuildError> {
        self.policy.check()?;
        let missing = |part, advice| BuildError::Missing { part, advice };
        let public_url = match self.public_url.as_deref().map(PublicUrl::parse) {
            Some(url) => Some(url.map_err(|why| BuildError::PublicUrl { why })?),
            None => None,
        };
        let keyring = self.keyring.ok_or(missing("a keyring", "call keyring(Keyring::from_file(path)?)"))?;
        let mail =
            self.mail.ok_or(missing("a mail sender", "call mail(SmtpSender::from_url(url, password)?)"))?;
        let public_url = public_url.ok_or(missing(
            "a public url",
            "call public_url(\"https://host\"), where the links of messages lead",
        ))?;
        let hasher = match self.hasher {
            Some(hasher) => hasher,
            None => default_hasher(&self.policy)?,
        };
        let templates = match self.templates {
            Some(templates) => templates,
            None => Arc::new(BuiltinTemplates::new(self.product.as_str())?),
        };
        // INVARIANT: a text that does not fit into one SMS is found here, and not when somebody waits for a code.
        let sms = match self.sms {
            Some(sender) => {
                let name = self.sms_name.map_or_else(|| SmsName::parse(&self.product), Ok);
                let advice =
                    "call sms_name(SmsName::parse(\"..\")?): the product's name does not fit into an SMS";
                let name = name.map_err(|_| missing("a name for SMS", advice))?;
                sms_text::check(&*templates, &name)?;
                Some(SmsLine { sender, name })
            }
            None => None,
        };
        let engine = Engine {
            store: self.store,
            clock: self.clock,
            random: self.random,
            hasher,
            compromised: self.compromised,
            mail,
            sms,
            flespi: self.flespi,
            templates,
            policy: self.policy,
            product: self.product,
            public_url,
            keyring: RwLock::new(keyring),
            wake: event_listener::Event::new(),
            last_pass: AtomicI64::new(i64::MIN),
            last_purge: AtomicI64::new(i64::MIN),
            rate: Mutex::default(),
            halt: Mutex::default(),
            sms_halt: Mutex::default(),
            reports: Counted::default(),
        };
        Ok(Portcullis { engine: Arc::new(engine) })
    }
}

#[cfg(feature = "argon2")]
fn default_hasher(policy: &Policy) -> Result<Arc<dyn PasswordHasher>, BuildError> {
    use crate::password::argon2::{HashCost, HashPool};
    let cost =
        HashCost { memory_kib: policy.hash_memory_kib, passes: policy.hash_passes, lanes: policy.hash_lanes };
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let pool = HashPool::new(cost, size(policy.hash_threads), size(policy.hash_queue))?;
    Ok(Arc::new(pool))
}

#[cfg(not(feature = "argon2"))]
fn default_hasher(_: &Policy) -> Result<Arc<dyn PasswordHasher>, BuildError> {
    let advice = "call hasher(..), or enable the feature argon2";
    Err(BuildError::Missing { part: "a password hasher", advice })
}

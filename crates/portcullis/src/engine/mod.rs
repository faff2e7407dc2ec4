//! The engine: reads once, finds out, asks the rule, commits once, and only then answers.

pub(crate) mod act;
pub(crate) mod builder;
mod claim;
pub(crate) mod commit;
pub(crate) mod health;
mod leaving;
pub(crate) mod prepared;
pub(crate) mod public_url;
mod purge;
pub(crate) mod record;
mod submit;
mod timed;
pub(crate) mod worker;

use core::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::decision::Entity;
use crate::error::Error;
use crate::id::{UserId, uuid_v7};
use crate::keyring::Keyring;
use crate::message::pace::{Halt, Rate};
use crate::policy::Policy;
use crate::port::ambient::{Clock, Random};
use crate::port::compromised::CompromisedPasswords;
use crate::port::flespi::FlespiApi;
use crate::port::hasher::PasswordHasher;
use crate::port::message::{MailSender, SmsSender};
use crate::port::store::{Key, Page, Read, Start, Store, TrailPage};
use crate::port::template::Templates;
use crate::sms_text::SmsName;
use commit::{Hit, Try};
use health::Counted;
use record::View;

/// Account security, embedded: the handle a host keeps. Cheap to clone; all clones are one.
///
/// Rooms hang off it: [`sign_in`](Self::sign_in), [`sessions`](Self::sessions), [`email`](Self::email),
/// [`password`](Self::password), [`recovery`](Self::recovery), [`two_factor`](Self::two_factor), [`notices`](Self::notices), [`flespi`](Self::flespi), [`users`](Self::users), [`accounts`](Self::accounts),
/// [`rights`](Self::rights), [`settings`](Self::settings) and the [`worker`](Self::worker).
/// Every future it gives is `Send`, and dropping one at any point leaves the state before or after the operation.
///
/// # Errors
/// Beside the refusals that an operation names, each may fail with [`Error::Unavailable`] when an adapter does not answer,
/// and with [`Error::Corrupt`] when a record can't be read by this release; one that changes something also with
/// [`Error::Contended`] and [`Error::Unknown`].
#[derive(Clone)]
pub struct Portcullis {
    pub(crate) engine: Arc<Engine>,
}

impl fmt::Debug for Portcullis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portcullis").finish_non_exhaustive()
    }
}

impl Portcullis {
    /// The policy in force.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// assert_eq!(security.policy().code_length, 6);
    /// # Ok(()) }
    /// ```
    pub fn policy(&self) -> &Policy {
        &self.engine.policy
    }

    /// The present time, as the engine sees it.
    pub fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }

    /// The keys in force.
    pub fn keyring(&self) -> Keyring {
        self.engine.keyring()
    }

    /// Puts another keyring in force, for example after a rotation. Work under way goes on with the old one.
    ///
    /// ```
    /// use portcullis::port::ambient::SystemRandom;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let mut keys = security.keyring();
    /// keys.rotate(&SystemRandom::default(), security.now())?;
    /// security.replace_keyring(keys.clone()); // in every process, before the next one signs
    /// assert_eq!(security.keyring().current(), keys.current());
    /// # Ok(()) }
    /// ```
    pub fn replace_keyring(&self, keyring: Keyring) {
        *self.engine.keyring.write().unwrap_or_else(PoisonError::into_inner) = keyring;
    }

    /// Gives a page of the audit trail of a user: a [`Page`] gives the oldest events first, [`TrailPage::newest`] the
    /// newest. Events of one millisecond and of different commits come in any order.
    ///
    /// The host decides who may see it.
    ///
    /// ```
    /// use portcullis::port::store::{Page, TrailPage};
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let trail = security.audit(alice.id, Page { after: None, limit: 100 }).await?;
    /// assert!(trail.iter().any(|event| event.action == "signed_in"));
    /// let last = security.audit(alice.id, TrailPage::newest(None, 1)).await?;
    /// assert_eq!(last.first(), trail.last());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn audit(
        &self,
        user: UserId,
        page: impl Into<TrailPage> + Send,
    ) -> Result<Vec<AuditEvent>, Error> {
        Ok(self.engine.store.audit(user.uuid(), page.into()).await?)
    }
}

/// What the handles share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) hasher: Arc<dyn PasswordHasher>,
    pub(crate) compromised: Arc<dyn CompromisedPasswords>,
    pub(crate) mail: Arc<dyn MailSender>,
    /// Carries SMS, if the host sends any.
    pub(crate) sms: Option<SmsLine>,
    pub(crate) flespi: Option<Arc<dyn FlespiApi>>,
    pub(crate) templates: Arc<dyn Templates>,
    pub(crate) policy: Policy,
    pub(crate) product: String,
    pub(crate) public_url: public_url::PublicUrl,
    keyring: RwLock<Keyring>,
    pub(crate) wake: event_listener::Event,
    pub(crate) last_pass: AtomicI64,
    pub(crate) last_purge: AtomicI64,
    /// How fast this process sends what nobody waits for.
    pub(crate) rate: Mutex<Rate>,
    /// Whether this process has stopped sending, since the sender is set up wrongly.
    pub(crate) halt: Mutex<Halt>,
    /// The same of SMS.
    pub(crate) sms_halt: Mutex<Halt>,
    /// Delivery reports that told this process nothing.
    pub(crate) reports: Counted,
}

/// What carries SMS, and what the product is called in them.
pub(crate) struct SmsLine {
    pub(crate) sender: Arc<dyn SmsSender>,
    pub(crate) name: SmsName,
}

impl Engine {
    /// The present time in whole microseconds, which every store keeps exactly.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.keyring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a new id.
    pub(crate) fn new_id(&self, now: DateTime<Utc>) -> Result<Uuid, Error> {
        Ok(uuid_v7(now, self.random_bytes()?))
    }

    pub(crate) fn random_bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads one snapshot at the time of a try, together with the counter that the last try found exhausted.
    pub(crate) async fn read(
        &self,
        t: &Try,
        starts: Vec<Start>,
        mut subjects: Vec<Uuid>,
    ) -> Result<View, Error> {
        if let Some(Hit::Exhausted(counter)) = &t.hit {
            subjects.push(counter.subject);
        }
        let snapshot = self.store.read(&Read { now: t.now, starts, subjects }).await?;
        Ok(View::new(snapshot, t.now, self.keyring().epoch()))
    }

    /// The only try of an operation that changes nothing.
    pub(crate) fn look(&self) -> Try {
        Try { now: self.now(), hit: None }
    }

    /// Lists every record of a kind that carries a key, in id order.
    pub(crate) async fn list_page<E: Entity>(&self, key: &Key, page: Page) -> Result<Vec<E>, Error> {
        let records = self.store.list(key, page).await?;
        records.iter().map(|record| record::parse::<E>(record).map(|stored| stored.value)).collect()
    }
}

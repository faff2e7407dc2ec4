//! Building a world.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::ledger::Ledger;
use super::post::Post;
use super::world::World;
use crate::engine::Portcullis;
use crate::keyring::Keyring;
use crate::policy::Policy;
use crate::port::hasher::PasswordHasher;
use crate::port::template::Templates;
use crate::testing::ambient::{SeededRandom, TestClock};
use crate::testing::flespi::FakeFlespi;
use crate::testing::hasher::QuickHasher;
use crate::testing::usual::{PUBLIC_URL, beginning};

/// A [`World`] in the making.
#[must_use = "a world is made by `build`"]
pub struct WorldBuilder {
    policy: Policy,
    seed: u64,
    now: DateTime<Utc>,
    product: String,
    sms: bool,
    hasher: Arc<dyn PasswordHasher>,
    templates: Option<Box<dyn FnOnce(crate::Builder) -> crate::Builder>>,
}

impl fmt::Debug for WorldBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldBuilder")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Default for WorldBuilder {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            seed: 1,
            now: beginning(),
            product: "Example".to_owned(),
            sms: true,
            hasher: Arc::new(QuickHasher),
            templates: None,
        }
    }
}

impl WorldBuilder {
    /// Under this policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// With the randomness of this seed: codes, ids and keys of one seed are the same each time.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With a clock that starts then.
    pub const fn starting(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }

    /// With this name of the product in its messages; `Example` if none is given.
    pub fn product(mut self, name: &str) -> Self {
        name.clone_into(&mut self.product);
        self
    }

    /// Without a sender of SMS, as a host that sends mail alone.
    pub const fn without_sms(mut self) -> Self {
        self.sms = false;
        self
    }

    /// With the host's own templates.
    pub fn templates(mut self, templates: impl Templates) -> Self {
        self.templates = Some(Box::new(|builder| builder.templates(templates)));
        self
    }

    /// With another hasher, as the host's own one; without it, passwords are hashed by [`QuickHasher`].
    pub fn hasher(mut self, hasher: Arc<dyn PasswordHasher>) -> Self {
        self.hasher = hasher;
        self
    }

    /// Makes the world.
    ///
    /// # Panics
    /// When the policy is out of its range, or an SMS in the host's templates or with its product's name does not fit.
    #[track_caller]
    #[expect(clippy::panic, reason = "a world that can't be built fails its test at once")]
    pub fn build(self) -> World {
        let ledger = Ledger::new();
        let clock = Arc::new(TestClock::at(self.now));
        let flespi = FakeFlespi::new(Arc::clone(&clock) as Arc<_>);
        let post = Post::new();
        let mut builder = Portcullis::builder(ledger.clone())
            .mail(post.clone())
            .flespi(flespi.clone())
            .hasher(self.hasher)
            .clock(Arc::clone(&clock) as Arc<_>)
            .random(Arc::new(SeededRandom::new(self.seed)))
            .policy(self.policy)
            .product(self.product)
            .public_url(PUBLIC_URL);
        if let Ok(keyring) = Keyring::generate(&SeededRandom::new(0), self.now) {
            builder = builder.keyring(keyring);
        }
        if self.sms {
            builder = builder.sms(post.clone());
        }
        if let Some(templates) = self.templates {
            builder = templates(builder);
        }
        let security = match builder.build() {
            Ok(security) => security,
            Err(fault) => panic!("the world can't be built: {fault}"),
        };
        World { security, ledger, clock, flespi, post, sessions: Mutex::new(BTreeMap::new()) }
    }
}

//! What is kept sealed, sealed anew after a rotation of the keys.

use std::collections::BTreeSet;

use super::model::{Message, Resealed};
use super::rules;
use crate::audit::Event;
use crate::challenge::Challenge;
use crate::decision::{Changes, Decision, Entity};
use crate::engine::commit::Try;
use crate::engine::{Engine, Portcullis, record};
use crate::error::Error;
use crate::flespi::FlespiConnection;
use crate::keyring::Keyring;
use crate::port::store::{Page, Record, Start};
use crate::recovery::RecoveryRequest;

/// What is kept sealed.
pub(crate) trait Sealed: Entity {
    /// The ids of the keys that sealed it, while there is anything sealed.
    fn sealing_keys(&self) -> BTreeSet<&str>;
    /// The same content under the current key.
    fn sealed_anew(&self, keyring: &Keyring, nonce: [u8; 24]) -> Option<Self>
    where
        Self: Sized;
    /// What the trail tells of it, where it has one.
    fn told(&self) -> Option<Event>;
}

impl Portcullis {
    /// Seals anew, under the current key, a page of the flespi tokens that are kept under another key, and of the
    /// messages and recovery requests that wait under it; so that the other key can be retired. Work goes on meanwhile: what a worker holds is left to it.
    ///
    /// Every process must have the new keyring before, or one of them seals with the old key again. Go on with
    /// [`next`](Resealed::next) until it is `None`; while anything was [`left`](Resealed::left), do it again a little
    /// later. A page is at most [`Resealed::AT_ONCE`] long. What the current key sealed is
    /// left as it is.
    ///
    /// ```
    /// use portcullis::port::ambient::SystemRandom;
    /// use portcullis::port::store::Page;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.two_factor().ask(session.id, None).await?; // its message waits
    /// let mut keys = security.keyring();
    /// let old = keys.current().to_owned();
    /// keys.rotate(&SystemRandom::default(), security.now())?;
    /// security.replace_keyring(keys);
    ///
    /// let page = security.reseal(&old, Page { after: None, limit: 100 }).await?;
    /// assert_eq!((page.sealed, page.left, page.next), (1, 0, None));
    /// let mut keys = security.keyring();
    /// keys.retire(&old)?;
    /// security.replace_keyring(keys);
    /// assert_eq!(security.worker().pass().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Contended`] when others were always faster: nothing of the page was sealed anew.
    pub async fn reseal(&self, key: &str, page: Page) -> Result<Resealed, Error> {
        let engine = &self.engine;
        let page = Page { limit: page.limit.clamp(1, Resealed::AT_ONCE), ..page };
        // Each in the order of their ids, so that one place to go on from serves all.
        let mut listed = engine.store.list(&Message::sealed_with(key), page).await?;
        listed.extend(engine.store.list(&RecoveryRequest::sealed_with(key), page).await?);
        listed.extend(engine.store.list(&Challenge::sealed_with(key), page).await?);
        listed.extend(engine.store.list(&FlespiConnection::sealed_with(key), page).await?);
        let mut listed: Vec<_> = listed.into_iter().map(|record| record.id).collect();
        listed.sort_unstable();
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let full = listed.len() >= wanted;
        listed.truncate(wanted);
        let next = listed.last().copied().filter(|_| full);
        let listed = &listed;
        if listed.is_empty() {
            return Ok(Resealed::default());
        }
        engine
            .decide(|t| async move {
                let view =
                    engine.read(&t, listed.iter().copied().map(Start::Id).collect(), Vec::new()).await?;
                let mut changes = Changes::none();
                let mut done = Resealed { next, ..Resealed::default() };
                for id in listed {
                    // One that is gone is done.
                    let Some(record) = view.raw(*id) else { continue };
                    let sealed = if record.kind == RecoveryRequest::KIND {
                        engine.reseal::<RecoveryRequest>(&mut changes, record, key, &t)?
                    } else if record.kind == Challenge::KIND {
                        engine.reseal::<Challenge>(&mut changes, record, key, &t)?
                    } else if record.kind == FlespiConnection::KIND {
                        engine.reseal::<FlespiConnection>(&mut changes, record, key, &t)?
                    } else {
                        engine.reseal::<Message>(&mut changes, record, key, &t)?
                    };
                    match sealed {
                        Some(true) => done.sealed += 1,
                        Some(false) => done.left += 1,
                        None => {}
                    }
                }
                Ok(Decision::yes(done, changes))
            })
            .await
    }
}

impl Engine {
    /// Seals one record anew and says whether it did; `None` for one that was sent or sealed anew meanwhile.
    fn reseal<E: Sealed>(
        &self,
        changes: &mut Changes,
        record: &Record,
        key: &str,
        t: &Try,
    ) -> Result<Option<bool>, Error> {
        let keyring = self.keyring();
        let stored = record::parse::<E>(record)?;
        if !stored.value.sealing_keys().contains(key) || key == keyring.current() {
            return Ok(None);
        }
        let nonce = self.random_bytes()?;
        Ok(Some(rules::reseal(changes, stored, record.due, &keyring, nonce, t.now)))
    }
}

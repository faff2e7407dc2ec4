//! Messages, as an operation: sealed anew after a rotation of the keys.

use super::model::{Message, Resealed};
use super::rules;
use crate::decision::{Changes, Decision};
use crate::engine::Portcullis;
use crate::engine::record;
use crate::error::Error;
use crate::port::store::{Page, Start};

impl Portcullis {
    /// Seals anew, under the current key, a page of the waiting messages that another key sealed; so that the other key
    /// can be retired. Work goes on meanwhile: a message that a worker holds is left to it.
    ///
    /// Every process must have the new keyring before, or one of them seals with the old key again. Go on with
    /// [`next`](Resealed::next) until it is `None`; while anything was [`left`](Resealed::left), do it again a little
    /// later. A page is at most [`Resealed::AT_ONCE`] messages long. What the current key sealed is
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
        let listed = engine.store.list(&Message::sealed_with(key), page).await?;
        let full = u32::try_from(listed.len()).is_ok_and(|length| length >= page.limit);
        let next = listed.last().map(|record| record.id).filter(|_| full);
        let listed: Vec<_> = listed.into_iter().map(|record| record.id).collect();
        let listed = &listed;
        if listed.is_empty() {
            return Ok(Resealed::default());
        }
        engine
            .decide(|t| async move {
                let view =
                    engine.read(&t, listed.iter().copied().map(Start::Id).collect(), Vec::new()).await?;
                let keyring = engine.keyring();
                let mut changes = Changes::none();
                let mut done = Resealed { next, ..Resealed::default() };
                for id in listed {
                    // One that is gone, sent or sealed anew meanwhile is done.
                    let Some(record) = view.raw(*id) else { continue };
                    let message = record::parse::<Message>(record)?;
                    if message.value.sealing_key() != Some(key) || key == keyring.current() {
                        continue;
                    }
                    let nonce = engine.random_bytes()?;
                    if rules::reseal(&mut changes, message, record.due, &keyring, nonce, t.now) {
                        done.sealed += 1;
                    } else {
                        done.left += 1;
                    }
                }
                Ok(Decision::yes(done, changes))
            })
            .await
    }
}

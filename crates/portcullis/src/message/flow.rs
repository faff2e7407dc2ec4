//! Held messages, and those that were given up, as operations of the embedding program.

use core::sync::atomic::Ordering;

use super::model::Message;
use super::sms::{self, Ignored, Reported};
use super::{dead, held};
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::MessageId;
use crate::port::message::DeliveryReport;
use crate::port::store::{Page, Start};

impl Portcullis {
    /// Lists the messages that are held, in id order, by page: a restored backup brought them back when they were older
    /// than the policy's `restored_message_life`, and they may have been sent before.
    ///
    /// A held message is released or, after the policy's `message_kept`, purged. The host decides who may see them.
    ///
    /// ```
    /// use portcullis::port::store::Page;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// w.switch_on(session.id, &alice).await?; // its notice waits, and a backup is made
    /// let mut keys = security.keyring();
    /// keys.next_epoch(); // the backup was restored
    /// security.replace_keyring(keys);
    /// w.advance(security.policy().restored_message_life);
    /// assert_eq!(security.worker().pass().await?.held, 1);
    /// let held = security.held_messages(Page { after: None, limit: 10 }).await?;
    /// assert_eq!(held[0].to, "a•••@example.com");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn held_messages(&self, page: Page) -> Result<Vec<Message>, Error> {
        self.engine.list_page(&Message::held_key(), page).await
    }

    /// Lets a held message be sent. Like every other one it only leaves while it still may.
    ///
    /// ```
    /// use portcullis::port::store::Page;
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
    /// # let mut keys = security.keyring();
    /// # keys.next_epoch();
    /// # security.replace_keyring(keys);
    /// # w.advance(security.policy().restored_message_life);
    /// # security.worker().pass().await?;
    /// for message in security.held_messages(Page { after: None, limit: 10 }).await? {
    ///     security.release_message(message.id).await?;
    /// }
    /// assert_eq!(security.worker().pass().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found` when no message of this id is held.
    pub async fn release_message(&self, id: MessageId) -> Result<Message, Error> {
        let engine = &self.engine;
        let released = engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
                Ok(held::release(view.start(0)?, view.epoch(), t.now))
            })
            .await?;
        engine.wake.notify(usize::MAX);
        Ok(released)
    }

    /// Lists the messages that were given up and can be sent again, in id order, by page: the mail server refused them for
    /// good, or did not take them over in `send_tries` tries. Those with a code or link are not among them, since nobody
    /// needs an old one.
    ///
    /// One is sent again or, after the policy's `message_kept`, purged. The host decides who may see them.
    ///
    /// ```
    /// use portcullis::port::message::SendError;
    /// use portcullis::port::store::Page;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// w.switch_on(session.id, &alice).await?; // its notice waits
    /// w.mailbox.fail_with(Some(SendError::Permanent { detail: "the mailbox is full" }));
    /// assert_eq!(security.worker().pass().await?.given_up, 1);
    /// let dead = security.dead_messages(Page { after: None, limit: 10 }).await?;
    /// assert_eq!(dead[0].to, "a•••@example.com");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn dead_messages(&self, page: Page) -> Result<Vec<Message>, Error> {
        self.engine.list_page(&Message::dead_key(), page).await
    }

    /// Sends a message again that was given up, with as many tries as a new one. Like every other one it only leaves while
    /// it still may.
    ///
    /// ```
    /// use portcullis::port::message::SendError;
    /// use portcullis::port::store::Page;
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// # w.switch_on(session.id, &alice).await?;
    /// # w.mailbox.fail_with(Some(SendError::Permanent { detail: "the mailbox is full" }));
    /// # security.worker().pass().await?;
    /// # w.mailbox.fail_with(None);
    /// for message in security.dead_messages(Page { after: None, limit: 10 }).await? {
    ///     security.resend_message(message.id).await?;
    /// }
    /// assert_eq!(security.worker().pass().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `not_found` when no message of this id was given up and can be sent again.
    pub async fn resend_message(&self, id: MessageId) -> Result<Message, Error> {
        let engine = &self.engine;
        let resent = engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
                Ok(dead::resend(view.start(0)?, view.epoch(), t.now))
            })
            .await?;
        engine.wake.notify(usize::MAX);
        Ok(resent)
    }

    /// Keeps what a gateway reports of an SMS. States only move forward; a report of an SMS that is unknown, is a mail, or
    /// is known to have come that far already tells nothing and is counted: see [`Health`](crate::Health). None confirms
    /// a phone. The caller has made sure that the report comes from the gateway.
    ///
    /// ```
    /// use portcullis::id::MessageId;
    /// use portcullis::message::Reported;
    /// use portcullis::port::message::{DeliveryReport, DeliveryState};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let unknown = MessageId::from_uuid(uuid::Uuid::from_u128(7));
    /// let report = DeliveryReport::new(unknown, DeliveryState::Delivered);
    /// assert_eq!(security.delivery_report(&report).await?, Reported::Ignored);
    /// assert_eq!(security.health().reports_ignored, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `too_soon` while the outcome of the SMS is not kept yet: the gateway is to report again a little later;
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn delivery_report(&self, report: &DeliveryReport) -> Result<Reported, Error> {
        let engine = &self.engine;
        let reported = engine
            .decide(|t| async move {
                let view = engine.read(&t, vec![Start::Id(report.id.uuid())], Vec::new()).await?;
                Ok(sms::report(view.start(0)?, report, &engine.policy, t.now))
            })
            .await?;
        Ok(match reported {
            Ok(()) => {
                engine.reports.kept.fetch_add(1, Ordering::Relaxed);
                Reported::Kept
            }
            Err(why) => {
                engine.reports.ignore(why);
                Reported::Ignored
            }
        })
    }

    /// Counts a delivery report that did not come from the gateway: whoever receives reports calls this for one without the
    /// right secret or signature, or of which he can't make out what it tells. Nothing else follows from it.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # let w = World::new();
    /// # let security = &w.security;
    /// security.forged_delivery_report();
    /// assert_eq!(security.health().reports.forged, 1);
    /// ```
    pub fn forged_delivery_report(&self) {
        self.engine.reports.ignore(Ignored::Forged);
    }
}

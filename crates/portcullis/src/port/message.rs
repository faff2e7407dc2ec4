//! The message ports: what carries a worded mail or SMS to its receiver.

#![expect(
    clippy::exhaustive_structs,
    reason = "senders read and tests build these; a new field is a new contract"
)]

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::contact::{Email, Phone};
use crate::id::MessageId;

/// A mail, worded and addressed to one receiver.
///
/// Its `Debug` shows the id alone: subject and texts may hold a code.
#[derive(Clone)]
pub struct Mail {
    /// Its id, the same at every try: adapters make the Message-ID of it.
    pub id: MessageId,
    /// The one receiver, byte for byte as confirmed or to be confirmed.
    pub to: Email,
    /// The subject, one line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The next system took the message over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// What the next system calls it, if it said so: at most 200 printable ASCII characters, no secret.
    pub reference: Option<String>,
}

impl Receipt {
    /// Taken over, under this name; control characters are dropped and the rest is cut to 200 characters.
    pub fn new(reference: Option<&str>) -> Self {
        let clean =
            |text: &str| text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(200).collect();
        Self { reference: reference.map(clean) }
    }
}

/// Why a message was not taken over. `detail` is short, lower case, holds no secret, no address, no server text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It may work later: not reachable, too busy, refused for now. Tried again, spaced and bounded.
    #[error("not taken over for now: {detail}")]
    Transient {
        /// What happened.
        detail: &'static str,
    },
    /// It was refused for now, and told when to come again. Tried again then, or later if the spacing says so.
    #[error("not taken over for now: {detail}")]
    Throttled {
        /// What happened.
        detail: &'static str,
        /// How long to wait at least, as far as the other side said so.
        wait: Duration,
    },
    /// This message will never be taken over. Not tried again.
    #[error("refused for good: {detail}")]
    Permanent {
        /// What happened.
        detail: &'static str,
    },
    /// Nobody knows whether it was taken over. Mail is tried again under the same Message-ID; an SMS only where
    /// [`SmsSender::is_idempotent`] says that this is safe.
    #[error("taken over or not, nobody knows: {detail}")]
    Ambiguous {
        /// What happened.
        detail: &'static str,
    },
    /// The sender is set up wrongly (credentials, certificate): no address is to blame and nothing is given up.
    #[error("the sender is set up wrongly: {detail}")]
    Misconfigured {
        /// What happened.
        detail: &'static str,
    },
}

/// Carries mail.
///
/// `Ok` means that the next system is responsible for the mail. A wrong `Ok` loses a code; a wrong `Permanent` gives a
/// reachable address up; calling a fault of the set-up `Permanent` bounces everybody. Credentials never travel in clear
/// unless the host asked for that in so many words. The id is the idempotency key: sending the same mail again may
/// reach the receiver twice, under the same Message-ID. Implementations bound every wait.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MailSender: Send + Sync + 'static {
    /// Hands a mail over.
    ///
    /// # Errors
    /// See [`SendError`].
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError>;
}

/// An SMS, worded and addressed to one receiver.
///
/// Its `Debug` shows the id alone: the text may hold a code.
#[derive(Clone)]
pub struct Sms {
    /// Its id, the same at every try: the idempotency key where the gateway takes one, and what delivery reports name.
    pub id: MessageId,
    /// The one receiver.
    pub to: Phone,
    /// The text; never a link.
    pub text: String,
}

impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Carries SMS.
///
/// `Ok` means that the gateway is responsible for the message, and that it costs. Every answer that may follow a
/// submission that happened (a timeout, a cut connection, an answer that can't be read) is `Ambiguous`, never
/// `Transient`: an ambiguous SMS is not sent again by itself. `Transient` and `Throttled` mean that certainly nothing was
/// submitted. Implementations bound every wait and follow no redirect.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SmsSender: Send + Sync + 'static {
    /// Whether the gateway takes the id as an idempotency key, so that handing the same SMS over twice sends and costs
    /// once. Only then is an ambiguous one tried again.
    fn is_idempotent(&self) -> bool;

    /// Hands an SMS over.
    ///
    /// # Errors
    /// See [`SendError`].
    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError>;
}

/// How far an SMS came, as its gateway reports later. States only move forward, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryState {
    /// It is on its way: the next network took it.
    OnItsWay,
    /// It will not arrive.
    Undelivered,
    /// It arrived.
    Delivered,
}

impl DeliveryState {
    /// The stable name.
    ///
    /// ```
    /// use portcullis::port::message::DeliveryState;
    /// assert_eq!(DeliveryState::OnItsWay.name(), "on_its_way");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnItsWay => "on_its_way",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
        }
    }
}

/// What a gateway reports of an SMS it took over. It tells; it confirms nothing: who holds the phone, nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Which SMS.
    pub id: MessageId,
    /// How far it came.
    pub state: DeliveryState,
}

impl DeliveryReport {
    /// This SMS came so far.
    pub const fn new(id: MessageId, state: DeliveryState) -> Self {
        Self { id, state }
    }
}

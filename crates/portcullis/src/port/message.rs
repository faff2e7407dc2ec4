//! The message ports: what carries a worded mail to its receiver.

#![expect(
    clippy::exhaustive_structs,
    reason = "senders read and tests build these; a new field is a new contract"
)]

use core::fmt;

use async_trait::async_trait;

use crate::contact::Email;
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
    /// This message will never be taken over. Not tried again.
    #[error("refused for good: {detail}")]
    Permanent {
        /// What happened.
        detail: &'static str,
    },
    /// Nobody knows whether it was taken over. Mail is tried again under the same Message-ID.
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

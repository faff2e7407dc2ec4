//! What every mail sender must do.
//!
//! The test of an adapter sets the far side up, by a [`MailRig`]; [`run_all`] asks for each behaviour in turn and panics with
//! a sentence when the sender breaks the contract of [`MailSender`].

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::far::{CODE, FarSide, PATIENCE, says_nothing};
use crate::contact::Email;
use crate::id::MessageId;
use crate::port::message::{Mail, MailSender, SendError};

/// A mail as the far side of a sender got it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "rigs build it")]
pub struct ArrivedMail {
    /// Whom it is for, as the envelope says.
    pub to: String,
    /// What tells the same mail again: the Message-ID.
    pub identity: String,
    /// Everything in it, decoded: subject, text and HTML.
    pub whole: String,
}

/// Sets up what is at the far side of a sender.
#[async_trait]
pub trait MailRig: Send + Sync {
    /// A sender toward a new far side that behaves so; `None` where it can't.
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn MailSender>>;

    /// What arrived whole at the far side set up last, oldest first.
    async fn arrived(&self) -> Vec<ArrivedMail>;
}

const RECEIVER: &str = "Bob.o'Neil+x@example.org";

fn mail(n: u128) -> Mail {
    let html = format!("<p>Ваш код <b>{CODE}</b> &amp; größer</p>");
    Mail {
        id: MessageId::from_uuid(Uuid::from_u128(n)),
        to: known(Email::parse(RECEIVER)),
        subject: "Example: your code".to_owned(),
        text: format!("Größe — ваш код:\n\n{CODE}\n\n.\nFrom here on\n"),
        html,
    }
}

#[expect(clippy::expect_used, reason = "the address of the suite is one")]
fn known<T, E: core::fmt::Debug>(read: Result<T, E>) -> T {
    read.expect("the suite writes what can be read")
}

async fn sent(sender: &dyn MailSender, mail: &Mail, far: FarSide) -> Result<Option<String>, SendError> {
    let ended = tokio::time::timeout(PATIENCE, sender.send(mail)).await;
    let Ok(outcome) = ended else { panic!("a send has no end: {far:?}") };
    outcome.map(|receipt| receipt.reference)
}

/// A mail that is taken over arrives once, whole, at its receiver, and every mail under an identity of its own that stays.
pub async fn what_is_taken_over_arrives_whole(rig: &dyn MailRig) {
    let far = FarSide::TakesOver;
    let Some(sender) = rig.sender(far).await else { panic!("a far side that takes mail over is needed") };
    for n in [1, 2, 1] {
        if let Err(error) = sent(&*sender, &mail(n), far).await {
            panic!("a mail is not taken over: {error}");
        }
    }
    let arrived = rig.arrived().await;
    let [first, second, again] = arrived.as_slice() else {
        panic!("three mails were sent, and {} arrived", arrived.len())
    };
    for (arrived, mail) in [(first, mail(1)), (second, mail(2))] {
        assert_eq!(arrived.to, RECEIVER, "the receiver is the one it was addressed to, byte for byte");
        let lines = mail.text.lines().chain(mail.html.lines()).chain(mail.subject.lines());
        for line in lines {
            assert!(arrived.whole.contains(line), "a mail arrives whole, but lacks {line:?}");
        }
    }
    assert!(!first.identity.is_empty(), "a mail has an identity");
    assert_ne!(first.identity, second.identity, "two mails are two");
    assert_eq!(first.identity, again.identity, "a mail that is sent again is the same one");
}

/// Every way to fail has the name that the port gives it, ends in bounded time, and tells nothing of the message.
pub async fn each_failure_has_its_name(rig: &dyn MailRig) {
    for far in FarSide::ALL.into_iter().filter(|far| *far != FarSide::TakesOver) {
        let Some(sender) = rig.sender(far).await else { continue };
        match sent(&*sender, &mail(3), far).await {
            Ok(_) => panic!("a mail counts as taken over although it was not: {far:?}"),
            Err(error) => {
                assert!(far.is_called(&error, true), "{far:?} is no {error:?}");
                says_nothing(&error, far, RECEIVER);
            }
        }
        let arrived = rig.arrived().await.len();
        let expected = usize::from(far == FarSide::LosesAnswer);
        assert_eq!(arrived, expected, "a sender tries once, and leaves trying again to its caller: {far:?}");
    }
}

/// A name for what was taken over is short and printable.
pub async fn a_receipt_can_be_logged(rig: &dyn MailRig) {
    let far = FarSide::TakesOver;
    let Some(sender) = rig.sender(far).await else { panic!("a far side that takes mail over is needed") };
    let Ok(reference) = sent(&*sender, &mail(4), far).await else { panic!("a mail is not taken over") };
    if let Some(name) = reference {
        let printable = name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        assert!(printable && name.len() <= 200, "a reference is at most 200 printable characters: {name:?}");
        assert!(!name.contains(CODE), "a reference tells no code");
    }
}

/// Runs every case.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use async_trait::async_trait;
/// use portcullis::port::message::{MailSender, SendError};
/// use portcullis::testing::conformance::mail::{ArrivedMail, MailRig, run_all};
/// use portcullis::testing::conformance::FarSide;
/// use portcullis::testing::mailbox::Mailbox;
///
/// /// The rig of a sender that keeps what it is given.
/// #[derive(Default)]
/// struct Memory(Mutex<Mailbox>);
///
/// #[async_trait]
/// impl MailRig for Memory {
///     async fn sender(&self, far: FarSide) -> Option<Arc<dyn MailSender>> {
///         let mailbox = Mailbox::new();
///         match far {
///             FarSide::TakesOver => {}
///             FarSide::Unreachable => mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" })),
///             _ => return None,
///         }
///         *self.0.lock().unwrap() = mailbox.clone();
///         Some(Arc::new(mailbox))
///     }
///
///     async fn arrived(&self) -> Vec<ArrivedMail> {
///         let mails = self.0.lock().unwrap().mails().into_iter();
///         mails
///             .map(|mail| ArrivedMail {
///                 to: mail.to.as_str().to_owned(),
///                 identity: mail.id.to_string(),
///                 whole: [mail.subject, mail.text, mail.html].join("\n"),
///             })
///             .collect()
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// runtime.block_on(run_all(&Memory::default()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn run_all(rig: &dyn MailRig) {
    what_is_taken_over_arrives_whole(rig).await;
    each_failure_has_its_name(rig).await;
    a_receipt_can_be_logged(rig).await;
}

#[cfg(test)]
mod tests;

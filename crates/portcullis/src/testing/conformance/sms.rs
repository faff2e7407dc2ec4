//! What every SMS sender must do.
//!
//! The test of an adapter sets the gateway up, by an [`SmsRig`]; [`run_all`] asks for each behaviour in turn and panics with a
//! sentence when the sender breaks the contract of [`SmsSender`].

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::far::{CODE, FarSide, PATIENCE, says_nothing};
use crate::contact::Phone;
use crate::id::MessageId;
use crate::port::message::{SendError, Sms, SmsSender};

/// An SMS as the gateway took it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "rigs build it")]
pub struct SubmittedSms {
    /// Whom it is for: the digits, with or without `+`.
    pub to: String,
    /// The text, decoded.
    pub text: String,
}

/// Sets up the gateway of a sender.
#[async_trait]
pub trait SmsRig: Send + Sync {
    /// A sender toward a new gateway that behaves so; `None` where it can't.
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn SmsSender>>;

    /// What the gateway set up last took over and would charge for, oldest first; of one id only once where the gateway
    /// takes it as an idempotency key.
    async fn submitted(&self) -> Vec<SubmittedSms>;
}

const RECEIVER: &str = "+37120000045";

#[expect(clippy::expect_used, reason = "the number of the suite is one")]
fn sms(n: u128) -> Sms {
    Sms {
        id: MessageId::from_uuid(Uuid::from_u128(n)),
        to: Phone::parse(RECEIVER).expect("a number"),
        text: format!("Ваш код {CODE} & größer + 100%"),
    }
}

async fn sent(sender: &dyn SmsSender, sms: &Sms, far: FarSide) -> Result<Option<String>, SendError> {
    let ended = tokio::time::timeout(PATIENCE, sender.send(sms)).await;
    let Ok(outcome) = ended else { panic!("a send has no end: {far:?}") };
    outcome.map(|receipt| receipt.reference)
}

/// An SMS that is taken over is submitted once, with its text as it is, to its receiver.
pub async fn what_is_taken_over_is_submitted_once(rig: &dyn SmsRig) {
    let far = FarSide::TakesOver;
    let Some(sender) = rig.sender(far).await else { panic!("a gateway that takes SMS over is needed") };
    let reference = match sent(&*sender, &sms(1), far).await {
        Ok(reference) => reference,
        Err(error) => panic!("an SMS is not taken over: {error}"),
    };
    let submitted = rig.submitted().await;
    let [one] = submitted.as_slice() else {
        panic!("one SMS was sent, and {} were submitted", submitted.len())
    };
    assert_eq!(one.to.trim_start_matches('+'), RECEIVER.trim_start_matches('+'), "the receiver is the one");
    assert_eq!(one.text, sms(1).text, "the text arrives as it is");
    if let Some(name) = reference {
        let printable = name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        assert!(printable && name.len() <= 200, "a reference is at most 200 printable characters: {name:?}");
        assert!(
            !name.contains(CODE) && !name.contains("20000045"),
            "a reference tells nothing of its message: {name:?}"
        );
    }
}

/// Who says that the id is an idempotency key sends and charges the same SMS once; who does not is believed.
pub async fn idempotent_means_once(rig: &dyn SmsRig) {
    let far = FarSide::TakesOver;
    let Some(sender) = rig.sender(far).await else { panic!("a gateway that takes SMS over is needed") };
    if !sender.is_idempotent() {
        return;
    }
    for n in [1, 1, 2] {
        if let Err(error) = sent(&*sender, &sms(n), far).await {
            panic!("an SMS is not taken over: {error}");
        }
    }
    assert_eq!(rig.submitted().await.len(), 2, "one id is one SMS, another id another one");
}

/// Every way to fail has the name that the port gives it, ends in bounded time, and tells nothing of the message. One send
/// is at most one submission.
pub async fn each_failure_has_its_name(rig: &dyn SmsRig) {
    for far in FarSide::ALL.into_iter().filter(|far| *far != FarSide::TakesOver) {
        let Some(sender) = rig.sender(far).await else { continue };
        match sent(&*sender, &sms(3), far).await {
            Ok(_) => panic!("an SMS counts as taken over although nobody said so: {far:?}"),
            Err(error) => {
                assert!(far.is_called(&error, false), "{far:?} is no {error:?}");
                says_nothing(&error, far, RECEIVER.trim_start_matches('+'));
            }
        }
        let submitted = rig.submitted().await.len();
        let most = usize::from(matches!(far, FarSide::LosesAnswer | FarSide::Silent));
        assert!(submitted <= most, "one send is at most one submission: {far:?}, {submitted}");
    }
}

/// Runs every case.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use async_trait::async_trait;
/// use portcullis::port::message::{SendError, SmsSender};
/// use portcullis::testing::conformance::sms::{SmsRig, SubmittedSms, run_all};
/// use portcullis::testing::conformance::FarSide;
/// use portcullis::testing::handset::Handset;
///
/// /// The rig of a sender that keeps what it is given.
/// #[derive(Default)]
/// struct Memory(Mutex<Handset>);
///
/// #[async_trait]
/// impl SmsRig for Memory {
///     async fn sender(&self, far: FarSide) -> Option<Arc<dyn SmsSender>> {
///         let handset = Handset::new();
///         match far {
///             FarSide::TakesOver => handset.idempotent(true),
///             FarSide::LosesAnswer => handset.fail_with(Some(SendError::Ambiguous { detail: "cut off" })),
///             _ => return None,
///         }
///         *self.0.lock().unwrap() = handset.clone();
///         Some(Arc::new(handset))
///     }
///
///     async fn submitted(&self) -> Vec<SubmittedSms> {
///         let submitted = self.0.lock().unwrap().submitted().into_iter();
///         submitted.map(|sms| SubmittedSms { to: sms.to.as_str().to_owned(), text: sms.text }).collect()
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// runtime.block_on(run_all(&Memory::default()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn run_all(rig: &dyn SmsRig) {
    what_is_taken_over_is_submitted_once(rig).await;
    idempotent_means_once(rig).await;
    each_failure_has_its_name(rig).await;
}

#[cfg(test)]
mod tests;

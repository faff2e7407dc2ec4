//! The handset passes, and each planted fault is found.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fault is planted in one place, and nothing elsewhere")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::*;
use crate::port::message::Receipt;
use crate::testing::handset::Handset;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    EatsPlus,
    AnotherReceiver,
    SubmitsAgain,
    SaysIdempotent,
    TakesNo,
    LostIsTransient,
    SilenceIsTransient,
    RetriesWhatIsLost,
    Tells,
    TellsReceiver,
}

struct Planted {
    far: FarSide,
    fault: Fault,
    inner: Handset,
}

#[async_trait]
impl SmsSender for Planted {
    fn is_idempotent(&self) -> bool {
        self.fault == Fault::SaysIdempotent || self.inner.is_idempotent()
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        let mut sms = sms.clone();
        match self.fault {
            Fault::EatsPlus => sms.text = sms.text.replace('+', " "),
            Fault::AnotherReceiver => sms.to = Phone::parse("+37120000046").unwrap(),
            _ => {}
        }
        if self.fault == Fault::SubmitsAgain && self.far == FarSide::TakesOver {
            drop(
                self.inner.send(&Sms { id: MessageId::from_uuid(Uuid::from_u128(99)), ..sms.clone() }).await,
            );
        }
        if self.fault == Fault::RetriesWhatIsLost && self.inner.send(&sms).await.is_err() {
            sms.id = MessageId::from_uuid(Uuid::from_u128(99));
        }
        let answer = self.inner.send(&sms).await;
        match answer {
            Ok(_) if self.fault == Fault::TellsReceiver => Ok(Receipt::new(Some(sms.to.as_str()))),
            Ok(receipt) => Ok(receipt),
            Err(_) if self.fault == Fault::TakesNo => Ok(Receipt::new(None)),
            Err(_) if self.fault == Fault::LostIsTransient && self.far == FarSide::LosesAnswer => {
                Err(SendError::Transient { detail: "cut off" })
            }
            Err(_) if self.fault == Fault::SilenceIsTransient && self.far == FarSide::Silent => {
                Err(SendError::Transient { detail: "timed out" })
            }
            Err(SendError::Permanent { .. }) if self.fault == Fault::Tells => {
                Err(SendError::Permanent { detail: "no such number: 37120000045" })
            }
            Err(error) => Err(error),
        }
    }
}

struct Rig {
    fault: Fault,
    idempotent: bool,
    handset: Mutex<Handset>,
}

#[async_trait]
impl SmsRig for Rig {
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn SmsSender>> {
        let inner = Handset::new();
        inner.idempotent(self.idempotent);
        inner.fail_with(match far {
            FarSide::TakesOver => None,
            FarSide::RefusesForNow | FarSide::Unreachable => Some(SendError::Transient { detail: "later" }),
            FarSide::RefusesForGood => Some(SendError::Permanent { detail: "never" }),
            FarSide::RefusesCredentials => Some(SendError::Misconfigured { detail: "who are you" }),
            FarSide::LosesAnswer | FarSide::Silent => Some(SendError::Ambiguous { detail: "cut off" }),
        });
        *self.handset.lock().unwrap() = inner.clone();
        Some(Arc::new(Planted { far, fault: self.fault, inner }))
    }

    async fn submitted(&self) -> Vec<SubmittedSms> {
        let submitted = self.handset.lock().unwrap().submitted().into_iter();
        submitted.map(|sms| SubmittedSms { to: sms.to.as_str().to_owned(), text: sms.text }).collect()
    }
}

fn run(fault: Fault, idempotent: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(run_all(&Rig { fault, idempotent, handset: Mutex::default() }));
}

#[test]
fn the_handset_passes() {
    run(Fault::None, false);
    run(Fault::None, true);
}

#[test]
fn each_planted_fault_is_found() {
    for (fault, sentence) in [
        (Fault::EatsPlus, "the text arrives as it is"),
        (Fault::AnotherReceiver, "the receiver is the one"),
        (Fault::SubmitsAgain, "one SMS was sent, and 2 were submitted"),
        (Fault::SaysIdempotent, "one id is one SMS, another id another one"),
        (Fault::TakesNo, "an SMS counts as taken over although nobody said so"),
        (Fault::LostIsTransient, "LosesAnswer is no Transient"),
        (Fault::SilenceIsTransient, "Silent is no Transient"),
        (Fault::RetriesWhatIsLost, "one send is at most one submission: LosesAnswer"),
        (Fault::Tells, "an error tells of its message"),
        (Fault::TellsReceiver, "a reference tells nothing of its message"),
    ] {
        let idempotent = fault == Fault::RetriesWhatIsLost;
        let said = catch_unwind(AssertUnwindSafe(|| run(fault, idempotent))).expect_err("it is found");
        let said = *said.downcast::<String>().unwrap();
        assert!(said.contains(sentence), "{fault:?}: {said}");
    }
}

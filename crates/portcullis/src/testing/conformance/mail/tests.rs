//! A sender in memory passes, and each planted fault is found.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fault is planted in one place, and nothing elsewhere")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::*;
use crate::port::message::Receipt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    LowersTheReceiver,
    DropsDots,
    Ascii,
    NewIdentity,
    OneIdentity,
    SendsTwice,
    TakesNo,
    Calls(FarSide, &'static str),
    Tells,
    Reference,
}

/// A sender in memory whose far side behaves, and which has one fault.
struct Planted {
    far: FarSide,
    fault: Fault,
    arrived: Arc<Mutex<Vec<ArrivedMail>>>,
}

fn named(name: &str, detail: &'static str) -> SendError {
    match name {
        "transient" => SendError::Transient { detail },
        "permanent" => SendError::Permanent { detail },
        "ambiguous" => SendError::Ambiguous { detail },
        _ => SendError::Misconfigured { detail },
    }
}

#[async_trait]
impl MailSender for Planted {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let keeps = matches!(self.far, FarSide::TakesOver | FarSide::LosesAnswer);
        let mut arrived = self.arrived.lock().unwrap();
        let seen = arrived.len();
        for _ in 0..if self.fault == Fault::SendsTwice { 2 } else { usize::from(keeps) } {
            let to = mail.to.as_str().to_owned();
            let to = if self.fault == Fault::LowersTheReceiver { to.to_lowercase() } else { to };
            let identity = match self.fault {
                Fault::NewIdentity => format!("{} {seen}", mail.id),
                Fault::OneIdentity => "the one".to_owned(),
                _ => mail.id.to_string(),
            };
            let mut whole = [&*mail.subject, &mail.text, &mail.html].join("\n");
            match self.fault {
                Fault::DropsDots => whole.truncate(whole.find("\n.\n").unwrap()),
                Fault::Ascii => whole.retain(|c| c.is_ascii()),
                _ => {}
            }
            arrived.push(ArrivedMail { to, identity, whole });
        }
        let name = match self.far {
            FarSide::TakesOver => {
                let long = "r".repeat(300);
                let mut receipt = Receipt::new(Some("queued"));
                if self.fault == Fault::Reference {
                    receipt.reference = Some(long);
                }
                return Ok(receipt);
            }
            _ if self.fault == Fault::TakesNo => return Ok(Receipt::new(None)),
            far if matches!(self.fault, Fault::Calls(wrong, _) if wrong == far) => {
                let Fault::Calls(_, name) = self.fault else { unreachable!() };
                name
            }
            FarSide::RefusesForNow | FarSide::Unreachable => "transient",
            FarSide::RefusesForGood => "permanent",
            FarSide::LosesAnswer | FarSide::Silent => "ambiguous",
            FarSide::RefusesCredentials => "misconfigured",
        };
        Err(named(name, if self.fault == Fault::Tells { "no 924417" } else { "the far side says so" }))
    }
}

struct Rig {
    fault: Fault,
    arrived: Mutex<Arc<Mutex<Vec<ArrivedMail>>>>,
}

#[async_trait]
impl MailRig for Rig {
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn MailSender>> {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        *self.arrived.lock().unwrap() = Arc::clone(&arrived);
        Some(Arc::new(Planted { far, fault: self.fault, arrived }))
    }

    async fn arrived(&self) -> Vec<ArrivedMail> {
        let arrived = Arc::clone(&self.arrived.lock().unwrap());
        let arrived = arrived.lock().unwrap();
        arrived.clone()
    }
}

fn run(fault: Fault) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(run_all(&Rig { fault, arrived: Mutex::default() }));
}

#[test]
fn a_sender_in_memory_passes() {
    run(Fault::None);
}

#[test]
fn each_planted_fault_is_found() {
    for (fault, sentence) in [
        (Fault::LowersTheReceiver, "the receiver is the one it was addressed to"),
        (Fault::DropsDots, "a mail arrives whole, but lacks"),
        (Fault::Ascii, "a mail arrives whole, but lacks \"Größe"),
        (Fault::NewIdentity, "a mail that is sent again is the same one"),
        (Fault::OneIdentity, "two mails are two"),
        (Fault::SendsTwice, "three mails were sent, and 6 arrived"),
        (Fault::TakesNo, "a mail counts as taken over although it was not"),
        (Fault::Calls(FarSide::RefusesForNow, "permanent"), "RefusesForNow is no Permanent"),
        (Fault::Calls(FarSide::RefusesForGood, "transient"), "RefusesForGood is no Transient"),
        (Fault::Calls(FarSide::RefusesCredentials, "permanent"), "RefusesCredentials is no Permanent"),
        (Fault::Calls(FarSide::LosesAnswer, "transient"), "LosesAnswer is no Transient"),
        (Fault::Calls(FarSide::Unreachable, "misconfigured"), "Unreachable is no Misconfigured"),
        (Fault::Calls(FarSide::Silent, "permanent"), "Silent is no Permanent"),
        (Fault::Tells, "an error tells of its message"),
        (Fault::Reference, "a reference is at most 200 printable characters"),
    ] {
        let said = catch_unwind(AssertUnwindSafe(|| run(fault))).expect_err("it is found");
        let said = *said.downcast::<String>().unwrap();
        assert!(said.contains(sentence), "{fault:?}: {said}");
    }
}

//! An SMS sender that keeps what it was given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::port::message::{Receipt, SendError, Sms, SmsSender};
use crate::secret::Code;

/// Keeps every SMS; can be told to fail, once or for good, before or after the SMS is on its way.
#[derive(Clone, Debug, Default)]
pub struct Handset(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    submitted: Vec<Sms>,
    script: VecDeque<Result<(), SendError>>,
    failure: Option<SendError>,
    idempotent: bool,
}

impl Handset {
    /// An empty handset, behind a gateway that knows no idempotency key.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on the gateway takes the id as an idempotency key, or not.
    pub fn idempotent(&self, idempotent: bool) {
        self.inner().idempotent = idempotent;
    }

    /// From now on every send fails so, or works again.
    pub fn fail_with(&self, failure: Option<SendError>) {
        self.inner().failure = failure;
    }

    /// The next sends come to this, one each, before [`Handset::fail_with`] counts again. An ambiguous one is submitted
    /// all the same: its answer is what is lost.
    pub fn then(&self, outcomes: impl IntoIterator<Item = Result<(), SendError>>) {
        self.inner().script.extend(outcomes);
    }

    /// Every SMS submitted, oldest first.
    pub fn submitted(&self) -> Vec<Sms> {
        self.inner().submitted.clone()
    }

    /// Every SMS to a number, oldest first.
    pub fn to(&self, number: &str) -> Vec<Sms> {
        self.submitted().into_iter().filter(|sms| sms.to.as_str() == number).collect()
    }

    /// The code in the newest SMS to a number that carries one.
    pub fn last_code(&self, number: &str) -> Option<Code> {
        self.to(number).iter().rev().find_map(code_in)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The code that an SMS carries.
pub(super) fn code_in(sms: &Sms) -> Option<Code> {
    let mut words = sms.text.split(|c: char| !c.is_ascii_digit());
    words.find_map(|word| Code::parse(word).ok())
}

#[async_trait]
impl SmsSender for Handset {
    fn is_idempotent(&self) -> bool {
        self.inner().idempotent
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        let mut inner = self.inner();
        let outcome = match inner.script.pop_front() {
            Some(outcome) => outcome,
            None => inner.failure.clone().map_or(Ok(()), Err),
        };
        if matches!(outcome, Ok(()) | Err(SendError::Ambiguous { .. })) {
            let known = inner.idempotent && inner.submitted.iter().any(|known| known.id == sms.id);
            if !known {
                inner.submitted.push(sms.clone());
            }
        }
        outcome.map(|()| Receipt::new(None))
    }
}

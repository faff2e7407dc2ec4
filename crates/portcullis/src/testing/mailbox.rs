//! A mail sender that keeps what it was given.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::port::message::{Mail, MailSender, Receipt, SendError};
use crate::secret::{Code, LinkToken};

/// Keeps every mail; can be told to fail.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    mails: Vec<Mail>,
    failure: Option<SendError>,
}

impl Mailbox {
    /// An empty mailbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every send fails so, or works again.
    pub fn fail_with(&self, failure: Option<SendError>) {
        self.inner().failure = failure;
    }

    /// Every mail taken over, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.inner().mails.clone()
    }

    /// Takes every mail out, oldest first.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.inner().mails)
    }

    /// Every mail to an address, oldest first.
    pub fn to(&self, address: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.to.as_str() == address).collect()
    }

    /// The code in the newest mail to an address that carries one: the line of its text that is nothing but digits.
    pub fn last_code(&self, address: &str) -> Option<Code> {
        self.to(address).iter().rev().find_map(code_in)
    }

    /// The token of the link in the newest mail to an address that carries one.
    pub fn last_link(&self, address: &str) -> Option<LinkToken> {
        self.to(address).iter().rev().find_map(link_in)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The code that a mail carries: the line of its text that is nothing but digits.
pub(super) fn code_in(mail: &Mail) -> Option<Code> {
    mail.text.lines().find_map(|line| Code::parse(line.trim()).ok())
}

/// The token of the link that a mail carries.
pub(super) fn link_in(mail: &Mail) -> Option<LinkToken> {
    mail.text.lines().find_map(|line| LinkToken::parse(line.trim().rsplit_once('/')?.1))
}

#[async_trait]
impl MailSender for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let mut inner = self.inner();
        if let Some(failure) = &inner.failure {
            return Err(failure.clone());
        }
        inner.mails.push(mail.clone());
        Ok(Receipt::new(None))
    }
}

//! Where mail and SMS go: to a server or a gateway, and in dev mode to a mailbox in memory that shows what left.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::challenge::Channel;
use portcullis::id::MessageId;
use portcullis::port::ambient::Clock;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError, Sms, SmsSender};
use tokio::time::timeout;

/// How long a slow sender takes for each message.
const SLOW: Duration = Duration::from_secs(3);
/// Messages the mailbox holds; the oldest leave first.
const CAPACITY: usize = 1000;

/// How the senders of dev mode misbehave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Failing {
    /// Not at all.
    #[default]
    Off,
    /// Nothing is taken over.
    Down,
    /// Everything takes its time.
    Slow,
}

/// What left.
#[derive(Clone)]
pub(crate) enum Sent {
    /// By mail.
    Mail(Mail, DateTime<Utc>),
    /// To a phone.
    Sms(Sms, DateTime<Utc>),
}

impl Sent {
    /// The message's id.
    pub(crate) fn id(&self) -> MessageId {
        match self {
            Self::Mail(mail, _) => mail.id,
            Self::Sms(sms, _) => sms.id,
        }
    }

    /// When it left.
    pub(crate) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Mail(_, at) | Self::Sms(_, at) => *at,
        }
    }

    /// Where it went.
    pub(crate) fn to(&self) -> &str {
        match self {
            Self::Mail(mail, _) => mail.to.as_str(),
            Self::Sms(sms, _) => sms.to.as_str(),
        }
    }

    /// Its subject; an SMS has none.
    pub(crate) fn subject(&self) -> Option<&str> {
        match self {
            Self::Mail(mail, _) => Some(&mail.subject),
            Self::Sms(..) => None,
        }
    }
}

/// The senders of dev mode: hand mail and SMS on, if there is a server or a gateway, and keep what left for
/// `/dev/messages`.
///
/// What nobody listens for stays here alone, so that nothing leaves a developer's machine unasked.
pub(crate) struct Mailbox {
    server: Option<Arc<dyn MailSender>>,
    gateway: Option<Arc<dyn SmsSender>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sent: VecDeque<Sent>,
    mail: Failing,
    sms: Failing,
}

impl Mailbox {
    /// A mailbox before a mail server, or instead of one.
    pub(crate) fn new(server: Option<Arc<dyn MailSender>>, clock: Arc<dyn Clock>) -> Self {
        Self { server, gateway: None, clock, state: Mutex::default() }
    }

    /// The same before an SMS gateway, if there is one.
    #[must_use]
    pub(crate) fn with_gateway(mut self, gateway: Option<Arc<dyn SmsSender>>) -> Self {
        self.gateway = gateway;
        self
    }

    /// Lets the sender of a channel misbehave from now on.
    pub(crate) fn fail(&self, channel: Channel, failing: Failing) {
        let mut state = self.state();
        if channel == Channel::Sms {
            state.sms = failing;
        } else {
            state.mail = failing;
        }
    }

    /// What left, oldest first.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, left: Sent) {
        let mut state = self.state();
        // A message whose outcome could not be kept is sent again under the same id.
        state.sent.retain(|sent| sent.id() != left.id());
        if state.sent.len() >= CAPACITY {
            state.sent.pop_front();
        }
        state.sent.push_back(left);
    }
}

/// Misbehaves as asked for.
async fn misbehave(failing: Failing) -> Result<(), SendError> {
    match failing {
        Failing::Off => {}
        Failing::Down => return Err(SendError::Transient { detail: "switched down at /dev/fail" }),
        Failing::Slow => {
            // Waiting for what never comes is how to wait for a time.
            let _ = timeout(SLOW, std::future::pending::<()>()).await;
        }
    }
    Ok(())
}

#[async_trait]
impl MailSender for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let failing = self.state().mail;
        misbehave(failing).await?;
        let receipt = match &self.server {
            Some(server) => server.send(mail).await?,
            None => Receipt::new(None),
        };
        self.keep(Sent::Mail(mail.clone(), self.clock.now()));
        Ok(receipt)
    }
}

#[async_trait]
impl SmsSender for Mailbox {
    fn is_idempotent(&self) -> bool {
        // The mailbox itself keeps one message under an id.
        self.gateway.as_ref().is_none_or(|gateway| gateway.is_idempotent())
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        let failing = self.state().sms;
        misbehave(failing).await?;
        let receipt = match &self.gateway {
            Some(gateway) => gateway.send(sms).await?,
            None => Receipt::new(None),
        };
        self.keep(Sent::Sms(sms.clone(), self.clock.now()));
        Ok(receipt)
    }
}

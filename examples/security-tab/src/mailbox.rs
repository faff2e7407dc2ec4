//! Where mail goes: to a server, and in dev mode to a mailbox in memory that shows what left.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::port::ambient::Clock;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use tokio::time::timeout;

/// How long a slow sender takes for each mail.
const SLOW: Duration = Duration::from_secs(3);
/// Mails the mailbox holds; the oldest leave first.
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

/// A mail that left.
#[derive(Clone)]
pub(crate) struct Sent {
    /// What left.
    pub(crate) mail: Mail,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// The mail sender of dev mode: hands mail on, if there is a server, and keeps what left for `/dev/messages`.
///
/// Mail to which nobody listens stays here alone, so that nothing leaves a developer's machine unasked.
pub(crate) struct Mailbox {
    server: Option<Arc<dyn MailSender>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sent: VecDeque<Sent>,
    failing: Failing,
}

impl Mailbox {
    /// A mailbox before a mail server, or instead of one.
    pub(crate) fn new(server: Option<Arc<dyn MailSender>>, clock: Arc<dyn Clock>) -> Self {
        Self { server, clock, state: Mutex::default() }
    }

    /// Lets the sender misbehave from now on.
    pub(crate) fn fail(&self, failing: Failing) {
        self.state().failing = failing;
    }

    /// What left, oldest first.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailSender for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let failing = self.state().failing;
        match failing {
            Failing::Off => {}
            Failing::Down => return Err(SendError::Transient { detail: "switched down at /dev/fail" }),
            Failing::Slow => {
                // Waiting for what never comes is how to wait for a time.
                let _ = timeout(SLOW, std::future::pending::<()>()).await;
            }
        }
        let receipt = match &self.server {
            Some(server) => server.send(mail).await?,
            None => Receipt::new(None),
        };
        let at = self.clock.now();
        let mut state = self.state();
        // A mail whose outcome could not be kept is sent again under the same id.
        state.sent.retain(|sent| sent.mail.id != mail.id);
        if state.sent.len() >= CAPACITY {
            state.sent.pop_front();
        }
        state.sent.push_back(Sent { mail: mail.clone(), at });
        Ok(receipt)
    }
}

//! The sender: a few connections, one mail on each at a time.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::compose::compose;
use crate::dialogue::{Failure, Login};
use crate::options::{SetupError, SmtpOptions};
use crate::outcome::{Fault, judge};
use crate::route::{Connection, Route};
use crate::tls::Trust;
use crate::url::{Scheme, Server};

/// A parked connection is not used again after this time: middleboxes forget idle ones without a word.
const PARKED_AT_MOST: Duration = Duration::from_secs(60);

/// What a start-up probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// The server was reached, its certificate is good and it took the credentials.
    Reachable,
    /// The server could not be reached or refused for now: worth a warning, no reason not to start.
    Warn {
        /// What happened; holds no secret, no address, no server text.
        detail: &'static str,
    },
    /// No mail will ever leave like this (credentials, certificate): a reason not to start.
    Misconfigured {
        /// What happened; holds no secret, no address, no server text.
        detail: &'static str,
    },
}

/// Sends mail through one SMTP submission server.
///
/// A send ends within the configured timeout, whatever the server does. Connections are kept for the next mail; each
/// belongs to the tokio runtime that opened it, so a sender belongs to one runtime. Control characters in a mail never
/// reach the wire, and a subject is cut to 250 characters. Its `Debug` shows no credentials.
pub struct SmtpSender {
    route: Route,
    from: Mailbox,
    timeout: Duration,
    slots: Semaphore,
    parked: Mutex<Vec<(Connection, Instant)>>,
}

impl SmtpSender {
    /// Builds a sender from `smtp://[user@]host[:port]` (port 587, STARTTLS) or `smtps://[user@]host[:port]` (port 465,
    /// TLS at once); a user name is percent-encoded. Nothing is connected or looked up here.
    ///
    /// STARTTLS is required unless the host is loopback *and* there is no user, or a `danger_` option says otherwise.
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// use portcullis_smtp::{SetupError, SmtpOptions, SmtpSender};
    ///
    /// let options = || SmtpOptions::new(Email::parse("security@example.com").unwrap());
    /// assert!(SmtpSender::from_url("smtp://localhost:25", None, options()).is_ok());
    ///
    /// let error = SmtpSender::from_url("smtps://app:s3cret@mail.example.com", None, options()).unwrap_err();
    /// assert_eq!(error, SetupError::PasswordInUrl);
    /// ```
    ///
    /// # Errors
    /// [`SetupError`] when the URL is malformed or holds a password, user and password are not given together,
    /// credentials would go in clear without [`danger_plaintext_credentials`](SmtpOptions::danger_plaintext_credentials),
    /// or an option is out of its range.
    pub fn from_url(
        url: &str,
        password: Option<SecretString>,
        options: SmtpOptions,
    ) -> Result<Self, SetupError> {
        let server = Server::parse(url)?;
        options.checked()?;
        let from = options.mailbox()?;
        let login = match (server.user.clone(), password) {
            (Some(user), Some(password)) => Some(Login { user, password }),
            (None, None) => None,
            _ => return Err(SetupError::HalfCredentials),
        };
        if let Some(login) = &login {
            let password = login.password.expose_secret();
            if password.is_empty() || password.chars().any(char::is_control) {
                return Err(SetupError::Password);
            }
        }
        let trust = match server.scheme {
            Scheme::Implicit if options.plaintext => return Err(SetupError::PlaintextOverTls),
            Scheme::Submission if options.plaintext && login.is_some() && !options.plaintext_credentials => {
                return Err(SetupError::PlaintextCredentials);
            }
            Scheme::Submission if options.plaintext || (server.is_loopback() && login.is_none()) => None,
            Scheme::Implicit | Scheme::Submission => Some(Trust::new(&server.host, &options)?),
        };
        Ok(Self {
            route: Route { server, login, trust, hello_name: options.hello_name },
            from,
            timeout: options.timeout,
            slots: Semaphore::new(options.pool_size),
            parked: Mutex::new(Vec::new()),
        })
    }

    /// Connects and authenticates without sending anything, for a start-up that wants to know.
    pub async fn check(&self) -> Probe {
        let probe = match self.probe().await {
            Ok(()) => Probe::Reachable,
            Err(SendError::Misconfigured { detail }) => Probe::Misconfigured { detail },
            Err(
                SendError::Transient { detail }
                | SendError::Permanent { detail }
                | SendError::Ambiguous { detail },
            ) => Probe::Warn { detail },
            Err(_) => Probe::Warn { detail: "the server could not be probed" },
        };
        match &probe {
            Probe::Reachable => tracing::debug!("the mail server is ready"),
            Probe::Warn { detail } => tracing::warn!(detail, "the mail server is not ready"),
            Probe::Misconfigured { detail } => tracing::error!(detail, "the mail sender is set up wrongly"),
        }
        probe
    }

    async fn probe(&self) -> Result<(), SendError> {
        let deadline = self.deadline();
        let _slot = self.slot(deadline).await?;
        // A probe asks for a new connection; it takes the place of a parked one, so that the bound holds.
        drop(self.parked().pop());
        let fresh = async {
            let mut connection = self.route.open(deadline).await?;
            connection.noop(deadline).await?;
            Ok(connection)
        };
        let connection = fresh.await.map_err(|(step, fault)| judge(step, fault))?;
        self.park(connection);
        Ok(())
    }

    async fn hand_over(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let composed = compose(mail, &self.from)?;
        let deadline = self.deadline();
        let _slot = self.slot(deadline).await?;
        let attempt = async {
            let mut connection = self.connection(deadline).await?;
            let outcome = connection.deliver(&composed, deadline).await;
            // 421 announces that the server hangs up; after any other reply both sides are in step.
            let in_step = outcome
                .as_ref()
                .map_or_else(|(_, fault)| matches!(fault, Fault::Refused(code) if *code != 421), |_| true);
            if in_step {
                self.park(connection);
            }
            outcome
        };
        match attempt.await {
            Ok(reply) => Ok(Receipt::new(queue_name(reply.first_line().unwrap_or_default(), mail))),
            Err((step, fault)) => Err(judge(step, fault)),
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    async fn slot(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, SendError> {
        match timeout_at(deadline, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(SendError::Transient { detail: "every connection is busy" }),
        }
    }

    /// A parked connection that still answers, or a new one.
    async fn connection(&self, deadline: Instant) -> Result<Connection, Failure> {
        loop {
            let Some((mut connection, since)) = self.parked().pop() else {
                return self.route.open(deadline).await;
            };
            // A dead connection may cost a quarter of the time, not all of it.
            let patience = deadline.min(Instant::now() + self.timeout / 4);
            if since.elapsed() < PARKED_AT_MOST && connection.reset(patience).await.is_ok() {
                return Ok(connection);
            }
        }
    }

    fn park(&self, connection: Connection) {
        self.parked().push((connection, Instant::now()));
    }

    fn parked(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailSender for SmtpSender {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let outcome = self.hand_over(mail).await;
        match &outcome {
            Ok(_) => tracing::debug!(message = %mail.id, "mail taken over"),
            Err(error) => tracing::warn!(message = %mail.id, %error, "mail not taken over"),
        }
        outcome
    }
}

impl fmt::Debug for SmtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSender")
            .field("route", &self.route)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The name under which the server queued the mail, as exim and postfix tell it.
///
/// The rest of the reply is dropped, and a name that the mail's texts hold too: a server that repeats a code must not
/// write it into the trail.
fn queue_name<'reply>(line: &'reply str, mail: &Mail) -> Option<&'reply str> {
    let (_, name) = line.split_once("id=").or_else(|| line.split_once("queued as "))?;
    let name = name.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).next()?;
    let told = [&mail.subject, &mail.text, &mail.html].iter().any(|text| text.contains(name));
    (!name.is_empty() && name.len() <= 64 && !told).then_some(name)
}

#[cfg(test)]
mod tests {
    use portcullis::contact::Email;
    use portcullis::id::MessageId;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    use super::*;

    #[test]
    fn credentials_go_in_clear_only_when_asked_for_by_name() {
        let password = || Some(SecretString::from("s3cret"));
        let build = |url: &str, options| SmtpSender::from_url(url, password(), options);
        let sender = build("smtp://app@localhost:25", options()).unwrap();
        assert!(sender.route.trust.is_some());
        let error = build("smtp://app@localhost:25", options().danger_plaintext()).unwrap_err();
        assert_eq!(error, SetupError::PlaintextCredentials);
        let sender = build("smtp://app@mail.test", options().danger_plaintext_credentials()).unwrap();
        assert!(sender.route.trust.is_none());
        for danger in [options().danger_plaintext(), options().danger_plaintext_credentials()] {
            assert_eq!(build("smtps://app@mail.test", danger).unwrap_err(), SetupError::PlaintextOverTls);
        }
    }

    #[test]
    fn mails_go_in_clear_to_loopback_or_when_asked_for_by_name() {
        let clear =
            |url: &str, options| SmtpSender::from_url(url, None, options).unwrap().route.trust.is_none();
        assert!(clear("smtp://127.0.0.1:25", options()));
        assert!(!clear("smtp://mail.test:25", options()));
        assert!(clear("smtp://mail.test:25", options().danger_plaintext()));
        assert!(!clear("smtps://localhost", options()));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refused = |url: &str, password: Option<&str>, options| {
            SmtpSender::from_url(url, password.map(SecretString::from), options).unwrap_err()
        };
        assert_eq!(refused("smtps://app@h", None, options()), SetupError::HalfCredentials);
        assert_eq!(refused("smtps://h", Some("p"), options()), SetupError::HalfCredentials);
        assert_eq!(refused("smtps://app@h", Some(""), options()), SetupError::Password);
        assert_eq!(refused("smtps://app@h", Some("p\0q"), options()), SetupError::Password);
        for name in ["", "a b", "a\r\nMAIL FROM:<x@y.z>", "[a", "a]", "ä"] {
            assert_eq!(
                refused("smtps://h", None, options().hello_name(name)),
                SetupError::HelloName,
                "{name:?}"
            );
        }
        for name in ["a\r\nBcc: x@y.z", "\0", &"x".repeat(201)] {
            assert_eq!(
                refused("smtps://h", None, options().from_name(name)),
                SetupError::FromName,
                "{name:?}"
            );
        }
        assert_eq!(refused("smtps://h", None, options().pool_size(0)), SetupError::PoolSize);
        assert_eq!(refused("smtps://h", None, options().timeout(Duration::ZERO)), SetupError::Timeout);
        let junk =
            options().root_certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert_eq!(refused("smtps://h", None, junk), SetupError::Certificate);
        assert_eq!(refused("smtps://h", None, options().root_certificates([0; 9])), SetupError::Certificate);
    }

    #[test]
    fn only_the_queue_name_of_a_reply_is_kept() {
        let mail = Mail {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            to: Email::parse("bob@example.org").unwrap(),
            subject: "s".to_owned(),
            text: "code 123456".to_owned(),
            html: String::new(),
        };
        for (line, name) in [
            ("OK id=1tF0aB-000123-2X", Some("1tF0aB-000123-2X")),
            ("2.0.0 Ok: queued as 4XyZ12", Some("4XyZ12")),
            ("OK id=123456", None),
            ("OK id=", None),
            ("2.0.0 accepted for bob@example.org", None),
        ] {
            assert_eq!(queue_name(line, &mail), name, "{line}");
        }
        assert_eq!(queue_name(&format!("id={}", "x".repeat(65)), &mail), None);
    }

    #[tokio::test]
    async fn probes_pile_up_no_connections() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let sender = SmtpSender::from_url(&url, None, options()).unwrap();
        let server = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut lines = BufReader::new(stream);
                    let mut line = "220 hi\r\n".to_owned();
                    while !line.is_empty() {
                        let reply = if line.starts_with("220") { "220 hi\r\n" } else { "250 hi\r\n" };
                        lines.write_all(reply.as_bytes()).await.unwrap();
                        line.clear();
                        lines.read_line(&mut line).await.unwrap();
                    }
                });
            }
        };
        let probes = async {
            for _ in 0..3 {
                assert_eq!(sender.check().await, Probe::Reachable);
                assert_eq!(sender.parked().len(), 1);
            }
        };
        tokio::select! { () = probes => {}, () = server => {} }
    }

    fn options() -> SmtpOptions {
        SmtpOptions::new(Email::parse("security@example.com").unwrap())
    }
}

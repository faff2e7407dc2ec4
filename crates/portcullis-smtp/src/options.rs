//! What the host decides: who mails come from, how long a send may take, whom to trust.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use portcullis::contact::Email;
use rustls::ClientConfig;

/// Why a sender could not be built. No text holds any part of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL is not of the form `smtp[s]://[user@]host[:port]`.
    #[error("the mail URL must look like smtp://[user@]host[:port] or smtps://[user@]host[:port]")]
    Url,
    /// The URL does not start with `smtp://` or `smtps://`.
    #[error("the mail URL must start with smtp:// or smtps://")]
    Scheme,
    /// The URL holds a password.
    #[error("a password does not belong in the mail URL, give it apart")]
    PasswordInUrl,
    /// The user name in the URL is empty, wrongly escaped or holds control characters.
    #[error("the user name in the mail URL is empty, wrongly escaped or holds control characters")]
    User,
    /// There is a user without a password, or a password without a user.
    #[error("a mail user and a password must be given together")]
    HalfCredentials,
    /// The password is empty or holds control characters.
    #[error("the mail password is empty or holds control characters")]
    Password,
    /// Clear text was asked for while credentials are set, without asking for credentials in clear.
    #[error(
        "credentials would travel in clear: drop danger_plaintext, or ask for danger_plaintext_credentials"
    )]
    PlaintextCredentials,
    /// Clear text was asked for on an `smtps://` URL.
    #[error("clear text was asked for on an smtps:// URL")]
    PlaintextOverTls,
    /// The sender address cannot stand in an SMTP command and a Message-ID.
    #[error("the sender address cannot be used in a mail")]
    From,
    /// The display name holds control characters or is longer than 200 bytes.
    #[error("the sender's display name holds control characters or is too long")]
    FromName,
    /// The name for EHLO is no host name and no address literal.
    #[error("the name for EHLO must be a host name or an address literal")]
    HelloName,
    /// The timeout is outside of 50 milliseconds to 10 minutes.
    #[error("the timeout of a send must be between 50 milliseconds and 10 minutes")]
    Timeout,
    /// The pool size is outside of 1 to 1000.
    #[error("the pool size must be between 1 and 1000")]
    PoolSize,
    /// A root certificate could not be read.
    #[error("a root certificate could not be read, it must be PEM or DER")]
    Certificate,
    /// A root certificate was given beside a whole TLS configuration.
    #[error("root certificates and a TLS configuration exclude each other")]
    TwoTrusts,
    /// The host name cannot be checked against a certificate, or TLS could not be set up.
    #[error("the server's name cannot be used for TLS")]
    ServerName,
}

/// What the host decides about its mails; nothing is looked at before [`SmtpSender::from_url`](crate::SmtpSender::from_url).
///
/// ```
/// use std::time::Duration;
/// use portcullis::contact::Email;
/// use portcullis_smtp::SmtpOptions;
///
/// let options = SmtpOptions::new(Email::parse("security@example.com").unwrap())
///     .from_name("Example Security")
///     .hello_name("app.example.com")
///     .timeout(Duration::from_secs(10))
///     .pool_size(4);
/// ```
#[derive(Clone)]
pub struct SmtpOptions {
    from: Email,
    from_name: Option<String>,
    pub(crate) hello_name: String,
    pub(crate) timeout: Duration,
    pub(crate) pool_size: usize,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) plaintext: bool,
    pub(crate) plaintext_credentials: bool,
}

impl SmtpOptions {
    /// Mails come from this address; its domain also ends every Message-ID.
    pub fn new(from: Email) -> Self {
        Self {
            from,
            from_name: None,
            hello_name: "[127.0.0.1]".to_owned(),
            timeout: Duration::from_secs(30),
            pool_size: 4,
            roots: Vec::new(),
            tls: None,
            plaintext: false,
            plaintext_credentials: false,
        }
    }

    /// Sets the name shown beside the address: at most 200 bytes, no control characters. Default: none.
    #[must_use]
    pub fn from_name(mut self, name: impl Into<String>) -> Self {
        self.from_name = Some(name.into());
        self
    }

    /// Sets what the sender calls itself in EHLO: a host name or an address literal. Default: `[127.0.0.1]`.
    #[must_use]
    pub fn hello_name(mut self, name: impl Into<String>) -> Self {
        self.hello_name = name.into();
        self
    }

    /// Bounds a whole send, from waiting for a connection to the last reply: 50 ms to 10 min. Default: 30 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the connections open at a time: 1 to 1000. Default: 4. One send more waits, within its timeout.
    #[must_use]
    pub const fn pool_size(mut self, size: usize) -> Self {
        self.pool_size = size;
        self
    }

    /// Trusts the certificate authorities in this PEM text or DER certificate too, beside the public ones.
    #[must_use]
    pub fn root_certificates(mut self, pem_or_der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem_or_der.into());
        self
    }

    /// Uses the host's own TLS configuration: its provider, roots and client certificate.
    ///
    /// Default: the ring provider, TLS 1.2 and 1.3, the public authorities and
    /// [`root_certificates`](Self::root_certificates).
    #[must_use]
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// **Danger.** Sends mails in clear over `smtp://`, also to another machine. Everybody on the way reads the codes and links.
    ///
    /// Refused with credentials, see [`danger_plaintext_credentials`](Self::danger_plaintext_credentials).
    #[must_use]
    pub const fn danger_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// **Danger.** Sends mails *and the password* in clear over `smtp://`. Everybody on the way can send mail as the host.
    #[must_use]
    pub const fn danger_plaintext_credentials(mut self) -> Self {
        self.plaintext = true;
        self.plaintext_credentials = true;
        self
    }

    /// Checks the figures and names.
    pub(crate) fn checked(&self) -> Result<(), SetupError> {
        if self.timeout < Duration::from_millis(50) || self.timeout > Duration::from_secs(600) {
            return Err(SetupError::Timeout);
        }
        if !(1..=1000).contains(&self.pool_size) {
            return Err(SetupError::PoolSize);
        }
        if self.tls.is_some() && !self.roots.is_empty() {
            return Err(SetupError::TwoTrusts);
        }
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let literal = |inner: &str| inner.chars().all(|c| named(c) || c == ':');
        let inner = self.hello_name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let fits = !self.hello_name.is_empty()
            && self.hello_name.len() <= 255
            && inner.map_or_else(|| self.hello_name.chars().all(named), literal);
        if fits { Ok(()) } else { Err(SetupError::HelloName) }
    }

    /// The sender as a header and as an envelope address.
    pub(crate) fn mailbox(&self) -> Result<Mailbox, SetupError> {
        let name = self.from_name.as_deref();
        if name.is_some_and(|name| name.len() > 200 || name.chars().any(char::is_control)) {
            return Err(SetupError::FromName);
        }
        let address: Address = self.from.as_str().parse().map_err(|_| SetupError::From)?;
        Ok(Mailbox::new(name.map(str::to_owned), address))
    }
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpOptions")
            .field("timeout", &self.timeout)
            .field("pool_size", &self.pool_size)
            .field("plaintext", &self.plaintext)
            .field("plaintext_credentials", &self.plaintext_credentials)
            .finish_non_exhaustive()
    }
}

//! What the host decides: how long a send may take, whom to trust, where reports go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::callback::Callback;

/// Why a sender could not be built. No text holds a credential or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL is no absolute `http://` or `https://` URL, or has a fragment.
    #[error("the gateway's URL must look like https://host[:port][/path], without a fragment")]
    Url,
    /// The URL holds credentials.
    #[error("credentials do not belong in the gateway's URL, give them apart")]
    CredentialsInUrl,
    /// Texts and credentials would go in clear to another machine.
    #[error("texts and credentials would travel in clear: use https, or ask for allow_plain_http")]
    PlainHttp,
    /// The account, the user or the password is empty, too long or holds what cannot be sent.
    #[error("the gateway's account, user or password is empty, too long or holds control characters")]
    Credentials,
    /// The sender the receiver sees is empty, longer than 64 bytes or not printable ASCII.
    #[error("the SMS sender must be 1 to 64 printable ASCII characters")]
    From,
    /// The timeout is outside of 50 milliseconds to 10 minutes.
    #[error("the timeout of a send must be between 50 milliseconds and 10 minutes")]
    Timeout,
    /// The timeout to connect is not shorter than that of the whole send, or below 10 milliseconds.
    #[error("the timeout to connect must be at least 10 milliseconds and shorter than that of the send")]
    ConnectTimeout,
    /// A root certificate could not be read.
    #[error("a root certificate could not be read, it must be PEM or DER")]
    Certificate,
    /// Root certificates were given beside a whole TLS configuration.
    #[error("root certificates and a TLS configuration exclude each other")]
    TwoTrusts,
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls,
    /// The URL for reports is no plain URL: it holds credentials, a query, a fragment or percent signs.
    #[error("the URL for delivery reports must be plain: no credentials, query, fragment or percent signs")]
    CallbackUrl,
    /// The user or the secret of the reports is of the wrong length or holds other characters.
    #[error(
        "the user (1 to 64) and the secret (16 to 128) of delivery reports are letters, digits and - . _ ~"
    )]
    CallbackSecret,
    /// A gateway's description is wrong.
    #[error("the gateway's description is wrong in `{field}`: {fault}")]
    Description {
        /// Which field, as a path: `headers.authorization`, `json/message/text`.
        field: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

/// What the host decides about its SMS; nothing is looked at before a sender is built.
///
/// ```
/// use std::time::Duration;
/// use portcullis_sms_http::SmsHttpOptions;
///
/// let options = SmsHttpOptions::new().timeout(Duration::from_secs(20)).connect_timeout(Duration::from_secs(5));
/// ```
#[derive(Clone)]
pub struct SmsHttpOptions {
    pub(crate) timeout: Duration,
    connect_timeout: Option<Duration>,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) plain_http: bool,
    pub(crate) reports: Option<Callback>,
}

impl SmsHttpOptions {
    /// The defaults: 30 s for a send, at most 10 s of it to connect, the public authorities, no reports.
    ///
    /// ```
    /// # use portcullis_sms_http::SmsHttpOptions;
    /// let options = SmsHttpOptions::new();
    /// ```
    pub const fn new() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: None,
            roots: Vec::new(),
            tls: None,
            plain_http: false,
            reports: None,
        }
    }

    /// Bounds a whole send, from the look-up of the name to the last byte of the answer: 50 ms to 10 min. Default: 30 s.
    ///
    /// Whoever gives up earlier makes more messages ambiguous; gateways answer within a few seconds.
    ///
    /// ```
    /// # use {std::time::Duration, portcullis_sms_http::SmsHttpOptions};
    /// let options = SmsHttpOptions::new().timeout(Duration::from_secs(15));
    /// ```
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the look-up of the name, the connection and the TLS handshake together: at least 10 ms, and shorter than
    /// the whole send. Default: half of that, at most 10 s. What ends here was certainly not submitted.
    ///
    /// ```
    /// # use {std::time::Duration, portcullis_sms_http::SmsHttpOptions};
    /// let options = SmsHttpOptions::new().connect_timeout(Duration::from_secs(3));
    /// ```
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Trusts the certificate authorities in this PEM text or DER certificate too, beside the public ones.
    ///
    /// ```no_run
    /// # use portcullis_sms_http::SmsHttpOptions;
    /// # fn main() -> std::io::Result<()> {
    /// let options = SmsHttpOptions::new().root_certificates(std::fs::read("gateway-ca.pem")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn root_certificates(mut self, pem_or_der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem_or_der.into());
        self
    }

    /// Uses the host's own TLS configuration: its provider, roots and client certificate. Its ALPN is not: HTTP/1.1 is
    /// spoken.
    ///
    /// Default: the ring provider, TLS 1.2 and 1.3, the public authorities and
    /// [`root_certificates`](Self::root_certificates).
    ///
    /// ```
    /// # use {std::sync::Arc, portcullis_sms_http::SmsHttpOptions};
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let config = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()
    ///     .unwrap()
    ///     .with_root_certificates(rustls::RootCertStore::empty())
    ///     .with_no_client_auth();
    /// let options = SmsHttpOptions::new().tls_config(Arc::new(config));
    /// ```
    #[must_use]
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// **Danger.** Lets texts, codes and credentials go in clear over `http://`, also to another machine. Without it,
    /// only loopback is spoken to in clear.
    ///
    /// ```
    /// use portcullis_sms_http::{SetupError, SmsHttp, SmsHttpOptions};
    /// let build = |options| SmsHttp::kannel("http://kannel:13013", "app", "s3cret".into(), "Example", options);
    /// assert_eq!(build(SmsHttpOptions::new()).unwrap_err(), SetupError::PlainHttp);
    /// assert!(build(SmsHttpOptions::new().allow_plain_http()).is_ok());
    /// ```
    #[must_use]
    pub const fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Asks the gateway to report how far each SMS came. Default: no reports.
    ///
    /// ```
    /// use portcullis_sms_http::{Callback, SmsHttpOptions};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("https://app.example.com/sms/report", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let options = SmsHttpOptions::new().reports(callback);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reports(mut self, callback: Callback) -> Self {
        self.reports = Some(callback);
        self
    }

    pub(crate) fn time_to_connect(&self) -> Duration {
        self.connect_timeout.unwrap_or_else(|| Duration::from_secs(10).min(self.timeout / 2))
    }

    /// Checks what does not depend on the gateway.
    pub(crate) fn checked(&self) -> Result<(), SetupError> {
        if self.timeout < Duration::from_millis(50) || self.timeout > Duration::from_secs(600) {
            return Err(SetupError::Timeout);
        }
        let connect = self.time_to_connect();
        if connect < Duration::from_millis(10) || connect >= self.timeout {
            return Err(SetupError::ConnectTimeout);
        }
        if self.tls.is_some() && !self.roots.is_empty() {
            return Err(SetupError::TwoTrusts);
        }
        if self.reports.as_ref().is_some_and(|callback| callback.is_in_clear() && !self.plain_http) {
            return Err(SetupError::PlainHttp);
        }
        Ok(())
    }
}

impl Default for SmsHttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SmsHttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsHttpOptions")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.time_to_connect())
            .field("plain_http", &self.plain_http)
            .field("reports", &self.reports.is_some())
            .finish_non_exhaustive()
    }
}

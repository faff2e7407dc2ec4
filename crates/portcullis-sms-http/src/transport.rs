//! One request, one answer, bounded in time and size; what went wrong tells whether anything was submitted.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use reqwest::redirect::Policy;
use reqwest::{Client, retry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::answer::{Answer, Body, wait_told};
use crate::options::{SetupError, SmsHttpOptions};

/// No answer of a gateway is longer, in bytes.
pub(crate) const ANSWER_LONGEST: usize = 64 * 1024;

/// What is asked of the gateway. It holds credentials and codes, so it has no `Debug`.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The name was not found or the connection not made.
    Unreached,
    /// The time to connect was over first.
    UnreachedInTime,
    /// The certificate is not trusted or names somebody else.
    Certificate,
    /// TLS could not be agreed on.
    Handshake,
    /// The request could not be worded.
    Unsendable,
    /// No answer came in time.
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    Cut,
}

/// Speaks to one gateway.
pub(crate) struct Transport(Client);

impl Transport {
    /// Follows no redirect, reads no proxy from the environment, tries nothing twice. Each message has a connection of
    /// its own: on a kept one that the gateway has just closed, an honest failure would look like a lost answer.
    pub(crate) fn new(options: &SmsHttpOptions) -> Result<Self, SetupError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls(options)?)
            .redirect(Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(options.time_to_connect())
            .timeout(options.timeout)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|_| SetupError::Tls)
    }

    pub(crate) async fn exchange(&self, ask: Ask) -> Result<Answer, Fault> {
        let mut request = reqwest::Request::new(ask.method, ask.url);
        *request.headers_mut() = ask.headers;
        if !ask.body.is_empty() {
            *request.body_mut() = Some(ask.body.into());
        }
        let mut response = self.0.execute(request).await.map_err(|error| fault_of(&error))?;
        let (status, wait) = (response.status(), wait_told(response.headers()));
        Ok(Answer { status, wait, body: read(&mut response).await })
    }
}

async fn read(response: &mut reqwest::Response) -> Body {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_LONGEST => return Body::Oversized,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(body),
            Err(error) if error.is_timeout() => return Body::TimedOut,
            Err(_) => return Body::Cut,
        }
    }
}

/// INVARIANT: what is named here as unreached, or as a fault of TLS, ended before the first byte of the request.
fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_builder() {
        return Fault::Unsendable;
    }
    if !error.is_connect() {
        return if error.is_timeout() { Fault::TimedOut } else { Fault::Cut };
    }
    match tls_fault(error) {
        Some(rustls::Error::InvalidCertificate(_)) => Fault::Certificate,
        Some(_) => Fault::Handshake,
        None if error.is_timeout() => Fault::UnreachedInTime,
        None => Fault::Unreached,
    }
}

fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        // An I/O error is not the source of what it wraps: it hands that out apart.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(fault) = wrapped.and_then(|inner| inner.downcast_ref()) {
            return Some(fault);
        }
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The host's configuration, or one with the ring provider; no process-wide provider is read or set.
fn tls(options: &SmsHttpOptions) -> Result<ClientConfig, SetupError> {
    if let Some(given) = &options.tls {
        let mut config = ClientConfig::clone(given);
        config.alpn_protocols.clear();
        return Ok(config);
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for given in &options.roots {
        for certificate in certificates(given)? {
            roots.add(certificate).map_err(|_| SetupError::Certificate)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SetupError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn certificates(given: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    if !given.windows(10).any(|window| window == b"-----BEGIN") {
        return Ok(vec![CertificateDer::from(given.to_vec())]);
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(given).collect();
    read.ok().filter(|read| !read.is_empty()).ok_or(SetupError::Certificate)
}

/// No wait that a gateway tells is believed beyond this.
pub(crate) const WAIT_LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

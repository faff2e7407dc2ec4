//! Whom the sender trusts, and the step from clear text to TLS.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::options::{SetupError, SmtpOptions};
use crate::outcome::Fault;

/// The TLS side of one server: its name and whom to believe about it.
pub(crate) struct Trust {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Trust {
    /// Takes the host's configuration, or makes one with the ring provider; no process-wide provider is read or set.
    pub(crate) fn new(host: &str, options: &SmtpOptions) -> Result<Self, SetupError> {
        let config = match &options.tls {
            Some(config) => Arc::clone(config),
            None => Arc::new(own_config(&options.roots)?),
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| SetupError::ServerName)?;
        Ok(Self { connector: TlsConnector::from(config), name })
    }

    /// Shakes hands; the certificate and the name have been checked when it returns.
    pub(crate) async fn shake(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Fault> {
        self.connector.connect(self.name.clone(), stream).await.map_err(|error| handshake_fault(&error))
    }
}

fn own_config(extra: &[Vec<u8>]) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for given in extra {
        for certificate in certificates(given)? {
            roots.add(certificate).map_err(|_| SetupError::Certificate)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SetupError::ServerName)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn certificates(given: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    if !given.windows(10).any(|window| window == b"-----BEGIN") {
        return Ok(vec![CertificateDer::from(given.to_vec())]);
    }
    let read: Vec<_> = CertificateDer::pem_slice_iter(given)
        .collect::<Result<_, _>>()
        .map_err(|_| SetupError::Certificate)?;
    if read.is_empty() { Err(SetupError::Certificate) } else { Ok(read) }
}

/// A fault of TLS itself is the set-up's; a connection that broke on the way may work later.
fn handshake_fault(error: &io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => Fault::Certificate,
        Some(_) => Fault::Handshake,
        None => Fault::Cut,
    }
}

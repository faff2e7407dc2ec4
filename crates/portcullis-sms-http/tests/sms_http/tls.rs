//! Whom the sender believes, and that nothing leaves before.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::support::server::{Act, Server};
use crate::support::{Kind, SHAPES, Shape, kind, options, sms};
use portcullis::port::message::SmsSender as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Made {
    acceptor: TlsAcceptor,
    authority: Vec<u8>,
}

/// A certificate for `localhost` by an authority made here, or `None` (said aloud, and a failure under
/// `PORTCULLIS_NO_SKIP=1`) without openssl.
fn made(test: &str) -> Option<&'static Made> {
    static MADE: OnceLock<Option<Made>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        Command::new("openssl").arg("version").output().ok()?;
        let folder = std::env::temp_dir().join(format!("portcullis-sms-http-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = make(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        Some(made)
    });
    if made.is_none() {
        eprintln!("skipped: {test}: there is no openssl");
        assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
    }
    made.as_ref()
}

fn make(folder: &Path) -> Made {
    let openssl = |arguments: &str| {
        let run = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
        assert!(run.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&run.stderr));
    };
    openssl("ecparam -genkey -name prime256v1 -noout -out ca.key");
    openssl("req -x509 -new -key ca.key -subj /CN=authority -days 2 -out ca.pem");
    openssl("ecparam -genkey -name prime256v1 -noout -out own.key");
    openssl("req -new -key own.key -subj /CN=localhost -out own.csr");
    std::fs::write(folder.join("own.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    openssl(
        "x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile own.ext -out own.pem",
    );
    let chain = vec![CertificateDer::from_pem_file(folder.join("own.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("own.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Made {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: std::fs::read(folder.join("ca.pem")).unwrap(),
    }
}

#[tokio::test]
async fn a_good_certificate_is_spoken_to_and_any_other_gets_nothing() {
    let Some(made) = made("a_good_certificate") else { return };
    for shape in SHAPES {
        let good = Act::Say(shape.good().to_owned());
        let server = Server::start_with(good, Some(made.acceptor.clone())).await;
        let trusting = || options().root_certificates(made.authority.clone());
        let named = format!("https://localhost:{}", server.port);
        shape.sender(&named, trusting()).send(&sms("x")).await.unwrap();
        assert_eq!(server.seen().requests.len(), 1);

        // The certificate names `localhost` alone.
        let other = format!("https://127.0.0.1:{}", server.port);
        for (url, options) in [(&named, options()), (&other, trusting())] {
            let error = shape.sender(url, options).send(&sms("x")).await.unwrap_err();
            assert_eq!(kind(&error), Kind::Misconfigured, "{shape:?} {url}: {error}");
            assert!(error.to_string().contains("certificate"), "{error}");
        }
        assert_eq!(server.seen().requests.len(), 1, "{shape:?}");
    }
}

#[tokio::test]
async fn the_hosts_own_configuration_is_used_but_for_its_protocols() {
    let Some(made) = made("the_hosts_own_configuration") else { return };
    let server =
        Server::start_with(Act::Say(Shape::Kannel.good().to_owned()), Some(made.acceptor.clone())).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&made.authority).unwrap()).unwrap();
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let options = options().tls_config(Arc::new(config));
    let sender = Shape::Kannel.sender(&format!("https://localhost:{}", server.port), options);
    sender.send(&sms("x")).await.unwrap();
}

#[tokio::test]
async fn a_gateway_without_tls_gets_nothing_in_clear() {
    for shape in SHAPES {
        // Speaks first, so that the answer is no TLS.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let serve = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut tcp, _) = listener.accept().await.unwrap();
            tcp.write_all(shape.good().as_bytes()).await.unwrap();
            let mut came = Vec::new();
            let _end = tcp.read_to_end(&mut came).await;
            came
        };
        let sender = shape.sender(&url, options());
        let sms = sms("Your code is 924417");
        let (came, outcome) = tokio::join!(serve, sender.send(&sms));
        let error = outcome.unwrap_err();
        assert_eq!(kind(&error), Kind::Misconfigured, "{shape:?}: {error}");
        let came = String::from_utf8_lossy(&came);
        for secret in ["POST", "kannel", "924417", "c4n4ry"] {
            assert!(!came.contains(secret), "{shape:?}: {secret} went in clear");
        }
    }
}

#[tokio::test]
async fn a_handshake_without_an_end_submitted_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    for shape in SHAPES {
        let options = options().connect_timeout(Duration::from_millis(100));
        let error = shape.sender(&url, options).send(&sms("x")).await.unwrap_err();
        assert_eq!(kind(&error), Kind::Transient, "{shape:?}: {error}");
    }
}

#[tokio::test]
async fn a_handshake_that_is_cut_submitted_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let cut = async {
        loop {
            drop(listener.accept().await.unwrap());
        }
    };
    let sends = async {
        for shape in SHAPES {
            let error = shape.sender(&url, options()).send(&sms("x")).await.unwrap_err();
            assert_eq!(kind(&error), Kind::Transient, "{shape:?}: {error}");
        }
    };
    tokio::select! { () = cut => {}, () = sends => {} }
}

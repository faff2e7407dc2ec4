//! Certificates made by the `openssl` command, once for each test binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority and what it signed.
pub(crate) struct Certificates {
    /// The authority that the senders are told to trust, PEM.
    pub(crate) authority: Vec<u8>,
    /// For `localhost`, signed by the authority.
    pub(crate) good: Arc<ServerConfig>,
    /// For `elsewhere.test`, signed by the authority.
    pub(crate) wrong_name: Arc<ServerConfig>,
    /// For `localhost`, signed by nobody the sender knows.
    pub(crate) untrusted: Arc<ServerConfig>,
}

static MADE: LazyLock<Option<Certificates>> = LazyLock::new(make);

/// The certificates, or `None` (said aloud, and a failure under `PORTCULLIS_NO_SKIP=1`) where there is no `openssl`.
pub(crate) fn certificates(test: &str) -> Option<&'static Certificates> {
    if MADE.is_none() {
        eprintln!("skipped: {test}: the openssl command is not installed");
        assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
    }
    MADE.as_ref()
}

fn make() -> Option<Certificates> {
    Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let name = format!("portcullis-smtp-{}-{:p}", std::process::id(), &raw const MADE);
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    authority(&folder, "ca");
    authority(&folder, "stranger");
    let made = Certificates {
        authority: fs::read(folder.join("ca.pem")).unwrap(),
        good: server(&folder, "good", "ca", "localhost"),
        wrong_name: server(&folder, "wrong", "ca", "elsewhere.test"),
        untrusted: server(&folder, "untrusted", "stranger", "localhost"),
    };
    fs::remove_dir_all(&folder).unwrap();
    Some(made)
}

fn authority(folder: &Path, name: &str) {
    let key = format!("{name}.key");
    let certificate = format!("{name}.pem");
    openssl(folder, &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", &key]);
    let subject = format!("/CN=portcullis test {name}");
    openssl(
        folder,
        &["req", "-x509", "-new", "-key", &key, "-subj", &subject, "-days", "2", "-out", &certificate],
    );
}

fn server(folder: &Path, name: &str, authority: &str, host: &str) -> Arc<ServerConfig> {
    let file = |ending: &str| format!("{name}.{ending}");
    let (key, request, signed, extensions) = (file("key"), file("csr"), file("pem"), file("ext"));
    openssl(folder, &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", &key]);
    openssl(folder, &["req", "-new", "-key", &key, "-subj", &format!("/CN={host}"), "-out", &request]);
    fs::write(folder.join(&extensions), format!("subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n"))
        .unwrap();
    let (ca, ca_key) = (format!("{authority}.pem"), format!("{authority}.key"));
    openssl(
        folder,
        &[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            &extensions,
            "-out",
            &signed,
        ],
    );
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(folder.join(&signed)).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(&key)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let run = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(run.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

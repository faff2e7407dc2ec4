//! What the host decides: regions, waits, whom to trust.

use std::sync::Arc;
use std::time::Duration;

use portcullis::port::flespi::Region;
use reqwest::Client;
use reqwest::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::flespi::Flespi;
use crate::guard::{Guard, Lookup, SystemLookup};
use crate::table::{self, COMPILED_IN};
use crate::wire::{Pause, RealPause, Wire};

/// Why [`Flespi`] could not be built. No text holds any part of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The name of a region is not 1 to 16 of `a-z`, `0-9` and `-`.
    #[error("the name of a region must be 1 to 16 small letters, digits and hyphens")]
    RegionName,
    /// The place of a region is empty, longer than 64 bytes or holds control characters.
    #[error("the place of a region is empty, too long or holds control characters")]
    Place,
    /// The address of a region is not of the form `https://host[:port]`, or not in its plainest spelling.
    #[error("the address of a region must look like https://host, in its plainest spelling")]
    Url,
    /// The address of a region is not `https`.
    #[error("the address of a region must start with https://")]
    Scheme,
    /// The host of a region is none of the public network.
    #[error("the host of a region is an address or a name inside of a network")]
    PrivateHost,
    /// The name of the app is empty, longer than 63 bytes or not made of visible ASCII.
    #[error("the name of the app must be 1 to 63 visible ascii characters")]
    App,
    /// A wait is outside of its range, or connecting may take longer than the whole call.
    #[error("the timeout must be 50 milliseconds to 2 minutes, and the one of connecting no longer")]
    Timeout,
    /// A root certificate could not be read.
    #[error("a root certificate could not be read, it must be pem or der")]
    Certificate,
    /// TLS or the HTTP client could not be set up.
    #[error("the http client can't be set up")]
    Client,
}

/// What the host decides about its calls; nothing is looked at before [`FlespiBuilder::build`].
///
/// ```
/// use std::time::Duration;
/// use portcullis_flespi::Flespi;
///
/// # fn main() -> Result<(), portcullis_flespi::SetupError> {
/// let flespi = Flespi::builder()
///     .region("ap", "Singapore", "https://ap.flespi.io")
///     .app("fleet.example.com")
///     .timeout(Duration::from_secs(10))
///     .build()?;
/// # let _ = flespi;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct FlespiBuilder {
    regions: Vec<(String, String, String)>,
    private_allowed: bool,
    app: String,
    timeout: Duration,
    connect_timeout: Duration,
    roots: Vec<Vec<u8>>,
    tls: Option<Arc<ClientConfig>>,
    lookup: Arc<dyn Lookup>,
    pause: Arc<dyn Pause>,
}

impl FlespiBuilder {
    /// The longest answer that is read, in bytes. A thousand tokens with their notes fit.
    pub const LONGEST_ANSWER: usize = 512 * 1024;

    const LONGEST_APP: usize = 63;
    const SHORTEST_TIMEOUT: Duration = Duration::from_millis(50);
    const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);

    pub(crate) fn new() -> Self {
        let owned =
            |(name, place, url): (&str, &str, &str)| (name.to_owned(), place.to_owned(), url.to_owned());
        Self {
            regions: COMPILED_IN.into_iter().map(owned).collect(),
            private_allowed: false,
            app: "portcullis".to_owned(),
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            roots: Vec::new(),
            tls: None,
            lookup: Arc::new(SystemLookup),
            pause: Arc::new(RealPause),
        }
    }

    /// Adds a region, or sets the host of one that is there: its name, its place for people, and the address of its REST
    /// API, `https://host[:port]` in its plainest spelling.
    ///
    /// For the code of the program alone: never pass on what a request, a message or an answer of flespi holds.
    ///
    /// ```
    /// use portcullis_flespi::{Flespi, SetupError};
    /// let with = |url: &str| Flespi::builder().region("ap", "Singapore", url).build().err();
    /// assert_eq!(with("https://ap.flespi.io"), None);
    /// assert_eq!(with("http://ap.flespi.io"), Some(SetupError::Scheme));
    /// assert_eq!(with("https://10.0.0.1"), Some(SetupError::PrivateHost));
    /// ```
    pub fn region(
        mut self,
        name: impl Into<String>,
        place: impl Into<String>,
        rest_url: impl Into<String>,
    ) -> Self {
        let (name, place, url) = (name.into(), place.into(), rest_url.into());
        match self.regions.iter_mut().find(|known| known.0 == name) {
            Some(known) => *known = (name, place, url),
            None => self.regions.push((name, place, url)),
        }
        self
    }

    /// Lets the host of a region be on a private network, on loopback without TLS too. For development only.
    ///
    /// ```
    /// use portcullis_flespi::{Flespi, SetupError};
    /// let local = || Flespi::builder().region("eu", "here", "http://127.0.0.1:8090");
    /// assert_eq!(local().build().err(), Some(SetupError::Scheme));
    /// assert!(local().allow_private_hosts().build().is_ok());
    /// ```
    pub fn allow_private_hosts(mut self) -> Self {
        self.private_allowed = true;
        self
    }

    /// Sets what flespi's own log calls the program (`x-flespi-app`): 1 to 63 visible ASCII characters. Default:
    /// `portcullis`.
    ///
    /// ```
    /// use portcullis_flespi::{Flespi, SetupError};
    /// assert!(Flespi::builder().app("fleet.example.com").build().is_ok());
    /// assert_eq!(Flespi::builder().app("two words").build().err(), Some(SetupError::App));
    /// ```
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = app.into();
        self
    }

    /// Bounds a whole call, with every try and wait: 50 ms to 2 min. Default: 20 s. It must not be more than the policy's
    /// `flespi_call_longest`; a request that redeems takes up to `flespi_patience` and one call.
    ///
    /// ```
    /// use std::time::Duration;
    /// let flespi = portcullis_flespi::Flespi::builder().timeout(Duration::from_secs(10)).build()?;
    /// # Ok::<(), portcullis_flespi::SetupError>(())
    /// ```
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the lookup of the name, the connection and the TLS handshake together: 50 ms to [`Self::timeout`]. Default:
    /// 5 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// let flespi = portcullis_flespi::Flespi::builder().connect_timeout(Duration::from_secs(2)).build()?;
    /// # Ok::<(), portcullis_flespi::SetupError>(())
    /// ```
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Trusts the certificate authorities in this PEM text or DER certificate too, beside the public ones.
    ///
    /// ```
    /// use portcullis_flespi::{Flespi, SetupError};
    /// let broken = Flespi::builder().root_certificates("no certificate").build();
    /// assert_eq!(broken.err(), Some(SetupError::Certificate));
    /// ```
    pub fn root_certificates(mut self, pem_or_der: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem_or_der.into());
        self
    }

    /// Uses the host's own TLS configuration, its provider and roots; [`Self::root_certificates`] adds nothing to it.
    ///
    /// Default: the ring provider, TLS 1.2 and 1.3, the public authorities.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rustls::{ClientConfig, RootCertStore};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    /// let config = ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let flespi = portcullis_flespi::Flespi::builder().tls_config(Arc::new(config)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Asks this for the addresses of hosts.
    #[cfg(feature = "testing")]
    pub fn lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.lookup = lookup;
        self
    }

    /// Waits by this between two tries.
    #[cfg(feature = "testing")]
    pub fn pause(mut self, pause: Arc<dyn Pause>) -> Self {
        self.pause = pause;
        self
    }

    /// Builds it. Nobody is called yet.
    ///
    /// ```
    /// use portcullis::port::flespi::FlespiApi as _;
    /// let flespi = portcullis_flespi::Flespi::builder().build()?;
    /// assert_eq!(flespi.regions().len(), 2);
    /// # Ok::<(), portcullis_flespi::SetupError>(())
    /// ```
    ///
    /// # Errors
    /// [`SetupError`], for the first thing that does not fit.
    pub fn build(self) -> Result<Flespi, SetupError> {
        let regions: Vec<Region> = self
            .regions
            .iter()
            .map(|(name, place, url)| table::region(name, place, url, self.private_allowed))
            .collect::<Result<_, _>>()?;
        let visible = self.app.bytes().all(|byte| byte.is_ascii_graphic());
        if self.app.is_empty() || self.app.len() > Self::LONGEST_APP || !visible {
            return Err(SetupError::App);
        }
        let app = HeaderValue::from_str(&self.app).map_err(|_| SetupError::App)?;
        let longest = self.timeout.min(Self::LONGEST_TIMEOUT);
        if self.timeout > longest || !(Self::SHORTEST_TIMEOUT..=longest).contains(&self.connect_timeout) {
            return Err(SetupError::Timeout);
        }
        let tls = match &self.tls {
            Some(config) => ClientConfig::clone(config),
            None => own_config(&self.roots)?,
        };
        let guard = Guard { lookup: self.lookup, private_allowed: self.private_allowed };
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(!self.private_allowed)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            // A kept connection may die under a request, and leave open whether it was acted on.
            .pool_max_idle_per_host(0)
            .connect_timeout(self.connect_timeout)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(guard)
            .build()
            .map_err(|_| SetupError::Client)?;
        let wire =
            Wire { client, app, timeout: self.timeout, longest: Self::LONGEST_ANSWER, pause: self.pause };
        Ok(Flespi::of(regions, wire))
    }
}

impl std::fmt::Debug for FlespiBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlespiBuilder")
            .field("regions", &self.regions)
            .field("private_allowed", &self.private_allowed)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The ring provider and the public authorities; no process-wide provider is read or set.
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
        .map_err(|_| SetupError::Client)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn certificates(given: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    const ARMOUR: &[u8] = b"-----BEGIN";
    if !given.windows(ARMOUR.len()).any(|window| window == ARMOUR) {
        return Ok(vec![CertificateDer::from(given.to_vec())]);
    }
    let read: Vec<_> = CertificateDer::pem_slice_iter(given)
        .collect::<Result<_, _>>()
        .map_err(|_| SetupError::Certificate)?;
    if read.is_empty() { Err(SetupError::Certificate) } else { Ok(read) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |builder: FlespiBuilder| builder.build().err();
        let new = FlespiBuilder::new;
        for app in ["", "two words", "naïve", "a\r\nb", &"x".repeat(64)] {
            assert_eq!(error(new().app(app)), Some(SetupError::App), "{app:?}");
        }
        assert_eq!(error(new().app("x".repeat(63))), None);
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        for (whole, connect) in [(s(121), s(5)), (s(4), s(5)), (s(20), ms(49)), (ms(10), ms(10))] {
            assert_eq!(error(new().timeout(whole).connect_timeout(connect)), Some(SetupError::Timeout));
        }
        assert_eq!(error(new().timeout(ms(50)).connect_timeout(ms(50))), None);
        assert_eq!(error(new().root_certificates("no certificate")), Some(SetupError::Certificate));
        assert_eq!(error(new().region("EU", "x", "https://flespi.io")), Some(SetupError::RegionName));
    }

    #[test]
    fn a_region_that_is_set_again_is_there_once() {
        use portcullis::port::flespi::FlespiApi as _;
        let flespi = FlespiBuilder::new().region("ru", "elsewhere", "https://ru2.flespi.io").build().unwrap();
        let names: Vec<_> = flespi.regions().into_iter().map(|region| (region.name, region.origin)).collect();
        assert_eq!(names.len(), 2);
        assert_eq!((names[1].0.as_str(), names[1].1.as_str()), ("ru", "https://ru2.flespi.io"));
    }
}

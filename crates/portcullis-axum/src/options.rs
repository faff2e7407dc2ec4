//! How the routes are mounted: the public URL, whose forwarded address is believed, and how a session id is carried.

use core::fmt;
use std::sync::Arc;

use crate::carrier::{CookieCarrier, SessionCarrier};
use crate::{Cidr, Cookies, PublicUrl, PublicUrlError};

/// How the routes are mounted.
///
/// ```
/// use portcullis_axum::HttpOptions;
/// let options = HttpOptions::new("https://accounts.example.com")?
///     .trusted_proxy("10.0.0.0/8".parse().unwrap());
/// assert_eq!(options.cookies().session_name(), "__Host-portcullis");
/// # Ok::<(), portcullis_axum::PublicUrlError>(())
/// ```
#[derive(Clone)]
pub struct HttpOptions {
    public_url: PublicUrl,
    trusted: Vec<Cidr>,
    dev: bool,
    carrier: Option<Arc<dyn SessionCarrier>>,
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("public_url", &self.public_url)
            .field("trusted", &self.trusted)
            .field("dev", &self.dev)
            .finish_non_exhaustive()
    }
}

impl HttpOptions {
    /// Options for a service that browsers find at this URL. It must be https unless its host is this machine.
    ///
    /// The origin of requests is judged by it; `Host` and forwarded headers never are.
    ///
    /// # Errors
    /// As [`PublicUrl::parse`].
    pub fn new(public_url: &str) -> Result<Self, PublicUrlError> {
        let public_url = PublicUrl::parse(public_url)?;
        Ok(Self { public_url, trusted: Vec::new(), dev: false, carrier: None })
    }

    /// Believes what peers of this network say about where a request comes from. May be called several times.
    #[must_use]
    pub fn trusted_proxy(mut self, network: Cidr) -> Self {
        self.trusted.push(network);
        self
    }

    /// Whether this is development: cookies then work without https, under other names.
    #[must_use]
    pub const fn dev(mut self, dev: bool) -> Self {
        self.dev = dev;
        self
    }

    /// Carries session ids in another way than by a cookie.
    #[must_use]
    pub fn carrier(mut self, carrier: impl SessionCarrier) -> Self {
        self.carrier = Some(Arc::new(carrier));
        self
    }

    /// Where browsers find the service.
    pub const fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// The networks whose word about the client's address is believed.
    pub fn trusted_proxies(&self) -> &[Cidr] {
        &self.trusted
    }

    /// Whether this is development.
    pub const fn is_dev(&self) -> bool {
        self.dev
    }

    /// The cookies, as named and marked under these options.
    pub const fn cookies(&self) -> Cookies {
        Cookies::new(!self.dev)
    }

    pub(crate) fn session_carrier(&self) -> Arc<dyn SessionCarrier> {
        self.carrier.clone().unwrap_or_else(|| Arc::new(CookieCarrier::new(self.cookies())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_secure_unless_it_is_development() {
        let options = HttpOptions::new("http://127.0.0.1:8080").unwrap();
        assert!(options.cookies().is_secure(), "loopback alone makes no development");
        assert!(!options.dev(true).cookies().is_secure());
    }

    #[test]
    fn debug_tells_no_more_than_the_options() {
        let options =
            HttpOptions::new("https://a.example").unwrap().trusted_proxy("10.0.0.0/8".parse().unwrap());
        assert!(format!("{options:?}").contains("a.example"));
        assert_eq!(options.trusted_proxies(), ["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(options.public_url().to_string(), "https://a.example");
    }
}

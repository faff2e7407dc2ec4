//! The public URL, and whether an unsafe request comes from a page of it.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, Method, header};

/// Says from how far a browser's request comes; sent by every current browser, and no page can forge it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where browsers find the service: a scheme, a host and a port, and nothing behind them.
///
/// ```
/// use portcullis_axum::PublicUrl;
/// let url = PublicUrl::parse("https://Accounts.example.com/").unwrap();
/// assert_eq!(url.to_string(), "https://accounts.example.com");
/// assert!(PublicUrl::parse("http://accounts.example.com").is_err());
/// assert!(PublicUrl::parse("http://127.0.0.1:8080").is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    host: String,
    port: u16,
}

/// Why a text is not fit to be the public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// It is no URL of the web.
    #[error("the public url is a scheme, a host and perhaps a port, such as https://accounts.example.com")]
    Malformed,
    /// It holds a user name or a password.
    #[error("the public url holds no user name and no password")]
    UserInfo,
    /// Something stands behind host and port.
    #[error("the public url ends after host and port")]
    PathOrQuery,
    /// It is neither https nor on this machine.
    #[error("the public url is https, unless its host is localhost or a loopback address")]
    NotHttps,
}

impl PublicUrl {
    /// Takes a URL. One final `/` is dropped, and the host is put in lower case.
    ///
    /// # Errors
    /// [`PublicUrlError`] says what is wrong with it, without repeating it.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let (_, authority) = text.split_once("://").ok_or(PublicUrlError::Malformed)?;
        let bare = authority.strip_suffix('/').unwrap_or(authority);
        if bare.contains('@') {
            return Err(PublicUrlError::UserInfo);
        }
        if bare.contains(['/', '?', '#']) {
            return Err(PublicUrlError::PathOrQuery);
        }
        let url = Self::origin(text.strip_suffix('/').unwrap_or(text)).ok_or(PublicUrlError::Malformed)?;
        if url.https || url.is_loopback() { Ok(url) } else { Err(PublicUrlError::NotHttps) }
    }

    /// Whether it is reached by https.
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// Whether its host is this machine: `localhost`, `127.0.0.0/8` or `::1`.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Reads an origin as a browser writes it (RFC 6454): nothing behind host and port.
    fn origin(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port_of(port)?),
            _ => (authority, if https { 443 } else { 80 }),
        };
        Some(Self { https, host: host_of(host)?, port })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Whether a request may do what it asks, as far as its origin goes.
///
/// Methods that change nothing always may. Every other request is refused when `Origin` names anything but the public
/// URL, or `Sec-Fetch-Site` says that another site or another host of this site asked. A request with neither comes
/// from no browser. `Host` and forwarded headers are never looked at.
///
/// ```
/// use axum::http::{HeaderMap, Method, header};
/// use portcullis_axum::{PublicUrl, is_same_origin};
/// let url = PublicUrl::parse("https://accounts.example.com").unwrap();
/// let mut headers = HeaderMap::new();
/// assert!(is_same_origin(&Method::POST, &headers, &url));
/// headers.insert(header::ORIGIN, "https://evil.example".parse().unwrap());
/// assert!(!is_same_origin(&Method::POST, &headers, &url));
/// assert!(is_same_origin(&Method::GET, &headers, &url));
/// ```
pub fn is_same_origin(method: &Method, headers: &HeaderMap, url: &PublicUrl) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return true;
    }
    let ours = |value: &str| PublicUrl::origin(value).is_some_and(|origin| origin == *url);
    let near = |value: &str| matches!(value, "same-origin" | "none");
    every(headers, &header::ORIGIN, ours) && every(headers, &SEC_FETCH_SITE, near)
}

/// Whether a header is absent, or every value of it is text that passes.
fn every(headers: &HeaderMap, name: &HeaderName, passes: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(&passes))
}

fn port_of(text: &str) -> Option<u16> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok().filter(|port| *port != 0) } else { None }
}

/// A host in its one spelling: an address, or a name of letters, digits, hyphens and underscores.
fn host_of(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let sound = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if text.len() > 253 || !text.split('.').all(sound) {
        return None;
    }
    // What ends in a number is an address to every browser, or nothing at all.
    let last_is_number = text.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if last_is_number {
        return text.parse::<Ipv4Addr>().ok().map(|address| address.to_string());
    }
    Some(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_host_and_port() {
        for (text, read) in [
            ("https://accounts.example.com", "https://accounts.example.com"),
            ("HTTPS://Accounts.Example.com:443/", "https://accounts.example.com"),
            ("https://accounts.example.com:8443", "https://accounts.example.com:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().to_string(), read);
        }
    }

    #[test]
    fn whatever_else_a_url_can_hold_is_refused() {
        use PublicUrlError::{Malformed, NotHttps, PathOrQuery, UserInfo};
        for (text, why) in [
            ("", Malformed),
            ("accounts.example.com", Malformed),
            ("ftp://accounts.example.com", Malformed),
            ("https://", Malformed),
            ("https://a..example", Malformed),
            ("https://exämple.com", Malformed),
            ("https://a b.example", Malformed),
            ("https://a.example:0", Malformed),
            ("https://a.example:65536", Malformed),
            ("https://a.example:+1", Malformed),
            ("https://1.2.3", Malformed),
            ("https://[::1", Malformed),
            ("https://bob:secret@a.example", UserInfo),
            ("https://a.example/path", PathOrQuery),
            ("https://a.example//", PathOrQuery),
            ("https://a.example?q", PathOrQuery),
            ("https://a.example#f", PathOrQuery),
            ("http://a.example", NotHttps),
            ("http://localhost.evil.example", NotHttps),
            ("http://10.0.0.1", NotHttps),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn only_a_page_of_the_public_url_may_change_something() {
        let url = PublicUrl::parse("https://accounts.example.com").unwrap();
        for (origin, site, may) in [
            (None, None, true),
            (Some("https://accounts.example.com"), None, true),
            (Some("https://accounts.example.com:443"), None, true),
            (Some("https://accounts.example.com"), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (None, Some("none"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (None, Some(""), false),
            (Some("https://accounts.example.com"), Some("cross-site"), false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (Some("http://accounts.example.com"), None, false),
            (Some("https://accounts.example.com:444"), None, false),
            (Some("https://example.com"), None, false),
            (Some("https://accounts.example.com.evil.example"), None, false),
            (Some("https://accounts.example.com/"), None, false),
            (Some("https://evil.example"), Some("same-origin"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "evil.example".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                headers.insert(SEC_FETCH_SITE, site.parse().unwrap());
            }
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(is_same_origin(&method, &headers, &url), may, "{method} {origin:?} {site:?}");
            }
            assert!(is_same_origin(&Method::GET, &headers, &url));
        }
    }

    #[test]
    fn a_second_origin_does_not_hide_behind_the_first() {
        let url = PublicUrl::parse("https://accounts.example.com").unwrap();
        let mut headers = HeaderMap::new();
        headers.append(header::ORIGIN, "https://accounts.example.com".parse().unwrap());
        headers.append(header::ORIGIN, "https://evil.example".parse().unwrap());
        assert!(!is_same_origin(&Method::POST, &headers, &url));
    }
}

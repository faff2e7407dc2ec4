//! Where the host's pages are: the beginning of every link in a message.

use std::net::IpAddr;

/// A checked public URL, without a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// Takes `https://host[:port][/base]`, or the same with `http` on a host that is this machine.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        if rest.contains(['?', '#']) {
            return Err("it has a query or a fragment");
        }
        let (authority, base) = match rest.split_once('/') {
            Some((authority, base)) => (authority, base.trim_end_matches('/')),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err("it holds a user name or a password");
        }
        let host = host_of(authority).ok_or("its host is none")?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err("it is neither https nor on this machine"),
            _ => return Err("its scheme is not of the web"),
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
        if !base.chars().all(fits) || base.split('/').any(|part| part == "." || part == "..") {
            return Err("its path is none");
        }
        let slash = if base.is_empty() { "" } else { "/" };
        Ok(Self(format!("{}://{authority}{slash}{base}", scheme.to_ascii_lowercase())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host of `host[:port]`, if both are fit.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(name),
    };
    (port_fits && host_fits).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_the_url_as_it_was_given() {
        for (given, kept) in [
            ("https://fleet.example.com", "https://fleet.example.com"),
            ("HTTPS://fleet.example.com:8443/", "https://fleet.example.com:8443"),
            ("https://example.com/fleet/login//", "https://example.com/fleet/login"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(PublicUrl::parse(given).map(|url| url.0).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn anything_else_is_no_public_url() {
        for strange in [
            "",
            "fleet.example.com",
            "https://",
            "https:///a",
            "http://fleet.example.com",
            "http://127.0.0.1.example.com",
            "ftp://fleet.example.com",
            "javascript://localhost",
            "https://user@fleet.example.com",
            "https://user:secret@fleet.example.com",
            "https://fleet.example.com?a=b",
            "https://fleet.example.com/#a",
            "https://fleet.example.com:0",
            "https://fleet.example.com:+1",
            "https://fleet example.com",
            "https://fleet.example.com/a b",
            "https://fleet.example.com/\n",
            "https://fleet.example.com/a/../b",
            "https://fleet.example.com/\"><a",
            "https://[::1",
        ] {
            assert!(PublicUrl::parse(strange).is_err(), "{strange:?}");
        }
    }
}

//! Where the server is and how it is spoken to, read from a URL.

use std::net::IpAddr;

use crate::options::SetupError;

/// How the connection becomes private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `smtp://`: in clear at first, then STARTTLS.
    Submission,
    /// `smtps://`: TLS from the first byte.
    Implicit,
}

/// A server as the URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) scheme: Scheme,
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Server {
    /// Reads `smtp://[user@]host[:port]` or `smtps://[user@]host[:port]`; the ports default to 587 and 465.
    ///
    /// No error holds any part of the URL: a host that put a password there finds it in no log.
    pub(crate) fn parse(url: &str) -> Result<Self, SetupError> {
        let (scheme, rest) = url.split_once("://").ok_or(SetupError::Url)?;
        let (scheme, default_port) = match scheme {
            "smtp" => (Scheme::Submission, 587),
            "smtps" => (Scheme::Implicit, 465),
            _ => return Err(SetupError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(SetupError::PasswordInUrl);
        }
        let (host, port) = host_and_port(address, default_port)?;
        let user = user.map(percent_decoded).transpose()?;
        if user.as_deref().is_some_and(|user| user.is_empty() || user.chars().any(char::is_control)) {
            return Err(SetupError::User);
        }
        Ok(Self { scheme, user, host, port })
    }

    /// Whether the host is this machine, told by the name alone: no look-up decides what may go in clear.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

fn host_and_port(address: &str, default_port: u16) -> Result<(String, u16), SetupError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(literal) => {
            let (host, tail) = literal.split_once(']').ok_or(SetupError::Url)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| SetupError::Url)?;
            (host, tail.strip_prefix(':').or(tail.is_empty().then_some("")).ok_or(SetupError::Url)?)
        }
        None => address.split_once(':').unwrap_or((address, "")),
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > 253 || !host.chars().all(named) {
        return Err(SetupError::Url);
    }
    let port = match port {
        "" => default_port,
        digits => digits.parse().ok().filter(|port| *port != 0).ok_or(SetupError::Url)?,
    };
    Ok((host.to_owned(), port))
}

fn percent_decoded(text: &str) -> Result<String, SetupError> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit().ok_or(SetupError::User)?, digit().ok_or(SetupError::User)?);
                u8::try_from(high * 16 + low).map_err(|_| SetupError::User)?
            }
            other => other,
        };
        out.push(decoded);
    }
    String::from_utf8(out).map_err(|_| SetupError::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_read_and_the_ports_default() {
        let server = |scheme, user: Option<&str>, host: &str, port| Server {
            scheme,
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        };
        let cases = [
            ("smtp://localhost", server(Scheme::Submission, None, "localhost", 587)),
            ("smtps://mail.example.com/", server(Scheme::Implicit, None, "mail.example.com", 465)),
            ("smtp://app@127.0.0.1:2525", server(Scheme::Submission, Some("app"), "127.0.0.1", 2525)),
            ("smtp://a%40b.c@h:1", server(Scheme::Submission, Some("a@b.c"), "h", 1)),
            ("smtps://a@b.c@[::1]:2465", server(Scheme::Implicit, Some("a@b.c"), "::1", 2465)),
        ];
        for (url, expected) in cases {
            assert_eq!(Server::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in
            ["smtp://app:hunter2@h", "smtps://app:hun@ter2@h:465", "smtp://:hunter2@h", "smtp://app:@hunter2"]
        {
            let error = Server::parse(url).unwrap_err();
            assert!(matches!(error, SetupError::PasswordInUrl), "{url}");
            assert!(!format!("{error} {error:?}").contains("hun"), "{url}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for url in [
            "",
            "localhost",
            "http://h",
            "smtp:h",
            "smtp://",
            "smtp://h:0",
            "smtp://h:65536",
            "smtp://h:x",
            "smtp://@h",
            "smtp://a%0d%0a@h",
            "smtp://a%4@h",
            "smtp://a%ff@h",
            "smtp://h/path",
            "smtp://h?x=1",
            "smtp://h\r\nQUIT",
            "smtp://[::1",
            "smtp://[::1]x",
            "smtp://[localhost]",
            "smtp://h h",
            "smtp://bücher",
        ] {
            assert!(Server::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(Server::parse(&format!("smtp://{host}")).unwrap().is_loopback(), expected, "{host}");
        }
    }
}

//! Where the gateway is: a URL that holds no credentials and is not spoken to in clear.

use url::{Host, Url};

use crate::options::{SetupError, SmsHttpOptions};

/// Reads a gateway's URL.
pub(crate) fn parse(text: &str, options: &SmsHttpOptions) -> Result<Url, SetupError> {
    let url = absolute(text).ok_or(SetupError::Url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SetupError::CredentialsInUrl);
    }
    if in_clear(&url) && !options.plain_http {
        return Err(SetupError::PlainHttp);
    }
    Ok(url)
}

/// An `http` or `https` URL with a host and no fragment, without what a parser would quietly drop.
pub(crate) fn absolute(text: &str) -> Option<Url> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none();
    fits.then_some(url)
}

/// Whether what goes there can be read on the way: not encrypted, and not to this machine. No look-up decides it.
pub(crate) fn in_clear(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_goes_to_this_machine_only() {
        let options = SmsHttpOptions::new();
        for url in
            ["https://h", "http://localhost:1", "http://LOCALHOST", "http://127.9.9.9/x", "http://[::1]:9"]
        {
            assert!(parse(url, &options).is_ok(), "{url}");
            assert!(parse(url, &options.clone().allow_plain_http()).is_ok(), "{url}");
        }
        for url in
            ["http://h", "http://localhost.example.com", "http://127.0.0.1.example.com", "http://0.0.0.0"]
        {
            assert_eq!(parse(url, &options), Err(SetupError::PlainHttp), "{url}");
            assert!(parse(url, &options.clone().allow_plain_http()).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_gateway_is_refused_and_not_repeated() {
        let options = SmsHttpOptions::new().allow_plain_http();
        for url in [
            "",
            "h",
            "//h",
            "ftp://h",
            "https://",
            "https://h/#x",
            "https://h /",
            "https:\\\\h",
            "https://h\n",
        ] {
            assert_eq!(parse(url, &options), Err(SetupError::Url), "{url}");
        }
        for url in ["https://app:hunter2@h", "https://app@h", "https://:hunter2@h/x"] {
            let error = parse(url, &options).unwrap_err();
            assert_eq!(error, SetupError::CredentialsInUrl, "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
        }
    }
}

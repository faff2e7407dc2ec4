//! Where a gateway reports how far an SMS came, and the secret it has to bring.

use std::fmt;

use portcullis::id::MessageId;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::endpoint;
use crate::options::SetupError;

/// Where a gateway reports, and as whom: a URL to which the SMS' id is added as the last part of the path, and
/// credentials that come back as HTTP Basic authorization.
///
/// The gateway is told them as `https://user:secret@host/path/id`, which Twilio and Kannel turn into a header: what the
/// host's server and proxies log of a request holds no secret. Its `Debug` shows none either.
#[derive(Clone)]
pub struct Callback {
    base: Url,
    user: String,
    secret: SecretString,
}

impl Callback {
    /// Takes the URL of the host's webhook, a user name and a secret; make the secret from 16 random bytes or more.
    ///
    /// ```
    /// use portcullis_sms_http::{Callback, SetupError};
    /// let secret = || "4f0a7c1be2d94c55a1c0".into();
    /// assert!(Callback::new("https://app.example.com/sms/report", "gateway", secret()).is_ok());
    /// let short = Callback::new("https://app.example.com/sms/report", "gateway", "guess".into());
    /// assert_eq!(short.unwrap_err(), SetupError::CallbackSecret);
    /// let queried = Callback::new("https://app.example.com/sms?key=1", "gateway", secret());
    /// assert_eq!(queried.unwrap_err(), SetupError::CallbackUrl);
    /// ```
    ///
    /// # Errors
    /// [`SetupError::CallbackUrl`] unless the URL is absolute and plain (no credentials, no query, no fragment, no
    /// percent sign: Kannel would read that as a placeholder of its own), [`SetupError::CallbackSecret`] unless the user
    /// (1 to 64) and the secret (16 to 128) are letters, digits and `-._~`, which need no encoding in a URL.
    pub fn new(url: &str, user: &str, secret: SecretString) -> Result<Self, SetupError> {
        let base = endpoint::absolute(url).ok_or(SetupError::CallbackUrl)?;
        let named = !base.username().is_empty() || base.password().is_some();
        if named || base.query().is_some() || base.as_str().contains('%') {
            return Err(SetupError::CallbackUrl);
        }
        let plain = |text: &str| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
        };
        let fits = (1..=64).contains(&user.len()) && (16..=128).contains(&secret.expose_secret().len());
        if !fits || !plain(user) || !plain(secret.expose_secret()) {
            return Err(SetupError::CallbackSecret);
        }
        Ok(Self { base, user: user.to_owned(), secret })
    }

    /// Where this SMS is reported, without the credentials: `https://host/path/id`.
    ///
    /// ```
    /// use portcullis::id::MessageId;
    /// use portcullis_sms_http::Callback;
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("https://app.example.com/sms/", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let id = MessageId::from_uuid(uuid::Uuid::from_u128(7));
    /// assert_eq!(callback.url(id), "https://app.example.com/sms/00000000-0000-0000-0000-000000000007");
    /// # Ok(())
    /// # }
    /// ```
    pub fn url(&self, id: MessageId) -> String {
        format!("{}/{id}", self.base.as_str().trim_end_matches('/'))
    }

    /// The same with the credentials in it, for the gateway alone.
    pub(crate) fn secret_url(&self, id: MessageId) -> SecretString {
        let url = self.url(id);
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", &url));
        SecretString::from(format!("{scheme}://{}:{}@{rest}", self.user, self.secret.expose_secret()))
    }

    /// What a gateway has to bring behind `Basic `: the user and the secret, in base64.
    pub(crate) fn authorization(&self) -> SecretString {
        let pair = format!("{}:{}", self.user, self.secret.expose_secret());
        SecretString::from(data_encoding::BASE64.encode(pair.as_bytes()))
    }

    pub(crate) fn is_in_clear(&self) -> bool {
        endpoint::in_clear(&self.base)
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("url", &self.base.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_told_the_secret_and_nobody_else_is() {
        let callback = Callback::new("http://127.0.0.1:8080/r", "u", "c4n4ry-16-letters".into()).unwrap();
        let id = MessageId::from_uuid(uuid::Uuid::from_u128(7));
        let url = callback.secret_url(id);
        assert_eq!(
            url.expose_secret(),
            "http://u:c4n4ry-16-letters@127.0.0.1:8080/r/00000000-0000-0000-0000-000000000007"
        );
        assert!(!format!("{callback:?} {}", callback.url(id)).contains("c4n4ry"));
    }

    #[test]
    fn what_a_gateway_would_read_otherwise_is_refused() {
        let secret = || SecretString::from("0123456789abcdef");
        for url in ["https://u:p@h/", "https://h/?x=1", "https://h/#x", "https://h/%64", "h/x", "https://h/ä"]
        {
            assert_eq!(Callback::new(url, "u", secret()).unwrap_err(), SetupError::CallbackUrl, "{url}");
        }
        for (user, secret) in [
            ("", "0123456789abcdef"),
            ("u:v", "0123456789abcdef"),
            ("u@v", "0123456789abcdef"),
            ("u", "0123456789abcde"),
            ("u", "0123456789abcde%"),
            ("u", "0123456789abc/@h"),
            ("u", "0123456789abcd\r\n"),
        ] {
            let error = Callback::new("https://h/", user, secret.into()).unwrap_err();
            assert_eq!(error, SetupError::CallbackSecret, "{user} {secret}");
        }
    }
}

//! The sender: one gateway, one request for each SMS.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use portcullis::port::message::{Receipt, SendError, Sms, SmsSender};
use secrecy::SecretString;

use crate::gateway::{Described, Gateway};
use crate::kannel::{self, Kannel};
use crate::options::{SetupError, SmsHttpOptions};
use crate::outcome::without_answer;
use crate::transport::Transport;
use crate::twilio::{self, Twilio};

/// Sends SMS through one HTTP gateway.
///
/// A send is one request on a connection of its own; it ends within the configured timeout, follows no redirect, reads no
/// proxy from the environment and is never repeated here. Its `Debug`, its errors and what it logs hold no credentials,
/// no text, no number and nothing that the gateway said.
pub struct SmsHttp {
    shape: Shape,
    transport: Transport,
    timeout: Duration,
}

enum Shape {
    Twilio(Twilio),
    Kannel(Kannel),
    Gateway(Described),
}

impl SmsHttp {
    /// Sends through Twilio: `POST /2010-04-01/Accounts/{account}/Messages.json`. `from` is a number, a name, or the id
    /// of a messaging service (`MG` and 32 more characters). Nothing is connected or looked up here.
    ///
    /// ```
    /// use portcullis_sms_http::{SmsHttp, SmsHttpOptions};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let token = "from the host's secret store".into();
    /// let options = SmsHttpOptions::new();
    /// let sender = SmsHttp::twilio("AC0123456789abcdef0123456789abcdef", token, "+15005550006", options)?;
    /// # let _ = sender;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SetupError`] when the account, the token or the sender cannot be sent, or an option is out of its range.
    pub fn twilio(
        account: &str,
        token: SecretString,
        from: &str,
        options: SmsHttpOptions,
    ) -> Result<Self, SetupError> {
        Self::twilio_at(twilio::BASE, account, token, from, options)
    }

    /// The same at another address: one of Twilio's regions, or a gateway that speaks as Twilio does.
    ///
    /// ```
    /// use portcullis_sms_http::{SetupError, SmsHttp, SmsHttpOptions};
    /// let build = |base| SmsHttp::twilio_at(base, "AC01", "token".into(), "Example", SmsHttpOptions::new());
    /// assert!(build("https://sms.example.com/twilio").is_ok());
    /// assert_eq!(build("http://sms.example.com").unwrap_err(), SetupError::PlainHttp);
    /// ```
    ///
    /// # Errors
    /// As [`SmsHttp::twilio`]; besides, when the URL is malformed, holds credentials or would be spoken to in clear.
    #[expect(clippy::needless_pass_by_value, reason = "a secret is handed over, not lent")]
    pub fn twilio_at(
        base: &str,
        account: &str,
        token: SecretString,
        from: &str,
        options: SmsHttpOptions,
    ) -> Result<Self, SetupError> {
        Self::build(Shape::Twilio(Twilio::new(base, account, &token, from, &options)?), &options)
    }

    /// Sends through Kannel's smsbox at this URL; without a path, `/cgi-bin/sendsms` is meant.
    ///
    /// Credentials, number and text go in headers and body, so they are in no URL. Text that GSM-7 cannot hold goes as
    /// UCS-2.
    ///
    /// ```
    /// use portcullis_sms_http::{SmsHttp, SmsHttpOptions};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let options = SmsHttpOptions::new();
    /// let sender = SmsHttp::kannel("http://127.0.0.1:13013", "app", "s3cret".into(), "Example", options)?;
    /// # let _ = sender;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SetupError`] when the URL is malformed, holds credentials or would be spoken to in clear, user or password are
    /// empty or no printable ASCII, the sender cannot be sent, or an option is out of its range.
    #[expect(clippy::needless_pass_by_value, reason = "a secret is handed over, not lent")]
    pub fn kannel(
        url: &str,
        user: &str,
        password: SecretString,
        from: &str,
        options: SmsHttpOptions,
    ) -> Result<Self, SetupError> {
        Self::build(Shape::Kannel(Kannel::new(url, user, &password, from, &options)?), &options)
    }

    /// Sends through a gateway that a description tells of; see [`Gateway`].
    ///
    /// ```
    /// use portcullis_sms_http::{Gateway, SmsHttp, SmsHttpOptions};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let gateway = Gateway::from_json(r#"{
    ///     "url": "https://sms.example.com/v1/messages",
    ///     "headers": {"Authorization": "Bearer {secret:token}"},
    ///     "json": {"to": "{digits}", "text": "{text}"}
    /// }"#)?.secret("token", "from the host's secret store".into());
    /// let sender = SmsHttp::gateway(gateway, SmsHttpOptions::new())?;
    /// # let _ = sender;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Description`] naming the field when the description is wrong or names a secret that is not there;
    /// else as [`SmsHttp::kannel`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a description with its secrets is handed over, not lent"
    )]
    pub fn gateway(gateway: Gateway, options: SmsHttpOptions) -> Result<Self, SetupError> {
        Self::build(Shape::Gateway(Described::new(&gateway, &options)?), &options)
    }

    fn build(shape: Shape, options: &SmsHttpOptions) -> Result<Self, SetupError> {
        options.checked()?;
        Ok(Self { shape, transport: Transport::new(options)?, timeout: options.timeout })
    }

    async fn hand_over(&self, sms: &Sms) -> Result<Receipt, SendError> {
        let ask = match &self.shape {
            Shape::Twilio(twilio) => twilio.ask(sms),
            Shape::Kannel(kannel) => kannel.ask(sms)?,
            Shape::Gateway(described) => described.ask(sms)?,
        };
        let answer = self.transport.exchange(ask).await.map_err(without_answer)?;
        match &self.shape {
            Shape::Twilio(_) => twilio::judge(&answer, sms),
            Shape::Kannel(_) => kannel::judge(&answer, sms),
            Shape::Gateway(described) => described.judge(&answer, sms),
        }
    }
}

#[async_trait]
impl SmsSender for SmsHttp {
    fn is_idempotent(&self) -> bool {
        match &self.shape {
            Shape::Twilio(_) | Shape::Kannel(_) => false,
            Shape::Gateway(described) => described.is_idempotent(),
        }
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        let outcome = self.hand_over(sms).await;
        match &outcome {
            Ok(_) => tracing::debug!(message = %sms.id, "SMS taken over"),
            Err(error) => tracing::warn!(message = %sms.id, %error, "SMS not taken over"),
        }
        outcome
    }
}

impl fmt::Debug for SmsHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match &self.shape {
            Shape::Twilio(_) => "twilio",
            Shape::Kannel(_) => "kannel",
            Shape::Gateway(_) => "gateway",
        };
        f.debug_struct("SmsHttp")
            .field("shape", &shape)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

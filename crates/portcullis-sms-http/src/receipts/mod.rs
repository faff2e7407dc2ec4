//! What a gateway reports later: who says it, of which SMS, and what it means.

mod states;

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use portcullis::id::MessageId;
use portcullis::port::message::{DeliveryReport, DeliveryState};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

pub use states::{kannel_report, twilio_report};

use crate::callback::Callback;
use crate::gateway::{Gateway, Reports};
use crate::options::SetupError;

/// No report has a longer body, in bytes.
const BODY_LONGEST: usize = 16 * 1024;

/// No report has a longer path and query, in bytes.
const TARGET_LONGEST: usize = 4 * 1024;

/// Why a report is not passed on. None of them says more to the outside than [`Rejected::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It does not bring the credentials.
    #[error("the report does not bring the right credentials")]
    Forged,
    /// It is longer than any report.
    #[error("the report is too long")]
    TooLong,
    /// Its method is not the one this gateway reports with.
    #[error("the report does not use this gateway's method")]
    Method,
    /// It cannot be read, or names no SMS.
    #[error("the report cannot be read or names no SMS")]
    Malformed,
    /// It says nothing that matters: a state that means none of ours.
    #[error("the report tells of a state that does not matter")]
    Ignored,
}

impl Rejected {
    /// The HTTP status to answer with. `Ignored` is a success, so that the gateway does not repeat it: 200 like that of a
    /// report that was kept, since Kannel takes 204 for a failure.
    ///
    /// ```
    /// use portcullis_sms_http::Rejected;
    /// assert_eq!(Rejected::Forged.status(), 401);
    /// assert_eq!(Rejected::Ignored.status(), 200);
    /// ```
    pub const fn status(self) -> u16 {
        match self {
            Self::Forged => 401,
            Self::TooLong => 413,
            Self::Method => 405,
            Self::Malformed => 400,
            Self::Ignored => 200,
        }
    }
}

/// Judges the requests that come to the host's webhook. It knows no web framework: the host's handler hands over what
/// came and answers with a status.
///
/// The credentials are looked at first, in a time that does not depend on how much of them is right; the id of the SMS is
/// the last part of the path. A report confirms no number: what it tells goes to the core, which lets states only move
/// forward. Its `Debug` shows no secret.
pub struct Receipts {
    shape: Shape,
    authorization: SecretString,
}

enum Shape {
    Twilio,
    Kannel,
    Gateway(Reports),
}

impl Receipts {
    /// Judges Twilio's reports: a `POST` with a form.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
    /// use portcullis::port::message::DeliveryState;
    /// use portcullis_sms_http::{Callback, Receipts, Rejected};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("https://app.example.com/sms", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let receipts = Receipts::twilio(&callback);
    ///
    /// let target = "/sms/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9";
    /// let body = b"MessageSid=SM1&MessageStatus=delivered";
    /// let mut headers = HeaderMap::new();
    /// assert_eq!(receipts.judge(&Method::POST, target, &headers, body), Err(Rejected::Forged));
    ///
    /// let pair = data_encoding::BASE64.encode(b"gateway:4f0a7c1be2d94c55");
    /// headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Basic {pair}")).unwrap());
    /// let report = receipts.judge(&Method::POST, target, &headers, body).unwrap();
    /// assert_eq!(report.state, DeliveryState::Delivered);
    /// # Ok(())
    /// # }
    /// ```
    pub fn twilio(callback: &Callback) -> Self {
        Self { shape: Shape::Twilio, authorization: callback.authorization() }
    }

    /// Judges Kannel's reports: a `GET` whose query tells the state.
    ///
    /// ```
    /// use portcullis_sms_http::{Callback, Receipts};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("http://127.0.0.1:8080/sms", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let receipts = Receipts::kannel(&callback);
    /// # let _ = receipts;
    /// # Ok(())
    /// # }
    /// ```
    pub fn kannel(callback: &Callback) -> Self {
        Self { shape: Shape::Kannel, authorization: callback.authorization() }
    }

    /// Judges the reports of a described gateway, by its field `reports`: `state` is `query:NAME` (reported by `GET` or
    /// `POST`), `form:NAME` or `json:/POINTER` (by `POST`); `delivered`, `undelivered` and `on_its_way` list the words that
    /// mean these. A number counts as its digits.
    ///
    /// ```
    /// use portcullis_sms_http::{Callback, Gateway, Receipts};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("https://app.example.com/sms", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let gateway = Gateway::from_json(r#"{
    ///     "url": "https://sms.example.com/v1/messages",
    ///     "form": {"to": "{to}", "text": "{text}", "callback": "{report_url}"},
    ///     "reports": {"state": "json:/status", "delivered": ["DELIVRD"], "undelivered": ["EXPIRED", "UNDELIV"]}
    /// }"#)?;
    /// let receipts = Receipts::gateway(&gateway, &callback)?;
    /// # let _ = receipts;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Description`] naming `reports` when the description has none.
    pub fn gateway(gateway: &Gateway, callback: &Callback) -> Result<Self, SetupError> {
        let reports = gateway
            .reports
            .clone()
            .ok_or_else(|| SetupError::Description { field: "reports".to_owned(), fault: "it is missing" })?;
        Ok(Self { shape: Shape::Gateway(reports), authorization: callback.authorization() })
    }

    /// Judges one request: its method, its path with the query behind it, its headers and its body.
    ///
    /// The host bounds the body while it reads it; 16 KiB are enough.
    ///
    /// ```
    /// use http::{HeaderMap, Method};
    /// use portcullis_sms_http::{Callback, Receipts, Rejected};
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let callback = Callback::new("http://127.0.0.1:8080/sms", "gateway", "4f0a7c1be2d94c55".into())?;
    /// let target = "/sms/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9?state=1";
    /// let judged = Receipts::kannel(&callback).judge(&Method::GET, target, &HeaderMap::new(), b"");
    /// assert_eq!(judged.unwrap_err().status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Rejected`], whose status is the answer.
    pub fn judge(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<DeliveryReport, Rejected> {
        if target.len() > TARGET_LONGEST || body.len() > BODY_LONGEST {
            return Err(Rejected::TooLong);
        }
        if !self.authorized(headers) {
            return Err(Rejected::Forged);
        }
        let by_get = match &self.shape {
            Shape::Twilio => false,
            Shape::Kannel => true,
            Shape::Gateway(reports) => reports.takes_get(method),
        };
        if method != if by_get { Method::GET } else { Method::POST } {
            return Err(Rejected::Method);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = reported(path).ok_or(Rejected::Malformed)?;
        match &self.shape {
            Shape::Twilio => twilio_report(id, body),
            Shape::Kannel => kannel_report(id, query),
            Shape::Gateway(reports) => reports.state(query, body).map(|state| DeliveryReport::new(id, state)),
        }
    }

    /// INVARIANT: one header, and compared in a time that tells at most its length, which is no secret.
    fn authorized(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(only), None) = (given.next(), given.next()) else { return false };
        let Some((scheme, pair)) = only.as_bytes().split_at_checked(6) else { return false };
        let expected = self.authorization.expose_secret().as_bytes();
        scheme.eq_ignore_ascii_case(b"basic ") && bool::from(pair.trim_ascii().ct_eq(expected))
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match &self.shape {
            Shape::Twilio => "twilio",
            Shape::Kannel => "kannel",
            Shape::Gateway(_) => "gateway",
        };
        f.debug_struct("Receipts").field("shape", &shape).finish_non_exhaustive()
    }
}

/// The id that ends the path, in its one usual form.
fn reported(path: &str) -> Option<MessageId> {
    let last = path.rsplit('/').next().filter(|last| last.len() == 36)?;
    Uuid::try_parse(last).ok().map(MessageId::from_uuid)
}

/// The one value of this name, or nothing if it is not there once.
fn only<'text>(pairs: &'text [u8], name: &str) -> Result<std::borrow::Cow<'text, str>, Rejected> {
    let mut found = url::form_urlencoded::parse(pairs).filter(|(given, _)| given == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(Rejected::Malformed),
    }
}

/// What it means, if anything.
fn meaning(state: Option<DeliveryState>) -> Result<DeliveryState, Rejected> {
    state.ok_or(Rejected::Ignored)
}

//! A gateway that a description tells of: read here, checked in `described`.

mod described;
mod reports;
mod template;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

pub(crate) use described::Described;
pub(crate) use reports::{Place, Reports};

use crate::options::SetupError;

/// The description of a gateway, read from JSON, TOML or whatever else serde reads.
///
/// | field | what it says | default |
/// |---|---|---|
/// | `url` | where to; placeholders in path and query only, never a secret, `{text}` in the query only | needed |
/// | `method` | `POST`, `PUT`, or `GET` without a body | `POST` |
/// | `headers` | further headers; not those that say how the request is framed | none |
/// | `form`, `json` | the body: names and values of a form, or a JSON object; one of them at most | none |
/// | `from` | what `{from}` stands for: 1 to 64 printable ASCII characters | none |
/// | `success` | `status`: which of 200 to 299 count; `pointer` (a JSON pointer into the answer) with `equals`, and `refused`: values there that say it was refused for good | every 2xx |
/// | `set_up_status` | which of 400 to 499 blame the set-up, as 401 does, and not the number; such an answer holds every SMS until somebody mends it. 403 and 404 are of the number unless they stand here; 408, 409, 425 and 429 can't | none |
/// | `reference` | a JSON pointer to the gateway's name for the message, which then has to be there | none |
/// | `idempotency_header` | the header that takes the id of the message as an idempotency key | none |
/// | `reports` | how delivery reports tell the state, see [`Receipts::gateway`](crate::Receipts::gateway) | none |
///
/// | placeholder | stands for |
/// |---|---|
/// | `{to}`, `{digits}` | the number with and without its `+`; one of them is needed |
/// | `{text}` | the text; needed |
/// | `{id}` | the id of the message, a UUID, the same at every try |
/// | `{from}` | the field `from` |
/// | `{report_url}` | where this message is to be reported, with credentials; needs [`SmsHttpOptions::reports`](crate::SmsHttpOptions::reports) |
/// | `{env:NAME}` | the environment variable `NAME`, read when the sender is built |
/// | `{secret:name}` | what [`Gateway::secret`] was given |
///
/// `{{` and `}}` stand for the braces themselves. Set `idempotency_header` only where the gateway promises that the same
/// key sends and charges once: an SMS of unknown fate is sent again then.
///
/// An answer that is a success by its status but satisfies no rule leaves the outcome open
/// ([`SendError::Ambiguous`](portcullis::port::message::SendError::Ambiguous)).
///
/// ```
/// use portcullis_sms_http::{Gateway, SmsHttp, SmsHttpOptions};
///
/// let gateway: Gateway = toml::from_str(r#"
///     url = "https://sms.example.com/v1/messages"
///     from = "Example"
///     reference = "/message/id"
///     idempotency_header = "Idempotency-Key"
///     headers = { X-Account = "{env:CARGO_PKG_NAME}", Authorization = "Bearer {secret:token}" }
///     [json]
///     from = "{from}"
///     messages = [{ to = "{digits}", body = "{text}" }]
///     [success]
///     status = [200, 202]
///     pointer = "/result"
///     equals = "queued"
///     refused = ["blocked", "no such number"]
/// "#)?;
/// let gateway = gateway.secret("token", "from the host's secret store".into());
/// assert!(SmsHttp::gateway(gateway, SmsHttpOptions::new()).is_ok());
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// Its `Debug` shows no field: operators write secrets into headers.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) form: Option<BTreeMap<String, String>>,
    pub(crate) json: Option<Value>,
    pub(crate) from: Option<String>,
    pub(crate) success: Success,
    pub(crate) set_up_status: Vec<u16>,
    pub(crate) reference: Option<String>,
    pub(crate) idempotency_header: Option<String>,
    pub(crate) reports: Option<Reports>,
    secrets: BTreeMap<String, SecretString>,
}

/// When an answer says that the message was taken over.
#[derive(Clone, Default)]
pub(crate) struct Success {
    pub(crate) status: Vec<u16>,
    pub(crate) pointer: Option<String>,
    pub(crate) equals: Option<Value>,
    pub(crate) refused: Vec<Value>,
}

impl Gateway {
    /// Reads a description from JSON. Its rules are checked when the sender is built.
    ///
    /// ```
    /// use portcullis_sms_http::Gateway;
    /// let error = Gateway::from_json(r#"{"url": "https://h/", "fomr": {}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "the gateway's description is wrong in `fomr`: there is no such field");
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Description`] naming the field when it is unknown, missing or of the wrong type.
    pub fn from_json(text: &str) -> Result<Self, SetupError> {
        let value = serde_json::from_str(text).map_err(|_| fault("description", "it is no JSON"))?;
        Self::from_value(value)
    }

    /// Gives the secret that `{secret:name}` stands for.
    ///
    /// ```
    /// # use portcullis_sms_http::Gateway;
    /// # fn main() -> Result<(), portcullis_sms_http::SetupError> {
    /// let text = r#"{"url": "https://h/", "form": {"key": "{secret:key}", "to": "{to}", "text": "{text}"}}"#;
    /// let gateway = Gateway::from_json(text)?.secret("key", "from the host's secret store".into());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn secret(mut self, name: &str, secret: SecretString) -> Self {
        self.secrets.insert(name.to_owned(), secret);
        self
    }

    fn from_value(value: Value) -> Result<Self, SetupError> {
        let mut fields = Fields::new("", value)?;
        let gateway = Self {
            method: fields.take("method")?.unwrap_or_else(|| "POST".to_owned()),
            url: fields.take("url")?.ok_or_else(|| fault("url", "it is missing"))?,
            headers: fields.take("headers")?.unwrap_or_default(),
            form: fields.take("form")?,
            json: fields.take("json")?,
            from: fields.take("from")?,
            success: match fields.inner("success")? {
                Some(inner) => Success::read(inner)?,
                None => Success::default(),
            },
            set_up_status: fields.take("set_up_status")?.unwrap_or_default(),
            reference: fields.take("reference")?,
            idempotency_header: fields.take("idempotency_header")?,
            reports: fields.inner("reports")?.map(Reports::read).transpose()?,
            secrets: BTreeMap::new(),
        };
        fields.end()?;
        Ok(gateway)
    }
}

impl Success {
    fn read(mut fields: Fields) -> Result<Self, SetupError> {
        let success = Self {
            status: fields.take("status")?.unwrap_or_default(),
            pointer: fields.take("pointer")?,
            equals: fields.take("equals")?,
            refused: fields.take("refused")?.unwrap_or_default(),
        };
        fields.end()?;
        if success.status.iter().any(|status| !(200..=299).contains(status)) {
            return Err(fault("success.status", "only 200 to 299 say that something succeeded"));
        }
        let (told, rules) = (success.pointer.is_some(), success.equals.is_some());
        if told != rules || (!told && !success.refused.is_empty()) {
            return Err(fault("success.pointer", "a pointer and what it has to equal belong together"));
        }
        if success.pointer.as_deref().is_some_and(|pointer| !pointer.starts_with('/')) {
            return Err(fault("success.pointer", "a JSON pointer begins with `/`"));
        }
        if success.equals.as_ref().is_some_and(|good| success.refused.contains(good)) {
            return Err(fault("success.refused", "the same value says taken and refused"));
        }
        Ok(success)
    }
}

impl<'de> Deserialize<'de> for Gateway {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

/// The fields of an object, taken one by one, so that a fault names its field and repeats no value.
pub(crate) struct Fields {
    prefix: &'static str,
    left: Map<String, Value>,
}

impl Fields {
    fn new(name: &'static str, value: Value) -> Result<Self, SetupError> {
        let Value::Object(left) = value else {
            return Err(fault(if name.is_empty() { "description" } else { name }, "it is no object"));
        };
        Ok(Self { prefix: name, left })
    }

    fn named(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, SetupError> {
        let value = self.left.remove(name).map(serde_json::from_value).transpose();
        value.map_err(|_| fault(&self.named(name), "its value has the wrong type"))
    }

    fn inner(&mut self, name: &'static str) -> Result<Option<Self>, SetupError> {
        self.left.remove(name).map(|value| Self::new(name, value)).transpose()
    }

    pub(crate) fn end(self) -> Result<(), SetupError> {
        match self.left.keys().next() {
            Some(unknown) => Err(fault(&self.named(unknown), "there is no such field")),
            None => Ok(()),
        }
    }
}

pub(crate) fn fault(field: &str, fault: &'static str) -> SetupError {
    SetupError::Description { field: field.to_owned(), fault }
}

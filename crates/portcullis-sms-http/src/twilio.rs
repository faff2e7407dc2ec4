//! The shape of Twilio's REST interface: a form, basic authorization, JSON back.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use portcullis::port::message::{Receipt, SendError, Sms};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::answer::{Answer, receipt};
use crate::callback::Callback;
use crate::endpoint;
use crate::from::sender_name;
use crate::options::{SetupError, SmsHttpOptions};
use crate::outcome::{CREDENTIALS, REFUSED, UNREAD, by_status, throttled, whole};
use crate::transport::Ask;

pub(crate) const BASE: &str = "https://api.twilio.com";

pub(crate) struct Twilio {
    url: Url,
    authorization: HeaderValue,
    from: String,
    callback: Option<Callback>,
}

#[derive(Deserialize)]
struct Taken {
    sid: String,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    code: u32,
}

impl Twilio {
    pub(crate) fn new(
        base: &str,
        account: &str,
        token: &SecretString,
        from: &str,
        options: &SmsHttpOptions,
    ) -> Result<Self, SetupError> {
        let base = endpoint::parse(base, options)?;
        let fits = (1..=64).contains(&account.len()) && account.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(SetupError::Credentials);
        }
        if base.query().is_some() {
            return Err(SetupError::Url);
        }
        let url =
            format!("{}/2010-04-01/Accounts/{account}/Messages.json", base.as_str().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| SetupError::Url)?;
        let authorization = basic(account, token)?;
        Ok(Self { url, authorization, from: sender_name(from)?, callback: options.reports.clone() })
    }

    pub(crate) fn ask(&self, sms: &Sms) -> Ask {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let service = self.from.len() == 34 && self.from.starts_with("MG");
        form.append_pair("To", sms.to.as_str());
        form.append_pair(if service { "MessagingServiceSid" } else { "From" }, &self.from);
        form.append_pair("Body", &sms.text);
        if let Some(callback) = &self.callback {
            form.append_pair("StatusCallback", callback.secret_url(sms.id).expose_secret());
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Ask { method: Method::POST, url: self.url.clone(), headers, body: form.finish().into_bytes() }
    }
}

/// Reads the answer; the numbers are Twilio's, see `twilio-errors` in docs/sources.md.
pub(crate) fn judge(answer: &Answer, sms: &Sms) -> Result<Receipt, SendError> {
    if !answer.status.is_success() {
        let refused: Option<Refused> = serde_json::from_slice(answer.whole()).ok();
        // A failing server's code says why it failed, not how far the message came.
        let code = refused.filter(|_| answer.status.is_client_error()).map(|refused| refused.code);
        return Err(code.and_then(|code| by_code(code, answer)).unwrap_or_else(|| by_status(answer, true)));
    }
    let taken: Taken = serde_json::from_slice(whole(answer)?).map_err(|_| UNREAD)?;
    if taken.sid.is_empty() {
        return Err(UNREAD);
    }
    match taken.status.as_deref() {
        Some("failed" | "undelivered" | "canceled") => Err(REFUSED),
        _ => Ok(receipt(Some(&taken.sid), sms)),
    }
}

fn by_code(code: u32, answer: &Answer) -> Option<SendError> {
    Some(match code {
        10001 | 30002 => SendError::Misconfigured { detail: "the gateway's account is closed or suspended" },
        20003 | 20005 | 20006 | 20008 | 20403 | 20404 => CREDENTIALS,
        14107 | 20429 | 21611 | 63017 | 63038 => throttled(answer.wait),
        21730 => SendError::Transient { detail: "the gateway is being maintained" },
        21603 | 21660 | 21701 | 21703 => {
            SendError::Misconfigured { detail: "the gateway refused the sender number" }
        }
        // A country that is not switched on (21408) is a refusal of this number: a set-up fault would stop every SMS as
        // soon as somebody gave a number from there.
        // So is a sender that cannot reach this number (21606, 21659).
        21211 | 21214 | 21217 | 21408 | 21604 | 21606 | 21608 | 21610 | 21612 | 21614 | 21635 | 21659 => {
            SendError::Permanent { detail: "the gateway does not send to this number" }
        }
        _ => return None,
    })
}

/// `Basic …`, marked as a secret so that no `Debug` shows it.
fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, SetupError> {
    let password = password.expose_secret();
    if password.is_empty() || password.len() > 256 || password.chars().any(char::is_control) {
        return Err(SetupError::Credentials);
    }
    let pair = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).map_err(|_| SetupError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

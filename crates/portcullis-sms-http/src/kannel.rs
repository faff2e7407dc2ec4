//! The shape of Kannel's `sendsms`: a POST whose body is the text and whose headers say the rest.
//!
//! Its better-known form is a GET with everything in the URL, which its own and every proxy's log then holds; so headers.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis::port::message::{Receipt, SendError, Sms};
use portcullis::sms_text::{Encoding, segments};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::answer::{Answer, receipt};
use crate::callback::Callback;
use crate::endpoint;
use crate::from::sender_name;
use crate::options::{SetupError, SmsHttpOptions};
use crate::outcome::{UNREAD, by_status, throttled, whole};
use crate::transport::Ask;

/// Every step of a message is reported: delivered 1, undelivered 2, queued 4, taken over 8, rejected 16.
const EVERY_STEP: &str = "31";

pub(crate) struct Kannel {
    url: Url,
    user: HeaderValue,
    password: HeaderValue,
    from: HeaderValue,
    callback: Option<Callback>,
}

impl Kannel {
    pub(crate) fn new(
        url: &str,
        user: &str,
        password: &SecretString,
        from: &str,
        options: &SmsHttpOptions,
    ) -> Result<Self, SetupError> {
        let mut url = endpoint::parse(url, options)?;
        if url.query().is_some() {
            return Err(SetupError::Url);
        }
        if url.path() == "/" {
            url.set_path("/cgi-bin/sendsms");
        }
        let from = HeaderValue::try_from(sender_name(from)?).map_err(|_| SetupError::From)?;
        let (user, password) = (credential(user)?, credential(password.expose_secret())?);
        Ok(Self { url, user, password, from, callback: options.reports.clone() })
    }

    pub(crate) fn ask(&self, sms: &Sms) -> Result<Ask, SendError> {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: HeaderValue| {
            headers.insert(HeaderName::from_static(name), value);
        };
        put("x-kannel-username", self.user.clone());
        put("x-kannel-password", self.password.clone());
        put("x-kannel-from", self.from.clone());
        put("x-kannel-to", value(sms.to.as_str())?);
        put("x-kannel-coding", HeaderValue::from_static(coding(&sms.text)));
        if let Some(callback) = &self.callback {
            // Kannel puts the state in place of `%d`.
            let url = format!("{}?state=%d", callback.secret_url(sms.id).expose_secret());
            put("x-kannel-dlr-mask", HeaderValue::from_static(EVERY_STEP));
            put("x-kannel-dlr-url", value(&url)?);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
        Ok(Ask { method: Method::POST, url: self.url.clone(), headers, body: sms.text.clone().into_bytes() })
    }
}

/// Reads the answer. Kannel says 403 both to a wrong password and when no route leads to the number, which only the text
/// tells apart. It has no route for a number it never serves, and for every number while its own link is down for good;
/// so neither is the number to blame, nor do the other messages have to stop.
pub(crate) fn judge(answer: &Answer, sms: &Sms) -> Result<Receipt, SendError> {
    if answer.status.is_success() {
        let taken = whole(answer)?;
        let known = taken.starts_with(b"0: ") || taken.starts_with(b"3: ");
        return if known && answer.status == 202 { Ok(receipt(None, sms)) } else { Err(UNREAD) };
    }
    match answer.status.as_u16() {
        403 if answer.whole().starts_with(b"Not routable") => {
            Err(SendError::Transient { detail: "the gateway has no route for the message" })
        }
        503 if answer.wait.is_some() => Err(throttled(answer.wait)),
        503 if answer.whole().starts_with(b"Temporal failure") => {
            Err(SendError::Transient { detail: "the gateway refused for now" })
        }
        _ => Err(by_status(answer, true)),
    }
}

/// Kannel's number for the alphabet that the core counted the segments in.
fn coding(text: &str) -> &'static str {
    if segments(text).encoding == Encoding::Gsm7 { "0" } else { "2" }
}

fn value(text: &str) -> Result<HeaderValue, SendError> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| SendError::Permanent { detail: "the message cannot be put into a request" })?;
    value.set_sensitive(true);
    Ok(value)
}

fn credential(text: &str) -> Result<HeaderValue, SetupError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = plain && (1..=256).contains(&text.len());
    let mut value = HeaderValue::try_from(text).ok().filter(|_| fits).ok_or(SetupError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

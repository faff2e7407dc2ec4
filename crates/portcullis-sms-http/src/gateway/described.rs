//! A description that was checked: words requests, reads answers.

use std::collections::BTreeMap;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis::contact::Phone;
use portcullis::id::MessageId;
use portcullis::port::message::{Receipt, SendError, Sms};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::template::{Reader, Spot, Template, Used, percent, plain};
use super::{Gateway, Success, fault};
use crate::answer::{Answer, receipt};
use crate::callback::Callback;
use crate::endpoint;
use crate::from::sender_name;
use crate::options::{SetupError, SmsHttpOptions};
use crate::outcome::{REFUSED, SET_UP, UNREAD, by_status, whole};
use crate::transport::Ask;

/// Headers that say how a request is framed, where it goes or what its body is; these are ours.
const OURS: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(crate) struct Described {
    method: Method,
    base: String,
    path: Template,
    query: Option<Template>,
    headers: Vec<(HeaderName, Template)>,
    body: Content,
    success: Success,
    set_up_status: Vec<u16>,
    reference: Option<String>,
    idempotency: Option<HeaderName>,
    callback: Option<Callback>,
}

enum Content {
    None,
    Form(Vec<(String, Template)>),
    Json(Shaped),
}

/// JSON with templates for its strings.
enum Shaped {
    Given(Value),
    Text(Template),
    List(Vec<Shaped>),
    Object(BTreeMap<String, Shaped>),
}

impl Described {
    pub(crate) fn new(gateway: &Gateway, options: &SmsHttpOptions) -> Result<Self, SetupError> {
        if let Some(from) = &gateway.from {
            sender_name(from).map_err(|_| fault("from", "1 to 64 printable ASCII characters"))?;
        }
        let method = method(gateway)?;
        let mut reader = Reader { gateway, reported: options.reports.is_some(), used: Used::default() };
        let (base, path, query) = url(gateway, &mut reader)?;
        let headers = headers(gateway, &mut reader)?;
        let body = body(gateway, &mut reader)?;
        needed(gateway, &reader.used)?;
        let described = Self {
            method,
            base,
            path,
            query,
            headers,
            body,
            success: gateway.success.clone(),
            set_up_status: set_up_status(gateway)?,
            reference: pointer(gateway.reference.as_deref())?,
            idempotency: idempotency(gateway)?,
            callback: options.reports.clone(),
        };
        described.tried(options)?;
        Ok(described)
    }

    pub(crate) const fn is_idempotent(&self) -> bool {
        self.idempotency.is_some()
    }

    pub(crate) fn ask(&self, sms: &Sms) -> Result<Ask, SendError> {
        let unsendable = SendError::Permanent { detail: "the message cannot be put into a request" };
        let url = Url::parse(&self.url_for(sms)).map_err(|_| unsendable.clone())?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
        for (name, template) in &self.headers {
            let value = template.fill(sms, self.callback.as_ref(), plain);
            let mut value = HeaderValue::try_from(value).map_err(|_| unsendable.clone())?;
            value.set_sensitive(template.holds_secret());
            headers.insert(name.clone(), value);
        }
        if let Some(name) = &self.idempotency {
            let id = HeaderValue::try_from(sms.id.to_string()).map_err(|_| unsendable)?;
            headers.insert(name.clone(), id);
        }
        let fill = |template: &Template| template.fill(sms, self.callback.as_ref(), plain);
        let (kind, body) = match &self.body {
            Content::None => return Ok(Ask { method: self.method.clone(), url, headers, body: Vec::new() }),
            Content::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields.iter().map(|(name, template)| (name, fill(template))));
                ("application/x-www-form-urlencoded", form.finish())
            }
            Content::Json(shaped) => ("application/json", shaped.fill(&fill).to_string()),
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(Ask { method: self.method.clone(), url, headers, body: body.into_bytes() })
    }

    pub(crate) fn judge(&self, answer: &Answer, sms: &Sms) -> Result<Receipt, SendError> {
        let status = answer.status.as_u16();
        if self.set_up_status.contains(&status) {
            return Err(SET_UP);
        }
        if !answer.status.is_success() {
            return Err(by_status(answer, false));
        }
        let body = whole(answer)?;
        if !self.success.status.is_empty() && !self.success.status.contains(&status) {
            return Err(UNREAD);
        }
        if self.success.pointer.is_none() && self.reference.is_none() {
            return Ok(receipt(None, sms));
        }
        let told: Value = serde_json::from_slice(body).map_err(|_| UNREAD)?;
        if let Some(pointer) = &self.success.pointer {
            let found = told.pointer(pointer);
            if found.is_some_and(|found| self.success.refused.contains(found)) {
                return Err(REFUSED);
            }
            if found != self.success.equals.as_ref() {
                return Err(UNREAD);
            }
        }
        match self.reference.as_deref().map(|pointer| told.pointer(pointer)) {
            None => Ok(receipt(None, sms)),
            Some(Some(Value::String(name))) if !name.is_empty() => Ok(receipt(Some(name), sms)),
            Some(Some(Value::Number(number))) => Ok(receipt(Some(&number.to_string()), sms)),
            Some(_) => Err(UNREAD),
        }
    }

    fn url_for(&self, sms: &Sms) -> String {
        let path = self.path.fill(sms, None, percent);
        let query = self.query.as_ref().map(|query| format!("?{}", query.fill(sms, None, percent)));
        format!("{}{path}{}", self.base, query.unwrap_or_default())
    }

    /// A request for an SMS to nobody shows now what else the first user would find.
    fn tried(&self, options: &SmsHttpOptions) -> Result<(), SetupError> {
        let number = Phone::parse("+10000000000").map_err(|_| fault("url", "it cannot be tried"))?;
        let sms =
            Sms { id: MessageId::from_uuid(uuid::Uuid::nil()), to: number, text: "é & {code}".to_owned() };
        if let Err(error) = endpoint::parse(&self.url_for(&sms), options) {
            return Err(fault("url", url_fault(&error)));
        }
        for (name, template) in &self.headers {
            let value = template.fill(&sms, self.callback.as_ref(), plain);
            if HeaderValue::try_from(value).is_err() {
                return Err(fault(&format!("headers.{name}"), "its value cannot be a header's"));
            }
        }
        Ok(())
    }
}

impl Shaped {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value) -> Result<Self, SetupError> {
        match value {
            Value::String(source) => Ok(Self::Text(reader.read(field, source, Spot::Body)?)),
            Value::Array(items) => {
                let read = |(at, item)| Self::read(reader, &format!("{field}/{at}"), item);
                items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self::List)
            }
            Value::Object(members) => {
                let read = |(name, member): (&String, &Value)| {
                    let field = format!("{field}/{name}");
                    no_braces(&field, name)?;
                    Ok((name.clone(), Self::read(reader, &field, member)?))
                };
                members.iter().map(read).collect::<Result<_, _>>().map(Self::Object)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Given(value.clone())),
        }
    }

    fn fill(&self, fill: &impl Fn(&Template) -> String) -> Value {
        match self {
            Self::Given(value) => value.clone(),
            Self::Text(template) => Value::String(fill(template)),
            Self::List(items) => items.iter().map(|item| item.fill(fill)).collect(),
            Self::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), member.fill(fill))).collect()
            }
        }
    }
}

fn url_fault(error: &SetupError) -> &'static str {
    if *error == SetupError::CredentialsInUrl {
        "credentials do not belong in it"
    } else if *error == SetupError::PlainHttp {
        "not https, and neither loopback nor allow_plain_http"
    } else {
        "it must look like https://host[:port]/path, without a fragment"
    }
}

fn method(gateway: &Gateway) -> Result<Method, SetupError> {
    let bodied = gateway.form.is_some() || gateway.json.is_some();
    match gateway.method.as_str() {
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "GET" if bodied => Err(fault("method", "a GET has no body")),
        "GET" => Ok(Method::GET),
        _ => Err(fault("method", "it must be POST, PUT or GET")),
    }
}

fn url(
    gateway: &Gateway,
    reader: &mut Reader<'_>,
) -> Result<(String, Template, Option<Template>), SetupError> {
    let (scheme, rest) = gateway
        .url
        .split_once("://")
        .ok_or_else(|| fault("url", "it must look like https://host[:port]/path, without a fragment"))?;
    let (host, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    if scheme.contains(['{', '}']) || host.contains(['{', '}']) {
        return Err(fault("url", "a placeholder in the scheme, host or port"));
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let path = reader.read("url", path, Spot::Path)?;
    let query = query.map(|query| reader.read("url", query, Spot::Query)).transpose()?;
    Ok((format!("{scheme}://{host}"), path, query))
}

fn headers(gateway: &Gateway, reader: &mut Reader<'_>) -> Result<Vec<(HeaderName, Template)>, SetupError> {
    let mut read: Vec<(HeaderName, Template)> = Vec::new();
    for (given, source) in &gateway.headers {
        let field = format!("headers.{given}");
        let name = header(&field, given)?;
        if read.iter().any(|(other, _)| *other == name) {
            return Err(fault(&field, "it is there twice"));
        }
        read.push((name, reader.read(&field, source, Spot::Header)?));
    }
    Ok(read)
}

fn header(field: &str, name: &str) -> Result<HeaderName, SetupError> {
    let name = HeaderName::try_from(name).map_err(|_| fault(field, "it is no name of a header"))?;
    if OURS.contains(&name.as_str()) {
        return Err(fault(field, "this header is not the description's to set"));
    }
    Ok(name)
}

fn idempotency(gateway: &Gateway) -> Result<Option<HeaderName>, SetupError> {
    let field = "idempotency_header";
    let Some(given) = &gateway.idempotency_header else { return Ok(None) };
    let name = header(field, given)?;
    if gateway.headers.keys().any(|other| other.eq_ignore_ascii_case(given)) {
        return Err(fault(field, "it is among the headers, too"));
    }
    Ok(Some(name))
}

fn body(gateway: &Gateway, reader: &mut Reader<'_>) -> Result<Content, SetupError> {
    match (&gateway.form, &gateway.json) {
        (Some(_), Some(_)) => Err(fault("form", "a form and JSON exclude each other")),
        (None, None) => Ok(Content::None),
        (Some(form), None) => {
            let read = |(name, source): (&String, &String)| {
                let field = format!("form.{name}");
                no_braces(&field, name)?;
                Ok((name.clone(), reader.read(&field, source, Spot::Body)?))
            };
            form.iter().map(read).collect::<Result<_, _>>().map(Content::Form)
        }
        (None, Some(json)) if json.is_object() || json.is_array() => {
            Shaped::read(reader, "json", json).map(Content::Json)
        }
        (None, Some(_)) => Err(fault("json", "it must be an object or a list")),
    }
}

fn needed(gateway: &Gateway, used: &Used) -> Result<(), SetupError> {
    let place = match (&gateway.form, &gateway.json) {
        (Some(_), _) => "form",
        (None, Some(_)) => "json",
        (None, None) => "url",
    };
    if !used.receiver {
        return Err(fault(place, "neither {to} nor {digits} is anywhere"));
    }
    if used.text { Ok(()) } else { Err(fault(place, "{text} is nowhere")) }
}

fn set_up_status(gateway: &Gateway) -> Result<Vec<u16>, SetupError> {
    // The rest says that the message may have been submitted, or that it is to come again.
    let fits = |status: &u16| (400..=499).contains(status) && ![408, 409, 425, 429].contains(status);
    if !gateway.set_up_status.iter().all(fits) {
        return Err(fault(
            "set_up_status",
            "only 400 to 499 without 408, 409, 425 and 429 can blame the set-up",
        ));
    }
    Ok(gateway.set_up_status.clone())
}

fn pointer(given: Option<&str>) -> Result<Option<String>, SetupError> {
    match given {
        Some(pointer) if !pointer.starts_with('/') => {
            Err(fault("reference", "a JSON pointer begins with `/`"))
        }
        given => Ok(given.map(str::to_owned)),
    }
}

fn no_braces(field: &str, name: &str) -> Result<(), SetupError> {
    if name.contains(['{', '}']) { Err(fault(field, "a placeholder in a name")) } else { Ok(()) }
}

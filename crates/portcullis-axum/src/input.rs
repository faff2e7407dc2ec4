//! What a request says: a body of at most 64 KiB, a JSON object of known fields, each read once and never repeated in
//! an answer.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use std::collections::BTreeSet;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use portcullis::contact::{Email, Phone};
use portcullis::recovery::Identifier;
use portcullis::secret::{Code, Password};
use portcullis::user::Login;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use uuid::Uuid;

use crate::Problem;

/// The longest body, in bytes: 64 KiB.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest name of an unknown field that an answer repeats, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Reads a body, and no more of it than is looked at.
///
/// # Errors
/// 413 when it is longer, 400 when it breaks off.
pub(crate) async fn read_body(headers: &HeaderMap, mut body: Body) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is over 64 KiB");
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| usize::try_from(length).is_ok_and(|l| l > MAX_BODY_BYTES)) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "broken_body", "the body could not be read to its end")
        })?;
        if let Ok(data) = frame.into_data() {
            if data.len() > MAX_BODY_BYTES - bytes.len() {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// The fields of a JSON object, in the order they came.
pub(crate) struct Fields(Vec<(String, Value)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// Reads a body that must be a JSON object.
    ///
    /// # Errors
    /// 415 for another content type; 422 `invalid_json`, `invalid_value` for a number such as `1e400`, naming
    /// the field, or `duplicate_field` naming the field.
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        if !is_json(headers) {
            let title = "the content type is not application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", title));
        }
        let mut reading = None;
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = Object { reading: &mut reading }.deserialize(&mut reader);
        let read = read.and_then(|fields| reader.end().map(|()| fields));
        let fields = read.map_err(|error| unreadable(&error, reading.as_deref(), body))?;
        let mut names = BTreeSet::new();
        if let Some((name, _)) = fields.0.iter().find(|(name, _)| !names.insert(name.as_str())) {
            return Err(Problem::input(shown(name), "duplicate_field", "the field is there twice"));
        }
        Ok(fields)
    }

    /// Reads the body of a route that asks for none: empty, or an object without fields.
    ///
    /// # Errors
    /// As [`Fields::parse`] and [`Fields::only`].
    pub(crate) fn none(headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
        if body.is_empty() { Ok(()) } else { Self::parse(headers, body)?.only(&[]) }
    }

    /// Refuses every field but these.
    ///
    /// # Errors
    /// 422 `unknown_field` naming the first one.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(unknown_field(name)),
        }
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    /// 422 `missing`, `invalid_type`.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, Problem> {
        let missing = || Problem::input(field, "missing", "the field is missing");
        self.optional_text(field)?.ok_or_else(missing)
    }

    /// Takes a text that may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`.
    pub(crate) fn optional_text(&mut self, field: &'static str) -> Result<Option<String>, Problem> {
        let Some(place) = self.0.iter().position(|(name, _)| name == field) else {
            return Ok(None);
        };
        match self.0.swap_remove(place).1 {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(Problem::input(field, "invalid_type", "the field is a text"))
            }
        }
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        let place = self.0.iter().position(|(name, _)| name == field)?;
        Some(self.0.swap_remove(place).1).filter(|value| !value.is_null())
    }

    /// Takes yes or no, which may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`.
    pub(crate) fn optional_flag(&mut self, field: &'static str) -> Result<Option<bool>, Problem> {
        let wrong = || Problem::input(field, "invalid_type", "the field is true or false");
        self.take(field).map(|value| value.as_bool().ok_or_else(wrong)).transpose()
    }

    /// Takes yes or no, which must be there.
    ///
    /// # Errors
    /// 422 `missing`, `invalid_type`.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, Problem> {
        let missing = || Problem::input(field, "missing", "the field is missing");
        self.optional_flag(field)?.ok_or_else(missing)
    }

    /// Takes a number that may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`.
    pub(crate) fn optional_number(&mut self, field: &'static str) -> Result<Option<u32>, Problem> {
        let wrong = || Problem::input(field, "invalid_type", "the field is a whole number from 0");
        let number = |value: Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        self.take(field).map(|value| number(value).ok_or_else(wrong)).transpose()
    }

    /// Takes a whole number, which may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`.
    pub(crate) fn optional_whole(&mut self, field: &'static str) -> Result<Option<i64>, Problem> {
        let wrong = || Problem::input(field, "invalid_type", "the field is a whole number");
        self.take(field).map(|value| value.as_i64().ok_or_else(wrong)).transpose()
    }

    /// Whether a field is there and says that there is to be nothing.
    pub(crate) fn is_null(&self, field: &str) -> bool {
        self.0.iter().any(|(name, value)| name == field && value.is_null())
    }

    /// All fields, each of which is an object.
    ///
    /// # Errors
    /// 422 `invalid_type`, said of the field that they are in.
    pub(crate) fn objects(self, field: &'static str) -> Result<Vec<(String, Self)>, Problem> {
        let wrong = || Problem::input(field, "invalid_type", "each field in it is an object");
        let object = |(name, value)| {
            let Value::Object(object) = value else { return Err(wrong()) };
            Ok((name, Self(object.into_iter().collect())))
        };
        self.0.into_iter().map(object).collect()
    }

    /// Takes the id of a user or an account.
    ///
    /// # Errors
    /// 422 `missing`, `invalid_type`, `invalid_id`.
    pub(crate) fn id(&mut self, field: &'static str) -> Result<Uuid, Problem> {
        self.optional_id(field)?.ok_or_else(|| Problem::input(field, "missing", "the field is missing"))
    }

    /// Takes an id that may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`, `invalid_id`.
    pub(crate) fn optional_id(&mut self, field: &'static str) -> Result<Option<Uuid>, Problem> {
        let wrong = |_| Problem::input(field, "invalid_id", "the field is an id");
        self.optional_text(field)?.map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// Takes a list of texts that must be there.
    ///
    /// # Errors
    /// 422 `missing`, `invalid_type`.
    pub(crate) fn texts(&mut self, field: &'static str) -> Result<Vec<String>, Problem> {
        let Some(value) = self.take(field) else {
            return Err(Problem::input(field, "missing", "the field is missing"));
        };
        serde_json::from_value(value)
            .map_err(|_| Problem::input(field, "invalid_type", "the field is a list of texts"))
    }

    /// Takes an object within, which may be left out, or be `null`.
    ///
    /// # Errors
    /// 422 `invalid_type`.
    pub(crate) fn object(&mut self, field: &'static str) -> Result<Option<Self>, Problem> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self(object.into_iter().collect()))),
            Some(_) => Err(Problem::input(field, "invalid_type", "the field is an object")),
        }
    }

    pub(crate) fn login(&mut self) -> Result<Login, Problem> {
        Ok(Login::parse(&self.text("login")?)?)
    }

    pub(crate) fn identifier(&mut self) -> Result<Identifier, Problem> {
        Ok(Identifier::parse(&self.text("identifier")?)?)
    }

    pub(crate) fn password(&mut self, field: &'static str) -> Result<Password, Problem> {
        Ok(Password::parse(self.text(field)?, field)?)
    }

    pub(crate) fn code(&mut self) -> Result<Code, Problem> {
        Ok(Code::parse(&self.text("code")?)?)
    }

    pub(crate) fn address(&mut self) -> Result<Email, Problem> {
        Ok(Email::parse(&self.text("address")?)?)
    }

    pub(crate) fn optional_phone(&mut self) -> Result<Option<Phone>, Problem> {
        Ok(self.optional_text("phone")?.map(|text| Phone::parse(&text)).transpose()?)
    }

    pub(crate) fn optional_address(&mut self) -> Result<Option<Email>, Problem> {
        Ok(self.optional_text("address")?.map(|text| Email::parse(&text)).transpose()?)
    }
}

/// Reads an object, and keeps the name of the field that it is reading.
struct Object<'a> {
    reading: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            *self.reading = Some(name.clone());
            fields.push((name, map.next_value()?));
        }
        Ok(Fields(fields))
    }
}

/// Why a body could not be read: it is no object, or, though well written, has a number beyond every number there is.
fn unreadable(error: &serde_json::Error, reading: Option<&str>, body: &[u8]) -> Problem {
    // The reader says so in words alone.
    let beyond = error.to_string().starts_with("number out of range")
        && serde_json::from_slice::<IgnoredAny>(body).is_ok();
    match reading.filter(|_| beyond) {
        Some(name) => Problem::input(shown(name), "invalid_value", "the number is beyond every bound"),
        None => Problem::input("body", "invalid_json", "the body is not one json object"),
    }
}

pub(crate) fn unknown_field(name: &str) -> Problem {
    Problem::input(shown(name), "unknown_field", "there is no such field here")
}

fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

/// `application/json`, with or without parameters. Two content types are none.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.to_str().ok().and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers
    }

    #[test]
    fn json_is_known_by_its_content_type() {
        for (value, is) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
            ("text/plain; application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), is, "{value}");
            headers.append(header::CONTENT_TYPE, "application/json".parse().unwrap());
            assert!(!is_json(&headers), "a second content type");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn a_field_is_taken_once_and_as_text_alone() {
        let mut fields = Fields::parse(&json(), br#"{"a":"x","b":7,"c":null}"#).unwrap();
        assert_eq!(fields.text("a").unwrap(), "x");
        assert_eq!(fields.text("a").unwrap_err().code(), "missing");
        assert_eq!(fields.text("b").unwrap_err().code(), "invalid_type");
        assert_eq!(fields.optional_text("c").unwrap(), None);
        assert_eq!(fields.optional_text("d").unwrap(), None);
    }

    #[test]
    fn whole_numbers_are_neither_fractions_nor_beyond_every_number() {
        let number = |text: &str| {
            let body = format!(r#"{{"n":{text}}}"#);
            Fields::parse(&json(), body.as_bytes())?.optional_whole("n")
        };
        assert_eq!(number("-9223372036854775808").unwrap(), Some(i64::MIN));
        assert_eq!(number("null").unwrap(), None);
        for text in ["1.5", "1.0", "1e2", "9223372036854775808", "1e30", "\"1\"", "true"] {
            assert_eq!(number(text).unwrap_err().code(), "invalid_type", "{text}");
        }
        for text in ["1e400", "-1e400", r#"{"m":[1e400]}"#] {
            assert_eq!(number(text).unwrap_err().code(), "invalid_value", "{text}");
        }
        for text in ["1e", "0x1", "NaN", "1,", "1e400,", r#""\ud800""#] {
            assert_eq!(number(text).unwrap_err().code(), "invalid_json", "{text}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let fields = Fields::parse(&json(), br#"{"password":"hunter2"}"#).unwrap();
        assert_eq!(format!("{fields:?}"), r#"["password"]"#);
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange_to_be_judged(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = Fields::parse(&json(), &body);
            let object = serde_json::from_slice::<serde_json::Map<String, Value>>(&body).is_ok();
            prop_assert!(read.is_ok() || !object || read.unwrap_err().code() == "duplicate_field");
        }
    }
}

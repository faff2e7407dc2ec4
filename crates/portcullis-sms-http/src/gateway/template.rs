//! Texts with placeholders.

use std::env;

use portcullis::port::message::Sms;
use secrecy::{ExposeSecret, SecretString};

use super::{Gateway, fault};
use crate::callback::Callback;
use crate::options::SetupError;

/// A text whose placeholders are known.
pub(super) struct Template(Vec<Part>);

/// A piece of a template. `From` and the secrets are put in place when it is read.
enum Part {
    Literal(String),
    From(String),
    Secret(SecretString),
    To,
    Digits,
    Text,
    Id,
    ReportUrl,
}

/// Where a template stands, which says what may be in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Path,
    Query,
    Header,
    Body,
}

/// What the templates of a description use.
#[derive(Default)]
pub(super) struct Used {
    pub(super) receiver: bool,
    pub(super) text: bool,
}

/// Reads the templates of one description.
pub(super) struct Reader<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) reported: bool,
    pub(super) used: Used,
}

impl Reader<'_> {
    pub(super) fn read(&mut self, field: &str, source: &str, spot: Spot) -> Result<Template, SetupError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let inner = brace.strip_prefix('{').ok_or_else(|| fault(field, "a `}` without its `{`"))?;
                let (name, after) =
                    inner.split_once('}').ok_or_else(|| fault(field, "a `{` without its `}`"))?;
                parts.push(Part::Literal(std::mem::take(&mut literal)));
                parts.push(self.part(field, name, spot)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.push(Part::Literal(literal));
        Ok(Template(parts))
    }

    fn part(&mut self, field: &str, name: &str, spot: Spot) -> Result<Part, SetupError> {
        let in_url = matches!(spot, Spot::Path | Spot::Query);
        let secret = name == "report_url" || name.starts_with("env:") || name.starts_with("secret:");
        if secret && in_url {
            return Err(fault(field, "a secret does not belong in a URL"));
        }
        Ok(match name {
            "to" | "digits" => {
                self.used.receiver = true;
                if name == "to" { Part::To } else { Part::Digits }
            }
            "text" if spot == Spot::Path || spot == Spot::Header => {
                return Err(fault(field, "the text belongs in the body or the query"));
            }
            "text" => {
                self.used.text = true;
                Part::Text
            }
            "id" => Part::Id,
            "from" => match &self.gateway.from {
                Some(from) => Part::From(from.clone()),
                None => return Err(fault("from", "it is missing, and a placeholder stands for it")),
            },
            "report_url" if self.reported => Part::ReportUrl,
            "report_url" => return Err(fault(field, "reports are asked for, and the options have none")),
            _ => Part::Secret(self.secret(field, name)?),
        })
    }

    fn secret(&self, field: &str, name: &str) -> Result<SecretString, SetupError> {
        let found = if let Some(variable) = name.strip_prefix("env:") {
            env::var(variable).ok().map(SecretString::from)
        } else if let Some(given) = name.strip_prefix("secret:") {
            self.gateway.secrets.get(given).cloned()
        } else {
            return Err(fault(field, "there is no such placeholder"));
        };
        let found = found.ok_or_else(|| fault(field, "a secret that it names was not given"))?;
        let text = found.expose_secret();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(fault(field, "a secret that it names is empty or holds control characters"));
        }
        Ok(found)
    }
}

impl Template {
    /// Whether what it gives is secret.
    pub(super) fn holds_secret(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Secret(_) | Part::ReportUrl))
    }

    /// The text for this SMS; `encode` is applied to what stands for a placeholder.
    pub(super) fn fill(&self, sms: &Sms, callback: Option<&Callback>, encode: fn(&str) -> String) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::From(from) => out.push_str(&encode(from)),
                Part::Secret(secret) => out.push_str(&encode(secret.expose_secret())),
                Part::To => out.push_str(&encode(sms.to.as_str())),
                Part::Digits => out.push_str(&encode(sms.to.digits())),
                Part::Text => out.push_str(&encode(&sms.text)),
                Part::Id => out.push_str(&encode(&sms.id.to_string())),
                Part::ReportUrl => {
                    let url = callback.map(|callback| callback.secret_url(sms.id));
                    out.push_str(&encode(url.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default()));
                }
            }
        }
        out
    }
}

/// As it is.
pub(super) fn plain(text: &str) -> String {
    text.to_owned()
}

/// With everything escaped that could mean something in a URL.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let digit =
                |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use portcullis::contact::Phone;
    use portcullis::id::MessageId;
    use proptest::prelude::*;

    use super::*;

    fn sms(text: &str) -> Sms {
        Sms {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            to: Phone::parse("+37120000045").unwrap(),
            text: text.to_owned(),
        }
    }

    fn read(source: &str) -> Result<Template, SetupError> {
        let gateway = Gateway::from_json("{\"url\":\"https://h/\",\"from\":\"F\"}").unwrap();
        let mut reader = Reader { gateway: &gateway, reported: false, used: Used::default() };
        reader.read("field", source, Spot::Body)
    }

    proptest! {
        #[test]
        fn no_source_breaks_the_reader(source in "[{}a-z:]{0,12}|(\\{to\\}|\\{text\\}|\\{\\{|\\}\\}|x|é){0,8}") {
            if let Ok(template) = read(&source) {
                let twice: Vec<_> = (0..2).map(|_| template.fill(&sms("t"), None, plain)).collect();
                prop_assert_eq!(&twice[0], &twice[1]);
            }
        }

        #[test]
        fn literals_with_doubled_braces_come_back(text in ".{0,40}") {
            let source = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(read(&source).unwrap().fill(&sms("t"), None, plain), text);
        }

        #[test]
        fn what_is_filled_in_is_not_read_again(text in ".{0,40}") {
            let filled = read("<{text}|{digits}>").unwrap().fill(&sms(&text), None, plain);
            prop_assert_eq!(filled, format!("<{text}|37120000045>"));
        }

        #[test]
        fn an_escaped_text_is_one_value_of_a_query(text in ".{0,40}") {
            let escaped = percent(&text);
            prop_assert!(escaped.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-._~".contains(&b)));
            let query = format!("a={escaped}&b=2");
            let read: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, vec![("a".to_owned(), text), ("b".to_owned(), "2".to_owned())]);
        }
    }
}

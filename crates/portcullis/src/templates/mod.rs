//! The messages of portcullis in words: English, Russian, Spanish and German, each replaceable by the host.

mod source;

use core::fmt;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::error::PortError;
use crate::language::Language;
use crate::message::{MessageKind, Wording};
use crate::port::template::{Templates, Worded};
use crate::secret::{Code, LinkUrl};
use crate::sms_text;

const PORT: &str = "templates";
const LAYOUT: &str = "layout.html";
const MAX_SUBJECT_CHARS: usize = 200;

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The subject, one line.
    Subject,
    /// The plain text.
    Text,
    /// What the HTML layout is put around.
    Html,
    /// The text of the message as an SMS; what carries a code of the second factor has one.
    Sms,
}

impl Part {
    /// Every part of a mail.
    pub const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
            Self::Sms => "sms",
        }
    }
}

/// Templates in the syntax of Jinja, compiled when they are built or replaced.
///
/// A template knows `product`, `login` and, where the message has them, `code`, `link`, `valid_until`, `minutes`,
/// `address`, `at`, `days_left` and `blocking_date`; it asks for the latter with `is defined` or fails without them. HTML templates are escaped, and the layout
/// knows `subject`, `body` and `language` besides. A language is used if all parts of the message exist in it; else the
/// language without its second part, else English.
///
/// ```
/// use portcullis::language::Language;
/// use portcullis::message::{MessageKind, Wording};
/// use portcullis::port::template::Templates;
/// use portcullis::templates::{BuiltinTemplates, Part};
/// # fn main() -> Result<(), portcullis::error::PortError> {
/// let mut templates = BuiltinTemplates::new("Fleet & Co")?;
/// templates.replace(&Language::EN, MessageKind::TwoFactorOn, Part::Subject, "{{ product }}: safer now")?;
/// let worded = templates.word(&Wording::new(MessageKind::TwoFactorOn, Language::EN, "bob"))?;
/// assert_eq!(worded.subject, "Fleet & Co: safer now");
/// assert!(worded.html.contains("<strong>bob</strong> in Fleet &amp; Co"));
/// # Ok(())
/// # }
/// ```
pub struct BuiltinTemplates {
    product: String,
    environment: Environment<'static>,
}

impl BuiltinTemplates {
    /// The languages that are built in, the one that all others fall back to first.
    pub const LANGUAGES: &'static [Language] = &[Language::EN, Language::RU, Language::ES, Language::DE];

    /// Compiles the built-in templates for the product of that name.
    ///
    /// # Errors
    /// [`PortError`] if the name can't stand in a subject: it is empty, longer than 100 characters or more than a line.
    pub fn new(product: impl Into<String>) -> Result<Self, PortError> {
        let product = product.into();
        if product.trim().is_empty() || product.chars().count() > 100 || product.contains(is_unfit) {
            return Err(PortError::new(PORT, "the name of the product is empty, too long or not one line"));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == Part::Html.suffix()) {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        let mut templates = Self { product, environment };
        templates.compile(LAYOUT, source::LAYOUT)?;
        for (language, kind, sources) in source::BUILTIN {
            for (part, source) in Part::ALL.into_iter().zip(sources) {
                templates.compile(&name_of(language, kind, part), source)?;
            }
        }
        for (language, kind, source) in source::BUILTIN_SMS {
            templates.compile(&name_of(language, kind, Part::Sms), source)?;
        }
        Ok(templates)
    }

    /// Puts another template in the place of one, or adds one for a language that is not built in.
    ///
    /// It is tried at once with a message that has everything a template may know.
    ///
    /// # Errors
    /// [`PortError`] if it can't be compiled, or can't be rendered: it asks for something no message has, makes a subject
    /// of more than a line, or an SMS that is more than one segment, has a link or not its code. The template before it stays then.
    pub fn replace(
        &mut self,
        language: &Language,
        kind: MessageKind,
        part: Part,
        source: impl Into<String>,
    ) -> Result<&mut Self, PortError> {
        let name = name_of(language.as_str(), kind.name(), part);
        self.try_out(&name, part, source.into())
    }

    /// Puts another layout around the HTML of every message.
    ///
    /// # Errors
    /// As [`BuiltinTemplates::replace`].
    pub fn replace_layout(&mut self, source: impl Into<String>) -> Result<&mut Self, PortError> {
        self.try_out(LAYOUT, Part::Html, source.into())
    }

    fn try_out(&mut self, name: &str, part: Part, source: String) -> Result<&mut Self, PortError> {
        let mut trial = self.environment.clone();
        trial.add_template_owned(name.to_owned(), source).map_err(|error| fault(name, &error))?;
        let mut known = self.known(&everything()?);
        if part == Part::Subject {
            known.retain(not_secret);
        }
        known.extend(layout_known("Subject", "<p>Body</p>".to_owned(), "en"));
        let rendered = render(&trial, name, known)?;
        match part {
            Part::Subject => drop(one_line(rendered)?),
            Part::Sms => drop(one_sms(name, rendered, &everything()?)?),
            Part::Text | Part::Html => {}
        }
        self.environment = trial;
        Ok(self)
    }

    fn compile(&mut self, name: &str, source: &'static str) -> Result<(), PortError> {
        self.environment.add_template_owned(name.to_owned(), source).map_err(|error| fault(name, &error))
    }

    /// The best language that has these parts of the message.
    fn language_for(&self, wording: &Wording, parts: &[Part]) -> Result<String, PortError> {
        let complete = |language: &&str| {
            parts.iter().all(|part| {
                self.environment.get_template(&name_of(language, wording.kind.name(), *part)).is_ok()
            })
        };
        [wording.language.as_str(), wording.language.base(), Language::EN.as_str()]
            .into_iter()
            .find(complete)
            .map(str::to_owned)
            .ok_or_else(|| PortError::new(PORT, format!("there is no template {}", wording.kind.name())))
    }

    fn known(&self, wording: &Wording) -> Vec<(&'static str, Value)> {
        let text = |text: &String| Value::from(fit(text));
        let mut known = vec![
            ("product", text(wording.product.as_ref().unwrap_or(&self.product))),
            ("login", text(&wording.login)),
        ];
        known.extend(wording.code.as_ref().map(|code| ("code", Value::from(code.expose()))));
        known.extend(wording.link.as_ref().map(|link| ("link", Value::from(fit(link.expose())))));
        known.extend(wording.valid_until.as_ref().map(|until| ("valid_until", text(until))));
        known.extend(wording.minutes.map(|minutes| ("minutes", Value::from(minutes))));
        known.extend(wording.address.as_ref().map(|address| ("address", text(address))));
        known.extend(wording.at.as_ref().map(|at| ("at", text(at))));
        known.extend(wording.days_left.map(|days| ("days_left", Value::from(days))));
        known.extend(wording.blocking_date.as_ref().map(|date| ("blocking_date", text(date))));
        known
    }
}

impl Templates for BuiltinTemplates {
    fn word(&self, wording: &Wording) -> Result<Worded, PortError> {
        let language = self.language_for(wording, &Part::ALL)?;
        let known = self.known(wording);
        let part = |part| {
            let mut known = known.clone();
            if part == Part::Subject {
                known.retain(not_secret);
            }
            render(&self.environment, &name_of(&language, wording.kind.name(), part), known)
        };
        let subject = one_line(part(Part::Subject)?)?;
        let text = part(Part::Text)?;
        let body = part(Part::Html)?;
        let mut layout = known;
        layout.extend(layout_known(&subject, body, &language));
        let html = render(&self.environment, LAYOUT, layout)?;
        Ok(Worded { subject, text, html })
    }

    fn sms(&self, wording: &Wording) -> Result<String, PortError> {
        let language = self.language_for(wording, &[Part::Sms])?;
        let name = name_of(&language, wording.kind.name(), Part::Sms);
        one_sms(&name, render(&self.environment, &name, self.known(wording))?, wording)
    }
}

impl fmt::Debug for BuiltinTemplates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltinTemplates").field("product", &self.product).finish_non_exhaustive()
    }
}

fn name_of(language: &str, kind: &str, part: Part) -> String {
    format!("{language}/{kind}.{}", part.suffix())
}

fn layout_known(subject: &str, body: String, language: &str) -> [(&'static str, Value); 3] {
    [
        ("subject", Value::from(subject)),
        ("body", Value::from_safe_string(body)),
        ("language", Value::from(language)),
    ]
}

/// A message that has everything a template may know.
fn everything() -> Result<Wording, PortError> {
    let code =
        Code::parse("012345").map_err(|_| PortError::new(PORT, "there is no code to try a template with"))?;
    let some = |text: &str| Some(text.to_owned());
    let mut wording = Wording::new(MessageKind::SignInCode, Language::EN, "login");
    wording.code = Some(code);
    wording.link = Some(LinkUrl::new("https://fleet.example.com/recovery/AAAA".to_owned()));
    wording.valid_until = some("09:10");
    wording.minutes = Some(10);
    wording.address = some("b•••@example.com");
    wording.at = some("09:00");
    wording.days_left = Some(3);
    wording.blocking_date = some("2026-03-06");
    Ok(wording)
}

fn render(
    environment: &Environment<'static>,
    name: &str,
    known: Vec<(&'static str, Value)>,
) -> Result<String, PortError> {
    environment
        .get_template(name)
        .and_then(|template| template.render(Value::from_pairs(known)))
        .map_err(|error| fault(name, &error))
}

/// Names the template, the line and the kind of fault: details may quote what was to be rendered.
fn fault(name: &str, error: &minijinja::Error) -> PortError {
    PortError::new(PORT, format!("{name}, line {}: {}", error.line().unwrap_or(0), error.kind()))
}

/// A subject is shown where others look: a template that asks for the code or the link there fails.
fn not_secret((name, _): &(&'static str, Value)) -> bool {
    *name != "code" && *name != "link"
}

fn one_line(subject: String) -> Result<String, PortError> {
    let fits = (1..=MAX_SUBJECT_CHARS).contains(&subject.chars().count()) && !subject.contains(is_unfit);
    if fits { Ok(subject) } else { Err(PortError::new(PORT, "a subject is empty, too long or not one line")) }
}

/// An SMS is paid for by the segment and read on locked screens: what does not fit is not sent.
fn one_sms(name: &str, text: String, wording: &Wording) -> Result<String, PortError> {
    sms_text::fits(&text, wording).map_err(|why| PortError::new(PORT, format!("{name}: {why}")))?;
    Ok(text)
}

/// Input with control characters, line ends and what turns the direction of writing made visible: it can't feign another
/// line of the message.
fn fit(text: &str) -> String {
    text.chars().map(|c| if is_unfit(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;

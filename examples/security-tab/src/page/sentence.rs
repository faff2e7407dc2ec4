//! A text with its values put in, as HTML.

use std::fmt::{self, Write as _};

use askama::filters::{Escaper as _, Html as HtmlEscaper, HtmlSafe};

/// HTML that is safe to put into a page as it is: everything in it was escaped when it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Escapes a text.
    pub(crate) fn text(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        push_escaped(&mut out, text);
        Self(out)
    }

    /// Takes markup made from texts of the program itself.
    pub(super) fn trusted(markup: String) -> Self {
        Self(markup)
    }

    /// The markup.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// A moment, in both forms the page needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Time {
    /// RFC 3339, for programs.
    pub(crate) rfc3339: String,
    /// In the user's zone and language, for people: a time of day, or a date.
    pub(crate) local: String,
}

impl Time {
    /// A `<time>` element.
    pub(crate) fn html(&self) -> Html {
        let (machine, people) = (Html::text(&self.rfc3339), Html::text(&self.local));
        Html(format!("<time datetime=\"{machine}\">{people}</time>"))
    }
}

/// A text of a catalogue whose `{names}` are given their values.
///
/// ```text
/// Sentence::new("Valid until {time}.").time("time", &until).html()
/// ```
#[derive(Debug)]
pub(crate) struct Sentence {
    text: &'static str,
    values: Vec<(&'static str, Html)>,
}

impl Sentence {
    /// A sentence without values yet.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// Puts a text in.
    pub(crate) fn text(self, name: &'static str, value: &str) -> Self {
        self.value(name, Html::text(value))
    }

    /// Puts a number in.
    pub(crate) fn number(self, name: &'static str, value: u32) -> Self {
        self.value(name, Html::text(&value.to_string()))
    }

    /// Puts a moment in, as a `<time>` element.
    pub(crate) fn time(self, name: &'static str, value: &Time) -> Self {
        let html = value.html();
        self.value(name, html)
    }

    /// Puts an address in, kept apart from the direction of the text around it and free to wrap.
    pub(crate) fn address(self, name: &'static str, value: &str) -> Self {
        self.value(name, Html(format!("<bdi class=\"address\">{}</bdi>", Html::text(value))))
    }

    /// Puts a link in.
    pub(crate) fn link(self, name: &'static str, href: &str, words: &str) -> Self {
        self.value(name, Html(format!("<a href=\"{}\">{}</a>", Html::text(href), Html::text(words))))
    }

    /// Puts markup in.
    pub(crate) fn markup(self, name: &'static str, markup: Html) -> Self {
        self.value(name, markup)
    }

    fn value(mut self, name: &'static str, html: Html) -> Self {
        self.values.push((name, html));
        self
    }

    /// The sentence. A name that was given no value stays in its braces.
    pub(crate) fn html(&self) -> Html {
        let mut out = String::new();
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once('{') {
            push_escaped(&mut out, before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            match self.values.iter().find(|(known, _)| *known == name) {
                Some((_, html)) => out.push_str(html.as_str()),
                None => {
                    let _ = write!(out, "{{{}}}", Html::text(name));
                }
            }
            rest = after;
        }
        push_escaped(&mut out, rest);
        Html(out)
    }
}

fn push_escaped(out: &mut String, text: &str) {
    // Writing to a `String` does not fail.
    let _ = HtmlEscaper.write_escaped_str(&mut *out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_wherever_they_stand() {
        let time = Time { rfc3339: "\"><b>".into(), local: "<i>".into() };
        let html = Sentence::new("{who} & {at} {to} {see}")
            .text("who", "<img onerror=x>")
            .time("at", &time)
            .address("to", "\"<a>@b")
            .link("see", "/a\"b", "<u>")
            .html();
        assert_eq!(
            html.as_str(),
            "&#60;img onerror=x&#62; &#38; <time datetime=\"&#34;&#62;&#60;b&#62;\">&#60;i&#62;</time> \
             <bdi class=\"address\">&#34;&#60;a&#62;@b</bdi> <a href=\"/a&#34;b\">&#60;u&#62;</a>"
        );
    }

    #[test]
    fn a_value_is_not_read_as_a_sentence_again() {
        let html = Sentence::new("{a} {b}").text("a", "{b}").text("b", "x").html();
        assert_eq!(html.as_str(), "{b} x");
    }

    #[test]
    fn a_name_without_a_value_stays_visible() {
        assert_eq!(Sentence::new("at {time}.").html().as_str(), "at {time}.");
    }
}

//! Hostile names in messages, read by a parser of HTML that knows nothing of the templates.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use super::*;

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</strong></p></div></body></html><h1>You won",
    "<!-- ",
    "<![CDATA[ ]]>",
    "&lt;b&gt; &amp; &#60;b&#62;",
    "{{ code }}{% raise %}{# #}${1+1}%s",
    "javascript:alert(1)//",
    "a\r\nBcc: eve@example.com\r\n\r\n<b>b</b>\u{2028}\u{2029}\u{85}\0",
    "\u{202e}txt.exe\u{2066}\u{200f}",
];

/// The shape of a page, and what is read on it.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    /// Tags with their attributes, in order.
    tags: Vec<String>,
    /// The texts between them.
    texts: Vec<String>,
}

fn parse(html: &str) -> Page {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let (mut tags, mut texts) = (Vec::new(), Vec::new());
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let attributes: Vec<_> = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| format!("{}={}", text(name), text(value)))
                    .collect();
                tags.push(format!("{} {}", text(&tag.name), attributes.join(" ")));
            }
            Token::EndTag(tag) => tags.push(format!("/{}", text(&tag.name))),
            Token::String(said) => texts.push(text(&said)),
            Token::Doctype(doctype) => tags.push(format!("!{}", text(&doctype.name))),
            Token::Comment(comment) => panic!("a comment: {}", text(&comment)),
            Token::Error(error) => panic!("not sound: {:?}", *error),
        }
    }
    Page { tags, texts: texts.into_iter().filter(|said| !said.trim().is_empty()).collect() }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A message in which every name is that one.
fn naming(kind: MessageKind, language: &Language, name: &str) -> Wording {
    let mut wording = full(kind, language);
    wording.product = Some(name.to_owned());
    wording.login = name.to_owned();
    wording.address = Some(name.to_owned());
    wording.at = Some(name.to_owned());
    wording.valid_until = Some(name.to_owned());
    wording.blocking_date = Some(name.to_owned());
    wording.link = Some(LinkUrl::new(format!("https://fleet.example.com/{name}")));
    wording
}

#[test]
fn a_hostile_name_changes_nothing_but_itself() {
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in MessageKind::ALL {
            let tame = templates.word(&naming(kind, language, "Tame")).unwrap();
            let shape = parse(&tame.html);
            assert!(shape.tags.len() > 20 && shape.texts.len() > 3, "{shape:?}");
            for hostile in HOSTILE {
                let wild = templates.word(&naming(kind, language, hostile)).unwrap();
                let page = parse(&wild.html);
                // The parser reads back the very name, with what can't be shown made visible.
                let tags: Vec<_> = shape.tags.iter().map(|tag| tag.replace("Tame", &fit(hostile))).collect();
                assert_eq!(page.tags, tags, "{language}/{}", kind.name());
                let texts: Vec<_> =
                    shape.texts.iter().map(|said| said.replace("Tame", &fit(hostile))).collect();
                assert_eq!(page.texts, texts, "{language}/{}", kind.name());
                assert_eq!(wild.text, tame.text.replace("Tame", &fit(hostile)));
                assert_eq!(wild.subject, tame.subject.replace("Tame", &fit(hostile)));
            }
        }
    }
}

#[test]
fn nothing_makes_a_second_line_of_a_subject() {
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in MessageKind::ALL {
            for hostile in HOSTILE {
                let Worded { subject, text, .. } = templates.word(&naming(kind, language, hostile)).unwrap();
                assert!(!subject.contains(ends) && !subject.is_empty(), "{subject:?}");
                assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
                assert!(!text.contains(|c| ends(c) && c != '\n'), "{text:?}");
            }
        }
    }
}

#[test]
fn both_forms_of_a_message_say_the_same() {
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in MessageKind::ALL {
            for wording in [full(kind, language), least(kind, language)] {
                let Worded { subject, text, html } = templates.word(&wording).unwrap();
                let page = parse(&html).texts.concat();
                let squeezed = |said: &str| said.split_whitespace().collect::<Vec<_>>().concat();
                let expected = format!("{subject}{text}Fleet");
                assert_eq!(squeezed(&page), squeezed(&expected), "{language}/{}", kind.name());
            }
        }
    }
}

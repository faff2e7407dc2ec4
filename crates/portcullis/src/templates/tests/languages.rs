//! What every language has to have, and what of another it must not have.

use std::collections::BTreeSet;

use super::*;

/// Small words that each language can't do without in a message and no other has.
const WORDS: [(&str, &[&str]); 4] = [
    ("en", &["the", "of", "was", "is", "it", "you", "your", "for", "and", "not"]),
    ("ru", &["в", "для", "на", "не", "если", "ваш", "ваша", "под", "до", "код", "и"]),
    ("es", &["el", "la", "los", "de", "su", "se", "usted", "para", "que", "si", "y"]),
    ("de", &["der", "die", "das", "den", "wird", "wurde", "sie", "ihr", "ihre", "und", "zu", "für", "nicht"]),
];

/// The names a template knows and the words of its language of control, apart from what is said in between.
fn names(source: &str) -> BTreeSet<String> {
    const CONTROL: [&str; 10] = ["if", "elif", "else", "endif", "is", "not", "and", "or", "in", "defined"];
    let mut names = BTreeSet::new();
    let mut rest = source;
    while let Some(at) = rest.find(['{']) {
        let (inside, after) = rest.get(at + 2..).unwrap().split_once(['}']).unwrap();
        let words = inside.split(|c: char| !c.is_alphanumeric() && c != '_');
        let words = words.filter(|word| word.starts_with(|c: char| c.is_alphabetic()));
        names.extend(words.filter(|word| !CONTROL.contains(word)).map(str::to_owned));
        rest = after;
    }
    names
}

/// What is said, in lower case and single words; what stands in angle brackets is not said.
fn words(text: &str) -> BTreeSet<String> {
    let mut said = String::new();
    let mut inside = false;
    for c in text.chars() {
        inside = (inside && c != '>') || c == '<';
        said.push(if inside || !c.is_alphabetic() { ' ' } else { c });
    }
    said.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

fn sources(language: &str, kind: MessageKind) -> [&'static str; 3] {
    let found = source::BUILTIN.into_iter().find(|(l, k, _)| *l == language && *k == kind.name());
    found.unwrap_or_else(|| panic!("{language}/{} is missing", kind.name())).2
}

#[test]
fn every_language_has_every_kind_once() {
    let built_in: Vec<_> = source::BUILTIN.iter().map(|(language, kind, _)| (*language, *kind)).collect();
    let mut wanted = Vec::new();
    for (language, _) in WORDS {
        assert!(BuiltinTemplates::LANGUAGES.iter().any(|known| known.as_str() == language));
        wanted.extend(MessageKind::ALL.map(|kind| (language, kind.name())));
    }
    assert_eq!(built_in, wanted);
}

#[test]
fn every_language_asks_for_the_same() {
    assert_eq!(
        names("{% if at is defined and x != 1 %} on {{ at }}{% endif %}"),
        BTreeSet::from(["at", "x"].map(str::to_owned))
    );
    for kind in MessageKind::ALL {
        let english = sources("en", kind).map(names);
        for language in BuiltinTemplates::LANGUAGES {
            let own = sources(language.as_str(), kind).map(names);
            assert_eq!(own, english, "{language}/{}", kind.name());
            let [_, text, html] = own;
            assert_eq!(text, html, "{language}/{}", kind.name());
        }
    }
}

#[test]
fn every_language_speaks_its_own_words() {
    let templates = templates();
    for kind in MessageKind::ALL {
        for (language, own) in WORDS {
            let tag = Language::parse(language).unwrap();
            let Worded { subject, text, html } = templates.word(&full(kind, &tag)).unwrap();
            let (_, body) = html.split_once("<body").unwrap();
            for said in [&subject, &text, &body.to_owned()] {
                let said = words(said);
                for (other, theirs) in WORDS.into_iter().filter(|(other, _)| *other != language) {
                    let strange: Vec<_> = theirs.iter().filter(|word| said.contains(**word)).collect();
                    assert!(strange.is_empty(), "{language}/{} speaks {other}: {strange:?}", kind.name());
                }
            }
            for said in [&text, &body.to_owned()] {
                let known = own.iter().filter(|word| words(said).contains(**word)).count();
                assert!(known >= 2, "{language}/{}: {said}", kind.name());
            }
        }
    }
}

#[test]
fn a_sample_tells_all_that_its_kind_can() {
    let templates = templates();
    for kind in MessageKind::ALL {
        let sample = Wording::sample(kind, Language::EN);
        assert_eq!(sample.code.is_some(), CODES.contains(&kind));
        assert_eq!(sample.link.is_some(), LINKS.contains(&kind));
        let known: BTreeSet<_> =
            templates.known(&sample).into_iter().map(|(name, _)| name.to_owned()).collect();
        let asked: BTreeSet<_> = sources("en", kind).into_iter().flat_map(names).collect();
        // The worker tells no end of a lock; the templates are ready for a host that does.
        let lacked: Vec<_> = asked.difference(&known).map(String::as_str).collect();
        let unknown: &[&str] =
            if kind == MessageKind::CodesLocked { &["minutes", "valid_until"] } else { &[] };
        assert_eq!(lacked, unknown, "{}", kind.name());
        assert!(templates.word(&sample).unwrap().text.contains("alice"));
    }
}

#[test]
fn a_subject_tells_nobody_who_and_what() {
    let templates = templates();
    for kind in MessageKind::ALL {
        for language in BuiltinTemplates::LANGUAGES {
            let subject = templates.word(&full(kind, language)).unwrap().subject;
            for secret in ["012345", "http", "AAAA", "bob.hauler", "example.com", "09:"] {
                assert!(!subject.contains(secret), "{subject}");
            }
            assert!(subject.ends_with("Fleet"), "{subject}");
        }
    }
}

#[test]
fn the_longest_name_of_a_product_fits_every_subject() {
    let templates = BuiltinTemplates::new("x".repeat(100)).unwrap();
    for kind in MessageKind::ALL {
        for language in BuiltinTemplates::LANGUAGES {
            assert!(templates.word(&full(kind, language)).is_ok(), "{language}/{}", kind.name());
        }
    }
}

use super::*;

mod escape;
mod languages;
mod sms;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&{{x}}{% raise %}\r\nBcc: eve@example.com";
const CODES: [MessageKind; 4] = [
    MessageKind::SignInCode,
    MessageKind::ReauthenticationCode,
    MessageKind::EmailConfirmationCode,
    MessageKind::TwoFactorCode,
];
const LINKS: [MessageKind; 3] =
    [MessageKind::RecoveryLink, MessageKind::InvitationLink, MessageKind::EmailUndo];

#[test]
fn every_kind_is_worded_in_every_language() {
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in MessageKind::ALL {
            for wording in [full(kind, language), least(kind, language), least_by_time(kind, language)] {
                let Worded { subject, text, html } = templates.word(&wording).unwrap();
                assert!(subject.contains("Fleet"), "{subject}");
                for part in [&text, &html] {
                    assert!(part.contains("bob.hauler"), "{part}");
                    assert!(part.chars().count() > 100, "{part}");
                }
                for part in [&subject, &text, &html] {
                    assert!(
                        !part.contains("{{") && !part.contains("{%") && !part.contains("undefined"),
                        "{part}"
                    );
                    let carries = LINKS.contains(&kind) && part != &subject;
                    assert_eq!(part.contains("http"), carries, "a link: {part}");
                    let russian = part.chars().any(|c| ('а'..='я').contains(&c));
                    assert_eq!(russian, *language == Language::RU, "{part}");
                }
                assert!(html.contains(&format!(r#"<html lang="{language}">"#)), "{html}");
                assert!(html.contains(&format!("<title>{subject}</title>")), "{html}");
            }
        }
    }
}

#[test]
fn every_template_is_a_text_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for (language, kind, sources) in source::BUILTIN {
        assert!(MessageKind::ALL.iter().any(|known| known.name() == kind), "{kind}");
        for source in sources {
            assert!(seen.insert(source), "{language}/{kind} repeats another template");
        }
    }
    assert_eq!(seen.len(), BuiltinTemplates::LANGUAGES.len() * Part::ALL.len() * MessageKind::ALL.len());
}

#[test]
fn a_code_is_in_both_texts_and_never_in_the_subject() {
    for language in BuiltinTemplates::LANGUAGES {
        for kind in CODES {
            let worded = templates().word(&full(kind, language)).unwrap();
            assert!(worded.text.lines().any(|line| line == "012345"), "{}", worded.text);
            assert!(worded.html.contains("<strong>012345</strong>"), "{}", worded.html);
            assert!(!worded.subject.contains("012345"), "{}", worded.subject);
            for part in [&worded.text, &worded.html] {
                assert!(
                    part.contains("09:10")
                        && ["10 m", "10 мин.", "10 M"].iter().any(|said| part.contains(said)),
                    "{part}"
                );
            }
        }
    }
}

#[test]
fn a_link_is_in_both_texts_and_never_in_the_subject() {
    const URL: &str = "https://fleet.example.com/recovery/AAAA";
    for language in BuiltinTemplates::LANGUAGES {
        for kind in LINKS {
            let worded = templates().word(&full(kind, language)).unwrap();
            assert!(worded.text.lines().any(|line| line == URL), "{}", worded.text);
            let html = worded.html.replace("&#x2f;", "/");
            assert!(html.contains(&format!("<a href=\"{URL}\">{URL}</a>")), "{html}");
            assert!(!worded.subject.contains("http"), "{}", worded.subject);
            let mut wording = full(kind, language);
            wording.link = None;
            assert!(templates().word(&wording).is_err(), "half a message misleads");
            let mut wording = full(kind, language);
            wording.minutes = Some(72 * 60);
            let text = templates().word(&wording).unwrap().text;
            assert!(text.contains("09:10") && !text.contains("4320"), "days are no minutes: {text}");
        }
    }
}

#[test]
fn a_code_message_without_its_code_or_its_end_is_not_worded() {
    for kind in CODES {
        let mut wording = least(kind, &Language::EN);
        wording.code = None;
        let error = templates().word(&wording).unwrap_err().to_string();
        assert!(error.contains(&format!("en/{}.txt", kind.name())) && error.contains("undefined"), "{error}");
        let mut wording = least(kind, &Language::EN);
        wording.minutes = None;
        assert!(templates().word(&wording).is_err());
    }
}

#[test]
fn what_people_typed_is_escaped_and_never_run() {
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in MessageKind::ALL {
            let mut wording = full(kind, language);
            wording.login = HOSTILE.to_owned();
            wording.address = Some(HOSTILE.to_owned());
            wording.at = Some(HOSTILE.to_owned());
            wording.valid_until = Some(HOSTILE.to_owned());
            wording.blocking_date = Some(HOSTILE.to_owned());
            let Worded { subject, text, html } = templates.word(&wording).unwrap();
            assert!(
                !html.contains("<img")
                    && html.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;{{x}}"),
                "{html}"
            );
            assert!(
                text.contains("<img src=x onerror=alert(1)>\"'&{{x}}{% raise %}\u{fffd}\u{fffd}Bcc:"),
                "{text}"
            );
            assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
            assert_eq!(subject.lines().count(), 1);
        }
    }
}

#[test]
fn a_product_of_another_name_is_escaped_too() {
    let mut wording = full(MessageKind::SignInCode, &Language::EN);
    wording.product = Some("A<b>\nBcc: eve".to_owned());
    let worded = templates().word(&wording).unwrap();
    assert_eq!(worded.subject, "Code for signing in to A<b>\u{fffd}Bcc: eve");
    assert!(worded.html.contains("A&lt;b&gt;") && !worded.html.contains("<b>"), "{}", worded.html);
}

#[test]
fn an_unknown_language_is_worded_in_the_nearest_one() {
    let subject = |tag: &str| {
        let language = Language::parse(tag).unwrap();
        templates().word(&full(MessageKind::TwoFactorOff, &language)).unwrap().subject
    };
    for (near, built_in) in
        [("ru-kz", "ru"), ("es-419", "es"), ("DE-at", "de"), ("en-gb", "en"), ("fr", "en"), ("pt-br", "en")]
    {
        assert_eq!(subject(near), subject(built_in), "{near}");
    }
    for other in [Language::RU, Language::ES, Language::DE] {
        assert_ne!(subject(other.as_str()), subject("en"));
    }
}

#[test]
fn a_language_is_used_only_when_it_is_whole() {
    let mut templates = templates();
    let french = Language::parse("fr").unwrap();
    let subject = |templates: &BuiltinTemplates| {
        templates.word(&full(MessageKind::TwoFactorOff, &french)).unwrap().subject
    };
    for part in [Part::Subject, Part::Text] {
        templates.replace(&french, MessageKind::TwoFactorOff, part, "Non").unwrap();
        assert_ne!(subject(&templates), "Non");
    }
    templates.replace(&french, MessageKind::TwoFactorOff, Part::Html, "<p>Non</p>").unwrap();
    assert_eq!(subject(&templates), "Non");
}

#[test]
fn a_replaced_template_is_used_and_a_broken_one_is_not() {
    let mut templates = templates();
    let kind = MessageKind::SignInCode;
    templates.replace(&Language::EN, kind, Part::Html, "<p>{{ login }}: {{ code }}</p>").unwrap();
    templates.replace_layout("<body>{{ body }}{{ subject }}</body>").unwrap();
    let worded = templates.word(&full(kind, &Language::EN)).unwrap();
    assert_eq!(worded.html, "<body><p>bob.hauler: 012345</p>Code for signing in to Fleet</body>");

    for (part, broken) in [
        (Part::Text, "{{ password }}"),
        (Part::Text, "{{ login "),
        (Part::Html, "{% if %}"),
        (Part::Subject, "two\nlines"),
        (Part::Subject, ""),
        (Part::Subject, "{{ login }}\r{{ login }}"),
    ] {
        let error = templates.replace(&Language::EN, kind, part, broken).unwrap_err();
        assert_eq!(error.port(), "templates");
    }
    assert!(templates.replace_layout("{{ nothing }}").is_err());
    let after = templates.word(&full(kind, &Language::EN)).unwrap();
    assert_eq!((after.html, after.subject, after.text), (worded.html, worded.subject, worded.text));
}

#[test]
fn a_subject_that_asks_for_the_code_is_refused() {
    let mut templates = templates();
    let kind = MessageKind::SignInCode;
    assert!(templates.replace(&Language::EN, kind, Part::Subject, "{{ code }} is your code").is_err());
}

#[test]
fn a_subject_that_becomes_too_long_is_not_worded() {
    let mut templates = templates();
    let kind = MessageKind::TwoFactorOn;
    templates.replace(&Language::EN, kind, Part::Subject, "{{ login }}").unwrap();
    let mut wording = full(kind, &Language::EN);
    wording.login = "x".repeat(201);
    assert!(templates.word(&wording).is_err());
}

#[test]
fn the_product_is_named_in_one_line() {
    for product in ["", "  ", "A\r\nB", "A\u{2028}B", &"x".repeat(101)] {
        assert!(BuiltinTemplates::new(product).is_err(), "{product:?}");
    }
}

#[test]
fn errors_and_debug_show_nothing_of_the_message() {
    let mut templates = templates();
    let kind = MessageKind::TwoFactorOn;
    templates.replace(&Language::EN, kind, Part::Text, "{{ login + 1 if login != 'login' else 1 }}").unwrap();
    let wording = full(kind, &Language::EN);
    let error = templates.word(&wording).unwrap_err().to_string();
    assert_eq!(error, "templates: en/two_factor_on.txt, line 1: invalid operation");
    let code = full(MessageKind::SignInCode, &Language::EN);
    let shown = format!("{code:?} {:?} {templates:?}", templates.word(&code).unwrap());
    assert_eq!(
        shown,
        r#"Wording { kind: SignInCode, language: Language("en"), .. } Worded(..) BuiltinTemplates { product: "Fleet", .. }"#
    );
}

#[test]
fn one_minute_is_no_plural() {
    for (language, minutes, said) in [
        (Language::EN, 1, "for 1 minute."),
        (Language::EN, 2, "for 2 minutes."),
        (Language::RU, 1, "действует 1 мин."),
        (Language::ES, 1, "durante 1 minuto."),
        (Language::ES, 2, "durante 2 minutos."),
        (Language::DE, 1, "gilt 1 Minute."),
        (Language::DE, 2, "gilt 2 Minuten."),
    ] {
        for kind in CODES.into_iter().chain(LINKS) {
            let mut wording = least(kind, &language);
            wording.minutes = Some(minutes);
            let worded = templates().word(&wording).unwrap();
            assert!(worded.text.contains(said) && worded.html.contains(said), "{}", worded.text);
        }
    }
}

#[test]
fn days_left_have_the_plurals_of_their_language() {
    for (language, days, subject, left) in [
        (Language::ES, 1, "en 1 día:", "2026-03-06: queda 1 día."),
        (Language::ES, 2, "en 2 días:", "2026-03-06: quedan 2 días."),
        (Language::DE, 1, "in 1 Tag gesperrt:", "gesperrt: noch 1 Tag."),
        (Language::DE, 2, "in 2 Tagen gesperrt:", "gesperrt: noch 2 Tage."),
        (Language::EN, 1, "in 1 day:", "2026-03-06: 1 day left."),
        (Language::EN, 2, "in 2 days:", "2026-03-06: 2 days left."),
        (Language::RU, 1, "через 1 день:", "2026-03-06: остался 1 день."),
        (Language::RU, 2, "через 2 дня:", "2026-03-06: осталось 2 дня."),
        (Language::RU, 5, "через 5 дней:", "2026-03-06: осталось 5 дней."),
        (Language::RU, 12, "через 12 дней:", "2026-03-06: осталось 12 дней."),
        (Language::RU, 21, "через 21 день:", "2026-03-06: остался 21 день."),
        (Language::RU, 111, "через 111 дней:", "2026-03-06: осталось 111 дней."),
    ] {
        let mut wording = least(MessageKind::BlockingNotice, &language);
        wording.days_left = Some(days);
        let worded = templates().word(&wording).unwrap();
        assert!(worded.subject.contains(subject), "{}", worded.subject);
        assert!(worded.text.contains(left) && worded.html.contains(left), "{}", worded.text);
    }
}

#[test]
fn a_blocking_notice_without_its_day_is_not_worded() {
    let mut wording = least(MessageKind::BlockingNotice, &Language::EN);
    wording.days_left = None;
    assert!(templates().word(&wording).is_err());
    let mut wording = least(MessageKind::BlockingNotice, &Language::EN);
    wording.blocking_date = None;
    assert!(templates().word(&wording).is_err());
}

fn templates() -> BuiltinTemplates {
    BuiltinTemplates::new("Fleet").unwrap()
}

/// Everything a message of any kind may tell.
fn full(kind: MessageKind, language: &Language) -> Wording {
    let mut wording = everything().unwrap();
    wording.kind = kind;
    wording.language = language.clone();
    wording.login = "bob.hauler".to_owned();
    wording
}

/// The least a message of the kind must tell.
fn least(kind: MessageKind, language: &Language) -> Wording {
    let mut wording = Wording::new(kind, language.clone(), "bob.hauler");
    if CODES.contains(&kind) {
        wording.code = everything().unwrap().code;
        wording.minutes = Some(10);
    }
    if LINKS.contains(&kind) {
        wording.link = everything().unwrap().link;
        wording.minutes = Some(10);
    }
    if kind == MessageKind::BlockingNotice {
        wording.days_left = Some(3);
        wording.blocking_date = Some("2026-03-06".to_owned());
    }
    if kind == MessageKind::FlespiExpiring {
        wording.valid_until = Some("2026-03-06 09:00".to_owned());
    }
    wording
}

/// The same, its end told as a time.
fn least_by_time(kind: MessageKind, language: &Language) -> Wording {
    let mut wording = least(kind, language);
    wording.minutes = None;
    wording.valid_until = Some("09:10".to_owned());
    wording
}

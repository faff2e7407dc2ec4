use super::*;
use crate::port::template::MockTemplates;
use crate::sms_text::{Encoding, KINDS, SmsName, check, parts, segments};

const LONGEST: &str = "ABCDEFGHIJKLMNOPQRST";
const LONGEST_RU: &str = "АБВГДЕЖЗИКЛМНОПРСТУФ";

/// The longest message a policy allows: ten digits that live for a day.
fn longest(kind: MessageKind, language: &Language, product: &str) -> Wording {
    let mut wording = Wording::sample(kind, language.clone());
    wording.product = Some(product.to_owned());
    (wording.code, wording.minutes) = (Code::parse("0123456789").ok(), Some(1440));
    wording
}

#[test]
fn every_sms_is_one_segment_with_the_longest_of_everything() {
    let templates = templates();
    for language in BuiltinTemplates::LANGUAGES {
        for kind in KINDS {
            for product in ["Fleet", LONGEST, LONGEST_RU, "😀😀😀😀😀😀😀😀😀😀", "€€€€€€€€€€€€€€€€€€€€"]
            {
                SmsName::parse(product).unwrap();
                let text = templates.sms(&longest(kind, language, product)).unwrap();
                let counted = segments(&text);
                assert_eq!((counted.parts, parts(&text).len()), (1, 1), "{text}");
                assert!(text.encode_utf16().count() <= 70, "one segment in either alphabet: {text}");
                let own = [Language::EN, Language::ES, Language::DE].contains(language);
                let latin = product == "Fleet" || product == LONGEST || product.starts_with('€');
                let expected = if own && latin { Encoding::Gsm7 } else { Encoding::Ucs2 };
                assert_eq!(counted.encoding, expected, "{text}");
                assert!(
                    text.contains("0123456789") && text.contains("1440") && text.starts_with(product),
                    "{text}"
                );
                assert!(!text.contains("http") && !text.contains("alice") && !text.contains("{{"), "{text}");
            }
        }
    }
}

#[test]
fn every_sms_is_a_text_of_its_own() {
    let texts: std::collections::BTreeSet<_> = source::BUILTIN_SMS.iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts.len(), BuiltinTemplates::LANGUAGES.len() * KINDS.len());
    for (_, kind, _) in source::BUILTIN_SMS {
        assert!(KINDS.iter().any(|known| known.name() == kind), "{kind}");
    }
}

#[test]
fn an_sms_says_in_the_readers_language_what_its_code_is_for() {
    let said = |language: &Language, kind| templates().sms(&Wording::sample(kind, language.clone())).unwrap();
    let of = |kind| BuiltinTemplates::LANGUAGES.iter().map(move |language| said(language, kind));
    assert_eq!(
        of(MessageKind::SignInCode).collect::<Vec<_>>(),
        [
            "Fleet: 493201 is your sign-in code. Valid 10 min.",
            "Fleet: 493201 — код для входа. Действует 10 мин.",
            "Fleet: 493201 es su clave de acceso, vale 10 min.",
            "Fleet: Anmeldecode 493201, gilt 10 Min.",
        ]
    );
    assert_eq!(
        of(MessageKind::TwoFactorCode).collect::<Vec<_>>(),
        [
            "Fleet: 493201 confirms this phone. Valid 10 min.",
            "Fleet: 493201 — код подтверждения номера, 10 мин.",
            "Fleet: 493201 confirma su teléfono, vale 10 min.",
            "Fleet: Code für diese Nummer 493201, gilt 10 Min.",
        ]
    );
    assert_eq!(
        of(MessageKind::ReauthenticationCode).collect::<Vec<_>>(),
        [
            "Fleet: 493201 confirms it is you. Valid 10 min.",
            "Fleet: 493201 — код для смены настроек, 10 мин.",
            "Fleet: 493201 confirma su identidad, vale 10 min.",
            "Fleet: Code für Änderungen 493201, gilt 10 Min.",
        ]
    );
}

#[test]
fn what_is_no_sms_is_not_worded() {
    let templates = templates();
    for kind in MessageKind::ALL.into_iter().filter(|kind| !KINDS.contains(kind)) {
        assert!(templates.sms(&Wording::sample(kind, Language::EN)).is_err(), "{kind:?}");
    }
    let error = |change: fn(&mut Wording)| {
        let mut wording = Wording::sample(MessageKind::SignInCode, Language::EN);
        change(&mut wording);
        templates.sms(&wording).unwrap_err().to_string()
    };
    assert!(error(|wording| wording.code = None).contains("en/sign_in_code.sms"));
    assert!(error(|wording| wording.minutes = None).contains("en/sign_in_code.sms"));
    let long = error(|wording| wording.product = Some("A".repeat(200)));
    assert!(
        long.contains("more than one segment") && !long.contains("AAA") && !long.contains("4932"),
        "{long}"
    );
}

#[test]
fn a_hosts_own_sms_is_tried_at_once() {
    let mut templates = templates();
    let (kind, language) = (MessageKind::SignInCode, Language::EN);
    for (wrong, why) in [
        ("", "one line"),
        ("{{ code }}\n{{ product }}", "one line"),
        ("{{ code }} https://fleet.example.com", "no link"),
        ("{{ code }} www.fleet.example.com", "no link"),
        ("{{ product }}", "the code is missing"),
        ("{{ password }}", "undefined"),
        ("a{% for _ in range(80) %}b{% endfor %}{{ code }}", "not among the first 70"),
        ("{{ code }}{% for _ in range(160) %}b{% endfor %}", "more than one segment"),
        ("{{ code }}{% for _ in range(70) %}я{% endfor %}", "more than one segment"),
    ] {
        let error = templates.replace(&language, kind, Part::Sms, wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    templates.replace(&language, kind, Part::Sms, "{{ code }} - {{ product }}").unwrap();
    assert_eq!(templates.sms(&Wording::sample(kind, language)).unwrap(), "493201 - Fleet");
    let french = Language::parse("fr").unwrap();
    assert_eq!(templates.sms(&Wording::sample(kind, french.clone())).unwrap(), "493201 - Fleet");
    templates.replace(&french, kind, Part::Sms, "{{ code }} pour {{ product }}").unwrap();
    assert_eq!(templates.sms(&Wording::sample(kind, french)).unwrap(), "493201 pour Fleet");
}

#[test]
fn templates_are_checked_before_anybody_waits_for_a_code() {
    let name = SmsName::parse(LONGEST_RU).unwrap();
    let mut templates = templates();
    check(&templates, &name).unwrap();
    // It fits the code it is tried with when it is put in, and not the longest one.
    let chatty =
        "{{ product }}: {{ code }} ist Ihr Code für die Anmeldung, gültig {{ minutes }} Minuten lang.";
    templates.replace(&Language::DE, MessageKind::SignInCode, Part::Sms, chatty).unwrap();
    let error = check(&templates, &name).unwrap_err().to_string();
    assert!(error.contains("de/sign_in_code.sms: it is more than one segment"), "{error}");
    check(&templates, &SmsName::parse("Fleet").unwrap()).unwrap();
}

#[test]
fn templates_for_mail_alone_say_so() {
    struct MailAlone(BuiltinTemplates);
    impl Templates for MailAlone {
        fn word(&self, wording: &Wording) -> Result<Worded, PortError> {
            self.0.word(wording)
        }
    }
    let error = check(&MailAlone(templates()), &SmsName::parse("Fleet").unwrap()).unwrap_err().to_string();
    assert!(error.contains("there is no SMS of a sign_in_code"), "{error}");
    let mut foreign = MockTemplates::new();
    foreign.expect_sms().returning(|_| Ok("12345678 is not the code".to_owned()));
    let error = check(&foreign, &SmsName::parse("Fleet").unwrap()).unwrap_err().to_string();
    assert!(error.contains("en/sign_in_code.sms: the code is missing"), "{error}");
}

use proptest::prelude::*;

use super::*;

fn token() -> String {
    "aB3x".repeat(16)
}

fn login(region: &str) -> String {
    format!(r#"FlespiLogin|token:{{"token":"{}","region":{region}}}"#, token())
}

fn code(text: impl Into<String>) -> (String, &'static str) {
    let fault = read(text.into()).unwrap_err();
    (fault.field().to_owned(), fault.code())
}

fn region(text: &str) -> String {
    read(text.to_owned()).unwrap().region.as_str().to_owned()
}

#[test]
fn what_flespi_posts_is_read_in_both_forms_of_a_region() {
    let eu = r#"{"cdn":"https://cdn.flespi.io","default":true,"gw":"gw.flespi.io","gw-ftp":"{channel-address}:21",
        "gw-ip":"185.213.2.30","mqtt":"mqtt.flespi.io:8883","name":"eu","rest":"https://flespi.io"}"#;
    let posted = read(login(eu)).unwrap();
    assert_eq!((posted.region.as_str(), posted.token.expose()), ("eu", token().as_str()));
    assert_eq!(region(&login(r#"{"region":"ru","rest":"https://ru.flespi.io"}"#)), "ru");
    assert_eq!(region(&login(r#"{"region":"ru","name":"ru"}"#)), "ru");
    let with_prefix = login(r#"{"name":"eu"}"#).replace(&token(), &format!("FlespiToken {}", token()));
    assert_eq!(region(&with_prefix), "eu");
}

#[test]
fn the_older_form_tells_no_region_and_none_is_guessed() {
    assert_eq!(code(format!("FlespiToken {}", token())), ("region".to_owned(), "invalid_region"));
    assert_eq!(code("FlespiToken short"), ("token".to_owned(), "invalid_token"));
}

#[test]
fn of_a_region_the_name_alone_counts() {
    for hostile in [
        r#"{"name":"eu","rest":"https://evil.example","mqtt":"evil.example"}"#,
        r#"{"name":"eu","hosts":{"name":"ru","region":"ru"}}"#,
        r#"{"n\u0061me":"eu"}"#,
    ] {
        assert_eq!(region(&login(hostile)), "eu", "{hostile}");
    }
    for wrong in [
        r#"{"name":"EU"}"#,
        r#"{"name":"eu "}"#,
        r#"{"name":"eu.evil.com"}"#,
        r#"{"name":"ru@evil"}"#,
        r#"{"name":"ｅｕ"}"#,
        r#"{"name":"https://evil.example"}"#,
        r#"{"name":""}"#,
        r#"{"rest":"https://flespi.io"}"#,
        "{}",
    ] {
        assert_eq!(code(login(wrong)), ("region".to_owned(), "invalid_region"), "{wrong}");
    }
}

#[test]
fn whatever_else_it_is_it_is_no_login() {
    let bad = |text: String| assert_eq!(code(text.clone()), ("message".to_owned(), "bad_message"), "{text}");
    for region in [
        "null",
        r#""eu""#,
        r#"["eu"]"#,
        "7",
        r#"{"name":7}"#,
        r#"{"name":null}"#,
        r#"{"name":{"name":"eu"}}"#,
        r#"{"name":"eu","name":"eu"}"#,
        r#"{"name":"eu","name":"ru"}"#,
        r#"{"name":"eu","region":"ru"}"#,
        r#"{"name":"eu"},"token":"again""#,
        r#"{"name":"eu"},"region":{"name":"ru"}"#,
        r#"{"name":"eu"}} {"#,
        r#"{"name":"eu""#,
    ] {
        bad(login(region));
    }
    for text in [
        String::new(),
        "error:1102".to_owned(),
        "FlespiLogin|token:".to_owned(),
        "FlespiLogin|token:null".to_owned(),
        format!("FlespiLogin|token:[\"{}\",{{\"name\":\"eu\"}}]", token()),
        format!(" {}", login(r#"{"name":"eu"}"#)),
        login(r#"{"name":"eu"}"#).replace("FlespiLogin", "flespilogin"),
        r#"FlespiLogin|token:{"region":{"name":"eu"}}"#.to_owned(),
        r#"FlespiLogin|token:{"token":7,"region":{"name":"eu"}}"#.to_owned(),
        token(),
    ] {
        bad(text);
    }
    for short in [String::new(), "a".repeat(63), "a".repeat(65), format!("{}!", "a".repeat(63))] {
        let text = login(r#"{"name":"eu"}"#).replace(&token(), &short);
        assert_eq!(code(text), ("token".to_owned(), "invalid_token"));
    }
}

#[test]
fn the_length_is_looked_at_before_anything_else() {
    let padded = |length: usize| {
        let text = login(r#"{"name":"eu","more":"@"}"#);
        let padding = "x".repeat(length - text.len() + 1);
        text.replace('@', &padding)
    };
    assert_eq!(padded(LONGEST).len(), LONGEST);
    assert_eq!(region(&padded(LONGEST)), "eu");
    assert_eq!(code(padded(LONGEST + 1)).1, "bad_message");
    assert_eq!(code(format!("FlespiToken {}", "x".repeat(1 << 20))).1, "bad_message");
    let deep = format!(r#"{{"name":"eu","deep":{}{}}}"#, "[".repeat(1900), "]".repeat(1900));
    assert_eq!(region(&login(&deep)), "eu", "a deep nest is no stack overflow");
}

/// Pieces of what flespi posts, and of what it never would.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("FlespiLogin|token:".to_owned()),
        Just("FlespiToken ".to_owned()),
        Just(r#"{"token":"#.to_owned()),
        Just(format!(r#""{}""#, "aB3x".repeat(16))),
        Just(r#","region":{"name":"eu""#.to_owned()),
        Just(r#","region":{"region":"evil.example""#.to_owned()),
        Just(r#","rest":"https://evil.example""#.to_owned()),
        Just("}".to_owned()),
        Just(r#""name":"#.to_owned()),
        ".{0,8}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_none_gives_a_host(pieces in prop::collection::vec(piece(), 0..10)) {
        if let Ok(Posted { token, region }) = read(pieces.concat()) {
            prop_assert_eq!(token.expose().len(), FlespiToken::LENGTH);
            prop_assert!(!region.as_str().contains(['.', '/', ':', '@']), "{region:?}");
        }
    }

    #[test]
    fn any_name_of_a_region_is_taken_as_a_name_or_not_at_all(name in "[a-z0-9.:/@ A-Z-]{0,20}") {
        let text = login(&serde_json::json!({ "name": name, "rest": "https://evil.example" }).to_string());
        match read(text) {
            Ok(posted) => {
                prop_assert_eq!(posted.region.as_str(), name.as_str());
                prop_assert!(RegionName::parse(&name).is_ok());
            }
            Err(error) => {
                prop_assert_eq!(error.code(), "invalid_region");
                prop_assert!(RegionName::parse(&name).is_err());
            }
        }
    }
}

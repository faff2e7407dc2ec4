//! Hostile answers.

use super::*;
use serde_json::json;

fn unread(body: &str) -> &'static str {
    match result(body.as_bytes()) {
        Err(Trouble::Unread(detail)) => detail,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn only_a_whole_result_without_errors_counts() {
    for (body, detail) in [
        ("", "the answer is no json"),
        ("<html>", "the answer is no json"),
        ("{\"result\":[]", "the answer is no json"),
        ("{\"result\":[]}x", "the answer is no json"),
        ("[]", "the answer is no object"),
        ("null", "the answer is no object"),
        ("{}", "the answer has no result"),
        ("{\"result\":null}", "the answer has no result"),
        ("{\"result\":{}}", "the answer has no result"),
        ("{\"result\":\"[]\"}", "the answer has no result"),
        ("{\"errors\":[{\"code\":1}]}", "flespi reports an error beside its answer"),
        ("{\"result\":[{}],\"errors\":[{\"code\":1}]}", "flespi reports an error beside its answer"),
        ("{\"result\":[{}],\"errors\":\"x\"}", "flespi reports an error beside its answer"),
        ("{\"result\":[{}],\"pagination\":{\"total\":2}}", "the answer is a part only"),
    ] {
        assert_eq!(unread(body), detail, "{body}");
    }
    let deep = format!("{{\"result\":{}", "[".repeat(100_000));
    assert_eq!(unread(&deep), "the answer is no json");
    for body in [
        "{\"result\":[]}",
        "{\"result\":[],\"errors\":[]}",
        "{\"result\":[],\"errors\":null}",
        "{\"result\":[],\"pagination\":{\"total\":0}}",
        "{\"result\":[],\"pagination\":{\"total\":\"many\"},\"more\":1}",
    ] {
        assert_eq!(result(body.as_bytes()), Ok(vec![]), "{body}");
    }
}

#[test]
fn a_time_is_a_number_of_seconds_or_not_there() {
    for (value, expected) in [
        (json!(1_795_564_800), Some(1_795_564_800)),
        (json!(1), Some(1)),
        (json!(1_795_564_800.0), Some(1_795_564_800)),
        (json!(1_795_564_800.9), Some(1_795_564_800)),
        (json!(LAST_SECOND), Some(LAST_SECOND)),
        (json!(LAST_SECOND + 1), None),
        (json!(0), None),
        (json!(0.5), None),
        (json!(-1), None),
        (json!(-0.5), None),
        (json!(1_795_564_800_000_i64), None),
        (json!(i64::MAX), None),
        (json!(i64::MIN), None),
        (json!(u64::MAX), None),
        (json!(1e300), None),
        (json!(-1e300), None),
        (json!(null), None),
        (json!("1795564800"), None),
        (json!(true), None),
        (json!([1_795_564_800]), None),
        (json!({"seconds": 1}), None),
    ] {
        for name in ["expire", "created", "accessed"] {
            let mut token = json!({"access": {"type": 1}});
            token[name] = value.clone();
            let info = inspected(&token).unwrap();
            let read = match name {
                "expire" => info.expire,
                "created" => info.created,
                _ => info.accessed,
            };
            assert_eq!(read.map(|at| at.timestamp()), expected, "{name} {value}");
        }
        let info = inspected(&json!({"access": {}, "ttl": value})).unwrap();
        assert_eq!(info.ttl.map(|ttl| ttl.num_seconds()), expected, "ttl {value}");
        // Whatever was read, the end of the token can be computed.
        let _ = inspected(&json!({"access": {}, "ttl": value, "created": value, "expire": value}))
            .unwrap()
            .ends_at();
    }
    assert_eq!(inspected(&json!({"access": {}})).unwrap().ends_at(), None);
}

#[test]
fn a_token_is_what_has_access_flat_or_nested() {
    let flat = json!({"id": 7, "cid": 3, "info": "note", "access": {"type": 1}, "expire": 1000});
    let nested = json!({"cid": 3, "token": flat.clone()});
    for item in [&flat, &nested] {
        let info = inspected(item).unwrap();
        assert_eq!((info.id, info.kind, info.info.as_deref()), (Some(7), TokenKind::Master, Some("note")));
        assert_eq!(info.expire.map(|at| at.timestamp()), Some(1000));
    }
    for item in [
        json!({}),
        json!(null),
        json!("token"),
        json!([]),
        json!({"cid": 1}),
        json!({"access": 1}),
        json!({"access": null}),
        json!({"token": {}}),
        json!({"token": {}, "access": {}}),
    ] {
        assert_eq!(inspected(&item), Err(Trouble::Unread("the result names no token")), "{item}");
    }
}

#[test]
fn a_kind_that_is_not_known_is_other() {
    let kind = |access: Value| inspected(&json!({"access": access})).unwrap().kind;
    assert_eq!(kind(json!({"type": 0})), TokenKind::Standard);
    assert_eq!(kind(json!({"type": 2, "acl": []})), TokenKind::Acl);
    for access in [
        json!({}),
        json!({"type": 3}),
        json!({"type": -1}),
        json!({"type": "1"}),
        json!({"type": 1.0}),
        json!({"type": true}),
    ] {
        assert_eq!(kind(access.clone()), TokenKind::Other, "{access}");
    }
}

#[test]
fn numbers_and_notes_that_make_no_sense_are_not_there() {
    for id in [json!(0), json!(-7), json!(7.0), json!("7"), json!(null), json!(1e30)] {
        assert_eq!(inspected(&json!({"access": {}, "id": id})).unwrap().id, None, "{id}");
    }
    for info in [json!(1), json!(null), json!("x".repeat(1025))] {
        assert_eq!(inspected(&json!({"access": {}, "info": info})).unwrap().info, None);
    }
}

#[test]
fn an_issued_token_has_a_number_and_a_key() {
    let key = "aB3x".repeat(16);
    let made = issued(json!({"id": 9, "key": key, "expire": 5, "access": {"type": 1}})).unwrap();
    assert_eq!((made.id, made.token.expose()), (9, key.as_str()));
    assert!(!format!("{made:?}").contains(&key));
    for item in [
        json!({"key": key}),
        json!({"id": 0, "key": key}),
        json!({"id": 9}),
        json!({"id": 9, "key": null}),
        json!({"id": 9, "key": 1}),
        json!({"id": 9, "key": "short"}),
        json!({"id": 9, "key": format!("{key}x")}),
        json!({"id": 9, "key": "é".repeat(32)}),
        json!(null),
        json!([]),
    ] {
        assert!(matches!(issued(item.clone()), Err(Trouble::Unread(_))), "{item}");
    }
}

#[test]
fn only_the_exact_note_is_found() {
    let items = [
        json!({"id": 1, "info": "op-1"}),
        json!({"id": 2, "info": "op-12"}),
        json!({"id": 3, "info": "OP-1"}),
        json!({"id": "x", "info": "other"}),
        json!({"id": 5, "info": "op-1"}),
        json!({"id": 6, "info": null}),
        json!(null),
        json!(7),
    ];
    let found = |wanted: &str| {
        let mut noted = Noted::default();
        let ends = noted.take(&Page { items: items.to_vec(), total: None }, wanted)?;
        assert!(ends && noted.seen() == 8);
        Ok(noted.found())
    };
    assert_eq!(found("op-1"), Ok(vec![1, 5]));
    assert_eq!(found("op-"), Ok(vec![]));
    assert_eq!(found("other"), Err(Trouble::Unread("the token has no number")));
}

#[test]
fn of_a_region_only_the_name_is_read() {
    let items = [
        json!({"name": "eu", "rest": "https://evil.example"}),
        json!({"region": "ru"}),
        json!({"name": "eu"}),
        json!({"name": "EU"}),
        json!({"name": "eu.evil.com"}),
        json!({"name": 1}),
        json!("ru"),
    ];
    let names: Vec<_> = region_names(&items).into_iter().map(String::from).collect();
    assert_eq!(names, ["eu", "ru"]);
    assert_eq!(customer_region(&json!({"region": "ru"})).map(String::from).as_deref(), Some("ru"));
    for item in [json!({"region": "RU"}), json!({"region": {"name": "ru"}}), json!({}), json!(1)] {
        assert_eq!(customer_region(&item), None, "{item}");
    }
}

#[test]
fn one_item_is_one_item() {
    assert_eq!(only(vec![json!(1)]), Ok(json!(1)));
    assert_eq!(only(vec![]), Err(Trouble::Unread("the result is empty")));
    assert_eq!(only(vec![json!(1), json!(2)]), Err(Trouble::Unread("the result has more than one item")));
}

//! The markup is well formed, labelled, and needs nothing the policy forbids.

use std::collections::BTreeSet;

use super::all_states;
use super::scan::{Piece, Tag, scan, tags};
use crate::page::{CONTENT_SECURITY_POLICY, MESSAGES_CONTENT_SECURITY_POLICY, Method, field, route};

fn each_state(check: impl Fn(&str, &[Tag])) {
    for state in all_states() {
        check(&state.name, &tags(&state.html));
    }
}

fn ids(tags: &[Tag]) -> BTreeSet<&str> {
    tags.iter().filter_map(|tag| tag.get("id")).collect()
}

#[test]
fn names_of_states_are_unique() {
    let states = all_states();
    let names: BTreeSet<_> = states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names.len(), states.len());
    assert!(names.len() > 100, "{}", names.len());
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(names.iter().all(|name| plain(name)), "{names:?}");
}

#[test]
fn tags_are_nested_right() {
    for state in all_states() {
        let mut open = Vec::new();
        for piece in scan(&state.html) {
            match piece {
                Piece::Open(tag) if tag.is_void() => {}
                Piece::Open(tag) => open.push(tag.name),
                Piece::Close(name) => assert_eq!(open.pop(), Some(name), "{}", state.name),
                Piece::Text(_) => {}
            }
        }
        assert!(open.is_empty(), "{}: {open:?}", state.name);
    }
}

#[test]
fn ids_are_unique() {
    each_state(|state, tags| {
        let all: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        assert_eq!(ids(tags).len(), all.len(), "{state}: {all:?}");
    });
}

#[test]
fn whatever_is_referred_to_is_there() {
    each_state(|state, tags| {
        let ids = ids(tags);
        for tag in tags {
            for name in
                ["aria-describedby", "aria-labelledby", "for", "data-button", "data-reveal", "data-focus"]
            {
                let Some(value) = tag.get(name) else { continue };
                assert!(!value.trim().is_empty(), "{state}: empty {name} in {tag:?}");
                for id in value.split(' ') {
                    assert!(ids.contains(id), "{state}: {name} of {tag:?} is not there");
                }
            }
            for name in ["hx-target", "hx-select", "hx-select-oob"] {
                for id in tag.get(name).into_iter().flat_map(|value| value.split(',')) {
                    assert!(ids.contains(id.trim_start_matches('#')), "{state}: {name} of {tag:?}");
                }
            }
            if let Some((page, id)) = tag.get("href").and_then(|href| href.split_once('#')) {
                assert!(page == route::DEV_MESSAGES || ids.contains(id), "{state}: {tag:?}");
            }
        }
    });
}

#[test]
fn every_control_has_a_name() {
    each_state(|state, tags| {
        for tag in tags.iter().filter(|tag| matches!(tag.name.as_str(), "input" | "select" | "textarea")) {
            if tag.get("type") == Some("hidden") {
                continue;
            }
            let id = tag.get("id").expect("an id");
            let labels = tags.iter().filter(|label| label.name == "label" && label.get("for") == Some(id));
            assert_eq!(labels.count(), 1, "{state}: {tag:?}");
        }
    });
    for state in all_states() {
        let pieces = scan(&state.html);
        for (at, piece) in pieces.iter().enumerate() {
            if let Piece::Open(tag) = piece
                && matches!(tag.name.as_str(), "button" | "a" | "h1" | "h2" | "title" | "summary" | "label")
            {
                let end = Piece::Close(tag.name.clone());
                let inside = pieces[at..].iter().take_while(|piece| **piece != end);
                let named = inside.into_iter().any(|piece| matches!(piece, Piece::Text(_)));
                assert!(named, "{}: nothing is said by {tag:?}", state.name);
            }
        }
    }
}

#[test]
fn whatever_is_off_says_why() {
    each_state(|state, tags| {
        for tag in tags.iter().filter(|tag| tag.has("disabled")) {
            assert!(tag.has("aria-describedby"), "{state}: {tag:?}");
        }
        for tag in tags.iter().filter(|tag| tag.get("aria-invalid") == Some("true")) {
            let describes = tag.get("aria-describedby").unwrap_or_default();
            assert!(describes.contains("problem"), "{state}: {tag:?}");
        }
    });
}

#[test]
fn pages_have_one_title_one_heading_and_a_language() {
    each_state(|state, tags| {
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        assert_eq!((count("title"), count("h1"), count("main")), (1, 1, 1), "{state}");
        let language = tags.iter().find(|tag| tag.name == "html").and_then(|tag| tag.get("lang"));
        assert_eq!(language, state.get(..2), "{state}");
    });
}

#[test]
fn focus_is_asked_for_by_one_element_of_a_page_and_one_of_a_dialog() {
    for state in all_states() {
        let (page, dialog) = state.html.split_once("<dialog").unwrap_or((&state.html, ""));
        for part in [page, dialog] {
            assert!(part.matches(" autofocus").count() <= 1, "{}", state.name);
        }
    }
}

#[test]
fn of_two_codes_the_refused_one_takes_the_focus_and_of_two_fresh_ones_the_newest() {
    let focused = |name: &str| {
        let state = all_states().into_iter().find(|state| state.name == name).expect("the state");
        let tag = tags(&state.html).into_iter().find(|tag| tag.has("autofocus"));
        tag.and_then(|tag| tag.get("id").map(str::to_owned)).unwrap_or_default()
    };
    assert_eq!(focused("en-codes-both"), "email-code");
    assert_eq!(focused("en-codes-both-wrong"), "two-factor-code");
    assert_eq!(focused("en-codes-password-wrong"), "password-current");
}

#[test]
fn a_refused_field_takes_the_focus() {
    each_state(|state, tags| {
        let inner = tags.iter().position(|tag| tag.name == "dialog").unwrap_or_default();
        let bad =
            tags[inner..].iter().filter(|tag| tag.has("aria-invalid") && tag.get("id") != Some("login"));
        for tag in bad {
            assert!(tag.has("autofocus"), "{state}: {tag:?}");
        }
    });
}

#[test]
fn nothing_on_a_page_needs_a_looser_policy() {
    for policy in [CONTENT_SECURITY_POLICY, MESSAGES_CONTENT_SECURITY_POLICY] {
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"));
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    }
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe-inline"));
    each_state(|state, tags| {
        for tag in tags {
            assert_ne!(tag.name, "style", "{state}");
            assert!(tag.name != "script" || tag.has("src"), "{state}: inline script");
            for (name, value) in &tag.attributes {
                assert!(
                    !name.starts_with("on") && name != "style" && !name.starts_with("hx-on"),
                    "{state}: {name}"
                );
                assert!(!name.starts_with("hx-vals") && !value.starts_with("js"), "{state}: {name}={value}");
                let loads = matches!(name.as_str(), "src" | "href" | "action");
                let local = value.starts_with('#') || (value.starts_with('/') && !value.starts_with("//"));
                assert!(!loads || local, "{state}: {name}={value} is foreign");
            }
            if tag.name == "iframe" {
                assert_eq!(tag.get("sandbox"), Some(""), "{state}");
            }
        }
    });
}

#[test]
fn forms_post_to_the_known_routes_with_and_without_a_script() {
    let posts = [
        route::SIGN_IN,
        route::SIGN_IN_CODE,
        route::SIGN_IN_RESEND,
        route::SIGN_OUT,
        route::RECOVERY,
        route::RECOVERY_PASSWORD,
        route::INVITATION,
        route::EMAIL_UNDO,
        route::REAUTHENTICATE,
        route::REAUTHENTICATE_CODE,
        route::REAUTHENTICATE_RESEND,
        route::EMAIL,
        route::EMAIL_CONFIRM,
        route::EMAIL_RESEND,
        route::EMAIL_CANCEL,
        route::EMAIL_REMOVE,
        route::PASSWORD,
        route::TWO_FACTOR_SEND,
        route::TWO_FACTOR_RESEND,
        route::TWO_FACTOR_CONFIRM,
        route::TWO_FACTOR_OFF,
        route::TWO_FACTOR_CANCEL,
        route::NOTICES,
        route::FLESPI_LOGIN,
        route::FLESPI_TOKEN,
        route::FLESPI_CHECK,
        route::FLESPI_DISCONNECT,
        route::SESSION_END,
        route::SESSIONS_END_OTHERS,
        route::ADMIN_USER_NEW,
        route::ADMIN_FLAGS,
        route::ADMIN_SETTINGS,
        route::ADMIN_SIGN_IN,
        route::ADMIN_RESET,
        route::ADMIN_INVITE,
        route::ADMIN_FACTOR,
        route::ADMIN_SESSIONS,
        route::ADMIN_RIGHTS,
        route::ADMIN_ACCOUNT_NEW,
        route::ADMIN_ACCOUNT_CHANGE,
        route::ADMIN_ACCOUNT_BILL,
        route::ADMIN_ACCOUNT_PAY,
        route::ADMIN_ACCOUNT_BLOCK,
        route::ADMIN_ACCOUNT_RIGHTS,
        route::DEV_TIMELINE,
    ];
    let mut seen = BTreeSet::new();
    for state in all_states() {
        for form in tags(&state.html).into_iter().filter(|tag| tag.name == "form") {
            let action = form.get("action").expect("a form says where it goes").to_owned();
            if form.get("method") == Some("get") {
                let known = ["/settings#two-factor", route::ADMIN_USERS];
                assert!(known.contains(&action.as_str()), "{}: {action}", state.name);
                continue;
            }
            assert_eq!(form.get("method"), Some("post"), "{}", state.name);
            assert!(form.get("hx-post").is_none_or(|post| post == action), "{}: {form:?}", state.name);
            assert!(posts.contains(&action.as_str()), "{}: {action}", state.name);
            seen.insert(action);
        }
    }
    assert_eq!(seen.len(), posts.len(), "no state shows a form for some route: {seen:?}");
}

#[test]
fn fields_are_those_of_the_contract() {
    let known = [
        field::LOGIN,
        field::IDENTIFIER,
        field::PASSWORD,
        field::CURRENT,
        field::NEW,
        field::REPEAT,
        field::CODE,
        field::CHALLENGE,
        field::CHANNEL,
        field::ADDRESS,
        field::METHOD,
        field::PHONE,
        field::ENABLED,
        field::SESSION,
        field::TOKEN,
        field::REGION,
        field::USER,
        field::ACCOUNT,
        field::FLAG,
        field::SHOWN,
        field::LANGUAGE,
        field::ZONE,
        field::ON,
        field::TO,
        field::RIGHT,
        field::NAME,
        field::SMS,
        field::QUOTA,
        field::PERIOD,
        field::LEFT,
        field::LEFT_SHOWN,
        field::MINIMUM,
        field::COUNTING,
        field::AMOUNT,
        field::AMOUNT_SHOWN,
        field::BLOCK_BELOW,
        field::LIMIT_BELOW,
        field::PLAN,
        field::DEALER,
        field::PAYMENT,
        field::DAYS,
        field::COMMENT,
        field::EMAIL_NOTIFICATION,
        field::THEN,
        "then.account",
        "then.address",
        "then.user",
    ];
    let mut seen = BTreeSet::new();
    for state in all_states() {
        for tag in tags(&state.html).iter().filter(|tag| matches!(tag.name.as_str(), "input" | "select")) {
            seen.insert(tag.get("name").expect("a field has a name").to_owned());
        }
    }
    assert_eq!(seen, known.map(str::to_owned).into());
    for method in [Method::Off, Method::Email, Method::Sms] {
        assert_eq!(Method::of_value(method.value()), Some(method));
    }
    assert_eq!(Method::of_value("app"), None);
}

#[test]
fn no_page_holds_a_secret() {
    each_state(|state, tags| {
        for tag in tags.iter().filter(|tag| tag.name == "input") {
            let secret = matches!(tag.get("name"), Some("password" | "current" | "new" | "repeat" | "code"));
            assert!(!secret || !tag.has("value"), "{state}: {tag:?}");
            let hidden = tag.get("type") == Some("hidden");
            assert!(!hidden || !secret, "{state}: {tag:?}");
            assert!(!hidden || !tag.get("name").is_some_and(|n| n.contains("password")), "{state}: {tag:?}");
        }
    });
}

#[test]
fn the_dialog_carries_the_action_in_each_of_its_forms() {
    for state in all_states().into_iter().filter(|state| state.name.contains("-dialog-")) {
        let (_, dialog) = state.html.split_once("<dialog").expect("a dialog");
        let forms = dialog.matches("<form").count();
        assert_eq!(
            dialog.matches("name=\"then\" value=\"/settings/email\"").count(),
            forms,
            "{}",
            state.name
        );
        let address = "name=\"then.address\" value=\"new@example.com\"";
        assert_eq!(dialog.matches(address).count(), forms, "{}", state.name);
    }
}

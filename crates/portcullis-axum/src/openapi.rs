//! `/openapi.json`: the routes as `OpenAPI` 3.1, made from the table that the router is made from.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use portcullis::decision::Reason;
use serde_json::{Map, Value, json};

use crate::flespi;
use crate::routes::{Operation, operations};
use crate::schemas::{of_accounts, of_people};
use crate::status::status_of;

/// The description of the routes mounted at a path.
pub(crate) fn document(mounted_at: &str) -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.to_owned(), describe(&operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "portcullis", "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": mounted_at}],
        "paths": paths,
        "components": {"schemas": schemas()},
    })
}

fn describe(operation: &Operation) -> Value {
    let mut description = Map::new();
    description.insert("summary".to_owned(), operation.summary.into());
    description.insert("operationId".to_owned(), operation_id(operation).into());
    description.insert("responses".to_owned(), responses(operation).into());
    if let Some(schema) = operation.body {
        let content = json!({"application/json": {"schema": reference(schema)}});
        description.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        description.insert("parameters".to_owned(), parameters.into());
    }
    description.into()
}

/// The query of a list, and the id in a path.
fn parameters(operation: &Operation) -> Vec<Value> {
    let parameter = |name: &str, schema: Value| json!({"name": name, "in": "query", "schema": schema});
    let id = || json!({"type": "string", "format": "uuid"});
    let page =
        || vec![parameter("after", id()), parameter("limit", json!({"type": "integer", "minimum": 1}))];
    let mut parameters = match (operation.method, operation.path) {
        ("get", "/audit") => {
            let order = json!({"type": "string", "enum": ["oldest", "newest"], "default": "oldest"});
            let own = vec![parameter("user", id()), parameter("order", order), parameter("before", id())];
            [own, page()].concat()
        }
        ("get", "/users") => {
            [vec![parameter("login", json!({"type": "string"})), parameter("account", id())], page()].concat()
        }
        ("get", "/accounts/{id}/payments") => page(),
        _ => Vec::new(),
    };
    let in_path = operation.path.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    if let Some((name, _)) = in_path {
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    }
    parameters
}

/// `post /sign-in/code` is `post_sign_in_code`.
fn operation_id(operation: &Operation) -> String {
    format!("{}{}", operation.method, operation.path).replace(['/', '-', '.'], "_").replace(['{', '}'], "")
}

fn responses(operation: &Operation) -> Map<String, Value> {
    let mut refused: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for reason in operation.refusals {
        // What is wrong with a new password is wrong with a field of its route.
        let of_field = matches!(operation.path, "/password" | "/recovery/{token}")
            && *reason != Reason::AddressTaken
            && status_of(*reason) == StatusCode::CONFLICT;
        let status = if of_field { StatusCode::UNPROCESSABLE_ENTITY } else { status_of(*reason) };
        refused.entry(status.as_u16()).or_default().push(reason.code());
    }
    if operation.session {
        refused.entry(401).or_default().push("signed_out");
    }
    if operation.method != "get" {
        refused.entry(403).or_default().push("cross_origin");
    }
    if operation.body.is_some() {
        refused.entry(415).or_default().push("unsupported_media_type");
        refused.entry(422).or_default().push("the code of the field that can't be used");
    }
    if operation.path != "/openapi.json" {
        refused.entry(413).or_default().push("too_large");
        refused.entry(503).or_default().extend(["busy", "unavailable", "contended", "unknown"]);
    }
    let problem = json!({"application/problem+json": {"schema": reference("Problem")}});
    let mut responses: Map<String, Value> = refused
        .into_iter()
        .map(|(status, codes)| {
            (status.to_string(), json!({"description": codes.join(", "), "content": problem}))
        })
        .collect();
    let success = match operation.gives {
        Some(schema) => {
            json!({"description": "done", "content": {"application/json": {"schema": reference(schema)}}})
        }
        None => json!({"description": "done"}),
    };
    if operation.path == "/flespi/hand-off/{nonce}" {
        // As complete as it is then.
        responses.insert("202".to_owned(), success.clone());
    }
    responses.insert(operation.success.to_string(), success);
    responses
}

pub(crate) fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// An object of required and optional fields, and no others.
pub(crate) fn object(required: &Value, optional: &Value) -> Value {
    let mut properties = required.as_object().cloned().unwrap_or_default();
    let names: Vec<String> = properties.keys().cloned().collect();
    properties.extend(optional.as_object().cloned().unwrap_or_default());
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

fn schemas() -> Map<String, Value> {
    requests()
        .into_iter()
        .chain(link_answers())
        .chain(notice_answers())
        .chain(flespi::schemas())
        .chain(settings_answers())
        .chain(answers())
        .chain(of_people())
        .chain(of_accounts())
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn requests() -> Vec<(&'static str, Value)> {
    let text = json!({"type": "string"});
    let none = json!({});
    vec![
        ("SignIn", object(&json!({"login": text, "password": text}), &none)),
        ("Password", object(&json!({"password": text}), &none)),
        ("PasswordChange", object(&json!({"current": text, "new": text, "repeat": text}), &none)),
        ("Recovery", object(&json!({"identifier": text}), &none)),
        ("NewPassword", object(&json!({"new": text, "repeat": text}), &none)),
        ("ChallengeCode", object(&json!({"challenge": text, "code": text}), &none)),
        ("ChallengeOnly", object(&json!({"challenge": text}), &none)),
        ("ResendBy", object(&json!({"challenge": text}), &json!({"channel": {"enum": ["email", "sms"]}}))),
        ("LinkToken", object(&json!({"token": text}), &none)),
        ("Switch", object(&json!({"enabled": {"type": "boolean"}}), &none)),
        ("Address", object(&json!({"address": text}), &none)),
        (
            "MethodChoice",
            json!({"oneOf": [
                object(&json!({"method": {"const": "email"}}), &json!({"address": text})),
                object(&json!({"method": {"const": "sms"}}), &json!({"phone": text})),
            ]}),
        ),
        (
            "MethodChange",
            json!({"oneOf": [
                object(&json!({"method": {"enum": ["email", "sms"]}, "challenge": text, "code": text}), &none),
                object(&json!({"method": {"const": "none"}}), &none),
            ]}),
        ),
    ]
}

/// What the routes of links by mail answer.
fn link_answers() -> Vec<(&'static str, Value)> {
    let (none, time) = (json!({}), json!({"type": "string", "format": "date-time"}));
    let link = json!({"valid_until": time, "purpose": {"enum": ["recovery", "invitation"]}});
    vec![
        ("Nothing", object(&none, &none)),
        ("Link", object(&link, &none)),
        ("Undo", object(&json!({"valid_until": time}), &none)),
        ("Undone", object(&json!({"status": {"const": "undone"}}), &none)),
    ]
}

/// What the route of the whole tab answers.
fn settings_answers() -> Vec<(&'static str, Value)> {
    let (text, number, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let (id, none) = (json!({"type": "string", "format": "uuid"}), json!({}));
    let service = json!({"on": flag, "quota": {"type": ["integer", "null"]}, "period": text});
    vec![(
        "Settings",
        object(
            &json!({
                "user": object(&json!({"id": id, "login": text, "language": text, "time_zone": text}), &none),
                "email": reference("Email"),
                "phone": object(&json!({"number": {"type": ["string", "null"]}, "confirmed": flag}), &none),
                "password": object(&json!({
                    "change": reference("Verdict"),
                    "changed_at": {"type": ["string", "null"], "format": "date-time"},
                    "minimum": number,
                }), &none),
                "two_factor": reference("TwoFactor"),
                "notices": reference("Notices"),
                "account": object(&json!({
                    "id": id, "name": text, "blocked": flag,
                    "blocks_at": {"type": ["string", "null"], "format": "date-time"},
                    "days_left": {"type": ["integer", "null"]},
                    "services": {"type": "object", "additionalProperties": object(&service, &none)},
                }), &none),
                "sessions": object(&json!({"count": number}), &none),
            }),
            &json!({"flespi": reference("FlespiSettings")}),
        ),
    )]
}

/// What the route of notices answers.
fn notice_answers() -> Vec<(&'static str, Value)> {
    let or_null = |format: &str| json!({"type": ["string", "null"], "format": format});
    let blocking = json!({
        "enabled": {"type": "boolean"}, "change": reference("Verdict"),
        "blocking_date": or_null("date"), "first_notice": or_null("date-time"),
    });
    let none = json!({});
    vec![("Notices", object(&json!({"blocking": object(&blocking, &none)}), &none))]
}

fn answers() -> Vec<(&'static str, Value)> {
    let (text, number, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let (id, time) =
        (json!({"type": "string", "format": "uuid"}), json!({"type": "string", "format": "date-time"}));
    let (maybe_id, none) = (json!({"type": ["string", "null"], "format": "uuid"}), json!({}));
    let list = |schema: Value| json!({"type": "array", "items": schema});
    let challenge = json!({
        "challenge": text, "channel": {"enum": ["email", "sms"]}, "destination": text,
        "expires_at": time, "resend_at": time, "attempts_left": number,
    });
    let known = json!({"delivery": {"enum": ["ambiguous", "failed"]}});
    let with_challenge = |more: Value| {
        let mut fields = challenge.clone();
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        object(&fields, &known)
    };
    let event = json!({
        "id": id, "at": time, "action": text, "reason": {"type": ["string", "null"]},
        "actor": maybe_id, "about": maybe_id, "source": maybe_id,
    });
    vec![
        ("Challenge", object(&challenge, &known)),
        ("Gate", object(&json!({"gate": text, "text": text}), &json!({"right": text}))),
        ("Verdict", object(&json!({"allowed": flag}), &json!({"missing": list(reference("Gate"))}))),
        (
            "Problem",
            object(
                &json!({"type": text, "title": text, "status": number, "code": text}),
                &json!({
                    "field": text, "missing": list(reference("Gate")), "reasons": list(text.clone()),
                    "attempts_left": number, "retry_after": number,
                }),
            ),
        ),
        (
            "SignInAnswer",
            json!({"oneOf": [
                object(&json!({
                    "status": {"const": "admitted"}, "user": object(&json!({"id": id, "login": text}), &none),
                    "assurance": {"enum": ["password", "password_email", "password_sms"]}, "notice": object(&none, &json!({"days_left": number})),
                }), &none),
                with_challenge(json!({"status": {"const": "code_required"}, "channels": list(text.clone())})),
                object(&json!({"status": {"const": "fresh"}, "until": time}), &none),
            ]}),
        ),
        (
            "Email",
            object(
                &json!({"address": {"type": ["string", "null"]}, "confirmed": flag}),
                &json!({"pending": with_challenge(json!({"address": text}))}),
            ),
        ),
        (
            "TwoFactor",
            object(
                &json!({
                    "method": text,
                    "options": list(object(&json!({"method": text, "verdict": reference("Verdict")}), &none)),
                }),
                &json!({
                    "pending": with_challenge(json!({"method": text})),
                    "delivery": object(&json!({"channel": {"type": ["string", "null"]}, "reasons": list(reference("Gate"))}), &none),
                }),
            ),
        ),
        (
            "Sessions",
            list(object(
                &json!({
                    "id": text, "created_at": time, "used_at": time, "current": flag,
                    "assurance": {"enum": ["password", "password_email", "password_sms"]},
                }),
                &none,
            )),
        ),
        ("Audit", object(&json!({"events": list(object(&event, &none)), "next": maybe_id}), &none)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_schema_that_is_named_exists_and_every_one_is_named() {
        let document = document("/");
        let text = document.to_string();
        let named: BTreeSet<&str> =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(named, schemas.keys().map(String::as_str).collect());
    }

    #[test]
    fn operations_have_ids_of_their_own() {
        let ids: BTreeSet<String> = operations().iter().map(operation_id).collect();
        assert_eq!(ids.len(), operations().len());
        assert!(ids.contains("post_sign_in_code"), "{ids:?}");
    }
}

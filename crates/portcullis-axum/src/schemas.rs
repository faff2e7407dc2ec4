//! The schemas of users and accounts in `/openapi.json`.

use serde_json::{Map, Value, json};

use crate::openapi::{object, reference};
use crate::people::FLAGS;

/// Bodies and answers of the routes of administrators.
pub(crate) fn of_people() -> Vec<(&'static str, Value)> {
    let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
    let maybe_text = json!({"type": ["string", "null"]});
    let (id, maybe_id) =
        (json!({"type": "string", "format": "uuid"}), json!({"type": ["string", "null"], "format": "uuid"}));
    let (time, none) = (json!({"type": "string", "format": "date-time"}), json!({}));
    let flags: Map<String, Value> =
        FLAGS.into_iter().map(|(name, _)| (name.to_owned(), flag.clone())).collect();
    let mut with_disabled = flags.clone();
    with_disabled.insert("disabled".to_owned(), flag.clone());
    let (flags, with_disabled) = (Value::Object(flags), Value::Object(with_disabled));
    let service = object(
        &json!({"on": flag}),
        &json!({"quota": {"type": ["integer", "null"], "minimum": 0}, "period": {"enum": ["none", "hour", "day", "week", "month"]}}),
    );
    let services = object(&none, &json!({"sms": service, "email_notification": service}));
    let verdicts = json!({"type": "object", "additionalProperties": reference("Verdict")});
    let user = json!({
        "id": id, "login": text, "account": id, "creator": maybe_id, "external_id": maybe_text,
        "flags": object(&with_disabled, &none), "blocked": flag,
        "email": object(
            &json!({"address": maybe_text, "confirmed": flag}),
            &json!({"pending": object(&json!({"address": text}), &none)}),
        ),
        "password_set": flag, "two_factor": object(&json!({"method": text}), &none),
        "language": text, "time_zone": text, "created_at": time, "may": verdicts,
    });
    let account = json!({
        "id": id, "parent": maybe_id, "name": text, "services": {"type": "object", "additionalProperties": service},
        "blocked": flag, "blocked_by_hand": flag, "time_zone": text, "created_at": time, "may": verdicts,
    });
    // Only where one is shown, and to who may let others have rights.
    let holder = json!({"user": id, "login": maybe_text, "rights": {"type": "array", "items": text}});
    let holders = json!({"rights": {"type": "array", "items": object(&holder, &none)}});
    vec![
        (
            "NewUser",
            object(
                &json!({"login": text, "account": id}),
                &json!({"email": text, "flags": object(&none, &flags), "time_zone": text, "language": text, "external_id": text}),
            ),
        ),
        (
            "UserChange",
            object(
                &none,
                &json!({"flags": object(&none, &with_disabled), "email": text, "time_zone": text, "language": text}),
            ),
        ),
        ("Rights", object(&json!({"item": id, "rights": {"type": "array", "items": text}}), &none)),
        ("ManagedUser", object(&user, &holders)),
        (
            "Users",
            object(
                &json!({"users": {"type": "array", "items": reference("ManagedUser")}, "next": maybe_id}),
                &none,
            ),
        ),
        (
            "NewAccount",
            object(&json!({"name": text, "parent": id}), &json!({"services": services, "time_zone": text})),
        ),
        (
            "AccountChange",
            object(&none, &json!({"name": text, "services": services, "time_zone": text, "blocked": flag})),
        ),
        ("ManagedAccount", object(&account, &holders)),
        ("Nothing", object(&none, &none)),
    ]
}

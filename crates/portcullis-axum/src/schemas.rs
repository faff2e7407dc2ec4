//! The schemas of users and accounts in `/openapi.json`.

use serde_json::{Map, Value, json};

use crate::customers::SERVICES;
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
    let holders = holders();
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
        ("Nothing", object(&none, &none)),
    ]
}

/// Who holds rights: only where one is shown, and to who may let others have rights.
fn holders() -> Value {
    let text = json!({"type": "string"});
    let holder = json!({
        "user": {"type": "string", "format": "uuid"}, "login": {"type": ["string", "null"]},
        "rights": {"type": "array", "items": text},
    });
    json!({"rights": {"type": "array", "items": object(&holder, &json!({}))}})
}

/// Bodies and answers of the routes of accounts.
pub(crate) fn of_accounts() -> Vec<(&'static str, Value)> {
    let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
    let (id, time) =
        (json!({"type": "string", "format": "uuid"}), json!({"type": "string", "format": "date-time"}));
    let none = json!({});
    let or_null = |kind: &str| json!({"type": [kind, "null"]});
    let (number, maybe_id) =
        (json!({"type": "integer"}), json!({"type": ["string", "null"], "format": "uuid"}));
    let service = object(
        &json!({"on": flag}),
        &json!({"quota": {"type": ["integer", "null"], "minimum": 0}, "period": {"enum": ["none", "hour", "day", "week", "month"]}}),
    );
    let either = |schema: &Value| json!({"oneOf": [schema, {"type": "null"}]});
    let named: Map<String, Value> =
        SERVICES.into_iter().map(|name| (name.to_owned(), either(&service))).collect();
    let services = object(&none, &Value::Object(named));
    let plans = json!({"type": "object", "additionalProperties": services});
    let all_services = json!({"type": "object", "additionalProperties": service});
    let days = json!({"left": number, "minimum": number, "counting": flag});
    let balance = json!({
        "amount": number, "block_below": or_null("integer"), "limit_below": or_null("integer"),
    });
    let (some_days, some_balance) = (object(&none, &days), object(&none, &balance));
    let billed = json!({
        "dealer": flag, "plan": or_null("string"), "services": services, "days": some_days,
        "balance": some_balance, "blocked": flag, "time_zone": text,
    });
    let mut change = billed.clone();
    if let Value::Object(change) = &mut change {
        change.extend([("name".to_owned(), text.clone()), ("plans".to_owned(), plans)]);
    }
    let account = json!({
        "id": id, "name": text, "parent": maybe_id, "dealer": flag, "plan": or_null("string"),
        "services": all_services, "in_force": all_services, "days": object(&days, &none),
        "balance": object(&balance, &none), "blocked": flag, "blocked_by_hand": flag,
        "blocks_at": {"type": ["string", "null"], "format": "date-time"}, "days_left": or_null("integer"),
        "time_zone": text, "created_at": time,
        "may": {"type": "object", "additionalProperties": reference("Verdict")},
    });
    let mut some = holders();
    if let Value::Object(some) = &mut some {
        some.insert("plans".to_owned(), json!({"type": "object", "additionalProperties": all_services}));
    }
    let payment = json!({
        "id": id, "at": time, "days": number, "amount": number, "comment": text, "by": maybe_id,
    });
    let payment = object(&payment, &none);
    let until = json!({"type": ["string", "null"], "format": "date-time"});
    let used = object(
        &json!({
            "used": number, "codes": number, "quota": or_null("integer"),
            "period": {"enum": ["none", "hour", "day", "week", "month"]}, "until": until,
        }),
        &none,
    );
    let budget = object(&json!({"used": number, "limit": number, "left": number, "until": until}), &none);
    vec![
        (
            "Usage",
            object(
                &json!({
                    "sms": used, "email_notification": used, "sms_budget": budget, "sms_new_budget": budget,
                }),
                &none,
            ),
        ),
        ("NewAccount", object(&json!({"name": text, "parent": id}), &billed)),
        ("AccountChange", object(&none, &change)),
        ("ManagedAccount", object(&account, &some)),
        ("Payment", object(&json!({"comment": text}), &json!({"id": id, "days": number, "amount": number}))),
        (
            "Payments",
            object(&json!({"payments": {"type": "array", "items": payment}, "next": maybe_id}), &none),
        ),
    ]
}

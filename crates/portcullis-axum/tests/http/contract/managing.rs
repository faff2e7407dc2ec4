//! The rows of administrators' routes.

use serde_json::{Value, json};

use super::at_office::AtOffice::{
    AsBob, AskCarol, Below, BobForgot, BobMistakes, Deepest, External, Invited, InvitedAgain, Opens, PaidUp,
    WornOut,
};
use super::play::NEW;
use super::play::Step::{self, At, Later, OneMail, OneMistake};
use super::{OF_ITS_SCHEMA, Row};
use crate::office::NOBODY;

const NOTHING: Value = Value::Null;
const WAIT: &[&str] = &["retry_after"];

pub(super) fn rows() -> Vec<Row> {
    [users(), access(), invitation(), accounts(), payments()].into_iter().flatten().collect()
}

fn row(after: &'static [Step], route: &'static str, body: Value) -> Row {
    Row::new(after, route, body)
}

/// What most of these routes answer to who sees carol and no more, and about who is not there.
fn guarded(route: &'static str, about_nobody: &'static str, body: impl Fn() -> Value) -> Vec<Row> {
    vec![
        row(&[At(Opens), At(AsBob)], route, body()).refuses(403, "not_allowed", &["missing"]),
        row(&[At(Opens)], about_nobody, body()).refuses(404, "not_found", &[]),
    ]
}

fn users() -> Vec<Row> {
    let new = |login: &str, account: &str| json!({"login": login, "account": account, "external_id": "x"});
    let create = |after, body| row(after, "POST /users", body);
    let invited = || json!({"login": "fred", "account": "$child", "email": NEW});
    let change = |after, body| row(after, "PATCH /users/$carol", body);
    let address = || json!({"email": "further@example.com"});
    let language = || json!({"language": "ru"});
    let mut rows = guarded("PATCH /users/$carol", "PATCH /users/$nobody", language);
    rows.extend([
        row(&[At(Opens)], "GET /users", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "GET /users?account=$nobody", NOTHING).refuses(404, "not_found", &[]),
        create(&[At(Opens)], new("fred", "$child")).gives(201, OF_ITS_SCHEMA),
        create(&[At(Opens), At(AsBob)], new("fred", "$child")).refuses(403, "not_allowed", &["missing"]),
        create(&[At(Opens)], new("fred", "$nobody")).refuses(404, "not_found", &[]),
        create(&[At(Opens), Later(16)], invited()).refuses(403, "stale_sign_in", &[]),
        create(&[At(Opens), At(Invited), OneMail], invited()).refuses(429, "too_soon", WAIT),
        create(&[At(Opens)], new("carol", "$child")).refuses(409, "login_taken", &[]),
        create(&[At(Opens), At(External)], new("fred", "$child")).refuses(409, "external_id_taken", &[]),
        row(&[At(Opens)], "GET /users/$carol", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens), At(Invited)], "GET /users/$dora", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "GET /users/$nobody", NOTHING).refuses(404, "not_found", &[]),
        change(&[At(Opens)], language()).gives(200, OF_ITS_SCHEMA),
        change(&[At(Opens)], address()).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens), Later(16)], "PATCH /users/$admin", json!({"email": NEW})).refuses(
            403,
            "stale_sign_in",
            &[],
        ),
        change(&[At(Opens), At(AskCarol), OneMail], address()).refuses(429, "too_soon", WAIT),
        row(&[At(Opens), At(BobMistakes), OneMistake], "PATCH /users/$bob", address()).refuses(
            429,
            "locked",
            &[],
        ),
    ]);
    rows
}

fn access() -> Vec<Row> {
    let remove = |after| row(after, "DELETE /users/$carol/two-factor", NOTHING);
    let view = || json!({"item": "$carol", "rights": ["view"]});
    let nothing = || NOTHING;
    [
        guarded("DELETE /users/$carol/sessions", "DELETE /users/$nobody/sessions", nothing),
        guarded("DELETE /users/$carol/two-factor", "DELETE /users/$nobody/two-factor", nothing),
        guarded("POST /users/$carol/recovery", "POST /users/$nobody/recovery", nothing),
        guarded("POST /users/$bob/rights", "POST /users/$nobody/rights", view),
        vec![
            row(&[At(Opens)], "DELETE /users/$carol/sessions", NOTHING).gives(204, &[]),
            remove(&[At(Opens)]).gives(204, &[]),
            remove(&[At(Opens), Later(16)]).refuses(403, "stale_sign_in", &[]),
            row(&[At(Opens)], "POST /users/$bob/recovery", NOTHING).gives(202, &[]),
            row(&[At(Opens), Later(16)], "POST /users/$bob/recovery", NOTHING).refuses(
                403,
                "stale_sign_in",
                &[],
            ),
            row(&[At(Opens), At(BobForgot)], "POST /users/$bob/recovery", NOTHING)
                .refuses(429, "too_soon", WAIT),
            row(&[At(Opens)], "POST /users/$bob/rights", view()).gives(204, &[]),
            row(&[At(Opens), Later(16)], "POST /users/$bob/rights", view()).refuses(
                403,
                "stale_sign_in",
                &[],
            ),
        ],
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn invitation() -> Vec<Row> {
    let invite = |after| row(after, "POST /users/$dora/invitation", NOTHING);
    let mut rows = guarded("POST /users/$carol/invitation", "POST /users/$nobody/invitation", || NOTHING);
    rows.extend([
        invite(&[At(Opens), At(Invited)]).gives(202, &[]),
        invite(&[At(Opens), At(Invited), Later(16)]).refuses(403, "stale_sign_in", &[]),
        invite(&[At(Opens), At(Invited), At(InvitedAgain)]).refuses(429, "too_soon", WAIT),
        row(&[At(Opens)], "POST /users/$carol/invitation", NOTHING).refuses(409, "in_use", &[]),
    ]);
    rows
}

fn accounts() -> Vec<Row> {
    let below = |parent: &str| json!({"name": "low", "parent": parent});
    let create = |after, parent| row(after, "POST /accounts", below(parent));
    let name = || json!({"name": "kid"});
    // Where it is the next day already.
    let a_day_later = || json!({"time_zone": "Pacific/Kiritimati", "days": {"counting": false}});
    let mut rows = guarded("PATCH /accounts/$child", "PATCH /accounts/$nobody", name);
    rows.extend([
        create(&[At(Opens)], "$child").gives(201, OF_ITS_SCHEMA),
        create(&[At(Opens), At(AsBob)], "$child").refuses(403, "not_allowed", &["missing"]),
        create(&[At(Opens)], "$nobody").refuses(404, "not_found", &[]),
        create(&[At(Opens), At(Below)], "$low").refuses(422, "not_a_dealer", &["field"]),
        create(&[At(Opens), At(Deepest)], "$deepest").refuses(422, "too_deep", &["field"]),
        row(&[At(Opens)], "GET /accounts/$child", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "GET /accounts/$nobody", NOTHING).refuses(404, "not_found", &[]),
        row(&[At(Opens)], "PATCH /accounts/$child", name()).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "PATCH /accounts/$child", json!({"plan": "none"})).refuses(
            422,
            "unknown_plan",
            &["field"],
        ),
        row(&[At(Opens), At(WornOut)], "PATCH /accounts/$child", a_day_later()).refuses(
            422,
            "invalid_days",
            &["field"],
        ),
        row(&[At(Opens)], "POST /accounts", json!({"name": "low", "parent": "$child", "plan": "none"}))
            .refuses(422, "unknown_plan", &["field"]),
    ]);
    rows
}

fn payments() -> Vec<Row> {
    let paid = || json!({"days": 1, "comment": "x"});
    let pay = |after, body| row(after, "POST /accounts/$child/payments", body);
    let mut rows = guarded("POST /accounts/$child/payments", "POST /accounts/$nobody/payments", paid);
    rows.extend(guarded("GET /accounts/$child/payments", "GET /accounts/$nobody/payments", || NOTHING));
    rows.extend([
        row(&[At(Opens)], "GET /accounts/$child/payments", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "GET /accounts/$child/usage", NOTHING).gives(200, OF_ITS_SCHEMA),
        row(&[At(Opens)], "GET /accounts/$nobody/usage", NOTHING).refuses(404, "not_found", &[]),
        pay(&[At(Opens)], paid()).gives(201, OF_ITS_SCHEMA),
        pay(&[At(Opens), At(PaidUp)], json!({"id": NOBODY, "days": 1, "comment": "x"})).refuses(
            409,
            "in_use",
            &[],
        ),
        pay(&[At(Opens), At(PaidUp)], paid()).refuses(422, "invalid_days", &["field"]),
        pay(&[At(Opens), At(PaidUp)], json!({"amount": 1, "comment": "x"})).refuses(
            422,
            "invalid_balance",
            &["field"],
        ),
    ]);
    rows
}

//! The table itself.

use portcullis::testing::world::PASSWORD;
use serde_json::{Value, json};

use super::Row;
use super::play::NEW;
use super::play::Step::{self, *};
use crate::client::ALICE;

const CHALLENGE: &[&str] =
    &["attempts_left", "challenge", "channel", "destination", "expires_at", "resend_at"];
const ADMITTED: &[&str] = &["assurance", "notice", "status", "user"];
const CODE_REQUIRED: &[&str] = &[
    "attempts_left",
    "challenge",
    "channel",
    "channels",
    "destination",
    "expires_at",
    "resend_at",
    "status",
];
const FRESH: &[&str] = &["status", "until"];
const WAIT: &[&str] = &["retry_after"];
const NEW_PASSWORD: &str = "seven quiet lanterns";

const NOTHING: Value = Value::Null;

pub(super) fn rows() -> Vec<Row> {
    [sign_in(), code(), resends(), reauthenticate(), sessions(), email(), password(), two_factor(), notices()]
        .into_iter()
        .flatten()
        .collect()
}

fn row(after: &'static [Step], route: &'static str, body: Value) -> Row {
    Row::new(after, route, body)
}

fn sign_in() -> Vec<Row> {
    let at = |after, body| row(after, "POST /sign-in", body);
    let good = || json!({"login": "alice", "password": PASSWORD});
    vec![
        at(&[], good()).gives(200, ADMITTED).with_cookie(),
        at(&[TwoFactor, NoCookies], good()).gives(200, CODE_REQUIRED),
        at(&[], json!({"login": "alice", "password": "not this one"})).refuses(401, "bad_credentials", &[]),
        at(&[], json!({"login": "nobody", "password": PASSWORD})).refuses(401, "bad_credentials", &[]),
        at(&[TwoFactor, NoMailFactor], good()).refuses(403, "not_allowed", &["missing"]),
        at(&[TwoFactor, NoCookies, AskSignIn, Arrives, Wrong(0, 1), OneMistake], good()).refuses(
            429,
            "locked",
            &[],
        ),
        at(&[TwoFactor, NoCookies, OneMail], good()).refuses(429, "too_soon", WAIT),
        at(&[WrongPasswords(10)], good()).refuses(429, "too_many_attempts", WAIT),
    ]
}

/// What each route that takes a code answers: `$after` makes the challenge and lets its code arrive, `$by` is the route's
/// number.
macro_rules! code_refusals {
    ($route:literal, $by:literal, [$($after:ident),+], $body:expr) => {{
        let at = |after, code: &str| row(after, $route, $body(code));
        vec![
            at(&[$($after),+], "$wrong").refuses(401, "wrong_code", &["attempts_left"]),
            at(&[$($after),+, Later(11)], "$code").refuses(410, "challenge_dead", &[]),
            at(&[$($after),+, Wrong($by, 5)], "$code").refuses(429, "locked", &[]),
            at(&[$($after),+, OneFromSource, Wrong($by, 1)], "$code")
                .refuses(429, "too_many_attempts", WAIT),
        ]
    }};
}

/// What each route that sends a code again answers.
macro_rules! resends {
    ($route:literal, $path:literal, $by:literal, [$($after:ident),+]) => {{
        let at = |after, challenge: &str| row(after, $route, json!({"challenge": challenge}));
        vec![
            at(&[$($after),+, Later(2)], "$challenge").gives(200, CHALLENGE),
            at(&[$($after),+], "nonsense").refuses(410, "challenge_dead", &[]),
            at(&[$($after),+, Wrong($by, 5)], "$challenge").refuses(429, "locked", &[]),
            at(&[$($after),+], "$challenge").refuses(429, "too_soon", WAIT),
            at(&[$($after),+, Resent($path, 4)], "$challenge").refuses(429, "no_sends_left", &[]),
        ]
    }};
}

fn answer(code: &str) -> Value {
    json!({"challenge": "$challenge", "code": code})
}

fn switching_on(code: &str) -> Value {
    json!({"method": "email", "challenge": "$challenge", "code": code})
}

fn code() -> Vec<Row> {
    let at = |after| row(after, "POST /sign-in/code", answer("$code"));
    let mut rows =
        code_refusals!("POST /sign-in/code", 0, [TwoFactor, NoCookies, AskSignIn, Arrives], answer);
    rows.extend([
        at(&[TwoFactor, NoCookies, AskSignIn, Arrives]).gives(200, ADMITTED).with_cookie(),
        at(&[TwoFactor, AskFresh, Arrives]).gives(200, FRESH).with_cookie(),
        at(&[TwoFactor, AskFresh, Arrives, NoCookies]).refuses(410, "challenge_dead", &[]),
        at(&[SignedIn, AskEmail, ArrivesNew]).refuses(410, "challenge_dead", &[]),
    ]);
    rows
}

fn pending() -> Vec<Row> {
    let at = |after, challenge: &str| row(after, "POST /sign-in/pending", json!({"challenge": challenge}));
    vec![
        at(&[TwoFactor, NoCookies, AskSignIn], "$challenge").gives(200, CHALLENGE),
        at(&[TwoFactor, NoCookies, AskSignIn, Arrives], "$challenge").gives(200, CHALLENGE),
        at(&[TwoFactor, AskFresh], "$challenge").gives(200, CHALLENGE),
        at(&[TwoFactor, NoCookies, AskSignIn, Later(11)], "$challenge").refuses(410, "challenge_dead", &[]),
        at(&[SignedIn, AskEmail], "$challenge").refuses(410, "challenge_dead", &[]),
        at(&[], "nonsense").refuses(410, "challenge_dead", &[]),
    ]
}

fn resends() -> Vec<Row> {
    [
        pending(),
        resends!("POST /sign-in/resend", "/sign-in/resend", 0, [TwoFactor, NoCookies, AskSignIn, Arrives]),
        resends!("POST /email/resend", "/email/resend", 1, [SignedIn, AskEmail, ArrivesNew]),
        resends!(
            "POST /two-factor/challenge/resend",
            "/two-factor/challenge/resend",
            2,
            [SignedIn, AskTwoFactor, Arrives]
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reauthenticate() -> Vec<Row> {
    let at = |after, password: &str| row(after, "POST /reauthenticate", json!({"password": password}));
    vec![
        at(&[SignedIn, Later(16)], PASSWORD).gives(200, FRESH).with_cookie(),
        at(&[TwoFactor], PASSWORD).gives(200, CODE_REQUIRED),
        at(&[SignedIn], "not this one").refuses(401, "bad_credentials", &[]),
        at(&[TwoFactor, NoMailFactor], PASSWORD).refuses(403, "not_allowed", &["missing"]),
        at(&[TwoFactor, AskFresh, Arrives, Wrong(0, 1), OneMistake], PASSWORD).refuses(429, "locked", &[]),
        at(&[TwoFactor, OneMail], PASSWORD).refuses(429, "too_soon", WAIT),
        at(&[SignedIn, WrongPasswords(10)], PASSWORD).refuses(429, "too_many_attempts", WAIT),
    ]
}

fn sessions() -> Vec<Row> {
    vec![
        row(&[SignedIn], "POST /sign-out", NOTHING).gives(204, &[]),
        row(&[], "POST /sign-out", NOTHING).gives(204, &[]),
        row(&[SignedIn], "GET /sessions", NOTHING)
            .gives(200, &["assurance", "created_at", "current", "id", "used_at"]),
        row(&[SignedIn, Other], "DELETE /sessions/$other", NOTHING).gives(204, &[]),
        row(&[SignedIn], "DELETE /sessions/$other", NOTHING).refuses(404, "not_found", &[]),
        row(&[SignedIn], "DELETE /sessions/others", NOTHING).gives(204, &[]).with_cookie(),
        row(&[SignedIn], "GET /settings", NOTHING).gives(
            200,
            &["account", "email", "flespi", "notices", "password", "phone", "sessions", "two_factor", "user"],
        ),
        row(&[SignedIn], "GET /audit", NOTHING).gives(200, &["events", "next"]),
        row(&[SignedIn, Colleague], "GET /audit?user=$bob", NOTHING).refuses(
            403,
            "not_allowed",
            &["missing"],
        ),
        row(&[SignedIn], "GET /audit?user=01a1ee56-65d0-7222-9fc9-415f5fab951d", NOTHING).refuses(
            404,
            "not_found",
            &[],
        ),
        row(&[], "GET /openapi.json", NOTHING)
            .gives(200, &["components", "info", "openapi", "paths", "servers"]),
    ]
}

fn email() -> Vec<Row> {
    let set = |after, address: &str| row(after, "PUT /email", json!({"address": address}));
    let clear = |after| row(after, "DELETE /email", NOTHING);
    let confirm = |after| row(after, "POST /email/confirm", answer("$code"));
    let mut rows = code_refusals!("POST /email/confirm", 1, [SignedIn, AskEmail, ArrivesNew], answer);
    rows.extend([
        set(&[SignedIn], NEW).gives(202, CHALLENGE),
        set(&[SignedIn, Taken], NEW).gives(202, CHALLENGE),
        set(&[SignedIn], "alice").refuses(422, "invalid_email", &["field"]),
        set(&[SignedIn], ALICE).refuses(409, "unchanged", &[]),
        set(&[SignedIn, Later(16)], NEW).refuses(403, "stale_sign_in", &[]),
        set(&[SignedIn, AskEmail, OneMail], NEW).refuses(429, "too_soon", WAIT),
        set(&[SignedIn, AskEmail, ArrivesNew, Wrong(1, 1), OneMistake], NEW).refuses(429, "locked", &[]),
        confirm(&[SignedIn, AskEmail, ArrivesNew]).gives(200, &["address", "confirmed"]).with_cookie(),
        confirm(&[SignedIn, Proposed, ArrivesNew]).gives(200, &["address", "confirmed"]).with_cookie(),
        confirm(&[SignedIn, Proposed, ArrivesNew, Later(16)]).refuses(403, "stale_sign_in", &[]),
        confirm(&[SignedIn, AskEmail, ArrivesNew, Taken]).refuses(409, "address_taken", &[]),
        row(&[SignedIn, AskEmail], "DELETE /email/pending", NOTHING).gives(204, &[]),
        row(&[SignedIn], "DELETE /email/pending", NOTHING).gives(204, &[]),
        clear(&[SignedIn]).gives(204, &[]).with_cookie(),
        clear(&[SignedIn, Later(16)]).refuses(403, "stale_sign_in", &[]),
        clear(&[TwoFactor]).refuses(409, "in_use", &[]),
        clear(&[SignedIn, AskEmail, ArrivesNew, Confirmed, OneClaim]).refuses(429, "too_soon", WAIT),
        confirm(&[SignedIn, AskEmail, ArrivesNew, Confirmed, AskOld, Arrives, OneClaim])
            .refuses(429, "too_soon", WAIT),
    ]);
    rows
}

fn password() -> Vec<Row> {
    let change = |after, current: &str, new: &str, repeat: &str| {
        row(after, "POST /password", json!({"current": current, "new": new, "repeat": repeat}))
    };
    let right = |after| change(after, PASSWORD, NEW_PASSWORD, NEW_PASSWORD);
    vec![
        right(&[SignedIn]).gives(204, &[]).with_cookie(),
        right(&[SignedIn, Later(16)]).gives(204, &[]).with_cookie(),
        right(&[SignedIn, NoFlag]).refuses(403, "not_allowed", &["missing"]),
        change(&[SignedIn], "not this one", NEW_PASSWORD, NEW_PASSWORD).refuses(401, "bad_credentials", &[]),
        change(&[SignedIn], PASSWORD, NEW_PASSWORD, "another").refuses(422, "repeat_differs", &["field"]),
        change(&[SignedIn], PASSWORD, "short", "short").refuses(422, "weak_password", &["field", "reasons"]),
        change(&[SignedIn], PASSWORD, PASSWORD, PASSWORD).refuses(422, "unchanged", &["field"]),
        right(&[SignedIn, WrongCurrent(10)]).refuses(429, "too_many_attempts", WAIT),
    ]
}

fn notices() -> Vec<Row> {
    let set = |after, enabled: Value| row(after, "PUT /notices/blocking", json!({"enabled": enabled}));
    vec![
        set(&[SignedIn], json!(true)).gives(200, &["blocking"]),
        set(&[SignedIn], json!(false)).gives(200, &["blocking"]),
        set(&[SignedIn, NoAddress], json!(true)).refuses(409, "email_unconfirmed", &[]),
        set(&[SignedIn, NoSettings], json!(true)).refuses(403, "not_allowed", &["missing"]),
    ]
}

fn two_factor() -> Vec<Row> {
    let ask = |after, body| row(after, "POST /two-factor/challenge", body);
    let by_mail = || json!({"method": "email"});
    let by_sms = || json!({"method": "sms", "phone": "+37120000045"});
    let set = |after, body| row(after, "PUT /two-factor", body);
    let off = || json!({"method": "none"});
    let on = || switching_on("$code");
    let mut rows = code_refusals!("PUT /two-factor", 2, [SignedIn, AskTwoFactor, Arrives], switching_on);
    rows.extend([
        ask(&[SignedIn], by_mail()).gives(202, CHALLENGE),
        ask(&[SignedIn], json!({"method": "telegram"})).refuses(422, "invalid_method", &["field"]),
        ask(&[SignedIn, Later(16)], by_mail()).refuses(403, "stale_sign_in", &[]),
        ask(&[SignedIn, NoMailFactor], by_mail()).refuses(403, "not_allowed", &["missing"]),
        ask(&[SignedIn, NoAddress], by_mail()).refuses(409, "email_unconfirmed", &[]),
        ask(&[TwoFactor], by_mail()).refuses(409, "unchanged", &[]),
        ask(&[SignedIn, AskTwoFactor, OneMail], by_mail()).refuses(429, "too_soon", WAIT),
        ask(&[SignedIn, AskTwoFactor, Arrives, Wrong(2, 1), OneMistake], by_mail()).refuses(
            429,
            "locked",
            &[],
        ),
        set(&[SignedIn, AskTwoFactor, Arrives], on())
            .gives(200, &["delivery", "method", "options"])
            .with_cookie(),
        set(&[SignedIn, NoAddress, AskBoth, ArrivesNew], on())
            .gives(200, &["delivery", "method", "options"])
            .with_cookie(),
        set(&[SignedIn, NoAddress, AskBoth, ArrivesNew, Taken], on()).refuses(409, "address_taken", &[]),
        set(&[SignedIn, AskEmail, ArrivesNew, Confirmed, AskBothOld, Arrives, OneClaim], on())
            .refuses(429, "too_soon", WAIT),
        set(&[SignedIn, AskTwoFactor, Arrives, NoMailFactor], on()).refuses(403, "not_allowed", &["missing"]),
        set(&[TwoFactor], off()).gives(200, &["method", "options"]).with_cookie(),
        set(&[TwoFactor, Later(16)], off()).refuses(403, "stale_sign_in", &[]),
        set(&[SignedIn], off()).refuses(409, "unchanged", &[]),
        set(&[TwoFactorShort], off()).refuses(409, "weak_password", &[]),
        set(&[SignedIn], json!({"method": "telegram"})).refuses(422, "invalid_method", &["field"]),
        ask(&[SignedIn], by_sms()).gives(202, CHALLENGE),
        ask(&[SignedIn], json!({"method": "sms"})).refuses(403, "not_allowed", &["missing"]),
        ask(&[SignedIn], json!({"method": "sms", "phone": "20000045"})).refuses(
            422,
            "invalid_phone",
            &["field"],
        ),
        ask(&[SignedIn, Later(16)], by_sms()).refuses(403, "stale_sign_in", &[]),
        row(&[SignedIn], "DELETE /phone", Value::Null).gives(204, &[]),
        row(&[SignedIn, Later(16)], "DELETE /phone", Value::Null).refuses(403, "stale_sign_in", &[]),
        row(&[SignedIn, Sms], "DELETE /phone", Value::Null).refuses(409, "in_use", &[]),
    ]);
    rows
}

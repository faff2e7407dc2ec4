//! The rows of flespi.

use std::sync::Arc;

use axum::Router;
use chrono::TimeDelta;
use portcullis::Portcullis;
use portcullis::password::argon2::HashPool;
use portcullis::policy::Limit;
use portcullis::port::flespi::FlespiError;
use portcullis_axum::{HttpOptions, router};
use serde_json::{Value, json};

use super::play::Play;
use super::play::Step::{self, Flespi, Later, NoSettings, SignedIn};
use super::{OF_ITS_SCHEMA, Row};
use crate::client::{MOUNT, PUBLIC};
use AtFlespi::{
    Checked, Connected, Down, HandedOff, Once, Posted, PostedOfNoRegion, PostedUnknown, Returned, Unplugged,
};

const NOTHING: Value = Value::Null;
const FIELD: &[&str] = &["field"];
const MISSING: &[&str] = &["missing"];
const WAIT: &[&str] = &["retry_after"];

/// What happens at flespi.
#[derive(Clone, Copy, Debug)]
pub(super) enum AtFlespi {
    /// A login is begun: its nonce is remembered.
    HandedOff,
    /// Its user logs in: what the pop-up posts is remembered.
    Posted,
    /// The same with a token that flespi does not know.
    PostedUnknown,
    /// The same of a region that there is not.
    PostedOfNoRegion,
    /// The message comes back.
    Returned,
    /// A token is typed.
    Connected,
    /// From now on flespi does not answer.
    Down,
    /// From now on one login and one check is enough.
    Once,
    /// The token is checked.
    Checked,
    /// From now on nothing calls flespi.
    Unplugged,
}

fn token() -> String {
    "aB3x".repeat(16)
}

impl Play {
    pub(super) async fn at_flespi(&mut self, step: AtFlespi) {
        let posted = |region| {
            format!("FlespiLogin|token:{{\"token\":\"{}\",\"region\":{{\"name\":\"{region}\"}}}}", token())
        };
        match step {
            HandedOff => {
                let answer = self.site.send("POST", "/flespi/hand-off", None).await.is(201).json();
                self.remembered.insert("$nonce", answer["nonce"].as_str().unwrap().to_owned());
            }
            Posted => drop(self.remembered.insert("$message", self.site.world.flespi.log_in("ru"))),
            PostedUnknown => drop(self.remembered.insert("$message", posted("ru"))),
            PostedOfNoRegion => drop(self.remembered.insert("$message", posted("ap"))),
            Returned => {
                let body = json!({"message": "$message"});
                self.send("POST", "/flespi/hand-off/$nonce", &body).await.is(200);
            }
            Connected => {
                let body = json!({"token": token(), "region": "eu"});
                self.site.put("/flespi", body).await.is(200);
            }
            Down => self.site.world.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" })),
            Checked => drop(self.site.send("POST", "/flespi/check", None).await.is(200)),
            Unplugged => self.unplug(),
            Once => self.under(|policy| {
                let one = Limit::new(1, TimeDelta::hours(1));
                (policy.flespi_hand_offs, policy.flespi_checks) = (one, one);
            }),
        }
    }
}

impl Play {
    /// Goes on, on the same store, with an engine that can't call flespi.
    fn unplug(&mut self) {
        let world = &mut self.site.world;
        world.security = Portcullis::builder_on(world.store.clone())
            .keyring(world.security.keyring())
            .mail(world.mailbox.clone())
            .public_url(PUBLIC)
            .hasher(Arc::new(HashPool::with_cheap_cost_for_tests().unwrap()))
            .clock(world.clock.clone())
            .build()
            .unwrap();
        let routes = router(world.security.clone(), HttpOptions::new(PUBLIC).unwrap());
        self.site.app = Router::new().nest(MOUNT, routes);
    }
}

fn row(after: &'static [Step], route: &'static str, body: Value) -> Row {
    Row::new(after, route, body)
}

pub(super) fn rows() -> Vec<Row> {
    [connection(), hand_off(), check()].into_iter().flatten().collect()
}

fn connection() -> Vec<Row> {
    let show = |after| row(after, "GET /flespi", NOTHING);
    let put = |after, token: String, region: &str| {
        row(after, "PUT /flespi", json!({"token": token, "region": region}))
    };
    let drop = |after| row(after, "DELETE /flespi", NOTHING);
    vec![
        show(&[SignedIn]).gives(200, OF_ITS_SCHEMA),
        show(&[SignedIn, Flespi(Connected)]).gives(200, OF_ITS_SCHEMA),
        put(&[SignedIn], token(), "eu").gives(200, OF_ITS_SCHEMA),
        put(&[SignedIn], format!("FlespiToken {}", token()), "ru").gives(200, OF_ITS_SCHEMA),
        put(&[SignedIn, Later(16)], token(), "eu").refuses(403, "stale_sign_in", &[]),
        put(&[SignedIn, NoSettings], token(), "eu").refuses(403, "not_allowed", MISSING),
        put(&[SignedIn], "x".to_owned(), "eu").refuses(422, "invalid_token", FIELD),
        put(&[SignedIn], token(), "ap").refuses(422, "invalid_region", FIELD),
        drop(&[SignedIn]).gives(204, &[]),
        drop(&[SignedIn, Flespi(Connected)]).gives(204, &[]),
        drop(&[SignedIn, Flespi(Connected), Later(16)]).refuses(403, "stale_sign_in", &[]),
        drop(&[SignedIn, Flespi(Connected), NoSettings]).refuses(403, "not_allowed", MISSING),
        row(&[SignedIn, Flespi(Connected)], "GET /settings", NOTHING).gives(200, OF_ITS_SCHEMA),
    ]
}

fn hand_off() -> Vec<Row> {
    let begin = |after| row(after, "POST /flespi/hand-off", NOTHING);
    let back = |after| row(after, "POST /flespi/hand-off/$nonce", json!({"message": "$message"}));
    vec![
        begin(&[SignedIn]).gives(201, OF_ITS_SCHEMA),
        begin(&[SignedIn, Later(16)]).refuses(403, "stale_sign_in", &[]),
        begin(&[SignedIn, NoSettings]).refuses(403, "not_allowed", MISSING),
        begin(&[SignedIn, Flespi(HandedOff), Flespi(Once)]).refuses(429, "too_many_attempts", WAIT),
        back(&[SignedIn, Flespi(HandedOff), Flespi(Posted)]).gives(200, OF_ITS_SCHEMA),
        back(&[SignedIn, Flespi(HandedOff), Flespi(Posted), Flespi(Down)]).gives(202, OF_ITS_SCHEMA),
        back(&[SignedIn, Flespi(Posted)]).refuses(410, "hand_off_dead", &[]),
        back(&[SignedIn, Flespi(HandedOff), Flespi(Posted), Later(10)]).refuses(410, "hand_off_dead", &[]),
        back(&[SignedIn, Flespi(HandedOff), Flespi(Posted), Flespi(Returned)]).refuses(
            410,
            "hand_off_dead",
            &[],
        ),
        back(&[SignedIn, Flespi(HandedOff), NoSettings]).refuses(403, "not_allowed", MISSING),
        back(&[SignedIn, Flespi(HandedOff)]).refuses(422, "bad_message", FIELD),
        back(&[SignedIn, Flespi(HandedOff), Flespi(PostedUnknown)]).refuses(422, "invalid_token", FIELD),
        back(&[SignedIn, Flespi(HandedOff), Flespi(PostedOfNoRegion)]).refuses(422, "invalid_region", FIELD),
    ]
}

fn check() -> Vec<Row> {
    let check = |after| row(after, "POST /flespi/check", NOTHING);
    vec![
        check(&[SignedIn, Flespi(Connected)]).gives(200, OF_ITS_SCHEMA),
        check(&[SignedIn, Flespi(HandedOff), Flespi(Posted), Flespi(Returned), Flespi(Down)])
            .gives(200, OF_ITS_SCHEMA),
        check(&[SignedIn]).refuses(409, "not_connected", &[]),
        check(&[SignedIn, Flespi(Unplugged)]).refuses(403, "not_allowed", MISSING),
        check(&[SignedIn, Flespi(Connected), Flespi(Once), Flespi(Checked)]).refuses(
            429,
            "too_many_attempts",
            WAIT,
        ),
    ]
}

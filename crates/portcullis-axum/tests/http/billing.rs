//! What an account gets and how long: days, balance, plan, services and payments.

use axum::body::Body;
use axum::http::{Request, header};
use chrono::TimeDelta;
use portcullis::port::store::Page;
use portcullis::rights::{AccessRight, Actor};
use serde_json::{Value, json};

use crate::client::{MOUNT, Reply, Site, exchange, keys};
use crate::office::{NOBODY, Office, missing};

impl Office {
    fn child_path(&self) -> String {
        format!("/accounts/{}", self.child.id)
    }

    async fn seen(&mut self) -> Value {
        let path = self.child_path();
        let mut seen = self.site.get(&path).await.is(200).json();
        // Who holds rights on it is told here alone.
        seen.as_object_mut().unwrap().remove("rights").unwrap();
        seen
    }

    async fn pay(&mut self, body: Value) -> Reply {
        let path = format!("{}/payments", self.child_path());
        self.site.post(&path, body).await
    }

    async fn payments(&mut self) -> Value {
        let path = format!("{}/payments", self.child_path());
        self.site.get(&path).await.is(200).json()
    }

    /// Days go by, and the administrator signs in again.
    async fn later(&mut self, days: i64) {
        self.site.world.advance(TimeDelta::days(days));
        self.site.jar.clear();
        self.site.sign_in("admin").await;
    }
}

/// Sends a body that is no value of `serde_json`.
async fn send_text(site: &mut Site, method: &str, path: &str, body: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(format!("{MOUNT}{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    site.raw(request).await
}

#[tokio::test]
async fn days_go_by_with_the_calendar_of_the_account() {
    let mut office = Office::open().await;
    let body = json!({
        "name": "low", "parent": office.child.id, "time_zone": "Europe/Riga",
        "days": {"left": 20, "counting": true},
    });
    let low = office.site.post("/accounts", body).await.is(201).json();
    assert_eq!(low["days"], json!({"left": 20, "minimum": 0, "counting": true}));
    assert_eq!((&low["blocks_at"], &low["days_left"]), (&json!("2026-12-07T22:00:00Z"), &json!(20)));
    let path = office.child_path();
    let seen = office.patch(&path, json!({"days": {"left": 20, "minimum": 2, "counting": true}})).await;
    let seen = seen.is(200).json();
    assert_eq!((&seen["blocks_at"], &seen["days_left"]), (&json!("2026-12-06T00:00:00Z"), &json!(18)));
    office.later(3).await;
    let seen = office.seen().await;
    assert_eq!(seen["days"], json!({"left": 17, "minimum": 2, "counting": true}));
    assert_eq!((&seen["blocks_at"], &seen["days_left"]), (&json!("2026-12-06T00:00:00Z"), &json!(15)));
    let seen = office.patch(&path, json!({"days": {"minimum": 7}})).await.is(200).json();
    assert_eq!(seen["days"], json!({"left": 17, "minimum": 7, "counting": true}), "the others stay");
    assert_eq!(seen["blocks_at"], "2026-12-01T00:00:00Z");
    let path = format!("/accounts/{}", low["id"].as_str().unwrap());
    let low = office.site.get(&path).await.is(200).json();
    assert_eq!(low["blocks_at"], "2026-12-01T00:00:00Z", "the account above it is blocked before");
    assert_eq!((&low["days"]["left"], &low["days_left"]), (&json!(17), &json!(10)));
    office.later(10).await;
    let low = office.site.get(&path).await.is(200).json();
    assert_eq!(
        (&low["blocked"], &low["blocked_by_hand"], &low["days_left"]),
        (&json!(true), &json!(false), &json!(0))
    );
    let path = office.child_path();
    let seen = office.patch(&path, json!({"days": {"counting": false}})).await.is(200).json();
    assert_eq!(seen["days"], json!({"left": 7, "minimum": 7, "counting": false}));
    assert_eq!(
        (&seen["blocked"], &seen["blocks_at"], &seen["days_left"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_balance_blocks_and_limits_below_its_thresholds() {
    let mut office = Office::open().await;
    let (path, demo) = (office.child_path(), format!("/accounts/{}", office.site.account.id));
    let sms = json!({"sms": {"on": true, "quota": 9, "period": "day"}});
    office.patch(&demo, json!({"services": sms})).await.is(200);
    let seen =
        office.patch(&path, json!({"services": sms, "balance": {"limit_below": 100}})).await.is(200).json();
    assert_eq!(seen["balance"], json!({"amount": 0, "block_below": null, "limit_below": 100}));
    assert_eq!((&seen["blocked"], &seen["in_force"]["sms"]["on"]), (&json!(false), &json!(false)));
    assert_eq!(seen["services"], sms, "its own entry is still there");
    let seen = office.patch(&path, json!({"balance": {"amount": -1, "block_below": 0}})).await.is(200).json();
    assert_eq!(seen["balance"], json!({"amount": -1, "block_below": 0, "limit_below": 100}));
    assert_eq!((&seen["blocked"], &seen["blocks_at"]), (&json!(true), &Value::Null));
    let seen = office.patch(&path, json!({"balance": {"block_below": null, "limit_below": null}})).await;
    let seen = seen.is(200).json();
    assert_eq!(seen["balance"], json!({"amount": -1, "block_below": null, "limit_below": null}));
    assert_eq!((&seen["blocked"], &seen["in_force"]["sms"]), (&json!(false), &sms["sms"]));
    let body = json!({"name": "low", "parent": office.child.id, "blocked": true, "balance": {"amount": -5, "block_below": -5}});
    let low = office.site.post("/accounts", body).await.is(201).json();
    assert_eq!(low["balance"], json!({"amount": -5, "block_below": -5, "limit_below": null}));
    assert_eq!((&low["blocked"], &low["blocked_by_hand"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn plans_are_kept_above_and_services_follow_them() {
    let mut office = Office::open().await;
    let (path, demo) = (office.child_path(), format!("/accounts/{}", office.site.account.id));
    let daily = |quota: u32| json!({"on": true, "quota": quota, "period": "day"});
    let plans = json!({"basic": {"sms": daily(10)}, "none": {}});
    let seen =
        office.patch(&demo, json!({"plans": plans, "services": {"sms": daily(100)}})).await.is(200).json();
    assert_eq!(seen["plans"], plans);
    assert!(!keys(&office.seen().await).contains(&"plans"), "only a top account has any");
    let seen = office.patch(&path, json!({"plan": "basic"})).await.is(200).json();
    assert_eq!((&seen["plan"], &seen["services"]), (&json!("basic"), &json!({})));
    assert_eq!(seen["in_force"]["sms"], daily(10));
    let seen = office.patch(&path, json!({"services": {"sms": daily(1000)}})).await.is(200).json();
    assert_eq!(
        (&seen["services"]["sms"], &seen["in_force"]["sms"]),
        (&daily(1000), &daily(100)),
        "no more than the top"
    );
    let seen = office.patch(&path, json!({"services": {"sms": null}})).await.is(200).json();
    assert_eq!((&seen["services"], &seen["in_force"]["sms"]), (&json!({}), &daily(10)), "by the plan again");
    office.patch(&path, json!({"plan": "gold"})).await.unfit("plan", "unknown_plan");
    let refused = office.patch(&path, json!({"plans": {}})).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["policy"]);
    let body = |plan: &str| json!({"name": "low", "parent": office.child.id, "plan": plan, "services": {"sms": null}});
    let (low, gold) = (body("basic"), body("gold"));
    let low = office.site.post("/accounts", low).await.is(201).json();
    assert_eq!(
        (&low["plan"], &low["services"], &low["in_force"]["sms"]),
        (&json!("basic"), &json!({}), &daily(10))
    );
    office.site.post("/accounts", gold).await.unfit("plan", "unknown_plan");
    let seen = office.patch(&path, json!({"plan": null})).await.is(200).json();
    assert_eq!((&seen["plan"], &seen["in_force"]["sms"]["on"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn only_a_dealer_has_accounts_below_and_at_most_16_deep() {
    let mut office = Office::open().await;
    let path = office.child_path();
    let below = |parent: &Value| json!({"name": "low", "parent": parent, "dealer": true});
    let mut parent = json!(office.child.id);
    // The child has one account above it.
    for above in 2..=16 {
        let seen = office.site.post("/accounts", below(&parent)).await.is(201).json();
        assert_eq!((&seen["parent"], &seen["dealer"]), (&parent, &json!(true)), "{above} above it");
        parent = seen["id"].clone();
    }
    office.site.post("/accounts", below(&parent)).await.unfit("parent", "too_deep");
    let seen = office.patch(&path, json!({"dealer": false})).await.is(200).json();
    assert_eq!(seen["dealer"], false);
    office.site.post("/accounts", below(&json!(office.child.id))).await.unfit("parent", "not_a_dealer");
    let demo = json!(office.site.account.id);
    office.site.post("/accounts", below(&demo)).await.is(201);
}

#[tokio::test]
async fn a_payment_adds_is_recorded_and_lets_in_again() {
    let mut office = Office::open().await;
    let path = office.child_path();
    office.patch(&path, json!({"days": {"left": 2, "counting": true}})).await.is(200);
    let before = office.site.world.sign_in(&office.carol).await.unwrap();
    office.later(2).await;
    assert_eq!(office.seen().await["blocked"], true);
    let security = office.site.world.security.clone();
    assert!(office.site.world.sign_in(&office.carol).await.is_err(), "blocked");
    let seen = office.pay(json!({"days": 3, "amount": 9_900, "comment": "invoice 17"})).await.is(201).json();
    assert_eq!((&seen["days"]["left"], &seen["days_left"]), (&json!(3), &json!(3)));
    assert_eq!((&seen["balance"]["amount"], &seen["blocked"]), (&json!(9_900), &json!(false)));
    assert_eq!(seen["blocks_at"], "2026-11-23T00:00:00Z");
    assert_eq!(seen, office.seen().await, "the account, as it is now");
    assert!(security.sessions().current(before.id).await.is_err(), "what was begun before is dead");
    let carol = office.site.world.security.users().get(office.carol.id).await.unwrap();
    office.site.jar.clear();
    let admitted = office.site.sign_in(carol.login.as_str()).await;
    assert_eq!(admitted["notice"], json!({"days_left": 3}));
    office.site.jar.clear();
    office.site.sign_in("admin").await;
    office.site.world.advance(TimeDelta::seconds(1));
    office.pay(json!({"amount": -400, "comment": "taken back"})).await.is(201);
    let list = office.payments().await;
    assert_eq!((keys(&list), &list["next"]), (vec!["next", "payments"], &Value::Null));
    let [first, second] = list["payments"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!(keys(first), ["amount", "at", "by", "comment", "days", "id"]);
    assert_eq!(
        (&first["days"], &first["amount"], &first["comment"]),
        (&json!(3), &json!(9_900), &json!("invoice 17"))
    );
    assert_eq!(
        (&second["days"], &second["amount"], &second["by"]),
        (&json!(0), &json!(-400), &json!(office.admin.id))
    );
    let page = office.site.get(&format!("{path}/payments?limit=1")).await.is(200).json();
    assert_eq!((&page["payments"][0], &page["next"]), (first, &first["id"]));
    let after = page["next"].as_str().unwrap();
    let page = office.site.get(&format!("{path}/payments?after={after}")).await.is(200).json();
    assert_eq!(page["payments"], json!([second]));
    let page = Page { after: None, limit: 1000 };
    let events = office.site.world.store.audit(office.child.id.uuid(), page.into()).await.unwrap();
    let told = events.iter().filter(|event| event.action == "payment_recorded").count();
    assert_eq!(told, 2);
}

#[tokio::test]
async fn who_paid_after_the_block_is_told_of_the_next_one() {
    let mut office = Office::open().await;
    let path = office.child_path();
    let dora = office.site.world.user(&office.child, "dora", Some("dora@example.com")).await.unwrap();
    let session = office.site.world.sign_in(&dora).await.unwrap();
    office.site.world.security.notices().set_blocking(session.id, true).await.unwrap();
    office.patch(&path, json!({"days": {"left": 1, "counting": true}})).await.is(200);
    let mut told = Vec::new();
    for (days, paid) in [(0, 0), (2, 0), (0, 10), (3, 0), (1, 0)] {
        office.later(days).await;
        if paid > 0 {
            office.pay(json!({"days": paid, "comment": "late"})).await.is(201);
        }
        office.site.world.run_worker().await.unwrap();
        told.push(office.site.world.mailbox.to("dora@example.com").len());
    }
    assert_eq!(told, [1, 1, 1, 1, 2], "a day before the block, and five before the next one");
}

#[tokio::test]
async fn a_repeated_payment_changes_nothing_and_another_under_its_id_is_refused() {
    let mut office = Office::open().await;
    let body = json!({"id": NOBODY, "days": 30, "comment": "invoice 17"});
    let paid = office.pay(body.clone()).await.is(201).json();
    assert_eq!(paid["days"]["left"], 30);
    for _ in 0..2 {
        assert_eq!(office.pay(body.clone()).await.is(201).json(), paid);
    }
    for other in [
        json!({"id": NOBODY, "days": 31, "comment": "invoice 17"}),
        json!({"id": NOBODY, "days": 30, "comment": "invoice 18"}),
        json!({"id": NOBODY, "days": 30, "amount": 1, "comment": "invoice 17"}),
    ] {
        office.pay(other).await.refused(409, "in_use");
    }
    assert_eq!(office.seen().await, paid);
    assert_eq!(office.payments().await["payments"].as_array().unwrap().len(), 1);
    let demo = format!("/accounts/{}", office.site.account.id);
    let seen = office.site.post(&format!("{demo}/payments"), body).await.is(201).json();
    assert_eq!(seen["days"]["left"], 30, "an id is the account's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_payment_that_is_sent_many_times_at_once_counts_once() {
    let mut office = Office::open().await;
    let uri = format!("{MOUNT}{}/payments", office.child_path());
    let cookies: Vec<String> =
        office.site.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = json!({"id": NOBODY, "amount": 7, "comment": "once"}).to_string();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = Request::builder()
            .method("POST")
            .uri(&uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, cookies.join("; "));
        let mut request = request.body(Body::from(body.clone())).unwrap();
        request.extensions_mut().insert(portcullis_axum::PeerAddress::from(office.site.peer));
        tasks.spawn(exchange(office.site.app.clone(), request));
    }
    let replies = tasks.join_all().await;
    assert!(replies.iter().all(|reply| reply.status.as_u16() == 201), "{replies:?}");
    assert_eq!(office.seen().await["balance"]["amount"], 7);
    assert_eq!(office.payments().await["payments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_an_account_gets_is_said_from_above_it() {
    let mut office = Office::open().await;
    let security = office.site.world.security.clone();
    let (child, bob) = (office.child.id, office.bob.id);
    let grant = async |rights: &[AccessRight]| {
        let rights = rights.iter().copied().collect();
        security.rights().grant_on_account(Actor::Program, child, bob, &rights).await.unwrap();
    };
    grant(&[AccessRight::ManageAccount]).await;
    office.as_bob(&[]).await;
    let path = office.child_path();
    let before = office.seen().await;
    assert_eq!(
        (&before["may"]["change"]["allowed"], &before["may"]["bill"]["allowed"]),
        (&json!(true), &json!(false))
    );
    for body in [
        json!({"days": {"left": 99}}),
        json!({"balance": {"amount": 99}}),
        json!({"balance": {"block_below": null}}),
        json!({"services": {"sms": {"on": true}}}),
        json!({"services": {"sms": null}}),
        json!({"plan": null}),
        json!({"dealer": true}),
        json!({"blocked": false}),
        json!({"name": "mine", "days": {"counting": false}}),
    ] {
        let refused = office.patch(&path, body.clone()).await.refused(403, "not_allowed");
        assert_eq!(missing(&refused), ["manage_account"], "{body}");
    }
    let refused = office.pay(json!({"days": 99, "comment": "mine"})).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_account"]);
    assert_eq!(office.seen().await, before, "nothing changed");
    assert_eq!(office.payments().await["payments"], json!([]), "he sees what others paid in");
    assert_eq!(office.patch(&path, json!({"name": "mine"})).await.is(200).json()["name"], "mine");

    let all_but = AccessRight::ALL.into_iter().filter(|right| *right != AccessRight::ManageAccount);
    grant(&all_but.collect::<Vec<_>>()).await;
    let payments = format!("{path}/payments");
    let refused = office.site.get(&payments).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_account"]);
    let body = json!({"days": 1, "comment": "x"});
    let mut answers = Vec::new();
    for id in [NOBODY.to_owned(), office.eve.account.to_string(), office.carol.id.to_string(), "x".to_owned()]
    {
        let path = format!("/accounts/{id}/payments");
        for reply in [office.site.get(&path).await, office.site.post(&path, body.clone()).await] {
            answers.push(reply.text.clone());
            reply.refused(404, "not_found");
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn what_no_account_takes_is_refused_by_its_field_and_changes_nothing() {
    let mut office = Office::open().await;
    office.patch(&office.child_path(), json!({"days": {"left": 5, "counting": true}})).await.is(200);
    let (before, path) = (office.seen().await, office.child_path());
    let payments = format!("{path}/payments");
    // What a field says, the field that the answer names, and its code.
    let of_account = [
        (r#""time_zone":"Mars/Olympus""#, "time_zone", "invalid_time_zone"),
        (r#""days":{"left":36526}"#, "days", "invalid_days"),
        (r#""days":{"left":-36526}"#, "days", "invalid_days"),
        (r#""days":{"minimum":36526}"#, "days", "invalid_days"),
        (r#""days":{"left":9223372036854775807}"#, "days", "invalid_days"),
        (r#""days":{"left":-9223372036854775808}"#, "days", "invalid_days"),
        (r#""days":{"left":9223372036854775808}"#, "days", "invalid_type"),
        (r#""days":{"left":1.5}"#, "days", "invalid_type"),
        (r#""days":{"left":1e400}"#, "days", "invalid_value"),
        (r#""days":{"left":"7"}"#, "days", "invalid_type"),
        (r#""days":{"counting":1}"#, "days", "invalid_type"),
        (r#""days":7"#, "days", "invalid_type"),
        (r#""days":{"as_of":"2026-11-18"}"#, "as_of", "unknown_field"),
        (r#""balance":{"amount":9007199254740992}"#, "balance", "invalid_balance"),
        (r#""balance":{"block_below":-9007199254740992}"#, "balance", "invalid_balance"),
        (r#""balance":{"limit_below":0.5}"#, "balance", "invalid_type"),
        (r#""balance":{"amount":-1e400}"#, "balance", "invalid_value"),
        (r#""balance":{"currency":"EUR"}"#, "currency", "unknown_field"),
        (r#""services":{"sms":{"on":true,"quota":-1}}"#, "services", "invalid_type"),
        (r#""services":{"sms":{"on":true,"quota":1.5}}"#, "services", "invalid_type"),
        (r#""services":{"sms":{"on":true,"quota":4294967296}}"#, "services", "invalid_type"),
        (r#""services":{"sms":{"on":true,"quota":1e400}}"#, "services", "invalid_value"),
        (r#""services":{"sms":{"quota":1}}"#, "services", "missing"),
        (r#""services":{"sms":{"on":true,"period":"year"}}"#, "services", "invalid_period"),
        (r#""services":{"fax":{"on":true}}"#, "fax", "unknown_field"),
        (r#""dealer":"yes""#, "dealer", "invalid_type"),
        (r#""plan":7"#, "plan", "invalid_type"),
        (r#""plan":"gold""#, "plan", "unknown_plan"),
        (r#""lifts":7"#, "lifts", "unknown_field"),
        (r#""days_left":7"#, "days_left", "unknown_field"),
    ];
    for (said, field, code) in of_account {
        send_text(&mut office.site, "PATCH", &path, &format!("{{{said}}}")).await.unfit(field, code);
        let new = format!(r#"{{"name":"low","parent":"{}",{said}}}"#, office.child.id);
        send_text(&mut office.site, "POST", "/accounts", &new).await.unfit(field, code);
    }
    for (said, field, code) in [
        (r#""plans":[]"#, "plans", "invalid_type"),
        (r#""plans":{"a":7}"#, "plans", "invalid_type"),
        (r#""plans":{"a":{"sms":{"on":true,"quota":-1}}}"#, "plans", "invalid_type"),
        (r#""plans":{"a":{"fax":{"on":true}}}"#, "fax", "unknown_field"),
        (r#""plans":{" ":{}}"#, "plans", "invalid_plans"),
    ] {
        send_text(&mut office.site, "PATCH", &path, &format!("{{{said}}}")).await.unfit(field, code);
    }
    let long = format!(r#""days":1,"comment":"{}""#, "ä".repeat(501));
    for (said, field, code) in [
        (r#""days":1"#, "comment", "missing"),
        (r#""days":1,"comment":null"#, "comment", "missing"),
        (r#""days":1,"comment":"""#, "comment", "invalid_comment"),
        (r#""days":1,"comment":"  ""#, "comment", "invalid_comment"),
        (r#""days":1,"comment":"a\nb""#, "comment", "invalid_comment"),
        (&long, "comment", "invalid_comment"),
        (r#""comment":"x""#, "days", "missing"),
        (r#""days":0,"amount":0,"comment":"x""#, "days", "missing"),
        (r#""days":1.5,"comment":"x""#, "days", "invalid_type"),
        (r#""days":1e400,"comment":"x""#, "days", "invalid_value"),
        (r#""days":"1","comment":"x""#, "days", "invalid_type"),
        (r#""days":36526,"comment":"x""#, "days", "invalid_days"),
        (r#""days":-9223372036854775808,"comment":"x""#, "days", "invalid_days"),
        (r#""amount":9007199254740992,"comment":"x""#, "amount", "invalid_amount"),
        (r#""amount":0.1,"comment":"x""#, "amount", "invalid_type"),
        (r#""amount":1e400,"comment":"x""#, "amount", "invalid_value"),
        (r#""id":"x","days":1,"comment":"x""#, "id", "invalid_id"),
        (r#""days":1,"days":2,"comment":"x""#, "days", "duplicate_field"),
        (r#""days":1,"comment":"x","by":"me""#, "by", "unknown_field"),
    ] {
        send_text(&mut office.site, "POST", &payments, &format!("{{{said}}}")).await.unfit(field, code);
    }
    for (query, field, code) in [
        ("limit=0", "limit", "invalid_query"),
        ("limit=1001", "limit", "invalid_query"),
        ("after=1", "after", "invalid_query"),
        ("user=x", "user", "unknown_field"),
    ] {
        office.site.get(&format!("{payments}?{query}")).await.unfit(field, code);
    }
    assert_eq!(office.seen().await, before);
    assert_eq!(office.payments().await["payments"], json!([]));
}

#[tokio::test]
async fn no_payment_makes_a_counter_overflow() {
    const MOST: i64 = (1 << 53) - 1;
    let mut office = Office::open().await;
    let path = office.child_path();
    for (sign, most) in [(1, MOST), (-1, -MOST)] {
        let body = json!({
            "days": {"left": sign * 36_525, "minimum": 0, "counting": false},
            "balance": {"amount": most, "block_below": null},
        });
        let before = office.patch(&path, body).await.is(200).json();
        for days in [1, 36_525] {
            office.pay(json!({"days": sign * days, "comment": "x"})).await.unfit("days", "invalid_days");
        }
        for amount in [1, MOST] {
            office
                .pay(json!({"amount": sign * amount, "comment": "x"}))
                .await
                .unfit("amount", "invalid_balance");
        }
        let both = json!({"days": -sign, "amount": sign, "comment": "x"});
        office.pay(both).await.unfit("amount", "invalid_balance");
        assert_eq!(office.seen().await, before, "neither wrapped nor cut off, and no half of it");
        assert_eq!(office.payments().await["payments"], json!([]));
    }
    let back = office.pay(json!({"days": 1, "amount": 1, "comment": "x"})).await.is(201).json();
    assert_eq!((&back["days"]["left"], &back["balance"]["amount"]), (&json!(-36_524), &json!(1 - MOST)));
}

//! The demo account runs out, its user is told, and a payment moves the date.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Program};
use crate::tools::{advance, api, hidden, last_code, messages, post, sign_in};

const DAY: i64 = 24 * 60 * 60;

fn now(program: &Program) -> DateTime<Utc> {
    let reply = program.client().json("POST", "/dev/clock", &json!({"advance_seconds": 0}));
    time(&reply.json()["now"])
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn enter(program: &Program, login: &str) -> (Client, Value) {
    let mut client = program.client();
    let admitted = api(&mut client, "POST", "/sign-in", &json!({"login": login, "password": PASSWORD}), 200);
    assert_eq!(admitted["status"], "admitted");
    (client, admitted["notice"].clone())
}

/// The mails to alice but for codes.
fn told(program: &Program) -> usize {
    let to_alice = |message: &&Value| message["to"] == "alice@example.com";
    messages(program).iter().filter(to_alice).count() - 1
}

#[test]
fn the_demo_account_has_what_the_documents_say() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut admin, notice) = enter(&program, "admin");
    assert_eq!(notice, json!({}), "twenty days are no reason to warn");
    let account = &api(&mut admin, "GET", "/settings", &Value::Null, 200)["account"];
    let path = format!("/accounts/{}", account["id"].as_str().unwrap());
    let demo = api(&mut admin, "GET", &path, &Value::Null, 200);
    assert_eq!(demo["days"], json!({"left": 20, "minimum": 0, "counting": true}));
    assert_eq!((&demo["days_left"], &demo["blocked"]), (&json!(20), &json!(false)));
    assert_eq!(demo["services"]["sms"], json!({"on": true, "quota": 1000, "period": "day"}));
    assert_eq!(demo["services"]["email_notification"]["on"], true);
    let carol = api(&mut admin, "GET", "/users?login=carol", &Value::Null, 200)["users"][0].clone();
    let path = format!("/accounts/{}", carol["account"].as_str().unwrap());
    let child = api(&mut admin, "GET", &path, &Value::Null, 200);
    assert_eq!((&child["name"], &child["parent"]), (&json!("child"), &demo["id"]));
    assert_eq!(child["blocks_at"], demo["blocks_at"], "it is blocked with the account above it");
    let (status, _) = program.stop();
    assert!(status.success());
}

#[test]
fn a_user_is_told_once_a_day_until_a_payment_comes() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let (mut alice, _) = enter(&program, "alice");
    api(&mut alice, "PUT", "/notices/blocking", &json!({"enabled": true}), 409);
    let pending = api(&mut alice, "PUT", "/email", &json!({"address": "alice@example.com"}), 202);
    let (code, _) = last_code(&program);
    let confirm = json!({"challenge": pending["challenge"], "code": code});
    api(&mut alice, "POST", "/email/confirm", &confirm, 200);
    let notices = api(&mut alice, "PUT", "/notices/blocking", &json!({"enabled": true}), 200);
    assert_eq!(notices["blocking"]["enabled"], true);
    assert_eq!(api(&mut alice, "DELETE", "/email", &Value::Null, 409)["code"], "in_use");
    let first = time(&notices["blocking"]["first_notice"]);
    let wait = first - now(&program);
    assert!(wait > TimeDelta::days(13) && wait < TimeDelta::days(16), "{wait}");

    advance(&program, wait.num_seconds() - 60);
    assert_eq!(told(&program), 0);
    advance(&program, 120);
    assert_eq!(told(&program), 1);
    let last = messages(&program).pop().unwrap();
    assert!(last["text"].as_str().unwrap().contains('5'), "{last}");
    advance(&program, DAY);
    assert_eq!(told(&program), 2);
    let (_, notice) = enter(&program, "alice");
    assert_eq!(notice, json!({"days_left": 4}));

    let (mut admin, _) = enter(&program, "admin");
    let account = api(&mut admin, "GET", "/settings", &Value::Null, 200)["account"]["id"].clone();
    let path = format!("/accounts/{}/payments", account.as_str().unwrap());
    let payment = json!({"days": 30, "amount": 9_900, "comment": "invoice 17"});
    let paid = api(&mut admin, "POST", &path, &payment, 201);
    assert_eq!((&paid["days"]["left"], &paid["balance"]["amount"]), (&json!(34), &json!(9_900)));
    advance(&program, 2 * DAY);
    assert_eq!(told(&program), 2, "no mail for a date that was moved");
    let (mut alice, notice) = enter(&program, "alice");
    assert_eq!(notice, json!({}));
    let blocking = api(&mut alice, "GET", "/settings", &Value::Null, 200)["notices"]["blocking"].clone();
    let wait = time(&blocking["first_notice"]) - now(&program);
    advance(&program, wait.num_seconds() + 60);
    assert_eq!(told(&program), 3, "the new date has its mails too");

    advance(&program, 6 * DAY);
    let password = json!({"login": "alice", "password": PASSWORD});
    let refused = api(&mut program.client(), "POST", "/sign-in", &password, 401);
    assert_eq!(refused["code"], "bad_credentials", "the account has run out");
    let (status, said) = program.stop();
    assert!(status.success(), "{said}");
}

/// The page of the demo account, and the hidden fields of its form.
fn account_page(admin: &mut Client) -> (String, String) {
    let account = api(admin, "GET", "/settings", &Value::Null, 200)["account"]["id"].clone();
    let path = format!("/admin/accounts/{}", account.as_str().unwrap());
    let page = admin.get(&path).body;
    (path, page)
}

#[test]
fn an_administrator_pays_and_moves_the_date_by_forms() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = program.client();
    assert_eq!(sign_in(&mut admin, "admin", PASSWORD).status, 200);
    let (path, page) = account_page(&mut admin);
    assert!(page.contains("name=\"left\" type=\"text\" autocomplete=\"off\" value=\"20\""), "{page}");
    assert!(page.contains("No payments were recorded.") && page.contains("Blocking date: <time"), "{page}");

    let mut pay = hidden(&page, "/admin/accounts/pay");
    pay.extend([("days", "10"), ("amount", "9900")]);
    let reply = post(&mut admin, "/admin/accounts/pay", &pay);
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("A payment has days or an amount"), "{}", reply.body);
    assert!(reply.body.contains("id=\"payment-problem\"") && reply.body.contains("value=\"9900\""));
    pay.push(("comment", "invoice <17>"));
    let reply = post(&mut admin, "/admin/accounts/pay", &pay);
    assert_eq!((reply.status, reply.header("location")), (303, path.as_str()), "{}", reply.body);
    let twice = post(&mut admin, "/admin/accounts/pay", &pay);
    assert_eq!(twice.status, 303, "a form that is sent twice is one payment: {}", twice.body);
    let paid = admin.get(&path).body;
    assert_eq!(paid.matches("invoice &#60;17&#62;").count(), 1, "{paid}");
    assert!(paid.contains("The payment was recorded.") && paid.contains("invoice &#60;17&#62;"), "{paid}");
    assert!(paid.contains("Days: 10, amount: 9900") && paid.contains("value=\"30\""), "{paid}");

    // The page from before the payment takes back neither its days nor its amount.
    let mut old = hidden(&page, "/admin/accounts/bill");
    old.extend([
        ("left", "20"),
        ("amount", "0"),
        ("minimum", "-3"),
        ("counting", "on"),
        ("limit_below", "-5"),
    ]);
    let reply = post(&mut admin, "/admin/accounts/bill", &old);
    assert_eq!(reply.status, 303, "{}", reply.body);
    let demo = api(&mut admin, "GET", &path.replace("/admin", ""), &Value::Null, 200);
    assert_eq!(demo["days"], json!({"left": 30, "minimum": -3, "counting": true}));
    assert_eq!(demo["balance"], json!({"amount": 9900, "block_below": null, "limit_below": -5}));

    let page = admin.get(&path).body;
    for (left, plan) in [("many", ""), ("99999999", ""), ("4", "gold")] {
        let mut fields = hidden(&page, "/admin/accounts/bill");
        let rest = [("left", left), ("amount", "9900"), ("minimum", "0"), ("counting", "on"), ("plan", plan)];
        fields.extend(rest);
        let reply = post(&mut admin, "/admin/accounts/bill", &fields);
        assert_eq!(reply.status, 422, "{left} {plan}");
        assert!(
            reply.body.contains("id=\"billing-problem\"")
                && reply.body.contains(&format!("value=\"{left}\""))
        );
    }
    let mut fields = hidden(&page, "/admin/accounts/bill");
    fields.extend([("left", "4"), ("amount", "9900"), ("minimum", "0"), ("counting", "on")]);
    assert_eq!(post(&mut admin, "/admin/accounts/bill", &fields).status, 303);
    assert!(admin.get("/settings").body.contains(": 4 days left</p>"), "the banner came with the date");
    let mut bob = program.client();
    assert_eq!(sign_in(&mut bob, "bob", PASSWORD).status, 200);
    assert_eq!(
        post(&mut bob, "/admin/accounts/bill", &fields).status,
        404,
        "who may not see it finds nothing"
    );
    let (status, said) = program.stop();
    assert!(status.success(), "{said}");
}

#[test]
fn who_may_only_name_an_account_finds_what_it_gets_switched_off() {
    let folder = crate::support::Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut admin = program.client();
    assert_eq!(sign_in(&mut admin, "admin", PASSWORD).status, 200);
    let found = api(&mut admin, "GET", "/users?login=carol", &Value::Null, 200)["users"][0].clone();
    let (carol, child) = (found["id"].as_str().unwrap(), found["account"].as_str().unwrap());
    let rights = json!({"item": child, "rights": ["view", "manage_account"]});
    api(&mut admin, "POST", &format!("/users/{carol}/rights"), &rights, 204);
    let mut client = program.client();
    assert_eq!(sign_in(&mut client, "carol", PASSWORD).status, 200);
    let path = format!("/admin/accounts/{child}");
    let page = client.get(&path).body;
    let control = |id: &str| {
        let (_, rest) = page.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("{id}: {page}"));
        rest.split_once('>').unwrap().0.contains(" disabled")
    };
    for id in ["service-sms", "quota", "period", "service-email", "days-left", "plan", "bill"] {
        assert!(control(id), "{id}");
    }
    assert!(!control("name") && !control("zone") && !control("form"));
    assert!(page.contains("id=\"block-gates\"") && !page.contains("id=\"block-go\""), "{page}");
    assert!(!page.contains("id=\"pay\""), "{page}");
    let mut fields = hidden(&page, "/admin/accounts/change");
    fields.extend([("name", "fleet"), ("zone", "UTC")]);
    assert_eq!(post(&mut client, "/admin/accounts/change", &fields).status, 303);
    let seen = api(&mut admin, "GET", &format!("/accounts/{child}"), &Value::Null, 200);
    assert_eq!(seen["name"], "fleet");
    let (status, said) = program.stop();
    assert!(status.success(), "{said}");
}

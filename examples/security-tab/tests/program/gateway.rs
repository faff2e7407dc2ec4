//! `--sms-http`: codes leave by a gateway, and what it reports comes back.

use serde_json::{Value, json};

use crate::support::{Act, Client, Folder, Gateway, PASSWORD, Program, Submission, report};
use crate::tools::{advance, api, hidden, messages, sign_in, signed_in};

const NUMBER: &str = "+37120000045";

fn program(folder: &Folder, gateway: &Gateway) -> Program {
    Program::dev_with(folder, &["--sms-http", &gateway.url()], &Gateway::variables())
}

/// Asks for a code to the number; the challenge, when the SMS is out.
fn ask(program: &Program, alice: &mut Client) -> Value {
    let body = json!({"method": "sms", "phone": NUMBER});
    let asked = api(alice, "POST", "/two-factor/challenge", &body, 202);
    messages(program);
    asked
}

/// The only SMS that was submitted.
fn only(gateway: &Gateway) -> Submission {
    let taken = gateway.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.into_iter().next().unwrap()
}

/// What the trail tells of reports, oldest first.
fn reported(alice: &mut Client) -> Vec<String> {
    let trail = api(alice, "GET", "/audit?limit=100", &Value::Null, 200);
    let events = trail["events"].as_array().unwrap().iter();
    let states = events.filter(|event| event["action"] == "sms_reported");
    states.map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
}

/// What the account of the demo users has used.
fn usage(program: &Program) -> Value {
    let mut admin = program.client();
    api(&mut admin, "POST", "/sign-in", &json!({"login": "admin", "password": PASSWORD}), 200);
    let account = api(&mut admin, "GET", "/settings", &Value::Null, 200)["account"]["id"].clone();
    api(&mut admin, "GET", &format!("/accounts/{}/usage", account.as_str().unwrap()), &Value::Null, 200)
}

/// What became of the reports so far.
fn counted(program: &Program) -> Value {
    program.client().get("/dev/health").json()["reports"].clone()
}

#[test]
fn a_code_leaves_by_the_gateway_and_its_reports_come_back() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let program = program(&folder, &gateway);
    let mut alice = signed_in(&program, "alice");
    let asked = ask(&program, &mut alice);
    let sms = only(&gateway);
    assert_eq!(sms.to, NUMBER);
    assert!(sms.reports.starts_with("/sms/reports/"), "{}", sms.reports);

    for state in ["sent", "delivered"] {
        assert_eq!(sms.report(program.client(), state).status, 200, "{state}");
    }
    assert_eq!(reported(&mut alice), ["on_its_way", "delivered"]);
    let phone = api(&mut alice, "GET", "/settings", &Value::Null, 200)["phone"].clone();
    assert_eq!(phone["confirmed"], false, "an SMS that arrived confirms nothing");

    let body = json!({"method": "sms", "challenge": asked["challenge"], "code": sms.code()});
    let on = api(&mut alice, "PUT", "/two-factor", &body, 200);
    assert_eq!(on["method"], "sms");
    let counts = json!({"kept": 2, "unknown": 0, "repeated": 0, "late": 0, "forged": 0});
    assert_eq!(counted(&program), counts);

    // The account's page tells what it has used.
    let mut admin = signed_in(&program, "admin");
    let account = api(&mut admin, "GET", "/settings", &Value::Null, 200)["account"]["id"].clone();
    let page = admin.get(&format!("/admin/accounts/{}", account.as_str().unwrap())).body;
    assert!(page.contains("<dd id=\"usage-sms\">1 of 1000, counted anew at <time"), "{page}");
    assert!(page.contains("<dd id=\"usage-sms-budget\">1 of 1000, counted anew at <time"), "{page}");
    assert!(page.contains("<dd id=\"usage-mails\">0, no limit</dd>"), "{page}");
}

#[test]
fn reports_that_are_forged_late_unknown_or_repeated_change_nothing_and_are_counted() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let program = program(&folder, &gateway);
    let mut alice = signed_in(&program, "alice");
    ask(&program, &mut alice);
    let sms = only(&gateway);

    let forged = report(program.client(), &sms.reports, "delivered");
    assert_eq!(forged.status, 401);
    let guessed = program.client().with("Authorization", "Basic Z2F0ZXdheTpndWVzcw==");
    assert_eq!(report(guessed, &sms.reports, "delivered").status, 401);
    assert_eq!((reported(&mut alice), &counted(&program)["forged"]), (vec![], &json!(2)));

    assert_eq!(sms.report(program.client(), "delivered").status, 200);
    for (state, told) in [("delivered", "repeated"), ("sent", "late"), ("failed", "another end")] {
        assert_eq!(sms.report(program.client(), state).status, 200, "{told}: it must not come again");
    }
    let unknown =
        Submission { reports: "/sms/reports/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9".to_owned(), ..sms.clone() };
    assert_eq!(unknown.report(program.client(), "delivered").status, 200);
    // What means nothing to anybody is no attack.
    assert_eq!(sms.report(program.client(), "queued").status, 200);
    assert_eq!(reported(&mut alice), ["delivered"]);
    let counts = json!({"kept": 1, "unknown": 1, "repeated": 1, "late": 2, "forged": 2});
    assert_eq!(counted(&program), counts);
}

#[test]
fn a_report_before_the_answer_is_asked_for_again() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let program = program(&folder, &gateway);
    let mut alice = signed_in(&program, "alice");
    gateway.act(Act::ReportFirst);
    ask(&program, &mut alice);
    let sms = only(&gateway);
    let (status, again) = sms.early.clone().unwrap();
    assert_eq!(status, 503);
    assert!(again.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{again}");
    let counts = json!({"kept": 0, "unknown": 0, "repeated": 0, "late": 0, "forged": 0});
    assert_eq!((reported(&mut alice), counted(&program)), (vec![], counts));
    assert_eq!(sms.report(program.client(), "delivered").status, 200);
    assert_eq!(reported(&mut alice), ["delivered"]);
}

#[test]
fn a_gateway_that_refuses_the_password_stops_all_sms_until_it_takes_it() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let program = program(&folder, &gateway);
    let stopped = || program.client().get("/dev/health").json()["sms_stopped_until"].clone();
    gateway.act(Act::Refuse);
    let mut alice = signed_in(&program, "alice");
    ask(&program, &mut alice);
    assert_eq!(stopped(), Value::Null, "what one number meets is not yet the set-up's fault");
    let mut admin = signed_in(&program, "admin");
    let body = json!({"method": "sms", "phone": "+37120000046"});
    api(&mut admin, "POST", "/two-factor/challenge", &body, 202);
    messages(&program);
    assert!(stopped().is_string());
    assert_eq!(gateway.taken().len(), 0);
    gateway.act(Act::Take);
    advance(&program, 120);
    advance(&program, 120);
    let mut numbers: Vec<_> = gateway.taken().into_iter().map(|sms| sms.to).collect();
    numbers.sort();
    assert_eq!((numbers, stopped()), (vec![NUMBER.to_owned(), "+37120000046".to_owned()], Value::Null));
}

#[test]
fn an_sms_whose_answer_is_lost_is_submitted_once_and_told_as_it_is() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let program = program(&folder, &gateway);
    let mut alice = signed_in(&program, "alice");
    gateway.act(Act::Cut);
    let asked = ask(&program, &mut alice);
    assert_eq!(asked.get("delivery"), None);
    let delivery = |alice: &mut Client| {
        let settings = api(alice, "GET", "/settings", &Value::Null, 200);
        settings["two_factor"]["pending"]["delivery"].clone()
    };
    assert_eq!(delivery(&mut alice), "ambiguous");
    let words = "<p class=\"message caution\" id=\"two-factor-code-problem\" role=\"alert\">";
    let page = alice.get("/settings").body;
    assert!(page.contains(&format!("{words}The message may have been sent.</p>")), "{page}");
    let of_code = format!("challenge={}", asked["challenge"].as_str().unwrap());
    let form = "application/x-www-form-urlencoded";
    let told = alice.send("POST", "/code/delivery", form, &of_code);
    assert_eq!((told.status, told.body.contains("The message may have been sent.")), (200, true));

    // Never again by itself, and one charge; a report may still come.
    advance(&program, 59);
    messages(&program);
    let first = only(&gateway);
    assert_eq!(usage(&program)["sms"]["used"], 1);
    api(&mut alice, "POST", "/two-factor/challenge", &json!({"method": "sms", "phone": NUMBER}), 429);
    // After the cool-down the user may ask again.
    advance(&program, 1);
    gateway.act(Act::Take);
    let again = json!({"challenge": asked["challenge"]});
    api(&mut alice, "POST", "/two-factor/challenge/resend", &again, 200);
    messages(&program);
    let taken = gateway.taken();
    assert_eq!((taken.len(), usage(&program)["sms"]["used"].clone()), (2, json!(2)));
    assert_eq!(first.code(), taken[1].code(), "both open the same");
    assert_eq!(delivery(&mut alice), Value::Null, "what was sent needs no word");
    assert_eq!(alice.send("POST", "/code/delivery", form, &of_code).status, 204);
    let page = alice.get("/settings").body;
    assert!(!page.contains("The message may have been sent."), "{page}");
    let body = json!({"method": "sms", "challenge": asked["challenge"], "code": first.code()});
    api(&mut alice, "PUT", "/two-factor", &body, 200);

    // At the sign-in, in the language of the user.
    let mut admin = program.client();
    api(&mut admin, "POST", "/sign-in", &json!({"login": "admin", "password": PASSWORD}), 200);
    let found = api(&mut admin, "GET", "/users?login=alice", &Value::Null, 200);
    let path = format!("/users/{}", found["users"][0]["id"].as_str().unwrap());
    api(&mut admin, "PATCH", &path, &json!({"language": "ru"}), 200);
    advance(&program, 60);
    gateway.act(Act::Cut);
    let mut again = program.client();
    let page = sign_in(&mut again, "alice", PASSWORD).body;
    let challenge = hidden(&page, "/sign-in/code")[0].1.to_owned();
    messages(&program);
    let russian =
        format!("{}Сообщение, возможно, было отправлено.</p>", words.replace("two-factor", "sign-in"));
    let page = again.get("/sign-in/code").body;
    assert!(page.contains(&russian), "{page}");
    let told = again.send("POST", "/code/delivery", form, &format!("challenge={challenge}"));
    assert!(told.body.contains("Сообщение, возможно, было отправлено."), "{}", told.body);
    assert_eq!(again.send("POST", "/code/delivery", form, "challenge=nonsense").status, 410);
}

#[test]
fn nobody_can_report_without_a_secret() {
    let (folder, gateway) = (Folder::new(), Gateway::start());
    let [password, _] = Gateway::variables();
    let program = Program::dev_with(&folder, &["--sms-http", &gateway.url()], &[password]);
    let mut alice = signed_in(&program, "alice");
    ask(&program, &mut alice);
    let sms = only(&gateway);
    assert_eq!(sms.reports, "");
    let path = "/sms/reports/018f3c2e-6f2a-7c1d-9a51-0d9a7c1be2d9";
    assert_eq!(report(program.client(), path, "delivered").status, 404);
}

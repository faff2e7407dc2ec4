//! The `/dev` routes.

use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, Program};
use crate::tools::{api, sign_in};

#[test]
fn each_route_takes_and_refuses_what_it_says() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let user = |login: &str| json!({"login": login, "account": "child", "password": "pass word"});
    let with = |login: &str, name: &str, value: Value| {
        let mut user = user(login);
        user[name] = value;
        user
    };
    for (path, body, status, code) in [
        ("/dev/clock", json!({"advance_seconds": 5}), 200, ""),
        ("/dev/clock", json!({"advance_seconds": -5}), 200, ""),
        ("/dev/clock", json!({"advance_seconds": "5"}), 422, "invalid_type"),
        ("/dev/clock", json!({}), 422, "missing"),
        ("/dev/clock", json!({"advance_seconds": i64::MAX}), 422, "out_of_range"),
        ("/dev/clock", json!({"advance_seconds": 1, "x": 1}), 422, "unknown_field"),
        ("/dev/clock", json!([1]), 400, "malformed"),
        ("/dev/run-worker", Value::Null, 200, ""),
        ("/dev/run-worker", json!({}), 200, ""),
        ("/dev/run-worker", json!({"x": 1}), 422, "unknown_field"),
        ("/dev/fail", json!({"channel": "email", "mode": "down"}), 204, ""),
        ("/dev/fail", json!({"channel": "email", "mode": "slow"}), 204, ""),
        ("/dev/fail", json!({"channel": "email", "mode": "off"}), 204, ""),
        ("/dev/fail", json!({"channel": "email", "mode": "up"}), 422, "invalid_mode"),
        ("/dev/fail", json!({"channel": "fax", "mode": "down"}), 422, "invalid_channel"),
        ("/dev/users", user("dora"), 201, ""),
        ("/dev/users", user("dora"), 409, "login_taken"),
        ("/dev/users", user(" x"), 422, "invalid_login"),
        ("/dev/users", with("e1", "account", json!("nowhere")), 422, "invalid_account"),
        (
            "/dev/users",
            with("e1", "account", json!("00000000-0000-7000-8000-000000000000")),
            404,
            "not_found",
        ),
        ("/dev/users", with("e1", "password", json!("")), 422, "missing"),
        ("/dev/users", with("e1", "email", json!("e@")), 422, "invalid_email"),
        ("/dev/users", with("e1", "flags", json!({"fly": true})), 422, "unknown_field"),
        ("/dev/users", with("e1", "time_zone", json!("Riga")), 422, "invalid_time_zone"),
        ("/dev/users", with("e1", "language", json!("../en")), 422, "invalid_language"),
        ("/dev/users", with("e1", "x", json!(1)), 422, "unknown_field"),
    ] {
        let reply = program.client().json("POST", path, &body);
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.body);
        if !code.is_empty() {
            assert_eq!(reply.json()["code"], code, "{path} {body}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
    }
    let mut client = program.client();
    assert_eq!(client.get("/dev/clock").status, 405);
    assert_eq!(client.get("/dev/messages").body, "[]");
    let page = client.with("Accept", "text/html,*/*;q=0.8").get("/dev/messages");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.contains("Nothing was sent yet."));
}

#[test]
fn a_user_made_here_is_ready() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let flags = json!({"change_password": true, "send_sms": true, "disabled": false});
    let user = json!({"login": "dora", "account": "child", "password": "pass word", "email": "dora@example.com",
        "flags": flags, "time_zone": "Europe/Riga", "language": "ru"});
    let made = program.client().json("POST", "/dev/users", &user);
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    assert_eq!((&made["login"], &made["email"]), (&json!("dora"), &json!("dora@example.com")));
    assert_eq!(made["flags"]["send_sms"], true);
    assert_eq!(made["flags"]["create_items"], false);
    let mut dora = program.client();
    api(&mut dora, "POST", "/sign-in", &json!({"login": "dora", "password": "pass word"}), 200);
    let settings = api(&mut dora, "GET", "/settings", &Value::Null, 200);
    assert_eq!(settings["email"]["confirmed"], true);
    assert_eq!(settings["user"]["time_zone"], "Europe/Riga");
    assert_eq!(settings["account"]["name"], "child");
    assert!(sign_in(&mut program.client(), "dora", "pass word").body.contains("Europe/Riga"));

    let off = json!({"login": "erik", "account": made["account"], "password": "pass word", "flags": {"disabled": true}});
    assert_eq!(program.client().json("POST", "/dev/users", &off).status, 201);
    api(&mut program.client(), "POST", "/sign-in", &json!({"login": "erik", "password": "pass word"}), 401);
}

#[test]
fn only_this_machine_under_its_own_name_is_answered() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let port = program.address.rsplit_once(':').unwrap().1;
    let routes = [
        "/dev/messages",
        "/dev/states",
        "/dev/states/en-sign-in",
        "/dev/templates",
        "/dev/templates/de",
        "/dev/timeline",
    ];
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("127.0.0.1".to_owned(), 403),
        (format!("evil.example:{port}"), 403),
        (format!("127.0.0.1.evil.example:{port}"), 403),
    ] {
        for route in routes {
            let reply = program.client().with("Host", &host).get(route);
            assert_eq!(reply.status, status, "{host} {route}");
        }
        let reply = program.client().with("Host", &host).json("POST", "/dev/run-worker", &Value::Null);
        assert_eq!(reply.status, status, "{host}");
    }
    let own = format!("http://{}", program.address);
    for (name, value, status) in [
        ("Origin", own.as_str(), 200),
        ("Origin", "http://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "same-origin", 200),
        ("Sec-Fetch-Site", "cross-site", 403),
    ] {
        for route in routes {
            assert_eq!(
                program.client().with(name, value).get(route).status,
                status,
                "{name} {value} {route}"
            );
        }
        let reply =
            program.client().with(name, value).json("POST", "/dev/clock", &json!({"advance_seconds": 0}));
        assert_eq!(reply.status, status, "{name} {value}");
    }
}

#[test]
fn the_gallery_shows_every_state() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let gallery = program.client().get("/dev/states");
    let names: Vec<_> =
        gallery.body.split("href=\"/dev/states/").skip(1).map(|r| r.split('"').next().unwrap()).collect();
    assert!(names.len() > 100, "{}", names.len());
    for name in names.iter().step_by(7) {
        let state = program.client().get(&format!("/dev/states/{name}"));
        assert!(state.status == 200 && state.body.starts_with("<!doctype"), "{name}");
    }
    assert_eq!(program.client().get("/dev/states/nothing").status, 404);
    assert!(
        sign_in(&mut program.client(), "alice", PASSWORD).body.contains("/dev/messages"),
        "the strip links there"
    );
}

#[test]
fn the_templates_show_every_message_in_every_language() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let mut kinds = Vec::new();
    for (tag, word) in [("en", "Code for signing in"), ("ru", "Код"), ("es", "Código"), ("de", "Anmeldung")]
    {
        let page = program.client().get(&format!("/dev/templates/{tag}"));
        assert_eq!(page.status, 200, "{tag}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        let own: Vec<_> =
            page.body.split("<article ").skip(1).map(|rest| rest.split("id=\"").nth(1)).collect();
        let own: Vec<_> =
            own.into_iter().map(|rest| rest.unwrap().split('"').next().unwrap().to_owned()).collect();
        assert!(own.len() > 10 && own.contains(&"blocking_notice".to_owned()), "{own:?}");
        assert_eq!(page.body.matches("<iframe class=\"mail-html\"").count(), own.len());
        assert_eq!(page.body.matches("sandbox=\"\"").count(), own.len(), "no frame may run a script");
        assert!(page.body.contains(&format!("lang=&#34;{tag}&#34;")), "the frames are in {tag}");
        assert!(page.body.contains(&format!("<pre class=\"mail-text\" lang=\"{tag}\">")), "{tag}");
        assert!(page.body.contains(word), "{tag}");
        kinds.push(own);
    }
    kinds.dedup();
    assert_eq!(kinds.len(), 1, "the same kinds in every language");
    let first = program.client().get("/dev/templates");
    assert_eq!(first.body, program.client().get("/dev/templates/en").body);
    assert_eq!(program.client().get("/dev/templates/fr").status, 404);
    assert!(program.client().get("/dev/states").body.contains("href=\"/dev/templates\""));
}

#[test]
fn a_user_of_a_language_the_pages_lack_reads_english_pages_and_own_messages() {
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    for (login, language, subject) in [
        ("dora", "de", "Code zur Bestätigung Ihrer E-Mail-Adresse"),
        ("elsa", "es-mx", "Código para confirmar"),
    ] {
        let user = json!({"login": login, "account": "child", "password": "pass word", "language": language});
        assert_eq!(program.client().json("POST", "/dev/users", &user).status, 201);
        let mut client = program.client();
        let page = sign_in(&mut client, login, "pass word");
        assert!(page.body.contains("<html lang=\"en\">"), "{}", page.body);
        let address = format!("{login}@example.com");
        let mut api_client = program.client();
        api(&mut api_client, "POST", "/sign-in", &json!({"login": login, "password": "pass word"}), 200);
        api(&mut api_client, "PUT", "/email", &json!({"address": address}), 202);
        assert_eq!(program.client().json("POST", "/dev/run-worker", &Value::Null).status, 200);
        let sent = program.client().get("/dev/messages").json();
        let mail = sent.as_array().unwrap().iter().find(|mail| mail["to"] == address.as_str()).unwrap();
        assert!(mail["subject"].as_str().unwrap().starts_with(subject), "{mail}");
        let settings = api(&mut api_client, "GET", "/settings", &Value::Null, 200);
        assert_eq!(settings["user"]["language"], language, "what was wished is kept");
    }
}

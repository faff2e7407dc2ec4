//! Input nobody should send: refused by its field before anything is hashed, and before the store is asked for more than
//! who is asking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use portcullis::Portcullis;
use portcullis::memory::MemoryStore;
use portcullis::password::argon2::HashPool;
use portcullis::port::hasher::{HashError, PasswordHash, PasswordHasher, Verified};
use portcullis::secret::Password;
use portcullis::testing::World;
use portcullis::testing::faulty::FaultyStore;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::PASSWORD;
use portcullis_axum::{HttpOptions, PeerAddress, router};
use serde_json::{Value, json};

use crate::client::{ALICE, MOUNT, PUBLIC, Reply, SESSION, exchange};
use crate::office::NOBODY;

/// Hashes at almost no cost, and counts how often.
struct Counting {
    pool: HashPool,
    asked: AtomicU32,
}

#[async_trait]
impl PasswordHasher for Counting {
    async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.pool.hash(password, salt).await
    }

    async fn verify<'a>(
        &self,
        password: &Password,
        hash: Option<&'a PasswordHash>,
    ) -> Result<Verified, HashError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.pool.verify(password, hash).await
    }
}

/// The routes over a store and a hasher that count, and alice's session.
struct Counted {
    app: Router,
    store: Arc<FaultyStore<MemoryStore>>,
    hasher: Arc<Counting>,
    cookie: String,
}

impl Counted {
    async fn new() -> Self {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let world = World::on(Arc::clone(&store) as _);
        let account = world.account("demo").await.unwrap();
        let alice = world.user(&account, "alice", Some(ALICE)).await.unwrap();
        let session = world.sign_in(&alice).await.unwrap();
        let pool = HashPool::with_cheap_cost_for_tests().unwrap();
        let hasher = Arc::new(Counting { pool, asked: AtomicU32::new(0) });
        let security = Portcullis::builder_on(Arc::clone(&store) as _)
            .keyring(world.security.keyring())
            .mail(Mailbox::new())
            .public_url(PUBLIC)
            .hasher(Arc::clone(&hasher) as _)
            .clock(world.clock.clone())
            .build()
            .unwrap();
        let cookie = format!("{SESSION}={}", security.sessions().token(session.id));
        let app = Router::new().nest(MOUNT, router(security, HttpOptions::new(PUBLIC).unwrap()));
        Self { app, store, hasher, cookie }
    }

    async fn send(&self, route: &str, body: String) -> Reply {
        let (method, path) = route.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("{MOUNT}{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &self.cookie);
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(PeerAddress::from(std::net::IpAddr::from([192, 0, 2, 1])));
        self.store.reset();
        self.hasher.asked.store(0, Ordering::Relaxed);
        exchange(self.app.clone(), request).await
    }

    /// It costs nothing but the look at who is asking, and says nothing of what was sent.
    fn is_cheap(&self, route: &str, reply: &Reply, value: &str) {
        let reads = u64::from(!route.starts_with("POST /sign-in"));
        assert_eq!(self.hasher.asked.load(Ordering::Relaxed), 0, "{route}: nothing is hashed");
        assert!(self.store.reads() <= reads, "{route}: {} reads", self.store.reads());
        assert_eq!((self.store.commits(), self.store.lists()), (0, 0), "{route}");
        assert!(value.len() < 6 || !reply.text.contains(value), "{route} repeats what was sent");
        assert!(reply.cookies().is_empty(), "{route}");
    }
}

/// Each route with a body that it would take.
fn bodies() -> Vec<(&'static str, Value)> {
    let code = || json!({"challenge": "x", "code": "123456"});
    let quiet = "seven quiet lanterns";
    vec![
        ("POST /sign-in", json!({"login": "alice", "password": PASSWORD})),
        ("POST /sign-in/code", code()),
        ("POST /sign-in/resend", json!({"challenge": "x"})),
        ("POST /reauthenticate", json!({"password": PASSWORD})),
        ("PUT /email", json!({"address": "new@example.com"})),
        ("POST /email/confirm", code()),
        ("POST /email/resend", json!({"challenge": "x"})),
        ("POST /password", json!({"current": PASSWORD, "new": quiet, "repeat": quiet})),
        ("POST /two-factor/challenge", json!({"method": "email", "address": "new@example.com"})),
        ("POST /two-factor/challenge", json!({"method": "sms", "phone": "+37120000045"})),
        ("POST /two-factor/challenge/resend", json!({"challenge": "x"})),
        ("PUT /two-factor", json!({"method": "email", "challenge": "x", "code": "123456"})),
        ("PUT /flespi", json!({"token": "aB3x".repeat(16), "region": "eu"})),
        ("POST /flespi/hand-off/x", json!({"message": "x"})),
        ("POST /users", json!({"login": "dora", "account": NOBODY})),
        (PATCH_USER, json!({"email": "new@example.com", "time_zone": "Europe/Riga", "language": "ru"})),
        ("POST /accounts", json!({"name": "low", "parent": NOBODY})),
        (PATCH_ACCOUNT, json!({"name": "low", "time_zone": "Europe/Riga"})),
    ]
}

const PATCH_USER: &str = "PATCH /users/00000000-0000-7000-8000-000000000000";
const PATCH_ACCOUNT: &str = "PATCH /accounts/00000000-0000-7000-8000-000000000000";

/// Whether a field may be left out.
fn optional(route: &str, field: &str) -> bool {
    matches!(field, "address" | "phone") || route.starts_with("PATCH ")
}

/// Texts that no field of a kind takes, by the names of the fields, with the code that says so.
fn texts() -> Vec<(&'static [&'static str], &'static str, Vec<String>)> {
    let digits = |many: usize| "1".repeat(many);
    let around = |c: char| vec![format!("{c}123456"), format!("123{c}456"), format!("123456{c}")];
    // Separate accents, letters that only look alike, text that runs the other way, nothing that can be seen.
    let letters =
        ["e\u{301}", "\u{131}", "\u{430}", "\u{202e}", "\u{200b}", "\u{feff}", "\r\nBcc: x@y.zz", "\0"];
    let mut addresses = Vec::new();
    for letter in letters {
        addresses.push(format!("ali{letter}ce@example.com"));
        addresses.push(format!("alice@exam{letter}ple.com"));
        addresses.push(format!("alice@example.com{letter}"));
    }
    addresses.extend([
        String::new(),
        "\"a b\"@example.com".to_owned(),
        "alice@[192.0.2.1]".to_owned(),
        "alice@example.com,bob@example.com".to_owned(),
        format!("{}@example.com", "a".repeat(65)),
        format!("alice@{}.com", "a.".repeat(200)),
        "a".repeat(60_000),
    ]);
    let mut codes = vec![digits(5), digits(11), digits(60_000), "12345x".to_owned(), "-12345".to_owned()];
    codes.extend(["\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}".to_owned(), "１２３４５６".to_owned()]);
    codes.extend(['\u{200b}', '\u{202e}', '\0', '+', '.'].into_iter().flat_map(around));
    let invisible = ["ali\u{202e}ce", "ali\u{200b}ce", "ali\r\nce", "ali\0ce", "\u{feff}alice", " alice", ""];
    let mut logins: Vec<_> = invisible.map(str::to_owned).to_vec();
    logins.extend(["a".repeat(51), "ı".repeat(60_000 / 2)]);
    let mut phones: Vec<_> = [
        "",
        "20000045",
        "37120000045",
        "0037120000045",
        "+37120000045;+37120000046",
        "+37120000045,+37120000046",
        "+37120000045 +37120000046",
        "+371 20000045",
        "+37120000045x12",
        "+37120000045;ext=1",
        "tel:+37120000045",
        "+371CALLNOW",
        "+３７１２００００００４５",
        "+371\u{661}\u{662}\u{663}\u{664}\u{665}",
        "+3712000004512345",
        "+0371200000",
        "++37120000045",
    ]
    .map(str::to_owned)
    .to_vec();
    phones.extend(['\u{200b}', '\u{202e}', '\0', '\n'].map(|c| format!("+371{c}20000045")));
    phones.push("1".repeat(60_000));
    let ids = vec![String::new(), "demo".into(), format!(" {NOBODY}"), "0".repeat(60_000)];
    let tokens = vec![
        String::new(),
        "x".repeat(63),
        "x".repeat(65),
        format!("flespitoken {}", "x".repeat(64)),
        format!("{}\n", "x".repeat(63)),
        "ｘ".repeat(64),
        "x".repeat(60_000),
    ];
    let regions = ["", "EU", "EU ", "eu ", "eu.evil.com", "ru@evil", "ｅｕ", "https://flespi.io"];
    vec![
        (&["token"], "invalid_token", tokens),
        (&["region"], "invalid_region", regions.map(str::to_owned).to_vec()),
        (&["address", "email"], "invalid_email", addresses),
        (&["code"], "invalid_code", codes),
        (&["login"], "invalid_login", logins),
        (&["password", "current", "new", "repeat"], "too_long", vec!["x".repeat(1025), "ж".repeat(30_000)]),
        (&["password", "current", "new", "repeat"], "missing", vec![String::new()]),
        (&["account", "parent"], "invalid_id", ids),
        (&["phone"], "invalid_phone", phones),
        (&["name"], "invalid_name", vec![String::new(), " ".into(), "a\0b".into(), "x".repeat(101)]),
        (&["time_zone"], "invalid_time_zone", vec![String::new(), "Riga".into(), "x".repeat(60_000)]),
        (&["language"], "invalid_language", vec![String::new(), "?".into(), "x".repeat(60_000)]),
    ]
}

#[tokio::test]
async fn what_no_field_takes_is_refused_by_name_before_any_work() {
    let counted = Counted::new().await;
    let mut seen = BTreeMap::new();
    for (route, body) in bodies() {
        for (fields, code, texts) in texts() {
            for field in fields.iter().filter(|field| body.get(**field).is_some()) {
                for text in &texts {
                    let mut body = body.clone();
                    body[*field] = json!(text);
                    let reply = counted.send(route, body.to_string()).await;
                    counted.is_cheap(route, &reply, text);
                    let problem = reply.refused(422, code);
                    assert_eq!(problem["field"], *field, "{route} {text:.40}: {problem}");
                    *seen.entry(*field).or_insert(0) += 1;
                }
            }
        }
    }
    let fields: Vec<_> = seen.keys().copied().collect();
    let expected = [
        "account",
        "address",
        "code",
        "current",
        "email",
        "language",
        "login",
        "name",
        "new",
        "parent",
        "password",
        "phone",
        "region",
        "repeat",
        "time_zone",
        "token",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn what_is_no_text_is_refused_by_name_before_any_work() {
    let counted = Counted::new().await;
    for (route, body) in bodies() {
        for field in body.as_object().unwrap().keys() {
            for value in [json!(123_456), json!(1.5), json!(true), json!(["123456"]), json!({"a": "b"})] {
                let mut body = body.clone();
                body[field] = value;
                let reply = counted.send(route, body.to_string()).await;
                counted.is_cheap(route, &reply, "123456");
                let problem = reply.refused(422, "invalid_type");
                assert_eq!(problem["field"], *field, "{route}: {problem}");
            }
            // What may be left out may be `null`.
            if !optional(route, field) {
                for gone in [Some(Value::Null), None] {
                    let mut body = body.clone();
                    match gone {
                        Some(null) => body[field] = null,
                        None => drop(body.as_object_mut().unwrap().remove(field)),
                    }
                    let reply = counted.send(route, body.to_string()).await;
                    counted.is_cheap(route, &reply, "");
                    let problem = reply.refused(422, "missing");
                    assert_eq!(problem["field"], *field, "{route}: {problem}");
                }
            }
            let twice = body.to_string().replacen('{', &format!("{{\"{field}\":\"x\","), 1);
            let reply = counted.send(route, twice).await;
            counted.is_cheap(route, &reply, "");
            assert_eq!(reply.refused(422, "duplicate_field")["field"], *field, "{route}");
        }
        let mut more = body.clone();
        more["admin"] = json!(true);
        let reply = counted.send(route, more.to_string()).await;
        counted.is_cheap(route, &reply, "");
        assert_eq!(reply.refused(422, "unknown_field")["field"], "admin", "{route}");
    }
}

#[tokio::test]
async fn what_is_no_object_or_too_large_is_refused_before_any_work() {
    let counted = Counted::new().await;
    let large = |text: String| (413, "too_large", text);
    for (route, body) in bodies() {
        let field = body.as_object().unwrap().keys().next().unwrap().clone();
        for (status, code, text) in [
            (422, "invalid_json", String::new()),
            (422, "invalid_json", "null".to_owned()),
            (422, "invalid_json", "[]".to_owned()),
            (422, "invalid_json", format!("[{body}]")),
            (422, "invalid_json", format!("{body}{body}")),
            (422, "invalid_json", "[".repeat(60_000)),
            large(json!({&*field: "1".repeat(64 * 1024)}).to_string()),
            large(json!({&*field: "1".repeat(1_000_000)}).to_string()),
        ] {
            let reply = counted.send(route, text).await;
            counted.is_cheap(route, &reply, "");
            let problem = reply.refused(status, code);
            assert!(status == 413 || problem["field"] == "body", "{route}: {problem}");
        }
    }
}

#[tokio::test]
async fn a_query_that_says_nothing_is_refused_by_name_before_any_work() {
    let counted = Counted::new().await;
    for (query, field, code) in [
        ("/users?login=", "login", "invalid_login"),
        ("/users?account=demo", "account", "invalid_query"),
        ("/users?after=1", "after", "invalid_query"),
        ("/users?limit=0", "limit", "invalid_query"),
        ("/users?limit=1001", "limit", "invalid_query"),
        ("/users?limit=ten", "limit", "invalid_query"),
        ("/users?name=bob", "name", "unknown_field"),
        ("/audit?user=alice", "user", "invalid_query"),
        ("/audit?after=1", "after", "invalid_query"),
        ("/audit?limit=1001", "limit", "invalid_query"),
        ("/audit?page=2", "page", "unknown_field"),
    ] {
        let route = format!("GET {query}");
        let reply = counted.send(&route, String::new()).await;
        counted.is_cheap(&route, &reply, "");
        assert_eq!(reply.refused(422, code)["field"], field, "{route}");
    }
}

#[tokio::test]
async fn what_no_account_takes_is_refused_before_any_work() {
    let counted = Counted::new().await;
    let path = format!("/accounts/{NOBODY}");
    let (change, pay) = (format!("PATCH {path}"), format!("POST {path}/payments"));
    let new = |more: &str| format!(r#"{{"name":"x","parent":"{NOBODY}",{more}}}"#);
    for (route, body, field) in [
        (&*change, r#"{"days":{"left":36526}}"#.to_owned(), "days"),
        (&change, r#"{"balance":{"amount":9007199254740992}}"#.to_owned(), "balance"),
        (&change, r#"{"services":{"sms":{"on":true,"quota":-1}}}"#.to_owned(), "services"),
        (&change, r#"{"days":{"left":1e400}}"#.to_owned(), "days"),
        ("POST /accounts", new(r#""days":{"minimum":-36526}"#), "days"),
        ("POST /accounts", new(r#""balance":{"block_below":1.5}"#), "balance"),
        ("POST /accounts", new(r#""time_zone":"Mars/Olympus""#), "time_zone"),
        (&pay, r#"{"days":36526,"comment":"x"}"#.to_owned(), "days"),
        (&pay, r#"{"amount":1e400,"comment":"x"}"#.to_owned(), "amount"),
        (&pay, r#"{"days":1}"#.to_owned(), "comment"),
        (&pay, format!(r#"{{"days":1,"comment":"{}"}}"#, "x".repeat(60_000)), "comment"),
        ("PUT /notices/blocking", r#"{"enabled":"yes"}"#.to_owned(), "enabled"),
    ] {
        let reply = counted.send(route, body.clone()).await;
        counted.is_cheap(route, &reply, &body);
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["field"]),
            (422, &json!(field)),
            "{route} {body:.60}"
        );
    }
}

/// The counting works: a fitting body is hashed for, and read for.
#[tokio::test]
async fn what_fits_is_worked_for() {
    for (route, body) in bodies() {
        let counted = Counted::new().await;
        let hashes = ["POST /sign-in", "POST /reauthenticate", "POST /password"].contains(&route);
        let reply = counted.send(route, body.to_string()).await;
        assert!(reply.status.as_u16() != 422, "{route}: {reply:?}");
        assert_eq!(counted.hasher.asked.load(Ordering::Relaxed) > 0, hashes, "{route}");
    }
}

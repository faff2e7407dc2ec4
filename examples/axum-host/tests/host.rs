//! The host with our routes: one cookie, its own users, its own words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum_host::{Database, app, security};
use portcullis::Portcullis;
use portcullis::account::NewAccount;
use portcullis::contact::Email;
use portcullis::id::UserId;
use portcullis::keyring::Keyring;
use portcullis::language::Language;
use portcullis::password::argon2::HashPool;
use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::port::hasher::PasswordHasher as _;
use portcullis::secret::Password;
use portcullis::testing::mailbox::Mailbox;
use portcullis::user::{Flags, Login, NewUser, User};
use portcullis_axum::{HttpOptions, PeerAddress};
use portcullis_sqlite::SqliteStore;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

const PASSWORD: &str = "bonjour tristesse";

#[tokio::test]
async fn one_cookie_of_the_host_carries_our_session() {
    let site = Site::new("cookie").await;
    assert_eq!(site.get("/", "").await.text, "Bonjour, qui êtes-vous ?\n");
    assert_eq!(site.post("/trips", "", Value::Null).await.status, StatusCode::UNAUTHORIZED);
    let planted = "carnet=planted";
    let first = site.sign_in(planted).await;
    assert!(
        first.cookie.starts_with("carnet=") && first.cookies == 2,
        "the host's, and the one of the browser"
    );
    assert_eq!(
        site.get("/", planted).await.text,
        "Bonjour, qui êtes-vous ?\n",
        "the planted one is worth nothing"
    );
    assert_eq!(site.get("/", &first.cookie).await.text, "Bonjour Amélie, trajets : 0\n");
    assert_eq!(site.post("/trips", &first.cookie, Value::Null).await.status, StatusCode::CREATED);
    assert_eq!(site.get("/", &first.cookie).await.text, "Bonjour Amélie, trajets : 1\n");

    let second = site.sign_in(&first.cookie).await;
    assert_eq!(site.get("/", &first.cookie).await.text, "Bonjour, qui êtes-vous ?\n", "it was replaced");
    let out = site.post("/api/security/sign-out", &second.cookie, Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(site.get("/", &second.cookie).await.text, "Bonjour, qui êtes-vous ?\n");
}

#[tokio::test]
async fn a_session_that_ends_in_portcullis_ends_in_the_host() {
    let site = Site::new("ends").await;
    let session = site.sign_in("").await;
    let other = site.sign_in("").await;
    let ended = site.send("DELETE", "/api/security/sessions/others", &other.cookie, Value::Null).await;
    assert!(ended.status.is_success(), "{ended:?}");
    assert_eq!(site.post("/trips", &session.cookie, Value::Null).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn mails_come_in_the_words_of_the_host() {
    let site = Site::new("words").await;
    let session = site.sign_in("").await;
    let asked =
        site.post("/api/security/two-factor/challenge", &session.cookie, json!({"method": "email"})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    site.portcullis.worker().pass().await.unwrap();
    let mails = site.mailbox.mails();
    assert_eq!(mails[0].subject, "Carnet : code de vérification");
    assert!(mails[0].text.starts_with("Pour activer la vérification en deux étapes de amelie"));
    assert!(mails[0].html.contains("<p>Pour activer la vérification"));
}

#[tokio::test]
async fn a_driver_is_a_user_of_ours() {
    let site = Site::new("driver").await;
    let stranger = UserId::from_uuid(Uuid::from_u128(7));
    let refused = site.database.add_driver(stranger, "Personne").unwrap_err();
    assert_eq!(refused.to_string(), "host: its database failed");
    assert_eq!(site.database.driver(site.amelie.id).unwrap().name, "Amélie");
}

struct Site {
    folder: PathBuf,
    portcullis: Portcullis,
    database: Database,
    mailbox: Mailbox,
    amelie: User,
    app: Router,
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    /// The first cookie, as it is sent back.
    cookie: String,
    cookies: usize,
    text: String,
}

impl Site {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("axum-host-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("carnet.db");
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let database = Database::open(&file).unwrap();
        let mailbox = Mailbox::new();
        let hasher = Arc::new(HashPool::with_cheap_cost_for_tests().unwrap());
        let keys = Keyring::generate(&SystemRandom::default(), SystemClock::default().now()).unwrap();
        let builder =
            security(store).unwrap().keyring(keys).mail(mailbox.clone()).hasher(Arc::clone(&hasher) as _);
        let portcullis = builder.public_url("https://carnet.test").build().unwrap();
        let account = portcullis.accounts().create(NewAccount::named("Carnet")).await.unwrap();
        let mut amelie = NewUser::new(Login::parse("amelie").unwrap(), account.id);
        let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
        amelie.password = Some(hasher.hash(&password, [7; 16]).await.unwrap());
        amelie.long_enough_alone = true;
        amelie.flags = Flags::all();
        amelie.language = Language::parse("fr").unwrap();
        amelie.confirmed_email = Some(Email::parse("amelie@carnet.test").unwrap());
        let amelie = portcullis.users().create(amelie).await.unwrap();
        database.add_driver(amelie.id, "Amélie").unwrap();
        let app = app(portcullis.clone(), database.clone(), HttpOptions::new("https://carnet.test").unwrap());
        Self { folder, portcullis, database, mailbox, amelie, app }
    }

    async fn sign_in(&self, cookie: &str) -> Reply {
        let body = json!({"login": "amelie", "password": PASSWORD});
        let reply = self.post("/api/security/sign-in", cookie, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply
    }

    async fn get(&self, path: &str, cookie: &str) -> Reply {
        self.send("GET", path, cookie, Value::Null).await
    }

    async fn post(&self, path: &str, cookie: &str, body: Value) -> Reply {
        self.send("POST", path, cookie, body).await
    }

    async fn send(&self, method: &str, path: &str, cookie: &str, body: Value) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
        if !body.is_null() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(PeerAddress::from(IpAddr::from([192, 0, 2, 1])));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let given = parts.headers.get_all(header::SET_COOKIE);
        let first =
            given.iter().next().map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Reply { status: parts.status, cookie: first.unwrap_or_default(), cookies: given.iter().count(), text }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

//! A browser against the routes: it keeps cookies, and shows what came back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use portcullis::account::Account;
use portcullis::secret::Code;
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions, wrong_code};
use portcullis::user::User;
use portcullis_axum::{HttpOptions, PeerAddress, router};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Where the routes are mounted.
pub(crate) const MOUNT: &str = "/api/security";
/// The public URL.
pub(crate) const PUBLIC: &str = "https://portcullis.test";
/// Alice's address.
pub(crate) const ALICE: &str = "alice@example.com";

/// The routes over a world, and one browser.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) app: Router,
    pub(crate) account: Account,
    pub(crate) jar: BTreeMap<String, String>,
    pub(crate) peer: IpAddr,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::over(World::new(), HttpOptions::new(PUBLIC).unwrap()).await
    }

    pub(crate) async fn with(options: WorldOptions) -> Self {
        Self::over(World::with(options), HttpOptions::new(PUBLIC).unwrap()).await
    }

    pub(crate) async fn over(world: World, options: HttpOptions) -> Self {
        let account = world.account_with_sms("demo").await.unwrap();
        let app = Router::new().nest(MOUNT, router(world.security.clone(), options));
        Self { world, app, account, jar: BTreeMap::new(), peer: IpAddr::from([192, 0, 2, 1]) }
    }

    /// With alice, who has a confirmed address.
    pub(crate) async fn of_alice() -> (Self, User) {
        let site = Self::new().await;
        let alice = site.user("alice", Some(ALICE)).await;
        (site, alice)
    }

    /// With alice signed in.
    pub(crate) async fn signed_in() -> (Self, User) {
        let (mut site, alice) = Self::of_alice().await;
        site.sign_in("alice").await;
        (site, alice)
    }

    /// With alice signed in and two-factor authentication on.
    pub(crate) async fn with_two_factor() -> (Self, User) {
        let (mut site, alice) = Self::signed_in().await;
        let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.json();
        let code = site.code(ALICE).await;
        let body = json!({"method": "email", "challenge": asked["challenge"], "code": code});
        site.put("/two-factor", body).await.is(200);
        (site, alice)
    }

    pub(crate) async fn user(&self, login: &str, email: Option<&str>) -> User {
        self.world.user(&self.account, login, email).await.unwrap()
    }

    /// Signs in by the password alone.
    pub(crate) async fn sign_in(&mut self, login: &str) -> Value {
        let reply = self.post("/sign-in", json!({"login": login, "password": PASSWORD})).await.is(200).json();
        assert_eq!(reply["status"], "admitted", "{reply}");
        reply
    }

    /// Gives the right password, and the challenge that follows.
    pub(crate) async fn ask_code(&mut self) -> Value {
        let reply =
            self.post("/sign-in", json!({"login": "alice", "password": PASSWORD})).await.is(200).json();
        assert_eq!(reply["status"], "code_required", "{reply}");
        reply["challenge"].clone()
    }

    /// The code that arrived.
    pub(crate) async fn code(&self, address: &str) -> String {
        self.arrived(address).await.expose().to_owned()
    }

    /// A code like the one that arrived, but another.
    pub(crate) async fn wrong_code(&self, address: &str) -> String {
        wrong_code(&self.arrived(address).await).expose().to_owned()
    }

    async fn arrived(&self, address: &str) -> Code {
        self.world.run_worker().await.unwrap();
        self.world.mailbox.last_code(address).unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Reply {
        self.send("DELETE", path, None).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{MOUNT}{path}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await
    }

    /// Sends a request with the cookies of the jar, and keeps those that come back.
    pub(crate) async fn raw(&mut self, mut request: Request<Body>) -> Reply {
        if !self.jar.is_empty() {
            let cookies: Vec<String> =
                self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert(PeerAddress::from(self.peer));
        let reply = exchange(self.app.clone(), request).await;
        for (name, value, attributes) in reply.cookies() {
            if attributes.contains("Max-Age=0;") {
                self.jar.remove(&name);
            } else {
                self.jar.insert(name, value);
            }
        }
        reply
    }

    /// The session's cookie, as a thief would copy it.
    pub(crate) fn session(&self) -> String {
        self.jar[SESSION].clone()
    }
}

/// The name of the session's cookie.
pub(crate) const SESSION: &str = "__Host-portcullis";
/// The name of the browser's cookie.
pub(crate) const DEVICE: &str = "__Host-portcullis-device";

pub(crate) async fn exchange(app: Router, request: Request<Body>) -> Reply {
    let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        assert!(!self.text.is_empty(), "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status is this one; a success has the headers of every success.
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        if status == 204 {
            assert_eq!(self.text, "");
        } else if status < 300 {
            assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        }
        self
    }

    /// It is a problem of this status and code, with everything a problem has.
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let reply = self.is(status);
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:portcullis:problem:{code}"));
        let title = problem["title"].as_str().unwrap();
        assert!(!title.is_empty() && !title.ends_with('.'), "{title}");
        let wait = reply.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(wait, problem.get("retry_after").map(Value::to_string), "header and member agree");
        for name in problem.as_object().unwrap().keys() {
            let known = [
                "type",
                "title",
                "status",
                "code",
                "field",
                "missing",
                "reasons",
                "attempts_left",
                "retry_after",
            ];
            assert!(known.contains(&name.as_str()), "{problem}");
        }
        problem
    }

    /// It is a 422 of this code that names this field.
    pub(crate) fn unfit(self, field: &str, code: &str) {
        let problem = self.refused(422, code);
        assert_eq!(problem["field"], field, "{problem}");
    }

    /// Name, value and attributes of each cookie that is set.
    pub(crate) fn cookies(&self) -> Vec<(String, String, String)> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines
            .map(|line| {
                let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), value.to_owned(), attributes.to_owned())
            })
            .collect()
    }

    /// The names of the cookies that are set, and those that are removed in brackets.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        let name = |(name, value, _): (String, String, String)| {
            if value.is_empty() { format!("({name})") } else { name }
        };
        self.cookies().into_iter().map(name).collect()
    }
}

/// The keys of an object, in order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A challenge has exactly these members beside others.
pub(crate) fn is_challenge(value: &Value, destination: &str, others: &[&str]) {
    let mut expected =
        vec!["challenge", "channel", "destination", "expires_at", "resend_at", "attempts_left"];
    expected.extend(others);
    expected.sort_unstable();
    assert_eq!(keys(value), expected, "{value}");
    assert_eq!(value["channel"], "email");
    assert_eq!(value["destination"], destination);
    assert_eq!(value["attempts_left"], 5);
    for time in ["expires_at", "resend_at"] {
        let text = value[time].as_str().unwrap();
        assert!(text.ends_with('Z') && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{text}");
    }
}

//! Mounting: by axum, as a plain service, beside a host's own routes, over a socket, and as described.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::FromRef;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use axum::routing::get;
use axum::{Router, serve};
use portcullis::id::SessionId;
use portcullis::session::CurrentSession;
use portcullis::testing::World;
use portcullis::testing::world::PASSWORD;
use portcullis::{Error, Portcullis};
use portcullis_axum::{
    CurrentUser, HttpOptions, PeerAddress, Security, SecurityService, SessionCarrier, router, service,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

use crate::client::{MOUNT, PUBLIC, SESSION, Site, exchange};

fn options() -> HttpOptions {
    HttpOptions::new(PUBLIC).unwrap()
}

/// Asks the routes themselves: a path and method that is there answers neither 404 nor 405.
#[tokio::test]
async fn the_description_lists_exactly_the_routes_there_are() {
    let mut site = Site::new().await;
    let document = site.get("/openapi.json").await.is(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], MOUNT);
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["responses"].as_object().unwrap().len() > usize::from(path != "/openapi.json"));
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let status = site.send(method, path, None).await.status.as_u16();
            let there = methods.get(method.to_lowercase()).is_some();
            assert_eq!(status != 405, there, "{method} {path}: {status}");
            assert_ne!(status, 404, "{method} {path}");
        }
    }
    let contract = [
        "DELETE /email",
        "DELETE /email/pending",
        "DELETE /flespi",
        "DELETE /phone",
        "DELETE /sessions/others",
        "DELETE /sessions/{id}",
        "DELETE /users/{id}/sessions",
        "DELETE /users/{id}/two-factor",
        "GET /accounts/{id}",
        "GET /accounts/{id}/payments",
        "GET /accounts/{id}/usage",
        "GET /audit",
        "GET /email/undo/{token}",
        "GET /flespi",
        "GET /openapi.json",
        "GET /recovery/{token}",
        "GET /sessions",
        "GET /settings",
        "GET /users",
        "GET /users/{id}",
        "PATCH /accounts/{id}",
        "PATCH /users/{id}",
        "POST /accounts",
        "POST /accounts/{id}/payments",
        "POST /email/confirm",
        "POST /email/resend",
        "POST /email/undo",
        "POST /flespi/check",
        "POST /flespi/hand-off",
        "POST /flespi/hand-off/{nonce}",
        "POST /password",
        "POST /reauthenticate",
        "POST /recovery",
        "POST /recovery/{token}",
        "POST /sign-in",
        "POST /sign-in/code",
        "POST /sign-in/pending",
        "POST /sign-in/resend",
        "POST /sign-out",
        "POST /two-factor/challenge",
        "POST /two-factor/challenge/resend",
        "POST /users",
        "POST /users/{id}/invitation",
        "POST /users/{id}/recovery",
        "POST /users/{id}/rights",
        "PUT /email",
        "PUT /flespi",
        "PUT /notices/blocking",
        "PUT /two-factor",
    ];
    assert_eq!(described, contract.map(str::to_owned).into());
}

#[tokio::test]
async fn a_host_without_axum_mounts_a_plain_service() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::new();
    let account = world.account("demo").await.unwrap();
    world.user(&account, "alice", None).await.unwrap();
    let mut service: SecurityService = service(world.security.clone(), options()).under(MOUNT);
    let body = json!({"login": "alice", "password": PASSWORD}).to_string();
    let mut request = Request::post(format!("{MOUNT}/sign-in"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap();
    request.extensions_mut().insert(PeerAddress::from(SocketAddr::from(([192, 0, 2, 1], 80))));
    let response = is_send(service.call(request)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().starts_with(SESSION));
}

#[tokio::test]
async fn a_host_that_hides_the_peer_gets_no_guess_through() {
    let world = World::new();
    let body = json!({"login": "alice", "password": PASSWORD}).to_string();
    let request = Request::post("/sign-in").header(header::CONTENT_TYPE, "application/json");
    let reply = exchange(router(world.security.clone(), options()), request.body(body.into()).unwrap()).await;
    reply.refused(500, "no_client_address");
}

#[derive(Clone)]
struct Host {
    security: Security,
}

impl FromRef<Host> for Security {
    fn from_ref(host: &Host) -> Self {
        host.security.clone()
    }
}

#[tokio::test]
async fn a_hosts_own_routes_know_the_user() {
    let (mut site, _) = Site::signed_in().await;
    let host = Host { security: Security::new(site.world.security.clone(), options()) };
    let app = Router::new()
        .route("/must", get(async |user: CurrentUser| user.into_session().login.to_string()))
        .route(
            "/may",
            get(async |user: Option<CurrentUser>| user.map_or(String::new(), |u| u.login.to_string())),
        )
        .with_state(host);
    let ask = |path: &str, cookie: &str| {
        let cookie = format!("{SESSION}={cookie}");
        exchange(app.clone(), Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap())
    };
    let cookie = site.session();
    assert_eq!(ask("/must", &cookie).await.text, "alice");
    assert_eq!(ask("/may", &cookie).await.text, "alice");
    site.send("POST", "/sign-out", None).await.is(204);
    let refused = ask("/must", &cookie).await;
    assert_eq!(refused.cookie_names(), [format!("({SESSION})")]);
    refused.refused(401, "signed_out");
    assert_eq!(ask("/may", &cookie).await.text, "");
}

/// A host that keeps the id in a header of its own.
struct Header;

#[async_trait]
impl SessionCarrier for Header {
    async fn read(&self, portcullis: &Portcullis, request: &Parts) -> Result<Option<SessionId>, Error> {
        let token = request.headers.get("x-session").and_then(|value| value.to_str().ok());
        Ok(token.and_then(|token| portcullis.sessions().open_token(token)))
    }

    async fn give(
        &self,
        portcullis: &Portcullis,
        _: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        answer.insert("x-session", portcullis.sessions().token(session.id).parse().unwrap());
        Ok(())
    }

    async fn take(&self, _: &Portcullis, _: &Parts, answer: &mut HeaderMap) -> Result<(), Error> {
        answer.insert("x-session", "none".parse().unwrap());
        Ok(())
    }
}

#[tokio::test]
async fn a_host_may_carry_the_session_itself() {
    let mut site = Site::over(World::new(), options().carrier(Header)).await;
    site.user("alice", Some("alice@example.com")).await;
    let body = json!({"login": "alice", "password": PASSWORD});
    let admitted = site.post("/sign-in", body).await.is(200);
    assert_eq!(admitted.cookie_names(), ["__Host-portcullis-device"]);
    let token = admitted.headers["x-session"].to_str().unwrap().to_owned();
    let ask = |method: &str, path: &str, token: &str| {
        let request =
            Request::builder().method(method).uri(format!("{MOUNT}{path}")).header("x-session", token);
        request.body(Body::empty()).unwrap()
    };
    site.raw(ask("GET", "/settings", &token)).await.is(200);
    let removed = site.raw(ask("DELETE", "/email", &token)).await.is(204);
    let next = removed.headers["x-session"].to_str().unwrap().to_owned();
    let refused = site.raw(ask("GET", "/settings", &token)).await;
    assert_eq!(refused.headers["x-session"], "none");
    refused.refused(401, "signed_out");
    site.raw(ask("GET", "/settings", &next)).await.is(200);
    let out = site.raw(ask("POST", "/sign-out", &next)).await.is(204);
    assert_eq!(out.headers["x-session"], "none");
}

#[tokio::test]
async fn over_a_socket_the_peer_is_who_is_counted() {
    let world = World::new();
    let account = world.account("demo").await.unwrap();
    world.user(&account, "alice", None).await.unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let app = Router::new().nest(MOUNT, router(world.security.clone(), options()));
    let server = tokio::spawn(async move {
        serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    let body = json!({"login": "alice", "password": PASSWORD}).to_string();
    let head = format!(
        "POST {MOUNT}/sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    server.abort();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let fields: BTreeMap<String, &str> = answer
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    assert_eq!(fields["cache-control"], "no-store");
    assert_eq!(fields["content-type"], "application/json");
    assert!(answer.ends_with('}') && answer.contains(r#""status":"admitted""#), "{answer}");
}

#[tokio::test]
async fn an_id_of_the_hosts_own_path_is_not_taken_for_ours() {
    let (mut site, alice) = Site::signed_in().await;
    let routes = router(site.world.security.clone(), options());
    site.app = Router::new().nest("/of/{id}", routes);
    let ask = |path: String| Request::builder().uri(path).body(Body::empty()).unwrap();
    let (account, nobody) = (alice.account, crate::office::NOBODY);
    let seen = site.raw(ask(format!("/of/{account}/users/{}", alice.id))).await.is(200).json();
    assert_eq!(seen["login"], "alice");
    site.raw(ask(format!("/of/{}/users/{nobody}", alice.id))).await.refused(404, "not_found");
}

/// Every future of the routes may move between threads, whatever the body.
#[test]
fn futures_may_move_between_threads() {
    fn check<S: Service<Request<String>, Future: Send> + Send + Sync + Clone>(_: &S) {}
    let world = World::new();
    let service = service(world.security.clone(), options());
    check(&service);
}

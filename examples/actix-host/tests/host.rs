//! Both ways through actix-web: handlers of the host's own, and the whole contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::net::SocketAddr;

use actix_host::{own_routes, whole_contract};
use actix_web::cookie::Cookie;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{self, TestRequest};
use actix_web::{App, rt};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, wrong_code};
use portcullis_axum::HttpOptions;
use serde_json::{Value, json};

const URL: &str = "https://fleet.example.com";

/// Sends a request through a host over this world: status, JSON and cookies that came back.
async fn send(
    world: &World,
    method: Method,
    path: &str,
    cookies: &[Cookie<'static>],
    body: Option<Value>,
) -> (u16, Value, Vec<Cookie<'static>>) {
    let security = &world.security;
    let contract = whole_contract(security.clone(), HttpOptions::new(URL).unwrap());
    let app =
        test::init_service(App::new().configure(own_routes(security.clone())).configure(contract)).await;
    let peer = SocketAddr::from(([192, 0, 2, 1], 4000));
    let mut request = TestRequest::with_uri(path).method(method).peer_addr(peer);
    for cookie in cookies {
        request = request.cookie(cookie.clone());
    }
    if let Some(body) = body {
        request = request.set_json(body);
    }
    let response: ServiceResponse = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let cookies = response.response().cookies().map(Cookie::into_owned).collect();
    let body = test::read_body(response).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null), cookies)
}

fn run(test: impl Future<Output = ()>) {
    rt::System::new().block_on(test);
}

#[test]
fn a_code_is_asked_and_worth_one_admission() {
    run(async {
        let world = World::new();
        let account = world.account("demo").await.unwrap();
        let alice = world.user(&account, "alice", Some("alice@example.com")).await.unwrap();
        let session = world.sign_in(&alice).await.unwrap();
        world.switch_on(session.id, &alice).await.unwrap();

        let credentials = json!({"login": "alice", "password": PASSWORD});
        let (status, asked, cookies) = send(&world, Method::POST, "/sign-in", &[], Some(credentials)).await;
        assert_eq!((status, cookies.len()), (202, 0), "{asked}");
        world.run_worker().await.unwrap();
        let right = world.code_of(&alice).await.unwrap();
        let entered = |code: &str| Some(json!({"challenge": asked["challenge"], "code": code}));
        let wrong = wrong_code(&right);
        let (status, refused, _) = send(&world, Method::POST, "/code", &[], entered(wrong.expose())).await;
        assert_eq!((status, &refused["code"]), (401, &json!("wrong_code")));
        let (status, _, cookies) = send(&world, Method::POST, "/code", &[], entered(right.expose())).await;
        assert_eq!((status, cookies.len()), (200, 2));
        assert!(
            cookies.iter().all(|cookie| cookie.http_only() == Some(true) && cookie.secure() == Some(true))
        );
        let (status, refused, _) = send(&world, Method::POST, "/code", &[], entered(right.expose())).await;
        assert_eq!((status, &refused["code"]), (410, &json!("challenge_dead")));

        let (status, tab, _) = send(&world, Method::GET, "/settings", &cookies, None).await;
        assert_eq!((status, &tab["login"], &tab["two_factor"]), (200, &json!("alice"), &json!("email")));
        let (status, _, gone) = send(&world, Method::POST, "/sign-out", &cookies, None).await;
        assert_eq!((status, gone[0].value()), (204, ""));
        let (status, refused, _) = send(&world, Method::GET, "/settings", &cookies, None).await;
        assert_eq!((status, &refused["code"]), (401, &json!("signed_out")));
    });
}

#[test]
fn wrong_passwords_are_counted_and_told_when_to_come_again() {
    run(async {
        let world = World::new();
        let account = world.account("demo").await.unwrap();
        world.user(&account, "alice", None).await.unwrap();
        let credentials = || Some(json!({"login": "alice", "password": "wrong horse battery"}));
        let mut codes = Vec::new();
        for _ in 0..11 {
            let (status, refused, _) = send(&world, Method::POST, "/sign-in", &[], credentials()).await;
            codes.push((status, refused["code"].as_str().unwrap().to_owned()));
        }
        assert_eq!(codes[0], (401, "bad_credentials".to_owned()));
        assert_eq!(codes[10].0, 429, "{codes:?}");
        let (status, refused, _) =
            send(&world, Method::POST, "/sign-in", &[], Some(json!({"login": " ", "password": "x"}))).await;
        assert_eq!((status, &refused["code"]), (422, &json!("invalid_login")));
    });
}

#[test]
fn the_whole_contract_is_there_too() {
    run(async {
        let world = World::new();
        let account = world.account("demo").await.unwrap();
        world.user(&account, "alice", None).await.unwrap();
        let credentials = json!({"login": "alice", "password": PASSWORD});
        let (status, admitted, cookies) =
            send(&world, Method::POST, "/api/security/sign-in", &[], Some(credentials)).await;
        assert_eq!((status, &admitted["status"]), (200, &json!("admitted")));
        assert_eq!(cookies.len(), 2, "the session, and the one by which the browser is known");
        let (status, tab, _) = send(&world, Method::GET, "/api/security/settings", &cookies, None).await;
        assert_eq!((status, &tab["user"]["login"]), (200, &json!("alice")));
        let (status, problem, _) = send(&world, Method::GET, "/api/security/nowhere", &cookies, None).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    });
}

//! The API, as clients of flespi use it.

use axum::http::Method;
use flespi_stand_in::{FlespiStandIn, Place, Rate, Who};
use serde_json::{Value, json};

use crate::support::{call, get};

const YEAR: i64 = 365 * 24 * 3600;

#[tokio::test]
async fn tokens_are_made_listed_changed_and_deleted() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    let end = stand_in.now() + YEAR;
    let wanted = json!([{"info": "one", "expire": end, "access": {"type": 1}}, {"info": "two", "ttl": 60}]);
    let made = call(Method::POST, url, "/platform/tokens", &by.key, &wanted).await.result();
    assert_eq!(made.len(), 2);
    let (one, two) = (made[0]["id"].as_u64().unwrap(), made[1]["id"].as_u64().unwrap());
    assert_eq!(made[0]["key"].as_str().unwrap().len(), 64);
    assert_eq!((&made[0]["expire"], &made[1]["access"]), (&json!(end), &json!({"type": 0})));

    let listed =
        get(url, &format!("/platform/tokens/{one},{two}?fields=id,info,key"), &by.key).await.result();
    assert_eq!(listed, [json!({"id": one, "info": "one"}), json!({"id": two, "info": "two"})]);
    assert_eq!(get(url, "/platform/tokens/all", &by.key).await.result().len(), 3);
    assert_eq!(get(url, "/platform/tokens/info=two", &by.key).await.result()[0]["id"], json!(two));

    let path = format!("/platform/tokens/{two}");
    let changed =
        call(Method::PUT, url, &path, &by.key, &json!({"info": "second", "ttl": 120})).await.result();
    assert_eq!((&changed[0]["info"], &changed[0]["ttl"]), (&json!("second"), &json!(120)));
    let eternal = call(Method::PUT, url, &path, &by.key, &json!({"ttl": 0})).await;
    assert_eq!((eternal.status, eternal.code()), (400, 400));

    let deleted = call(Method::DELETE, url, &path, &by.key, &Value::Null).await.result();
    assert_eq!(deleted, [json!({"id": two})]);
    let again = call(Method::DELETE, url, &path, &by.key, &Value::Null).await;
    assert_eq!((again.status, again.code()), (404, 404));
    let mixed = get(url, &format!("/platform/tokens/{one},{two}"), &by.key).await;
    assert_eq!((mixed.result().len(), &mixed.json()["errors"][0]["id"]), (1, &json!(two)));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_beside_what_does() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    let post = async |body: Value| call(Method::POST, url, "/platform/tokens", &by.key, &body).await;
    for body in [json!({"ttl": 60}), json!([]), json!("x"), Value::Null, json!([{"info": "eternal"}])] {
        let refused = post(body.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, 400), "{body}");
    }
    let mixed = post(json!([{"ttl": 60}, {"ttl": 0}])).await;
    assert_eq!((mixed.result().len(), mixed.code()), (1, 400));
    assert_eq!(get(url, "/platform/tokens/%7Bid%3E1%7D", &by.key).await.status, 400);
    assert_eq!(get(url, "/platform/nothing", &by.key).await.status, 404);
    assert_eq!(call(Method::PUT, url, "/auth/info", &by.key, &Value::Null).await.status, 405);
}

#[tokio::test]
async fn a_token_is_known_in_its_own_region_only() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (eu, ru) = (stand_in.url(Place::Eu), stand_in.url(Place::Ru));
    let by = stand_in.log_in(Place::Ru);
    assert_eq!(get(ru, "/auth/info", &by.key).await.result()[0]["id"], json!(by.id));
    for (url, key) in [(eu, by.key.as_str()), (ru, ""), (ru, "x"), (ru, &by.key.to_lowercase())] {
        let refused = get(url, "/auth/info", key).await;
        assert_eq!((refused.status, refused.code()), (401, 401));
    }
    let who: Vec<_> = stand_in.requests(Place::Ru).into_iter().map(|seen| seen.who).collect();
    assert_eq!(who, [Who::Token(by.id), Who::Nobody, Who::Unknown, Who::Unknown]);
    assert_eq!(stand_in.requests(Place::Eu)[0].who, Who::Unknown);
    stand_in.forget_requests(Place::Eu);
    assert_eq!((stand_in.requests(Place::Eu), stand_in.connections(Place::Eu)), (vec![], 1));
}

#[tokio::test]
async fn only_a_master_token_reaches_the_platform() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let url = stand_in.url(Place::Eu);
    let acl = json!({"type": 2, "acl": [{"uri": "platform", "methods": ["GET"]}]});
    for access in [json!({"type": 0}), acl] {
        let plain = stand_in.make(Place::Eu, &json!({"ttl": 60, "access": access})).unwrap();
        assert_eq!(get(url, "/auth/info", &plain.key).await.result()[0]["access"], access);
        let refused = get(url, "/platform/tokens/all", &plain.key).await;
        assert_eq!((refused.status, refused.code()), (403, 403));
    }
    let master = stand_in.log_in(Place::Eu);
    let customer = get(url, "/platform/customer?fields=region", &master.key).await.result();
    assert_eq!(customer, [json!({"region": "eu"})]);
    let off = stand_in.make(Place::Eu, &json!({"ttl": 60, "enabled": false})).unwrap();
    assert_eq!(get(url, "/auth/info", &off.key).await.status, 401);
    assert!(stand_in.delete(Place::Eu, master.id));
    assert_eq!(get(url, "/auth/info", &master.key).await.status, 401);
}

#[tokio::test]
async fn each_use_prolongs_a_sliding_token_and_no_fixed_one() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let url = stand_in.url(Place::Eu);
    let sliding = stand_in.make(Place::Eu, &json!({"ttl": 1000})).unwrap();
    let fixed = stand_in.make(Place::Eu, &json!({"expire": stand_in.now() + 1000})).unwrap();
    for _ in 0..3 {
        assert!(stand_in.advance(300));
        let used = get(url, "/auth/info", &sliding.key).await.result();
        assert!(used[0]["accessed"].as_i64() >= used[0]["created"].as_i64().map(|at| at + 300));
        assert_eq!(get(url, "/auth/info", &fixed.key).await.status, 200);
    }
    assert!(stand_in.advance(300));
    assert_eq!(get(url, "/auth/info", &fixed.key).await.status, 401);
    assert_eq!(get(url, "/auth/info", &sliding.key).await.status, 200);
    assert!(stand_in.advance(1000));
    assert_eq!(get(url, "/auth/info", &sliding.key).await.status, 401);
    assert_eq!(stand_in.tokens(Place::Eu), Vec::<Value>::new(), "what has ended was deleted");
}

#[tokio::test]
async fn regions_are_listed_for_everybody_and_lead_here() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let regions = get(stand_in.url(Place::Ru), "/auth/regions", "").await.result();
    let rest: Vec<_> =
        regions.iter().map(|region| (region["name"].as_str(), region["rest"].as_str())).collect();
    let expected = Place::ALL.map(|place| (Some(place.name()), Some(stand_in.url(place))));
    assert_eq!(rest, expected);
    assert_eq!((&regions[0]["default"], &regions[1]["default"]), (&json!(true), &json!(false)));
    for field in ["cdn", "gw", "mqtt", "mqtt-ws"] {
        assert!(regions.iter().all(|region| region[field].is_string()), "{field}");
    }
}

#[tokio::test]
async fn too_many_requests_are_refused_until_the_window_opens() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    stand_in.limit(Place::Eu, Some(Rate { limit: 2, per: 3600 }));
    for expected in [200, 200, 429, 429] {
        assert_eq!(get(url, "/auth/info", &by.key).await.status, expected);
    }
    let refused = get(url, "/auth/info", &by.key).await;
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    stand_in.limit(Place::Eu, None);
    assert_eq!(get(url, "/auth/info", &by.key).await.status, 200);
}

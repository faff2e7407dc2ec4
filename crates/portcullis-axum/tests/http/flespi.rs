//! The flespi connection, from the pop-up's message to the end.

use chrono::TimeDelta;
use portcullis::port::flespi::FlespiError;
use portcullis::testing::flespi::Call;
use serde_json::{Value, json};

use crate::client::{Site, keys};

fn typed() -> String {
    "aB3x".repeat(16)
}

async fn nonce(site: &mut Site) -> String {
    let hand_off = site.send("POST", "/flespi/hand-off", None).await.is(201).json();
    hand_off["nonce"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_login_gives_a_connection_that_is_checked_and_forgotten() {
    let (mut site, _) = Site::signed_in().await;
    let absent = site.get("/flespi").await.is(200).json();
    assert_eq!((&absent["state"], &absent["token"]), (&json!("absent"), &Value::Null));

    let hand_off = site.send("POST", "/flespi/hand-off", None).await.is(201).json();
    assert_eq!(keys(&hand_off), ["expires_at", "nonce", "origins", "url"]);
    assert_eq!(hand_off["origins"], json!(["https://flespi.io", "https://ru.flespi.io"]));
    assert_eq!(hand_off["expires_at"], json!(site.world.now() + TimeDelta::minutes(10)));

    let message = site.world.flespi.log_in("ru");
    let path = format!("/flespi/hand-off/{}", hand_off["nonce"].as_str().unwrap());
    let connected = site.post(&path, json!({"message": message})).await.is(200).json();
    let end = site.world.now() + TimeDelta::days(365);
    assert_eq!(connected["region"], "ru");
    assert_eq!((&connected["source"], &connected["kind"]), (&json!("login"), &json!("standard")));
    assert_eq!(connected["expires_at"], json!(end));
    assert_eq!(site.get("/flespi").await.is(200).json(), connected);
    let mut settings = site.get("/settings").await.is(200).json()["flespi"].clone();
    assert_eq!(settings.as_object_mut().unwrap().remove("change"), Some(json!({"allowed": true})));
    assert_eq!(settings, connected);

    let check = site.send("POST", "/flespi/check", None).await.is(200).json();
    assert_eq!(check, json!({"status": "active", "expires_at": end, "checked_at": site.world.now()}));
    let last = json!({"status": "active", "at": site.world.now()});
    assert_eq!(site.get("/flespi").await.json()["last_check"], last);
    site.world.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
    let unknown = site.send("POST", "/flespi/check", None).await.is(200).json();
    assert_eq!((&unknown["status"], &unknown["last"]), (&json!("unknown"), &last));
    site.world.flespi.go_down(None);

    site.delete("/flespi").await.is(204);
    assert_eq!(site.get("/flespi").await.json(), absent);
    site.send("POST", "/flespi/check", None).await.refused(409, "not_connected");
}

#[tokio::test]
async fn what_is_refused_leaves_the_old_token_and_asks_flespi_nothing() {
    let (mut site, _) = Site::signed_in().await;
    let kept = site.put("/flespi", json!({"token": typed(), "region": "eu"})).await.is(200).json();
    assert_eq!((&kept["token"], &kept["expires_at"]), (&json!("aB3x…"), &Value::Null));
    let other = "z9Y8".repeat(16);
    for region in ["EU ", "eu.evil.com", "ru@evil", "ｅｕ", "ap"] {
        let body = json!({"token": other, "region": region});
        site.put("/flespi", body).await.unfit("region", "invalid_region");
    }
    site.put("/flespi", json!({"token": "x", "region": "eu"})).await.unfit("token", "invalid_token");
    site.put("/flespi", json!({"token": other})).await.unfit("region", "missing");
    let nonce = nonce(&mut site).await;
    let path = format!("/flespi/hand-off/{nonce}");
    let posted = |name: &str| {
        format!(
            "FlespiLogin|token:{{\"token\":\"{other}\",\"region\":{{\"name\":\"{name}\",\
             \"rest\":\"https://evil.example\"}}}}"
        )
    };
    for (message, field, code) in [
        ("hello".to_owned(), "message", "bad_message"),
        ("x".repeat(60_000), "message", "bad_message"),
        (posted("eu.evil.com"), "region", "invalid_region"),
        (posted("ap"), "region", "invalid_region"),
    ] {
        let nonce = self::nonce(&mut site).await;
        let path = format!("/flespi/hand-off/{nonce}");
        site.post(&path, json!({"message": message})).await.unfit(field, code);
    }
    let foreign = [("origin", "https://evil.example"), ("content-type", "application/json")];
    let mut request =
        axum::http::Request::builder().method("POST").uri(format!("{}{path}", crate::client::MOUNT));
    for (name, value) in foreign {
        request = request.header(name, value);
    }
    let message = site.world.flespi.log_in("eu");
    let body = json!({"message": message}).to_string();
    site.raw(request.body(body.into()).unwrap()).await.refused(403, "cross_origin");
    let large = json!({"message": "x".repeat(64 * 1024)});
    site.post(&path, large).await.refused(413, "too_large");
    assert_eq!(site.get("/flespi").await.json(), kept, "the old connection is untouched");
    assert_eq!(site.world.flespi.calls(), [], "no token went anywhere");
}

#[tokio::test]
async fn no_answer_holds_more_of_a_token_than_four_characters() {
    let (mut site, _) = Site::signed_in().await;
    let mut answers = Vec::new();
    answers.push(site.put("/flespi", json!({"token": typed(), "region": "eu"})).await.is(200));
    let message = site.world.flespi.log_in("ru");
    let login = message.split('"').nth(3).unwrap().to_owned();
    assert_eq!(login.len(), 64);
    let path = format!("/flespi/hand-off/{}", nonce(&mut site).await);
    answers.push(site.post(&path, json!({"message": message})).await.is(200));
    let issued = site.get("/flespi").await.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(issued.chars().count(), 5, "four characters and the sign that there are more");
    answers.push(site.post(&path, json!({"message": message})).await);
    answers.push(site.get("/flespi").await);
    answers.push(site.get("/settings").await);
    answers.push(site.send("POST", "/flespi/check", None).await.is(200));
    answers.push(site.get("/audit").await);
    answers.push(site.put("/flespi", json!({"token": typed(), "region": "x y"})).await);
    for answer in &answers {
        for token in [typed(), login.clone()] {
            assert!(!answer.text.contains(token.get(..5).unwrap()), "{}", answer.text);
        }
    }
    assert_eq!(site.world.flespi.count(Call::Issue), 1);
    let calls = site.world.flespi.calls();
    assert!(calls.iter().all(|(region, _)| region.as_str() == "ru"), "{calls:?}");
}

#[tokio::test]
async fn a_nonce_is_of_one_session_alone() {
    let (mut site, _) = Site::signed_in().await;
    let path = format!("/flespi/hand-off/{}", nonce(&mut site).await);
    let message = json!({"message": site.world.flespi.log_in("eu")});
    let jar = site.jar.clone();
    site.sign_in("alice").await;
    site.post(&path, message.clone()).await.refused(410, "hand_off_dead");
    site.jar = jar;
    site.post(&path, message.clone()).await.is(200);
    site.post(&path, message).await.refused(410, "hand_off_dead");
    assert_eq!(site.world.flespi.count(Call::Issue), 1);
}

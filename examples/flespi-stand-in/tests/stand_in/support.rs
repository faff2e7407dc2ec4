//! A client that knows nothing of flespi.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn result(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()["result"].as_array().unwrap().clone()
    }

    pub(crate) fn code(&self) -> u64 {
        self.json()["errors"][0]["code"].as_u64().unwrap()
    }
}

/// Sends a request; `None` if no answer came.
pub(crate) async fn send(request: Request<Body>) -> Option<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.ok()?;
    Some(Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() })
}

/// Calls a method, with the token of this key if there is one.
pub(crate) async fn call(method: Method, url: &str, path: &str, key: &str, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("{url}{path}"));
    if !key.is_empty() {
        request = request.header("authorization", format!("FlespiToken {key}"));
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json");
        Body::from(body.to_string())
    };
    send(request.body(body).unwrap()).await.unwrap()
}

pub(crate) async fn get(url: &str, path: &str, key: &str) -> Answer {
    call(Method::GET, url, path, key, &Value::Null).await
}

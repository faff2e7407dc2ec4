//! The routes of `portcullis-axum` as they are, below `/api/security`.

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, ServiceConfig, resource, route};
use actix_web::{HttpRequest, HttpResponse};
use http_body_util::{BodyExt as _, Full};
use portcullis::Portcullis;
use portcullis_axum::{HttpOptions, PeerAddress, SecurityService, service};
use tower::ServiceExt as _;

/// Every route of the HTTP contract.
pub fn whole_contract(portcullis: Portcullis, options: HttpOptions) -> impl FnOnce(&mut ServiceConfig) {
    let service = service(portcullis, options).under("/api/security");
    move |config| {
        let below =
            resource("/api/security/{path:.*}").app_data(Data::new(service)).route(route().to(hand_over));
        config.service(below);
    }
}

/// actix-web speaks `http` 0.2 and the service 1: what is handed over are methods, names and bytes.
async fn hand_over(
    request: HttpRequest,
    body: Bytes,
    service: Data<SecurityService>,
) -> Result<HttpResponse, actix_web::Error> {
    let mut given = http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        given = given.header(name.as_str(), value.as_bytes());
    }
    let mut given = given.body(Full::new(body)).map_err(ErrorBadRequest)?;
    if let Some(peer) = request.peer_addr() {
        given.extensions_mut().insert(PeerAddress::from(peer));
    }
    let Ok(answer) = service.get_ref().clone().oneshot(given).await;
    let (parts, body) = answer.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).map_err(ErrorInternalServerError)?;
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    Ok(response.body(body.collect().await.map_err(ErrorInternalServerError)?.to_bytes()))
}

//! One server for pages, JSON and `/dev`: what every answer carries, and how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use portcullis::Portcullis;
use portcullis_axum::HttpOptions;
use portcullis_sms_http::Receipts;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::page::CONTENT_SECURITY_POLICY;
use crate::start::{Failure, kind, say};
use crate::web::App;
use crate::{dev, sms, web};

/// Where the JSON routes are.
const API: &str = "/api/security";
/// How long requests may take to end after a signal.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM, lets the requests under way end, and stops the worker last.
///
/// # Errors
/// When the system takes no signal handler or gives no connection any more.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    portcullis: Portcullis,
    http: HttpOptions,
    receipts: Option<Receipts>,
    worker: JoinHandle<()>,
) -> Result<(), Failure> {
    let unable = |error: &std::io::Error| Failure::new("the program can't serve", kind(error));
    let address = listener.local_addr().map_err(|error| unable(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unable(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| unable(&error))?;
    let (end, ended) = oneshot::channel::<()>();

    let service = router(app, portcullis, http, receipts).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // Ends too when the sender is gone.
        let _ = ended.await;
    });
    let serving = tokio::spawn(server.into_future());
    say(format_args!("listening on http://{address}"));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    drop(end);
    // Connections that are kept open must not hold the program for ever.
    let _ = tokio::time::timeout(LAST_REQUESTS, serving).await;
    worker.abort();
    Ok(())
}

fn router(app: App, portcullis: Portcullis, http: HttpOptions, receipts: Option<Receipts>) -> Router {
    let mut routes = web::router(app.clone());
    if app.dev.is_some() {
        routes = routes.merge(dev::router(app));
    }
    if let Some(receipts) = receipts {
        routes = routes.merge(sms::router(portcullis.clone(), receipts));
    }
    routes.nest(API, portcullis_axum::router(portcullis, http)).layer(from_fn(headers))
}

/// Headers of every answer; what an answer set itself stays.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    add(headers, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(headers, header::X_FRAME_OPTIONS, "DENY");
    // `no-referrer` would take the origin away from the forms, by which they are told from foreign ones.
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(headers, header::CACHE_CONTROL, "no-store");
    add(headers, header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

fn add(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

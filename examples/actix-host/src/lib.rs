//! portcullis under actix-web: the core is not tied to axum.
//!
//! ```sh
//! cargo run -p actix-host                           # http://127.0.0.1:3001, in memory, login `alice`
//! curl -c jar -H 'content-type: application/json' -d '{"login":"alice","password":"correct horse battery"}' \
//!     http://127.0.0.1:3001/sign-in
//! curl -b jar http://127.0.0.1:3001/settings
//! ```
//!
//! Two ways, side by side. [`own_routes`] are handlers of the host's own that call portcullis: a handler reads newtypes,
//! asks once, and says the answer in the host's words. [`whole_contract`] hands everything below `/api/security` to the
//! routes of `portcullis-axum`, which are a `tower::Service` and need no axum in the host.

mod contract;
mod refused;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use portcullis::Portcullis;
use portcullis::contact::SourceAddress;
use portcullis::decision::Reason;
use portcullis::id::SessionId;
use portcullis::secret::{Code, Password};
use portcullis::sign_in::{Admission, Attempt, CodeResult, SignInResult};
use portcullis::user::Login;
use serde::Deserialize;
use serde_json::json;

pub use crate::contract::whole_contract;
pub use crate::refused::Refused;

type Answer = Result<HttpResponse, Refused>;

const SESSION: &str = "session";
const DEVICE: &str = "device";

/// The host's own routes.
pub fn own_routes(portcullis: Portcullis) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(Data::new(portcullis))
            .route("/sign-in", post().to(sign_in))
            .route("/code", post().to(code))
            .route("/settings", get().to(settings))
            .route("/sign-out", post().to(sign_out));
    }
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: String,
}

async fn sign_in(request: HttpRequest, portcullis: Data<Portcullis>, body: Json<Credentials>) -> Answer {
    let Json(Credentials { login, password }) = body;
    let (login, password) = (Login::parse(&login)?, Password::parse(password, "password")?);
    match portcullis.sign_in().start(&login, &password, &attempt(&request)?).await? {
        SignInResult::Admitted(admission) => Ok(admitted(&portcullis, &admission)),
        SignInResult::CodeRequired { code, .. } => {
            let challenge = portcullis.challenge_token(code.id);
            Ok(HttpResponse::Accepted().json(json!({ "challenge": challenge, "sent_to": code.destination })))
        }
        _ => Ok(HttpResponse::new(StatusCode::NOT_IMPLEMENTED)),
    }
}

#[derive(Deserialize)]
struct Entered {
    challenge: String,
    code: String,
}

async fn code(request: HttpRequest, portcullis: Data<Portcullis>, body: Json<Entered>) -> Answer {
    let code = Code::parse(&body.code)?;
    let challenge = portcullis.open_challenge_token(&body.challenge).ok_or(Reason::ChallengeDead)?;
    let session = carried(&request, &portcullis);
    match portcullis.sign_in().code(challenge, &code, &attempt(&request)?, session).await? {
        CodeResult::Admitted(admission) => Ok(admitted(&portcullis, &admission)),
        CodeResult::Fresh(session) => {
            let cookie = cookie(SESSION, portcullis.sessions().token(session.id));
            Ok(HttpResponse::NoContent().cookie(cookie).finish())
        }
        _ => Ok(HttpResponse::new(StatusCode::NOT_IMPLEMENTED)),
    }
}

async fn settings(request: HttpRequest, portcullis: Data<Portcullis>) -> Answer {
    let session = carried(&request, &portcullis).ok_or(Reason::SignedOut)?;
    let tab = portcullis.settings(session).await?;
    Ok(HttpResponse::Ok().json(json!({
        "login": tab.user.login.as_str(),
        "email": tab.email.address,
        "two_factor": tab.two_factor.method.name(),
        "sessions": tab.sessions.count,
    })))
}

async fn sign_out(request: HttpRequest, portcullis: Data<Portcullis>) -> Answer {
    if let Some(session) = carried(&request, &portcullis) {
        portcullis.sessions().sign_out(session).await?;
    }
    let mut gone = cookie(SESSION, String::new());
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

/// Who knocks, and by which browser: guesses are counted by both. Behind a proxy, ask `portcullis_axum::client_address`.
fn attempt(request: &HttpRequest) -> Result<Attempt, Refused> {
    let peer = request.peer_addr().ok_or(Refused::NO_PEER)?;
    let attempt = Attempt::from(SourceAddress::from(peer.ip()));
    let device = request.cookie(DEVICE);
    Ok(match device {
        Some(device) => attempt.with_device(device.value()),
        None => attempt,
    })
}

/// The session that the browser claims to have. Whether it lives, only the core says.
fn carried(request: &HttpRequest, portcullis: &Portcullis) -> Option<SessionId> {
    portcullis.sessions().open_token(request.cookie(SESSION)?.value())
}

fn admitted(portcullis: &Portcullis, admission: &Admission) -> HttpResponse {
    HttpResponse::Ok()
        .cookie(cookie(SESSION, portcullis.sessions().token(admission.session.id)))
        .cookie(cookie(DEVICE, admission.device.clone()))
        .json(json!({ "login": admission.session.login.as_str(), "days_left": admission.days_left }))
}

/// Never readable by scripts, never sent along by other sites, never without https unless on this machine.
fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).secure(true).same_site(SameSite::Lax).finish()
}

//! A service that was there before: a French logbook with drivers, trips and sessions of its own, to which portcullis
//! brings the sign-in and the Security tab's routes.
//!
//! ```sh
//! cd $(mktemp -d) && cargo run --manifest-path …/portcullis/Cargo.toml -p axum-host   # http://127.0.0.1:3000
//! curl -c jar -H 'content-type: application/json' -d '{"login":"amelie","password":"bonjour tristesse"}' \
//!     http://127.0.0.1:3000/api/security/sign-in
//! curl -b jar http://127.0.0.1:3000/                # « Bonjour Amélie, trajets : 0 »
//! ```
//!
//! | what a host has | where it is |
//! |---|---|
//! | its users, with a foreign key to ours | [`Database`]: `driver.person` refers to `portcullis_record` |
//! | its sessions | [`HostSessions`]: one cookie, the host's; our session's id lies beside it |
//! | its language and words | [`templates`]: French, and English for what it does not say |
//! | its routes | [`app`]: handlers ask for a `CurrentUser` |

mod database;
mod french;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use portcullis::error::PortError;
use portcullis::port::store::Store;
use portcullis::{Builder, Portcullis};
use portcullis_axum::{CurrentUser, HttpOptions, Problem, Security, router};

pub use crate::database::{Database, Driver};
pub use crate::french::templates;
pub use crate::sessions::HostSessions;

/// Everything about portcullis that does not depend on where the service runs.
///
/// # Errors
/// [`PortError`] when a template is none.
pub fn security(store: Arc<dyn Store>) -> Result<Builder, PortError> {
    Ok(Portcullis::builder_on(store).templates(templates("Carnet")?).product("Carnet"))
}

/// The service: its own routes, and ours below `/api/security`.
pub fn app(portcullis: Portcullis, database: Database, options: HttpOptions) -> Router {
    let sessions = HostSessions::new(database.clone(), options.cookies().is_secure());
    let options = options.carrier(sessions);
    let security = Security::new(portcullis.clone(), options.clone());
    Router::new()
        .route("/", get(home))
        .route("/trips", post(drive))
        .with_state(Host { database, security })
        .nest("/api/security", router(portcullis, options))
}

#[derive(Clone)]
struct Host {
    database: Database,
    security: Security,
}

impl FromRef<Host> for Security {
    fn from_ref(host: &Host) -> Self {
        host.security.clone()
    }
}

/// For everybody; whoever is signed in is greeted.
async fn home(user: Option<CurrentUser>, State(host): State<Host>) -> Result<String, Problem> {
    let Some(user) = user else { return Ok("Bonjour, qui êtes-vous ?\n".to_owned()) };
    let driver = host.database.driver(user.user).map_err(Problem::from)?;
    Ok(format!("Bonjour {}, trajets : {}\n", driver.name, driver.trips))
}

/// For whoever is signed in: without a live session the answer is 401 before this begins.
async fn drive(user: CurrentUser, State(host): State<Host>) -> Result<StatusCode, Problem> {
    host.database.add_trip(user.user).map_err(Problem::from)?;
    Ok(StatusCode::CREATED)
}

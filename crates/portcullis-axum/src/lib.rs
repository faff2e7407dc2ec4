//! HTTP routes of portcullis for axum, and a tower service for other hosts.
//!
//! ```
//! use axum::Router;
//! use portcullis::Portcullis;
//! use portcullis_axum::{HttpOptions, PublicUrlError, router};
//!
//! fn app(portcullis: Portcullis) -> Result<Router, PublicUrlError> {
//!     let options = HttpOptions::new("https://accounts.example.com")?;
//!     Ok(Router::new().nest("/api/security", router(portcullis, options)))
//! }
//! ```
//!
//! Serve with `app.into_make_service_with_connect_info::<std::net::SocketAddr>()`: guesses are counted by the address
//! they come from, which is the socket's peer unless it is a [trusted proxy](HttpOptions::trusted_proxy).
//!
//! No rule, limit or lifetime lives here. A handler reads newtypes out of JSON, asks the core once, and puts the answer
//! into words; what is refused becomes a [`Problem`], whose status comes from [one table](status_of).
//!
//! | for | there is |
//! |---|---|
//! | mounting the routes | [`router`], [`service`], [`HttpOptions`] |
//! | a host's own routes | [`Security`], [`CurrentUser`], [`Problem`] |
//! | pages of one's own | [`Cookies`], [`is_same_origin`], [`client_address`] |
//! | session ids that are not in a cookie | [`SessionCarrier`] |

mod answer;
mod carrier;
mod cidr;
mod client;
mod cookie;
mod customers;
mod door;
mod flespi;
mod input;
mod managed;
mod notices;
mod openapi;
mod options;
mod origin;
mod people;
mod problem;
mod routes;
mod schemas;
mod service;
mod state;
mod status;
mod trail;
mod usage;
mod user;

pub use carrier::{CookieCarrier, SessionCarrier};
pub use cidr::{Cidr, CidrError};
pub use client::{PeerAddress, client_address};
pub use cookie::Cookies;
pub use options::HttpOptions;
pub use origin::{PublicUrl, PublicUrlError, is_same_origin};
pub use problem::Problem;
pub use service::SecurityService;
pub use state::Security;
pub use status::status_of;
pub use user::CurrentUser;

use axum::Router;
use portcullis::Portcullis;

/// Gives every route as an axum router, to be nested where the host likes.
///
/// The router answers every path below its mount, unknown ones with a problem too.
pub fn router(portcullis: Portcullis, options: HttpOptions) -> Router {
    routes::router(Security::new(portcullis, options))
}

/// Gives every route as a plain service, for hosts that are not on this axum.
///
/// ```
/// use axum::http::Request;
/// use portcullis::Portcullis;
/// use portcullis_axum::{HttpOptions, PublicUrlError, SecurityService, service};
///
/// fn security(portcullis: Portcullis) -> Result<SecurityService, PublicUrlError> {
///     let options = HttpOptions::new("https://accounts.example.com")?;
///     Ok(service(portcullis, options).under("/api/security"))
/// }
/// ```
pub fn service(portcullis: Portcullis, options: HttpOptions) -> SecurityService {
    SecurityService::new(router(portcullis, options))
}

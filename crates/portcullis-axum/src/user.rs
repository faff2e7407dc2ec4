//! The signed-in user, for a host's own routes.

use core::ops::Deref;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::session::CurrentSession;

use crate::{Problem, Security};

/// Extracts the live session of a request: one read of the store, current truth.
///
/// Without one the answer is a problem, 401 `signed_out`, and the dead cookie is dropped; as `Option<CurrentUser>` it
/// is `None`. A store that does not answer is a problem either way.
///
/// ```
/// use axum::{Router, routing::get};
/// use portcullis_axum::{CurrentUser, Security};
///
/// async fn hello(user: CurrentUser) -> String {
///     format!("hello {}", user.login)
/// }
///
/// fn pages(security: Security) -> Router {
///     Router::new().route("/hello", get(hello)).with_state(security)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser {
    session: CurrentSession,
}

impl CurrentUser {
    /// The session.
    pub fn into_session(self) -> CurrentSession {
        self.session
    }
}

impl Deref for CurrentUser {
    type Target = CurrentSession;

    fn deref(&self) -> &CurrentSession {
        &self.session
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser
where
    Security: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let security = Security::from_ref(state);
        match security.current(parts).await {
            Ok(session) => Ok(Self { session }),
            Err(error) => {
                let mut problem = Problem::from(error);
                if problem.code() == Reason::SignedOut.code() {
                    security.take(parts, problem.headers_mut()).await?;
                }
                Err(problem)
            }
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser
where
    Security: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match Security::from_ref(state).current(parts).await {
            Ok(session) => Ok(Some(Self { session })),
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::SignedOut => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

//! How the id of a session travels between a client and the routes.

use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use portcullis::id::SessionId;
use portcullis::session::CurrentSession;
use portcullis::{Error, Portcullis};

use crate::Cookies;

/// Carries session ids: by the cookie unless a host replaces it with [`HttpOptions::carrier`].
///
/// A host with sessions of its own keeps our id beside them: it finds its session in the request's extensions and
/// reads and writes the id there. A client that is no browser may be given [`Sessions::token`] in a header. What is
/// carried is not believed: every request asks the store whether the session lives.
///
/// [`HttpOptions::carrier`]: crate::HttpOptions::carrier
/// [`Sessions::token`]: portcullis::session::Sessions::token
///
/// ```
/// use async_trait::async_trait;
/// use axum::http::{HeaderMap, header, request::Parts};
/// use portcullis::{Error, Portcullis, id::SessionId, session::CurrentSession};
/// use portcullis_axum::SessionCarrier;
///
/// /// `Authorization: Bearer` in, `X-Session` out.
/// struct Bearer;
///
/// #[async_trait]
/// impl SessionCarrier for Bearer {
///     async fn read(&self, portcullis: &Portcullis, request: &Parts) -> Result<Option<SessionId>, Error> {
///         let value = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
///         let token = value.and_then(|value| value.strip_prefix("Bearer "));
///         Ok(token.and_then(|token| portcullis.sessions().open_token(token)))
///     }
///
///     async fn give(
///         &self,
///         portcullis: &Portcullis,
///         _: &Parts,
///         session: &CurrentSession,
///         answer: &mut HeaderMap,
///     ) -> Result<(), Error> {
///         if let Ok(token) = portcullis.sessions().token(session.id).parse() {
///             answer.insert("x-session", token);
///         }
///         Ok(())
///     }
///
///     async fn take(&self, _: &Portcullis, _: &Parts, _: &mut HeaderMap) -> Result<(), Error> {
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait SessionCarrier: Send + Sync + 'static {
    /// Reads the session id that a request brings; `None` if it brings none that is ours.
    ///
    /// # Errors
    /// When what keeps the id does not answer.
    async fn read(&self, portcullis: &Portcullis, request: &Parts) -> Result<Option<SessionId>, Error>;

    /// Lets the client carry this session from now on, in place of any other.
    ///
    /// # Errors
    /// When what keeps the id does not answer.
    async fn give(
        &self,
        portcullis: &Portcullis,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error>;

    /// Lets the client carry no session any more.
    ///
    /// # Errors
    /// When what keeps the id does not answer.
    async fn take(
        &self,
        portcullis: &Portcullis,
        request: &Parts,
        answer: &mut HeaderMap,
    ) -> Result<(), Error>;

    /// Lets the client carry the same session in today's form: sealed with the current key, if it was not. By default
    /// there is only one form.
    ///
    /// # Errors
    /// When what keeps the id does not answer.
    async fn renew(
        &self,
        portcullis: &Portcullis,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        let _ = (portcullis, request, session, answer);
        Ok(())
    }
}

/// Carries session ids by the cookie.
#[derive(Clone, Copy, Debug)]
pub struct CookieCarrier {
    cookies: Cookies,
}

impl CookieCarrier {
    /// By these cookies.
    pub const fn new(cookies: Cookies) -> Self {
        Self { cookies }
    }
}

#[async_trait]
impl SessionCarrier for CookieCarrier {
    async fn read(&self, portcullis: &Portcullis, request: &Parts) -> Result<Option<SessionId>, Error> {
        let token = self.cookies.session_token(&request.headers);
        Ok(token.and_then(|token| portcullis.sessions().open_token(token)))
    }

    async fn give(
        &self,
        portcullis: &Portcullis,
        _: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.cookies.give_session(portcullis, session, answer);
        Ok(())
    }

    async fn take(&self, _: &Portcullis, request: &Parts, answer: &mut HeaderMap) -> Result<(), Error> {
        self.cookies.take_session(&request.headers, answer);
        Ok(())
    }

    async fn renew(
        &self,
        portcullis: &Portcullis,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.cookies.renew_session(portcullis, &request.headers, session, answer);
        Ok(())
    }
}

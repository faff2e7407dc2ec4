//! What the routes hold: the engine, the options, and how session ids are carried.

use core::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use portcullis::contact::SourceAddress;
use portcullis::decision::Reason;
use portcullis::id::SessionId;
use portcullis::session::CurrentSession;
use portcullis::sign_in::{Admission, Attempt};
use portcullis::{Error, Portcullis};

use crate::{HttpOptions, Problem, SessionCarrier, client_address};

/// The engine as HTTP sees it: who asks, from where, and how the answer changes what the client carries.
///
/// Hosts keep one in their own state, for [`CurrentUser`](crate::CurrentUser) and for pages of their own.
///
/// ```
/// use axum::extract::FromRef;
/// use portcullis_axum::Security;
///
/// #[derive(Clone)]
/// struct AppState {
///     security: Security,
/// }
///
/// impl FromRef<AppState> for Security {
///     fn from_ref(state: &AppState) -> Self {
///         state.security.clone()
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Security {
    portcullis: Portcullis,
    options: Arc<HttpOptions>,
    carrier: Arc<dyn SessionCarrier>,
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Security {
    /// The engine under these options.
    pub fn new(portcullis: Portcullis, options: HttpOptions) -> Self {
        let carrier = options.session_carrier();
        Self { portcullis, options: Arc::new(options), carrier }
    }

    /// The engine.
    pub const fn portcullis(&self) -> &Portcullis {
        &self.portcullis
    }

    /// The options.
    pub fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// Gives the id of the session that a request carries. Whether it lives, [`Security::current`] tells.
    ///
    /// # Errors
    /// When what carries it does not answer.
    pub async fn session_id(&self, request: &Parts) -> Result<Option<SessionId>, Error> {
        self.carrier.read(&self.portcullis, request).await
    }

    /// Gives the live session that a request carries.
    ///
    /// # Errors
    /// As [`Sessions::current`](portcullis::session::Sessions::current); refused `signed_out` also when it carries none.
    pub async fn current(&self, request: &Parts) -> Result<CurrentSession, Error> {
        match self.session_id(request).await? {
            Some(id) => self.portcullis.sessions().current(id).await,
            None => Err(Error::Refused(Reason::SignedOut.into())),
        }
    }

    /// Gives where a request comes from.
    ///
    /// # Errors
    /// A 500 `no_client_address` when the host does not say who is at the other end of the socket: guesses that nobody
    /// counts are not taken.
    pub fn source(&self, request: &Parts) -> Result<SourceAddress, Problem> {
        let address = client_address(request, self.options.trusted_proxies());
        address.map(SourceAddress::from).ok_or_else(Problem::no_client_address)
    }

    /// Gives who knocks: the source address, and the browser if it is known.
    ///
    /// # Errors
    /// As [`Security::source`].
    pub fn attempt(&self, request: &Parts) -> Result<Attempt, Problem> {
        let attempt = Attempt::from(self.source(request)?);
        Ok(match self.options.cookies().device_token(&request.headers) {
            Some(token) => attempt.with_device(token),
            None => attempt,
        })
    }

    /// Lets the client carry an admitted session, and its browser the token it is known by.
    ///
    /// # Errors
    /// When what carries the session does not answer.
    pub async fn admit(
        &self,
        request: &Parts,
        admission: &Admission,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.give(request, &admission.session, answer).await?;
        self.options.cookies().give_device(&self.portcullis, &admission.device, answer);
        Ok(())
    }

    /// Lets the client carry this session from now on, after every change that gave it a fresh id.
    ///
    /// # Errors
    /// When what carries the session does not answer.
    pub async fn give(
        &self,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.carrier.give(&self.portcullis, request, session, answer).await
    }

    /// Lets the client carry the same session sealed with the current key, if it was not.
    ///
    /// # Errors
    /// When what carries the session does not answer.
    pub async fn renew(
        &self,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        self.carrier.renew(&self.portcullis, request, session, answer).await
    }

    /// Lets the client carry no session any more.
    ///
    /// # Errors
    /// When what carries the session does not answer.
    pub async fn take(&self, request: &Parts, answer: &mut HeaderMap) -> Result<(), Error> {
        self.carrier.take(&self.portcullis, request, answer).await
    }
}

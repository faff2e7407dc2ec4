//! The routes as a plain service, for hosts on another web framework or another axum.

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use tower::Service;

/// The routes as a [`tower::Service`] over `http` 1, for any body.
///
/// The host puts a [`PeerAddress`](crate::PeerAddress) into each request's extensions.
#[derive(Clone)]
pub struct SecurityService {
    router: Router,
}

impl fmt::Debug for SecurityService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityService").finish_non_exhaustive()
    }
}

impl SecurityService {
    pub(crate) const fn new(router: Router) -> Self {
        Self { router }
    }

    /// The same routes under a path such as `/api/security`, for a host that hands over requests as they came.
    ///
    /// # Panics
    /// When the path does not start with `/`, or is `/` alone.
    #[must_use]
    pub fn under(self, path: &str) -> Self {
        Self { router: Router::new().nest(path, self.router) }
    }
}

impl<B> Service<Request<B>> for SecurityService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.router.call(request))
    }
}

//! One call: sent, bounded, read, and tried again where that can do no harm.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis::secret::FlespiToken;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::guard::PrivateAddress;
use crate::outcome::{Effect, Trouble, retry_after};

/// Waits between two tries.
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "public with the feature `testing`"))]
#[async_trait]
pub trait Pause: Send + Sync + 'static {
    /// Returns after so long.
    async fn pause(&self, wait: Duration);
}

/// Waits by the runtime's clock.
pub(crate) struct RealPause;

#[async_trait]
impl Pause for RealPause {
    #[expect(clippy::disallowed_methods, reason = "the wait before a call is tried again is a wait")]
    async fn pause(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// What is asked.
pub(crate) struct Call<'a> {
    /// What it is called in a log.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) token: Option<&'a FlespiToken>,
    pub(crate) body: Option<String>,
    pub(crate) effect: Effect,
}

/// What carries calls.
pub(crate) struct Wire {
    pub(crate) client: Client,
    pub(crate) app: HeaderValue,
    /// For a whole call, with all its tries and waits.
    pub(crate) timeout: Duration,
    /// The longest answer, in bytes.
    pub(crate) longest: usize,
    pub(crate) pause: Arc<dyn Pause>,
}

impl Wire {
    /// When a call that begins now has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// The body of an answer with status 200.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        self.call_until(call, self.deadline()).await
    }

    /// The same, of a request that is one of several and has to be over with them all.
    pub(crate) async fn call_until(
        &self,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let mut tried = 0;
        loop {
            let answer = match timeout_at(deadline, self.once(call)).await {
                Ok(answer) => answer,
                Err(_) => Err(Trouble::Lost("the time ran out")),
            };
            tried += 1;
            tracing::debug!(call = call.name, tried, trouble = ?answer.as_ref().err(), "flespi was asked");
            let trouble = match answer {
                Ok(body) => return Ok(body),
                Err(trouble) => trouble,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            match trouble.wait(call.effect, tried, left) {
                Some(wait) => self.pause.pause(wait).await,
                None => return Err(trouble),
            }
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let mut request = self
            .client
            .request(call.method.clone(), &call.url)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("x-flespi-app", self.app.clone());
        if let Some(token) = call.token {
            request = request.header(AUTHORIZATION, authorization(token)?);
        }
        if let Some(body) = &call.body {
            request =
                request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        let response = request.send().await.map_err(|error| trouble_of(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let said = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Err(Trouble::Status(status, retry_after(said)));
        }
        self.body(response).await
    }

    async fn body(&self, mut response: Response) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|_| Trouble::Lost("the answer was cut off"))? {
            if body.len().saturating_add(chunk.len()) > self.longest {
                return Err(Trouble::Unread("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn authorization(token: &FlespiToken) -> Result<HeaderValue, Trouble> {
    let text = Zeroizing::new(format!("{}{}", FlespiToken::PREFIX, token.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Trouble::Barred("the token can't be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What failed before there was an answer. The texts of the error are not taken over: they name hosts.
fn trouble_of(error: &reqwest::Error) -> Trouble {
    if error.is_builder() {
        return Trouble::Barred("the request can't be made");
    }
    if !error.is_connect() {
        return Trouble::Lost("the connection broke");
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let cause = innermost(cause);
        if cause.is::<PrivateAddress>() {
            return Trouble::Barred("the name of the host leads to a private address");
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref() {
            return Trouble::Barred("the certificate is not accepted");
        }
        source = cause.source();
    }
    Trouble::Unsent("there is no connection")
}

/// What an error of input and output was made of: its `source` passes over that.
fn innermost<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        error = inner;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_the_token_hides_it_from_whoever_prints_it() {
        let key = "aB3x".repeat(16);
        let value = authorization(&FlespiToken::parse(key.clone()).unwrap()).unwrap();
        assert_eq!(value.to_str().unwrap(), format!("FlespiToken {key}"));
        assert!(value.is_sensitive());
        assert!(!format!("{value:?}").contains(&key));
    }
}

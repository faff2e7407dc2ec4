//! The host's sessions, asked by our routes.

use core::fmt;

use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use data_encoding::BASE64URL_NOPAD;
use portcullis::id::SessionId;
use portcullis::port::ambient::{Random as _, SystemRandom};
use portcullis::session::CurrentSession;
use portcullis::{Error, Portcullis};
use portcullis_axum::SessionCarrier;
use sha2::{Digest as _, Sha256};

use crate::Database;

const COOKIE: &str = "carnet";

/// Keeps the id of our session in the host's, so that a browser has one cookie, the host's.
#[derive(Clone)]
pub struct HostSessions {
    database: Database,
    secure: bool,
}

impl HostSessions {
    /// Sessions in this database; `secure` marks the cookie so that it travels over https alone.
    pub const fn new(database: Database, secure: bool) -> Self {
        Self { database, secure }
    }

    fn answer(&self, cookie: &str, life: i64, answer: &mut HeaderMap) {
        let secure = if self.secure { "; Secure" } else { "" };
        let set_cookie = format!("{COOKIE}={cookie}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(value) = HeaderValue::try_from(set_cookie) {
            answer.append(header::SET_COOKIE, value);
        }
    }
}

#[async_trait]
impl SessionCarrier for HostSessions {
    async fn read(&self, _: &Portcullis, request: &Parts) -> Result<Option<SessionId>, Error> {
        match cookie(&request.headers) {
            Some(cookie) => self.database.security_of(&hash(cookie)),
            None => Ok(None),
        }
    }

    /// Under a new cookie: whoever planted or saw the one from before the sign-in gets nothing by it.
    async fn give(
        &self,
        portcullis: &Portcullis,
        request: &Parts,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) -> Result<(), Error> {
        let mut random = [0; 32];
        SystemRandom::default().fill(&mut random)?;
        let fresh = BASE64URL_NOPAD.encode(&random);
        self.database.keep_visit(&hash(&fresh), session.id)?;
        if let Some(cookie) = cookie(&request.headers) {
            self.database.end_visit(&hash(cookie))?;
        }
        self.answer(&fresh, portcullis.policy().session_longest.num_seconds(), answer);
        Ok(())
    }

    async fn take(&self, _: &Portcullis, request: &Parts, answer: &mut HeaderMap) -> Result<(), Error> {
        if let Some(cookie) = cookie(&request.headers) {
            self.database.end_visit(&hash(cookie))?;
            self.answer("", 0, answer);
        }
        Ok(())
    }
}

impl fmt::Debug for HostSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSessions").finish_non_exhaustive()
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie).into()
}

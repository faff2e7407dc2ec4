//! The two cookies: the sealed id of a session, and the token of a browser that once completed a sign-in.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::TimeDelta;
use portcullis::Portcullis;
use portcullis::session::CurrentSession;

/// The cookies, how they are named and marked.
///
/// Both are `HttpOnly`, `SameSite=Lax` and `Path=/`. Secure ones carry the prefix `__Host-`, under which a browser
/// takes no cookie that another host of the site, or an unencrypted page, tries to plant.
///
/// ```
/// use axum::http::HeaderMap;
/// use portcullis_axum::Cookies;
/// let mut headers = HeaderMap::new();
/// headers.insert("cookie", "a=b; __Host-portcullis=k1.abc".parse().unwrap());
/// assert_eq!(Cookies::new(true).session_token(&headers), Some("k1.abc"));
/// assert_eq!(Cookies::new(false).session_token(&headers), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Cookies that travel over https alone, or those of development.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// Whether they travel over https alone.
    pub const fn is_secure(self) -> bool {
        self.secure
    }

    /// The name of the session's cookie.
    pub const fn session_name(self) -> &'static str {
        if self.secure { "__Host-portcullis" } else { "portcullis" }
    }

    /// The name of the browser's cookie.
    pub const fn device_name(self) -> &'static str {
        if self.secure { "__Host-portcullis-device" } else { "portcullis-device" }
    }

    /// The session token that a request brings, not yet opened.
    pub fn session_token(self, request: &HeaderMap) -> Option<&str> {
        read(request, self.session_name())
    }

    /// The device token that a request brings, for [`Attempt::with_device`](portcullis::sign_in::Attempt::with_device).
    pub fn device_token(self, request: &HeaderMap) -> Option<&str> {
        read(request, self.device_name())
    }

    /// Gives a session's cookie: its sealed id, kept by the browser as long as the session may live.
    pub fn give_session(self, portcullis: &Portcullis, session: &CurrentSession, answer: &mut HeaderMap) {
        let token = portcullis.sessions().token(session.id);
        self.give(self.session_name(), &token, session.ends_at - portcullis.now(), answer);
    }

    /// Gives a browser its cookie, kept as long as the policy remembers browsers.
    pub fn give_device(self, portcullis: &Portcullis, device: &str, answer: &mut HeaderMap) {
        self.give(self.device_name(), device, portcullis.policy().device_life, answer);
    }

    /// Gives a session's cookie anew if the one that came was not sealed with the current key.
    pub fn renew_session(
        self,
        portcullis: &Portcullis,
        request: &HeaderMap,
        session: &CurrentSession,
        answer: &mut HeaderMap,
    ) {
        if self.session_token(request).is_some_and(|token| !portcullis.keyring().is_current(token)) {
            self.give_session(portcullis, session, answer);
        }
    }

    /// Removes the session's cookie from the browser, if it sent one.
    pub fn take_session(self, request: &HeaderMap, answer: &mut HeaderMap) {
        if self.session_token(request).is_some() {
            self.give(self.session_name(), "", TimeDelta::zero(), answer);
        }
    }

    fn give(self, name: &str, token: &str, life: TimeDelta, answer: &mut HeaderMap) {
        let seconds = life.num_seconds().max(0);
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        // INVARIANT: tokens are url-safe text, so this is always a header's value.
        if let Ok(value) = HeaderValue::try_from(cookie) {
            answer.append(header::SET_COOKIE, value);
        }
    }
}

/// The first cookie of a name. Under a `__Host-` name there is no second one.
fn read<'a>(request: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = request.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let cookies = Cookies::new(false);
        for (lines, found) in [
            (&["portcullis=k.a"][..], Some("k.a")),
            (&["x=1; portcullis=k.a; y=2"], Some("k.a")),
            (&["x=1", "portcullis=k.a"], Some("k.a")),
            (&["portcullis-device=k.d"], None),
            (&["__Host-portcullis=k.a"], None),
            (&["Portcullis=k.a"], None),
            (&["portcullis"], None),
            (&[], None),
        ] {
            assert_eq!(cookies.session_token(&request(lines)), found, "{lines:?}");
        }
        assert_eq!(cookies.device_token(&request(&["portcullis=a; portcullis-device=d"])), Some("d"));
    }

    #[test]
    fn every_cookie_is_marked() {
        let mut answer = HeaderMap::new();
        Cookies::new(true).give("n", "t", TimeDelta::seconds(90), &mut answer);
        Cookies::new(false).give("n", "t", TimeDelta::seconds(-1), &mut answer);
        let given: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(
            given,
            [
                "n=t; Path=/; Max-Age=90; HttpOnly; SameSite=Lax; Secure",
                "n=t; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
            ]
        );
    }

    #[test]
    fn only_a_browser_that_sent_the_cookie_is_told_to_drop_it() {
        let cookies = Cookies::new(false);
        let mut answer = HeaderMap::new();
        cookies.take_session(&request(&["x=1"]), &mut answer);
        assert!(answer.is_empty());
        cookies.take_session(&request(&["portcullis=junk"]), &mut answer);
        assert!(answer[header::SET_COOKIE].to_str().unwrap().starts_with("portcullis=; Path=/; Max-Age=0;"));
    }
}

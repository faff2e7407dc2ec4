//! Answers that are given ahead.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What becomes of the next request that it fits, in place of the real answer.
///
/// ```
/// use flespi_stand_in::Scripted;
/// let throttled = Scripted::status(429).header("retry-after", "2").times(3);
/// let lost = Scripted::cut().path("/platform/tokens").method("POST").act();
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scripted {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) times: Option<u32>,
    pub(crate) act: bool,
    pub(crate) delay_ms: u64,
    pub(crate) hold: bool,
    pub(crate) cut: bool,
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) oversize: Option<usize>,
}

impl Scripted {
    /// The most bytes of an oversized answer.
    pub(crate) const MOST: usize = 64 << 20;

    /// Answers with a status, and a body that says so.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::status(503);
    /// ```
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Answers 200 with this body.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::body("{\"result\":[]}");
    /// ```
    pub fn body(body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::default() }
    }

    /// Answers 200 with a body of so many bytes, at most 64 MiB.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::oversize(1 << 20);
    /// ```
    pub fn oversize(bytes: usize) -> Self {
        Self { oversize: Some(bytes), ..Self::default() }
    }

    /// Breaks the connection without an answer.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::cut();
    /// ```
    pub fn cut() -> Self {
        Self { cut: true, ..Self::default() }
    }

    /// Answers never.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::hold();
    /// ```
    pub fn hold() -> Self {
        Self { hold: true, ..Self::default() }
    }

    /// Gives the real answer, so many milliseconds later.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::delay(250);
    /// ```
    pub fn delay(milliseconds: u64) -> Self {
        Self { delay_ms: milliseconds, act: true, ..Self::default() }
    }

    /// Adds a header.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::status(429).header("retry-after", "2");
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Fits requests to paths that begin so, and no others.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::status(500).path("/platform");
    /// ```
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Fits requests with this method, and no others.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::status(500).method("DELETE");
    /// ```
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Is used so often, in place of once.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::status(500).times(3);
    /// ```
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Does first what was asked, so that only the answer is lost.
    ///
    /// ```
    /// let next = flespi_stand_in::Scripted::cut().act();
    /// ```
    #[must_use]
    pub fn act(mut self) -> Self {
        self.act = true;
        self
    }

    /// Whether it says anything about the answer.
    pub(crate) fn replaces(&self) -> bool {
        self.status.is_some() || self.body.is_some() || self.oversize.is_some() || self.cut || self.hold
    }

    /// Whether it can be given as written.
    pub(crate) fn fits(&self) -> bool {
        let header = |(name, value): (&String, &String)| {
            name.parse::<axum::http::HeaderName>().is_ok() && value.parse::<axum::http::HeaderValue>().is_ok()
        };
        self.headers.iter().all(header)
            && self.status.is_none_or(|status| (200..=999).contains(&status))
            && self.oversize.is_none_or(|bytes| bytes <= Self::MOST)
    }

    pub(crate) fn takes(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| path.starts_with(wanted))
    }
}

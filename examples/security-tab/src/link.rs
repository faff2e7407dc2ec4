//! A link that is shown to whoever sits at the terminal, once.

use std::io::{IsTerminal as _, Write as _};

use chrono::{DateTime, Utc};
use portcullis::secret::LinkUrl;

use crate::start::{Failure, say};

/// Where a link may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// On a terminal alone: what is written elsewhere stays there.
    Needed,
    /// Anywhere, as was asked for by `--print-link`.
    Any,
}

impl Terminal {
    /// Whether a link may be shown on standard output; asked before one is made.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn check(self) -> Result<(), Failure> {
        if self == Self::Any || std::io::stdout().is_terminal() {
            return Ok(());
        }
        let line = "standard output is no terminal and would keep the link: use one, or add --print-link";
        Err(Failure::from(line.to_owned()))
    }
}

/// Shows a link.
///
/// # Errors
/// When it could not be written: nobody would hear of it.
pub(crate) fn show(link: &LinkUrl, valid_until: DateTime<Utc>) -> Result<(), Failure> {
    say(format_args!(
        "the link below sets the password; it is shown once and lives until {}",
        valid_until.to_rfc3339()
    ));
    let mut out = std::io::stdout().lock();
    let told = writeln!(out, "{}", link.expose()).and_then(|()| out.flush());
    told.map_err(|error| Failure::new("the link could not be shown", error))
}

//! What every world has in common: its password, its address, who knocks.

use chrono::{DateTime, Utc};

use crate::contact::SourceAddress;
use crate::secret::Code;
use crate::sign_in::Attempt;

/// Where the links of a world's messages lead.
pub const PUBLIC_URL: &str = "https://fleet.example.com";

/// The password of every user a world makes, long enough to be the only factor.
pub const PASSWORD: &str = "correct horse battery";

/// When the clock of a world starts: 18 November 2026, 11:06:40 UTC.
pub(super) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

/// The source address of a world's requests: 192.0.2.1.
pub fn source() -> SourceAddress {
    SourceAddress::from(core::net::IpAddr::from([192, 0, 2, 1]))
}

/// A request from [`source`], by a browser that is not known.
pub fn attempt() -> Attempt {
    Attempt::from(source())
}

/// A code that is not this one.
///
/// # Panics
/// Never: a digit turned into another is still a digit.
#[expect(clippy::expect_used, reason = "a digit turned into another is still a digit")]
pub fn wrong_code(right: &Code) -> Code {
    let turned: String = right.expose().chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    Code::parse(&turned).expect("a code of digits")
}

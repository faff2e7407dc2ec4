//! Calls flespi for portcullis, over reqwest and rustls.
//!
//! [`Flespi`] is the [`FlespiApi`](portcullis::port::flespi::FlespiApi) of portcullis: it asks what a token is, issues
//! one by another, finds what was issued and revokes it. The regions `eu` and `ru` are compiled in; only the embedding
//! program adds one.
//!
//! ```
//! use portcullis::port::flespi::FlespiApi as _;
//! use portcullis_flespi::Flespi;
//!
//! # fn main() -> Result<(), portcullis_flespi::SetupError> {
//! let flespi = Flespi::new()?;
//! let regions = flespi.regions();
//! assert_eq!(regions[0].name.as_str(), "eu");
//! assert_eq!(regions[1].login_url, "https://ru.flespi.io/login/#/providers");
//! # Ok(())
//! # }
//! ```
//!
//! # Where a token goes
//!
//! To the one host of the region it is named with, and nowhere else. A region is a name that is looked up in the table;
//! no address is ever made of it, and none is taken from an answer. No redirect is followed, no proxy of the
//! environment used, every call has a connection of its own. A host has to be a public one, by its name and by every
//! address that the name leads to, unless the program said [`FlespiBuilder::allow_private_hosts`].
//!
//! # What an answer means
//!
//! | answer | reading call | `issue`, `revoke` |
//! |---|---|---|
//! | no connection, certificate not accepted, private address | `Unavailable` | `Unavailable` |
//! | 401, 403, 429 | `Unauthorized`, `Forbidden`, `Throttled` | the same |
//! | another 4xx | `Unavailable` | `Unavailable`; 404 is a `revoke` done |
//! | 3xx, 5xx | `Unavailable` | `Ambiguous` |
//! | lost, late, too long, not understood | `Ambiguous` | `Ambiguous` |
//!
//! A reading call is tried up to three times, within its time, when there was no connection, no whole answer, 429 or
//! 5xx; the waits are 1 s and 2 s, or what `Retry-After` says in seconds. What changes something is sent once.
//!
//! No token stands in a log, an error or a `Debug`, whatever level is logged.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod answer;
mod builder;
mod flespi;
mod guard;
mod outcome;
mod table;
mod wire;

pub use builder::{FlespiBuilder, SetupError};
pub use flespi::{Flespi, RegionsFound};
#[cfg(feature = "testing")]
pub use guard::Lookup;
#[cfg(feature = "testing")]
pub use wire::Pause;

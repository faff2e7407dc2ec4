//! A stand-in of flespi on loopback, for development and tests.
//!
//! It is a small part of flespi's REST API, as far as portcullis and published clients need it, in two regions that know
//! nothing of each other's tokens; a login page that posts a token to the page that opened it; and routes under
//! `/stand-in` by which tests move the clock, script answers and count requests. Nothing of it is flespi's own, and none
//! of its tokens is worth anything anywhere else.
//!
//! ```
//! use flespi_stand_in::{FlespiStandIn, Place};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let stand_in = FlespiStandIn::start().await?;
//! assert!(stand_in.url(Place::Ru).starts_with("http://127.0.0.1:"));
//! let login = stand_in.log_in(Place::Ru);
//! assert_eq!(login.key.len(), 64);
//! assert_eq!(stand_in.tokens(Place::Ru).len(), 1);
//! assert_eq!(stand_in.tokens(Place::Eu).len(), 0);
//! # Ok(())
//! # }
//! ```

mod api;
mod clock;
mod control;
mod draft;
mod gate;
mod listen;
mod login;
mod options;
mod place;
mod script;
mod select;
mod stand_in;
mod token;
mod world;

pub use options::{Options, USAGE};
pub use place::Place;
pub use script::Scripted;
pub use stand_in::{FlespiStandIn, Made};
pub use world::{Rate, Seen, Who};

//! Account security for services.

pub mod account;
pub mod audit;
pub mod challenge;
pub mod contact;
pub mod decision;
pub mod email;
mod engine;
pub mod error;
pub mod id;
pub mod keyring;
pub mod language;
pub mod memory;
pub mod message;
pub mod password;
pub mod policy;
pub mod port;
pub mod rights;
pub mod secret;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod templates;
pub mod two_factor;
pub mod user;

pub use engine::Portcullis;
pub use engine::builder::{BuildError, Builder};
pub use engine::worker::{Health, Pass, Worker};
pub use error::Error;
#[cfg(feature = "testing")]
pub mod testing;

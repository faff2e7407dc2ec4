//! Passwords: how they are hashed, what a new one must be like, and how one is changed.

#[cfg(feature = "argon2")]
pub mod argon2;
mod common;
pub(crate) mod flow;
mod model;
#[cfg(feature = "argon2")]
mod phc;
#[cfg(feature = "argon2")]
mod pool;
pub(crate) mod rules;

pub use common::CommonPasswords;
pub use flow::PasswordRoom;
pub use model::{CharacterKind, PasswordRule, PasswordSettings, Weakness};

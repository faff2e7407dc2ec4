//! Passwords: how they are hashed.

#[cfg(feature = "argon2")]
pub mod argon2;
#[cfg(feature = "argon2")]
mod phc;
#[cfg(feature = "argon2")]
mod pool;

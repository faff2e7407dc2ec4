//! Account security for services.

pub mod audit;
pub mod contact;
pub mod decision;
mod engine;
pub mod error;
pub mod id;
pub mod keyring;
pub mod language;
pub mod message;
pub mod port;
pub mod rights;
pub mod secret;

//! The HTTP contract, as a client sees it.

#![cfg(test)]

mod account;
mod client;
mod cookies;
mod door;
mod email;
mod failures;
mod mounting;
mod password;
mod races;
mod recovery;
mod secrets;
mod sessions;
mod sign_in;
mod two_factor;
mod undo;

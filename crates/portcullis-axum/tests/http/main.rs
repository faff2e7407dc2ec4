//! The HTTP contract, as a client sees it.

#![cfg(test)]

mod account;
mod accounts;
mod bad_input;
mod billing;
mod client;
mod contract;
mod cookies;
mod door;
mod email;
mod failures;
mod flespi;
mod mounting;
mod notices;
mod office;
mod password;
mod races;
mod recovery;
mod secrets;
mod sessions;
mod sign_in;
mod sms;
mod stale;
mod two_factor;
mod undo;
mod users;
mod verdicts;

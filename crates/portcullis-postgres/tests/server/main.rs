//! The store on a real server, named by `PORTCULLIS_TEST_POSTGRES`: a URL of a role that may create databases.
//!
//! `scripts/postgres start DIR` starts one and prints its URL. Without it each test says that it was skipped; where
//! nothing may be skipped, `PORTCULLIS_NO_SKIP=1` makes that a failure.

#[cfg(test)]
mod canary;
#[cfg(test)]
mod common;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod engine_races;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod model;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod races;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod stories;

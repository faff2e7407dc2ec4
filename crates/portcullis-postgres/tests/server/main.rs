//! The store on a real server, named by `PORTCULLIS_TEST_POSTGRES`: a URL of a role that may create databases.
//!
//! `scripts/postgres start DIR` starts one and prints its URL; `scripts/postgres bouncer DIR` starts a `PgBouncer` before
//! it and prints the URL for `PORTCULLIS_TEST_PGBOUNCER`. Without it each test says that it was skipped; where
//! nothing may be skipped, `PORTCULLIS_NO_SKIP=1` makes that a failure.

#[cfg(test)]
mod bouncer;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod common;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod engine_races;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hints;
#[cfg(test)]
mod host;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod model;
#[cfg(test)]
mod own;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod races;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod views;

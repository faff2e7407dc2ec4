//! Bootstrap: the first account and its first administrator, made once for an empty database.

mod flow;
mod model;
mod rules;

pub use model::Bootstrapped;

//! The program from outside: its command line, JSON, forms without a script, and `/dev`.

#[path = "../support/mod.rs"]
mod support;

mod dev;
mod failing;
mod forms;
mod json;
mod restart;
mod start;
mod tools;

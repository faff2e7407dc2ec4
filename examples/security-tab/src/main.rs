//! The Security tab as a program.
fn main() {}

//! The real program on a port of its own, and who talks to it.

mod client;
mod program;

pub(crate) use client::{Client, Reply};
pub(crate) use program::{Folder, PASSWORD, Program, Started, start};

/// The digits of the code in a mail's text.
pub(crate) fn code_in(text: &str) -> String {
    let line = text.lines().find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()));
    line.unwrap_or_else(|| panic!("no code in {text:?}")).to_owned()
}

//! The real program on a port of its own, and who talks to it.

mod client;
mod gateway;
mod program;

pub(crate) use client::{Client, Reply};
pub(crate) use gateway::{Act, Gateway, Submission, report};
pub(crate) use program::{Folder, PASSWORD, Program, Started, start};

/// The digits of the code in a mail's text.
pub(crate) fn code_in(text: &str) -> String {
    find_code(text).unwrap_or_else(|| panic!("no code in {text:?}"))
}

/// The digits of the code in a mail's text, if it holds one.
pub(crate) fn find_code(text: &str) -> Option<String> {
    text.lines().find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned)
}

/// The link below a folder in a mail's text, if it holds one.
pub(crate) fn find_link(text: &str, folder: &str) -> Option<String> {
    let folder = format!("/{folder}/");
    let words = text.split_whitespace();
    words.filter(|word| word.starts_with("http")).find(|word| word.contains(&folder)).map(str::to_owned)
}

//! The Security tab as a program.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no route shows the pages yet"))]
mod page;
#[cfg_attr(not(test), expect(dead_code, reason = "no route shows the pages yet"))]
mod texts;

fn main() {}

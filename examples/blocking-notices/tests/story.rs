//! The story is the same each time.

use std::process::Command;

#[test]
fn the_week_is_as_written() {
    let out = Command::new(env!("CARGO_BIN_EXE_blocking-notices")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8(out.stdout).unwrap(), include_str!("story.txt"));
}

//! The program runs, and knows what it did when it runs again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_first_run_gives_a_link_and_the_second_has_nothing_to_do() {
    let folder = std::env::temp_dir().join(format!("portcullis-embed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let first = run_in(&folder);
    let second = run_in(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let link = first.strip_prefix("root sets a password at https://fleet.example.com/invitation/").unwrap();
    assert!(link.trim_end().len() > 40, "{first}");
    assert_eq!(second, "nothing to do: there is a top account already\n");
}

fn run_in(folder: &Path) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_embed")).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

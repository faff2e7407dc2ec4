//! The main job in a real browser: by a script, without one, and with a real mailbox. Screenshots of each step stay
//! under the target folder, in `screenshots`.

#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests without a browser use the rest")]
mod support;

#[cfg(test)]
mod driver;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod story;

use driver::Driver;
use mail::Mail;
use story::Story;
use support::{Folder, Program};

#[tokio::test(flavor = "multi_thread")]
async fn with_a_script() {
    let Some(driver) = Driver::start("with_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("script", &driver, &program, Mail::Dev, true).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script() {
    let Some(driver) = Driver::start("without_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("no-script", &driver, &program, Mail::Dev, false).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_real_mailbox() {
    let Some(driver) = Driver::start("with_a_real_mailbox") else { return };
    let Some(server) = mail::Server::named("with_a_real_mailbox") else { return };
    let folder = Folder::new();
    let program = Program::dev_with(&folder, &["--smtp", &server.smtp], &server.variables());
    Story::new("mailbox", &driver, &program, Mail::Imap(server), true).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_sign_in_is_confirmed_in_a_dialog() {
    let Some(driver) = Driver::start("a_stale_sign_in_is_confirmed_in_a_dialog") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("stale", &driver, &program, Mail::Dev, true).await.confirm_in_a_dialog().await;
}

/// A test that can't run says so, and fails where nothing may be skipped.
fn skipped(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
}

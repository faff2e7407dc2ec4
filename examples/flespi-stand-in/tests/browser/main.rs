//! The login page in a real browser, opened by a page of another origin.

#[cfg(test)]
#[path = "../../../security-tab/tests/browser/driver.rs"]
mod driver;
#[cfg(test)]
mod pop_up;
#[cfg(test)]
mod support;

/// A test that can't run says so, and fails where nothing may be skipped.
fn skipped(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
}

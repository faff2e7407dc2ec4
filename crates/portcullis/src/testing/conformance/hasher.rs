//! What every password hasher must do. How long it takes is not measured here: that is of the machine.

use std::collections::BTreeSet;

use crate::port::hasher::{PasswordHash, PasswordHasher, Verified};
use crate::secret::Password;

#[expect(clippy::expect_used, reason = "the passwords of the suite are some")]
fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "password").expect("a password")
}

async fn hashed(hasher: &dyn PasswordHasher, text: &str, salt: u8) -> PasswordHash {
    match hasher.hash(&password(text), [salt; 16]).await {
        Ok(hash) => hash,
        Err(error) => panic!("a password is not hashed: {error}"),
    }
}

async fn verified(hasher: &dyn PasswordHasher, text: &str, hash: Option<&PasswordHash>) -> Verified {
    match hasher.verify(&password(text), hash).await {
        Ok(verified) => verified,
        Err(error) => panic!("a hash that does not fit is an answer, not an error: {error}"),
    }
}

/// The password that was hashed fits, is not outdated under the cost of its own hasher, and its hash tells nothing of it.
pub async fn the_password_that_was_hashed_fits(hasher: &dyn PasswordHasher) {
    for text in ["correct horse", "пароль и größe", " spaces at the ends ", "x", &"long".repeat(256)]
    {
        let hash = hashed(hasher, text, 7).await;
        let found = verified(hasher, text, Some(&hash)).await;
        assert!(found.fits, "the password that was hashed fits: {text:?}");
        assert!(!found.outdated, "a hash made just now is not outdated: {text:?}");
        assert!(
            text.len() < 4 || !hash.as_str().contains(text),
            "a hash does not show its password: {text:?}"
        );
        let read = PasswordHash::stored(hash.as_str());
        assert!(verified(hasher, text, Some(&read)).await.fits, "a hash fits as it was stored: {text:?}");
    }
}

/// No other password fits, however little it differs and however far behind.
pub async fn no_other_password_fits(hasher: &dyn PasswordHasher) {
    let long = "a".repeat(Password::MAX_BYTES - 1);
    for (right, wrong) in [
        ("correct horse", "correct horsf"),
        ("correct horse", "Correct horse"),
        ("correct horse", "correct horse "),
        ("correct horse", "correct\u{a0}horse"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("zero\0byte", "zero\0other"),
        (&format!("{long}b"), &format!("{long}c")),
    ] {
        let hash = hashed(hasher, right, 7).await;
        let found = verified(hasher, wrong, Some(&hash)).await;
        let (right, wrong): (String, String) =
            (right.chars().take(20).collect(), wrong.chars().take(20).collect());
        assert!(!found.fits, "another password does not fit: {wrong:?} for {right:?}");
        assert!(!found.outdated, "what does not fit is not hashed anew: {wrong:?}");
    }
}

/// The salt counts: the same password has another hash under another salt.
pub async fn every_salt_makes_another_hash(hasher: &dyn PasswordHasher) {
    let mut seen = BTreeSet::new();
    for salt in 0..4 {
        let hash = hashed(hasher, "correct horse", salt).await;
        assert!(seen.insert(hash.as_str().to_owned()), "two salts give two hashes");
        assert!(verified(hasher, "correct horse", Some(&hash)).await.fits, "a hash fits under each salt");
    }
}

/// No hash, and what is no usable hash, fit nothing, and are no errors.
pub async fn what_is_no_hash_fits_nothing(hasher: &dyn PasswordHasher) {
    let none = verified(hasher, "correct horse", None).await;
    assert!(!none.fits && !none.outdated, "no hash fits nothing");
    let real = hashed(hasher, "correct horse", 7).await;
    let cut: String = real.as_str().chars().take(real.as_str().chars().count() - 1).collect();
    for text in [
        "",
        "correct horse",
        "$",
        "$argon2id$",
        "$argon2id$v=19$m=4294967295,t=4294967295,p=4294967295$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$",
        "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdef",
        "$unknown$v=1$x$y",
        &cut,
    ] {
        let found = verified(hasher, "correct horse", Some(&PasswordHash::stored(text))).await;
        assert!(!found.fits && !found.outdated, "what is no usable hash fits nothing: {text:?}");
    }
}

/// Runs every case.
///
/// ```
/// use portcullis::password::argon2::{HashCost, HashPool};
/// use portcullis::testing::{block_on, conformance};
/// let pool = HashPool::with_cheap_cost_for_tests()?;
/// block_on(conformance::hasher::run_all(&pool));
/// # Ok::<(), portcullis::password::argon2::HashPoolError>(())
/// ```
pub async fn run_all(hasher: &dyn PasswordHasher) {
    the_password_that_was_hashed_fits(hasher).await;
    no_other_password_fits(hasher).await;
    every_salt_makes_another_hash(hasher).await;
    what_is_no_hash_fits_nothing(hasher).await;
}

#[cfg(test)]
mod tests;

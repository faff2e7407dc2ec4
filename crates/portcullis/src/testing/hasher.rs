//! A hasher that costs nothing and waits for nothing.

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::port::hasher::{HashError, PasswordHash, PasswordHasher, Verified};
use crate::secret::Password;

const MARK: &str = "$quick$";

/// Hashes in microseconds, on the caller's own thread: a user of a test costs nothing. Its hashes protect nothing, and it
/// understands no others.
///
/// ```
/// use portcullis::port::hasher::PasswordHasher;
/// use portcullis::secret::Password;
/// use portcullis::testing::block_on;
/// use portcullis::testing::hasher::QuickHasher;
///
/// let password = Password::parse("correct horse".to_owned(), "password")?;
/// let hash = block_on(QuickHasher.hash(&password, [7; 16])).unwrap();
/// assert!(block_on(QuickHasher.verify(&password, Some(&hash))).unwrap().fits);
/// # Ok::<(), portcullis::error::InputError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing in it, and tests write its name")]
pub struct QuickHasher;

fn hashed(password: &Password, salt: &str) -> PasswordHash {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(password.expose());
    PasswordHash::stored(format!("{MARK}{salt}${}", HEXLOWER.encode(&hash.finalize())))
}

#[async_trait]
impl PasswordHasher for QuickHasher {
    async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
        Ok(hashed(password, &HEXLOWER.encode(&salt)))
    }

    async fn verify<'a>(
        &self,
        password: &Password,
        hash: Option<&'a PasswordHash>,
    ) -> Result<Verified, HashError> {
        let salted = hash.and_then(|hash| hash.as_str().strip_prefix(MARK)?.split_once('$'));
        let salt = salted.map_or("none", |(salt, _)| salt);
        let again = hashed(password, salt);
        let fits = hash.is_some_and(|hash| hash.as_str() == again.as_str());
        Ok(Verified { fits, outdated: false })
    }
}

//! The passwords that everybody uses, compiled in.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::PortError;
use crate::port::compromised::CompromisedPasswords;
use crate::secret::Password;

/// How many bytes of a word's digest are kept.
const BYTES: usize = 8;

/// Made by `scripts/common-passwords`: the first bytes of the SHA-256 of each word, sorted.
static LIST: &[u8] = include_bytes!("common.bin");

/// The built-in list: the common passwords of at least 8 code points that Django ships (`docs/sources.md`), compared in
/// lower case. It asks nobody and never fails.
///
/// ```
/// use portcullis::password::CommonPasswords;
/// use portcullis::port::compromised::CompromisedPasswords;
/// use portcullis::secret::Password;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let common = Password::parse("Password1".to_owned(), "new")?;
/// assert!(CommonPasswords.is_compromised(&common).await?);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to be built from")]
pub struct CommonPasswords;

impl CommonPasswords {
    fn holds(password: &Password) -> bool {
        let folded = Zeroizing::new(password.expose().to_lowercase());
        let digest = Sha256::digest(folded.as_bytes());
        let (words, _) = LIST.as_chunks::<BYTES>();
        digest.first_chunk::<BYTES>().is_some_and(|wanted| words.binary_search(wanted).is_ok())
    }
}

#[async_trait]
impl CompromisedPasswords for CommonPasswords {
    async fn is_compromised(&self, password: &Password) -> Result<bool, PortError> {
        Ok(Self::holds(password))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(text: &str) -> bool {
        CommonPasswords::holds(&Password::parse(text.to_owned(), "new").unwrap())
    }

    #[test]
    fn the_list_is_whole_and_sorted() {
        let (words, rest) = LIST.as_chunks::<BYTES>();
        assert!(rest.is_empty() && words.len() > 8000, "{}", words.len());
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]), "a search by halves needs order");
    }

    #[test]
    fn what_everybody_uses_is_found_in_any_case() {
        for text in ["password", "PASSWORD", "Password1", "1q2w3e4r5t6y7u8i9o0p", "iloveyou1", "qwertyuiop"] {
            assert!(common(text), "{text}");
        }
        for text in ["correct horse battery", "password ", "1q2w3e4r5t6y7u8i9o0", "x"] {
            assert!(!common(text), "{text}");
        }
    }
}

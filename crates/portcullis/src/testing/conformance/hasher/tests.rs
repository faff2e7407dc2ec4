//! Our hashers pass, and each planted fault is found.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fault is planted in one place, and nothing elsewhere")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;

use super::*;
use crate::error::PortError;
use crate::password::argon2::HashPool;
use crate::port::hasher::HashError;
use crate::testing::block_on;
use crate::testing::hasher::QuickHasher;

#[derive(Clone, Copy, Debug)]
enum Fault {
    CutAt72,
    Trims,
    FoldsCase,
    EndsAtZero,
    OneSalt,
    ShowsIt,
    NoneFits,
    GarbageFits,
    GarbageFails,
    AlwaysOutdated,
    OutdatedThoughWrong,
    NothingFits,
}

struct Planted(Fault);

impl Planted {
    fn changed(&self, text: &Password) -> Password {
        let text = text.expose();
        let other = match self.0 {
            Fault::CutAt72 => text.chars().take(72).collect(),
            Fault::Trims => text.trim().to_owned(),
            Fault::FoldsCase => text.to_lowercase(),
            Fault::EndsAtZero => text.split('\0').next().unwrap().to_owned(),
            _ => text.to_owned(),
        };
        password(&other)
    }
}

#[async_trait]
impl PasswordHasher for Planted {
    async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
        let salt = if matches!(self.0, Fault::OneSalt) { [1; 16] } else { salt };
        let hash = QuickHasher.hash(&self.changed(password), salt).await?;
        if matches!(self.0, Fault::ShowsIt) {
            return Ok(PasswordHash::stored(format!("{}:{}", hash.as_str(), password.expose())));
        }
        Ok(hash)
    }

    async fn verify<'a>(
        &self,
        password: &Password,
        hash: Option<&'a PasswordHash>,
    ) -> Result<Verified, HashError> {
        let ours = hash.is_some_and(|hash| hash.as_str().starts_with("$quick$"));
        let stored = hash.map(|hash| PasswordHash::stored(hash.as_str().split(':').next().unwrap()));
        let found = QuickHasher.verify(&self.changed(password), stored.as_ref()).await?;
        Ok(match self.0 {
            Fault::NoneFits if hash.is_none() => Verified { fits: true, outdated: false },
            Fault::GarbageFits if hash.is_some() && !ours => Verified { fits: true, outdated: false },
            Fault::GarbageFails if hash.is_some() && !ours => {
                return Err(PortError::new("hasher", "this is no hash").into());
            }
            Fault::AlwaysOutdated => Verified { outdated: found.fits, ..found },
            Fault::OutdatedThoughWrong => Verified { outdated: !found.fits, ..found },
            Fault::NothingFits => Verified { fits: false, outdated: false },
            _ => found,
        })
    }
}

#[test]
fn ours_pass() {
    block_on(run_all(&HashPool::with_cheap_cost_for_tests().unwrap()));
    block_on(run_all(&QuickHasher));
}

#[test]
fn each_planted_fault_is_found() {
    for (fault, sentence) in [
        (Fault::CutAt72, "another password does not fit"),
        (Fault::Trims, "another password does not fit: \"correct horse \""),
        (Fault::FoldsCase, "another password does not fit: \"Correct horse\""),
        (Fault::EndsAtZero, "another password does not fit: \"zero"),
        (Fault::OneSalt, "two salts give two hashes"),
        (Fault::ShowsIt, "a hash does not show its password"),
        (Fault::NoneFits, "no hash fits nothing"),
        (Fault::GarbageFits, "what is no usable hash fits nothing"),
        (Fault::GarbageFails, "a hash that does not fit is an answer"),
        (Fault::AlwaysOutdated, "a hash made just now is not outdated"),
        (Fault::OutdatedThoughWrong, "what does not fit is not hashed anew"),
        (Fault::NothingFits, "the password that was hashed fits"),
    ] {
        let run = AssertUnwindSafe(|| block_on(run_all(&Planted(fault))));
        let said = catch_unwind(run).expect_err("it is found");
        let plain = said.downcast_ref::<&str>().copied();
        let said = said.downcast_ref::<String>().map(String::as_str).or(plain).unwrap();
        assert!(said.contains(sentence), "{fault:?}: {said}");
    }
}

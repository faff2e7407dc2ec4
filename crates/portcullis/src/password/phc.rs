//! PHC strings of Argon2id, read without doing any of the work they ask for.

use data_encoding::BASE64_NOPAD;

use super::argon2::HashCost;
use crate::port::hasher::PasswordHash;

const MAX_BYTES: usize = 256;
const MIN_SALT: usize = 8;
const MAX_SALT: usize = 64;
const MIN_HASH: usize = 16;
const MAX_HASH: usize = 64;

/// A hash at a cost that may be paid.
pub(super) struct Phc {
    pub(super) cost: HashCost,
    pub(super) salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Phc {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; `None` for everything else, and for absurd parameters.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let mut costs = costs.split(',');
        let cost = HashCost {
            memory_kib: number(costs.next()?.strip_prefix("m=")?)?,
            passes: number(costs.next()?.strip_prefix("t=")?)?,
            lanes: number(costs.next()?.strip_prefix("p=")?)?,
        };
        if costs.next().is_some() || !cost.may_be_paid() {
            return None;
        }
        let salt = BASE64_NOPAD.decode(salt.as_bytes()).ok()?;
        let hash = BASE64_NOPAD.decode(hash.as_bytes()).ok()?;
        let sound =
            (MIN_SALT..=MAX_SALT).contains(&salt.len()) && (MIN_HASH..=MAX_HASH).contains(&hash.len());
        sound.then_some(Self { cost, salt, hash })
    }

    pub(super) fn write(&self) -> PasswordHash {
        let HashCost { memory_kib, passes, lanes } = self.cost;
        PasswordHash::stored(format!(
            "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
            BASE64_NOPAD.encode(&self.salt),
            BASE64_NOPAD.encode(&self.hash)
        ))
    }
}

/// A number without sign or leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOUND: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    #[test]
    fn a_sound_string_is_read_and_written_back() {
        let phc = Phc::read(SOUND).unwrap();
        assert_eq!((phc.cost.memory_kib, phc.cost.passes, phc.cost.lanes), (256, 2, 1));
        assert_eq!((phc.salt.as_slice(), phc.hash.len()), (&b"somesalt"[..], 32));
        assert_eq!(phc.write().as_str(), SOUND);
    }

    #[test]
    fn the_highest_payable_cost_is_read() {
        for cost in ["m=1048576,t=1,p=1", "m=256,t=64,p=1", "m=256,t=1,p=16", "m=8,t=1,p=1"] {
            assert!(Phc::read(&SOUND.replace("m=256,t=2,p=1", cost)).is_some(), "{cost}");
        }
    }

    #[test]
    fn absurd_parameters_are_refused() {
        for cost in [
            "m=1048577,t=2,p=1",
            "m=4294967295,t=2,p=1",
            "m=4294967296,t=2,p=1",
            "m=256,t=65,p=1",
            "m=256,t=2,p=17",
            "m=7,t=2,p=1",
            "m=127,t=2,p=16",
            "m=0,t=2,p=1",
            "m=256,t=0,p=1",
            "m=256,t=2,p=0",
            "m=-256,t=2,p=1",
            "m=+256,t=2,p=1",
            "m=0256,t=2,p=1",
            "m=256,t=2",
            "t=2,m=256,p=1",
            "m=256,t=2,p=1,keyid=AA",
            "m=,t=2,p=1",
            "m=256,t=2,p=1,",
            "m=99999999999999999999,t=2,p=1",
            "m=1048576,t=64,p=1",
        ] {
            assert!(Phc::read(&SOUND.replace("m=256,t=2,p=1", cost)).is_none(), "{cost}");
        }
    }

    #[test]
    fn every_other_scheme_and_shape_is_refused() {
        let long = "A".repeat(88);
        for text in [
            "",
            "$",
            "x",
            "$2b$12$abcdefghijklmnopqrstuv",
            "hunter2",
            &SOUND.replace("argon2id", "argon2i"),
            &SOUND.replace("argon2id", "argon2d"),
            &SOUND.replace("v=19", "v=16"),
            &SOUND.replace("v=19$", ""),
            &SOUND.replace("c29tZXNhbHQ", "c29tZQ"),
            &SOUND.replace("c29tZXNhbHQ", &long),
            &SOUND.replace("nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "nf65"),
            &SOUND.replace("nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", &long),
            &SOUND.replace("Gi/4", "Gi/5"),
            &format!("{SOUND}="),
            &format!("{SOUND}$"),
            &format!("{SOUND}\n"),
            &format!(" {SOUND}"),
            &"$argon2id$v=19$".repeat(1_000_000),
        ] {
            assert!(Phc::read(text).is_none(), "{}", text.chars().take(120).collect::<String>());
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_bounded_and_written_back(
            text in "\\PC{0,60}|\\$argon2id\\$v=19\\$m=[0-9]{1,8},t=[0-9]{1,3},p=[0-9]{1,2}\\$[A-Za-z0-9+/]{0,24}\\$[A-Za-z0-9+/]{0,48}"
        ) {
            if let Some(phc) = Phc::read(&text) {
                prop_assert!(phc.cost.memory_kib <= 1 << 20 && phc.cost.passes <= 64 && phc.cost.lanes <= 16);
                let written = phc.write();
                prop_assert_eq!(written.as_str(), text.as_str());
            }
        }
    }
}

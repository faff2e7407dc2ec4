//! The memory a thread hashes in, with the crate `argon2-rust`, which picks the widest instructions of the processor
//! when it runs. Why it may be trusted that far, and on which processors: `docs/adr/0007-simd-argon2.md`.

use argon2_rust::params::{Memory as Size, TagLen};
use argon2_rust::{Algorithm, Argon2, Error, Hasher, Params, Version};

use super::{HashCost, PORT};
use crate::error::PortError;

/// Memory that is kept between hashes, and wiped after each.
pub(super) struct Memory(Hasher);

impl Memory {
    /// Memory for hashes of a cost, taken at once. The first hash touches it.
    pub(super) fn of(cost: HashCost) -> Option<Self> {
        let mut hasher = argon2id(cost, TAG_BYTES).ok()?.hasher();
        hasher.reserve().ok()?;
        Some(Self(hasher))
    }

    /// Argon2id, version 1.3, in this memory or, if that is too small, in some taken for this one hash.
    pub(super) fn hash(
        &mut self,
        cost: HashCost,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), PortError> {
        let argon2 =
            argon2id(cost, out.len()).map_err(|_| PortError::new(PORT, "the cost is none argon2 knows"))?;
        // INVARIANT: no hash asks the kept memory for more than it has, for it would keep the larger one.
        let done = if usize::try_from(cost.memory_kib).is_ok_and(|count| count <= self.0.reserved_blocks()) {
            self.0.set_argon2(argon2);
            self.0.hash_into(password, salt, out)
        } else {
            argon2.hash_into(password, salt, out)
        };
        done.map_err(|error| {
            let words = if error == Error::MemoryAllocationError {
                "there is no memory for a hash of this cost"
            } else {
                "argon2 failed"
            };
            PortError::new(PORT, words)
        })
    }
}

/// Any length does: each hash names its own.
const TAG_BYTES: usize = 32;

fn argon2id(cost: HashCost, tag_bytes: usize) -> Result<Argon2, Error> {
    let HashCost { memory_kib, passes, lanes } = cost;
    let tag = TagLen::bytes(u64::try_from(tag_bytes).unwrap_or(u64::MAX));
    let params = Params::builder()
        .memory(Size::kib(u64::from(memory_kib)))
        .passes(passes)
        .lanes(lanes)
        .tag_len(tag)
        .build()?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::portable;
    use super::*;

    #[test]
    fn memory_does_not_grow_with_a_dearer_hash() {
        let cheap = HashCost { memory_kib: 64, passes: 1, lanes: 1 };
        let mut memory = Memory::of(cheap).unwrap();
        let before = memory.0.reserved_blocks();
        memory.hash(HashCost { memory_kib: 256, ..cheap }, b"password", b"somesalt", &mut [0; 32]).unwrap();
        assert_eq!(memory.0.reserved_blocks(), before);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The two crates compute the same, whatever was computed in the same memory before.
        #[test]
        fn both_crates_compute_the_same(
            hashes in proptest::collection::vec(
                (1_u32..=4, 1_u32..=4, 0_u32..=96, 4_usize..=96, any::<Vec<u8>>(),
                 proptest::collection::vec(any::<u8>(), 8..=64)),
                1..4,
            ),
        ) {
            let largest = HashCost { memory_kib: 100, passes: 1, lanes: 1 };
            let (mut one, mut other) = (Memory::of(largest).unwrap(), portable::Memory::of(largest).unwrap());
            for (lanes, passes, more, bytes, password, salt) in hashes {
                let cost = HashCost { memory_kib: 8 * lanes + more, passes, lanes };
                let (mut found, mut expected) = (vec![0; bytes], vec![1; bytes]);
                one.hash(cost, &password, &salt, &mut found).unwrap();
                other.hash(cost, &password, &salt, &mut expected).unwrap();
                prop_assert_eq!(found, expected, "{:?}", cost);
            }
        }
    }
}

//! The memory a thread hashes in, with the crate `argon2`.

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::{HashCost, PORT};
use crate::error::PortError;

/// Blocks that are kept between hashes: each hash writes over all it uses before it reads any.
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// Memory for hashes of a cost, taken and touched at once.
    pub(super) fn of(cost: HashCost) -> Option<Self> {
        let count = usize::try_from(cost.memory_kib).ok()?;
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        Some(Self(blocks))
    }

    /// Argon2id, version 1.3, in this memory or, if that is too small, in some taken for this one hash.
    pub(super) fn hash(
        &mut self,
        cost: HashCost,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), PortError> {
        let HashCost { memory_kib, passes, lanes } = cost;
        let params = Params::new(memory_kib, passes, lanes, Some(out.len()))
            .map_err(|_| PortError::new(PORT, "the cost is none argon2 knows"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let done = if usize::try_from(memory_kib).is_ok_and(|count| count <= self.0.len()) {
            argon2.hash_password_into_with_memory(password, salt, out, &mut self.0)
        } else {
            let mut own = Self::of(cost)
                .ok_or_else(|| PortError::new(PORT, "there is no memory for a hash of this cost"))?;
            argon2.hash_password_into_with_memory(password, salt, out, &mut own.0)
        };
        done.map_err(|_| PortError::new(PORT, "argon2 failed"))
    }

    #[cfg(test)]
    pub(super) fn blocks(&mut self) -> &mut [Block] {
        &mut self.0
    }
}

//! Argon2id on a few threads of its own.

#![expect(clippy::exhaustive_structs, reason = "a cost is its three numbers")]

#[cfg(any(test, not(all(feature = "simd-argon2", target_arch = "x86_64"))))]
mod portable;
#[cfg(all(feature = "simd-argon2", target_arch = "x86_64"))]
mod simd;

use core::fmt;

use async_trait::async_trait;
use subtle::ConstantTimeEq;

#[cfg(not(all(feature = "simd-argon2", target_arch = "x86_64")))]
use self::portable::Memory;
#[cfg(all(feature = "simd-argon2", target_arch = "x86_64"))]
use self::simd::Memory;
use super::phc::Phc;
use super::pool::{Pool, Rejected};
use crate::error::PortError;
use crate::port::hasher::{HashError, PasswordHash, PasswordHasher, Verified};
use crate::secret::Password;

const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// What is hashed against when there is no hash: any salt serves.
const NO_SALT: [u8; SALT_BYTES] = *b"portcullis-dummy";
const MEBIBYTE: u32 = 1024;
const MAX_THREADS: usize = 64;
const MAX_WAITING: usize = 100_000;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; they are computed one after the other, in one thread.
    pub lanes: u32,
}

impl HashCost {
    /// The least a host may choose, and the default: 19 MiB, two passes, one lane.
    pub const FLOOR: Self = Self { memory_kib: 19 * MEBIBYTE, passes: 2, lanes: 1 };
    /// The second choice of RFC 9106: 64 MiB, three passes, four lanes.
    pub const HIGH: Self = Self { memory_kib: 64 * MEBIBYTE, passes: 3, lanes: 4 };
    /// The most that is computed for any hash, each number by itself: 1 GiB, 64 passes, 16 lanes.
    pub const CEILING: Self = Self { memory_kib: 1024 * MEBIBYTE, passes: 64, lanes: 16 };

    /// The most memory times passes: 4 GiB, some seconds.
    const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;

    fn is_below_floor(self) -> bool {
        self.memory_kib < Self::FLOOR.memory_kib
            || self.passes < Self::FLOOR.passes
            || self.lanes < Self::FLOOR.lanes
    }

    /// Whether it is within the ceiling and a cost at all (8 KiB for each lane).
    pub(super) fn may_be_paid(self) -> bool {
        let Self { memory_kib, passes, lanes } = self;
        memory_kib <= Self::CEILING.memory_kib
            && (1..=Self::CEILING.passes).contains(&passes)
            && (1..=Self::CEILING.lanes).contains(&lanes)
            && memory_kib >= 8 * lanes
            && u64::from(memory_kib) * u64::from(passes) <= Self::MAX_WORK_KIB
    }

    /// How long so many hashes take at most on a slow machine, in whole seconds: a millisecond for each MiB and pass.
    fn seconds_for(self, hashes: usize) -> u32 {
        let millis = u64::from(self.memory_kib.div_ceil(MEBIBYTE)) * u64::from(self.passes);
        let all = millis.saturating_mul(u64::try_from(hashes).unwrap_or(u64::MAX));
        u32::try_from(all.div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

const PORT: &str = "hasher";

/// Why a pool can't be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashPoolError {
    /// The cost is below [`HashCost::FLOOR`].
    #[error("the cost of a hash is below the floor of 19 MiB, two passes and one lane")]
    TooCheap,
    /// The cost is above [`HashCost::CEILING`], or above 4 GiB in memory times passes, or none at all.
    #[error("the cost of a hash is out of range")]
    TooDear,
    /// Threads must be 1 to 64, waiting callers 1 to 100000.
    #[error("a hash pool has 1 to 64 threads and 1 to 100000 waiting callers")]
    Size,
    /// The memory of the threads is not there.
    #[error("there is no memory for the hash pool")]
    Memory,
    /// A thread can't be started.
    #[error("a thread of the hash pool can't be started")]
    Thread,
}

/// Hashes passwords with Argon2id on threads of its own, each of which owns its memory.
///
/// So many threads, so many hashes at once, whoever asks and whoever goes away; no memory is taken for a hash at the
/// pool's own cost. Hashes of another cost are checked as long as they are within [`HashCost::CEILING`]; one that needs
/// more memory than the pool's takes it for that time. Dropping the pool waits for the hashes that run.
///
/// ```
/// use portcullis::password::argon2::{HashCost, HashPool};
/// use portcullis::port::hasher::PasswordHasher;
/// use portcullis::secret::Password;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pool = HashPool::new(HashCost::FLOOR, 1, 100).unwrap();
/// let password = Password::parse("correct horse".to_owned(), "password").unwrap();
/// let hash = pool.hash(&password, [7; 16]).await.unwrap(); // the salt comes from the `Random` port
/// assert!(pool.verify(&password, Some(&hash)).await.unwrap().fits);
/// # });
/// ```
pub struct HashPool {
    cost: HashCost,
    threads: usize,
    waiting: usize,
    pool: Pool<Task, Result<Found, PortError>>,
}

enum Task {
    Hash { password: Password, salt: [u8; SALT_BYTES] },
    Verify { password: Password, hash: Option<PasswordHash> },
}

enum Found {
    Hash(PasswordHash),
    Verified(Verified),
}

impl HashPool {
    /// Starts so many threads, 1 to 64; at most `waiting` callers wait for one, 1 to 100000.
    ///
    /// # Errors
    /// See [`HashPoolError`].
    pub fn new(cost: HashCost, threads: usize, waiting: usize) -> Result<Self, HashPoolError> {
        if cost.is_below_floor() {
            return Err(HashPoolError::TooCheap);
        }
        Self::start(cost, threads, waiting)
    }

    /// A pool of two threads that hashes at almost no cost: its hashes protect nothing.
    ///
    /// # Errors
    /// See [`HashPoolError`].
    #[cfg(feature = "testing")]
    pub fn with_cheap_cost_for_tests() -> Result<Self, HashPoolError> {
        Self::start(HashCost { memory_kib: 8, passes: 1, lanes: 1 }, 2, 1000)
    }

    /// The cost of new hashes.
    pub const fn cost(&self) -> HashCost {
        self.cost
    }

    fn start(cost: HashCost, threads: usize, waiting: usize) -> Result<Self, HashPoolError> {
        if !cost.may_be_paid() {
            return Err(HashPoolError::TooDear);
        }
        if !(1..=MAX_THREADS).contains(&threads) || !(1..=MAX_WAITING).contains(&waiting) {
            return Err(HashPoolError::Size);
        }
        let workers = (0..threads)
            .map(|_| {
                let mut worker = Worker { cost, memory: Memory::of(cost).ok_or(HashPoolError::Memory)? };
                Ok(move |task| worker.work(task))
            })
            .collect::<Result<Vec<_>, HashPoolError>>()?;
        let pool = Pool::start(workers, waiting).map_err(|_| HashPoolError::Thread)?;
        Ok(Self { cost, threads, waiting, pool })
    }

    async fn found(&self, task: Task) -> Result<Found, HashError> {
        let dead = || PortError::new(PORT, "the threads have ended");
        let answer = self.pool.submit(task).map_err(|rejected| match rejected {
            Rejected::Full => HashError::Busy {
                retry_after: self.cost.seconds_for(self.waiting.div_ceil(self.threads)).clamp(1, 60),
            },
            Rejected::Dead => dead().into(),
        })?;
        Ok(answer.await.map_err(|_| dead())??)
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("cost", &self.cost)
            .field("threads", &self.threads)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PasswordHasher for HashPool {
    async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
        match self.found(Task::Hash { password: password.clone(), salt }).await? {
            Found::Hash(hash) => Ok(hash),
            Found::Verified(_) => Err(mixed_up()),
        }
    }

    async fn verify<'a>(
        &self,
        password: &Password,
        hash: Option<&'a PasswordHash>,
    ) -> Result<Verified, HashError> {
        match self.found(Task::Verify { password: password.clone(), hash: hash.cloned() }).await? {
            Found::Verified(verified) => Ok(verified),
            Found::Hash(_) => Err(mixed_up()),
        }
    }
}

fn mixed_up() -> HashError {
    PortError::new(PORT, "the answer is to another question").into()
}

struct Worker {
    cost: HashCost,
    memory: Memory,
}

impl Worker {
    fn work(&mut self, task: Task) -> Result<Found, PortError> {
        match task {
            Task::Hash { password, salt } => {
                let mut hash = vec![0; HASH_BYTES];
                self.memory.hash(self.cost, password.expose().as_bytes(), &salt, &mut hash)?;
                Ok(Found::Hash(Phc { cost: self.cost, salt: salt.to_vec(), hash }.write()))
            }
            Task::Verify { password, hash } => {
                self.verify(&password, hash.as_ref().map(PasswordHash::as_str)).map(Found::Verified)
            }
        }
    }

    fn verify(&mut self, password: &Password, hash: Option<&str>) -> Result<Verified, PortError> {
        let password = password.expose().as_bytes();
        let Some(phc) = hash.and_then(Phc::read) else {
            self.memory.hash(self.cost, password, &NO_SALT, &mut [0; HASH_BYTES])?;
            return Ok(Verified { fits: false, outdated: false });
        };
        let mut computed = vec![0; phc.hash.len()];
        self.memory.hash(phc.cost, password, &phc.salt, &mut computed)?;
        let fits = computed.ct_eq(&phc.hash).into();
        let as_new = phc.cost == self.cost && phc.salt.len() == SALT_BYTES && phc.hash.len() == HASH_BYTES;
        Ok(Verified { fits, outdated: fits && !as_new })
    }
}

#[cfg(test)]
mod tests;

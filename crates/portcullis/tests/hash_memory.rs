//! What hashing costs in memory, as the system counts it: alone in its program, so that nobody else's memory is counted.

#![cfg(all(feature = "argon2", target_os = "linux"))]

#[cfg(test)]
mod tests {
    use std::fs;

    use portcullis::password::argon2::{HashCost, HashPool};
    use portcullis::port::hasher::PasswordHasher;
    use portcullis::secret::Password;

    const THREADS: usize = 2;
    const KIB: u64 = 1024;

    /// Page faults of the threads that hash. The name is the third word of a line and holds no space, the faults are the
    /// tenth.
    fn faults() -> (usize, u64) {
        let mut threads = 0;
        let mut faults = 0;
        for task in fs::read_dir("/proc/self/task").unwrap() {
            let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            let words: Vec<&str> = stat.split(' ').collect();
            if words.get(1) == Some(&"(portcullis-hash)") {
                threads += 1;
                faults += words[9].parse::<u64>().unwrap();
            }
        }
        (threads, faults)
    }

    /// The most memory there ever was, in KiB.
    fn peak() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    async fn round(pool: &HashPool, password: &Password) {
        let hashes = (0..2).map(|n| pool.hash(password, [n; 16]));
        for hash in hashes.map(|hash| async { hash.await.unwrap() }) {
            let hash = hash.await;
            assert!(pool.verify(password, Some(&hash)).await.unwrap().fits);
            assert!(!pool.verify(password, None).await.unwrap().fits);
        }
    }

    #[test]
    fn hashes_take_no_page_and_no_more_memory_than_their_threads_own() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pool = HashPool::new(HashCost::FLOOR, THREADS, 100).unwrap();
        let password = Password::parse("correct horse".to_owned(), "password").unwrap();
        // Which thread takes a job is chance: until both had some, both may have pages to touch.
        for _ in 0..6 {
            runtime.block_on(round(&pool, &password));
        }
        // The system itself moves a page now and then; what a hash takes it would take in each window.
        let fewest = (0..4)
            .map(|_| {
                let (threads, before) = faults();
                assert_eq!(threads, THREADS, "the threads are found by their name");
                runtime.block_on(round(&pool, &password));
                faults().1 - before
            })
            .min();
        assert_eq!(fewest, Some(0), "page faults while hashing");
        let owned = THREADS as u64 * u64::from(HashCost::FLOOR.memory_kib);
        let (peak, most) = (peak(), owned + 16 * KIB);
        assert!((owned..=most).contains(&peak), "{peak} KiB at the peak, {most} at most");
    }
}

use core::future::Future;
use core::time::Duration;
use std::sync::mpsc;

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};

use super::portable::Memory as Portable;
use super::*;

const PATIENCE: Duration = Duration::new(60, 0);
const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };

#[test]
fn argon2id_computes_the_vector_of_rfc_9106() {
    // Section 5.3.
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .output_len(32)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    let mut memory = Portable::of(HashCost { memory_kib: 32, passes: 3, lanes: 4 }).unwrap();
    argon2.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, memory.blocks()).unwrap();
    assert_eq!(
        data_encoding::HEXLOWER.encode(&tag),
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    );
}

#[test]
fn hashes_of_the_reference_implementation_fit_their_password_alone() {
    let pool = pool();
    for phc in [
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ] {
        let hash = PasswordHash::stored(phc);
        let verified = block_on(pool.verify(&password("password"), Some(&hash))).unwrap();
        assert_eq!(verified, Verified { fits: true, outdated: true }, "{phc}");
        let other = block_on(pool.verify(&password("Password"), Some(&hash))).unwrap();
        assert_eq!(other, Verified { fits: false, outdated: false }, "{phc}");
    }
}

#[test]
fn a_new_hash_fits_and_is_not_outdated() {
    let pool = pool();
    let hash = block_on(pool.hash(&password("hunter2"), [7; 16])).unwrap();
    assert!(
        hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
        "{}",
        hash.as_str()
    );
    let verified = block_on(pool.verify(&password("hunter2"), Some(&hash))).unwrap();
    assert_eq!(verified, Verified { fits: true, outdated: false });
    let dearer = HashPool::start(HashCost { passes: 2, ..CHEAP }, 1, 1).unwrap();
    assert!(block_on(dearer.verify(&password("hunter2"), Some(&hash))).unwrap().outdated);
    assert_ne!(block_on(pool.hash(&password("hunter2"), [8; 16])).unwrap().as_str(), hash.as_str());
}

#[test]
fn memory_left_from_another_password_changes_no_hash() {
    let pool = HashPool::start(CHEAP, 1, 1).unwrap();
    let first = block_on(pool.hash(&password("hunter2"), [7; 16])).unwrap();
    let _ = block_on(pool.hash(&password("other"), [9; 16])).unwrap();
    assert_eq!(block_on(pool.hash(&password("hunter2"), [7; 16])).unwrap().as_str(), first.as_str());
}

#[test]
fn no_hash_and_a_hostile_hash_fit_nothing() {
    let pool = pool();
    let none = Verified { fits: false, outdated: false };
    assert_eq!(block_on(pool.verify(&password("x"), None)).unwrap(), none);
    for phc in [
        "",
        "x",
        "$argon2id$v=19$m=4294967295,t=4294967295,p=16777215$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
        "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    ] {
        assert_eq!(
            block_on(pool.verify(&password("x"), Some(&PasswordHash::stored(phc)))).unwrap(),
            none,
            "{phc}"
        );
    }
}

#[cfg(not(feature = "simd-argon2"))]
#[test]
fn no_hash_costs_a_real_hash() {
    let mut worker = Worker { cost: CHEAP, memory: Memory::of(CHEAP).unwrap() };
    for hash in [None, Some("x")] {
        worker.memory.blocks().fill(argon2::Block::new());
        let _ = worker.verify(&password("hunter2"), hash).unwrap();
        // The last block of the memory is written by a whole hash at the pool's own cost only.
        let last: &[u64] = worker.memory.blocks().last().unwrap().as_ref();
        assert!(last.iter().any(|word| *word != 0), "{hash:?}");
    }
}

#[test]
fn two_hundred_callers_are_all_answered() {
    let pool = std::sync::Arc::new(HashPool::start(CHEAP, 2, 200).unwrap());
    let callers: Vec<_> = (0..200_u8)
        .map(|n| {
            let pool = std::sync::Arc::clone(&pool);
            std::thread::spawn(move || block_on(pool.hash(&password("hunter2"), [n; 16])).unwrap())
        })
        .collect();
    let hashes: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    let distinct: std::collections::BTreeSet<_> = hashes.iter().map(PasswordHash::as_str).collect();
    assert_eq!(distinct.len(), 200);
}

#[test]
fn a_full_pool_says_when_to_come_again() {
    let (tell, started) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    let stuck = move |_| {
        tell.send(()).unwrap();
        let _ = ends.recv();
        Err(PortError::new(PORT, "planted"))
    };
    let pool =
        HashPool { cost: HashCost::HIGH, threads: 1, waiting: 1, pool: Pool::start(vec![stuck], 1).unwrap() };
    let password = password("hunter2");
    let mut running = pool.hash(&password, [0; 16]);
    let mut waiting = pool.hash(&password, [0; 16]);
    assert!(poll_once(&mut running).is_none());
    started.recv_timeout(PATIENCE).unwrap();
    assert!(poll_once(&mut waiting).is_none());
    let refused = poll_once(&mut pool.hash(&password, [0; 16])).unwrap();
    assert_eq!(refused.unwrap_err(), HashError::Busy { retry_after: 1 });
    drop(end);
    assert!(matches!(block_on(running).unwrap_err(), HashError::Failed(_)));
}

#[test]
fn a_pool_whose_threads_have_ended_fails_and_does_not_hang() {
    let broken = |_| panic!("planted");
    let pool = HashPool { cost: CHEAP, threads: 1, waiting: 9, pool: Pool::start(vec![broken], 9).unwrap() };
    for _ in 0..3 {
        let error = block_on(pool.verify(&password("x"), None)).unwrap_err();
        assert_eq!(error.to_string(), "hasher: the threads have ended");
    }
}

#[test]
fn the_floor_and_the_ceiling_hold() {
    let floor = HashCost::FLOOR;
    for (cost, error) in [
        (HashCost { memory_kib: floor.memory_kib - 1, ..floor }, HashPoolError::TooCheap),
        (HashCost { passes: 1, ..floor }, HashPoolError::TooCheap),
        (HashCost { lanes: 0, ..floor }, HashPoolError::TooCheap),
        (HashCost { memory_kib: 1024 * MEBIBYTE + 1, ..floor }, HashPoolError::TooDear),
        (HashCost { passes: 65, ..floor }, HashPoolError::TooDear),
        (HashCost { lanes: 17, ..floor }, HashPoolError::TooDear),
    ] {
        assert_eq!(HashPool::new(cost, 1, 1).unwrap_err(), error, "{cost:?}");
    }
    for (threads, waiting) in [(0, 1), (65, 1), (1, 0), (1, 100_001)] {
        assert_eq!(HashPool::new(floor, threads, waiting).unwrap_err(), HashPoolError::Size);
    }
    assert_eq!(HashPool::new(floor, 1, 1).unwrap().cost(), floor);
    assert!(HashCost::HIGH.may_be_paid());
}

#[test]
fn the_time_to_come_again_follows_the_cost() {
    assert_eq!(HashCost::FLOOR.seconds_for(1), 1);
    assert_eq!(HashCost::FLOOR.seconds_for(100), 4);
    assert_eq!(HashCost::HIGH.seconds_for(50), 10);
}

#[test]
fn the_cheap_pool_hashes() {
    let pool = HashPool::with_cheap_cost_for_tests().unwrap();
    let hash = block_on(pool.hash(&password("x"), [1; 16])).unwrap();
    assert!(block_on(pool.verify(&password("x"), Some(&hash))).unwrap().fits);
}

#[test]
fn debug_shows_no_hash() {
    assert_eq!(format!("{:?}", PasswordHash::stored("$argon2id$secret")), "PasswordHash(..)");
    assert!(format!("{:?}", pool()).starts_with("HashPool { cost: HashCost { memory_kib: 64"));
}

fn pool() -> HashPool {
    HashPool::start(CHEAP, 2, 10).unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "password").unwrap()
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    match core::pin::Pin::new(future).poll(&mut context) {
        core::task::Poll::Ready(output) => Some(output),
        core::task::Poll::Pending => None,
    }
}

/// Runs a future; one that never ends fails the test.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("an answer") })
}

#[test]
fn a_password_counts_as_received_so_its_other_form_does_not_fit() {
    let pool = pool();
    let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
    for (typed, other) in
        [(composed, decomposed), (decomposed, composed), ("secret", "secret "), ("ﬁsh", "fish")]
    {
        let hash = block_on(pool.hash(&password(typed), [7; 16])).unwrap();
        assert!(block_on(pool.verify(&password(typed), Some(&hash))).unwrap().fits, "{typed:?}");
        assert!(!block_on(pool.verify(&password(other), Some(&hash))).unwrap().fits, "{other:?}");
    }
}

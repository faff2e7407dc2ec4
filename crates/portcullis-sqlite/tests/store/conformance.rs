//! The core's suite of the store contract: on a new file for each case, and all on one file by two stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis::port::store::Store;
use portcullis::testing::conformance;
use portcullis_sqlite::SqliteStore;

use crate::common::File;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn each_case_holds_on_a_new_file() {
    let folder = File::new();
    let next = AtomicUsize::new(0);
    run(conformance::run_all(1, || async {
        let number = next.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteStore::open(folder.folder().join(format!("{number}.db"))).unwrap()) as Arc<dyn Store>
    }));
    assert_eq!(next.load(Ordering::Relaxed), conformance::CASES.len());
}

#[test]
fn all_cases_hold_on_one_file_shared_by_two_stores() {
    let file = File::new();
    let stores: [Arc<dyn Store>; 2] = [(); 2].map(|()| Arc::new(SqliteStore::open(&file).unwrap()) as Arc<_>);
    let next = AtomicUsize::new(0);
    run(conformance::run_all(2, || async {
        let number = next.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&stores[number % 2])
    }));
}

//! The model test over the store in memory.

use std::sync::Arc;

use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::testing::machine::{self, Plan};

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn two_thousand_sequences_answer_as_the_model_says() {
    let transcript = block(machine::run(memory, &Plan::new(1, 2_000, 30)));
    assert_eq!(transcript.answers.len(), 60_000);
    assert!(transcript.mails > 1_000, "codes were mailed");
}

//! What clients see when the store fails: nothing of it, and when to come back.

use std::sync::Arc;

use portcullis::memory::MemoryStore;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::{PASSWORD, WorldOptions};
use serde_json::json;

use crate::client::Site;

async fn site() -> (Site, Arc<FaultyStore<MemoryStore>>) {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let options = WorldOptions { store: Arc::clone(&store) as _, ..WorldOptions::default() };
    let site = Site::with(options).await;
    site.user("alice", Some("alice@example.com")).await;
    (site, store)
}

/// Lets every coming call of a method fail so.
fn fail(store: &FaultyStore<MemoryStore>, method: Method, failure: Failure) {
    store.reset();
    for nth in 1..=50 {
        store.fail(method, nth, failure);
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_with_a_time_to_come_back() {
    let (mut site, store) = site().await;
    site.sign_in("alice").await;
    fail(&store, Method::Read, Failure::Port);
    let problem = site.get("/settings").await.refused(503, "unavailable");
    assert!(problem["retry_after"].as_u64().unwrap() > 0);
    let body = json!({"login": "alice", "password": PASSWORD});
    let reply = site.post("/sign-in", body).await;
    assert!(reply.cookies().is_empty());
    reply.refused(503, "unavailable");
}

#[tokio::test]
async fn a_commit_that_never_wins_is_contended_and_opens_nothing() {
    let (mut site, store) = site().await;
    fail(&store, Method::Commit, Failure::Conflict);
    let body = json!({"login": "alice", "password": PASSWORD});
    let reply = site.post("/sign-in", body).await;
    assert!(reply.cookies().is_empty());
    let problem = reply.refused(503, "contended");
    assert!(problem["retry_after"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_commit_nobody_knows_about_is_unknown_and_opens_nothing() {
    let (mut site, store) = site().await;
    fail(&store, Method::Commit, Failure::UnknownAfter);
    let body = json!({"login": "alice", "password": PASSWORD});
    let reply = site.post("/sign-in", body).await;
    assert!(reply.cookies().is_empty());
    let problem = reply.refused(503, "unknown");
    assert!(problem.get("retry_after").is_none(), "nobody should repeat it blindly");
}

#[tokio::test]
async fn a_trail_that_does_not_answer_is_503() {
    let (mut site, store) = site().await;
    site.sign_in("alice").await;
    fail(&store, Method::Audit, Failure::Port);
    site.get("/audit").await.refused(503, "unavailable");
}

//! Connections that are cut at random messages of the protocol.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::common::{add, at_once, commit, event, guesses, id, in_database, insert, record};
use portcullis::port::store::{Commit, CommitError, Store};
use portcullis::testing::Dump;
use portcullis_postgres::{PostgresOptions, PostgresStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CUTS: u32 = 30;
const CONNECTIONS: usize = 4;

/// Forwards whole messages, and cuts a connection in the middle of the one whose turn it is.
struct Cutter {
    port: u16,
    /// How many messages still pass, in both directions and over all connections.
    left: Arc<AtomicI64>,
}

impl Cutter {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicI64::new(0));
        tokio::spawn({
            let left = Arc::clone(&left);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = TcpStream::connect(&server).await.unwrap();
                    tokio::spawn(forward(client, server, Arc::clone(&left)));
                }
            }
        });
        Self { port, left }
    }
}

/// The bytes read and not yet forwarded of one direction.
struct Stream {
    bytes: Vec<u8>,
    /// The first message of a client has no letter before its length.
    has_letter: bool,
}

impl Stream {
    fn next(&mut self) -> Option<Vec<u8>> {
        let at = usize::from(self.has_letter);
        let length = self.bytes.get(at..at + 4)?;
        let length = at + usize::try_from(u32::from_be_bytes(length.try_into().unwrap())).unwrap();
        if self.bytes.len() < length {
            return None;
        }
        self.has_letter = true;
        Some(self.bytes.drain(..length).collect())
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, left: Arc<AtomicI64>) {
    let mut asked = Stream { bytes: Vec::new(), has_letter: false };
    let mut answered = Stream { bytes: Vec::new(), has_letter: true };
    loop {
        let (stream, to) = tokio::select! {
            read = client.read_buf(&mut asked.bytes) => {
                if !matches!(read, Ok(1..)) { return }
                (&mut asked, &mut server)
            }
            read = server.read_buf(&mut answered.bytes) => {
                if !matches!(read, Ok(1..)) { return }
                (&mut answered, &mut client)
            }
        };
        while let Some(message) = stream.next() {
            let is_cut = left.fetch_sub(1, Ordering::SeqCst) == 1;
            let part = if is_cut { &message[..message.len() / 2] } else { &message[..] };
            if to.write_all(part).await.is_err() || is_cut {
                return;
            }
        }
    }
}

/// Commits until it is known whether it happened; whether it did.
async fn settled(store: &PostgresStore, commit: &Commit) -> bool {
    let mut lost = false;
    for _ in 0..100 {
        match store.commit(commit).await {
            Ok(_) => return true,
            Err(CommitError::Unknown) => lost = true,
            // The store's word that nothing was kept, but only of this try.
            Err(CommitError::Port(_)) if !lost => return false,
            Err(CommitError::Port(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it is never known");
}

#[test]
fn thirty_cuts_at_random_messages_double_nothing_and_lose_nothing() {
    in_database("thirty_cuts_at_random_messages_double_nothing_and_lose_nothing", async |database| {
        database.migrated().await;
        let (server, name) = database.url.split_once('@').unwrap().1.split_once('/').unwrap();
        let cutter = Cutter::before(server.to_owned()).await;
        let url = format!("postgres://postgres@127.0.0.1:{}/{name}", cutter.port);
        let options = PostgresOptions::from_url(&url).unwrap().with_connections(CONNECTIONS);
        let store = PostgresStore::connect_with(options).await.unwrap();
        let (mut kept, mut cuts, mut random) = (BTreeSet::new(), 0, 7_u64);
        for cut in 0..CUTS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            cutter.left.store(i64::try_from(random >> 33).unwrap() % 300 + 1, Ordering::SeqCst);
            let outcomes = at_once(8, |task| {
                let store = store.clone();
                async move {
                    let mut kept = Vec::new();
                    for round in 0..5 {
                        let n = u128::from(cut * 1000 + task * 10 + round) + 100;
                        let (puts, audit) =
                            (vec![insert(record(n))], vec![event(n + (1 << 64)), event(n + (2 << 64))]);
                        let counters = vec![(guesses(), add(1, u32::MAX))];
                        if settled(&store, &Commit { puts, audit, counters, ..commit(n) }).await {
                            kept.push(id(n));
                        }
                    }
                    kept
                }
            })
            .await;
            kept.extend(outcomes.into_iter().flatten());
            cuts += u32::from(cutter.left.swap(0, Ordering::SeqCst) <= 0);
            // What the cut left broken shows by one failing call each, and no more.
            let mut failed = 0;
            let healthy = async {
                while store.commit(&commit(u128::from(cut) + 900_000)).await.is_err() {
                    failed += 1;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), healthy).await.expect("the pool recovers");
            assert!(failed <= CONNECTIONS, "after cut {cut}: {failed}");
        }
        assert_eq!(cuts, CUTS, "each came to a cut");
        let contents = store.contents().await.unwrap();
        let found: BTreeSet<_> = contents.records.iter().map(|record| record.id).collect();
        assert_eq!(found, kept);
        assert_eq!(contents.records.iter().filter(|record| record.version != 1).count(), 0);
        let counted = usize::try_from(contents.counters[0].1.value).unwrap();
        assert_eq!(
            (counted, contents.audit.len()),
            (kept.len(), 2 * kept.len() + usize::try_from(CUTS).unwrap())
        );
    });
}

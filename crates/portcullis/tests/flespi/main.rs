//! Stories of the flespi room: who may hand a token over, what becomes of it, and that nothing stays behind at flespi
//! wherever an operation is interrupted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod cleared;
mod hand_off;
mod held;
mod interrupted;
mod sealed;
mod told;

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::account::NewAccount;
use portcullis::decision::Reason;
use portcullis::flespi::{CheckStatus, Expiry, FlespiSettings, FlespiState, Source};
use portcullis::id::SessionId;
use portcullis::memory::MemoryStore;
use portcullis::policy::{FlespiReplaced, Policy};
use portcullis::port::flespi::{FlespiApi as _, FlespiError, RegionName, TokenKind};
use portcullis::port::store::{Page, Store};
use portcullis::rights::{Actor, Gate};
use portcullis::secret::FlespiToken;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::flespi::Call;
use portcullis::testing::world::WorldOptions;
use portcullis::testing::{Dump as _, World};
use portcullis::user::{Flag, Flags, User};
use portcullis::{Error, Portcullis};

const DAY: TimeDelta = TimeDelta::days(1);

struct Scene {
    w: World,
    store: Arc<FaultyStore<MemoryStore>>,
    alice: User,
    session: SessionId,
}

async fn scene_under(policy: Policy) -> Scene {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let on = Arc::clone(&store) as Arc<dyn Store>;
    let w = World::with(WorldOptions { store: on, policy, ..WorldOptions::default() });
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    Scene { w, store, alice, session }
}

async fn scene() -> Scene {
    scene_under(Policy::wialon_hosting()).await
}

impl Scene {
    async fn nonce(&self) -> String {
        let hand_off = self.w.security.flespi().begin(self.session).await.unwrap();
        hand_off.nonce.expose().to_owned()
    }

    async fn redeem(&self, nonce: &str, message: String) -> Result<FlespiSettings, Error> {
        self.w.security.flespi().redeem(self.session, nonce, message).await
    }

    async fn connect(&self, region: &str) -> FlespiSettings {
        let nonce = self.nonce().await;
        self.redeem(&nonce, self.w.flespi.log_in(region)).await.unwrap()
    }

    async fn seen(&self) -> FlespiSettings {
        self.w.security.settings(self.session).await.unwrap().flespi.unwrap()
    }

    async fn run(&self) {
        assert_eq!(self.w.run_worker().await.unwrap().failed, 0);
    }

    /// Lets the worker run until nothing waits any more, however long it has to wait.
    async fn finish(&self) {
        for _ in 0..40 {
            self.w.run_worker().await.unwrap();
            self.w.advance(TimeDelta::minutes(6));
        }
        self.run().await;
    }

    async fn trail(&self) -> Vec<String> {
        let trail = self.w.security.audit(self.alice.id, Page { after: None, limit: 1000 }).await.unwrap();
        let word = |event: &portcullis::audit::AuditEvent| {
            format!("{}: {}", event.action, event.reason.as_deref().unwrap_or("-"))
        };
        let mut trail: Vec<_> =
            trail.iter().filter(|event| event.action.starts_with("flespi")).map(word).collect();
        // Events of one millisecond come in any order.
        trail.sort();
        trail
    }

    /// The tokens at flespi that a login or an operation made.
    fn left(&self) -> (usize, usize) {
        let logins = ["eu", "ru"].map(|region| self.w.flespi.living(region)).concat();
        (logins.iter().filter(|held| held.login).count(), self.w.flespi.issued().len())
    }

    /// Whether there is a token, whatever became of the session.
    async fn seen_later(&self) -> bool {
        self.w.security.flespi().token(self.alice.id, "look").await.is_ok()
    }

    /// Whether flespi accepts the token that is kept.
    async fn works(&self) -> bool {
        let opened = self.w.security.flespi().token(self.alice.id, "try").await.unwrap();
        self.w.flespi.inspect(&opened.region, &opened.token).await.is_ok()
    }

    /// Where the connection stands, seen through a new session.
    async fn seen_state(&self) -> FlespiState {
        let session = self.w.sign_in(&self.alice).await.unwrap().id;
        self.w.security.settings(session).await.unwrap().flespi.unwrap().state
    }

    /// Types a token, as the user who has just signed in.
    async fn type_in(&self, token: &FlespiToken) -> SessionId {
        let session = self.w.sign_in(&self.alice).await.unwrap().id;
        self.w.security.flespi().manual(session, token, &region("eu")).await.unwrap();
        session
    }

    /// Writes a record as somebody would who has the database and no key.
    async fn write(&self, record: portcullis::port::store::Record) {
        let version = record.version;
        let commit = portcullis::port::store::Commit {
            id: portcullis::id::CommitId::from_uuid(uuid::Uuid::from_u128(
                record.id.as_u128() ^ 1 ^ u128::from(version),
            )),
            now: self.w.now(),
            puts: vec![portcullis::port::store::Put {
                record,
                expect: portcullis::port::store::Expect::Version(version),
            }],
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        };
        self.store.inner().commit(&commit).await.unwrap();
    }
}

fn refused<T>(answer: Result<T, Error>) -> Reason {
    match answer {
        Err(Error::Refused(refusal)) => refusal.reason(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was refused"),
    }
}

fn fault<T>(answer: Result<T, Error>) -> (String, &'static str) {
    match answer {
        Err(Error::Input(error)) => (error.field().to_owned(), error.code()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was refused"),
    }
}

fn region(name: &str) -> RegionName {
    RegionName::parse(name).unwrap()
}

fn typed() -> FlespiToken {
    FlespiToken::parse("z".repeat(64)).unwrap()
}

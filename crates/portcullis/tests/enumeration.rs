//! Nobody learns from an answer, or from the rows it leaves, who has a login or an address.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::Error;
use portcullis::account::Account;
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::memory::MemoryStore;
use portcullis::port::message::SendError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Put, Read, Record, Snapshot, Store, TrailPage,
    Waiting,
};
use portcullis::recovery::Identifier;
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::sign_in::Attempt;
use portcullis::testing::World;
use portcullis::testing::world::WorldOptions;
use portcullis::user::{Flag, Flags, Login};
use uuid::Uuid;

/// The store in memory, which remembers the shape of each commit.
#[derive(Debug, Default)]
struct Watched {
    store: MemoryStore,
    shapes: Mutex<Vec<Vec<String>>>,
}

impl Watched {
    fn taken(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.shapes.lock().unwrap())
    }
}

#[async_trait]
impl Store for Watched {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.store.read(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.store.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.store.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.store.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.shapes.lock().unwrap().push(shape(commit));
        self.store.commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.store.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.store.purge(what, before, limit).await
    }
}

/// What somebody who sees the rows but can read none of them sees of a commit.
fn shape(commit: &Commit) -> Vec<String> {
    let counters = commit.counters.iter().map(|(counter, op)| format!("{} {op:?}", counter.name));
    let audit = commit.audit.iter().map(|event| {
        let (about, source) = (event.about.is_some(), event.source.is_some());
        format!("{} {} {about} {source}", event.action, event.reason.is_some())
    });
    let guards = commit.guards.len() + commit.deletes.len();
    commit.puts.iter().map(row).chain(counters).chain(audit).chain([format!("pins {guards}")]).collect()
}

fn row(put: &Put) -> String {
    let record = &put.record;
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&record.body).unwrap();
    let sealed = body.get("sealed").and_then(|sealed| sealed.as_str()).map_or(0, str::len);
    let fields: Vec<_> = body.iter().map(|(name, value)| format!("{name}{}", value.is_null())).collect();
    let keys: Vec<_> = record.keys.iter().map(|key| key.name.as_ref()).collect();
    let lane = record.due.map(|(lane, _)| lane);
    format!("{:?} {lane:?} {keys:?} {} sealed {sealed} {fields:?}", record.kind, record.refs.len())
}

fn word<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(Error::Refused(refusal)) => format!("{refusal:?}"),
        Err(other) => panic!("{other}"),
    }
}

/// The people whose identifiers are tried.
struct Town {
    world: World,
    store: Arc<Watched>,
    account: Account,
    shut: Account,
}

const KINDS: u32 = 6;

impl Town {
    async fn new() -> Self {
        let store = Arc::new(Watched::default());
        let options = WorldOptions { store: store.clone(), ..WorldOptions::default() };
        let world = World::with(options);
        let account = world.account("demo").await.unwrap();
        let shut = world.account("shut").await.unwrap();
        world.security.accounts().set_blocked(shut.id, true).await.unwrap();
        Self { world, store, account, shut }
    }

    /// The `nth` identifier, of the kind that is its turn.
    async fn identifier(&self, nth: u32) -> String {
        let scrambled = nth.wrapping_mul(2_654_435_761);
        let login = format!("u{scrambled:x}");
        let address = format!("{login}@{}.example.com", "d".repeat(usize::try_from(nth % 17).unwrap() + 1));
        let w = &self.world;
        match nth % KINDS {
            0 => {
                w.user(&self.account, &login, Some(&address)).await.unwrap();
                login
            }
            1 => {
                w.user(&self.account, &login, Some(&address)).await.unwrap();
                address
            }
            2 => {
                if nth.is_multiple_of(4) {
                    address
                } else {
                    login
                }
            }
            3 => {
                w.user(&self.account, &login, None).await.unwrap();
                login
            }
            4 => {
                w.user(&self.shut, &login, Some(&address)).await.unwrap();
                login
            }
            _ => {
                let user = w.user(&self.account, &login, Some(&address)).await.unwrap();
                let flags = Flags::all().with(Flag::ChangePassword, false);
                w.security.rights().set_flags(Actor::Program, user.id, flags).await.unwrap();
                login
            }
        }
    }
}

/// What is seen from outside of one identifier.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    sign_in: (String, Vec<Vec<String>>),
    recovery: (String, Vec<Vec<String>>),
    mailed: Vec<Vec<String>>,
}

async fn all_alike(identifiers: u32, mail_is_down: bool) {
    let town = Town::new().await;
    let w = &town.world;
    if mail_is_down {
        w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    }
    let wrong = Password::parse("not this one".to_owned(), "password").unwrap();
    let mut first: Option<Seen> = None;
    for nth in 0..identifiers {
        let text = town.identifier(nth).await;
        let from = Attempt::from(std::net::IpAddr::from((nth + 1).to_be_bytes()).into());
        town.store.taken();
        let login = Login::parse(&text).unwrap();
        let answer = word(w.security.sign_in().start(&login, &wrong, &from).await);
        let sign_in = (answer, town.store.taken());
        let identifier = Identifier::parse(&text).unwrap();
        let answer = word(w.security.recovery().request(&identifier, &from).await);
        let recovery = (answer, town.store.taken());
        w.run_worker().await.unwrap();
        // What comes of a message is between the worker and the mail server.
        let outcome = |shape: &Vec<String>| shape.iter().any(|line| line.starts_with("message_"));
        let mailed = town.store.taken().into_iter().filter(|shape| !outcome(shape)).collect::<Vec<_>>();
        assert_eq!(mailed.len(), 2, "the link, and the end of the request: {mailed:?}");
        let seen = Seen { sign_in, recovery, mailed };
        match &first {
            None => first = Some(seen),
            Some(first) => assert_eq!(&seen, first, "kind {} differs: {text}", nth % KINDS),
        }
    }
    let first = first.unwrap();
    assert!(first.sign_in.0.contains("BadCredentials") && first.recovery.0 == "ok", "{first:?}");
}

#[tokio::test]
async fn a_thousand_identifiers_of_six_kinds_are_alike_in_answer_and_rows() {
    all_alike(1000, false).await;
}

#[tokio::test]
async fn they_are_alike_too_while_no_mail_can_be_sent() {
    all_alike(120, true).await;
}

#[tokio::test]
async fn they_are_alike_too_when_the_links_of_an_hour_are_used_up() {
    let town = Town::new().await;
    let w = &town.world;
    // A confirmed address, and one of nobody.
    let mut seen = Vec::new();
    for nth in [1, 8] {
        let address = town.identifier(nth).await;
        assert!(address.contains('@'), "{address}");
        let mut of_this = Vec::new();
        for spelling in 0..7_u8 {
            let loud = |at: usize| at < 3 && spelling & (1 << at) != 0;
            let (login, domain) = address.split_once('@').unwrap();
            let domain: String = domain
                .chars()
                .rev()
                .enumerate()
                .map(|(at, c)| if loud(at) { c.to_ascii_uppercase() } else { c })
                .collect();
            let domain: String = domain.chars().rev().collect();
            let from = Attempt::from(std::net::IpAddr::from((nth + 1).to_be_bytes()).into());
            town.store.taken();
            let who = Identifier::parse(&format!("{login}@{domain}")).unwrap();
            let answer = word(w.security.recovery().request(&who, &from).await);
            w.run_worker().await.unwrap();
            let outcome = |shape: &Vec<String>| shape.iter().any(|line| line.starts_with("message_"));
            let shapes = town.store.taken().into_iter().filter(|shape| !outcome(shape)).collect::<Vec<_>>();
            of_this.push((answer, shapes));
        }
        seen.push(of_this);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(format!("{:?}", seen[0][4]).contains("recovery_mails"));
    assert!(format!("{:?}", seen[0][5]).contains("recovery_refused"));
}

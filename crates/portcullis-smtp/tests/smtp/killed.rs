//! The worker's process dies between the server's word that it took the mail and the commit that keeps it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use portcullis::contact::Email;
use portcullis::id::AccountId;
use portcullis::port::store::{Lane, Record, Store};
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::WorldOptions;
use portcullis::testing::{Dump as _, World};
use portcullis::user::{Login, NewUser};
use portcullis_smtp::SmtpSender;
use portcullis_sqlite::SqliteStore;
use serde_json::Value;
use tokio::sync::Notify;

use crate::support::server::{Script, Server};
use crate::support::{PATIENCE, options};

/// What the other process is told: the file, the server's port, the time in microseconds, a seed of its own.
const TOLD: &str = "PORTCULLIS_TEST_WORKER";
const KILLS: u32 = 100;
/// A kill that came after the commit proves nothing and is not counted; a machine on which most do is no machine.
const MOST_ROUNDS: u32 = 1000;

#[tokio::test]
#[ignore = "a process that another test starts"]
async fn a_process_that_makes_one_pass() {
    let told = std::env::var(TOLD).expect("another test starts this one and tells it what to do");
    let told: Vec<_> = told.split('|').collect();
    let [file, port, micros, seed] = told[..] else { panic!("{told:?}") };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file).unwrap());
    let now = DateTime::from_timestamp_micros(micros.parse().unwrap()).unwrap();
    let url = format!("smtp://127.0.0.1:{port}");
    let sender = SmtpSender::from_url(&url, None, options()).unwrap();
    let options = WorldOptions { store, now, seed: seed.parse().unwrap(), ..WorldOptions::default() };
    let pass = World::with_sender(options, sender, Mailbox::new()).run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.failed, pass.postponed), (1, 0, 0), "{pass:?}");
}

/// A folder of its own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("portcullis-killed-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Kills the process of the moment as soon as a mail is taken over, while it is armed.
#[derive(Default)]
struct Killer {
    armed: AtomicBool,
    victim: Mutex<Option<Child>>,
    struck: Notify,
}

impl Killer {
    fn strike(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.victim.lock().unwrap().as_mut().unwrap().kill().unwrap();
            self.struck.notify_one();
        }
    }

    /// Waits for the end of the process; says whether it ended well.
    fn bury(&self) -> bool {
        self.victim.lock().unwrap().take().unwrap().wait().unwrap().success()
    }
}

struct Scene {
    world: World,
    store: Arc<SqliteStore>,
    account: AccountId,
    server: Server,
    killer: Arc<Killer>,
    file: PathBuf,
    started: u32,
}

impl Scene {
    async fn on(folder: &Path) -> Self {
        let file = folder.join("test.db");
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let options = WorldOptions { store: Arc::clone(&store) as _, ..WorldOptions::default() };
        let world = World::with(options);
        let account = world.account("demo").await.unwrap().id;
        let killer = Arc::new(Killer::default());
        let at_hand = Arc::clone(&killer);
        let mut script = Script::clear();
        script.taken = Some(Arc::new(move || at_hand.strike()));
        let server = Server::start(script).await;
        Self { world, store, account, server, killer, file, started: 0 }
    }

    /// A process at the present time of this world.
    fn start(&mut self) {
        self.started += 1;
        let micros = self.world.now().timestamp_micros();
        // Never the randomness of this process, nor of another one.
        let seed = self.started + 1;
        let told = format!("{}|{}|{micros}|{seed}", self.file.display(), self.server.port);
        // A process may hand its mail over before this one goes on: the killer waits for its victim.
        let mut victim = self.killer.victim.lock().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::a_process_that_makes_one_pass", "--ignored"])
            .env(TOLD, told)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        *victim = Some(child);
    }

    /// A link is left to be mailed to somebody new.
    async fn invite(&self, nth: u32) {
        let mut new = NewUser::new(Login::parse(&format!("driver{nth}")).unwrap(), self.account);
        new.invited_email = Some(Email::parse(&format!("driver{nth}@example.org")).unwrap());
        self.world.security.users().create(new).await.unwrap();
    }

    /// The newest message and what became of it.
    async fn newest(&self) -> (Record, String) {
        let records = self.store.contents().await.unwrap().records;
        let messages = records.into_iter().filter(|record| record.kind.as_str() == "message");
        let newest = messages.max_by_key(|record| record.id).unwrap();
        let body: Value = serde_json::from_str(&newest.body).unwrap();
        let outcome = body["outcome"].as_str().unwrap().to_owned();
        (newest, outcome)
    }

    /// Everything that is waiting is waiting until then.
    fn claimed_until(&self, message: &Record) -> DateTime<Utc> {
        let Some((Lane::Interactive, until)) = message.due else { panic!("{:?}", message.due) };
        assert_eq!(until, self.world.now() + self.world.security.policy().claim_life);
        until
    }

    /// One message, whose first process is killed; says whether it was killed before its commit.
    async fn round(&mut self, nth: u32) -> bool {
        self.invite(nth).await;
        let before = self.server.seen().mails.len();
        self.killer.armed.store(true, Ordering::SeqCst);
        self.start();
        tokio::time::timeout(PATIENCE, self.killer.struck.notified()).await.expect("nothing was sent");
        let ended_well = self.killer.bury();
        let (message, outcome) = self.newest().await;
        let id = format!("Message-ID: <{}@example.com>", message.id);
        if outcome == "sent" {
            assert_eq!(self.server.seen().ids()[before..], [id], "once, and it is known");
            return false;
        }
        assert!(!ended_well, "a process that kept nothing was killed");
        assert_eq!(outcome, "waiting");
        let until = self.claimed_until(&message);
        let early = self.world.run_worker().await.unwrap();
        assert_eq!((early.sent, early.postponed), (0, 0), "the dead one's claim lasts");
        self.world.clock.set(until);
        self.start();
        let killer = Arc::clone(&self.killer);
        assert!(tokio::task::spawn_blocking(move || killer.bury()).await.unwrap());
        assert_eq!(self.newest().await.1, "sent");
        assert_eq!(self.server.seen().ids()[before..], [id.clone(), id], "twice, under one id");
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_after_the_server_took_the_mail_lose_none() {
    let folder = Folder::new();
    let mut scene = Scene::on(&folder.0).await;
    let (mut rounds, mut killed) = (0, 0);
    while killed < KILLS {
        assert!(rounds < MOST_ROUNDS, "{killed} of {rounds} were killed in time");
        killed += u32::from(scene.round(rounds).await);
        rounds += 1;
    }
    let records = scene.store.contents().await.unwrap().records;
    let messages = records.iter().filter(|record| record.kind.as_str() == "message");
    assert_eq!(u32::try_from(messages.count()).unwrap(), rounds);
    assert_eq!(scene.server.seen().mails.len(), usize::try_from(rounds + killed).unwrap());
}

//! The worker over this sender and a clock that is moved: troubles that last, until the message is given up, and troubles
//! that end, after which it leaves.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{Lane, Record};
use portcullis::secret::Password;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt};
use portcullis::testing::{Dump as _, World};
use serde_json::Value;

use crate::matrix::{expected, private};
use crate::support::certificates::{Certificates, certificates};
use crate::support::server::{At, STEPS, Script, Server, Trouble};
use crate::support::{Kind, PATIENCE, options, sender};

/// A notice waits for bob, and a server that has the same trouble on every connection.
struct Scene {
    world: World,
    store: Arc<MemoryStore>,
    server: Server,
    cell: String,
}

impl Scene {
    async fn new(made: &Certificates, at: At, trouble: Trouble, timeout: Duration) -> Self {
        let cell = format!("{at:?} {trouble:?}");
        let mut script = Script::new(made.good.clone()).with(at, trouble);
        script.always = true;
        let server = Server::start(script).await;
        let trusting = options().root_certificates(made.authority.clone()).timeout(timeout);
        let store = Arc::new(MemoryStore::new());
        let options = WorldOptions { store: Arc::clone(&store) as _, ..WorldOptions::default() };
        let world = World::with_sender(options, sender("smtp", server.port, trusting), Mailbox::new());
        let account = world.account("demo").await.unwrap();
        let bob = world.user(&account, "bob", Some("bob@example.org")).await.unwrap();
        let session = world.sign_in(&bob).await.unwrap();
        let typed = |text: &str| Password::parse(text.to_owned(), "new").unwrap();
        let (old, new) = (typed(PASSWORD), typed("seven quiet lanterns"));
        // What was changed is told however late it is; a code would be over long before.
        world.security.password().change(session.id, &old, &new, &new, &attempt()).await.unwrap();
        Self { world, store, server, cell }
    }

    async fn message(&self) -> Record {
        let records = self.store.contents().await.unwrap().records;
        let mut messages = records.into_iter().filter(|record| record.kind.as_str() == "message");
        let message = messages.next().expect(&self.cell);
        assert!(messages.next().is_none(), "{}: one message", self.cell);
        message
    }

    async fn outcome(&self) -> String {
        let body: Value = serde_json::from_str(&self.message().await.body).unwrap();
        body["outcome"].as_str().unwrap().to_owned()
    }

    /// Lets the worker try so often at most, each time at the instant when the message is due and not before; gives
    /// the waits in between.
    async fn tried(&self, most: usize) -> Vec<TimeDelta> {
        let mut waits = Vec::new();
        for _ in 0..most {
            let pass = self.world.run_worker().await.unwrap();
            assert_eq!(pass.failed + pass.suppressed, 0, "{}: {pass:?}", self.cell);
            let Some((Lane::Interactive, due)) = self.message().await.due else {
                assert_eq!(pass.postponed, 0, "{}: {pass:?}", self.cell);
                return waits;
            };
            assert_eq!((pass.postponed, pass.sent), (1, 0), "{}: {pass:?}", self.cell);
            let wait = due - self.world.now();
            self.world.advance(wait - TimeDelta::microseconds(1));
            let early = self.world.run_worker().await.unwrap();
            assert_eq!((early.postponed, early.sent), (0, 0), "{}: too early", self.cell);
            self.world.advance(TimeDelta::microseconds(1));
            waits.push(wait);
        }
        waits
    }

    /// Every try went under one Message-ID, and nothing of it in clear.
    fn is_one_mail(&self) {
        let seen = self.server.seen();
        private(&seen, &self.cell);
        let mut ids = seen.ids();
        // Of a try that broke off there may not even be that line.
        ids.retain(|id| id != "none");
        ids.dedup();
        assert!(ids.len() <= 1, "{}: {ids:?}", self.cell);
    }
}

/// Doubled from half a minute up to the longest, so often.
fn doubled(longest: TimeDelta, times: usize) -> Vec<TimeDelta> {
    let longer = |wait: &TimeDelta| Some((*wait * 2).min(longest));
    std::iter::successors(Some(TimeDelta::seconds(30)), longer).take(times).collect()
}

/// The trouble lasts.
async fn lasts(made: &'static Certificates, at: At, trouble: Trouble, timeout: Duration) {
    let kind = expected(at, &trouble);
    let scene = Scene::new(made, at, trouble, timeout).await;
    let waits = scene.tried(25).await;
    let (tries, outcome) = match kind {
        // What is wrong with the set-up costs no message.
        Kind::Misconfigured => (doubled(TimeDelta::minutes(15), 25), "waiting"),
        Kind::Permanent => (Vec::new(), "given_up"),
        Kind::Transient | Kind::Ambiguous => (doubled(TimeDelta::hours(24), 19), "given_up"),
    };
    assert_eq!((waits, scene.outcome().await), (tries, outcome.to_owned()), "{}", scene.cell);
    scene.is_one_mail();
    if at == At::End {
        let tries = if kind == Kind::Permanent { 1 } else { 20 };
        assert_eq!(scene.server.seen().mails.len(), tries, "{}", scene.cell);
    }
}

/// The trouble ends before the last try.
async fn ends(made: &'static Certificates, at: At, trouble: Trouble, timeout: Duration) {
    let kind = expected(at, &trouble);
    if kind == Kind::Permanent {
        return;
    }
    let scene = Scene::new(made, at, trouble, timeout).await;
    let waits = scene.tried(19).await;
    assert_eq!(waits.len(), 19, "{}", scene.cell);
    scene.server.mend();
    let pass = scene.world.run_worker().await.unwrap();
    assert_eq!(pass.sent, 1, "{}: {pass:?}", scene.cell);
    assert_eq!(scene.outcome().await, "sent", "{}", scene.cell);
    let last = scene.server.seen().ids().pop();
    assert!(last.is_some_and(|id| id != "none"), "{}: the whole mail arrived", scene.cell);
    scene.is_one_mail();
}

macro_rules! rows {
    ($($name:ident: $trouble:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(made) = certificates(stringify!($name)) else { return };
            for at in STEPS {
                lasts(made, at, $trouble, PATIENCE).await;
                ends(made, at, $trouble, PATIENCE).await;
            }
        }
    )+};
}

rows! {
    refused_for_now: Trouble::Say("451 later SECRET\r\n");
    refused_for_good: Trouble::Say("550 no SECRET\r\n");
    cut: Trouble::Cut;
    garbage: Trouble::Say("SECRET nonsense\r\n");
    flooded: Trouble::Flood;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung() {
    let Some(made) = certificates("hung") else { return };
    let moment = Duration::from_millis(250);
    let cells = STEPS.map(|at| {
        tokio::spawn(async move {
            // However early in the talk a moment is over: what a hang is called is the same but at the end.
            let scene = Scene::new(made, at, Trouble::Hang, moment).await;
            let waits = scene.tried(25).await;
            assert_eq!(waits, doubled(TimeDelta::hours(24), 19), "{}", scene.cell);
            assert_eq!(scene.outcome().await, "given_up", "{}", scene.cell);
            scene.is_one_mail();
        })
    });
    for cell in cells {
        cell.await.unwrap();
    }
}

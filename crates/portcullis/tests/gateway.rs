//! What a gateway does to those who wait: one that hangs, one that is set up wrongly, one whose answer nobody lives to hear.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use portcullis::account::Account;
use portcullis::challenge::{Channel, CodeDelivery, PendingCode};
use portcullis::contact::Phone;
use portcullis::decision::Reason;
use portcullis::error::{Error, PortError};
use portcullis::id::SessionId;
use portcullis::memory::MemoryStore;
use portcullis::message::Wording;
use portcullis::policy::Policy;
use portcullis::port::message::{Receipt, SendError, Sms, SmsSender};
use portcullis::port::store::{Page, Store};
use portcullis::port::template::{Templates, Worded};
use portcullis::rights::{Actor, Gate};
use portcullis::secret::{Code, Password};
use portcullis::sign_in::SignInResult;
use portcullis::spend::PrefixRule;
use portcullis::templates::BuiltinTemplates;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::{PASSWORD, PUBLIC_URL, WorldOptions, attempt, source};
use portcullis::user::User;
use portcullis::{Builder, Portcullis};
use tokio::sync::{Notify, Semaphore};

/// Long enough that only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(60);

const NUMBER: &str = "+37120000045";

/// A gateway that takes an SMS over, and answers when it is let.
#[derive(Clone)]
struct Gateway {
    taken: Arc<Mutex<Vec<Sms>>>,
    asked: Arc<Notify>,
    answers: Arc<Semaphore>,
    fault: Arc<AtomicBool>,
    idempotent: bool,
}

impl Gateway {
    fn new(answers: usize) -> Self {
        Self {
            taken: Arc::default(),
            asked: Arc::new(Notify::new()),
            answers: Arc::new(Semaphore::new(answers)),
            fault: Arc::default(),
            idempotent: false,
        }
    }

    /// How often it was asked to send something.
    fn calls(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// The code in the newest SMS.
    fn code(&self) -> Code {
        let text = self.taken.lock().unwrap().last().unwrap().text.clone();
        text.split(|c: char| !c.is_ascii_digit()).find_map(|word| Code::parse(word).ok()).unwrap()
    }
}

#[async_trait]
impl SmsSender for Gateway {
    fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        self.taken.lock().unwrap().push(sms.clone());
        self.asked.notify_one();
        // Others are asked meanwhile.
        tokio::task::yield_now().await;
        self.answers.acquire().await.unwrap().forget();
        if self.fault.load(Ordering::SeqCst) {
            return Err(SendError::Misconfigured { detail: "credentials" });
        }
        Ok(Receipt::new(None))
    }
}

/// Plenty of answers.
const PLENTY: usize = 1000;

fn policy() -> Policy {
    let mut policy = Policy::default();
    (policy.senders, policy.sms_new_share) = (8, 100);
    policy
}

/// Another process on the store of a world, that sends by a gateway.
fn process(w: &World, gateway: &Gateway, change: impl FnOnce(Builder) -> Builder) -> Portcullis {
    let builder = Portcullis::builder_on(Arc::clone(&w.store))
        .keyring(w.security.keyring())
        .mail(w.mailbox.clone())
        .sms(gateway.clone())
        .clock(Arc::clone(&w.clock) as Arc<_>)
        .random(Arc::new(SeededRandom::new(9)))
        .policy(w.security.policy().clone())
        .public_url(PUBLIC_URL);
    change(builder).build().unwrap()
}

fn world() -> World {
    World::with(WorldOptions { policy: policy(), ..WorldOptions::default() })
}

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

async fn session(w: &World, account: &Account, login: &str) -> SessionId {
    let user = w.user(account, login, Some(&format!("{login}@example.com"))).await.unwrap();
    w.sign_in(&user).await.unwrap().id
}

/// Leaves an SMS to be sent, for a user of its own.
async fn leave_an_sms(w: &World, account: &Account, login: &str, number: &str) -> SessionId {
    let session = session(w, account, login).await;
    let number = phone(number);
    w.security.two_factor().ask_sms(session, Some(&number), &source()).await.unwrap();
    session
}

async fn leave_sms(w: &World, account: &Account, many: u32) {
    for nth in 0..many {
        leave_an_sms(w, account, &format!("user{nth}"), &format!("+3712000{nth:04}")).await;
    }
}

#[tokio::test]
async fn a_gateway_that_hangs_holds_half_the_senders_and_a_few_sms_more() {
    const MANY: u32 = 50;
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    leave_sms(&w, &account, MANY).await;
    w.advance(TimeDelta::seconds(1));
    let alice = session(&w, &account, "alice").await;
    w.security.two_factor().ask(alice, None).await.unwrap();
    let gateway = Gateway::new(0);
    let other = process(&w, &gateway, |builder| builder);
    let pass = tokio::spawn(async move { other.worker().pass().await.unwrap() });
    let mailed = async {
        while w.mailbox.to("alice@example.com").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, mailed).await.expect("the mail leaves while the SMS hang");
    assert_eq!(gateway.calls(), 4, "half of eight senders");
    gateway.answers.add_permits(PLENTY);
    let pass = tokio::time::timeout(PATIENCE, pass).await.unwrap().unwrap();
    // Four a sender wait here, and what comes beyond goes back: another process may have room for it.
    assert_eq!((pass.sent, pass.postponed), (4 + 8 * 4 + 1, MANY - 4 - 8 * 4));
    w.advance(w.security.policy().worker_every);
    assert_eq!(w.run_worker().await.unwrap().sent, MANY - 4 - 8 * 4, "nothing is lost");
}

#[tokio::test]
async fn when_a_halt_ends_one_sms_tries_and_the_others_wait_for_it() {
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    leave_sms(&w, &account, 6).await;
    let gateway = Gateway::new(PLENTY);
    gateway.fault.store(true, Ordering::SeqCst);
    let other = process(&w, &gateway, |builder| builder);
    other.worker().pass().await.unwrap();
    assert_eq!(gateway.calls(), 4, "those that were under way together");
    assert!(other.health().sms_stopped_until.is_some());
    w.advance(w.security.policy().send_retry_first);
    other.worker().pass().await.unwrap();
    assert_eq!(gateway.calls(), 5, "one tries");
    gateway.fault.store(false, Ordering::SeqCst);
    let (mut sent, mut passes) = (0, 0);
    while sent < 6 {
        w.advance(w.security.policy().send_retry_first);
        sent += other.worker().pass().await.unwrap().sent;
        passes += 1;
        assert!(passes < 20, "it is mended: {sent} left");
    }
    assert_eq!(gateway.calls(), 5 + 6);
}

#[tokio::test]
async fn one_number_that_looks_like_a_fault_of_the_set_up_halts_nobody() {
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    leave_an_sms(&w, &account, "mallory", NUMBER).await;
    w.advance(w.security.policy().sms_cool_down);
    leave_an_sms(&w, &account, "mallory2", NUMBER).await;
    let gateway = Gateway::new(PLENTY);
    gateway.fault.store(true, Ordering::SeqCst);
    let other = process(&w, &gateway, |builder| builder);
    assert_eq!(other.worker().pass().await.unwrap().postponed, 2);
    assert_eq!((gateway.calls(), other.health().sms_stopped_until), (2, None), "both were to one number");
    leave_an_sms(&w, &account, "alice", "+37120000046").await;
    other.worker().pass().await.unwrap();
    assert!(other.health().sms_stopped_until.is_some(), "a second number");
}

/// Ours, but for one login whose SMS are two segments long.
struct Wordy(BuiltinTemplates);

impl Templates for Wordy {
    fn word(&self, wording: &Wording) -> Result<Worded, PortError> {
        self.0.word(wording)
    }

    fn sms(&self, wording: &Wording) -> Result<String, PortError> {
        let padding = if wording.login == "talkative" { 160 } else { 0 };
        self.0.sms(wording).map(|text| text + &"a".repeat(padding))
    }
}

#[tokio::test]
async fn what_is_longer_than_what_was_charged_never_leaves() {
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    leave_an_sms(&w, &account, "talkative", NUMBER).await;
    leave_an_sms(&w, &account, "bob", "+37120000046").await;
    let gateway = Gateway::new(PLENTY);
    let templates = || Wordy(BuiltinTemplates::new("portcullis").unwrap());
    let other = process(&w, &gateway, |builder| builder.templates(templates()));
    let pass = other.worker().pass().await.unwrap();
    assert_eq!((pass.sent, pass.postponed, gateway.calls()), (1, 1, 1), "only the one of one segment");
    for _ in 0..20 {
        w.advance(TimeDelta::minutes(1));
        other.worker().pass().await.unwrap();
    }
    assert_eq!(gateway.calls(), 1);
    let usage = w.security.manage(Actor::Program).usage(account.id).await.unwrap();
    assert_eq!((usage.sms.used, usage.sms_budget.used), (1, 1), "and it was given back");
}

/// Alice with a code by SMS asked for, which some worker took and did not live to say more of.
struct Lost {
    w: World,
    account: Account,
    alice: User,
    session: SessionId,
    code: PendingCode,
    taken: Code,
}

async fn trail(w: &World, user: &User) -> Vec<String> {
    let events = w.security.audit(user.id, Page { after: None, limit: 200 }).await.unwrap();
    events.into_iter().map(|event| event.action.into_owned()).collect()
}

async fn lost(gateway: &Gateway) -> Lost {
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    let code = w.security.two_factor().ask_sms(session, Some(&phone(NUMBER)), &source()).await.unwrap();
    let dying = process(&w, gateway, |builder| builder);
    let pass = tokio::spawn(async move { dying.worker().pass().await });
    tokio::time::timeout(PATIENCE, gateway.asked.notified()).await.unwrap();
    pass.abort();
    assert!(pass.await.unwrap_err().is_cancelled(), "the worker died, and the gateway had taken it over");
    let taken = gateway.code();
    Lost { w, account, alice, session, code, taken }
}

impl Lost {
    async fn delivery(&self) -> CodeDelivery {
        let tab = self.w.security.settings(self.session).await.unwrap();
        tab.two_factor.pending.unwrap().code.delivery
    }

    async fn used(&self) -> (u32, u32) {
        let usage = self.w.security.manage(Actor::Program).usage(self.account.id).await.unwrap();
        (usage.sms.used, usage.sms_budget.used)
    }
}

#[tokio::test]
async fn a_worker_that_dies_amid_a_submission_leaves_one_submission_and_one_charge() {
    let gateway = Gateway::new(0);
    let lost = lost(&gateway).await;
    let Lost { w, alice, session, code, .. } = &lost;
    assert_eq!(w.run_worker().await.unwrap(), portcullis::Pass::default(), "it is claimed still");
    assert_eq!(lost.delivery().await, CodeDelivery::Waiting);
    w.advance(w.security.policy().claim_life);
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.maybe_sent, pass.sent, w.handset.submitted().len()), (1, 0, 0));
    assert_eq!((gateway.calls(), lost.used().await), (1, (1, 1)), "one submission and one charge");
    assert_eq!(lost.delivery().await, CodeDelivery::Ambiguous);
    assert!(trail(w, alice).await.contains(&"message_maybe_sent".to_owned()));
    w.advance(w.security.policy().resend_after);
    let again = w.security.two_factor().resend(*session, code.id, &source()).await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 1, "who asks again is sent it");
    assert_eq!((gateway.calls() + w.handset.submitted().len(), lost.used().await), (2, (2, 2)));
    let enabled = w.security.two_factor().enable(*session, again.id, &lost.taken, &source()).await;
    enabled.expect("it may have arrived, and then it counts");
}

#[tokio::test]
async fn a_gateway_that_knows_the_id_again_is_asked_again_for_who_died() {
    let gateway = Gateway { idempotent: true, ..Gateway::new(0) };
    let lost = lost(&gateway).await;
    let w = &lost.w;
    w.advance(w.security.policy().claim_life);
    gateway.answers.add_permits(PLENTY);
    let next = process(w, &gateway, |builder| builder);
    let pass = next.worker().pass().await.unwrap();
    assert_eq!((pass.sent, pass.maybe_sent), (1, 0));
    let ids: Vec<_> = gateway.taken.lock().unwrap().iter().map(|sms| sms.id).collect();
    assert!(ids.len() == 2 && ids.first() == ids.last(), "the same id, which the gateway knows");
    assert_eq!((lost.used().await, lost.delivery().await), ((1, 1), CodeDelivery::Sent));
}

#[tokio::test]
async fn an_outcome_that_could_not_be_kept_is_no_reason_to_submit_again() {
    for failure in [Failure::Port, Failure::Conflict, Failure::UnknownBefore] {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let options = WorldOptions {
            store: Arc::clone(&store) as Arc<dyn Store>,
            policy: policy(),
            ..WorldOptions::default()
        };
        let w = World::with(options);
        let account = w.account_with_sms("demo").await.unwrap();
        leave_an_sms(&w, &account, "alice", NUMBER).await;
        store.reset();
        // The first commit of the worker says that it begins.
        for nth in 2..20 {
            store.fail(Method::Commit, nth, failure);
        }
        assert_eq!(w.run_worker().await.unwrap().failed, 1, "{failure:?}");
        store.reset();
        w.advance(w.security.policy().claim_life);
        assert_eq!(w.run_worker().await.unwrap().maybe_sent, 1, "{failure:?}");
        assert_eq!(w.handset.submitted().len(), 1, "{failure:?}");
        let usage = w.security.manage(Actor::Program).usage(account.id).await.unwrap();
        assert_eq!((usage.sms.used, usage.sms_budget.used), (1, 1), "{failure:?}");
    }
}

fn refusal<T>(result: Result<T, Error>) -> (Reason, Vec<Gate>) {
    match result {
        Err(Error::Refused(refusal)) => (refusal.reason(), refusal.missing().to_vec()),
        Err(other) => panic!("refused: {other:?}"),
        Ok(_) => panic!("refused"),
    }
}

#[tokio::test]
async fn neither_the_policy_nor_a_missing_sender_is_a_way_to_the_mailbox() {
    let w = world();
    let account = w.account_with_sms("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    w.switch_sms_on(session, NUMBER).await.unwrap();
    w.advance(TimeDelta::minutes(2));
    w.run_worker().await.unwrap();
    let password = || Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let start = async |security: &Portcullis| {
        let started = security.sign_in().start(&alice.login, &password(), &attempt()).await?;
        match started {
            SignInResult::CodeRequired { code, .. } => Ok(code),
            SignInResult::Admitted(_) | _ => panic!("a code is asked"),
        }
    };
    let mails = w.mailbox.mails().len();
    let gateway = Gateway::new(PLENTY);
    let (mut off, mut elsewhere) = (policy(), policy());
    off.sms_factor = false;
    elsewhere.sms_prefixes = vec![PrefixRule::serve("44")];
    for shut in [off, elsewhere] {
        let other = process(&w, &gateway, |builder| builder.policy(shut));
        assert_eq!(refusal(start(&other).await), (Reason::NotAllowed, vec![Gate::Policy]));
    }
    let store = Arc::clone(&w.store);
    let options = WorldOptions { store, policy: policy(), seed: 5, now: w.now() };
    let senderless = World::without_sms(options, w.mailbox.clone(), w.mailbox.clone());
    assert_eq!(refusal(start(&senderless.security).await), (Reason::NotAllowed, vec![Gate::Policy]));
    // Nor is a block: nobody signs in at all then, and learns nothing.
    w.run_worker().await.unwrap();
    assert_eq!((w.mailbox.mails().len(), gateway.calls()), (mails, 0));
    assert_eq!(start(&w.security).await.unwrap().channel, Channel::Sms, "the same user, where it is open");
}

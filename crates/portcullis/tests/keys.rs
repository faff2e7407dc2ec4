//! The keys are rotated while everybody works: nothing valid is refused, nothing is sent twice, and an old key is of no
//! use any more once its messages are sealed anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use core::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis::contact::{Email, SourceAddress};
use portcullis::keyring::Keyring;
use portcullis::message::{Message, Resealed};
use portcullis::port::message::SendError;
use portcullis::port::store::{Key, Page};
use portcullis::secret::{Code, Password};
use portcullis::sign_in::{Attempt, CodeResult, SignInResult};
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::world::{PASSWORD, source};
use portcullis::user::User;
use portcullis::{Error, Portcullis};
use tokio::sync::Notify;

const PEOPLE: u8 = 12;
/// Sign-ins of each: at most so many that the keyring holds a key for each of their steps.
const ROUNDS: usize = 2;
const _: () = assert!(PEOPLE as usize * ROUNDS * 2 < Keyring::MAX_KEYS);
/// How long it may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

fn attempt(nth: u8) -> Attempt {
    Attempt::from(SourceAddress::from(IpAddr::from([198, 51, 100, nth])))
}

fn address(nth: u8) -> String {
    format!("user{nth}@example.com")
}

/// Adds a key, puts it in force, and gives the id of the one before.
fn rotate(security: &Portcullis, random: &SeededRandom) -> String {
    let mut keys = security.keyring();
    let old = keys.current().to_owned();
    keys.rotate(random, security.now()).unwrap();
    security.replace_keyring(keys);
    old
}

/// Every message under a key is sealed anew, but for those a worker holds.
async fn reseal(security: &Portcullis, key: &str) -> Result<Resealed, Error> {
    let mut whole = Resealed::default();
    let mut page = Page { after: None, limit: 5 };
    loop {
        let done = security.reseal(key, page).await?;
        whole.sealed += done.sealed;
        whole.left += done.left;
        match done.next {
            Some(after) => page.after = Some(after),
            None => return Ok(whole),
        }
    }
}

async fn sealed_with(w: &World, key: &str) -> usize {
    let key = Key::lookup(Message::KIND, "sealed", key);
    w.store.list(&key, Page { after: None, limit: 1000 }).await.unwrap().len()
}

/// What goes on beside the people: keys change at their wish, and mail is sent.
#[derive(Default)]
struct Beside {
    wanted: Notify,
    done: AtomicBool,
}

impl Beside {
    async fn rotates(&self, security: Portcullis) -> Vec<String> {
        let random = SeededRandom::new(99);
        let mut old = Vec::new();
        loop {
            self.wanted.notified().await;
            if self.done.load(Ordering::Acquire) {
                return old;
            }
            old.push(rotate(&security, &random));
            for key in &old {
                // The worker may always be faster: it sends them instead.
                let done = reseal(&security, key).await;
                assert!(matches!(done, Ok(_) | Err(Error::Contended)), "{done:?}");
            }
        }
    }

    async fn sends(&self, security: Portcullis) {
        while !self.done.load(Ordering::Acquire) {
            let pass = security.worker().pass().await.unwrap();
            assert_eq!((pass.failed, pass.suppressed, pass.postponed), (0, 0, 0), "{pass:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until another key is current than this one.
    async fn changed(&self, security: &Portcullis, key: &str) {
        self.wanted.notify_one();
        while security.keyring().current() == key {
            tokio::task::yield_now().await;
        }
    }
}

/// Signs in by password and code and asks who that is, each step under another key than the one before.
async fn sign_in(w: &World, beside: &Beside, user: &User, nth: u8) {
    let security = &w.security;
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let arrived = || w.mailbox.to(&address(nth)).len();
    let before = arrived();
    let key = security.keyring().current().to_owned();
    let started = security.sign_in().start(&user.login, &password, &attempt(nth)).await.unwrap();
    let SignInResult::CodeRequired { code: asked, .. } = started else { panic!("a code is asked") };
    let token = security.challenge_token(asked.id);
    beside.changed(security, &key).await;
    while arrived() == before {
        tokio::task::yield_now().await;
    }
    let code: Code = w.mailbox.last_code(&address(nth)).unwrap();
    let key = security.keyring().current().to_owned();
    let asked = security.open_challenge_token(&token).unwrap();
    let admitted = security.sign_in().code(asked, &code, &attempt(nth), None).await.unwrap();
    let CodeResult::Admitted(admission) = admitted else { panic!("admitted") };
    let cookie = security.sessions().token(admission.session.id);
    beside.changed(security, &key).await;
    let session = security.sessions().open_token(&cookie).unwrap();
    assert_eq!(security.sessions().current(session).await.unwrap().user, user.id);
    assert_eq!(arrived(), before + 1, "the code was sent once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_under_load_refuses_nothing_valid() {
    let worked = tokio::time::timeout(PATIENCE, rotate_under_load()).await;
    assert!(worked.is_ok(), "somebody waits for ever: a key, or a message that was not sent");
}

async fn rotate_under_load() {
    let w = Arc::new(World::new());
    let account = w.account("demo").await.unwrap();
    let mut people = Vec::new();
    for nth in 0..PEOPLE {
        let user = w.user(&account, &format!("user{nth}"), Some(&address(nth))).await.unwrap();
        let session = w.sign_in(&user).await.unwrap();
        w.switch_on(session.id, &user).await.unwrap();
        // What it tells of is not to arrive in the middle of the first round.
        w.run_worker().await.unwrap();
        people.push((nth, user));
    }
    // The notices are out, so that each further mail is a code.
    w.run_worker().await.unwrap();
    let beside = Arc::new(Beside::default());
    let spawn_beside = Arc::clone(&beside);
    let security = w.security.clone();
    let rotating = tokio::spawn(async move { spawn_beside.rotates(security).await });
    let spawn_beside = Arc::clone(&beside);
    let security = w.security.clone();
    let sending = tokio::spawn(async move { spawn_beside.sends(security).await });
    let tasks: Vec<_> = people
        .into_iter()
        .map(|(nth, user)| {
            let (w, beside) = (Arc::clone(&w), Arc::clone(&beside));
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    sign_in(&w, &beside, &user, nth).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    beside.done.store(true, Ordering::Release);
    beside.wanted.notify_one();
    let old = rotating.await.unwrap();
    sending.await.unwrap();
    w.run_worker().await.unwrap();
    assert!(old.len() >= 2 * ROUNDS, "each waited for another key: {}", old.len());
    for key in &old {
        assert_eq!(sealed_with(&w, key).await, 0);
    }
}

#[tokio::test]
async fn what_waits_is_sealed_anew_page_by_page_and_then_the_old_key_can_go() {
    let w = World::new();
    let security = &w.security;
    let account = w.account("demo").await.unwrap();
    w.mailbox.fail_with(Some(SendError::Transient { detail: "busy" }));
    for nth in 0..PEOPLE {
        let user = w.user(&account, &format!("user{nth}"), Some(&address(nth))).await.unwrap();
        let session = w.sign_in(&user).await.unwrap();
        let new = Email::parse(&format!("new{nth}@example.com")).unwrap();
        security.email().set(session.id, &new).await.unwrap();
    }
    // Half of them have been tried and wait for their next try.
    w.run_worker().await.unwrap();
    let old = rotate(security, &SeededRandom::new(5));
    assert_eq!(sealed_with(&w, &old).await, usize::from(PEOPLE));
    let first = security.reseal(&old, Page { after: None, limit: 5 }).await.unwrap();
    assert_eq!((first.sealed, first.left), (5, 0));
    assert!(first.next.is_some());
    let rest = reseal(security, &old).await.unwrap();
    assert_eq!((rest.sealed, rest.left), (u32::from(PEOPLE) - 5, 0));
    assert_eq!(reseal(security, &old).await.unwrap(), Resealed::default(), "nothing is left to do");
    let current = security.keyring().current().to_owned();
    assert_eq!(reseal(security, &current).await.unwrap(), Resealed::default(), "nor under the current key");

    let mut keys = security.keyring();
    keys.retire(&old).unwrap();
    security.replace_keyring(keys);
    w.mailbox.fail_with(None);
    w.advance(security.policy().send_retry_first);
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.postponed), (u32::from(PEOPLE), 0));
}

#[tokio::test]
async fn without_its_key_a_message_waits_and_a_code_is_dead() {
    let w = World::new();
    let security = &w.security;
    let account = w.account("demo").await.unwrap();
    let user = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&user).await.unwrap();
    let new = Email::parse("new@example.com").unwrap();
    let asked = security.email().set(session.id, &new).await.unwrap();
    w.run_worker().await.unwrap();
    let code = w.mailbox.last_code("new@example.com").unwrap();
    let cookie = security.sessions().token(session.id);
    security.two_factor().ask(session.id, None).await.unwrap();

    let before = security.keyring();
    let old = rotate(security, &SeededRandom::new(5));
    let mut keys = security.keyring();
    keys.retire(&old).unwrap();
    security.replace_keyring(keys.clone());
    assert_eq!(w.run_worker().await.unwrap().postponed, 1, "its key may come back");
    assert_eq!(security.sessions().open_token(&cookie), None);
    let entered = security.email().confirm(session.id, asked.id, &code, &source()).await;
    assert!(matches!(entered, Err(Error::Refused(_))), "{entered:?}");
    let done = reseal(security, &old).await.unwrap();
    assert_eq!((done.sealed, done.left), (0, 1), "nobody can open it to seal it anew");

    security.replace_keyring(before);
    w.advance(security.policy().send_retry_first);
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    assert_eq!(security.sessions().open_token(&cookie), Some(session.id));
}

#[tokio::test]
async fn requests_for_recovery_are_sealed_anew_beside_messages() {
    let w = World::new();
    let security = &w.security;
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    // One of them is tried now and then, since nobody has looked for a while.
    let ask = async |nth: u8, text: &str| {
        let identifier = portcullis::recovery::Identifier::parse(text).unwrap();
        security.recovery().request(&identifier, &attempt(nth)).await.unwrap();
    };
    for nth in 0..7 {
        ask(nth, &format!("nobody{nth}")).await;
    }
    ask(7, "alice@example.com").await;
    let session = w.sign_in(&alice).await.unwrap();
    security.two_factor().ask(session.id, None).await.unwrap();

    let old = rotate(security, &SeededRandom::new(5));
    let first = security.reseal(&old, Page { after: None, limit: 5 }).await.unwrap();
    assert_eq!((first.sealed, first.left, first.next.is_some()), (5, 0, true));
    let rest = reseal(security, &old).await.unwrap();
    assert_eq!((rest.sealed, rest.left), (4, 0), "eight requests and a message in all");
    assert_eq!(reseal(security, &old).await.unwrap(), Resealed::default());

    let mut keys = security.keyring();
    keys.retire(&old).unwrap();
    security.replace_keyring(keys);
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.timed, pass.failed), (8, 0), "every request is seen to");
    assert!(w.mailbox.last_link("alice@example.com").is_some());
}

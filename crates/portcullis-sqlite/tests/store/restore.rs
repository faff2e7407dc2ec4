//! A copy of the file, put back after what it holds was used.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::id::{ChallengeId, SessionId};
use portcullis::port::store::{Page, Store};
use portcullis::secret::{Code, Password};
use portcullis::sign_in::SignInResult;
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt};
use portcullis::user::User;
use portcullis_sqlite::SqliteStore;

use crate::common::{File, block};

fn world(file: &Path, seed: u64) -> World {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file).unwrap());
    World::with(WorldOptions { store, seed, ..WorldOptions::default() })
}

/// Copies the file and its log, while nothing is written.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let log = |path: &Path| path.with_extension("db-wal");
    if log(from).exists() {
        fs::copy(log(from), log(to)).unwrap();
    }
}

/// Alice's cookie and the code she was sent, both used after the copies were made.
struct Used {
    alice: User,
    session: SessionId,
    challenge: ChallengeId,
    code: Code,
}

async fn use_up(w: &World, copied: impl FnOnce()) -> Used {
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let first = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(first.id, &alice).await.unwrap().id;
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let asked = w.security.sign_in().start(&alice.login, &password, &attempt()).await.unwrap();
    let SignInResult::CodeRequired { code: asked, .. } = asked else { panic!("a code is asked") };
    w.run_worker().await.unwrap();
    let code = w.code_of(&alice).await.unwrap();
    copied();
    w.security.sign_in().code(asked.id, &code, &attempt(), None).await.unwrap();
    w.security.sessions().sign_out(session).await.unwrap();
    Used { alice, session, challenge: asked.id, code }
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> Reason {
    match result {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_next_epoch_keeps_what_was_used_from_living_again() {
    let file = File::new();
    let (plain, voided) = (file.folder().join("plain.db"), file.folder().join("voided.db"));
    block(async {
        let before = world(file.as_ref(), 1);
        let used = use_up(&before, || {
            copy(file.as_ref(), &plain);
            copy(file.as_ref(), &voided);
        })
        .await;
        let again = before.security.sign_in().code(used.challenge, &used.code, &attempt(), None).await;
        assert_eq!(reason(again), Reason::ChallengeDead);

        let restored = world(&plain, 2);
        restored.advance(TimeDelta::minutes(1));
        let s = &restored.security;
        assert!(s.sessions().current(used.session).await.is_ok(), "an ended session lives again");
        assert!(
            s.sign_in().code(used.challenge, &used.code, &attempt(), None).await.is_ok(),
            "a spent code too"
        );

        let restored = world(&voided, 3);
        restored.advance(TimeDelta::minutes(1));
        let s = &restored.security;
        let mut keys = s.keyring();
        keys.next_epoch();
        s.replace_keyring(keys);
        assert_eq!(reason(s.sessions().current(used.session).await), Reason::SignedOut);
        let entered = s.sign_in().code(used.challenge, &used.code, &attempt(), None).await;
        assert_eq!(reason(entered), Reason::ChallengeDead);
        let next = restored.sign_in(&used.alice).await.unwrap();
        assert!(s.sessions().current(next.id).await.is_ok());
    });
}

#[test]
fn an_old_notice_of_the_copy_waits_for_somebody_to_look() {
    let file = File::new();
    let copied = file.folder().join("copied.db");
    block(async {
        let before = world(file.as_ref(), 1);
        let account = before.account("demo").await.unwrap();
        let alice = before.user(&account, "alice", Some("alice@example.com")).await.unwrap();
        let session = before.sign_in(&alice).await.unwrap();
        before.switch_on(session.id, &alice).await.unwrap();
        copy(file.as_ref(), &copied);
        assert_eq!(before.run_worker().await.unwrap().sent, 1, "it left after the copy was made");

        let restored = world(&copied, 2);
        let s = &restored.security;
        let mut keys = s.keyring();
        keys.next_epoch();
        s.replace_keyring(keys);
        restored.advance(s.policy().restored_message_life);
        let pass = restored.run_worker().await.unwrap();
        assert_eq!((pass.sent, pass.held), (0, 1));
        assert!(restored.mailbox.mails().is_empty(), "not sent twice");
        let page = Page { after: None, limit: 10 };
        let held = s.held_messages(page).await.unwrap();
        assert_eq!((held.len(), held[0].user), (1, alice.id));
        s.release_message(held[0].id).await.unwrap();
        assert_eq!(restored.run_worker().await.unwrap().sent, 1);
        assert!(s.held_messages(page).await.unwrap().is_empty());
    });
}

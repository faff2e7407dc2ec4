//! Each security event, and who is told of it: every confirmed address of the user, and nobody else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;

use portcullis::contact::Email;
use portcullis::memory::MemoryStore;
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::session::CurrentSession;
use portcullis::testing::world::{PASSWORD, attempt, source, wrong_code};
use portcullis::testing::{Contents, Dump as _, World};
use portcullis::user::User;
use serde_json::Value;

const OLD: &str = "alice@old.example";
const NEW: &str = "alice@new.example";

struct Scene {
    w: World,
    store: Arc<MemoryStore>,
    alice: User,
    session: CurrentSession,
}

async fn scene() -> Scene {
    let store = Arc::new(MemoryStore::new());
    let w = World::on(Arc::clone(&store) as Arc<dyn portcullis::port::store::Store>);
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some(OLD)).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    Scene { w, store, alice, session }
}

/// Every message, as kind and domain of its address, in the order of their kinds.
fn messages(contents: &Contents) -> Vec<String> {
    let of_message = contents.records.iter().filter(|record| record.kind.as_str() == "message");
    let mut all: Vec<_> = of_message
        .map(|record| {
            let body: Value = serde_json::from_str(&record.body).unwrap();
            let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap();
            format!("{} to {}", text("kind"), text("to").rsplit_once('@').unwrap().1)
        })
        .collect();
    all.sort_unstable();
    all
}

impl Scene {
    async fn messages(&self) -> Vec<String> {
        messages(&self.store.contents().await.unwrap())
    }

    /// What an act writes beside what was there.
    async fn tells<Fut: Future>(&self, act: Fut) -> Vec<String> {
        let before = self.messages().await;
        act.await;
        let mut after = self.messages().await;
        for message in before {
            let at = after.iter().position(|other| *other == message).unwrap();
            after.remove(at);
        }
        after
    }

    /// The new address waits; its code.
    async fn pending(&self) -> (portcullis::challenge::PendingCode, portcullis::secret::Code) {
        let new = Email::parse(NEW).unwrap();
        let pending = self.w.security.email().set(self.session.id, &new).await.unwrap();
        self.w.run_worker().await.unwrap();
        (pending, self.w.mailbox.last_code(NEW).unwrap())
    }

    async fn change(&self) {
        let (pending, code) = self.pending().await;
        self.w.security.email().confirm(self.session.id, pending.id, &code, &source()).await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_password_is_told() {
    let s = scene().await;
    let password = |text: &str| Password::parse(text.to_owned(), "password").unwrap();
    let (old, new) = (password(PASSWORD), password("seven quiet lanterns"));
    let told = s
        .tells(async {
            let room = s.w.security.password();
            room.change(s.session.id, &old, &new, &new, &attempt()).await.unwrap();
        })
        .await;
    assert_eq!(told, ["password_changed to old.example"]);
}

#[tokio::test]
async fn a_factor_switched_on_and_off_is_told() {
    let s = scene().await;
    let pending = s.w.security.two_factor().ask(s.session.id, None).await.unwrap();
    s.w.run_worker().await.unwrap();
    let code = s.w.mailbox.last_code(OLD).unwrap();
    let room = s.w.security.two_factor();
    let mut session = None;
    let told = s
        .tells(async {
            let on = room.enable(s.session.id, pending.id, &code, &source()).await.unwrap();
            session = Some(on.session);
        })
        .await;
    assert_eq!(told, ["two_factor_on to old.example"]);
    let off = room.disable(session.unwrap().id);
    assert_eq!(s.tells(off).await, ["two_factor_off to old.example"]);
}

#[tokio::test]
async fn a_changed_address_is_told_at_both() {
    let s = scene().await;
    let (pending, code) = s.pending().await;
    let told = s
        .tells(async {
            s.w.security.email().confirm(s.session.id, pending.id, &code, &source()).await.unwrap();
        })
        .await;
    assert_eq!(told, ["email_changed to new.example", "email_undo to old.example"]);
}

#[tokio::test]
async fn an_address_taken_by_a_factor_is_told_at_both() {
    let s = scene().await;
    s.pending().await;
    let new = Email::parse(NEW).unwrap();
    let room = s.w.security.two_factor();
    let asked = room.ask(s.session.id, Some(&new)).await.unwrap();
    s.w.run_worker().await.unwrap();
    let code = s.w.mailbox.last_code(NEW).unwrap();
    let told = s
        .tells(async {
            room.enable(s.session.id, asked.id, &code, &source()).await.unwrap();
        })
        .await;
    assert_eq!(
        told,
        ["email_changed to new.example", "email_undo to old.example", "two_factor_on to new.example"]
    );
}

#[tokio::test]
async fn a_removed_address_is_told_and_a_first_one_tells_nobody() {
    let s = scene().await;
    let mut session = None;
    let told = s.tells(async { session = s.w.security.email().clear(s.session.id).await.unwrap() }).await;
    assert_eq!(told, ["email_undo to old.example"]);
    let s = Scene { session: session.unwrap(), ..s };
    let (pending, code) = s.pending().await;
    let room = s.w.security.email();
    assert!(s.tells(room.confirm(s.session.id, pending.id, &code, &source())).await.is_empty());
}

#[tokio::test]
async fn an_undone_change_is_told_at_both() {
    let s = scene().await;
    s.change().await;
    s.w.run_worker().await.unwrap();
    let token = s.w.mailbox.last_link(OLD).unwrap();
    let told = s.tells(async { s.w.security.email().undo(&token, &attempt()).await.unwrap() }).await;
    assert_eq!(
        told,
        ["email_changed to new.example", "email_changed to old.example", "recovery_link to old.example"]
    );
}

#[tokio::test]
async fn locked_codes_are_told_once_at_the_confirmed_address() {
    let s = scene().await;
    let (pending, code) = s.pending().await;
    let (room, wrong) = (s.w.security.email(), wrong_code(&code));
    let told = s
        .tells(async {
            for _ in 0..7 {
                room.confirm(s.session.id, pending.id, &wrong, &source()).await.unwrap_err();
            }
        })
        .await;
    assert_eq!(told, ["codes_locked to old.example"]);
}

#[tokio::test]
async fn what_changes_no_credential_is_told_to_nobody() {
    let s = scene().await;
    let security = &s.w.security;
    let session = security.sessions().end_others(s.session.id).await.unwrap();
    assert!(s.tells(security.sessions().current(session.id)).await.is_empty());
    assert!(s.tells(security.sessions().end_others(session.id)).await.is_empty());
    assert!(s.tells(security.rights().set_disabled(Actor::Program, s.alice.id, true)).await.is_empty());
}

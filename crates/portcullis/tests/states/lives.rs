//! What the model test does not play: SMS and their reports, flespi, links, what a restore holds, what is given up.

use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::account::NewAccount;
use portcullis::contact::{Email, Phone};
use portcullis::id::SessionId;
use portcullis::manage::{AccountChange, UserChange};
use portcullis::message::Reported;
use portcullis::policy::Policy;
use portcullis::port::flespi::{FlespiError, RegionName};
use portcullis::port::message::{DeliveryReport, DeliveryState, SendError};
use portcullis::port::store::{Page, Store};
use portcullis::recovery::Identifier;
use portcullis::rights::Actor;
use portcullis::secret::{FlespiToken, Password};
use portcullis::testing::World;
use portcullis::testing::world::{WorldOptions, attempt, source};
use portcullis::user::{Login, NewUser, User};

const PAGE: Page = Page { after: None, limit: 10 };
const NUMBER: &str = "+37120000045";
const GONE: SendError = SendError::Permanent { detail: "no such mailbox" };

struct Life {
    w: World,
    alice: User,
}

async fn life(store: &Arc<dyn Store>, policy: Policy, seed: u64) -> Life {
    let w = World::with(WorldOptions { store: Arc::clone(store), policy, seed, ..WorldOptions::default() });
    let account = w.account_with_sms("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    Life { w, alice }
}

impl Life {
    async fn session(&self) -> SessionId {
        self.w.sign_in(&self.alice).await.unwrap().id
    }

    async fn run(&self) {
        self.w.run_worker().await.unwrap();
    }

    /// Lets so much time pass that nothing that is dead is kept any longer.
    async fn forget(&self) {
        for _ in 0..3 {
            self.w.advance(TimeDelta::days(400));
            self.run().await;
            self.w.advance(self.w.security.policy().purge_every);
            self.run().await;
        }
    }
}

/// Codes by SMS: sent, given up, lost on the way, and reported of.
pub(crate) async fn sms(store: &Arc<dyn Store>) {
    use DeliveryState::{Delivered, OnItsWay, Undelivered};
    let s = life(store, Policy::default(), 1).await;
    let two_factor = s.w.security.two_factor();
    let session = s.w.switch_sms_on(s.session().await, NUMBER).await.unwrap().id;
    two_factor.disable(session).await.unwrap();
    let lost = Err(SendError::Ambiguous { detail: "cut" });
    for (outcome, reports) in [
        (Ok(()), &[OnItsWay, Undelivered, Delivered][..]),
        (Ok(()), &[OnItsWay, Delivered]),
        (Ok(()), &[Undelivered]),
        (lost, &[Delivered]),
        (Err(GONE), &[]),
        (Err(SendError::Transient { detail: "busy" }), &[]),
    ] {
        s.w.advance(TimeDelta::hours(2));
        let session = s.session().await;
        s.w.handset.then([outcome]);
        let phone = Phone::parse(NUMBER).unwrap();
        two_factor.ask_sms(session, Some(&phone), &source()).await.unwrap();
        s.run().await;
        let id = s.w.handset.submitted().last().unwrap().id;
        for state in reports {
            let report = DeliveryReport::new(id, *state);
            assert_eq!(s.w.security.delivery_report(&report).await.unwrap(), Reported::Kept);
        }
    }
    s.w.advance(TimeDelta::hours(2));
    let session = s.w.switch_on(s.session().await, &s.alice).await.unwrap().id;
    s.w.switch_sms_on(session, NUMBER).await.unwrap();
    s.w.advance(TimeDelta::hours(2));
    s.w.switch_on(s.session().await, &s.alice).await.unwrap();
    s.forget().await;
}

/// A flespi connection: never made, made, made anew, taken back.
pub(crate) async fn flespi(store: &Arc<dyn Store>) {
    let s = life(store, Policy::wialon_hosting(), 2).await;
    let flespi = s.w.security.flespi();
    let typed = |sign: &str| FlespiToken::parse(sign.repeat(64)).unwrap();
    let region = RegionName::parse("eu").unwrap();
    let log_in = async || {
        let session = s.session().await;
        let hand_off = flespi.begin(session).await.unwrap();
        flespi.redeem(session, hand_off.nonce.expose(), s.w.flespi.log_in("eu")).await.unwrap();
    };
    // One that comes to nothing: flespi never answers.
    s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
    log_in().await;
    for _ in 0..40 {
        s.run().await;
        s.w.advance(TimeDelta::hours(6));
    }
    // The same while there is a token: it stays.
    flespi.manual(s.session().await, &typed("a"), &region).await.unwrap();
    log_in().await;
    for _ in 0..40 {
        s.run().await;
        s.w.advance(TimeDelta::hours(6));
    }
    s.w.flespi.go_down(None);
    // One that is typed while one is being issued; one that is taken back while the next is; typed again; and one that
    // is taken back while the first is being issued.
    log_in().await;
    flespi.manual(s.session().await, &typed("b"), &region).await.unwrap();
    s.w.flespi.go_down(Some(FlespiError::Throttled { wait: None }));
    log_in().await;
    flespi.disconnect(s.session().await).await.unwrap();
    flespi.manual(s.session().await, &typed("c"), &region).await.unwrap();
    flespi.disconnect(s.session().await).await.unwrap();
    log_in().await;
    flespi.disconnect(s.session().await).await.unwrap();
    s.w.flespi.go_down(None);
    log_in().await;
    flespi.disconnect(s.session().await).await.unwrap();
    s.forget().await;
}

/// Messages that are given up, sent again, held after a restore, released, and for nothing any more.
pub(crate) async fn messages(store: &Arc<dyn Store>) {
    let s = life(store, Policy::default(), 3).await;
    let security = &s.w.security;
    s.w.switch_on(s.session().await, &s.alice).await.unwrap();
    s.w.mailbox.fail_with(Some(GONE));
    s.run().await;
    s.w.mailbox.fail_with(None);
    let dead = security.dead_messages(PAGE).await.unwrap();
    security.resend_message(dead.first().unwrap().id).await.unwrap();
    s.run().await;
    let session = s.session().await;
    s.w.advance(TimeDelta::hours(2));
    s.w.security.two_factor().disable(session).await.unwrap_err();
    let session = s.session().await;
    s.w.security.two_factor().disable(session).await.unwrap();
    let mut keys = security.keyring();
    keys.next_epoch();
    security.replace_keyring(keys);
    s.w.advance(security.policy().restored_message_life);
    s.run().await;
    let held = security.held_messages(PAGE).await.unwrap();
    security.release_message(held.first().unwrap().id).await.unwrap();
    s.run().await;
    s.forget().await;
}

/// Links: a recovery, an invitation, a changed address that is put back.
pub(crate) async fn links(store: &Arc<dyn Store>) {
    let s = life(store, Policy::default(), 4).await;
    let security = &s.w.security;
    let address = |text: &str| Email::parse(text).unwrap();
    let identifier = Identifier::parse("alice@example.com").unwrap();
    security.recovery().request(&identifier, &attempt()).await.unwrap();
    s.run().await;
    let program = security.manage(Actor::Program);
    program.change_user(s.alice.id, &UserChange::default().disabled(true)).await.unwrap();
    program.change_user(s.alice.id, &UserChange::default().disabled(false)).await.unwrap();
    for login in ["bob", "carol"] {
        let mut new = NewUser::new(Login::parse(login).unwrap(), s.alice.account);
        new.invited_email = Some(address(&format!("{login}@example.com")));
        let user = security.users().create(new).await.unwrap();
        s.run().await;
        if login == "bob" {
            program.change_user(user.id, &UserChange::default().disabled(true)).await.unwrap();
            program.change_user(user.id, &UserChange::default().disabled(false)).await.unwrap();
        }
    }
    let link = s.w.mailbox.last_link("carol@example.com").unwrap();
    let password = Password::parse("seven quiet lanterns".to_owned(), "new").unwrap();
    security.recovery().set_password(&link, &password, &password, &attempt()).await.unwrap();
    let session = s.session().await;
    let code = security.email().set(session, &address("new@example.com")).await.unwrap();
    s.run().await;
    let entered = s.w.mailbox.last_code("new@example.com").unwrap();
    security.email().confirm(session, code.id, &entered, &source()).await.unwrap();
    s.run().await;
    let link = s.w.mailbox.last_link("alice@example.com").unwrap();
    security.email().undo(&link, &attempt()).await.unwrap();
    let account = security.accounts().create(NewAccount::named("other")).await.unwrap();
    program.change_account(account.id, &AccountChange::default().blocked(true)).await.unwrap();
    program.change_account(account.id, &AccountChange::default().blocked(false)).await.unwrap();
    s.forget().await;
}

//! Stories of the flespi room: who may hand a token over, what becomes of it, and that nothing stays behind at flespi
//! wherever an operation is interrupted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

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

#[tokio::test]
async fn a_login_gives_a_token_of_one_year_and_leaves_nothing_else() {
    let s = scene().await;
    let flespi = s.connect("ru").await;
    assert_eq!(flespi.state, FlespiState::Connected);
    let token = flespi.token.unwrap();
    let end = s.w.now() + DAY * 365;
    assert_eq!(
        (token.region.as_str(), token.source, token.expiry),
        ("ru", Source::Login, Expiry::Fixed(end))
    );
    assert_eq!((token.kind, token.obtained_at), (Some(TokenKind::Master), s.w.now()));
    let [issued] = &s.w.flespi.issued()[..] else { panic!("one token is issued") };
    assert_eq!((issued.expire, issued.ttl), (Some(end), None));
    assert!(s.w.flespi.calls().iter().all(|(to, _)| to.as_str() == "ru"), "no other host is called");
    s.run().await;
    assert_eq!(s.left(), (0, 1), "the login is revoked");
    let opened = s.w.security.flespi().token(s.alice.id, "send_command").await.unwrap();
    assert!(opened.token.expose().starts_with(&token.shown) && token.shown.len() == 4);
    assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "the token is the issued one");
    let told = [
        "flespi_cleared: done",
        "flespi_connected: login",
        "flespi_redeemed: -",
        "flespi_token_opened: send_command",
    ];
    assert_eq!(s.trail().await, told);
}

#[tokio::test]
async fn a_nonce_counts_once_in_time_and_for_its_session_alone() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    let dead = Reason::HandOffDead;
    let posted = || s.w.flespi.log_in("eu");
    for missing in ["", "no nonce", &"A".repeat(64)] {
        assert_eq!(refused(s.redeem(missing, posted()).await), dead, "{missing}");
    }
    let nonce = s.nonce().await;
    let mut other = nonce.clone().into_bytes();
    other[40] = if other[40] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).unwrap();
    assert_eq!(refused(s.redeem(&other, posted()).await), dead, "another secret");
    let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
    let bob = s.w.user(&account, "bob", None).await.unwrap();
    let bobs = s.w.sign_in(&bob).await.unwrap().id;
    assert_eq!(refused(flespi.redeem(bobs, &nonce, posted()).await), dead, "another user");
    let again = s.w.sign_in(&s.alice).await.unwrap().id;
    assert_eq!(refused(flespi.redeem(again, &nonce, posted()).await), dead, "another session of the user");
    assert_eq!(s.w.flespi.calls(), [], "flespi was asked nothing");
    s.redeem(&nonce, posted()).await.unwrap();
    assert_eq!(refused(s.redeem(&nonce, posted()).await), dead, "it is used");
    let late = s.nonce().await;
    s.w.advance(TimeDelta::minutes(10));
    assert_eq!(refused(s.redeem(&late, posted()).await), dead, "it is over");
    s.w.advance(-TimeDelta::minutes(5));
    assert_eq!(refused(s.redeem(&late, posted()).await), dead, "for good");
    assert_eq!(s.w.flespi.count(Call::Issue), 1);
    let trail = s.trail().await;
    for why in ["unknown", "wrong_secret", "spent", "expired", "dead", "meant_for_another"] {
        assert!(trail.contains(&format!("flespi_hand_off_refused: {why}")), "{why}: {trail:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_by_its_field_and_changes_nothing() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let nonce = s.nonce().await;
    let before = s.store.inner().contents().await.unwrap().to_string();
    let posted = s.w.flespi.log_in("eu");
    for (message, field, code) in [
        (String::new(), "message", "bad_message"),
        (posted.replace("{\"name\"", "[\"name\""), "message", "bad_message"),
        (posted.replace("\"name\":\"eu\"", "\"name\":\"eu.evil.com\""), "region", "invalid_region"),
        (posted.replace("\"name\":\"eu\"", "\"name\":\"us\""), "region", "invalid_region"),
        (
            "FlespiLogin|token:{\"token\":\"short\",\"region\":{\"name\":\"eu\"}}".to_owned(),
            "token",
            "invalid_token",
        ),
        (format!("FlespiToken {}", "a".repeat(64)), "region", "invalid_region"),
    ] {
        assert_eq!(fault(s.redeem(&nonce, message.clone()).await), (field.to_owned(), code), "{message}");
    }
    let refused = s.w.security.flespi().manual(s.session, &typed(), &region("us")).await;
    assert_eq!(fault(refused), ("region".to_owned(), "invalid_region"));
    assert_eq!(s.store.inner().contents().await.unwrap().to_string(), before);
    let foreign = posted.replace("https://flespi.io", "https://evil.example");
    let flespi = s.redeem(&nonce, foreign).await.unwrap();
    assert_eq!(flespi.token.unwrap().region.as_str(), "eu", "its hosts are read by nobody");
}

#[tokio::test]
async fn a_login_of_another_region_is_no_token_there_and_the_old_one_stays() {
    let s = scene().await;
    let old = s.connect("eu").await.token;
    s.run().await;
    let nonce = s.nonce().await;
    let moved = s.w.flespi.log_in("eu").replace("\"name\":\"eu\"", "\"name\":\"ru\"");
    assert_eq!(fault(s.redeem(&nonce, moved).await), ("token".to_owned(), "invalid_token"));
    assert_eq!(s.seen().await.token, old);
    assert_eq!(s.seen().await.state, FlespiState::Connected);
    s.finish().await;
    assert_eq!(s.w.flespi.issued().len(), 1);
    assert!(s.w.flespi.calls().iter().filter(|(to, _)| to.as_str() == "ru").count() > 0);
    let refused = "flespi_not_connected: unauthorized".to_owned();
    assert!(s.trail().await.contains(&refused));
}

#[tokio::test]
async fn who_may_not_change_it_is_told_every_missing_gate() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    let under = NewAccount::named("below").under(s.alice.account);
    let below = s.w.security.accounts().create(under).await.unwrap();
    let bob = s.w.user(&below, "bob", None).await.unwrap();
    let bobs = s.w.sign_in(&bob).await.unwrap().id;
    s.w.security.rights().set_flags(Actor::Program, bob.id, Flags::default()).await.unwrap();
    let missing = |answer: Error| {
        let Error::Refused(refusal) = answer else { panic!("{answer}") };
        refusal.missing().to_vec()
    };
    let gates = [Gate::ChangeSettings, Gate::TopUser];
    assert_eq!(missing(flespi.begin(bobs).await.unwrap_err()), gates);
    assert_eq!(missing(flespi.manual(bobs, &typed(), &region("eu")).await.unwrap_err()), gates);
    assert_eq!(missing(flespi.disconnect(bobs).await.unwrap_err()), gates);
    let message = s.w.flespi.log_in("eu");
    assert_eq!(missing(flespi.redeem(bobs, "", message).await.unwrap_err()), gates);
    assert_eq!(s.w.security.settings(bobs).await.unwrap().flespi.unwrap().change.missing(), gates);

    // A right that is lost between is missed when the nonce comes back.
    let nonce = s.nonce().await;
    let flags = Flags::all().with(Flag::ChangeSettings, false);
    s.w.security.rights().set_flags(Actor::Program, s.alice.id, flags).await.unwrap();
    let lost = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap_err();
    assert_eq!(missing(lost), [Gate::ChangeSettings]);
    s.w.security.rights().set_flags(Actor::Program, s.alice.id, Flags::all()).await.unwrap();

    s.w.advance(s.w.security.policy().session_fresh);
    for stale in [
        flespi.begin(s.session).await.map(drop),
        flespi.manual(s.session, &typed(), &region("eu")).await.map(drop),
        flespi.disconnect(s.session).await,
    ] {
        assert_eq!(refused(stale), Reason::StaleSignIn);
    }
    assert_eq!(s.w.flespi.calls(), []);
}

#[tokio::test]
async fn logins_that_are_begun_are_bounded() {
    let s = scene().await;
    for _ in 0..10 {
        s.nonce().await;
    }
    assert_eq!(refused(s.w.security.flespi().begin(s.session).await), Reason::TooManyAttempts);
}

#[tokio::test]
async fn a_typed_token_is_kept_unasked_and_checked_at_its_region_alone() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    assert_eq!(refused(flespi.check(s.session).await), Reason::NotConnected);
    assert_eq!(refused(flespi.token(s.alice.id, "try").await), Reason::NotConnected);
    let token = s.w.flespi.hold("eu", |held| held.ttl = Some(DAY * 400));
    let kept = flespi.manual(s.session, &token, &region("eu")).await.unwrap();
    assert_eq!((kept.state, s.w.flespi.calls().len()), (FlespiState::Connected, 0));
    let held = kept.token.unwrap();
    assert_eq!((held.source, held.kind, held.expiry), (Source::Manual, None, Expiry::Unknown));
    let checked = flespi.check(s.session).await.unwrap();
    let end = s.w.now() + DAY * 400;
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Active, Expiry::Sliding(end)));
    assert_eq!(s.w.flespi.calls(), [(region("eu"), Call::Inspect)]);
    assert_eq!(s.seen().await.token.unwrap().kind, Some(TokenKind::Master));

    // In the other region it is no token.
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    flespi.manual(session, &token, &region("ru")).await.unwrap();
    let checked = flespi.check(session).await.unwrap();
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Rejected, Expiry::Unknown));
    assert_eq!(refused(flespi.token(s.alice.id, "try").await), Reason::Rejected);
    assert_eq!(s.w.flespi.calls().last().unwrap().0, region("ru"));

    // A typed token is its user's: whatever replaces it, nobody revokes it, nor looks for it.
    flespi.manual(session, &token, &region("eu")).await.unwrap();
    flespi.check(session).await.unwrap();
    let calls = s.w.flespi.calls().len();
    flespi.disconnect(session).await.unwrap();
    s.finish().await;
    assert_eq!(s.w.flespi.calls().len(), calls);
    assert_eq!(s.w.flespi.living("eu").len(), 1);
}

#[tokio::test]
async fn a_year_later_the_token_has_expired_and_is_refused() {
    let s = scene().await;
    s.connect("ru").await;
    s.run().await;
    s.w.advance(DAY * 365);
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let seen = s.w.security.settings(session).await.unwrap().flespi.unwrap();
    assert_eq!(seen.state, FlespiState::Expired);
    assert_eq!(refused(s.w.security.flespi().token(s.alice.id, "try").await), Reason::Expired);
    let checked = s.w.security.flespi().check(session).await.unwrap();
    assert_eq!(checked.status, CheckStatus::Expired, "flespi has deleted it by now");
    assert_eq!(checked.expiry.ends_at(), Some(s.w.now()));
}

#[tokio::test]
async fn a_token_that_was_replaced_or_disconnected_is_revoked_where_it_can_be() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let first = s.w.flespi.issued()[0].id;
    s.connect("eu").await;
    assert_eq!(s.w.flespi.issued().len(), 2, "the old one lives until the new one is kept");
    s.run().await;
    assert_eq!(s.left(), (0, 1));
    assert_ne!(s.w.flespi.issued()[0].id, first);
    // Another account of flespi, and another region.
    let nonce = s.nonce().await;
    s.redeem(&nonce, s.w.flespi.log_in_as("eu", 2)).await.unwrap();
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.issued()[0].account), ((0, 1), 2));
    s.connect("ru").await;
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.living("ru").len()), ((0, 1), 1));
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    assert_eq!(s.seen().await.state, FlespiState::Absent);
    s.run().await;
    assert_eq!(s.left(), (0, 0));
    s.w.advance(DAY * 2);
    s.run().await;
    let kinds = s.store.inner().contents().await.unwrap().records;
    assert!(kinds.iter().all(|record| record.kind.as_str() != "flespi_connection"), "nothing is kept of it");
    // And it begins anew under the same id.
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let token = s.w.flespi.hold("eu", |_| ());
    let kept = s.w.security.flespi().manual(session, &token, &region("eu")).await.unwrap();
    assert_eq!(kept.state, FlespiState::Connected);
}

#[tokio::test]
async fn a_token_without_the_right_to_revoke_is_left_to_its_end_and_that_is_told() {
    let s = scene_under(Policy::default()).await;
    s.connect("eu").await;
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.issued()[0].kind), ((0, 1), TokenKind::Standard));
    s.connect("eu").await;
    s.run().await;
    assert_eq!(s.left(), (0, 1), "a new login of the account removes the old one");
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    s.run().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: no_right".to_owned()));
}

#[tokio::test]
async fn the_token_that_is_typed_again_is_not_revoked_as_the_one_it_replaces() {
    let s = scene().await;
    s.connect("eu").await;
    let opened = s.w.security.flespi().token(s.alice.id, "copy").await.unwrap();
    s.w.security.flespi().manual(s.session, &opened.token, &opened.region).await.unwrap();
    assert_eq!(s.w.security.flespi().check(s.session).await.unwrap().status, CheckStatus::Active);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    s.w.security
        .flespi()
        .manual(s.w.sign_in(&s.alice).await.unwrap().id, &typed(), &region("eu"))
        .await
        .unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 1), "typed as it was, it is its user's");
}

impl Scene {
    /// Types a token, as the user who has just signed in.
    async fn type_in(&self, token: &FlespiToken) -> SessionId {
        let session = self.w.sign_in(&self.alice).await.unwrap().id;
        self.w.security.flespi().manual(session, token, &region("eu")).await.unwrap();
        session
    }
}

#[tokio::test]
async fn a_typed_token_revokes_nothing_before_flespi_accepts_it() {
    for (end, left) in [("check", 0), ("disconnect", 0), ("login", 1), ("typed again", 1)] {
        let s = scene().await;
        let flespi = s.w.security.flespi();
        s.connect("eu").await;
        let issued = flespi.token(s.alice.id, "copy").await.unwrap().token;
        s.run().await;
        let first = s.w.flespi.issued()[0].id;
        s.type_in(&typed()).await;
        s.finish().await;
        let session = s.type_in(&typed()).await;
        assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Rejected);
        s.finish().await;
        let real = s.w.flespi.hold("eu", |_| ());
        let session = s.type_in(&real).await;
        s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
        assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Unknown);
        s.w.flespi.go_down(None);
        s.finish().await;
        let calls = [Call::Find, Call::Revoke].map(|call| s.w.flespi.count(call));
        assert_eq!(
            (s.left(), s.w.flespi.issued()[0].id),
            ((0, 1), first),
            "{end}: not one of them is proven"
        );
        let session = s.w.sign_in(&s.alice).await.unwrap().id;
        match end {
            "check" => assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Active),
            "disconnect" => flespi.disconnect(session).await.unwrap(),
            "login" => {
                let nonce = flespi.begin(session).await.unwrap().nonce;
                flespi.redeem(session, nonce.expose(), s.w.flespi.log_in("eu")).await.unwrap();
            }
            _ => {
                let session = s.type_in(&issued).await;
                assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Active);
            }
        }
        s.finish().await;
        assert_eq!(s.left(), (0, left), "{end}");
        assert!(
            s.w.flespi.living("eu").iter().any(|held| held.info == "by hand"),
            "{end}: a typed one is its user's"
        );
        let after = [Call::Find, Call::Revoke].map(|call| s.w.flespi.count(call));
        assert_eq!(after == calls, end == "typed again", "{end}");
        let kept = flespi.token(s.alice.id, "try").await.map(|opened| opened.token.expose().to_owned());
        match end {
            "check" => assert_eq!(kept.unwrap(), real.expose()),
            "disconnect" => assert_eq!(refused(kept), Reason::NotConnected),
            "login" => assert!(s.works().await && s.w.flespi.issued()[0].id != first),
            _ => assert_eq!(kept.unwrap(), issued.expose()),
        }
    }
}

#[tokio::test]
async fn a_typed_token_that_is_proven_does_not_disturb_the_one_that_is_being_issued() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    s.connect("eu").await;
    s.run().await;
    let real = s.w.flespi.hold("eu", |_| ());
    flespi.manual(s.session, &real, &region("eu")).await.unwrap();
    s.w.flespi.fail(Call::Issue, 2, FlespiError::Ambiguous { detail: "lost" }, true);
    let nonce = s.nonce().await;
    assert_eq!(s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap().state, FlespiState::Connecting);
    assert_eq!(flespi.check(s.session).await.unwrap().status, CheckStatus::Active);
    s.run().await;
    assert_eq!(s.w.flespi.count(Call::Issue), 2, "its call may still be under way");
    s.finish().await;
    assert_eq!((s.left(), s.w.flespi.count(Call::Issue)), ((0, 1), 3));
    assert!(s.works().await);
}

#[tokio::test]
async fn the_user_is_mailed_before_the_end_and_anew_when_it_moves() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let end = s.w.now() + DAY * 365;
    let mut told = 0;
    for days in [31, 30, 29, 7, 1] {
        s.w.clock.set(end - DAY * days);
        s.run().await;
        s.run().await;
        told += usize::from([30, 7, 1].contains(&days));
        let mails = s.w.mailbox.to("alice@example.com");
        assert_eq!(mails.len(), told, "{days}");
        if let Some(mail) = mails.last() {
            assert!(mail.text.contains("2027-11-18"), "{}", mail.text);
        }
    }
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let later = s.w.flespi.hold("eu", |held| held.expire = Some(end + DAY * 100));
    s.w.security.flespi().manual(session, &later, &region("eu")).await.unwrap();
    s.w.security.flespi().check(session).await.unwrap();
    s.w.clock.set(end + DAY * 70);
    s.run().await;
    assert_eq!(s.w.mailbox.to("alice@example.com").len(), told + 1);
}

#[tokio::test]
async fn a_notice_that_is_not_true_any_more_does_not_leave() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let end = s.w.now() + DAY * 365;
    s.w.clock.set(end - DAY * 30);
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    s.w.mailbox.fail_with(Some(portcullis::port::message::SendError::Transient { detail: "busy" }));
    s.run().await;
    s.w.security.flespi().disconnect(session).await.unwrap();
    s.w.mailbox.fail_with(None);
    s.w.advance(DAY);
    s.run().await;
    assert_eq!(s.w.mailbox.to("alice@example.com").len(), 0);
}

#[test]
fn keys_are_rotated_while_tokens_are_read() {
    use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let s = scene().await;
        s.connect("eu").await;
        let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
        let mut users = vec![s.alice.id];
        for nth in 0..20 {
            let user = s.w.user(&account, &format!("user{nth}"), None).await.unwrap();
            let session = s.w.sign_in(&user).await.unwrap().id;
            let token = s.w.flespi.hold("ru", |_| ());
            s.w.security.flespi().manual(session, &token, &region("ru")).await.unwrap();
            users.push(user.id);
        }
        let security = &s.w.security;
        let mut before = Vec::new();
        for user in &users {
            before.push(security.flespi().token(*user, "before").await.unwrap().token);
        }
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (security, users, before) = (security.clone(), users.clone(), before.clone());
                let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
                tokio::spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        for (user, before) in users.iter().zip(&before) {
                            let opened = security.flespi().token(*user, "meanwhile").await.unwrap();
                            assert_eq!(opened.token.expose(), before.expose());
                            reads.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        let some_are_read = async || {
            let until = reads.load(Ordering::SeqCst) + 10;
            while reads.load(Ordering::SeqCst) < until {
                assert!(readers.iter().all(|reader| !reader.is_finished()), "a token could not be read");
                tokio::task::yield_now().await;
            }
        };
        some_are_read().await;
        let mut keys = security.keyring();
        let old = keys.current().to_owned();
        keys.rotate(&SeededRandom::new(7), s.w.now()).unwrap();
        security.replace_keyring(keys);
        let (mut sealed, mut after) = (0, None);
        loop {
            some_are_read().await;
            let page = security.reseal(&old, Page { after, limit: 5 }).await.unwrap();
            sealed += page.sealed;
            if page.next.is_none() {
                break;
            }
            after = page.next;
        }
        let again = security.reseal(&old, Page { after: None, limit: 100 }).await.unwrap();
        assert_eq!((sealed, again.sealed, again.left, again.next), (21, 0, 0, None), "all is done");
        let mut keys = security.keyring();
        keys.retire(&old).unwrap();
        security.replace_keyring(keys);
        some_are_read().await;
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
        s.run().await;
        assert_eq!(s.left(), (0, 1), "the login was sealed anew too, and is revoked");
        // Sessions of the retired key are no matter here: the token is asked for by the host.
        assert_eq!(s.trail().await.iter().filter(|line| line.starts_with("flespi_resealed")).count(), 1);
    });
}

impl Scene {
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

#[tokio::test]
async fn a_row_moved_to_another_user_does_not_open() {
    let s = scene().await;
    s.connect("eu").await;
    let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
    let bob = s.w.user(&account, "bob", None).await.unwrap();
    let records = s.store.inner().contents().await.unwrap().records;
    let find = |kind: &str, id: Option<uuid::Uuid>| {
        let wanted = |record: &&portcullis::port::store::Record| {
            record.kind.as_str() == kind && id.is_none_or(|id| record.id == id)
        };
        records.iter().find(wanted).unwrap().clone()
    };
    let mut connection = find("flespi_connection", None);
    let mut moved = find("user", Some(bob.id.uuid()));
    let (alices, bobs) = (s.alice.id.to_string(), bob.id.to_string());
    moved.body = moved.body.replace("\"flespi\":null", &format!("\"flespi\":\"{}\"", connection.id));
    moved.refs.push(connection.id);
    s.write(moved).await;
    let flespi = s.w.security.flespi();
    assert_eq!(refused(flespi.token(bob.id, "steal").await), Reason::NotConnected, "it names another user");
    connection.body = connection.body.replace(&alices, &bobs);
    s.write(connection).await;
    assert!(matches!(flespi.token(bob.id, "steal").await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn a_row_moved_to_another_region_does_not_open_and_its_token_goes_nowhere() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let records = s.store.inner().contents().await.unwrap().records;
    let mut row = records.into_iter().find(|record| record.kind.as_str() == "flespi_connection").unwrap();
    assert_eq!(row.body.matches("\"region\":\"eu\"").count(), 1);
    row.body = row.body.replace("\"region\":\"eu\"", "\"region\":\"ru\"");
    s.write(row).await;
    let flespi = s.w.security.flespi();
    assert!(matches!(flespi.token(s.alice.id, "steal").await, Err(Error::Corrupt { .. })));
    assert!(matches!(flespi.check(s.session).await, Err(Error::Corrupt { .. })));
    flespi.disconnect(s.session).await.unwrap();
    s.finish().await;
    assert!(
        s.w.flespi.calls().iter().all(|(to, _)| to.as_str() == "eu"),
        "nothing is sent to the other host"
    );
}

/// What may happen to a call at flespi: it fails and nothing was done, or its answer is lost.
fn faults() -> [(FlespiError, bool); 5] {
    [
        (FlespiError::Unavailable { detail: "down" }, false),
        (FlespiError::Throttled { wait: None }, false),
        (FlespiError::Ambiguous { detail: "lost" }, false),
        (FlespiError::Ambiguous { detail: "lost" }, true),
        (FlespiError::Ambiguous { detail: "lost" }, true),
    ]
}

#[tokio::test]
async fn whatever_call_fails_one_token_is_left_and_it_is_the_one_that_is_kept() {
    for call in [Call::Find, Call::Issue, Call::Revoke, Call::Inspect] {
        for nth in 1..=4 {
            for (error, done) in faults() {
                let s = scene().await;
                let nonce = s.nonce().await;
                s.w.flespi.fail(call, nth, error.clone(), done);
                s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
                s.finish().await;
                s.w.flespi.mend();
                let story = format!("{call:?} {nth} {error} {done}");
                assert_eq!(s.left(), (0, 1), "{story}");
                let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
                assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "{story}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_the_store_does_one_token_is_left_and_it_is_the_one_that_is_kept() {
    for (method, failure) in [
        (Method::Read, Failure::Port),
        (Method::Commit, Failure::Port),
        (Method::Commit, Failure::Conflict),
        (Method::Commit, Failure::UnknownBefore),
        (Method::Commit, Failure::UnknownAfter),
    ] {
        for nth in 1..=7 {
            let s = scene().await;
            let nonce = s.nonce().await;
            s.store.reset();
            s.store.fail(method, nth, failure);
            let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await;
            s.finish().await;
            s.store.reset();
            let story = format!("{method:?} {nth} {failure:?}");
            let token = s.w.security.flespi().token(s.alice.id, "try").await;
            // What was refused before the intent was kept has changed nothing.
            let kept = usize::from(answer.is_ok());
            assert_eq!(s.w.flespi.issued().len(), kept, "{story}: {answer:?}");
            assert_eq!(token.is_ok(), answer.is_ok(), "{story}: {token:?}");
        }
    }
}

/// Polls a future so often, then drops it.
fn poll_then_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

#[tokio::test]
async fn killed_anywhere_it_leaves_no_orphan_and_no_second_token() {
    for replaces in [false, true] {
        let mut polls = 0;
        loop {
            let s = scene().await;
            if replaces {
                s.connect("eu").await;
                s.run().await;
            }
            let old = s.seen().await.token;
            let nonce = s.nonce().await;
            let done = poll_then_drop(s.redeem(&nonce, s.w.flespi.log_in("eu")), polls).is_some();
            let seen = s.seen().await;
            if seen.state == FlespiState::Connecting {
                assert_eq!(seen.token, old, "the old one stays until the new one is kept");
            }
            s.finish().await;
            let held = s.seen_later().await;
            assert_eq!(s.w.flespi.issued().len(), usize::from(held), "dropped at poll {polls}");
            if held {
                let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
                let answer = s.w.flespi.inspect(&opened.region, &opened.token).await;
                assert!(answer.is_ok(), "dropped at poll {polls}: the kept one is the living one");
            }
            assert!(!replaces || held);
            polls += 1;
            if done {
                break;
            }
            assert!(polls < 100, "it never ends");
        }
        assert!(polls > 4, "it was dropped between its calls");
    }
}

impl Scene {
    /// Whether there is a token, whatever became of the session.
    async fn seen_later(&self) -> bool {
        self.w.security.flespi().token(self.alice.id, "look").await.is_ok()
    }
}

#[tokio::test]
async fn a_worker_killed_anywhere_leaves_the_rest_to_the_next() {
    let mut polls = 0;
    loop {
        let s = scene().await;
        s.connect("eu").await;
        s.run().await;
        let nonce = s.nonce().await;
        // The request dies right after its intent was kept.
        s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
        let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
        assert_eq!(answer.state, FlespiState::Connecting);
        s.w.flespi.go_down(None);
        s.w.advance(s.w.security.policy().flespi_retry_first);
        let done = poll_then_drop(s.w.security.worker().pass(), polls).is_some();
        s.finish().await;
        assert_eq!(s.left(), (0, 1), "dropped at poll {polls}");
        let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
        assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "poll {polls}");
        polls += 1;
        if done {
            break;
        }
        assert!(polls < 100, "it never ends");
    }
    assert!(polls > 8, "it was dropped between its calls");
}

/// A request that has issued a token and sleeps before it keeps it, for longer than a worker waits for it; then the
/// worker does its part, and the request wakes up.
async fn sleeps(s: &Scene, worker: impl AsyncFnOnce()) -> FlespiState {
    let nonce = s.nonce().await;
    let mut slow = pin!(s.redeem(&nonce, s.w.flespi.log_in("eu")));
    let context = &mut Context::from_waker(Waker::noop());
    while s.w.flespi.count(Call::Issue) == 0 {
        assert!(slow.as_mut().poll(context).is_pending());
    }
    assert_eq!(s.w.flespi.issued().len(), 1);
    s.w.advance(s.w.security.policy().claim_life);
    worker().await;
    loop {
        if let Poll::Ready(answer) = slow.as_mut().poll(context) {
            return answer.unwrap().state;
        }
    }
}

#[tokio::test]
async fn a_request_that_wakes_up_late_keeps_nothing_and_leaves_nothing() {
    let s = scene().await;
    let state = sleeps(&s, async || {
        s.run().await;
        assert_eq!(s.left(), (0, 1), "the worker has removed the one and issued another");
    })
    .await;
    assert_eq!(state, FlespiState::Connecting);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}

#[tokio::test]
async fn nor_does_it_while_a_worker_is_still_at_it() {
    let s = scene().await;
    // The worker removes the token of the request, and is not answered when it issues another.
    s.w.flespi.fail(Call::Issue, 2, FlespiError::Unavailable { detail: "down" }, false);
    let state = sleeps(&s, async || {
        s.run().await;
        assert_eq!(s.w.flespi.issued().len(), 0);
    })
    .await;
    assert_eq!(state, FlespiState::Connecting, "a token that is gone is not kept");
    assert!(!s.seen_later().await);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}

impl Scene {
    /// Whether flespi accepts the token that is kept.
    async fn works(&self) -> bool {
        let opened = self.w.security.flespi().token(self.alice.id, "try").await.unwrap();
        self.w.flespi.inspect(&opened.region, &opened.token).await.is_ok()
    }
}

#[tokio::test]
async fn what_flespi_never_answers_is_given_up_and_cleared_when_it_does() {
    let s = scene().await;
    let nonce = s.nonce().await;
    s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
    let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
    assert_eq!((answer.state, s.w.flespi.issued().len()), (FlespiState::Connecting, 1));
    s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
    // The login token is kept alive by its use elsewhere.
    for _ in 0..5 {
        s.w.advance(TimeDelta::minutes(15));
        s.run().await;
        s.w.flespi.use_logins("eu");
    }
    assert_eq!(s.seen_state().await, FlespiState::Absent);
    assert!(s.trail().await.contains(&"flespi_not_connected: unavailable".to_owned()));
    s.w.flespi.go_down(None);
    s.w.advance(TimeDelta::minutes(15));
    s.run().await;
    assert_eq!(s.left(), (0, 0), "the token whose answer was lost, and the login");
}

impl Scene {
    /// Where the connection stands, seen through a new session.
    async fn seen_state(&self) -> FlespiState {
        let session = self.w.sign_in(&self.alice).await.unwrap().id;
        self.w.security.settings(session).await.unwrap().flespi.unwrap().state
    }
}

#[tokio::test]
async fn a_token_typed_or_a_disconnection_meanwhile_wins() {
    for typed_in in [true, false] {
        let s = scene().await;
        let nonce = s.nonce().await;
        s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
        s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
        if typed_in {
            s.w.security.flespi().manual(s.session, &typed(), &region("ru")).await.unwrap();
        } else {
            s.w.security.flespi().disconnect(s.session).await.unwrap();
        }
        s.finish().await;
        assert_eq!(s.left(), (0, 0), "what was issued meanwhile is removed");
        let kept = s.w.security.flespi().token(s.alice.id, "try").await;
        assert_eq!(kept.is_ok(), typed_in);
    }
}

#[test]
fn a_thousand_uses_of_one_nonce_at_once_give_one_token() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let s = scene().await;
        let nonce = s.nonce().await;
        let uses: Vec<_> = (0..1000)
            .map(|_| {
                let (security, nonce, session) = (s.w.security.clone(), nonce.clone(), s.session);
                let message = s.w.flespi.log_in("eu");
                tokio::spawn(async move {
                    match security.flespi().redeem(session, &nonce, message).await {
                        Ok(_) => "ok",
                        Err(Error::Refused(refusal)) => refusal.code(),
                        Err(other) => panic!("{other}"),
                    }
                })
            })
            .collect();
        let mut taken = 0;
        for answer in uses {
            match answer.await.unwrap() {
                "ok" => taken += 1,
                code => assert_eq!(code, "hand_off_dead"),
            }
        }
        assert_eq!((taken, s.w.flespi.count(Call::Issue)), (1, 1));
        s.run().await;
        assert_eq!(s.w.flespi.issued().len(), 1);
    });
}

#[tokio::test]
async fn a_token_lives_on_where_the_policy_keeps_it() {
    let mut policy = Policy::wialon_hosting();
    policy.flespi_replaced = FlespiReplaced::Kept;
    let s = scene_under(policy).await;
    s.connect("eu").await;
    s.connect("eu").await;
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 2), "the logins go all the same");
}

#[tokio::test]
async fn an_engine_without_what_calls_flespi_has_no_such_settings() {
    let s = scene().await;
    s.connect("eu").await;
    let without = Portcullis::builder_on(Arc::clone(&s.w.store))
        .keyring(s.w.security.keyring())
        .mail(s.w.mailbox.clone())
        .clock(Arc::clone(&s.w.clock) as Arc<dyn portcullis::port::ambient::Clock>)
        .public_url(portcullis::testing::world::PUBLIC_URL)
        .build()
        .unwrap();
    assert!(without.settings(s.session).await.unwrap().flespi.is_none());
    let flespi = without.flespi();
    for answer in [
        flespi.begin(s.session).await.map(drop),
        flespi.redeem(s.session, "", String::new()).await.map(drop),
        flespi.manual(s.session, &typed(), &region("eu")).await.map(drop),
        flespi.check(s.session).await.map(drop),
    ] {
        let Err(Error::Refused(refusal)) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.missing(), [Gate::Policy]);
    }
    // What it can't see to waits for one that can.
    assert_eq!(without.worker().pass().await.unwrap().failed, 1);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
    assert!(flespi.token(s.alice.id, "try").await.is_ok(), "the token can be had all the same");
    flespi.disconnect(s.w.sign_in(&s.alice).await.unwrap().id).await.unwrap();
    assert!(!s.seen_later().await);
}

/// Lets a future go on until something is so.
fn until<F: Future>(mut future: core::pin::Pin<&mut F>, so: impl Fn() -> bool) -> Option<F::Output> {
    for _ in 0..200 {
        if so() {
            return None;
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    panic!("it never is so")
}

#[tokio::test]
async fn a_login_is_not_revoked_while_a_call_by_it_may_be_under_way() {
    for policy in [Policy::wialon_hosting(), Policy::default()] {
        for (again, dies) in [(false, true), (false, false), (true, true), (true, false)] {
            let s = scene_under(policy.clone()).await;
            let calls = |call| s.w.flespi.count(call);
            let nonce = s.nonce().await;
            let mut slow = Box::pin(s.redeem(&nonce, s.w.flespi.log_in("eu")));
            assert!(until(slow.as_mut(), || calls(Call::Find) == 1).is_none());
            if again {
                s.connect("eu").await;
            } else {
                s.w.security.flespi().disconnect(s.session).await.unwrap();
            }
            // A worker has looked, and found nothing; then the call of the request is carried out.
            let looked = calls(Call::Find);
            let worker = s.w.security.worker();
            let mut worker = pin!(worker.pass());
            let done = until(worker.as_mut(), || calls(Call::Find) > looked);
            let issued = calls(Call::Issue);
            assert!(until(slow.as_mut(), || calls(Call::Issue) > issued).is_none());
            if done.is_none() {
                until(worker.as_mut(), || false).unwrap().unwrap();
            }
            if dies {
                drop(slow);
            } else {
                until(slow.as_mut(), || false).unwrap().unwrap();
            }
            s.finish().await;
            let story = format!("{:?} again {again} dies {dies}", policy.flespi_access);
            assert_eq!(s.left(), (0, usize::from(again)), "{story}");
            assert_eq!(s.seen_later().await, again, "{story}");
        }
    }
}

/// What a user loses or does while his token is being issued.
async fn lose(s: &Scene, nth: usize) -> &'static str {
    let security = &s.w.security;
    match nth {
        0 => {
            security.rights().set_disabled(Actor::Program, s.alice.id, true).await.unwrap();
            "disabled"
        }
        1 => {
            security.accounts().set_blocked(s.alice.account, true).await.unwrap();
            "blocked"
        }
        2 => {
            let flags = Flags::all().with(Flag::ChangeSettings, false);
            security.rights().set_flags(Actor::Program, s.alice.id, flags).await.unwrap();
            "not_allowed"
        }
        3 => {
            s.w.sign_in(&s.alice).await.unwrap();
            security.sessions().end_others(s.session).await.unwrap();
            "credentials_changed"
        }
        _ => {
            security.accounts().set_blocked(s.alice.account, true).await.unwrap();
            security.accounts().set_blocked(s.alice.account, false).await.unwrap();
            "voided"
        }
    }
}

#[tokio::test]
async fn what_voids_a_session_voids_the_token_that_a_worker_would_issue() {
    for nth in 0..5 {
        let s = scene().await;
        s.connect("eu").await;
        s.run().await;
        let old = s.w.flespi.issued()[0].id;
        let nonce = s.nonce().await;
        s.w.flespi.fail(Call::Issue, 2, FlespiError::Unavailable { detail: "down" }, false);
        assert_eq!(s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap().state, FlespiState::Connecting);
        let why = lose(&s, nth).await;
        s.finish().await;
        assert_eq!((s.left(), s.w.flespi.issued()[0].id), ((0, 1), old), "{why}: the old one stays");
        assert_eq!(s.w.flespi.count(Call::Issue), 2, "{why}: flespi is not asked for another");
        let told = format!("flespi_not_connected: {why}");
        assert!(s.trail().await.contains(&told), "{told}: {:?}", s.trail().await);
    }
}

#[tokio::test]
async fn and_the_one_that_was_issued_just_now() {
    for nth in 0..5 {
        let s = scene().await;
        let nonce = s.nonce().await;
        let mut slow = pin!(s.redeem(&nonce, s.w.flespi.log_in("eu")));
        assert!(until(slow.as_mut(), || s.w.flespi.count(Call::Issue) == 1).is_none());
        let why = lose(&s, nth).await;
        let answer = until(slow.as_mut(), || false).unwrap();
        assert_eq!(refused(answer), Reason::HandOffDead, "{why}");
        assert_eq!(s.w.flespi.issued().len(), 0, "{why}: it is revoked at once");
        s.finish().await;
        assert_eq!(s.left(), (0, 0), "{why}");
        assert!(!s.seen_later().await);
    }
}

#[tokio::test]
async fn nothing_is_done_with_the_token_of_who_may_not_sign_in() {
    let s = scene().await;
    s.connect("eu").await;
    let security = &s.w.security;
    let token = async || security.flespi().token(s.alice.id, "try").await;
    security.rights().set_disabled(Actor::Program, s.alice.id, true).await.unwrap();
    assert_eq!(refused(token().await), Reason::NotAllowed);
    security.rights().set_disabled(Actor::Program, s.alice.id, false).await.unwrap();
    security.accounts().set_blocked(s.alice.account, true).await.unwrap();
    assert_eq!(refused(token().await), Reason::NotAllowed);
    security.accounts().set_blocked(s.alice.account, false).await.unwrap();
    assert!(token().await.is_ok());
    let told = s.trail().await.into_iter().filter(|line| line.starts_with("flespi_token_refused")).count();
    assert_eq!(told, 2, "{:?}", s.trail().await);
}

#[tokio::test]
async fn a_refusal_for_now_is_not_the_end_of_clearing_up() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    let next = s.w.flespi.count(Call::Find) + 1;
    s.w.flespi.fail(Call::Find, next, FlespiError::Forbidden, false);
    s.finish().await;
    assert_eq!(s.left(), (0, 0));
}

#[tokio::test]
async fn a_token_that_can_not_be_removed_is_told() {
    // The answer of the issue was lost, and the login is over before anybody looks.
    let s = scene().await;
    let nonce = s.nonce().await;
    s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
    s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
    s.w.advance(TimeDelta::minutes(31));
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: unauthorized".to_owned()), "{:?}", s.trail().await);

    // The login that replaces it is of another account, which does not see it.
    let s = scene_under(Policy::default()).await;
    s.connect("eu").await;
    s.run().await;
    let nonce = s.nonce().await;
    s.redeem(&nonce, s.w.flespi.log_in_as("eu", 2)).await.unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 2));
    assert!(s.trail().await.contains(&"flespi_token_left: not_found".to_owned()), "{:?}", s.trail().await);

    // flespi does not tell the number of the login.
    let s = scene().await;
    s.connect("eu").await;
    let opened = s.w.security.flespi().token(s.alice.id, "look").await.unwrap();
    let mut told = s.w.flespi.inspect(&opened.region, &opened.token).await.unwrap();
    told.id = None;
    s.w.flespi.tell(Some(Ok(told)));
    s.run().await;
    assert_eq!(s.left(), (1, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: login".to_owned()), "{:?}", s.trail().await);
}

#[tokio::test]
async fn a_login_that_was_handed_over_twice_is_not_revoked_under_its_second_use() {
    let s = scene().await;
    for nth in 1..=4 {
        s.w.flespi.fail(Call::Issue, nth, FlespiError::Unavailable { detail: "down" }, false);
    }
    let message = s.w.flespi.log_in("eu");
    for _ in 0..2 {
        let nonce = s.nonce().await;
        assert_eq!(s.redeem(&nonce, message.clone()).await.unwrap().state, FlespiState::Connecting);
    }
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}

//! What comes before the request of a row, step by step.

use std::collections::BTreeMap;

use axum::Router;
use chrono::TimeDelta;
use portcullis::contact::Email;
use portcullis::manage::UserChange;
use portcullis::policy::{Limit, Policy};
use portcullis::rights::{AccessRight, Actor};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions};
use portcullis::user::{Flag, Flags};
use portcullis_axum::{HttpOptions, router};
use serde_json::{Value, json};

use crate::client::{ALICE, MOUNT, PUBLIC, Reply, Site};

/// The address that alice asks for.
pub(super) const NEW: &str = "alice.new@example.com";

/// The number that alice has.
pub(super) const NUMBER: &str = "+37120000045";

/// One thing that happens before the request of a row. Alice is there, with a confirmed address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// She signs in.
    SignedIn,
    /// She signs in and switches two-factor authentication on.
    TwoFactor,
    /// She signs in and switches two-factor authentication by SMS on.
    Sms,
    /// As `TwoFactor`, under a password that is too short to stand alone.
    TwoFactorShort,
    /// A browser without cookies.
    NoCookies,
    /// A password that asks for a code: the challenge is remembered.
    AskSignIn,
    /// The session is made fresh, which asks for a code.
    AskFresh,
    /// A code is sent to [`NEW`].
    AskEmail,
    /// The embedding program proposes [`NEW`], and a code is sent there.
    Proposed,
    /// A code is sent that would switch two-factor authentication on.
    AskTwoFactor,
    /// The same with [`NEW`], which waits for its confirmation.
    AskBoth,
    /// Her new address is confirmed: the old one is claimed for a while.
    Confirmed,
    /// A code is sent to her first address, which she wants back.
    AskOld,
    /// The same, and one that would switch two-factor authentication on together with it.
    AskBothOld,
    /// Bob is there, of whom alice sees that he exists and no more.
    Colleague,
    /// The code arrives at alice's address: it, and a wrong one, are remembered.
    Arrives,
    /// The code arrives at [`NEW`].
    ArrivesNew,
    /// So many wrong codes for the challenge, by the route of that number in [`BY`].
    Wrong(usize, u32),
    /// So many wrong passwords at the sign-in, for somebody else.
    WrongPasswords(u32),
    /// So many wrong current passwords.
    WrongCurrent(u32),
    /// So many minutes pass.
    Later(i64),
    /// The challenge's code is sent again so many times, as early as it may be.
    Resent(&'static str, u32),
    /// Bob holds [`NEW`].
    Taken,
    /// Alice may not change her password.
    NoFlag,
    /// Alice may not change her settings.
    NoSettings,
    /// Alice has no address.
    NoAddress,
    /// A second session is remembered by its handle.
    Other,
    /// From now on codes by mail are no factor.
    NoMailFactor,
    /// From now on one mailed code uses up the budget.
    OneMail,
    /// From now on one old address that is claimed is enough.
    OneClaim,
    /// From now on one wrong code disables.
    OneMistake,
    /// From now on one wrong code from a source is too many.
    OneFromSource,
    /// What happens at flespi.
    Flespi(super::flespi::AtFlespi),
    /// What happens at an office.
    At(super::at_office::AtOffice),
}

/// The routes that take a code, and how.
pub(super) const BY: [(&str, &str); 3] =
    [("POST", "/sign-in/code"), ("POST", "/email/confirm"), ("PUT", "/two-factor")];

/// A site, and what is remembered under names such as `$challenge`.
pub(super) struct Play {
    pub(super) site: Site,
    pub(super) remembered: BTreeMap<&'static str, String>,
}

impl Play {
    pub(super) async fn after(steps: &[Step]) -> Self {
        let (site, _) = Site::of_alice().await;
        let mut play = Self { site, remembered: BTreeMap::new() };
        for step in steps {
            play.step(*step).await;
        }
        play
    }

    /// Sends a request; texts that are remembered names stand for what is remembered.
    pub(super) async fn send(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let mut path = path.to_owned();
        for (name, value) in &self.remembered {
            path = path.replace(name, value);
        }
        let body = self.fill(body);
        self.site.send(method, &path, (!body.is_null()).then_some(body)).await
    }

    fn fill(&self, body: &Value) -> Value {
        match body {
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect()
            }
            Value::String(text) => {
                self.remembered.get(text.as_str()).map_or_else(|| body.clone(), |value| json!(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => body.clone(),
        }
    }

    async fn ask(&mut self, method: &str, path: &str, body: Value) {
        let answer = self.site.send(method, path, Some(body)).await.json();
        let challenge = answer["challenge"].as_str().unwrap_or_else(|| panic!("{path}: {answer}"));
        self.remembered.insert("$challenge", challenge.to_owned());
    }

    pub(super) async fn arrives(&mut self, address: &str) {
        self.remembered.insert("$code", self.site.code(address).await);
        self.remembered.insert("$wrong", self.site.wrong_code(address).await);
    }

    /// Goes on under another policy on the same store.
    pub(super) fn under(&mut self, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.site.world.security.policy().clone();
        change(&mut policy);
        let (store, now) = (self.site.world.store.clone(), self.site.world.now());
        self.site.world = World::with(WorldOptions { store, policy, now, seed: 2 });
        let routes = router(self.site.world.security.clone(), HttpOptions::new(PUBLIC).unwrap());
        self.site.app = Router::new().nest(MOUNT, routes);
    }

    /// Lets an address wait, and asks for the code that confirms it and switches on together.
    async fn ask_both(&mut self, address: &'static str) {
        self.ask("PUT", "/email", json!({"address": address})).await;
        // Sent before the next one is asked for, so that the newest mail is the newest code.
        self.arrives(address).await;
        self.ask("POST", "/two-factor/challenge", json!({"method": "email", "address": address})).await;
    }

    /// The embedding program lets an address wait for alice.
    async fn propose(&mut self, address: &str) {
        let security = self.site.world.security.clone();
        let alice = portcullis::user::Login::parse("alice").unwrap();
        let user = security.users().by_login(&alice).await.unwrap().id;
        let change = UserChange::default().email(Email::parse(address).unwrap());
        security.manage(Actor::Program).change_user(user, &change).await.unwrap();
        let settings = self.site.get("/settings").await.is(200).json();
        let challenge = settings["email"]["pending"]["challenge"].as_str().unwrap();
        self.remembered.insert("$challenge", challenge.to_owned());
    }

    /// Alice has every flag but one.
    async fn without(&self, flag: Flag) {
        let security = &self.site.world.security;
        let alice = portcullis::user::Login::parse("alice").unwrap();
        let user = security.users().by_login(&alice).await.unwrap();
        let flags = Flags::all().with(flag, false);
        security.rights().set_flags(Actor::Program, user.id, flags).await.unwrap();
    }

    #[expect(clippy::too_many_lines, reason = "a step a line or two")]
    async fn step(&mut self, step: Step) {
        let one = Limit::new(1, TimeDelta::hours(1));
        let alice = || portcullis::user::Login::parse("alice").unwrap();
        match step {
            Step::SignedIn => drop(self.site.sign_in("alice").await),
            Step::TwoFactor | Step::TwoFactorShort => {
                self.site.sign_in("alice").await;
                self.ask("POST", "/two-factor/challenge", json!({"method": "email"})).await;
                self.arrives(ALICE).await;
                let body = json!({"method": "email", "challenge": "$challenge", "code": "$code"});
                self.send("PUT", "/two-factor", &body).await.is(200);
                if let Step::TwoFactorShort = step {
                    let body = json!({"current": PASSWORD, "new": "quiet lamps", "repeat": "quiet lamps"});
                    self.site.post("/password", body).await.is(204);
                }
            }
            Step::Sms => {
                self.site.sign_in("alice").await;
                let body = json!({"method": "sms", "phone": NUMBER});
                self.ask("POST", "/two-factor/challenge", body).await;
                self.site.world.run_worker().await.unwrap();
                let code = self.site.world.handset.last_code(NUMBER).unwrap();
                self.remembered.insert("$code", code.expose().to_owned());
                let body = json!({"method": "sms", "challenge": "$challenge", "code": "$code"});
                self.send("PUT", "/two-factor", &body).await.is(200);
            }
            Step::NoCookies => self.site.jar.clear(),
            Step::AskSignIn => {
                self.ask("POST", "/sign-in", json!({"login": "alice", "password": PASSWORD})).await;
            }
            Step::AskFresh => self.ask("POST", "/reauthenticate", json!({"password": PASSWORD})).await,
            Step::AskEmail => self.ask("PUT", "/email", json!({"address": NEW})).await,
            Step::Proposed => self.propose(NEW).await,
            Step::AskTwoFactor => self.ask("POST", "/two-factor/challenge", json!({"method": "email"})).await,
            Step::AskBoth => self.ask_both(NEW).await,
            Step::Confirmed => {
                let body = json!({"challenge": "$challenge", "code": "$code"});
                self.send("POST", "/email/confirm", &body).await.is(200);
            }
            Step::AskOld => self.ask("PUT", "/email", json!({"address": ALICE})).await,
            Step::AskBothOld => self.ask_both(ALICE).await,
            Step::Colleague => {
                let security = self.site.world.security.clone();
                let actor = security.users().by_login(&alice()).await.unwrap().id;
                let bob = self.site.user("bob", None).await;
                let view = [AccessRight::View].into();
                security.rights().grant_on_user(Actor::Program, bob.id, actor, &view).await.unwrap();
                self.remembered.insert("$bob", bob.id.to_string());
            }
            Step::Arrives => self.arrives(ALICE).await,
            Step::ArrivesNew => self.arrives(NEW).await,
            Step::Wrong(by, times) => {
                let (method, path) = BY[by];
                let mut body = json!({"challenge": "$challenge", "code": "$wrong"});
                if path == "/two-factor" {
                    body["method"] = "email".into();
                }
                for _ in 0..times {
                    self.send(method, path, &body).await.refused(401, "wrong_code");
                }
            }
            Step::WrongPasswords(times) => {
                for _ in 0..times {
                    let body = json!({"login": "nobody", "password": "not this one"});
                    self.site.post("/sign-in", body).await.refused(401, "bad_credentials");
                }
            }
            Step::WrongCurrent(times) => {
                let body = json!({"current": "not this one", "new": "seven quiet lanterns",
                    "repeat": "seven quiet lanterns"});
                for _ in 0..times {
                    self.site.post("/password", body.clone()).await.refused(401, "bad_credentials");
                }
            }
            Step::Later(minutes) => self.site.world.advance(TimeDelta::minutes(minutes)),
            Step::Resent(path, times) => {
                for _ in 0..times {
                    self.site.world.advance(TimeDelta::seconds(61));
                    self.send("POST", path, &json!({"challenge": "$challenge"})).await.is(200);
                }
                self.site.world.advance(TimeDelta::seconds(61));
            }
            Step::Taken => drop(self.site.user("bob", Some(NEW)).await),
            Step::NoFlag => self.without(Flag::ChangePassword).await,
            Step::NoSettings => self.without(Flag::ChangeSettings).await,
            Step::NoAddress => drop(self.site.delete("/email").await.is(204)),
            Step::Other => {
                let jar = self.site.jar.clone();
                self.site.sign_in("alice").await;
                let listed = self.site.get("/sessions").await.json();
                self.remembered.insert("$other", listed[0]["id"].as_str().unwrap().to_owned());
                self.site.jar = jar;
            }
            Step::NoMailFactor => self.under(|policy| policy.email_factor = false),
            Step::OneMail => self.under(|policy| {
                policy.email_codes_per_user = one;
                policy.invitations_per_address = Limit::new(1, TimeDelta::hours(24));
            }),
            Step::OneClaim => self.under(|policy| policy.email_claims = 1),
            Step::OneMistake => self.under(|policy| policy.code_disabled_after = 1),
            Step::OneFromSource => self.under(|policy| policy.code_failures_per_source = Some(one)),
            Step::Flespi(step) => self.at_flespi(step).await,
            Step::At(step) => self.at_the_office(step).await,
        }
    }
}

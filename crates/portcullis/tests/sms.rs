//! Codes by SMS, from the number that is given to the code that opens a session.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::Health;
use portcullis::account::{Account, Period, Service};
use portcullis::challenge::{Channel, CodeDelivery, PendingCode};
use portcullis::contact::Phone;
use portcullis::decision::Reason;
use portcullis::error::Error;
use portcullis::id::SessionId;
use portcullis::manage::{AccountChange, UserChange};
use portcullis::message::Reported;
use portcullis::policy::Policy;
use portcullis::port::message::{DeliveryReport, DeliveryState, SendError};
use portcullis::port::store::Page;
use portcullis::recovery::Identifier;
use portcullis::rights::{Actor, Gate};
use portcullis::secret::{Code, Password};
use portcullis::session::Assurance;
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt, source, wrong_code};
use portcullis::user::{Flag, Method, User};

const NUMBER: &str = "+37120000045";
const OTHER: &str = "+37120000046";

struct Scene {
    w: World,
    account: Account,
    boss: User,
    alice: User,
}

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

/// Alice, created by a boss, with an address, in an account with SMS.
async fn scene_under(policy: Policy) -> Scene {
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let account = w.account_with_sms("demo").await.unwrap();
    let boss = w.user(&account, "boss", Some("boss@example.com")).await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    Scene { w, account, boss, alice }
}

async fn scene() -> Scene {
    scene_under(Policy::default()).await
}

impl Scene {
    async fn session(&self) -> SessionId {
        self.w.sign_in(&self.alice).await.unwrap().id
    }

    /// Alice with codes by SMS, signed in; a while ago.
    async fn with_sms(&self) -> SessionId {
        let session = self.session().await;
        let session = self.w.switch_sms_on(session, NUMBER).await.unwrap();
        self.w.advance(TimeDelta::minutes(2));
        session.id
    }

    async fn session_of_boss(&self) -> SessionId {
        self.w.sign_in(&self.boss).await.unwrap().id
    }

    async fn ask(&self, session: SessionId, number: Option<&str>) -> Result<PendingCode, Error> {
        let number = number.map(phone);
        self.w.security.two_factor().ask_sms(session, number.as_ref(), &source()).await
    }

    async fn service(&self, service: Service) {
        let mut change = AccountChange::default();
        change.services.insert("sms".to_owned(), service);
        self.w.security.manage(Actor::Program).change_account(self.account.id, &change).await.unwrap();
    }

    async fn flag(&self, user: &User, on: bool) {
        let mut change = UserChange::default();
        change.flags.insert(Flag::SendSms, on);
        self.w.security.manage(Actor::Program).change_user(user.id, &change).await.unwrap();
    }

    async fn start(&self) -> Result<SignInResult, Error> {
        let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
        self.w.security.sign_in().start(&self.alice.login, &password, &attempt()).await
    }

    async fn asked(&self) -> (PendingCode, Vec<Channel>) {
        match self.start().await.unwrap() {
            SignInResult::CodeRequired { code, channels } => (code, channels),
            SignInResult::Admitted(_) | _ => panic!("a code is asked"),
        }
    }

    async fn enter(&self, code: &PendingCode, entered: &Code) -> Result<Assurance, Error> {
        let result = self.w.security.sign_in().code(code.id, entered, &attempt(), None).await?;
        let CodeResult::Admitted(admission) = result else { panic!("admitted") };
        Ok(admission.session.assurance)
    }

    async fn user(&self) -> User {
        self.w.security.users().get(self.alice.id).await.unwrap()
    }

    async fn trail(&self) -> Vec<String> {
        let page = Page { after: None, limit: 200 };
        let events = self.w.security.audit(self.alice.id, page).await.unwrap();
        let reason = |event: &portcullis::audit::AuditEvent| event.reason.clone().unwrap_or("-".into());
        events.iter().map(|event| format!("{}: {}", event.action, reason(event))).collect()
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
async fn a_number_is_confirmed_and_then_it_is_the_method() {
    let s = scene().await;
    let session = s.session().await;
    let code = s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!((code.channel, code.destination.as_str()), (Channel::Sms, "+371•••••45"));
    let tab = s.w.security.settings(session).await.unwrap();
    assert_eq!((tab.phone.number.as_deref(), tab.phone.confirmed), (Some(NUMBER), false));
    assert_eq!(tab.two_factor.pending.unwrap().method, Method::Sms);
    assert!(s.user().await.phone.is_none(), "nothing is confirmed yet");
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
    let entered = s.w.handset.last_code(NUMBER).unwrap();
    let two_factor = s.w.security.two_factor();
    let wrong = two_factor.enable(session, code.id, &wrong_code(&entered), &source()).await;
    assert_eq!(refusal(wrong).0, Reason::WrongCode);
    let on = two_factor.enable(session, code.id, &entered, &source()).await.unwrap();
    assert_eq!((on.now.method, on.session.assurance), (Method::Sms, Assurance::PasswordSms));
    let delivery = on.now.delivery.unwrap();
    assert_eq!((delivery.channel, delivery.reasons), (Some(Channel::Sms), vec![]));
    assert!(s.w.security.sessions().current(session).await.is_err(), "the old id is dead");
    let user = s.user().await;
    assert_eq!((user.phone.unwrap().as_str(), user.two_factor), (NUMBER, Method::Sms));
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.mailbox.to("alice@example.com").len(), 1, "the address is told");
    assert!(
        s.w.handset.submitted().len() == 1 && !s.w.handset.submitted().first().unwrap().text.contains("http")
    );
}

#[tokio::test]
async fn a_sign_in_by_sms_repeats_its_code_and_keeps_its_end() {
    let s = scene().await;
    s.with_sms().await;
    let (code, channels) = s.asked().await;
    assert_eq!(channels, [Channel::Sms, Channel::Email]);
    assert_eq!(code.expires_at, s.w.now() + s.w.security.policy().sms_code_life);
    s.w.run_worker().await.unwrap();
    let first = s.w.handset.last_code(NUMBER).unwrap();
    let soon = s.w.security.sign_in().resend(code.id, &attempt()).await;
    assert_eq!(refusal(soon).0, Reason::TooSoon);
    s.w.advance(s.w.security.policy().resend_after);
    let again = s.w.security.sign_in().resend(code.id, &attempt()).await.unwrap();
    assert_eq!((again.channel, again.expires_at), (Channel::Sms, code.expires_at));
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.handset.to(NUMBER).len(), 3, "one confirmed the number");
    assert_eq!(s.w.handset.last_code(NUMBER).unwrap().expose(), first.expose());
    assert_eq!(s.enter(&again, &first).await.unwrap(), Assurance::PasswordSms);
}

#[tokio::test]
async fn the_code_by_mail_is_another_and_the_one_by_sms_is_dead() {
    let s = scene().await;
    s.with_sms().await;
    let (code, _) = s.asked().await;
    s.w.run_worker().await.unwrap();
    let by_sms = s.w.handset.last_code(NUMBER).unwrap();
    s.w.advance(s.w.security.policy().resend_after);
    let mailed = s.w.security.sign_in().resend_by(code.id, Some(Channel::Email), &attempt()).await.unwrap();
    assert_eq!((mailed.channel, mailed.destination.as_str()), (Channel::Email, "a•••@example.com"));
    assert_eq!(refusal(s.enter(&code, &by_sms).await).0, Reason::WrongCode);
    s.w.run_worker().await.unwrap();
    let by_mail = s.w.mailbox.last_code("alice@example.com").unwrap();
    assert_eq!(s.enter(&code, &by_mail).await.unwrap(), Assurance::PasswordEmail);
}

#[tokio::test]
async fn what_is_withdrawn_falls_back_to_mail_and_what_fails_does_not() {
    let s = scene().await;
    let session = s.with_sms().await;
    let off: [(&str, Gate); 2] = [("service", Gate::ServiceSms), ("flag", Gate::SendSms)];
    for (what, gate) in off {
        let switch = async |on: bool| match what {
            "service" if on => s.service(Service::on(None, Period::None)).await,
            "service" => s.service(Service::off()).await,
            _ => s.flag(&s.alice, on).await,
        };
        switch(false).await;
        let tab = s.w.security.settings(session).await.unwrap().two_factor;
        let delivery = tab.delivery.unwrap();
        assert_eq!((delivery.channel, delivery.reasons), (Some(Channel::Email), vec![gate]), "{what}");
        let (code, channels) = s.asked().await;
        assert_eq!((code.channel, channels), (Channel::Email, vec![Channel::Email]), "{what}");
        s.w.run_worker().await.unwrap();
        let entered = s.w.mailbox.last_code("alice@example.com").unwrap();
        assert_eq!(s.enter(&code, &entered).await.unwrap(), Assurance::PasswordEmail, "{what}");
        assert!(s.trail().await.contains(&format!("sms_fallback: {}", gate.name())));
        switch(true).await;
    }
    let before = s.w.mailbox.mails().len();
    s.w.handset.fail_with(Some(SendError::Permanent { detail: "no such number" }));
    let (code, _) = s.asked().await;
    assert_eq!(s.w.run_worker().await.unwrap().given_up, 1);
    assert_eq!(code.channel, Channel::Sms);
    assert_eq!(refusal(s.start().await).0, Reason::TooSoon, "the cool-down holds, and nothing is mailed");
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.mailbox.mails().len(), before);
}

#[tokio::test]
async fn a_used_up_budget_is_no_way_to_the_mailbox() {
    let mut policy = Policy::default();
    policy.sms_per_user.count = 1;
    let s = scene_under(policy).await;
    let session = s.with_sms().await;
    let (reason, missing) = refusal(s.start().await);
    assert_eq!((reason, missing), (Reason::NotAllowed, vec![Gate::Budget]));
    let delivery = s.w.security.settings(session).await.unwrap().two_factor.delivery.unwrap();
    assert_eq!((delivery.channel, delivery.reasons), (None, vec![Gate::Budget]));
}

#[tokio::test]
async fn a_used_up_quota_falls_back_to_mail() {
    let s = scene().await;
    s.service(Service::on(Some(1), Period::Day)).await;
    s.with_sms().await;
    let (code, channels) = s.asked().await;
    assert_eq!((code.channel, channels), (Channel::Email, vec![Channel::Email]));
    assert!(s.trail().await.contains(&"sms_fallback: quota_sms".to_owned()));
}

#[tokio::test]
async fn without_the_fallback_who_cannot_be_sent_an_sms_cannot_sign_in() {
    let mut policy = Policy::default();
    policy.sms_fallback_to_email = false;
    let s = scene_under(policy).await;
    s.with_sms().await;
    s.flag(&s.alice, false).await;
    assert_eq!(refusal(s.start().await), (Reason::NotAllowed, vec![Gate::SendSms]));
}

#[tokio::test]
async fn a_thief_of_the_mailbox_who_recovers_the_password_ends_at_the_sms() {
    let s = scene().await;
    s.with_sms().await;
    let identifier = Identifier::parse("alice").unwrap();
    s.w.security.recovery().request(&identifier, &attempt()).await.unwrap();
    s.w.run_worker().await.unwrap();
    s.w.run_worker().await.unwrap();
    let link = s.w.mailbox.last_link("alice@example.com").unwrap();
    let new = || Password::parse(PASSWORD.to_owned() + " 2", "new").unwrap();
    s.w.security.recovery().set_password(&link, &new(), &new(), &attempt()).await.unwrap();
    s.w.run_worker().await.unwrap();
    let mails = s.w.mailbox.mails().len();
    let start = || s.w.security.sign_in();
    let SignInResult::CodeRequired { code, channels } =
        start().start(&s.alice.login, &new(), &attempt()).await.unwrap()
    else {
        panic!("a code is asked")
    };
    assert_eq!((code.channel, channels), (Channel::Sms, vec![Channel::Sms]));
    s.w.advance(s.w.security.policy().resend_after);
    let by_mail = start().resend_by(code.id, Some(Channel::Email), &attempt()).await;
    assert_eq!(refusal(by_mail), (Reason::NotAllowed, vec![Gate::Policy]));
    // Neither does it help that the right is gone: no code goes to that mailbox.
    s.flag(&s.alice, false).await;
    s.w.advance(TimeDelta::minutes(2));
    let shut = start().start(&s.alice.login, &new(), &attempt()).await;
    assert_eq!(refusal(shut), (Reason::NotAllowed, vec![Gate::SendSms]));
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.mailbox.mails().len(), mails, "the mailbox got no code");
    // One sign-in by SMS, and the mailbox is as good as before.
    s.flag(&s.alice, true).await;
    let SignInResult::CodeRequired { code, .. } =
        start().start(&s.alice.login, &new(), &attempt()).await.unwrap()
    else {
        panic!("a code is asked")
    };
    s.w.run_worker().await.unwrap();
    let entered = s.w.handset.last_code(NUMBER).unwrap();
    assert_eq!(s.enter(&code, &entered).await.unwrap(), Assurance::PasswordSms);
    assert!(!s.user().await.recovered_by_mail);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_one_submission_and_one_charge() {
    let s = scene().await;
    s.service(Service::on(Some(2), Period::Day)).await;
    let session = s.session().await;
    s.w.handset.then([Err(SendError::Ambiguous { detail: "cut off" })]);
    let code = s.ask(session, Some(NUMBER)).await.unwrap();
    let pass = s.w.run_worker().await.unwrap();
    assert_eq!((pass.maybe_sent, pass.sent, pass.postponed), (1, 0, 0));
    s.w.advance(s.w.security.policy().claim_life);
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.handset.submitted().len(), 1, "it is not sent again by itself");
    assert!(s.trail().await.contains(&"message_maybe_sent: two_factor_code".to_owned()));
    let shown = async || {
        let pending = s.w.security.settings(session).await.unwrap().two_factor.pending;
        pending.unwrap().code.delivery
    };
    assert_eq!((code.delivery, shown().await), (CodeDelivery::Waiting, CodeDelivery::Ambiguous));
    // It may have arrived, and then it counts; and after the cool-down one may ask again.
    let again = s.w.security.two_factor().resend(session, code.id, &source()).await.unwrap();
    assert_eq!(shown().await, CodeDelivery::Waiting, "what came of the one before is told no more");
    s.w.run_worker().await.unwrap();
    assert_eq!(s.w.handset.submitted().len(), 2);
    assert_eq!(shown().await, CodeDelivery::Sent);
    let third = s.ask(session, Some(OTHER)).await;
    assert_eq!(refusal(third), (Reason::NotAllowed, vec![Gate::QuotaSms]), "both were charged");
    let entered = s.w.handset.last_code(NUMBER).unwrap();
    s.w.security.two_factor().enable(session, again.id, &entered, &source()).await.unwrap();
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_back_once() {
    let s = scene().await;
    s.service(Service::on(Some(1), Period::Day)).await;
    let session = s.session().await;
    s.w.handset.then([Err(SendError::Permanent { detail: "no such number" })]);
    s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().given_up, 1);
    s.ask(session, Some(OTHER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
    let third = s.ask(session, Some("+37120000047")).await;
    assert_eq!(refusal(third), (Reason::NotAllowed, vec![Gate::QuotaSms]), "it was given back once");
}

#[tokio::test]
async fn a_right_withdrawn_before_it_leaves_sends_nothing_and_charges_nothing() {
    let s = scene().await;
    s.service(Service::on(Some(1), Period::Day)).await;
    let session = s.session().await;
    s.ask(session, Some(NUMBER)).await.unwrap();
    s.flag(&s.alice, false).await;
    let pass = s.w.run_worker().await.unwrap();
    assert_eq!((pass.suppressed, s.w.handset.submitted().len()), (1, 0));
    assert!(s.trail().await.contains(&"message_suppressed: send_sms".to_owned()));
    s.flag(&s.alice, true).await;
    s.ask(session, Some(OTHER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_gateway_that_is_busy_is_asked_again_while_the_code_lives() {
    let s = scene().await;
    let session = s.session().await;
    let busy = || Err(SendError::Transient { detail: "busy" });
    s.w.handset.then([busy(), Ok(())]);
    s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().postponed, 1);
    s.w.advance(s.w.security.policy().send_retry_first);
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
    s.w.handset.fail_with(Some(SendError::Transient { detail: "busy" }));
    s.ask(session, Some(OTHER)).await.unwrap();
    let (mut postponed, mut given_up) = (0, 0);
    for _ in 0..20 {
        let pass = s.w.run_worker().await.unwrap();
        (postponed, given_up) = (postponed + pass.postponed, given_up + pass.given_up);
        s.w.advance(TimeDelta::minutes(1));
    }
    assert!(postponed >= 2 && given_up == 1, "{postponed} {given_up}");
    assert!(s.trail().await.contains(&"message_given_up: expired".to_owned()));
}

#[tokio::test]
async fn each_sender_that_is_set_up_wrongly_stops_its_own_messages_alone() {
    let s = scene().await;
    let session = s.session().await;
    let wrong = || Some(SendError::Misconfigured { detail: "credentials" });
    s.w.handset.fail_with(wrong());
    s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().postponed, 1);
    assert_eq!(s.w.security.health().sms_stopped_until, None, "one number stops nobody");
    s.ask(session, Some("+37120000047")).await.unwrap();
    assert!(s.w.run_worker().await.unwrap().postponed >= 1);
    let health = s.w.security.health();
    assert!(health.sms_stopped_until.is_some() && health.mail_stopped_until.is_none());
    s.w.security.two_factor().ask(session, None).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1, "mail goes on");
    s.w.handset.fail_with(None);
    s.w.advance(s.w.security.policy().send_retry_first);
    s.w.mailbox.fail_with(wrong());
    s.w.security.two_factor().cancel(session).await.unwrap();
    s.w.advance(TimeDelta::minutes(1));
    s.w.security.two_factor().ask(session, None).await.unwrap();
    s.w.run_worker().await.unwrap();
    assert!(s.w.security.health().mail_stopped_until.is_some());
    s.ask(session, Some(OTHER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1, "SMS go on");
}

#[tokio::test]
async fn reports_move_forward_and_confirm_nothing() {
    let s = scene().await;
    let session = s.session().await;
    s.ask(session, Some(NUMBER)).await.unwrap();
    s.w.run_worker().await.unwrap();
    let id = s.w.handset.submitted().first().unwrap().id;
    let report = async |state| s.w.security.delivery_report(&DeliveryReport::new(id, state)).await.unwrap();
    assert_eq!(report(DeliveryState::OnItsWay).await, Reported::Kept);
    assert_eq!(report(DeliveryState::OnItsWay).await, Reported::Ignored);
    assert_eq!(report(DeliveryState::Delivered).await, Reported::Kept);
    assert_eq!(report(DeliveryState::Undelivered).await, Reported::Ignored);
    assert_eq!(s.w.security.health().reports_ignored, 2);
    assert!(s.user().await.phone.is_none(), "who holds the phone, nobody knows");
    s.w.security.two_factor().ask(session, None).await.unwrap();
    s.w.run_worker().await.unwrap();
    let mail = s.w.mailbox.mails().first().unwrap().id;
    let of_a_mail = DeliveryReport::new(mail, DeliveryState::Delivered);
    assert_eq!(s.w.security.delivery_report(&of_a_mail).await.unwrap(), Reported::Ignored);
    s.w.security.forged_delivery_report();
    let Health { reports, reports_ignored, .. } = s.w.security.health();
    assert_eq!((reports.kept, reports.repeated, reports.late), (2, 1, 1));
    assert_eq!((reports.unknown, reports.forged, reports_ignored), (1, 1, 4));
}

#[tokio::test]
async fn a_number_in_use_stays_and_another_is_forgotten() {
    let s = scene().await;
    let session = s.with_sms().await;
    assert_eq!(refusal(s.w.security.phone().remove(session).await).0, Reason::InUse);
    let off = s.w.security.two_factor().disable(session).await.unwrap().session;
    assert!(s.user().await.phone.is_some(), "it stays confirmed");
    let on = s.w.security.phone().remove(off.id).await.unwrap().unwrap();
    assert!(s.user().await.phone.is_none());
    assert!(s.w.security.sessions().current(off.id).await.is_err(), "the old id is dead");
    assert!(s.w.security.phone().remove(on.id).await.unwrap().is_none());
    assert_eq!(refusal(s.ask(on.id, None).await), (Reason::NotAllowed, vec![Gate::NoPhone]));
}

#[tokio::test]
async fn another_number_takes_over_once_it_is_confirmed() {
    let s = scene().await;
    let session = s.with_sms().await;
    assert_eq!(refusal(s.ask(session, None).await).0, Reason::Unchanged);
    let code = s.ask(session, Some(OTHER)).await.unwrap();
    s.w.run_worker().await.unwrap();
    assert_eq!(s.user().await.phone.unwrap().as_str(), NUMBER, "until then it is the old one");
    let entered = s.w.handset.last_code(OTHER).unwrap();
    s.w.security.two_factor().enable(session, code.id, &entered, &source()).await.unwrap();
    assert_eq!(s.user().await.phone.unwrap().as_str(), OTHER);
}

/// One whose creator may not have SMS sent.
#[tokio::test]
async fn every_creator_above_must_have_the_flag() {
    let s = scene().await;
    let carol = s.w.user_below(&s.boss, &s.account, "carol").await.unwrap();
    let dora = s.w.user_below(&carol, &s.account, "dora").await.unwrap();
    assert_eq!(dora.creators, [carol.id, s.boss.id]);
    let session = s.w.sign_in(&dora).await.unwrap().id;
    s.flag(&s.boss, false).await;
    assert_eq!(refusal(s.ask(session, Some(NUMBER)).await), (Reason::NotAllowed, vec![Gate::SendSmsAbove]));
    s.flag(&s.boss, true).await;
    s.ask(session, Some(NUMBER)).await.unwrap();
    s.flag(&carol, false).await;
    assert_eq!(s.w.run_worker().await.unwrap().suppressed, 1, "asked once more before it leaves");
    let events = s.w.security.audit(dora.id, Page { after: None, limit: 200 }).await.unwrap();
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("send_sms_above")));
}

#[tokio::test]
async fn an_outage_of_the_gateway_locks_nobody_out() {
    let mut policy = Policy::default();
    policy.sms_unverified_per_user.count = 2;
    policy.sms_unverified_per_country.count = 2;
    let s = scene_under(policy).await;
    s.with_sms().await;
    s.w.handset.fail_with(Some(SendError::Permanent { detail: "down" }));
    for _ in 0..3 {
        s.asked().await;
        assert_eq!(s.w.run_worker().await.unwrap().given_up, 1);
        s.w.advance(TimeDelta::minutes(2));
    }
    // Nor do codes that were withdrawn before they left.
    for _ in 0..3 {
        s.asked().await;
        s.flag(&s.alice, false).await;
        assert_eq!(s.w.run_worker().await.unwrap().suppressed, 1);
        s.flag(&s.alice, true).await;
        s.w.advance(TimeDelta::minutes(2));
    }
    s.w.handset.fail_with(None);
    // And they were given back once: two fit, and no third.
    for _ in 0..2 {
        s.asked().await;
        assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
        s.w.advance(TimeDelta::minutes(2));
    }
    assert_eq!(refusal(s.start().await), (Reason::NotAllowed, vec![Gate::Budget]));
}

#[tokio::test]
async fn a_code_that_was_sent_twice_and_entered_leaves_nothing_of_the_user_used_up() {
    let mut policy = Policy::default();
    policy.sms_unverified_per_user.count = 2;
    let s = scene_under(policy).await;
    s.with_sms().await;
    for _ in 0..3 {
        let (code, _) = s.asked().await;
        s.w.run_worker().await.unwrap();
        s.w.advance(s.w.security.policy().resend_after);
        let again = s.w.security.sign_in().resend(code.id, &attempt()).await.unwrap();
        s.w.run_worker().await.unwrap();
        let entered = s.w.handset.last_code(NUMBER).unwrap();
        assert_eq!(s.enter(&again, &entered).await.unwrap(), Assurance::PasswordSms);
        s.w.advance(TimeDelta::minutes(2));
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_gives_nothing_back() {
    let s = scene().await;
    s.service(Service::on(Some(1), Period::Day)).await;
    s.w.handset.idempotent(true);
    let session = s.session().await;
    s.w.handset.then([
        Err(SendError::Ambiguous { detail: "cut off" }),
        Err(SendError::Transient { detail: "busy" }),
        Err(SendError::Permanent { detail: "no such number" }),
    ]);
    s.ask(session, Some(NUMBER)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(s.w.run_worker().await.unwrap().postponed, 1);
        s.w.advance(TimeDelta::minutes(1));
    }
    let pass = s.w.run_worker().await.unwrap();
    assert_eq!((pass.maybe_sent, pass.given_up), (1, 0));
    let other = s.ask(session, Some(OTHER)).await;
    assert_eq!(refusal(other), (Reason::NotAllowed, vec![Gate::QuotaSms]), "it stays charged");
}

#[tokio::test]
async fn an_idempotent_gateway_is_asked_again_and_sends_once() {
    let s = scene().await;
    s.w.handset.idempotent(true);
    let session = s.session().await;
    s.w.handset.then([Err(SendError::Ambiguous { detail: "cut off" })]);
    s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().postponed, 1);
    s.w.advance(TimeDelta::minutes(1));
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
    assert_eq!(s.w.handset.submitted().len(), 1);
}

#[tokio::test]
async fn a_gateway_that_asks_for_patience_is_given_it() {
    let s = scene().await;
    let session = s.session().await;
    let wait = core::time::Duration::from_secs(90);
    s.w.handset.then([Err(SendError::Throttled { detail: "slower", wait })]);
    s.ask(session, Some(NUMBER)).await.unwrap();
    assert_eq!(s.w.run_worker().await.unwrap().postponed, 1);
    s.w.advance(TimeDelta::seconds(89));
    let pass = s.w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.postponed), (0, 0), "not before its time");
    s.w.advance(TimeDelta::seconds(1));
    assert_eq!(s.w.run_worker().await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_resend_that_falls_back_is_told_and_one_that_must_wait_says_how_long() {
    let mut policy = Policy::default();
    policy.sms_per_user.count = 2;
    let s = scene_under(policy).await;
    s.with_sms().await;
    let (code, _) = s.asked().await;
    s.w.run_worker().await.unwrap();
    s.w.advance(s.w.security.policy().resend_after);
    let refused = match s.w.security.sign_in().resend(code.id, &attempt()).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("refused: {other:?}"),
    };
    assert_eq!(refused.missing(), [Gate::Budget]);
    assert!(refused.retry_after().is_some_and(|wait| wait > 60), "{refused:?}");
    s.service(Service::off()).await;
    let again = s.w.security.sign_in().resend(code.id, &attempt()).await.unwrap();
    assert_eq!(again.channel, Channel::Email);
    assert!(s.trail().await.contains(&"sms_fallback: service_sms".to_owned()));
}

#[tokio::test]
async fn who_waits_for_a_code_is_told_what_came_of_its_message() {
    let s = scene().await;
    s.with_sms().await;
    s.w.handset.then([Err(SendError::Ambiguous { detail: "cut off" })]);
    let (code, _) = s.asked().await;
    let told = async || s.w.security.sign_in().pending(code.id).await.map(|code| code.delivery);
    assert_eq!(told().await.unwrap(), CodeDelivery::Waiting);
    s.w.run_worker().await.unwrap();
    assert_eq!(told().await.unwrap(), CodeDelivery::Ambiguous);
    let id = s.w.handset.submitted().last().unwrap().id;
    let arrived = DeliveryReport::new(id, DeliveryState::Delivered);
    s.w.security.delivery_report(&arrived).await.unwrap();
    assert_eq!(told().await.unwrap(), CodeDelivery::Sent);
    s.w.advance(s.w.security.policy().resend_after);
    s.w.handset.then([Err(SendError::Permanent { detail: "no such number" })]);
    s.w.security.sign_in().resend(code.id, &attempt()).await.unwrap();
    s.w.run_worker().await.unwrap();
    assert_eq!(told().await.unwrap(), CodeDelivery::Failed);
    let session = s.session_of_boss().await;
    let own = s.w.security.two_factor().ask(session, None).await.unwrap();
    let other = s.w.security.sign_in().pending(own.id).await;
    assert_eq!(refusal(other).0, Reason::ChallengeDead, "only of a sign-in");
    s.w.advance(s.w.security.policy().sms_code_life);
    assert_eq!(refusal(told().await).0, Reason::ChallengeDead);
}

#[tokio::test]
async fn what_an_account_has_used_is_told_to_who_sees_it_and_to_nobody_else() {
    let mut policy = Policy::default();
    policy.sms_per_account.count = 10;
    let s = scene_under(policy).await;
    s.service(Service::on(Some(5), Period::Day)).await;
    let session = s.with_sms().await;
    s.asked().await;
    let usage = s.w.security.manage(Actor::Program).usage(s.account.id).await.unwrap();
    assert_eq!((usage.sms.used, usage.sms.codes, usage.sms.quota), (2, 2, Some(5)));
    assert_eq!((usage.sms_budget.used, usage.sms_budget.left(), usage.sms_budget.limit), (2, 8, 10));
    assert_eq!((usage.sms_new_budget.used, usage.sms_new_budget.limit), (1, 2), "one went to a new number");
    assert_eq!(usage.email_notification.used, 0);
    assert!(usage.sms.until > Some(s.w.now()) && usage.sms_budget.until > Some(s.w.now()));
    let seen = s.w.security.manage(Actor::Session(session)).usage(s.account.id).await;
    assert_eq!(refusal(seen).0, Reason::NotFound);
    s.w.advance(TimeDelta::days(2));
    let usage = s.w.security.manage(Actor::Program).usage(s.account.id).await.unwrap();
    assert_eq!((usage.sms.used, usage.sms_budget.used, usage.sms_budget.left()), (0, 0, 10));
}

#[tokio::test]
async fn a_code_that_came_another_way_gives_nothing_back_of_those_by_sms() {
    let mut policy = Policy::default();
    policy.sms_unverified_per_user.count = 2;
    let s = scene_under(policy).await;
    s.with_sms().await;
    let (code, _) = s.asked().await;
    s.w.run_worker().await.unwrap();
    let resend = async |channel| {
        s.w.advance(s.w.security.policy().resend_after);
        let again = s.w.security.sign_in().resend_by(code.id, Some(channel), &attempt()).await.unwrap();
        s.w.run_worker().await.unwrap();
        again
    };
    // Two SMS with one code, and then a mail with another, which is entered.
    resend(Channel::Sms).await;
    let mailed = resend(Channel::Email).await;
    let by_mail = s.w.mailbox.last_code("alice@example.com").unwrap();
    assert_eq!(s.enter(&mailed, &by_mail).await.unwrap(), Assurance::PasswordEmail);
    s.w.advance(TimeDelta::minutes(2));
    assert_eq!(refusal(s.start().await), (Reason::NotAllowed, vec![Gate::Budget]), "nobody entered those");
}

#[tokio::test]
async fn of_a_code_that_was_sent_twice_and_entered_the_country_is_given_one_back() {
    let mut policy = Policy::default();
    policy.sms_unverified_per_country.count = 2;
    let s = scene_under(policy).await;
    s.with_sms().await;
    let (code, _) = s.asked().await;
    s.w.run_worker().await.unwrap();
    let resend = async |code: &PendingCode| {
        s.w.advance(s.w.security.policy().resend_after);
        let again = s.w.security.sign_in().resend(code.id, &attempt()).await;
        s.w.run_worker().await.unwrap();
        again
    };
    let again = resend(&code).await.unwrap();
    let entered = s.w.handset.last_code(NUMBER).unwrap();
    assert_eq!(s.enter(&again, &entered).await.unwrap(), Assurance::PasswordSms);
    s.w.advance(TimeDelta::minutes(2));
    let (code, _) = s.asked().await;
    let third = resend(&code).await;
    assert_eq!(refusal(third), (Reason::NotAllowed, vec![Gate::Budget]), "one of two was not entered");
}

use super::*;
use crate::account::Account;
use crate::challenge::rules::Budgets;
use crate::fixture::*;
use crate::policy::CLOCK_SLACK;

fn knock(user: Option<User>, account: &Account) -> Knock {
    let who = user.as_ref().map_or(uuid(99), |user| user.id.uuid());
    let chain = match &user {
        Some(_) => chain([account]),
        None => Chain(Vec::new()),
    };
    Knock {
        user: user.map(stored),
        chain,
        who,
        device: None,
        failures: Count::default(),
        wait: Count::default(),
        source: uuid(6),
        from_source: Count::default(),
    }
}

fn ids() -> FreshIds {
    FreshIds { session: SessionId::from_uuid(uuid(50)), device: uuid(51), epoch: 0 }
}

const RIGHT: Proof = Proof { fits: true, rehashed: None };
const WRONG: Proof = Proof { fits: false, rehashed: None };

fn plan(to: &str) -> CodePlan {
    CodePlan {
        fresh: fresh_code(800),
        fare: fare(NO_BUDGETS),
        route: Route { to: email(to).into(), instead_of: Vec::new() },
        line: None,
        channels: vec![Channel::Email],
        failures: Count::default(),
        wait: Count::default(),
    }
}

fn begin(knock: &Knock, proof: &Proof, plan: Option<CodePlan>) -> Decision<Step> {
    start(knock, proof, plan.map(|plan| Ok(Box::new(plan))), ids(), &Policy::default(), began())
}

fn now() -> DateTime<Utc> {
    began()
}

#[test]
fn every_failure_is_one_answer_and_one_shape_of_rows() {
    let account = account(1);
    let alice = user(2, &account);
    let (mut bare, mut disabled, mut blocked) = (alice.clone(), alice.clone(), account.clone());
    bare.password = None;
    disabled.disabled = true;
    blocked.blocked = true;
    let failures = [
        ("unknown_login", knock(None, &account), WRONG),
        ("no_password", knock(Some(bare), &account), WRONG),
        ("wrong_password", knock(Some(alice.clone()), &account), WRONG),
        ("disabled", knock(Some(disabled), &account), RIGHT),
        ("blocked", knock(Some(alice), &blocked), RIGHT),
    ];
    for (why, mut knock, proof) in failures {
        for seen in [0, 8, 9, 10] {
            knock.failures = count(seen);
            let decision = begin(&knock, &proof, Some(plan("u2@example.com")));
            let refusal = decision.reply.err().unwrap();
            assert_eq!(refusal, Refusal::from(Reason::BadCredentials), "{why}");
            assert_eq!(trail(&decision.changes), [format!("sign_in_refused: {why}")]);
            let mut expected = vec!["sign_in_failures add 1 to 10"];
            if seen < 9 {
                expected.push("password_failures add 1 to 9");
            } else {
                expected.extend(["password_failures add 1 to 4294967295", "password_wait add 1 to 1"]);
            }
            assert_eq!(steps(&decision.changes), expected, "{why} after {seen}");
            let subjects: Vec<_> = decision.changes.counters.iter().map(|(of, _)| of.subject).collect();
            assert_eq!(subjects[..2], [knock.source, knock.who], "{why}");
            assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty(), "{why}");
        }
    }
}

#[test]
fn nobody_learns_from_the_time_that_a_password_was_right() {
    let account = account(1);
    let alice = user(2, &account);
    assert!(knock(Some(alice.clone()), &account).admissible(now()));
    let (mut disabled, mut blocked) = (alice.clone(), account.clone());
    disabled.disabled = true;
    blocked.blocked = true;
    assert!(!knock(Some(disabled), &account).admissible(now()));
    assert!(!knock(Some(alice), &blocked).admissible(now()));
    assert!(!knock(None, &account).admissible(now()));
}

#[test]
fn the_cheap_look_stops_a_source_and_whoever_has_to_wait() {
    let policy = Policy::default();
    let account = account(1);
    let mut knock = knock(Some(user(2, &account)), &account);
    let within = policy.sign_in_failures_per_source.within;
    let look = |knock: &Knock| match knock.open(&policy, now()) {
        Ok(()) => None,
        Err(no) => {
            let decision = Decision::<()>::from(no);
            assert_eq!(trail(&decision.changes), ["sign_in_refused: too_many_attempts"]);
            assert!(decision.changes.counters.is_empty());
            let refusal = decision.reply.unwrap_err();
            Some((refusal.reason(), refusal.retry_after()))
        }
    };
    knock.from_source = until(9, now() + within);
    assert_eq!(look(&knock), None);
    knock.from_source = until(10, now() + within);
    assert_eq!(look(&knock), Some((Reason::TooManyAttempts, Some(60))));
    knock.from_source = until(10, now() + within + CLOCK_SLACK + TICK);
    assert_eq!(look(&knock), None, "that window was opened by a clock that has since stepped back");
    knock.wait = until(1, now() + policy.password_backoff.first);
    assert_eq!(look(&knock), Some((Reason::TooManyAttempts, Some(30))));
    knock.wait = until(1, now() + policy.password_backoff.longest + CLOCK_SLACK + TICK);
    assert_eq!(look(&knock), None, "so was that one");
}

#[test]
fn a_known_browser_has_its_own_count() {
    let account = account(1);
    let alice = user(2, &account);
    let device = Device { user: alice.id.uuid(), id: uuid(60), credential_version: 1, ends_at: now() + TICK };
    let known = |device: Device, user: Option<&User>, at| known_device(Some(device), user, at);
    assert_eq!(known(device, Some(&alice), now()), Some(uuid(60)));
    assert_eq!(known(device, Some(&alice), now() + TICK), None, "it has ended");
    assert_eq!(known(device, None, now()), None);
    assert_eq!(known(Device { user: uuid(3), ..device }, Some(&alice), now()), None, "another user's");
    assert_eq!(known(Device { credential_version: 0, ..device }, Some(&alice), now()), None);
    assert_eq!(known_device(None, Some(&alice), now()), None);

    let mut knock = knock(Some(alice), &account);
    assert_eq!(knock.subject(), uuid(2));
    knock.device = Some(uuid(60));
    let decision = begin(&knock, &WRONG, None);
    let subjects: Vec<_> = decision.changes.counters.iter().map(|(of, _)| of.subject).collect();
    assert_eq!(subjects, [knock.source, uuid(60)]);
}

#[test]
fn a_right_password_admits_and_rests_on_what_was_read() {
    let account = account(1);
    let mut knock = knock(Some(user(2, &account)), &account);
    knock.device = Some(uuid(60));
    let decision = begin(&knock, &RIGHT, None);
    let Ok(Step::Admitted(Admitted { session, device, days_left })) = decision.reply else {
        panic!("admitted")
    };
    assert_eq!(days_left, None, "no date is set");
    assert_eq!((session.assurance, device.id), (Assurance::Password, uuid(60)));
    assert_eq!(
        steps(&decision.changes),
        [
            "sign_in_failures below 10",
            "password_wait below 1",
            "password_failures clear",
            "password_failures clear"
        ]
    );
    let waiting = &decision.changes.counters.get(1).unwrap().0;
    assert_eq!(waiting.subject, uuid(60), "the known browser's own wait");
    assert_eq!(touched(&decision.changes), [uuid(50), uuid(2), uuid(1)], "session, user, account");
    assert_eq!(decision.changes.guards, [(uuid(2), 7), (uuid(1), 7)]);
    assert_eq!(trail(&decision.changes), ["signed_in: password"]);
}

#[test]
fn a_hash_made_anew_is_kept_and_nothing_else_of_the_user_changes() {
    let account = account(1);
    let alice = user(2, &account);
    let knock = knock(Some(alice.clone()), &account);
    let hash = PasswordHash::stored("$argon2id$v=19$m=9,t=1,p=1$c2FsdHNhbHQ$aGFzaA");
    let decision = begin(&knock, &Proof { fits: true, rehashed: Some(hash.clone()) }, None);
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert_eq!(kept.password.as_ref().map(PasswordHash::as_str), Some(hash.as_str()));
    assert_eq!(kept.credential_version, alice.credential_version, "no session dies of it");
    assert_eq!(decision.changes.guards, [(uuid(1), 7)]);
}

#[test]
fn with_two_factor_on_a_right_password_opens_nothing() {
    let account = account(1);
    let mut alice = user(2, &account);
    alice.two_factor = Method::Email;
    let decision = begin(&knock(Some(alice), &account), &RIGHT, Some(plan("u2@example.com")));
    let Ok(Step::CodeRequired(code, _)) = decision.reply else { panic!("a code is asked") };
    assert_eq!(code.attempts_left, 5);
    let kinds: Vec<_> = decision.changes.puts.iter().map(|put| put.kind.as_str().to_owned()).collect();
    assert_eq!(kinds, ["challenge"], "no session");
    assert!(!steps(&decision.changes).contains(&String::from("password_failures clear")));
}

#[test]
fn every_missing_gate_is_named_and_the_limits_are_kept() {
    let account = account(1);
    let mut alice = user(2, &account);
    alice.two_factor = Method::Email;
    alice.email = None;
    let knock = knock(Some(alice), &account);
    let missing = vec![Gate::Policy, Gate::EmailUnconfirmed];
    let decision = start(&knock, &RIGHT, Some(Err((missing, None))), ids(), &Policy::strict(), now());
    let refusal = decision.reply.err().unwrap();
    assert_eq!(refusal.missing(), [Gate::Policy, Gate::EmailUnconfirmed]);
    assert_eq!(trail(&decision.changes), ["sign_in_refused: not_allowed"]);
    assert_eq!(
        steps(&decision.changes),
        ["sign_in_failures below 10", "password_wait below 1"],
        "a refusal that tells that the password is right leaves only within the limits"
    );
    assert!(touched(&decision.changes).is_empty());
}

#[test]
fn a_code_that_can_not_be_sent_is_refused_with_the_reason() {
    let policy = Policy::default();
    let account = account(1);
    let mut alice = user(2, &account);
    alice.two_factor = Method::Email;
    let knock = knock(Some(alice), &account);
    let with = |change: &dyn Fn(&mut CodePlan)| {
        let mut plan = plan("u2@example.com");
        change(&mut plan);
        let decision = begin(&knock, &RIGHT, Some(plan));
        assert_eq!(steps(&decision.changes), ["sign_in_failures below 10", "password_wait below 1"]);
        decision.reply.err().map(|refusal| refusal.reason())
    };
    assert_eq!(with(&|p| p.failures = count(100)), Some(Reason::Locked));
    assert_eq!(with(&|p| p.wait = until(1, now() + policy.code_backoff.first)), Some(Reason::Locked));
    assert_eq!(with(&|p| p.fare = fare(Budgets { user: count(10), ..NO_BUDGETS })), Some(Reason::TooSoon));
    assert_eq!(with(&|p| p.fare = fare(Budgets { address: count(10), ..NO_BUDGETS })), Some(Reason::TooSoon));
}

#[test]
fn the_right_code_opens_the_session_in_the_commit_that_spends_it() {
    let account = account(1);
    let alice = user(2, &account);
    let challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
    let entry = entry(&challenge, &alice, &chain([&account]), true);
    let decision = finish(&entry, None, ids(), &Policy::default(), now());
    let Admitted { session, device, .. } = decision.reply.unwrap();
    assert_eq!((session.assurance, device.id), (Assurance::PasswordEmail, uuid(51)));
    assert_eq!(touched(&decision.changes), [challenge.id.uuid(), uuid(50), uuid(2), uuid(1)]);
    assert_eq!(trail(&decision.changes), ["signed_in: password_email"]);
    let wrong = Entry { fits: false, ..entry };
    let decision = finish(&wrong, None, ids(), &Policy::default(), now());
    assert!(decision.reply.is_err() && decision.changes.puts.is_empty());
}

#[test]
fn only_the_session_that_asked_becomes_fresh() {
    let account = account(1);
    let alice = user(2, &account);
    let mut acting = acting_as(&alice, &account);
    let later = acting.session.value.fresh_until;
    let mut asked = challenge(Purpose::Reauthentication, &alice, "u2@example.com");
    asked.expires_at = later + TICK;
    asked.session = Some(acting.session.value.id);
    let entry = entry(&asked, &alice, &chain([&account]), true);
    let id = SessionId::from_uuid(uuid(52));
    let decision = refresh(&acting, &entry, id, &Policy::default(), later);
    let fresh = decision.reply.unwrap();
    assert_eq!((fresh.id, fresh.fresh_until), (id, later + Policy::default().session_fresh));
    assert_eq!(fresh.ends_at, acting.session.value.ends_at, "it does not live longer for that");
    assert_eq!(decision.changes.deletes, [(uuid(900), 7)], "the old id is dead");

    acting.session.value.id = SessionId::from_uuid(uuid(901));
    let decision = refresh(&acting, &entry, id, &Policy::default(), later);
    assert_eq!(decision.reply.unwrap_err().reason(), Reason::ChallengeDead);
    assert!(decision.changes.counters.is_empty() && decision.changes.puts.is_empty());
}

#[test]
fn a_reauthentication_keeps_the_end_and_kills_the_old_id() {
    let account = account(1);
    let alice = user(2, &account);
    let acting = acting_as(&alice, &account);
    let id = SessionId::from_uuid(uuid(52));
    let near_the_end = acting.session.value.ends_at - TICK;
    let knock = knock(Some(alice.clone()), &account);
    let policy = Policy::default();
    let decision = reauthenticate(&acting, &knock, &RIGHT, None, id, &policy, near_the_end);
    let Ok(Again::Fresh(fresh)) = decision.reply else { panic!("fresh") };
    assert_eq!((fresh.idle_until, fresh.ends_at), (acting.session.value.ends_at, fresh.idle_until));
    assert_eq!(touched(&decision.changes), [id.uuid(), uuid(2), uuid(1), uuid(900)]);
    let wrong = reauthenticate(&acting, &knock, &WRONG, None, id, &policy, now());
    assert_eq!(wrong.reply.err().unwrap().reason(), Reason::BadCredentials);
    assert!(touched(&wrong.changes).is_empty(), "the session goes on as it was");

    let mut asked = alice;
    asked.two_factor = Method::Email;
    let knock = self::knock(Some(asked), &account);
    let plan = Some(Ok(Box::new(plan("u2@example.com"))));
    let decision = reauthenticate(&acting, &knock, &RIGHT, plan, id, &policy, now());
    assert!(matches!(decision.reply, Ok(Again::CodeRequired(_, _))));
    let challenge: crate::challenge::Challenge = written(&decision.changes, uuid(800)).unwrap();
    assert_eq!(challenge.session, Some(acting.session.value.id), "bound to the session that asked");
}

#[test]
fn whoever_is_admitted_in_the_last_days_is_warned() {
    let as_of = began().date_naive();
    let days = crate::account::DayCounter { value: 5, as_of, minimum: 0, counting: true };
    let account = Account { days, ..account(1) };
    let alice = user(2, &account);
    assert!(!alice.blocking_notices, "whether or not notices are mailed");
    let knock = knock(Some(alice.clone()), &account);
    let Ok(Step::Admitted(admitted)) = begin(&knock, &RIGHT, None).reply else { panic!("admitted") };
    assert_eq!(admitted.days_left, Some(5));
    let challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
    let entry = entry(&challenge, &alice, &chain([&account]), true);
    let admitted = finish(&entry, None, ids(), &Policy::default(), now()).reply.unwrap();
    assert_eq!(admitted.days_left, Some(5));
}

use super::*;
use crate::account::Account;
use crate::challenge::resend::{Again, resend};
use crate::decision::Decision;
use crate::fixture::*;
use crate::policy::CLOCK_SLACK;
use crate::user::model::PendingEmail;

fn alice() -> (Account, User) {
    let account = account(1);
    let alice = user(2, &account);
    (account, alice)
}

/// A code for a sign-in of alice, entered at the start.
fn at_sign_in(fits: bool) -> Entry {
    let (account, alice) = alice();
    let challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
    entry(&challenge, &alice, &chain([&account]), fits)
}

fn refusal(judged: Result<Changes, No>) -> (Refusal, Changes) {
    let decision = Decision::<()>::from(judged.unwrap_err());
    (decision.reply.unwrap_err(), decision.changes)
}

fn reason(entry: &Entry, policy: &Policy, now: DateTime<Utc>) -> Option<Reason> {
    judge(entry, policy, now).err().map(|no| Decision::<()>::from(no).reply.unwrap_err().reason())
}

#[test]
fn a_code_counts_until_the_last_microsecond_before_its_end() {
    let (policy, entry) = (Policy::default(), at_sign_in(true));
    let end = began() + policy.code_life;
    assert_eq!(entry.challenge.value.expires_at, end);
    assert_eq!(reason(&entry, &policy, end - TICK), None);
    let (refused, changes) = refusal(judge(&entry, &policy, end));
    assert_eq!(refused.reason(), Reason::ChallengeDead);
    assert_eq!(trail(&changes), ["code_refused: expired"]);
    let dead: Challenge = written(&changes, entry.challenge.value.id.uuid()).unwrap();
    assert_eq!(dead.state, State::Dead, "it is dead for good");
    let mut seen = entry;
    seen.challenge.value.state = dead.state;
    assert_eq!(reason(&seen, &policy, began()), Some(Reason::ChallengeDead), "also if the clock steps back");
}

#[test]
fn every_death_is_one_refusal_and_named_in_the_trail() {
    let (account, alice) = alice();
    let policy = Policy::default();
    let with = |change: &dyn Fn(&mut Challenge, &mut User, &mut Account)| {
        let mut challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
        let (mut user, mut account) = (alice.clone(), account.clone());
        change(&mut challenge, &mut user, &mut account);
        let entry = entry(&challenge, &user, &chain([&account]), true);
        let (refused, changes) = refusal(judge(&entry, &policy, began() + TICK));
        assert_eq!(refused, Refusal::from(Reason::ChallengeDead));
        assert_eq!(steps(&changes), Vec::<String>::new(), "a dead challenge costs no attempt");
        trail(&changes)
    };
    assert_eq!(with(&|c, _, _| c.state = State::Spent), ["code_refused: spent"]);
    assert_eq!(with(&|c, _, _| c.state = State::Dead), ["code_refused: dead"]);
    assert_eq!(with(&|_, u, _| u.credential_version += 1), ["code_refused: credentials_changed"]);
    assert_eq!(with(&|c, _, _| c.expires_at = began()), ["code_refused: expired"]);
    assert_eq!(with(&|_, _, a| a.lifts += 1), ["code_refused: voided"]);
    assert_eq!(with(&|_, u, _| u.disabled = true), ["code_refused: disabled"]);
    assert_eq!(with(&|_, _, a| a.blocked = true), ["code_refused: blocked"]);
}

#[test]
fn what_was_begun_before_the_lift_of_a_block_is_dead_whatever_the_clock_says() {
    let (mut account, alice) = alice();
    let challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
    assert_eq!(death(&challenge, &alice, &chain([&account]), 0, began()), None);
    account.lifts = 1;
    for now in [began() - TICK, began()] {
        assert_eq!(death(&challenge, &alice, &chain([&account]), 0, now), Some("voided"));
    }
    let later = Challenge { lifts: 1, ..challenge };
    assert_eq!(death(&later, &alice, &chain([&account]), 0, began()), None);
}

#[test]
fn a_pending_change_lives_while_its_user_names_it() {
    let (account, mut alice) = alice();
    let chain = chain([&account]);
    let confirmation = challenge(Purpose::EmailConfirmation, &alice, "new@example.com");
    assert_eq!(death(&confirmation, &alice, &chain, 0, began()), Some("superseded"));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), confirmation.id));
    assert_eq!(death(&confirmation, &alice, &chain, 0, began()), None);
    let enabling = challenge(Purpose::TwoFactorEmail, &alice, "u2@example.com");
    assert_eq!(death(&enabling, &alice, &chain, 0, began()), Some("superseded"));
    alice.pending_two_factor = Some(enabling.id);
    assert_eq!(death(&enabling, &alice, &chain, 0, began()), None);
    alice.pending_two_factor = Some(ChallengeId::from_uuid(uuid(1)));
    assert_eq!(death(&enabling, &alice, &chain, 0, began()), Some("superseded"));
}

#[test]
fn the_right_code_rests_on_its_limits_and_spends_the_challenge() {
    let mut entry = at_sign_in(true);
    entry.tally.failures = count(3);
    let policy = Policy::wialon_hosting();
    let changes = judge(&entry, &policy, began()).unwrap();
    assert_eq!(
        steps(&changes),
        [
            "attempts below 5",
            "sign_in_code_wait below 1",
            "sign_in_code_failures clear",
            "code_failures below 4"
        ]
    );
    let spent: Challenge = written(&changes, entry.challenge.value.id.uuid()).unwrap();
    assert_eq!(spent.state, State::Spent);
    entry.tally.failures = count(0);
    let changes = judge(&entry, &Policy::default(), began()).unwrap();
    assert_eq!(steps(&changes), ["attempts below 5", "sign_in_code_wait below 1"]);
}

#[test]
fn a_wrong_code_is_counted_and_may_write_the_one_notice() {
    let entry = at_sign_in(false);
    let (refused, changes) = refusal(judge(&entry, &Policy::default(), began()));
    assert_eq!(refused.reason(), Reason::WrongCode);
    assert_eq!(steps(&changes), ["attempts add 1 to 5", "sign_in_code_failures add 1 to 9"]);
    assert_eq!(trail(&changes), ["code_refused: wrong_code"]);
    let notice = changes.messages.first().unwrap();
    assert_eq!((notice.kind, notice.id), (MessageKind::CodesLocked, entry.lock_notice));
    assert_eq!(
        notice.once_at,
        Some((Challenge::attempts(entry.challenge.value.id), 5)),
        "only with the last attempt"
    );
    assert!(changes.puts.is_empty(), "the challenge stays as it is");
}

#[test]
fn nobody_without_an_address_is_told_of_the_lock() {
    let mut entry = at_sign_in(false);
    entry.user.value.email = None;
    let (_, changes) = refusal(judge(&entry, &Policy::default(), began()));
    assert!(changes.messages.is_empty());
}

#[test]
fn the_last_attempt_is_judged_and_none_after_it() {
    let policy = Policy::default();
    for (used, right, wrong) in
        [(4, None, Some(Reason::WrongCode)), (5, Some(Reason::Locked), Some(Reason::Locked))]
    {
        for (fits, expected) in [(true, right), (false, wrong)] {
            let mut entry = at_sign_in(fits);
            entry.tally.attempts = count(used);
            assert_eq!(reason(&entry, &policy, began()), expected, "{used} used, fits: {fits}");
        }
    }
}

#[test]
fn the_tenth_failure_in_a_row_opens_the_first_wait() {
    let policy = Policy::default();
    let at = |failures: u32| {
        let mut entry = at_sign_in(false);
        entry.tally.failures = count(failures);
        refusal(judge(&entry, &policy, began())).1
    };
    assert_eq!(steps(&at(8)), ["attempts add 1 to 5", "sign_in_code_failures add 1 to 9"]);
    // INVARIANT: below the back-off no failure passes into it without opening its wait.
    for failures in [9, 10] {
        assert_eq!(
            steps(&at(failures)),
            ["attempts add 1 to 5", "sign_in_code_failures add 1 to 100", "sign_in_code_wait add 1 to 1"]
        );
    }
    let length = |failures| {
        let changes = at(failures);
        let Some((_, CounterOp::Add { window: Window::Rolling(length), .. })) = changes.counters.last()
        else {
            panic!("a wait is opened")
        };
        *length
    };
    assert_eq!(length(9), policy.code_backoff.first);
    assert_eq!(length(10), policy.code_backoff.first * 2);
    assert_eq!(length(98), policy.code_backoff.longest);
}

#[test]
fn who_has_to_wait_is_told_how_long_and_not_a_moment_longer() {
    let policy = Policy::default();
    let mut entry = at_sign_in(true);
    entry.tally.wait = until(1, began() + policy.code_backoff.first);
    let (refused, changes) = refusal(judge(&entry, &policy, began()));
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::Locked, Some(60)));
    assert_eq!(trail(&changes), ["code_refused: locked"]);
    entry.tally.wait = count(0);
    assert_eq!(reason(&entry, &policy, began()), None);
}

#[test]
fn a_hundred_failures_in_a_row_disable_the_factor() {
    let policy = Policy::default();
    let mut entry = at_sign_in(true);
    entry.tally.failures = count(99);
    assert_eq!(reason(&entry, &policy, began()), None);
    entry.tally.failures = count(100);
    let (refused, _) = refusal(judge(&entry, &policy, began()));
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::Locked, None));
    assert!(may_issue(count(99), count(0), &policy, began()).is_ok());
    assert_eq!(
        may_issue(count(100), count(0), &policy, began()).unwrap_err().reason(),
        Reason::Locked,
        "nor is a new code worth anything"
    );
}

#[test]
fn the_hosting_preset_stops_a_source_after_four() {
    let policy = Policy::wialon_hosting();
    let within = policy.code_failures_per_source.unwrap().within;
    let mut entry = at_sign_in(true);
    entry.tally.source = until(3, began() + within);
    assert_eq!(reason(&entry, &policy, began()), None);
    entry.tally.source = until(4, began() + within);
    let (refused, _) = refusal(judge(&entry, &policy, began()));
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::TooManyAttempts, Some(100)));
    assert_eq!(reason(&entry, &Policy::default(), began()), None, "the default preset has no such limit");
    entry.fits = false;
    entry.tally.source = count(3);
    let (_, changes) = refusal(judge(&entry, &policy, began()));
    assert_eq!(steps(&changes).last().unwrap(), "code_failures add 1 to 4");
}

#[test]
fn a_window_that_only_a_clock_since_stepped_back_can_have_opened_delays_nobody() {
    let policy = Policy::wialon_hosting();
    let mut entry = at_sign_in(true);
    let (longest, within) = (policy.code_backoff.longest, policy.code_failures_per_source.unwrap().within);
    for (beyond, expected) in [(CLOCK_SLACK, Some(Reason::Locked)), (CLOCK_SLACK + TICK, None)] {
        entry.tally.wait = until(1, began() + longest + beyond);
        assert_eq!(reason(&entry, &policy, began()), expected);
    }
    entry.tally.wait = count(0);
    for (beyond, expected) in [(CLOCK_SLACK, Some(Reason::TooManyAttempts)), (CLOCK_SLACK + TICK, None)] {
        entry.tally.source = until(4, began() + within + beyond);
        assert_eq!(reason(&entry, &policy, began()), expected);
    }
}

fn again(entry: &Entry, budgets: Budgets, now: DateTime<Utc>) -> Decision<PendingCode> {
    let to = entry.challenge.value.destination.clone();
    let (fresh, fare, instead_of) = (fresh_code(810), fare(budgets), Vec::new());
    let again = Again { to, fresh, fare, repeats: false, line: None, instead_of };
    resend(entry, Ok(again), &Policy::default(), now)
}

#[test]
fn a_code_is_sent_again_when_the_cool_down_is_over_to_the_microsecond() {
    let entry = at_sign_in(false);
    let ready = began() + Policy::default().resend_after;
    let early = again(&entry, NO_BUDGETS, ready - TICK);
    let refused = early.reply.unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::TooSoon, Some(1)));
    assert_eq!(trail(&early.changes), ["resend_refused: too_soon"]);
    let mut used = entry;
    used.tally.attempts = count(3);
    let sent = again(&used, NO_BUDGETS, ready);
    let code = sent.reply.unwrap();
    assert_eq!((code.attempts_left, code.expires_at), (2, ready + Policy::default().code_life));
    let old = &used.challenge.value;
    let new: Challenge = written(&sent.changes, old.id.uuid()).unwrap();
    assert_eq!((new.issue, new.issued_at, new.kept_until), (2, ready, old.kept_until));
    assert_ne!(
        serde_json::to_string(&new.digest).unwrap(),
        serde_json::to_string(&old.digest).unwrap(),
        "the old code is dead"
    );
    assert_eq!(steps(&sent.changes), ["email_codes add 1 to 10", "email_codes add 1 to 10"]);
    let message = sent.changes.messages.first().unwrap();
    assert_eq!((message.kind, message.code.as_ref().unwrap().issue), (MessageKind::SignInCode, 2));
    assert_eq!(touched(&sent.changes), [old.id.uuid(), uuid(2), uuid(1)], "user and account are pinned");
}

#[test]
fn a_code_from_the_far_future_delays_nobody() {
    let entry = at_sign_in(false);
    let behind = began() - CLOCK_SLACK;
    assert!(again(&entry, NO_BUDGETS, behind - TICK).reply.is_ok(), "the clock has stepped back");
    assert!(again(&entry, NO_BUDGETS, behind).reply.is_err(), "a colleague's clock is ahead");
    assert!(again(&entry, NO_BUDGETS, began()).reply.is_err());
}

#[test]
fn the_last_send_is_the_last() {
    let ready = began() + Policy::default().resend_after;
    for (issue, expected) in [(4, None), (5, Some(Reason::NoSendsLeft))] {
        let mut entry = at_sign_in(false);
        entry.challenge.value.issue = issue;
        let refused = again(&entry, NO_BUDGETS, ready).reply.err().map(|refusal| refusal.reason());
        assert_eq!(refused, expected, "{issue} sends so far");
    }
}

#[test]
fn a_locked_or_dead_challenge_is_not_sent_again() {
    let ready = began() + Policy::default().resend_after;
    let mut locked = at_sign_in(false);
    locked.tally.attempts = count(5);
    assert_eq!(again(&locked, NO_BUDGETS, ready).reply.unwrap_err().reason(), Reason::Locked);
    let dead = again(&at_sign_in(false), NO_BUDGETS, began() + Policy::default().code_life);
    assert_eq!(dead.reply.unwrap_err().reason(), Reason::ChallengeDead);
    assert_eq!(trail(&dead.changes), ["resend_refused: expired"]);
    assert_eq!(dead.changes.puts.len(), 1, "and is kept dead");
}

#[test]
fn both_budgets_of_mailed_codes_hold() {
    let (_, alice) = alice();
    let to = email("u2@example.com");
    let ask =
        Ask { user: &alice, lifts: 0, purpose: Purpose::SignIn, destination: (&to).into(), session: None };
    let policy = Policy::default();
    let within = policy.email_codes_per_user.within;
    let none = Count::default();
    for (user, address, expected) in [
        (until(9, began() + within), until(9, began() + within), None),
        (until(10, began() + within), none, Some(Reason::TooSoon)),
        (none, until(10, began() + within), Some(Reason::TooSoon)),
        // A window from the far future counts as ended, as it does for the store.
        (until(10, began() + within + CLOCK_SLACK + TICK), none, None),
        (until(10, began() + within + CLOCK_SLACK), none, Some(Reason::TooSoon)),
    ] {
        let mut changes = Changes::none();
        let budgets = Budgets { user, address };
        let issued = issue(&mut changes, &ask, fresh_code(800), fare(budgets), &policy, began());
        assert_eq!(issued.map_err(|refusal| refusal.reason()).err(), expected, "{user:?} {address:?}");
    }
}

#[test]
fn a_new_challenge_and_its_message_say_the_same() {
    let (_, alice) = alice();
    let policy = Policy::default();
    let to = email("u2@example.com");
    let ask =
        Ask { user: &alice, lifts: 0, purpose: Purpose::SignIn, destination: (&to).into(), session: None };
    let mut changes = Changes::none();
    let code = issue(&mut changes, &ask, fresh_code(800), fare(NO_BUDGETS), &policy, began()).unwrap();
    assert_eq!(code.destination, "u•••@example.com");
    assert_eq!((code.attempts_left, code.expires_at), (5, began() + policy.code_life));
    assert_eq!(code.resend_at, began() + policy.resend_after);
    assert_eq!(trail(&changes), ["code_issued: sign_in"]);
    let message = changes.messages.first().unwrap();
    let sent = message.code.as_ref().unwrap();
    assert_eq!((sent.challenge, sent.issue, sent.valid_until), (code.id, 1, code.expires_at));
    assert!(message.to.is_email(&to));
    let kept: Challenge = written(&changes, code.id.uuid()).unwrap();
    let sends = i32::try_from(policy.sends_per_challenge).unwrap();
    assert_eq!(kept.kept_until, began() + policy.code_life * sends + policy.challenge_kept);
}

#[test]
fn a_challenge_of_an_earlier_epoch_is_dead() {
    let account = account(1);
    let alice = user(2, &account);
    let mut challenge = challenge(Purpose::SignIn, &alice, "u2@example.com");
    let at = |challenge: &Challenge, epoch| death(challenge, &alice, &chain([&account]), epoch, began());
    assert_eq!(at(&challenge, 0), None);
    assert_eq!(at(&challenge, 1), Some("old_epoch"));
    challenge.epoch = 1;
    assert_eq!(at(&challenge, 1), None);
}

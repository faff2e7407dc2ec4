use super::*;
use crate::account::Account;
use crate::fixture::*;
use crate::password::PasswordRule;

const RIGHT: Proof = Proof { fits: true, rehashed: None };
const WRONG: Proof = Proof { fits: false, rehashed: None };

fn alice() -> (Account, User) {
    let account = account(1);
    let alice = user(2, &account);
    (account, alice)
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "new").unwrap()
}

fn asked(user: &User, account: &Account) -> Asked {
    Asked {
        knock: Knock {
            user: Some(stored(user.clone())),
            chain: chain([account]),
            who: user.id.uuid(),
            device: None,
            failures: count(0),
            wait: count(0),
            source: uuid(6),
            from_source: count(0),
        },
        failures: count(0),
        repeated: true,
        weaknesses: Vec::new(),
    }
}

fn ids() -> FreshIds {
    FreshIds { session: SessionId::from_uuid(uuid(50)), notice: MessageId::from_uuid(uuid(51)) }
}

fn found(text: &str, user: &User, policy: &Policy) -> Vec<&'static str> {
    weaknesses(&password(text), user, "Fleet Watch", policy).into_iter().map(Weakness::name).collect()
}

fn refused(no: No) -> (Refusal, Changes) {
    let decision: Decision<()> = no.into();
    assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
    (decision.reply.unwrap_err(), decision.changes)
}

fn looked(change: impl Fn(&mut User, &mut Asked)) -> (Refusal, Changes) {
    let (account, mut alice) = alice();
    let mut asked = asked(&alice, &account);
    change(&mut alice, &mut asked);
    refused(look(&acting_as(&alice, &account), &asked, &Policy::default(), began()).unwrap_err())
}

#[test]
fn length_is_counted_in_code_points_and_by_the_second_factor() {
    let (_, mut alice) = alice();
    let policy = Policy::default();
    assert_eq!(found(&"ж".repeat(14), &alice, &policy), ["too_short"]);
    assert!(found(&"ж".repeat(15), &alice, &policy).is_empty());
    assert!(found(&"ж".repeat(128), &alice, &policy).is_empty(), "256 bytes");
    assert_eq!(found(&"ж".repeat(129), &alice, &policy), ["too_long"]);
    alice.two_factor = Method::Email;
    assert_eq!(found("sevenlt", &alice, &policy), ["too_short"]);
    assert!(found("eight lt", &alice, &policy).is_empty());
}

#[test]
fn no_kind_of_character_is_asked_for_unless_the_policy_does() {
    let (_, alice) = alice();
    assert!(found("only small letters", &alice, &Policy::default()).is_empty());
    for policy in [Policy::wialon_hosting(), Policy::wialon_local()] {
        let lacking = |text: &str| found(text, &alice, &policy);
        assert_eq!(lacking("lettersonly"), ["needs_upper", "needs_digit", "needs_special"]);
        assert_eq!(lacking("LETTERSONLY1!"), ["needs_lower"]);
        assert!(lacking("Letters1!").is_empty());
        assert!(lacking(&"Aa1!".repeat(25)).is_empty(), "100 code points");
        assert_eq!(lacking(&"Aa1!".repeat(26)), ["too_long"]);
    }
    let password_rule = PasswordRule { needs: [CharacterKind::Digit].into() };
    let policy = Policy { password_rule, ..Policy::default() };
    assert_eq!(found("only small letters", &alice, &policy), ["needs_digit"]);
}

#[test]
fn what_strangers_know_of_the_user_is_no_password() {
    let (_, mut alice) = alice();
    alice.login = crate::user::Login::parse("maria.petrova").unwrap();
    let policy = Policy { password_minimum_alone: 8, ..Policy::default() };
    alice.email.as_mut().unwrap().address = email("m.lindqvist@rosewood.example");
    for text in [
        "maria.petrova",
        "Maria-Petrova-2026",
        "petrovapetrova!",
        "lindqvist1990",
        "Rosewood123",
        "fleetwatch2026",
        "m.lindqvist@rosewood.example",
    ] {
        assert_eq!(found(text, &alice, &policy), ["context"], "{text}");
    }
    for text in ["petrova likes nine lanterns", "watch the quiet sea", "seven quiet lanterns"] {
        assert!(found(text, &alice, &policy).is_empty(), "{text}");
    }
}

#[test]
fn a_word_of_two_letters_forbids_nothing() {
    let (_, mut alice) = alice();
    alice.login = crate::user::Login::parse("an").unwrap();
    assert!(found("anananananananan", &alice, &Policy::default()).is_empty());
}

#[test]
fn without_the_flag_nothing_else_is_told() {
    let (refusal, changes) = looked(|user, asked| {
        user.flags = crate::user::Flags::all().with(Flag::ChangePassword, false);
        asked.repeated = false;
    });
    assert_eq!(refusal, Refusal::not_allowed(vec![Gate::ChangePassword]));
    assert_eq!(trail(&changes), ["password_refused: not_allowed"]);
}

#[test]
fn the_cheap_look_refuses_before_anything_slow() {
    let end = began() + Policy::default().password_change_failures.within;
    let (refusal, _) = looked(|_, asked| asked.failures = until(10, end));
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooManyAttempts, Some(300)));
    let (refusal, _) = looked(|_, asked| asked.knock.wait = until(1, end));
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooManyAttempts, Some(300)));
    let (refusal, _) = looked(|_, asked| {
        asked.knock.from_source = until(10, began() + Policy::default().sign_in_failures_per_source.within);
    });
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooManyAttempts, Some(60)));
    let (refusal, changes) = looked(|_, asked| asked.repeated = false);
    assert_eq!(refusal.reason(), Reason::RepeatDiffers);
    assert_eq!(trail(&changes), ["password_refused: repeat_differs"]);
    let both = vec![Weakness::TooShort, Weakness::Context];
    let (refusal, changes) =
        looked(|_, asked| asked.weaknesses = vec![Weakness::TooShort, Weakness::Context]);
    assert_eq!((refusal.reason(), refusal.reasons()), (Reason::WeakPassword, both.as_slice()));
    assert!(changes.counters.is_empty(), "nothing was guessed");
    let (account, alice) = alice();
    let mut asked = asked(&alice, &account);
    asked.failures = until(9, end);
    assert!(look(&acting_as(&alice, &account), &asked, &Policy::default(), began()).is_ok());
}

#[test]
fn a_wrong_current_password_is_counted_everywhere() {
    let (account, alice) = alice();
    let checked = Checked { proof: WRONG, unchanged: true };
    let acting = acting_as(&alice, &account);
    let no = prove(&acting, &asked(&alice, &account), &checked, &Policy::default(), began()).unwrap_err();
    let (refusal, changes) = refused(no);
    assert_eq!(refusal.reason(), Reason::BadCredentials, "that it is unchanged is told to who knows it");
    assert_eq!(
        steps(&changes),
        [
            "sign_in_failures add 1 to 10",
            "password_failures add 1 to 9",
            "password_change_failures add 1 to 10"
        ]
    );
    assert_eq!(trail(&changes), ["sign_in_refused: wrong_password", "password_refused: wrong_password"]);
}

#[test]
fn a_right_guess_leaves_only_within_the_limits_whatever_the_answer() {
    const WITHIN: [&str; 3] =
        ["sign_in_failures below 10", "password_wait below 1", "password_change_failures below 10"];
    let (account, alice) = alice();
    let (acting, asked) = (acting_as(&alice, &account), asked(&alice, &account));
    let prove =
        |unchanged| prove(&acting, &asked, &Checked { proof: RIGHT, unchanged }, &Policy::default(), began());
    let (refusal, changes) = refused(prove(true).unwrap_err());
    assert_eq!((refusal.reason(), steps(&changes)), (Reason::Unchanged, WITHIN.map(String::from).to_vec()));
    let common: Decision<()> = refuse_common(&acting, prove(false).unwrap());
    assert_eq!(steps(&common.changes), WITHIN);
    assert_eq!(common.reply.unwrap_err().reasons(), [Weakness::TooCommon]);
}

fn changed(alice: &User, account: &Account, long: bool) -> Decision<CurrentSession> {
    let new = NewHash { hash: PasswordHash::stored("new"), long_enough_alone: long };
    change(&acting_as(alice, account), &asked(alice, account), Changes::none(), new, ids(), began() + TICK)
}

#[test]
fn the_change_ends_every_other_session_and_tells_the_address() {
    let (account, mut alice) = alice();
    alice.pending_two_factor = Some(crate::id::ChallengeId::from_uuid(uuid(800)));
    let decision = changed(&alice, &account, false);
    assert_eq!(touched(&decision.changes), [uuid(2), uuid(50), uuid(1), uuid(900)]);
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert_eq!(kept.password.unwrap().as_str(), "new");
    assert_eq!((kept.credential_version, kept.pending_two_factor), (2, None));
    assert_eq!((kept.password_changed_at, kept.long_enough_alone), (Some(began() + TICK), false));
    assert_eq!(decision.changes.deletes, [(uuid(900), 7)]);
    let told: Vec<_> =
        decision.changes.messages.iter().map(|draft| (draft.kind, draft.to.as_str())).collect();
    assert_eq!(told, [(MessageKind::PasswordChanged, "u2@example.com")]);
    assert_eq!(steps(&decision.changes), ["password_failures clear", "password_change_failures clear"]);
    assert_eq!(trail(&decision.changes), ["password_changed: -"]);
    assert_eq!(decision.reply.unwrap().id, ids().session);
}

#[test]
fn who_has_no_address_is_told_nothing_and_a_long_one_stands_alone() {
    let (account, mut alice) = alice();
    (alice.email, alice.long_enough_alone) = (None, false);
    let decision = changed(&alice, &account, true);
    assert!(decision.changes.messages.is_empty());
    assert!(written::<User>(&decision.changes, uuid(2)).unwrap().long_enough_alone);
    let policy = Policy::default();
    assert!(stands_alone(&password(&"ж".repeat(15)), &policy));
    assert!(!stands_alone(&password(&"ж".repeat(14)), &policy));
}

#[test]
fn the_owner_sees_the_rule_in_force() {
    let (_, mut alice) = alice();
    let policy = Policy::default();
    let seen = settings(&alice, &policy);
    assert_eq!((seen.minimum, seen.changed_at, seen.change.is_allowed()), (15, Some(began()), true));
    alice.two_factor = Method::Email;
    alice.flags = crate::user::Flags::default();
    let seen = settings(&alice, &policy);
    assert_eq!((seen.minimum, seen.change.missing()), (8, [Gate::ChangePassword].as_slice()));
}

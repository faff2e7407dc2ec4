use super::*;
use crate::account::{Account, Period, Service};
use crate::contact::Phone;
use crate::fixture::*;
use crate::spend::{Budget, Payer, Standing, Submission};
use crate::user::Flags;

const NUMBER: &str = "+37120000045";

/// One gate that is shut, as the world has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shut {
    Policy,
    Sender,
    Country,
    Service,
    Quota,
    Flag,
    Above,
    Gone,
    Budget,
    Blocked,
}

const SHUTS: [(Shut, Gate); 10] = [
    (Shut::Policy, Gate::Policy),
    (Shut::Sender, Gate::Policy),
    (Shut::Country, Gate::Policy),
    (Shut::Service, Gate::ServiceSms),
    (Shut::Quota, Gate::QuotaSms),
    (Shut::Flag, Gate::SendSms),
    (Shut::Above, Gate::SendSmsAbove),
    (Shut::Gone, Gate::SendSmsAbove),
    (Shut::Budget, Gate::Budget),
    (Shut::Blocked, Gate::Blocked),
];

/// In the order in which they are shown.
const ORDER: [Gate; 7] = [
    Gate::Policy,
    Gate::ServiceSms,
    Gate::QuotaSms,
    Gate::SendSms,
    Gate::SendSmsAbove,
    Gate::Budget,
    Gate::Blocked,
];

fn number() -> Phone {
    Phone::parse(NUMBER).unwrap()
}

fn bob(account: &Account) -> User {
    let mut bob = user(2, account);
    bob.phone = Some(number());
    bob.two_factor = Method::Sms;
    bob
}

fn without_flag(n: u128, account: &Account) -> User {
    User { flags: Flags::all().with(Flag::SendSms, false), ..user(n, account) }
}

fn judged(shut: &[Shut]) -> Vec<Gate> {
    let is = |wanted: Shut| shut.contains(&wanted);
    let mut account = account(1);
    account.blocked = is(Shut::Blocked);
    let mut bob = bob(&account);
    if is(Shut::Flag) {
        bob.flags = bob.flags.with(Flag::SendSms, false);
    }
    let above = |n, shut| if shut { without_flag(n, &account) } else { user(n, &account) };
    let line = Line {
        sender: !is(Shut::Sender),
        above: vec![
            Some(stored(user(4, &account))),
            Some(stored(above(5, is(Shut::Above)))),
            (!is(Shut::Gone)).then(|| stored(user(6, &account))),
        ],
    };
    let mut lacks = Vec::new();
    for (wanted, lack) in [
        (Shut::Service, Lack::Service),
        (Shut::Quota, Lack::Quota { until: None }),
        (Shut::Country, Lack::Country),
        (Shut::Budget, Lack::Budget { budget: Budget::User, until: None }),
    ] {
        if is(wanted) {
            lacks.push(lack);
        }
    }
    let policy = Policy { sms_factor: !is(Shut::Policy), ..Policy::default() };
    missing(&line, &bob, &chain([&account]), &lacks, &policy, began())
}

#[test]
fn every_combination_of_shut_gates_is_named_in_its_order() {
    for mask in 0_u32..1 << SHUTS.len() {
        let shut: Vec<_> =
            SHUTS.iter().enumerate().filter(|(nth, _)| mask & (1 << nth) != 0).map(|(_, one)| *one).collect();
        let causes: Vec<_> = shut.iter().map(|(cause, _)| *cause).collect();
        let expected: Vec<_> =
            ORDER.into_iter().filter(|gate| shut.iter().any(|(_, named)| named == gate)).collect();
        assert_eq!(judged(&causes), expected, "{causes:?}");
    }
}

#[test]
fn a_cool_down_is_no_gate_and_is_told_as_a_wait() {
    let until = Some(began() + TICK);
    let wait = [Lack::CoolDown { until }];
    let account = account(1);
    let line = Line { sender: true, above: Vec::new() };
    let gates = missing(&line, &bob(&account), &chain([&account]), &wait, &Policy::default(), began());
    assert_eq!(gates, []);
    let refused = refusal(&wait, until, began());
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::TooSoon, Some(1)));
    let both = [Lack::CoolDown { until }, Lack::Budget { budget: Budget::User, until: None }];
    assert_eq!(refusal(&both, None, began()).missing(), [Gate::Budget]);
}

#[test]
fn a_number_that_is_missing_is_named_before_the_budgets() {
    let account = account(1);
    let mut bob = bob(&account);
    let gates = [Gate::SendSms, Gate::Budget, Gate::Blocked];
    assert_eq!(missing_with_phone(&gates, &bob), gates);
    bob.phone = None;
    let with = [Gate::SendSms, Gate::NoPhone, Gate::Budget, Gate::Blocked];
    assert_eq!(missing_with_phone(&gates, &bob), with);
    assert_eq!(missing_with_phone(&[], &bob), [Gate::NoPhone]);
}

/// Where a code of the user goes, or what is missing.
fn goes(user: &User, sms: &[Gate], wanted: Option<Channel>, policy: &Policy) -> Result<Channel, Vec<Gate>> {
    route(user, sms, wanted, policy).map(|route| route.to.channel())
}

#[test]
fn only_what_was_withdrawn_sends_a_code_by_mail_instead() {
    let (account, policy) = (account(1), Policy::default());
    let bob = bob(&account);
    assert_eq!(goes(&bob, &[], None, &policy), Ok(Channel::Sms));
    for gate in [Gate::ServiceSms, Gate::QuotaSms, Gate::SendSms, Gate::SendSmsAbove] {
        assert_eq!(goes(&bob, &[gate], None, &policy), Ok(Channel::Email), "{gate:?}");
        let instead = route(&bob, &[gate], None, &policy).unwrap().instead_of;
        assert_eq!(instead, [gate]);
        assert_eq!(goes(&bob, &[gate], Some(Channel::Sms), &policy), Err(vec![gate]), "asked for by name");
    }
    for gate in [Gate::Policy, Gate::Budget, Gate::Blocked] {
        assert_eq!(goes(&bob, &[gate], None, &policy), Err(vec![gate]), "{gate:?}");
    }
    let nowhere = User { phone: None, ..bob.clone() };
    assert_eq!(goes(&nowhere, &[], None, &policy), Err(vec![Gate::NoPhone]));
}

#[test]
fn mail_takes_a_code_only_where_the_policy_the_address_and_the_last_recovery_allow_it() {
    let (account, usual) = (account(1), Policy::default());
    let shut = [Gate::ServiceSms];
    let strict = |change: fn(&mut Policy)| {
        let mut policy = usual.clone();
        change(&mut policy);
        policy
    };
    let mut recovered = bob(&account);
    recovered.recovered_by_mail = true;
    let bare = User { email: None, ..bob(&account) };
    for (user, policy, why) in [
        (recovered, usual.clone(), Gate::Policy),
        (bare, usual.clone(), Gate::EmailUnconfirmed),
        (bob(&account), strict(|policy| policy.sms_fallback_to_email = false), Gate::Policy),
        (bob(&account), strict(|policy| policy.email_factor = false), Gate::Policy),
    ] {
        assert_eq!(goes(&user, &shut, None, &policy), Err(shut.to_vec()), "{why:?}");
        assert_eq!(goes(&user, &[], Some(Channel::Email), &policy), Err(vec![why]));
        assert_eq!(channels(&user, &[], &policy), [Channel::Sms]);
        assert_eq!(channels(&user, &shut, &policy), []);
    }
    let bob = bob(&account);
    assert_eq!(goes(&bob, &[], Some(Channel::Email), &usual), Ok(Channel::Email));
    assert_eq!(channels(&bob, &[], &usual), [Channel::Sms, Channel::Email]);
    assert_eq!(channels(&bob, &shut, &usual), [Channel::Email]);
    assert_eq!(channels(&bob, &[Gate::Budget], &usual), [Channel::Sms, Channel::Email]);
}

#[test]
fn codes_by_mail_never_go_to_a_phone() {
    let (account, policy) = (account(1), Policy::default());
    let carol = User { two_factor: Method::Email, ..bob(&account) };
    assert_eq!(goes(&carol, &[], None, &policy), Ok(Channel::Email));
    assert_eq!(goes(&carol, &[], Some(Channel::Sms), &policy), Err(vec![Gate::Policy]));
    assert_eq!(channels(&carol, &[], &policy), [Channel::Email]);
}

#[test]
fn those_above_are_pinned_in_the_commit() {
    let account = account(1);
    let line = Line { sender: true, above: vec![Some(stored(user(4, &account))), None] };
    let mut changes = Changes::none();
    line.pin(&mut changes);
    assert_eq!(changes.guards, [(uuid(4), 7)]);
}

#[test]
fn a_refusal_tells_of_a_used_up_budget_and_charges_nothing() {
    let account = account(1);
    let bob = bob(&account);
    let service = Service::on(None, Period::None);
    let submission = Submission::new(
        &keyring(),
        &number(),
        Standing::Confirmed,
        Payer::new(&bob, &account, service),
        uuid(6),
    );
    let policy = Policy::default();
    let full = |counter: &crate::port::store::Counter| {
        if counter.name == "sms_everybody" {
            until(policy.sms_in_all.count, began() + TICK)
        } else {
            count(0)
        }
    };
    let left = submission.left(&policy, full, began());
    let mut changes = Changes::none();
    tell_used_up(left, &mut changes);
    assert_eq!(trail(&changes), ["sms_budget_alert: sms_everybody"]);
    assert_eq!(steps(&changes), ["sms_everybody_told add 1 to 1"]);
}

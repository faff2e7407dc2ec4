use super::*;
use crate::account::{Account, DayCounter, Period, Service};
use crate::fixture::*;
use crate::id::MessageId;
use crate::user::Flags;

fn id(user: crate::id::UserId, day: chrono::NaiveDate) -> MessageId {
    use chrono::Datelike as _;
    MessageId::from_uuid(uuid(
        user.uuid().as_u128() * 1_000_000 + u128::from(day.num_days_from_ce().unsigned_abs()),
    ))
}

/// Three days are left. It is past eleven.
fn counted() -> Account {
    let as_of = began().date_naive();
    Account { days: DayCounter { value: 3, as_of, minimum: 0, counting: true }, ..account(1) }
}

fn switched(user: &User, account: &Account, on: bool, policy: &Policy) -> Decision<NoticeSettings> {
    set(&acting_as(user, account), on, &id, policy, began())
}

#[test]
fn switched_on_todays_is_kept_at_once_and_the_next_one_with_it() {
    let account = counted();
    let decision = switched(&user(2, &account), &account, true, &Policy::default());
    assert_eq!(trail(&decision.changes), ["blocking_notices_on: -"]);
    assert_eq!(touched(&decision.changes), [uuid(2), uuid(900), uuid(1)]);
    assert!(written::<User>(&decision.changes, uuid(2)).unwrap().blocking_notices);
    let kept: Vec<_> = decision
        .changes
        .messages
        .iter()
        .map(|draft| (draft.day.unwrap(), draft.not_before.unwrap()))
        .collect();
    let tomorrow = began().date_naive().succ_opt().unwrap();
    let nine = tomorrow.and_time("09:00:00".parse().unwrap()).and_utc();
    assert_eq!(kept, [(began().date_naive(), began()), (tomorrow, nine)]);
    let once: Vec<_> = decision.changes.messages.iter().map(|draft| draft.id.uuid()).collect();
    assert_eq!(decision.changes.once, once, "each day once");
    let blocking = decision.reply.unwrap().blocking;
    assert!(blocking.enabled);
    assert_eq!(blocking.blocking_date, Some(began().date_naive() + chrono::Days::new(3)));
}

#[test]
fn far_from_the_date_nothing_is_kept_yet() {
    let mut account = counted();
    account.days.value = 60;
    assert!(switched(&user(2, &account), &account, true, &Policy::default()).changes.messages.is_empty());
}

#[test]
fn what_is_so_already_changes_nothing_and_off_keeps_nothing() {
    let account = counted();
    let mut alice = user(2, &account);
    assert!(switched(&alice, &account, false, &Policy::default()).changes.is_empty());
    alice.blocking_notices = true;
    assert!(switched(&alice, &account, true, &Policy::default()).changes.is_empty());
    let off = switched(&alice, &account, false, &Policy::default());
    assert_eq!(trail(&off.changes), ["blocking_notices_off: -"]);
    assert!(off.changes.messages.is_empty() && !off.reply.unwrap().blocking.enabled);
}

#[test]
fn each_gate_is_named() {
    let account = counted();
    let mut alice = user(2, &account);
    alice.email = None;
    let refused = |user: &User, account: &Account, on, policy: &Policy| {
        let decision = switched(user, account, on, policy);
        assert!(touched(&decision.changes).is_empty());
        let refusal = decision.reply.unwrap_err();
        (refusal.reason(), refusal.missing().to_vec())
    };
    let plain = Policy::default();
    assert_eq!(refused(&alice, &account, true, &plain), (Reason::EmailUnconfirmed, Vec::new()));
    alice.flags = Flags::default();
    let gates = vec![Gate::ChangeSettings, Gate::EmailUnconfirmed];
    assert_eq!(refused(&alice, &account, true, &plain), (Reason::NotAllowed, gates));
    let gates = vec![Gate::ChangeSettings];
    assert_eq!(refused(&alice, &account, false, &plain), (Reason::NotAllowed, gates));
    let wialon = Policy::wialon_hosting();
    let bob = user(3, &account);
    let gates = vec![Gate::ServiceEmailNotification];
    assert_eq!(refused(&bob, &account, true, &wialon), (Reason::NotAllowed, gates.clone()));
    assert_eq!(settings(&bob, &chain([&account]), &wialon).blocking.change.missing(), gates);
    let mut served = counted();
    served.services.insert(EMAIL_NOTIFICATION.to_owned(), Service::on(None, Period::None));
    assert!(switched(&bob, &served, true, &wialon).reply.is_ok());
    let mut on = bob;
    on.blocking_notices = true;
    assert!(switched(&on, &account, false, &wialon).reply.is_ok(), "off needs no service");
}

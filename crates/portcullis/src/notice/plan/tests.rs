use std::collections::BTreeSet;

use super::*;
use crate::account::{DayCounter, Period, Service, TimeZone};
use crate::fixture::*;

fn id(user: UserId, day: NaiveDate) -> MessageId {
    use chrono::Datelike as _;
    let day = u128::from(day.num_days_from_ce().unsigned_abs());
    MessageId::from_uuid(uuid(user.uuid().as_u128() * 1_000_000 + day))
}

/// An account with so many days left.
fn left(days: i32) -> Account {
    let as_of = began().date_naive();
    Account { days: DayCounter { value: days, as_of, minimum: 0, counting: true }, ..account(1) }
}

fn blocks_at(days: u64) -> DateTime<Utc> {
    (began().date_naive() + Days::new(days)).and_time(chrono::NaiveTime::MIN).and_utc()
}

fn reader(n: u128, account: &Account) -> User {
    User { blocking_notices: true, ..user(n, account) }
}

fn schedule(account: &Account, walk: Option<Walk>) -> NoticeSchedule {
    NoticeSchedule {
        v: Schema::default(),
        id: uuid(90),
        tenant: account.tenant,
        account: account.id,
        blocks_at: account.blocks_at(),
        walk,
        again: false,
        due_at: began(),
    }
}

fn replanned(
    before: Option<&Account>,
    after: &Account,
    schedule: Option<NoticeSchedule>,
) -> (Changes, Option<NoticeSchedule>) {
    let mut changes = Changes::none();
    replan(&mut changes, before, after, schedule.map(stored), uuid(90), &Policy::default(), began());
    let kept = written(&changes, uuid(90));
    (changes, kept)
}

#[test]
fn a_blocking_date_is_looked_at_six_days_before_or_at_once() {
    let (_, kept) = replanned(None, &left(60), None);
    let kept = kept.unwrap();
    assert_eq!((kept.due(), kept.blocks_at), (Some((Lane::Timed, blocks_at(54))), Some(blocks_at(60))));
    let (_, kept) = replanned(None, &left(3), None);
    assert_eq!(kept.unwrap().due_at, began());
}

#[test]
fn without_a_date_ahead_nothing_is_looked_at() {
    let mut idle = left(60);
    idle.days.counting = false;
    for account in [&idle, &left(0)] {
        assert!(replanned(None, account, None).0.is_empty());
        let planned = NoticeSchedule { due_at: blocks_at(54), ..schedule(&left(60), None) };
        let (changes, _) = replanned(Some(&left(60)), account, Some(planned));
        assert_eq!(changes.deletes, [(uuid(90), 7)]);
    }
}

#[test]
fn only_a_moved_date_is_planned_anew() {
    let planned = NoticeSchedule { due_at: blocks_at(54), ..schedule(&left(60), None) };
    let renamed = Account { name: "other".to_owned(), ..left(60) };
    assert!(replanned(Some(&left(60)), &renamed, Some(planned.clone())).0.is_empty());
    let (_, kept) = replanned(Some(&left(60)), &left(33), Some(planned));
    let kept = kept.unwrap();
    assert_eq!((kept.due_at, kept.blocks_at), (blocks_at(27), Some(blocks_at(33))));
}

#[test]
fn where_notices_take_a_service_its_switch_is_looked_at_at_once() {
    let mut served = left(3);
    served.services.insert("email_notification".to_owned(), Service::on(None, Period::None));
    let policy = Policy { notices_need_service: true, ..Policy::default() };
    let due = |before: &Account, after: &Account, policy: &Policy| {
        let mut changes = Changes::none();
        let planned = stored(NoticeSchedule { due_at: blocks_at(2), ..schedule(before, None) });
        replan(&mut changes, Some(before), after, Some(planned), uuid(90), policy, began());
        written::<NoticeSchedule>(&changes, uuid(90)).map(|kept| kept.due_at)
    };
    assert_eq!(due(&left(3), &served, &policy), Some(began()));
    assert_eq!(due(&left(3), &served, &Policy::default()), None, "it takes none");
    assert_eq!(due(&served, &served, &policy), None, "nothing changed");
    let mut poor = served.clone();
    (poor.balance.amount, poor.balance.limit_below) = (1, Some(2));
    assert_eq!(due(&poor, &served, &policy), Some(began()), "its balance is enough again");
    // A date above may be near where there is none of its own.
    let mut idle = served.clone();
    idle.days.counting = false;
    let mut off = idle.clone();
    off.services.clear();
    let look = next_look(Some(&off), &idle, None, &policy, began());
    assert_eq!(look, Look::At { blocks_at: None, due_at: began() });
}

#[test]
fn a_look_that_is_due_or_under_way_is_not_lost_when_a_date_is_moved_again() {
    let walk = Walk { began: began(), below: true, after: Some(uuid(2)) };
    let mut idle = left(60);
    idle.days.counting = false;
    for after in [&left(33), &idle] {
        let owed = |due_at, walk| NoticeSchedule { due_at, ..schedule(&left(60), walk) };
        for look in [owed(began(), None), owed(began() + CLOCK_SLACK, None), owed(blocks_at(9), Some(walk))] {
            let (_, kept) = replanned(Some(&left(60)), after, Some(look));
            let kept = kept.unwrap();
            assert_eq!((kept.due_at, kept.blocks_at), (began(), after.blocks_at()));
            assert!(kept.again, "everybody is looked at after this change");
        }
    }
}

#[test]
fn however_often_a_date_is_moved_a_look_goes_on_and_another_one_follows() {
    let walk = Walk { began: began(), below: true, after: Some(uuid(2)) };
    let (_, kept) = replanned(Some(&left(3)), &left(4), Some(schedule(&left(3), Some(walk))));
    let once = kept.unwrap();
    assert_eq!((once.walk, once.again, once.due_at), (Some(walk), true, began()), "it is not set back");
    let (changes, kept) = replanned(Some(&left(4)), &left(5), Some(once.clone()));
    assert!(kept.is_none(), "nor is a page of it that a worker has under way");
    assert_eq!(changes.guards, [(uuid(90), 7)], "while it is that one");

    let (_, next) = walked(once, &left(5), &[], Some(3), began() + TICK);
    let next = next.unwrap();
    assert_eq!((next.walk.unwrap().after, next.again), (Some(uuid(3)), true));
    let (_, next) = walked(next, &left(5), &[], None, began() + TICK);
    let next = next.unwrap();
    assert_eq!((next.walk, next.again, next.due_at), (None, false, began() + TICK), "the one that follows");
    assert_eq!(next.blocks_at, left(5).blocks_at());
    let below = Walk { began: began(), below: true, after: None };
    let (_, last) = walked(NoticeSchedule { walk: Some(below), ..next }, &left(1), &[], None, began());
    assert!(last.is_none(), "which is the last one");
}

#[test]
fn a_look_that_is_due_and_not_begun_is_followed_by_another_one_if_the_date_is_moved() {
    // A worker may have its first page under way.
    let (_, kept) = replanned(Some(&left(3)), &left(4), Some(schedule(&left(3), None)));
    let kept = kept.unwrap();
    assert!(kept.again && kept.walk.is_none());
    let (changes, again) = replanned(Some(&left(4)), &left(5), Some(kept.clone()));
    assert!(again.is_none() && changes.guards.len() == 1);
    let ahead = NoticeSchedule { due_at: began() + TICK, ..kept };
    let (_, now) = replanned(Some(&left(4)), &left(5), Some(ahead));
    assert_eq!(now.unwrap().due_at, began(), "one that a colleague put off by a moment is due now");
}

#[test]
fn a_look_that_outlasts_its_day_goes_on_with_the_next_and_comes_back() {
    let account = left(5);
    let walk = Walk { began: began(), below: false, after: Some(uuid(1)) };
    let now = began() + Days::new(1);
    let (kept, next) = walked(schedule(&account, Some(walk)), &account, &[reader(2, &account)], Some(2), now);
    assert_eq!(kept, [(2, now.date_naive()), (2, now.date_naive() + Days::new(1))]);
    let next = next.unwrap();
    assert_eq!(next.walk, Some(Walk { began: now, below: false, after: Some(uuid(2)) }));
    assert!(next.again, "those before have yet to be looked at");
    let (kept, next) =
        walked(schedule(&account, Some(walk)), &account, &[reader(2, &account)], Some(2), now - TICK);
    assert_eq!((kept.len(), next.unwrap().again), (1, false), "its day is not over yet");
}

#[test]
fn a_date_that_was_near_may_have_hidden_another_one_so_everybody_is_looked_at() {
    let mut idle = left(3);
    idle.days.counting = false;
    for after in [&left(60), &left(4), &idle] {
        let (_, kept) = replanned(Some(&left(3)), after, Some(schedule(&left(3), None)));
        let kept = kept.unwrap();
        assert_eq!((kept.due_at, kept.blocks_at), (began(), after.blocks_at()));
    }
    // Six days before its date, and not a moment sooner.
    let (at, account) = (blocks_at(6), left(6));
    let due = |now: DateTime<Utc>| {
        let mut changes = Changes::none();
        replan(&mut changes, Some(&account), &left(60), None, uuid(90), &Policy::default(), now);
        written::<NoticeSchedule>(&changes, uuid(90)).unwrap().due_at
    };
    assert_eq!(due(at - Days::new(6)), at - Days::new(6));
    assert_eq!(due(at - Days::new(6) - TICK), blocks_at(54));
}

#[test]
fn after_a_look_that_came_early_the_next_one_comes_in_time() {
    let account = left(60);
    let below = Walk { began: began(), below: true, after: None };
    let (_, next) = walked(schedule(&account, Some(below)), &account, &[], None, began());
    assert_eq!(next.unwrap().due_at, blocks_at(54));
}

#[test]
fn a_lifted_block_is_a_reason_to_look_at_once_even_without_a_date() {
    let before = left(3);
    let lifted = |account: Account| Account { lifts: 1, ..account };
    let (_, kept) = replanned(Some(&before), &lifted(left(3)), Some(schedule(&before, None)));
    assert_eq!(kept.unwrap().due_at, began());
    let (_, kept) = replanned(Some(&account(1)), &lifted(account(1)), None);
    let kept = kept.unwrap();
    assert_eq!((kept.due_at, kept.blocks_at), (began(), None));
}

/// What a page keeps: the notices as user and day, and the schedule after it.
fn walked(
    schedule: NoticeSchedule,
    account: &Account,
    users: &[User],
    last: Option<u128>,
    now: DateTime<Utc>,
) -> (Vec<(u128, NaiveDate)>, Option<NoticeSchedule>) {
    let page = UserPage {
        users: users.iter().map(|user| (stored(user.clone()), chain([account]))).collect(),
        last: last.map(uuid),
    };
    let policy = Policy::default();
    let Decision { changes, .. } = walk(stored(schedule), Some(account), &page, &id, &policy, now);
    let once: Vec<_> = changes.messages.iter().map(|draft| draft.id.uuid()).collect();
    assert_eq!(changes.once, once);
    let pinned: Vec<_> = changes.guards.iter().map(|(id, _)| *id).collect();
    let owed: BTreeSet<_> = changes.messages.iter().map(|draft| draft.user.uuid()).collect();
    assert_eq!(pinned, owed.into_iter().collect::<Vec<_>>(), "whoever is owed one does not move meanwhile");
    let notices =
        changes.messages.iter().map(|draft| (draft.user.uuid().as_u128(), draft.day.unwrap())).collect();
    let gone = changes.deletes == [(uuid(90), 7)];
    let kept: Option<NoticeSchedule> = written(&changes, uuid(90));
    assert_eq!(gone, kept.is_none());
    let ended = kept.as_ref().is_none_or(|kept| kept.walk.is_none());
    assert_eq!(trail(&changes), if ended { vec!["notices_planned: -"] } else { Vec::new() });
    (notices, kept)
}

#[test]
fn a_page_keeps_the_notices_of_a_day_and_where_the_next_one_begins() {
    let account = left(4);
    let (today, tomorrow) = (began().date_naive(), began().date_naive() + Days::new(1));
    let users = [reader(2, &account), user(3, &account), reader(4, &account)];
    let (kept, next) = walked(schedule(&account, None), &account, &users, Some(4), began());
    assert_eq!(kept, [(2, today), (2, tomorrow), (4, today), (4, tomorrow)]);
    let next = next.unwrap();
    assert_eq!(next.walk, Some(Walk { began: began(), below: false, after: Some(uuid(4)) }));
    assert_eq!(next.due_at, began(), "at once");
    assert_eq!(next.place(), (User::account_key(account.id), Some(uuid(4))));

    let (_, next) = walked(next, &account, &[], None, began() + TICK);
    let next = next.unwrap();
    assert_eq!(next.walk, Some(Walk { began: began(), below: true, after: None }));
    assert_eq!(next.place(), (User::below_key(account.id), None));

    let (_, next) = walked(next, &account, &[reader(5, &account)], None, began() + TICK);
    let next = next.unwrap();
    assert_eq!((next.walk, next.due_at), (None, began() + Days::new(1)), "a day after it began");
    assert_eq!(next.place(), (User::account_key(account.id), None));
}

#[test]
fn the_last_look_before_the_date_leaves_none_behind() {
    let account = left(1);
    let below = Walk { began: began(), below: true, after: None };
    let (kept, next) =
        walked(schedule(&account, Some(below)), &account, &[reader(2, &account)], None, began());
    assert_eq!(kept, [(2, began().date_naive())]);
    assert!(next.is_none());
}

#[test]
fn who_can_not_get_a_notice_is_passed_over() {
    let account = left(3);
    let (mut disabled, mut nowhere) = (reader(2, &account), reader(3, &account));
    disabled.disabled = true;
    nowhere.email = None;
    assert!(walked(schedule(&account, None), &account, &[disabled, nowhere], None, began()).0.is_empty());
    let blocked = Account { blocked: true, ..account };
    assert!(walked(schedule(&blocked, None), &blocked, &[reader(4, &blocked)], None, began()).0.is_empty());
}

#[test]
fn a_page_after_a_downtime_finds_today_and_the_day_to_come_and_the_next_look_begins_at_once() {
    let account = left(5);
    let walk = Walk { began: began(), below: true, after: Some(uuid(1)) };
    let now = began() + Days::new(3);
    let (kept, next) = walked(schedule(&account, Some(walk)), &account, &[reader(2, &account)], None, now);
    assert_eq!(kept, [(2, now.date_naive()), (2, now.date_naive() + Days::new(1))]);
    let next = next.unwrap();
    assert_eq!((next.due_at, next.walk), (now, None));
}

#[test]
fn a_move_to_another_zone_takes_the_waiting_notices_along() {
    let account = left(4);
    let mut alice = reader(2, &account);
    let (today, tomorrow) = (began().date_naive(), began().date_naive() + Days::new(1));
    let standing = |planned: Planned| {
        let message = Message::sealed(
            draft(&alice, &email("u2@example.com"), planned, id(alice.id, planned.day)),
            &keyring(),
            [3; 24],
            began(),
        )
        .unwrap();
        let due = message.due();
        Standing { message: stored(message), due }
    };
    let nine = tomorrow.and_time("09:00:00".parse().unwrap()).and_utc();
    let waiting = standing(Planned { day: tomorrow, at: nine });
    let mut sent = standing(Planned { day: today, at: began() });
    sent.message.value.outcome = Outcome::Sent;
    let all = |list: Vec<Standing>| -> BTreeMap<_, _> {
        list.into_iter().map(|one| (one.message.value.id, one)).collect()
    };
    alice.time_zone = TimeZone::parse("Asia/Tokyo").unwrap();
    let moved = |user: &User, standing: Vec<Standing>| {
        let mut changes = Changes::none();
        let policy = Policy::default();
        resettle(&mut changes, user, &chain([&account]), all(standing), &id, &policy, began());
        changes
    };
    let changes = moved(&alice, vec![waiting.clone(), sent.clone()]);
    assert!(changes.messages.is_empty(), "both days are kept already");
    assert_eq!(touched(&changes), [id(alice.id, tomorrow).uuid()], "what is sent is not touched");
    let kept: Message = written(&changes, id(alice.id, tomorrow).uuid()).unwrap();
    assert_eq!(kept.due_at, began().date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + Days::new(1));

    let mut claimed = waiting.clone();
    claimed.due = Some((Lane::Bulk, nine + TICK));
    assert!(moved(&alice, vec![claimed, sent.clone()]).is_empty(), "a worker holds it");
    let mut tried = waiting.clone();
    tried.message.value.tries = 1;
    assert!(moved(&alice, vec![tried, sent.clone()]).is_empty(), "it waits for its next try");
    assert_eq!(moved(&alice, vec![sent.clone()]).messages.len(), 1, "tomorrow's is kept anew");
    let far = left(60);
    let mut changes = Changes::none();
    let one = all(vec![waiting.clone()]);
    resettle(&mut changes, &alice, &chain([&far]), one, &id, &Policy::default(), began());
    assert_eq!(touched(&changes).len(), 1, "nor does one come late if its date comes near again");
    alice.blocking_notices = false;
    assert!(moved(&alice, vec![sent]).is_empty(), "who wants none gets none");
    assert_eq!(touched(&moved(&alice, vec![waiting])).len(), 1, "but one that waits moves along");
}

#[test]
fn who_moves_or_may_sign_in_again_is_looked_at() {
    let account = left(4);
    let alice = reader(2, &account);
    let off = User { disabled: true, ..alice.clone() };
    let tokyo = User { time_zone: TimeZone::parse("Asia/Tokyo").unwrap(), ..alice.clone() };
    assert!(resettles(&alice, &tokyo) && resettles(&off, &alice));
    assert!(!resettles(&alice, &alice) && !resettles(&alice, &off));
}

#[test]
fn the_days_of_a_move_are_today_and_what_lies_within_a_day() {
    let kiritimati = TimeZone::parse("Pacific/Kiritimati").unwrap();
    let days = days_to_move(kiritimati, began());
    let today = kiritimati.day(began());
    assert_eq!(days, [today, today.succ_opt().unwrap()]);
}

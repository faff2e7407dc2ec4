use chrono::{Days, TimeDelta};

use super::*;
use crate::account::{Account, DayCounter};
use crate::contact::Destination;
use crate::fixture::*;
use crate::message::MessageKind;
use crate::message::model::Draft;
use crate::port::store::Lane;

struct Scene {
    account: Account,
    user: User,
    kept: BTreeMap<MessageId, Message>,
    policy: Policy,
    now: DateTime<Utc>,
}

/// A user who wants notices, on the day on which the third of the five goes, before its hour.
fn scene() -> Scene {
    let as_of = began().date_naive();
    let days = DayCounter { value: 8, as_of, minimum: 0, counting: true };
    let account = Account { days, ..account(1) };
    let mut user = user(2, &account);
    user.blocking_notices = true;
    let now = (as_of + Days::new(5)).and_hms_opt(8, 0, 0).unwrap().and_utc();
    Scene { account, user, kept: BTreeMap::new(), policy: Policy::default(), now }
}

fn name(_: UserId, day: NaiveDate) -> MessageId {
    let days = day.signed_duration_since(began().date_naive()).num_days();
    MessageId::from_uuid(uuid(100 + u128::try_from(days).unwrap()))
}

/// The day that is so many days from the beginning.
fn day(days: u64) -> NaiveDate {
    began().date_naive() + Days::new(days)
}

impl Scene {
    fn seen(&self) -> NoticeOutlook {
        outlook(&self.user, &chain([&self.account]), &self.kept, &name, &self.policy, self.now)
    }

    fn fates(change: impl FnOnce(&mut Self)) -> Vec<NoticeFate> {
        let mut scene = scene();
        change(&mut scene);
        scene.seen().days.into_iter().map(|day| day.fate).collect()
    }

    fn keep(&mut self, day: NaiveDate, outcome: Outcome, due_at: DateTime<Utc>) {
        let id = name(self.user.id, day);
        let to = Destination::from(email("u2@example.com"));
        let (tenant, user) = (self.user.tenant.uuid(), self.user.id);
        let (kind, lane) = (MessageKind::BlockingNotice, Lane::Bulk);
        let (not_before, day) = (Some(due_at), Some(day));
        let (code, charge, once_at) = (None, None, None);
        let draft = Draft { id, tenant, user, kind, to, lane, code, charge, once_at, not_before, day };
        let mut message = Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
        message.outcome = outcome;
        self.kept.insert(id, message);
    }
}

#[test]
fn the_days_before_the_block_are_told_with_their_hours() {
    let scene = scene();
    let seen = scene.seen();
    assert_eq!((seen.user, seen.enabled, seen.blocked), (scene.user.id, true, false));
    assert_eq!((seen.blocks_at, seen.blocking_date), (scene.account.blocks_at(), Some(day(8))));
    let told: Vec<_> = seen.days.iter().map(|day| (day.day, day.days_left)).collect();
    assert_eq!(told, [(day(3), 5), (day(4), 4), (day(5), 3), (day(6), 2), (day(7), 1)]);
    for told in &seen.days {
        assert_eq!(told.at, told.day.and_hms_opt(9, 0, 0).unwrap().and_utc());
        assert_eq!(told.message, name(scene.user.id, told.day));
    }
}

#[test]
fn the_days_and_hours_are_those_of_the_user() {
    let mut scene = scene();
    scene.user.time_zone = TimeZone::parse("America/Los_Angeles").unwrap();
    let seen = scene.seen();
    assert_eq!(seen.blocking_date, Some(day(7)), "midnight in UTC is the evening before");
    let first = seen.days[0];
    assert_eq!((first.day, first.at), (day(2), day(2).and_hms_opt(17, 0, 0).unwrap().and_utc()));
}

#[test]
fn what_is_over_is_not_made_up_for_and_the_rest_is_planned() {
    use NoticeFate::{Planned, Withheld};
    let over = Withheld("day_over");
    assert_eq!(Scene::fates(|_| {}), [over, over, Planned, Planned, Planned]);
    let late = |s: &mut Scene| s.now += TimeDelta::hours(15) + TimeDelta::minutes(59);
    assert_eq!(Scene::fates(late), [over, over, Planned, Planned, Planned], "today's still goes");
    let tomorrow = |s: &mut Scene| s.now += TimeDelta::hours(16);
    assert_eq!(Scene::fates(tomorrow), [over, over, over, Planned, Planned]);
    let blocked = |s: &mut Scene| s.now = s.account.blocks_at().unwrap();
    assert_eq!(Scene::fates(blocked), [over; 5]);
}

#[test]
fn what_was_kept_tells_its_own_fate() {
    use NoticeFate::{Planned, Sent, Withheld};
    let mut scene = scene();
    let hour = |day: NaiveDate| day.and_hms_opt(9, 0, 0).unwrap().and_utc();
    let later = hour(day(5)) + TimeDelta::minutes(20);
    for (days, outcome, due_at) in [
        (3, Outcome::Sent, hour(day(90))),
        (4, Outcome::GivenUp, hour(day(90))),
        (5, Outcome::Waiting, later),
        (6, Outcome::Held, hour(day(6))),
        (7, Outcome::Suppressed, hour(day(90))),
    ] {
        scene.keep(day(days), outcome, due_at);
    }
    let seen = scene.seen();
    let fates: Vec<_> = seen.days.iter().map(|day| day.fate).collect();
    assert_eq!(fates, [Sent, Withheld("given_up"), Planned, Withheld("held"), Planned]);
    assert_eq!(seen.days[2].at, later, "it is tried again then");
    assert_eq!(seen.days[0].at, hour(day(3)), "when it may be purged is nobody's hour");
    scene.user.blocking_notices = false;
    let fates: Vec<_> = scene.seen().days.iter().map(|day| day.fate).collect();
    let off = Withheld("switched_off");
    assert_eq!(fates, [Sent, Withheld("given_up"), off, Withheld("held"), off]);
}

#[test]
fn each_reason_is_that_of_the_worker() {
    let last = |change: &dyn Fn(&mut Scene)| Scene::fates(change)[4];
    for (why, change) in [
        ("switched_off", &(|s: &mut Scene| s.user.blocking_notices = false) as &dyn Fn(&mut Scene)),
        ("disabled", &|s| s.user.disabled = true),
        ("blocked", &|s| s.account.blocked = true),
        ("service_off", &|s| s.policy.notices_need_service = true),
        ("email_unconfirmed", &|s| s.user.email = None),
    ] {
        assert_eq!(last(change), NoticeFate::Withheld(why));
        assert_eq!(Scene::fates(change)[0], NoticeFate::Withheld("day_over"), "whatever else there is");
    }
}

#[test]
fn without_a_date_there_is_no_day() {
    let mut scene = scene();
    scene.account.days.counting = false;
    let seen = scene.seen();
    assert_eq!((seen.blocks_at, seen.blocking_date, seen.days), (None, None, Vec::new()));
    assert_eq!(messages(&scene.user, &chain([&scene.account]), &name, &scene.policy), []);
}

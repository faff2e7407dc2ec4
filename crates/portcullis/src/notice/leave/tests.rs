use chrono::Days;

use super::*;
use crate::account::{Account, DayCounter, Period, Service, TimeZone};
use crate::decision::Entity as _;
use crate::fixture::*;
use crate::id::MessageId;
use crate::message::MessageKind;
use crate::message::held::must_be_held;
use crate::message::model::Draft;
use crate::port::store::Lane;

/// Blocked on the sixth day from now, so that five are left tomorrow.
fn counted() -> Account {
    let as_of = began().date_naive();
    Account { days: DayCounter { value: 6, as_of, minimum: 0, counting: true }, ..account(1) }
}

struct Scene {
    account: Account,
    user: User,
    message: Message,
    policy: Policy,
    now: DateTime<Utc>,
}

/// The first notice, at its time.
fn scene() -> Scene {
    let account = counted();
    let mut user = user(2, &account);
    user.blocking_notices = true;
    let day = began().date_naive() + Days::new(1);
    let at = TimeZone::UTC.instant(day, "09:00:00".parse().unwrap());
    let draft = Draft {
        id: MessageId::from_uuid(uuid(70)),
        tenant: uuid(1),
        user: user.id,
        kind: MessageKind::BlockingNotice,
        to: email("u2@example.com").into(),
        lane: Lane::Bulk,
        code: None,
        charge: None,
        once_at: None,
        not_before: Some(at),
        day: Some(day),
    };
    let message = Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
    Scene { account, user, message, policy: Policy::default(), now: at }
}

impl Scene {
    fn asked(&self) -> Result<Told, Stay> {
        let to = email("u2@example.com");
        leave(&self.message, &to, &self.user, &chain([&self.account]), &self.policy, self.now)
    }

    fn told(&self) -> Told {
        self.asked().unwrap()
    }

    fn forgotten(change: impl FnOnce(&mut Self)) -> &'static str {
        let mut scene = scene();
        change(&mut scene);
        match scene.asked() {
            Err(Stay::Forget(why)) => why,
            other => panic!("to be forgotten, not {other:?}"),
        }
    }
}

#[test]
fn a_notice_tells_the_days_that_are_left_when_it_leaves() {
    let mut scene = scene();
    let blocking_day = began().date_naive() + Days::new(6);
    assert_eq!(scene.told(), Told { days_left: 5, blocking_day });
    scene.account.days.value -= 2;
    let blocking_day = began().date_naive() + Days::new(4);
    assert_eq!(scene.told(), Told { days_left: 3, blocking_day }, "the date was moved meanwhile");
}

#[test]
fn each_reason_to_forget_it_is_named() {
    assert_eq!(Scene::forgotten(|s| s.user.blocking_notices = false), "switched_off");
    assert_eq!(Scene::forgotten(|s| s.user.disabled = true), "disabled");
    assert_eq!(Scene::forgotten(|s| s.account.blocked = true), "blocked");
    assert_eq!(Scene::forgotten(|s| s.account.days.value = 0), "blocked");
    assert_eq!(Scene::forgotten(|s| s.account.days.counting = false), "date_moved");
    assert_eq!(Scene::forgotten(|s| s.account.days.value += 1), "date_moved");
    assert_eq!(Scene::forgotten(|s| s.now = s.now + Days::new(1)), "day_over");
    assert_eq!(Scene::forgotten(|s| s.user.email = None), "email_unconfirmed");
    assert_eq!(Scene::forgotten(|s| s.message.day = None), "no_day");
}

#[test]
fn the_service_is_asked_where_the_policy_asks_for_it() {
    let mut scene = scene();
    scene.policy = Policy { notices_need_service: true, ..Policy::default() };
    assert!(matches!(scene.asked(), Err(Stay::Forget("service_off"))));
    let service = Service::on(None, Period::None);
    scene.account.services.insert(EMAIL_NOTIFICATION.to_owned(), service);
    assert!(scene.asked().is_ok());
}

#[test]
fn a_zone_farther_west_lets_it_wait_and_one_farther_east_may_end_its_day() {
    let mut scene = scene();
    scene.user.time_zone = TimeZone::parse("America/New_York").unwrap();
    let at = scene.user.time_zone.instant(scene.message.day.unwrap(), "09:00:00".parse().unwrap());
    assert!(matches!(scene.asked(), Err(Stay::Until(until)) if until == at));
    scene.now = at;
    assert!(scene.asked().is_ok());
    scene.user.time_zone = TimeZone::parse("Pacific/Kiritimati").unwrap();
    assert!(matches!(scene.asked(), Err(Stay::Forget("day_over"))));
}

#[test]
fn another_address_gets_what_the_old_one_has_not_got() {
    let mut scene = scene();
    let new = email("new@example.com");
    scene.user.email.as_mut().unwrap().address = new.clone();
    assert!(matches!(scene.asked(), Err(Stay::Readdress(to)) if to.same_as(&new)));
    let due = scene.now;
    let decision = readdress(stored(scene.message), new.clone(), &keyring(), [4; 24], due).unwrap();
    assert_eq!(trail(&decision.changes), ["message_readdressed: blocking_notice"]);
    let kept: Message = written(&decision.changes, uuid(70)).unwrap();
    assert!(kept.open(&keyring()).unwrap().unwrap().to.is_email(&new));
    assert_eq!((kept.to.as_str(), kept.day), ("n•••@example.com", scene.user.time_zone.day(due).into()));
    assert_eq!(kept.due(), Some((Lane::Bulk, due)));
}

#[test]
fn one_from_before_a_restore_is_held_at_another_address_too() {
    let mut scene = scene();
    (scene.message.tries, scene.message.faults) = (2, 1);
    let old = scene.message.clone();
    let mut keyring = keyring();
    keyring.next_epoch();
    assert!(must_be_held(&old, keyring.epoch(), &scene.policy, scene.now));
    let decision = readdress(stored(old.clone()), email("new@example.com"), &keyring, [4; 24], scene.now);
    let kept: Message = written(&decision.unwrap().changes, uuid(70)).unwrap();
    let age = |message: &Message| (message.epoch, message.created_at, message.tries, message.faults);
    assert_eq!(age(&kept), age(&old));
    assert!(must_be_held(&kept, keyring.epoch(), &scene.policy, scene.now));
}

#[test]
fn what_is_forgotten_is_gone_so_that_its_day_can_come_again() {
    let decision = forget(&stored(scene().message), "switched_off");
    assert_eq!(decision.changes.deletes, [(uuid(70), 7)]);
    assert_eq!(trail(&decision.changes), ["message_suppressed: switched_off"]);
    assert_eq!(decision.reply.unwrap(), Outcome::Suppressed);
}

#[test]
fn what_waits_keeps_its_content() {
    let scene = scene();
    let later = scene.now + Days::new(1);
    let decision = wait(stored(scene.message), later);
    assert_eq!(trail(&decision.changes), ["message_postponed: zone_moved"]);
    let kept: Message = written(&decision.changes, uuid(70)).unwrap();
    assert_eq!((kept.due(), kept.tries, kept.faults), (Some((Lane::Bulk, later)), 0, 0));
    assert!(kept.open(&keyring()).unwrap().is_ok());
}

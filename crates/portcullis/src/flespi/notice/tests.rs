use super::*;
use crate::account::Account;
use crate::fixture::*;
use crate::flespi::model::Use;
use crate::flespi::view::Source;
use crate::port::flespi::{RegionName, TokenKind};
use crate::secret::FlespiToken;

const DAY: TimeDelta = TimeDelta::days(1);

const NONE: [u32; 0] = [];

fn end() -> DateTime<Utc> {
    began() + DAY * 365
}

fn info(expire: DateTime<Utc>) -> TokenInfo {
    TokenInfo {
        id: None,
        kind: TokenKind::Master,
        info: None,
        expire: Some(expire),
        ttl: None,
        created: None,
        accessed: None,
    }
}

struct Scene {
    account: Account,
    user: User,
    connection: FlespiConnection,
}

/// Alice with a token that ends in a year, as she has just learnt.
fn scene() -> Scene {
    let account = account(1);
    let user = user(2, &account);
    let mut connection = FlespiConnection::new(uuid(90), account.id, user.id, began());
    let token = FlespiToken::parse("a".repeat(64)).unwrap();
    let region = RegionName::parse("eu").unwrap();
    let mut connected = Connected {
        source: Source::Login,
        kind: None,
        sealed: connection.owner().seal(Use::Token, &region, &token, &keyring(), [1; 24]),
        region,
        shown: "aaaa".to_owned(),
        operation: uuid(91),
        number: None,
        obtained_at: began(),
        expires_at: None,
        sliding: false,
        last_check: None,
        unanswered_at: None,
        told: None,
    };
    connection.notice_at = learn(&mut connected, &info(end()), &Policy::default(), began());
    connection.connected = Some(connected);
    Scene { account, user, connection }
}

impl Scene {
    /// Lets the worker look; gives the ids of what was mailed.
    fn look(&mut self, now: DateTime<Utc>) -> Vec<u32> {
        let name = |_: &Connected, _: NaiveDate, days: u32| MessageId::from_uuid(uuid(days.into()));
        let chain = chain([&self.account]);
        let decision =
            tell(stored(self.connection.clone()), Some(&self.user), &chain, &name, &Policy::default(), now);
        if let Some(kept) = written(&decision.changes, uuid(90)) {
            self.connection = kept;
        }
        decision
            .changes
            .messages
            .iter()
            .map(|draft| u32::try_from(draft.id.uuid().as_u128()).unwrap())
            .collect()
    }

    fn learn(&mut self, expire: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let connected = self.connection.connected.as_mut().unwrap();
        self.connection.notice_at = learn(connected, &info(expire), &Policy::default(), now);
        self.connection.notice_at
    }
}

#[test]
fn the_notices_come_30_7_and_1_days_before_the_end_and_once_each() {
    let mut s = scene();
    for days in [30, 7, 1] {
        let at = end() - DAY * i32::try_from(days).unwrap();
        assert_eq!(s.connection.notice_at, Some(at));
        assert_eq!(s.look(at - TICK), NONE);
        assert_eq!(s.look(at), [days]);
        assert_eq!(s.look(at + TICK), NONE, "once");
    }
    assert_eq!(s.connection.notice_at, None);
}

#[test]
fn after_a_downtime_the_last_one_alone_is_mailed_and_none_after_the_end() {
    let mut s = scene();
    assert_eq!(s.look(end() - DAY * 3), [7]);
    let mut s = scene();
    assert_eq!(s.look(end()), NONE);
    assert_eq!(s.connection.notice_at, None, "nothing is left to be told");
}

#[test]
fn a_moved_end_plans_them_anew_and_makes_up_for_none() {
    let mut s = scene();
    assert_eq!(s.look(end() - DAY * 7), [7]);
    let later = end() + DAY * 365;
    assert_eq!(s.learn(later, end() - DAY * 6), Some(later - DAY * 30));
    assert_eq!(s.look(later - DAY * 30), [30], "it is another end");
    // An end that a use has moved by a little, within the same days, is not told of again.
    let (now, moved) = (later - DAY * 29, later + TimeDelta::minutes(5));
    assert_eq!(s.learn(moved, now), Some(moved - DAY * 7));
    assert_eq!(s.look(now), NONE);
    let soon = now + DAY * 3;
    assert_eq!(s.learn(soon, now), Some(soon - DAY), "nearer: who has just seen it is told the last one");
    assert_eq!(s.learn(soon, now), Some(soon - DAY), "and a check that moves nothing changes nothing");
}

#[test]
fn who_can_not_be_told_is_not_told_later() {
    let at = end() - DAY * 30;
    for change in [
        (|s: &mut Scene| s.user.email = None) as fn(&mut Scene),
        |s| s.user.disabled = true,
        |s| s.account.blocked = true,
    ] {
        let mut s = scene();
        change(&mut s);
        assert_eq!(s.look(at), NONE);
        s.user = scene().user;
        s.account = account(1);
        assert_eq!(s.look(at + DAY), NONE);
        assert_eq!(s.look(end() - DAY * 7), [7]);
    }
}

fn leaves(change: impl Fn(&mut Scene), now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let mut s = scene();
    let connected = s.connection.connected.as_ref().unwrap();
    let draft =
        draft(&s.user, &email("u2@example.com"), day(connected).unwrap(), MessageId::from_uuid(uuid(70)));
    let message = Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
    change(&mut s);
    let chain = chain([&s.account]);
    let left = leave(&message, &email("u2@example.com"), &s.user, &chain, Some(&s.connection), now);
    left.map_err(|stay| match stay {
        Stay::Forget(why) => why.to_owned(),
        Stay::Readdress(to) => to.as_str().to_owned(),
        Stay::Until(at) => at.to_string(),
    })
}

#[test]
fn a_notice_leaves_only_while_what_it_tells_is_true() {
    let at = end() - DAY;
    let stays = |change: &dyn Fn(&mut Scene)| leaves(change, at).unwrap_err();
    assert_eq!(leaves(|_| (), at), Ok(end()));
    assert_eq!(leaves(|_| (), end() - TICK), Ok(end()));
    assert_eq!(leaves(|_| (), end()), Err("expired".to_owned()));
    assert_eq!(stays(&|s| s.connection.connected = None), "disconnected");
    assert_eq!(stays(&|s| s.connection.connected.as_mut().unwrap().expires_at = None), "date_moved");
    let moves = |s: &mut Scene| assert!(s.learn(end() + DAY, at).is_some());
    assert_eq!(stays(&moves), "date_moved");
    assert_eq!(stays(&|s| s.user.disabled = true), "disabled");
    assert_eq!(stays(&|s| s.account.blocked = true), "blocked");
    assert_eq!(stays(&|s| s.user.email = None), "email_unconfirmed");
    let other = |s: &mut Scene| s.user.email.as_mut().unwrap().address = email("new@example.com");
    assert_eq!(stays(&other), "new@example.com");
    let rejected = crate::flespi::LastCheck { status: CheckStatus::Rejected, at };
    assert_eq!(stays(&|s| s.connection.connected.as_mut().unwrap().last_check = Some(rejected)), "rejected");
}

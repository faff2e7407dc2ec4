//! Values for the tests beside the rules: a small hierarchy, its users, and what was found out about them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::account::rules::Chain;
use crate::account::{Account, Balance, DayCounter, TimeZone};
use crate::challenge::link::FreshLink;
use crate::challenge::rules::{Ask, Budgets, Entry, Fare, FreshCode, Tally};
use crate::challenge::{Challenge, Purpose};
use crate::contact::{Destination, Email};
use crate::decision::{Changes, Entity, Stored};
use crate::engine::record::{self, Schema};
use crate::id::{AccountId, ChallengeId, MessageId, SessionId, UserId};
use crate::keyring::{Binding, BoundDigest, Keyring};
use crate::language::Language;
use crate::policy::Policy;
use crate::port::hasher::PasswordHash;
use crate::port::store::{Count, CounterOp};
use crate::rights::AccessRight;
use crate::secret::{Code, LinkToken};
use crate::session::model::{Acting, Session};
use crate::session::{Assurance, rules as session_rules};
use crate::testing::ambient::SeededRandom;
use crate::user::model::{ConfirmedEmail, User};
use crate::user::{Flags, Login, Method};

/// The shortest time there is.
pub(crate) const TICK: TimeDelta = TimeDelta::microseconds(1);

/// When every story here begins.
pub(crate) fn began() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// A value as it was read at version 7.
pub(crate) fn stored<E: Entity>(value: E) -> Stored<E> {
    let body = record::write(&value).unwrap();
    Stored::new(value, 7, body)
}

pub(crate) fn account(n: u128) -> Account {
    let id = AccountId::from_uuid(uuid(n));
    Account {
        v: Schema::default(),
        id,
        tenant: id,
        ancestors: Vec::new(),
        name: format!("account {n}"),
        services: BTreeMap::new(),
        blocked: false,
        days: DayCounter::default(),
        balance: Balance::default(),
        dealer: false,
        plan: None,
        plans: BTreeMap::new(),
        lifts: 0,
        time_zone: TimeZone::UTC,
        rights: BTreeMap::new(),
        created_at: began(),
    }
}

pub(crate) fn under(parent: &Account, n: u128) -> Account {
    let ancestors = std::iter::once(parent.id).chain(parent.ancestors.iter().copied()).collect();
    Account { tenant: parent.tenant, ancestors, ..account(n) }
}

/// Accounts, nearest first.
pub(crate) fn chain<const N: usize>(accounts: [&Account; N]) -> Chain {
    Chain(accounts.into_iter().map(|account| stored(account.clone())).collect())
}

/// A user with a password that fits alone, every flag, and the confirmed address `u{n}@example.com`.
pub(crate) fn user(n: u128, account: &Account) -> User {
    User {
        v: Schema::default(),
        id: UserId::from_uuid(uuid(n)),
        tenant: account.tenant,
        account: account.id,
        ancestors: account.ancestors.clone(),
        creators: Vec::new(),
        login: Login::parse(&format!("user{n}")).unwrap(),
        external_id: None,
        password: Some(PasswordHash::stored("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA")),
        password_changed_at: Some(began()),
        long_enough_alone: true,
        email: Some(ConfirmedEmail {
            address: email(&format!("u{n}@example.com")),
            confirmed_at: began(),
            unique: true,
        }),
        pending_email: None,
        invitation: None,
        claims: Vec::new(),
        phone: None,
        recovered_by_mail: false,
        two_factor: Method::None,
        pending_two_factor: None,
        flags: Flags::all(),
        disabled: false,
        credential_version: 1,
        language: Language::EN,
        time_zone: TimeZone::UTC,
        blocking_notices: false,
        flespi: None,
        rights: BTreeMap::new(),
        created_at: began(),
    }
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

pub(crate) fn rights<const N: usize>(rights: [AccessRight; N]) -> BTreeSet<AccessRight> {
    rights.into_iter().collect()
}

/// A session opened at the start.
pub(crate) fn session(n: u128, user: &User) -> Session {
    let id = SessionId::from_uuid(uuid(n));
    session_rules::open(user, 0, Assurance::Password, id, 0, &Policy::default(), began())
}

/// A user acting through session 900 in one account.
pub(crate) fn acting_as(user: &User, account: &Account) -> Acting {
    Acting { session: stored(session(900, user)), user: stored(user.clone()), chain: chain([account]) }
}

pub(crate) fn keyring() -> Keyring {
    Keyring::generate(&SeededRandom::new(0), began()).unwrap()
}

fn digest(secret: &[u8]) -> BoundDigest {
    keyring().bind(&Binding {
        challenge: uuid(0),
        purpose: "sign_in",
        user: uuid(0),
        destination: "a@example.com",
        credential_version: 1,
        secret,
    })
}

/// A code for challenge `n`.
pub(crate) fn fresh_code(n: u128) -> FreshCode {
    FreshCode {
        challenge: ChallengeId::from_uuid(uuid(n)),
        message: MessageId::from_uuid(uuid(n + 1)),
        code: Code::parse("123456").unwrap(),
        digest: digest(&n.to_be_bytes()),
        sealed: None,
        epoch: 0,
    }
}

/// A link for challenge `n`.
pub(crate) fn fresh_link(n: u128) -> FreshLink {
    let challenge = ChallengeId::from_uuid(uuid(n));
    FreshLink {
        challenge,
        message: MessageId::from_uuid(uuid(n + 1)),
        token: LinkToken::of(challenge, &[1; 32]),
        digest: digest(&n.to_be_bytes()),
        epoch: 0,
    }
}

pub(crate) const NO_BUDGETS: Budgets =
    Budgets { user: Count { value: 0, ends_at: None }, address: Count { value: 0, ends_at: None } };

/// A mailed code, taken out of these.
pub(crate) fn fare(budgets: Budgets) -> Fare {
    Fare::Mail { address: uuid(5), budgets }
}

/// The challenge 800, issued at the start.
pub(crate) fn challenge(purpose: Purpose, user: &User, destination: &str) -> Challenge {
    let destination = Destination::try_from(destination.to_owned()).unwrap();
    let ask = Ask { user, lifts: 0, purpose, destination, session: None };
    let mut changes = Changes::none();
    let policy = Policy::default();
    crate::challenge::rules::issue(&mut changes, &ask, fresh_code(800), fare(NO_BUDGETS), &policy, began())
        .unwrap();
    let body = changes.puts.remove(0).body.unwrap();
    serde_json::from_str(&body).unwrap()
}

/// A code entered for a challenge, with nothing counted yet.
pub(crate) fn entry(challenge: &Challenge, user: &User, chain: &Chain, fits: bool) -> Entry {
    let none = Count::default();
    Entry {
        challenge: stored(challenge.clone()),
        user: stored(user.clone()),
        chain: chain.clone(),
        fits,
        tally: Tally { attempts: none, failures: none, wait: none, source: none },
        source: uuid(6),
        lock_notice: MessageId::from_uuid(uuid(7)),
        epoch: 0,
    }
}

pub(crate) fn count(value: u32) -> Count {
    Count { value, ends_at: None }
}

pub(crate) fn until(value: u32, ends_at: DateTime<Utc>) -> Count {
    Count { value, ends_at: Some(ends_at) }
}

/// The trail of changes, as `action: reason`.
pub(crate) fn trail(changes: &Changes) -> Vec<String> {
    changes.events.iter().map(|event| format!("{}: {}", event.action, event.reason.unwrap_or("-"))).collect()
}

/// The steps on counters, as `name step`.
pub(crate) fn steps(changes: &Changes) -> Vec<String> {
    let step = |op: &CounterOp| match op {
        CounterOp::Add { n, limit, .. } => format!("add {n} to {limit}"),
        CounterOp::Below { limit, .. } => format!("below {limit}"),
        CounterOp::GiveBack { n, .. } => format!("give back {n}"),
        CounterOp::Clear => String::from("clear"),
    };
    changes.counters.iter().map(|(counter, op)| format!("{} {}", counter.name, step(op))).collect()
}

/// The value that changes write under an id.
pub(crate) fn written<E: Entity>(changes: &Changes, id: Uuid) -> Option<E> {
    let put = changes.puts.iter().find(|put| put.id == id)?;
    Some(serde_json::from_str(put.body.as_ref().unwrap()).unwrap())
}

/// Every record that changes touch, each of which may be touched once only.
pub(crate) fn touched(changes: &Changes) -> Vec<Uuid> {
    let puts = changes.puts.iter().map(|put| put.id);
    let others = changes.guards.iter().chain(&changes.deletes).map(|(id, _)| *id);
    let ids: Vec<_> = puts.chain(others).collect();
    let once: BTreeSet<_> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "a record is touched twice: {ids:?}");
    ids
}

//! What the stories are written with: accounts that run out, readers, hours that pass, and what the mails tell.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::account::{Account, DaysChange, NewAccount, TimeZone};
use crate::id::SessionId;
use crate::manage::{AccountChange, UserChange};
use crate::port::message::Mail;
use crate::port::store::Store;
use crate::rights::Actor;
use crate::testing::World;
use crate::testing::world::WorldOptions;
use crate::user::User;

/// Every world here begins on Wednesday, 18 November 2026, six minutes and forty seconds past eleven, UTC.
pub(super) const HOUR: TimeDelta = TimeDelta::hours(1);

/// A world on a store that others were on before: another seed, so that it draws other ids.
pub(super) fn another(store: &Arc<dyn Store>, seed: u64) -> World {
    World::with(WorldOptions { store: Arc::clone(store), seed, ..WorldOptions::default() })
}

pub(super) fn left(days: i32) -> DaysChange {
    DaysChange::default().left(days).counting(true)
}

pub(super) async fn counted(w: &World, name: &str, days: i32) -> Account {
    let new = NewAccount::named(name).with_days(left(days));
    w.security.accounts().create(new).await.unwrap()
}

pub(super) async fn below(w: &World, parent: &Account, name: &str, days: Option<i32>) -> Account {
    let mut new = NewAccount::named(name).under(parent.id).dealer();
    if let Some(days) = days {
        new = new.with_days(left(days));
    }
    w.security.accounts().create(new).await.unwrap()
}

pub(super) fn address(login: &str) -> String {
    format!("{login}@example.com")
}

/// A user who wants notices.
pub(super) async fn reader(w: &World, account: &Account, login: &str) -> User {
    let user = w.user(account, login, Some(&address(login))).await.unwrap();
    switch(w, &user, true).await;
    user
}

pub(super) async fn session(w: &World, user: &User) -> SessionId {
    w.sign_in(user).await.unwrap().id
}

pub(super) async fn switch(w: &World, user: &User, on: bool) {
    let session = session(w, user).await;
    let notices = w.security.notices().set_blocking(session, on).await.unwrap();
    assert_eq!(notices.blocking.enabled, on);
}

pub(super) async fn set_days(w: &World, account: &Account, days: DaysChange) {
    let change = AccountChange::default().days(days);
    w.security.manage(Actor::Program).change_account(account.id, &change).await.unwrap();
}

pub(super) async fn move_to(w: &World, user: &User, zone: &str) {
    let change = UserChange::default().time_zone(TimeZone::parse(zone).unwrap());
    w.security.manage(Actor::Program).change_user(user.id, &change).await.unwrap();
}

/// The days left and the blocking day that a notice tells.
pub(super) fn told(mail: &Mail) -> (u32, NaiveDate) {
    let (_, rest) = mail.text.split_once("will be blocked on ").unwrap();
    let (day, rest) = rest.split_once(": ").unwrap();
    let (left, _) = rest.split_once(" day").unwrap();
    (left.parse().unwrap(), day.parse().unwrap())
}

/// The days left that each notice told who reads an address, in order.
pub(super) fn days(w: &World, login: &str) -> Vec<u32> {
    w.mailbox.to(&address(login)).iter().map(|mail| told(mail).0).collect()
}

/// Lets so many hours pass, with a worker that looks every hour; gives when each mail to an address arrived.
pub(super) async fn live(w: &World, hours: i32, login: &str) -> Vec<DateTime<Utc>> {
    let mut arrivals = Vec::new();
    for _ in 0..hours {
        w.advance(HOUR);
        let before = w.mailbox.to(&address(login)).len();
        w.run_worker().await.unwrap();
        let after = w.mailbox.to(&address(login)).len();
        arrivals.extend((before..after).map(|_| w.now()));
    }
    arrivals
}

pub(super) async fn live_days(w: &World, count: i32) {
    live(w, count * 24, "nobody").await;
}

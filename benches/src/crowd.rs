//! A worker beside many accounts, each with a reader and a look at him that is not due for months.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::account::{Account, DaysChange, NewAccount};
use portcullis::id::{CommitId, uuid_v7};
use portcullis::keyring::Keyring;
use portcullis::manage::AccountChange;
use portcullis::memory::MemoryStore;
use portcullis::policy::Policy;
use portcullis::port::store::{Commit, Expect, Put, Record, Store};
use portcullis::rights::Actor;
use portcullis::testing::world::WorldOptions;
use portcullis::testing::{Dump as _, World};
use uuid::Uuid;

use crate::Fallible;

/// Accounts that one commit writes.
const AT_ONCE: u32 = 500;
/// How many accounts are made by the engine, one more day each; all the others are made as these were.
const PATTERNS: u32 = 60;
/// Days of the first of them.
const DAYS: i32 = 100;

/// A worker beside many accounts.
#[derive(Debug)]
pub struct Crowd {
    world: World,
    left: u32,
}

impl Crowd {
    /// Fills a store with so many accounts; each has a user who wants notices, and a hundred days or more.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn new(store: Arc<dyn Store>, accounts: u32) -> Fallible<Self> {
        let world = world(store);
        let (patterns, keyring) = (patterns().await?, world.security.keyring());
        let mut number = 0;
        while number < accounts {
            let last = accounts.min(number + AT_ONCE);
            let like = |number: u32| {
                let pattern = patterns.iter().cycle().nth(usize::try_from(number % PATTERNS).unwrap_or(0));
                pattern.map(|pattern| pattern.again(number, &keyring, world.now())).unwrap_or_default()
            };
            let commit = Commit {
                id: CommitId::from_uuid(id(world.now(), number, 3)),
                now: world.now(),
                puts: (number..last).flat_map(like).collect(),
                guards: Vec::new(),
                deletes: Vec::new(),
                counters: Vec::new(),
                audit: Vec::new(),
            };
            world.store.commit(&commit).await.map_err(|error| format!("{error:?}"))?;
            number = last;
        }
        Ok(Self { world, left: 0 })
    }

    /// Leaves so many accounts to be looked through at once, each with one reader who is owed a notice now.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn leave(&mut self, many: u32) -> Fallible<()> {
        for _ in 0..many {
            self.left += 1;
            let account = account_with_reader(&self.world, 60, &format!("due-{}", self.left)).await?;
            let nearer = AccountChange::default().days(counted(3));
            self.world.security.manage(Actor::Program).change_account(account.id, &nearer).await?;
        }
        Ok(())
    }

    /// One pass of the worker; gives how many messages it sent.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn pass(&self) -> Fallible<u32> {
        let sent = self.world.run_worker().await?.sent;
        self.world.mailbox.take();
        Ok(sent)
    }
}

/// A world whose bulk mail is not held back.
fn world(store: Arc<dyn Store>) -> World {
    let mut policy = Policy::default();
    policy.bulk_per_minute = 1_000_000;
    World::with(WorldOptions { store, policy, ..WorldOptions::default() })
}

fn counted(left: i32) -> DaysChange {
    DaysChange::default().left(left).counting(true)
}

async fn account_with_reader(world: &World, days: i32, login: &str) -> Fallible<Account> {
    let new = NewAccount::named(login).with_days(counted(days));
    let account = world.security.accounts().create(new).await?;
    let user = world.user(&account, login, Some(&format!("{login}@example.com"))).await?;
    let session = world.sign_in(&user).await?;
    world.security.notices().set_blocking(session.id, true).await?;
    world.security.sessions().sign_out(session.id).await?;
    Ok(account)
}

/// An account, its user and its look, as the engine wrote them.
struct Pattern {
    account: Uuid,
    login: String,
    records: Vec<Record>,
}

/// Lets the engine make some accounts, and takes what it kept of each.
async fn patterns() -> Fallible<Vec<Pattern>> {
    let store = Arc::new(MemoryStore::new());
    let world = world(Arc::clone(&store) as Arc<dyn Store>);
    let mut patterns = Vec::new();
    for (days, nth) in (DAYS..).zip(0..PATTERNS) {
        let login = format!("pattern-{nth}-");
        let account = account_with_reader(&world, days, &login).await?;
        patterns.push(Pattern { account: account.id.uuid(), login, records: Vec::new() });
    }
    for record in store.contents().await?.records {
        // A session that has ended, and the bills of an account, are no part of it.
        if ["account", "user", "notice_schedule"].contains(&record.kind.as_str())
            && let Some(pattern) = patterns.iter_mut().find(|pattern| pattern.account == record.tenant)
        {
            pattern.records.push(record);
        }
    }
    if patterns.iter().any(|pattern| pattern.records.len() != 3) {
        return Err("an account, a user and a look were expected".into());
    }
    Ok(patterns)
}

impl Pattern {
    /// The same under other ids, another login and another address.
    fn again(&self, number: u32, keyring: &Keyring, now: DateTime<Utc>) -> Vec<Put> {
        let account = id(now, number, 1);
        let named = |record: &Record| match record.kind.as_str() {
            "account" => account,
            "user" => id(now, number, 2),
            // As the engine names it.
            _ => keyring.derive("notice_schedule", account.as_bytes()),
        };
        let ids: Vec<_> = self.records.iter().map(|record| (record.id, named(record))).collect();
        let login = format!("reader-{number}-");
        let renamed = |text: &str| {
            let text = text.replace(&self.login, &login);
            ids.iter().fold(text, |text, (old, new)| text.replace(&old.to_string(), &new.to_string()))
        };
        let other = |id: Uuid| ids.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| *new);
        let again = |record: &Record| {
            let mut record = record.clone();
            record.id = other(record.id);
            record.tenant = other(record.tenant);
            record.refs.iter_mut().for_each(|id| *id = other(*id));
            record.keys.iter_mut().for_each(|key| key.value = renamed(&key.value));
            record.body = renamed(&record.body);
            record.version = 1;
            Put { record, expect: Expect::Absent }
        };
        self.records.iter().map(again).collect()
    }
}

/// Ids that sort by their numbers, and differ by what they are of.
fn id(now: DateTime<Utc>, number: u32, of: u8) -> Uuid {
    let mut rest = [of; 10];
    rest.iter_mut().skip(6).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    uuid_v7(now + TimeDelta::milliseconds(number.into()), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_made_like_another_is_told_like_another() {
        let many = PATTERNS + 7;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut crowd = Crowd::new(Arc::new(MemoryStore::new()), many).await.unwrap();
            crowd.leave(2).await.unwrap();
            assert_eq!(crowd.pass().await.unwrap(), 2, "those that are due, and no other");
            crowd.world.advance(TimeDelta::days(i64::from(DAYS) - 5));
            assert_eq!(crowd.world.run_worker().await.unwrap().sent, 2, "five days before the first date");
            let mut told: Vec<_> = crowd.world.mailbox.take().into_iter().map(|mail| mail.to).collect();
            told.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
            let told: Vec<_> = told.iter().map(portcullis::contact::Email::as_str).collect();
            assert_eq!(told, ["reader-0-@example.com", "reader-60-@example.com"]);
        });
    }
}

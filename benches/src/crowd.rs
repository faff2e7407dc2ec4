//! A worker beside many accounts, each with a look at its users that is not due yet.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::contact::Email;
use portcullis::id::{AccountId, CommitId, uuid_v7};
use portcullis::port::store::{Commit, Expect, Kind, Lane, Put, Record, Store};
use portcullis::testing::World;
use portcullis::user::{Login, NewUser};
use uuid::Uuid;

use crate::Fallible;

/// Accounts that one commit writes.
const AT_ONCE: u32 = 500;

/// A worker beside many accounts.
#[derive(Debug)]
pub struct Crowd {
    world: World,
    account: AccountId,
    invited: u32,
}

impl Crowd {
    /// Fills a store with so many accounts, and for each a record of the timed lane that is due in a hundred days or
    /// later.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn new(store: Arc<dyn Store>, accounts: u32) -> Fallible<Self> {
        let world = World::on(store);
        let account = world.account("customer").await?.id;
        let mut number = 0;
        while number < accounts {
            let last = accounts.min(number + AT_ONCE);
            let puts = (number..last).flat_map(|number| of_account(number, world.now())).collect();
            let commit = Commit {
                id: CommitId::from_uuid(id(world.now(), number, 3)),
                now: world.now(),
                puts,
                guards: Vec::new(),
                deletes: Vec::new(),
                counters: Vec::new(),
                audit: Vec::new(),
            };
            world.store.commit(&commit).await.map_err(|error| format!("{error:?}"))?;
            number = last;
        }
        Ok(Self { world, account, invited: 0 })
    }

    /// Leaves so many messages to be sent at once.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn leave(&mut self, many: u32) -> Fallible<()> {
        for _ in 0..many {
            self.invited += 1;
            let login = format!("driver-{}", self.invited);
            let mut new = NewUser::new(Login::parse(&login)?, self.account);
            new.invited_email = Some(Email::parse(&format!("{login}@example.com"))?);
            self.world.security.users().create(new).await?;
        }
        Ok(())
    }

    /// One pass of the worker; gives how many messages it sent.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn pass(&self) -> Fallible<u32> {
        Ok(self.world.run_worker().await?.sent)
    }
}

/// An account, and the record that waits for it.
fn of_account(number: u32, now: DateTime<Utc>) -> [Put; 2] {
    let account = id(now, number, 1);
    let due = now + TimeDelta::days(100) + TimeDelta::seconds(number.into());
    let record = |kind, id, due, body| Record {
        tenant: account,
        kind: Kind::of(kind),
        id,
        version: 1,
        keys: Vec::new(),
        refs: vec![account],
        due,
        body,
    };
    let told = format!(r#"{{"v":1,"id":"{account}","name":"customer {number}","services":{{}}}}"#);
    let waiting = format!(r#"{{"v":1,"account":"{account}","due_at":"{due}"}}"#);
    [
        record("account", account, None, told),
        record("notice_schedule", id(now, number, 2), Some((Lane::Timed, due)), waiting),
    ]
    .map(|record| Put { record, expect: Expect::Absent })
}

/// Ids that sort by their numbers, and differ by what they are of.
fn id(now: DateTime<Utc>, number: u32, of: u8) -> Uuid {
    let mut rest = [of; 10];
    rest.iter_mut().skip(6).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    uuid_v7(now + TimeDelta::milliseconds(number.into()), rest)
}

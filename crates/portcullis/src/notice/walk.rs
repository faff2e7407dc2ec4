//! What the worker does when the users of an account are to be looked through, and what a change of an account leaves
//! it to do.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use uuid::Uuid;

use super::model::NoticeSchedule;
use super::plan::{self, Standing, UserPage};
use crate::account::rules::Chain;
use crate::account::{Account, TimeZone};
use crate::decision::{Changes, Decision, Stored};
use crate::engine::Engine;
use crate::engine::record::{self, View};
use crate::error::Error;
use crate::id::{AccountId, MessageId, UserId};
use crate::message::model::Message;
use crate::port::store::{Page, Start};
use crate::user::User;

impl Engine {
    /// The id of a user's notice of a day.
    pub(crate) fn notice_id(&self, user: UserId, day: NaiveDate) -> MessageId {
        let day = day.num_days_from_ce().to_be_bytes();
        let value = [user.uuid().as_bytes().as_slice(), &day].concat();
        MessageId::from_uuid(self.keyring().derive("blocking_notice", &value))
    }

    /// The id of an account's schedule.
    pub(crate) fn schedule_id(&self, account: AccountId) -> Uuid {
        self.keyring().derive("notice_schedule", account.uuid().as_bytes())
    }

    /// Where the schedule of an account is read.
    pub(crate) fn schedule_of(&self, account: AccountId) -> Start {
        Start::Id(self.schedule_id(account))
    }

    /// Plans the notices of each account that changes write. Its schedule was read with it.
    pub(crate) fn plan_notices(
        &self,
        view: &View,
        changes: &mut Changes,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        for after in record::written::<Account>(changes)? {
            let before = view.record::<Account>(after.id.uuid())?;
            let before = before.as_ref().map(|before| &before.value);
            let id = self.schedule_id(after.id);
            plan::replan(changes, before, &after, view.record(id)?, id, &self.policy, now);
        }
        Ok(())
    }

    /// Moves the notices of a user whose zone is changed to its hours. Who may sign in again is owed his again.
    pub(crate) fn move_notices(
        &self,
        view: &View,
        changes: &mut Changes,
        before: &Stored<User>,
        chain: &Chain,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Some(user) = record::written::<User>(changes)?.into_iter().next() else {
            return Ok(());
        };
        if !plan::resettles(&before.value, &user) {
            return Ok(());
        }
        let mut standing = BTreeMap::new();
        for id in self.notices_to_move(user.id, user.time_zone, now) {
            if let Some(message) = view.record::<Message>(id)? {
                let due = view.raw(id).and_then(|record| record.due);
                standing.insert(message.value.id, Standing { message, due });
            }
        }
        let name = |user, day| self.notice_id(user, day);
        plan::resettle(changes, &user, chain, standing, &name, &self.policy, now);
        Ok(())
    }

    /// The notices that a move of a user to this zone may concern.
    pub(crate) fn notices_to_move(&self, user: UserId, zone: TimeZone, now: DateTime<Utc>) -> Vec<Uuid> {
        plan::days_to_move(zone, now).into_iter().map(|day| self.notice_id(user, day).uuid()).collect()
    }

    /// Looks through one page of an account's users, and leaves the next page, or the next look, to be claimed.
    pub(crate) async fn walk_for_notices(&self, claimed: &Stored<NoticeSchedule>) -> Result<(), Error> {
        let (key, after) = claimed.value.place();
        let limit = self.policy.notice_page;
        let users = self.store.list(&key, Page { after, limit }).await?;
        let full = u32::try_from(users.len()).is_ok_and(|length| length >= limit);
        let last = users.last().filter(|_| full).map(|user| user.id);
        let users: Vec<_> = users.iter().map(|user| UserId::from_uuid(user.id)).collect();
        let users = &users;
        self.decide(|t| async move {
            let mut starts = vec![Start::Id(claimed.value.id)];
            starts.extend(users.iter().map(|user| Start::Id(user.uuid())));
            let view = self.read(&t, starts, Vec::new()).await?;
            let schedule = view.start::<NoticeSchedule>(0)?;
            let Some(schedule) = schedule.filter(|schedule| schedule.version() == claimed.version()) else {
                // Somebody else has it by now, or it was planned anew.
                return Ok(Decision::yes((), Changes::none()));
            };
            let account = view.record::<Account>(schedule.value.account.uuid())?;
            let mut page = UserPage { users: Vec::new(), last };
            for user in users {
                match reader(&view, *user) {
                    Ok(found) => page.users.extend(found),
                    // INVARIANT: one who can't be read costs nobody else a notice.
                    Err(error) => {
                        tracing::warn!(%user, %error, "a user is passed over: no notice is planned");
                    }
                }
            }
            let name = |user, day| self.notice_id(user, day);
            let account = account.as_ref().map(|account| &account.value);
            Ok(plan::walk(schedule, account, &page, &name, &self.policy, t.now))
        })
        .await
    }
}

/// A user with his accounts, if he is still there.
fn reader(view: &View, user: UserId) -> Result<Option<(Stored<User>, Chain)>, Error> {
    let Some(user) = view.record::<User>(user.uuid())? else {
        return Ok(None);
    };
    let chain = view.chain(&user.value)?;
    Ok(Some((user, chain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{DaysChange, NewAccount};
    use crate::id::CommitId;
    use crate::manage::AccountChange;
    use crate::policy::Policy;
    use crate::port::store::{Commit, Expect, Lane, Put};
    use crate::rights::Actor;
    use crate::testing::World;
    use crate::testing::world::WorldOptions;

    /// Writes a user's record as no release does.
    async fn damage(w: &World, user: &User, change: impl FnOnce(&str) -> String) {
        let read = crate::port::store::Read { starts: vec![Start::Id(user.id.uuid())], ..Default::default() };
        let snapshot = w.store.read(&read).await.unwrap();
        let mut record = snapshot.records[&user.id.uuid()].clone();
        record.body = change(&record.body);
        let commit = Commit {
            id: CommitId::from_uuid(Uuid::from_u128(user.id.uuid().as_u128() ^ 1)),
            now: w.now(),
            puts: vec![Put { expect: Expect::Version(record.version), record }],
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        };
        w.store.commit(&commit).await.unwrap();
    }

    #[tokio::test]
    async fn a_user_who_can_not_be_read_costs_nobody_else_his_notice() {
        let policy = Policy { notice_page: 1, ..Policy::default() };
        let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
        let new = NewAccount::named("demo").with_days(DaysChange::default().left(20).counting(true));
        let account = w.security.accounts().create(new).await.unwrap();
        let mut users = Vec::new();
        for login in ["alice", "bob", "carol"] {
            let user = w.user(&account, login, Some(&format!("{login}@example.com"))).await.unwrap();
            let session = w.sign_in(&user).await.unwrap();
            w.security.notices().set_blocking(session.id, true).await.unwrap();
            users.push(user);
        }
        users.sort_unstable_by_key(|user| user.id);
        let [broken, homeless, whole] = users.try_into().unwrap();
        damage(&w, &broken, |_| "{}".to_owned()).await;
        let nowhere = Uuid::from_u128(9).to_string();
        damage(&w, &homeless, |body| body.replace(&account.id.to_string(), &nowhere)).await;
        w.advance(chrono::TimeDelta::days(16));
        assert_eq!(w.run_worker().await.unwrap().failed, 0);
        let told: Vec<_> = w.mailbox.mails().into_iter().map(|mail| mail.to).collect();
        assert!(told.len() == 1 && told[0].same_as(whole.confirmed_email().unwrap()), "{told:?}");
    }

    #[tokio::test]
    async fn a_worker_that_has_lost_its_claim_keeps_nothing() {
        let w = World::new();
        let new = NewAccount::named("demo").with_days(DaysChange::default().left(3).counting(true));
        let account = w.security.accounts().create(new).await.unwrap();
        let engine = &w.security.engine;
        let kept = || async {
            let starts = vec![engine.schedule_of(account.id)];
            let view = engine.read(&engine.look(), starts, Vec::new()).await.unwrap();
            view.start::<NoticeSchedule>(0).unwrap().unwrap()
        };
        let claimed = kept().await;
        let lost = Stored::new(claimed.value.clone(), claimed.version() - 1, String::new());
        engine.walk_for_notices(&lost).await.unwrap();
        assert_eq!(kept().await.version(), claimed.version());
        engine.walk_for_notices(&claimed).await.unwrap();
        assert_eq!(kept().await.value.walk.map(|walk| walk.below), Some(true), "the own users are done");
    }

    /// Six users who want notices, in an account of a policy by which each is a page of his own.
    async fn six(days: i32) -> (World, Account, Vec<User>) {
        let policy = Policy { notice_page: 1, ..Policy::default() };
        let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
        let new = NewAccount::named("demo").with_days(DaysChange::default().left(60).counting(true));
        let account = w.security.accounts().create(new).await.unwrap();
        let mut users = Vec::new();
        for nth in 0..6 {
            let (login, address) = (format!("user{nth}"), format!("user{nth}@example.com"));
            let user = w.user(&account, &login, Some(&address)).await.unwrap();
            let session = w.sign_in(&user).await.unwrap();
            w.security.notices().set_blocking(session.id, true).await.unwrap();
            users.push(user);
        }
        users.sort_unstable_by_key(|user| user.id);
        move_to(&w, &account, days).await;
        (w, account, users)
    }

    async fn move_to(w: &World, account: &Account, days: i32) {
        let change = AccountChange::default().days(DaysChange::default().left(days).counting(true));
        w.security.manage(Actor::Program).change_account(account.id, &change).await.unwrap();
    }

    /// Sees to one page that is due; whether there was one.
    async fn see_to_a_page(w: &World) -> bool {
        let until = w.now() + w.security.policy().claim_life;
        let claimed = w.store.claim(Lane::Timed, w.now(), until, 1).await.unwrap();
        let Some(claimed) = claimed.into_iter().next() else { return false };
        w.security.engine.walk_for_notices(&record::parse(&claimed).unwrap()).await.unwrap();
        true
    }

    /// Which of the users have a notice of today.
    async fn told(w: &World, users: &[User]) -> Vec<usize> {
        let engine = &w.security.engine;
        let today = |user: &User| engine.notice_id(user.id, user.time_zone.day(w.now())).uuid();
        let starts = users.iter().map(|user| Start::Id(today(user))).collect();
        let view = engine.read(&engine.look(), starts, Vec::new()).await.unwrap();
        (0..users.len()).filter(|nth| view.start::<Message>(*nth).unwrap().is_some()).collect()
    }

    #[tokio::test]
    async fn a_date_that_is_moved_at_every_page_keeps_the_last_user_from_nothing() {
        let (w, account, users) = six(3).await;
        // A page of each user, and one that finds no more of them.
        for page in 0..7 {
            assert_eq!(told(&w, &users).await.len(), page.min(6));
            assert!(see_to_a_page(&w).await);
            move_to(&w, &account, if page % 2 == 0 { 4 } else { 3 }).await;
        }
        assert_eq!(told(&w, &users).await, [0, 1, 2, 3, 4, 5]);
        let mut left = 0;
        while see_to_a_page(&w).await {
            left += 1;
        }
        assert!((8..=16).contains(&left), "the rest of this look and another one, no more: {left}");
    }

    #[tokio::test]
    async fn a_page_that_is_under_way_is_kept_though_the_date_is_moved_again() {
        let (w, account, users) = six(3).await;
        assert!(see_to_a_page(&w).await);
        move_to(&w, &account, 4).await;
        let until = w.now() + w.security.policy().claim_life;
        let claimed = w.store.claim(Lane::Timed, w.now(), until, 1).await.unwrap();
        move_to(&w, &account, 3).await;
        w.security.engine.walk_for_notices(&record::parse(&claimed[0]).unwrap()).await.unwrap();
        assert_eq!(told(&w, &users).await, [0, 1]);
    }

    #[tokio::test]
    async fn who_was_passed_before_the_date_came_near_is_looked_at_again() {
        let (w, account, users) = six(3).await;
        move_to(&w, &account, 60).await;
        for _ in 0..3 {
            assert!(see_to_a_page(&w).await);
        }
        assert_eq!(told(&w, &users).await, [0_usize; 0]);
        move_to(&w, &account, 2).await;
        while see_to_a_page(&w).await {}
        assert_eq!(told(&w, &users).await, [0, 1, 2, 3, 4, 5]);
    }
}

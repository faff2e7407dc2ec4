//! Notices of an account that runs out, with several workers at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;

use super::kit::{Kit, at_once, must};
use super::stage::Gate;
use crate::account::{Account, DaysChange, NewAccount, TimeZone};
use crate::contact::Email;
use crate::decision::Changes;
use crate::engine::record::Schema;
use crate::id::{AccountId, MessageId};
use crate::manage::{AccountChange, UserChange};
use crate::message::MessageKind;
use crate::message::model::Draft;
use crate::notice::NoticeSchedule;
use crate::policy::Policy;
use crate::port::message::{Mail, MailSender, Receipt, SendError};
use crate::port::store::{Lane, Store};
use crate::recovery::Identifier;
use crate::rights::Actor;
use crate::testing::World;
use crate::testing::world::WorldOptions;
use crate::user::User;

/// So few users are seen to in one commit that several workers get some.
fn small_pages() -> Policy {
    Policy { notice_page: 2, ..Policy::default() }
}

impl Kit {
    async fn counted(&self, parent: Option<&Account>, days: i32) -> Account {
        let mut new = NewAccount::named("races");
        new.parent = parent.map(|parent| parent.id);
        let new = new.with_days(DaysChange::default().left(days).counting(true));
        must("an account", self.world.security.accounts().create(new).await)
    }

    /// A user who wants notices.
    async fn reader(&self, account: &Account, who: &str) -> User {
        let (user, session) = self.user(account, who).await;
        must("switching on", self.world.security.notices().set_blocking(session.id, true).await);
        user
    }

    /// So many workers, each in a process of its own, pass at once. Processes of different rounds draw different ids: a
    /// commit under an id that was used before would be taken for the same one.
    async fn pass_at_once(&self, round: u64, workers: u64) {
        let passes = (0..workers).map(|nth| {
            let nth = round * 10 + nth;
            let store = Arc::clone(&self.stage) as Arc<dyn Store>;
            let policy = small_pages();
            let options = WorldOptions { store, policy, seed: self.other_seed(nth), now: self.world.now() };
            let process = World::with_sender(options, self.world.mailbox.clone(), self.world.mailbox.clone());
            async move { process.run_worker().await }
        });
        for pass in at_once(passes.collect::<Vec<_>>()).await {
            must("a pass", pass);
        }
    }

    /// How often each message to an address was sent, in the order of their ids.
    fn sends(&self, address: &Email) -> Vec<u32> {
        let mut sends = BTreeMap::new();
        for mail in self.world.mailbox.to(address.as_str()) {
            *sends.entry(mail.id).or_insert(0_u32) += 1;
        }
        sends.into_values().collect()
    }
}

/// Several workers look through one account and those below it, and every day each reader gets one notice, from five
/// days before the block.
pub async fn workers_mail_each_day_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::under(small_pages(), store, nonce, "workers_mail_each_day_once");
    let top = kit.counted(None, 7).await;
    let low = kit.counted(Some(&top), 90).await;
    let mut readers = Vec::new();
    for nth in 0..3 {
        readers.push(kit.reader(&top, &format!("top{nth}")).await);
        readers.push(kit.reader(&low, &format!("low{nth}")).await);
    }
    for day in 0..9_u64 {
        let told = usize::try_from(day.saturating_sub(1)).unwrap_or(0).min(5);
        for reader in &readers {
            let sends = kit.sends(reader.confirmed_email().expect("a reader has an address"));
            assert_eq!(sends, vec![1; told], "one a day, on day {day}");
        }
        kit.world.advance(TimeDelta::days(1));
        kit.pass_at_once(day, 3).await;
    }
}

/// While workers look, dates are moved back and forth and readers move to other zones: nobody gets two notices for one
/// day, and who is owed one has it when all is over.
pub async fn moves_amid_a_look_double_nothing(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::under(small_pages(), store, nonce, "moves_amid_a_look_double_nothing");
    let account = kit.counted(None, 5).await;
    let mut readers = Vec::new();
    for nth in 0..6 {
        readers.push(kit.reader(&account, &format!("user{nth}")).await);
    }
    kit.world.advance(TimeDelta::days(1));
    let moving = {
        let (security, account) = (kit.world.security.clone(), account.id);
        let readers: Vec<_> = readers.iter().map(|reader| reader.id).collect();
        async move {
            let manage = security.manage(Actor::Program);
            for (nth, reader) in readers.into_iter().enumerate() {
                for zone in ["Pacific/Kiritimati", "America/New_York", "UTC"] {
                    let change = UserChange::default().time_zone(must("a zone", TimeZone::parse(zone)));
                    must("a move", manage.change_user(reader, &change).await);
                }
                let left = if nth % 2 == 0 { 60 } else { 4 };
                let change = AccountChange::default().days(DaysChange::default().left(left).counting(true));
                must("another date", manage.change_account(account, &change).await);
            }
        }
    };
    let moving = tokio::spawn(moving);
    for round in 0..4 {
        kit.pass_at_once(round, 2).await;
    }
    must("the moves", moving.await);
    kit.world.advance(kit.world.security.policy().claim_life);
    kit.pass_at_once(4, 1).await;
    for reader in &readers {
        let address = reader.confirmed_email().expect("a reader has an address");
        let sends = kit.sends(address);
        assert!(sends.iter().all(|sends| *sends == 1), "each of them once: {sends:?}");
        let mut told = BTreeMap::new();
        for mail in kit.world.mailbox.to(address.as_str()) {
            told.insert(mail.id, mail.text);
        }
        let texts: std::collections::BTreeSet<_> = told.values().collect();
        assert_eq!(texts.len(), told.len(), "no day twice: {told:?}");
        assert!(told.values().any(|text| text.contains(": 4 days left")), "today's came: {told:?}");
    }
}

/// Hands the first mail over to whoever looks, and holds every one.
#[derive(Clone)]
struct Holding {
    gate: Arc<Gate>,
    first: Arc<Mutex<Option<Email>>>,
}

#[async_trait]
impl MailSender for Holding {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| mail.to.clone());
        self.gate.pass().await;
        Ok(Receipt::new(None))
    }
}

/// So many notices are due, and then a code is asked for: the next worker that looks sends the code first.
///
/// Not one of [`RACES`](super::RACES): what it leaves waiting would be sent by all that come after it.
pub async fn a_code_goes_before_waiting_notices(store: &Arc<dyn Store>, nonce: u64, waiting: u32) {
    const AT_ONCE: u32 = 1000;
    let kit = Kit::new(store, nonce, "a_code_goes_before_waiting_notices");
    let account = kit.counted(None, 3).await;
    let reader = kit.reader(&account, "reader").await;
    let engine = &kit.world.security.engine;
    let to = reader.confirmed_email().expect("a reader has an address");
    let now = kit.world.now();
    let (mut left, mut nth) = (waiting, 0_u32);
    while left > 0 {
        let mut changes = Changes::none();
        for _ in 0..left.min(AT_ONCE) {
            let id = engine
                .keyring()
                .derive("waiting", &[&kit.other_seed(0).to_be_bytes()[..], &nth.to_be_bytes()].concat());
            changes.send(Draft {
                id: MessageId::from_uuid(id),
                tenant: reader.tenant.uuid(),
                user: reader.id,
                kind: MessageKind::BlockingNotice,
                to: to.into(),
                lane: Lane::Bulk,
                code: None,
                charge: None,
                once_at: None,
                not_before: Some(now),
                day: Some(reader.time_zone.day(now)),
            });
            nth += 1;
        }
        let commit = must("a commit", engine.seal(changes, now));
        must("a commit", store.commit(&commit).await);
        left = left.saturating_sub(AT_ONCE);
    }
    let (alice, session) = kit.user(&account, "alice").await;
    must("a code", kit.world.security.two_factor().ask(session.id, None).await);

    let first = kit.first_mail().await;
    let address = alice.confirmed_email().expect("alice has an address");
    assert!(first.is_some_and(|to| to.same_as(address)), "the code is sent first");
}

/// So many accounts are due to be looked through for notices, and then somebody asks for recovery: the next worker that
/// looks mails the link while next to nothing of the rest is done.
///
/// Not one of [`RACES`](super::RACES): what it leaves waiting would be done by all that come after it.
pub async fn a_recovery_goes_before_waiting_looks(store: &Arc<dyn Store>, nonce: u64, waiting: u32) {
    const AT_ONCE: u32 = 1000;
    let kit = Kit::new(store, nonce, "a_recovery_goes_before_waiting_looks");
    let engine = &kit.world.security.engine;
    let now = kit.world.now();
    for from in (0..waiting).step_by(AT_ONCE as usize) {
        let mut changes = Changes::none();
        for nth in from..waiting.min(from + AT_ONCE) {
            let name = [&kit.other_seed(0).to_be_bytes()[..], &nth.to_be_bytes()].concat();
            let account = AccountId::from_uuid(engine.keyring().derive("waiting", &name));
            changes.insert(&NoticeSchedule {
                v: Schema::default(),
                id: engine.schedule_id(account),
                tenant: account,
                account,
                blocks_at: None,
                walk: None,
                again: false,
                due_at: now,
            });
        }
        let commit = must("a commit", engine.seal(changes, now));
        must("a commit", store.commit(&commit).await);
    }
    let account = kit.account().await;
    let (alice, _) = kit.user(&account, "alice").await;
    kit.world.advance(TimeDelta::microseconds(1));
    let identifier = must("an identifier", Identifier::parse(alice.login.as_str()));
    must("a request", kit.world.security.recovery().request(&identifier, &kit.attempt(0)).await);

    let first = kit.first_mail().await;
    let address = alice.confirmed_email().expect("alice has an address");
    assert!(first.is_some_and(|to| to.same_as(address)), "the link is mailed");
    // A look that is begun goes on at the time of the worker.
    let left = must("a count", store.waiting(Lane::Timed, now, waiting).await);
    assert!(left.count > waiting / 10 * 9, "and nine of ten looks are still to be begun: {left:?}");
}

impl Kit {
    /// Whom a worker of a process of its own mails first. It is stopped then.
    async fn first_mail(&self) -> Option<Email> {
        let holding = Holding { gate: Gate::new(), first: Arc::default() };
        let store = Arc::clone(&self.stage) as Arc<dyn Store>;
        let now = self.world.now();
        let options = WorldOptions { store, seed: self.other_seed(1), now, ..WorldOptions::default() };
        let process = World::with_sender(options, holding.clone(), self.world.mailbox.clone());
        let pass = tokio::spawn(async move { process.run_worker().await });
        holding.gate.somebody_waits().await;
        pass.abort();
        holding.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! Several workers on one store.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use super::kit::{CALLERS, Kit, at_once, must, word};
use super::stage::{Gate, Stage};
use crate::id::CommitId;
use crate::message::Message;
use crate::port::message::{Mail, MailSender, Receipt, SendError};
use crate::port::store::{Commit, Expect, Key, Lane, Page, Put, Read, Record, Start, Store};
use crate::testing::World;
use crate::testing::mailbox::Mailbox;
use crate::testing::world::WorldOptions;

/// Hands a mail over once its gate is open.
#[derive(Clone)]
struct Slow {
    gate: Arc<Gate>,
    mailbox: Mailbox,
}

#[async_trait]
impl MailSender for Slow {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        self.gate.pass().await;
        self.mailbox.send(mail).await
    }
}

impl Kit {
    /// Turns the waiting messages under a key into bulk ones, as a room that writes such would.
    async fn make_bulk(&self, key: &Key) {
        let now = self.world.now();
        let listed = self.stage.list(key, Page { after: None, limit: 1000 }).await;
        for mut record in must("a list", listed) {
            if record.due.is_none_or(|(lane, _)| lane != Lane::Interactive) {
                continue;
            }
            record.body = record.body.replace("\"bulk\":false", "\"bulk\":true");
            record.due = Some((Lane::Bulk, now));
            let id = CommitId::from_uuid(uuid::Uuid::from_u128(record.id.as_u128() ^ 1));
            let puts = vec![Put { expect: Expect::Version(record.version), record }];
            let commit = Commit {
                id,
                now,
                puts,
                guards: Vec::new(),
                deletes: Vec::new(),
                counters: Vec::new(),
                audit: Vec::new(),
            };
            must("a bulk message", self.stage.commit(&commit).await);
        }
    }

    /// Another process: an engine of its own on the same store, with the same keys.
    fn process(&self, nth: u64, sender: impl MailSender) -> World {
        let store = Arc::clone(&self.stage) as Arc<dyn Store>;
        let options = WorldOptions { store, seed: self.other_seed(nth), ..WorldOptions::default() };
        World::with_sender(options, sender, self.world.mailbox.clone())
    }
}

/// Two workers, then four, in as many processes: each message is sent once while no claim ends, be it one that somebody
/// waits for or, every other one, a bulk one.
pub async fn workers_share_without_sending_twice(store: &Arc<dyn Store>, nonce: u64) {
    const MESSAGES: usize = 10;
    let kit = Kit::new(store, nonce, "workers_share_without_sending_twice");
    let account = kit.account().await;
    let (mut sessions, mut users) = (Vec::new(), Vec::new());
    for nth in 0..MESSAGES {
        let user = must("a user", kit.world.user(&account, &kit.login(&format!("user{nth}")), None).await);
        sessions.push(must("a sign-in", kit.world.sign_in(&user).await));
        users.push(user.id);
    }
    for workers in [2, 4] {
        // What earlier races left to be sent is not part of this one.
        kit.mail().await;
        let mut addresses = Vec::new();
        for (nth, session) in sessions.iter().enumerate() {
            let address = kit.address(&format!("new{workers}{nth}"));
            must("a new address", kit.world.security.email().set(session.id, &address).await);
            addresses.push(address);
        }
        let messages = Key::lookup(Message::KIND, "user", "");
        for user in users.iter().step_by(2) {
            kit.make_bulk(&Key { value: user.to_string(), ..messages.clone() }).await;
        }
        let processes: Vec<_> = (0..workers)
            .map(|nth| kit.process(workers * 10 + nth, kit.world.mailbox.clone()))
            .map(|world| async move { world.run_worker().await })
            .collect();
        let passes = at_once(processes).await;
        let sent: u32 = passes.into_iter().map(|pass| must("a pass", pass).sent).sum();
        let mut times = BTreeMap::new();
        for address in &addresses {
            for mail in kit.world.mailbox.to(address.as_str()) {
                *times.entry(mail.id).or_insert(0_u32) += 1;
            }
        }
        assert_eq!(times.len(), MESSAGES, "{workers} workers send every message");
        assert!(times.values().all(|sends| *sends == 1), "and each of them once: {times:?}");
        assert_eq!(usize::try_from(sent), Ok(MESSAGES), "and say so");
    }
}

/// A worker hangs past the end of its claim: another one sends the same message under the same id, and what the first
/// one has to say afterwards is not kept. So it is for bulk messages, too.
pub async fn a_late_outcome_is_not_kept(store: &Arc<dyn Store>, nonce: u64) {
    for bulk in [false, true] {
        late_outcome(store, nonce.wrapping_mul(2).wrapping_add(u64::from(bulk)), bulk).await;
    }
}

async fn late_outcome(store: &Arc<dyn Store>, nonce: u64, bulk: bool) {
    let kit = Kit::new(store, nonce, "a_late_outcome_is_not_kept");
    let account = kit.account().await;
    let user = must("a user", kit.world.user(&account, &kit.login("alice"), None).await);
    let session = must("a sign-in", kit.world.sign_in(&user).await);
    kit.mail().await;
    let address = kit.address("new");
    must("a new address", kit.world.security.email().set(session.id, &address).await);
    if bulk {
        kit.make_bulk(&Key::lookup(Message::KIND, "user", user.id.to_string())).await;
    }

    let gate = Gate::new();
    let slow = kit.process(1, Slow { gate: Arc::clone(&gate), mailbox: kit.world.mailbox.clone() });
    let late = tokio::spawn(async move { slow.run_worker().await });
    gate.somebody_waits().await;
    let other = must("a pass", kit.world.run_worker().await);
    assert_eq!(other.sent, 0, "while the claim lasts nobody else sends it");
    kit.world.advance(kit.world.security.policy().claim_life + TimeDelta::seconds(1));
    let other = must("a pass", kit.world.run_worker().await);
    assert_eq!(other.sent, 1, "after its end somebody else does");
    let mails = kit.world.mailbox.to(address.as_str());
    let id = mails.first().expect("it arrived").id;
    let settled = stored(&kit.stage, id.uuid()).await;

    gate.open();
    let late = must("the late pass", must("the late worker", late.await));
    assert_eq!((late.sent, late.failed), (0, 1), "the late outcome is not kept");
    let ids: Vec<_> = kit.world.mailbox.to(address.as_str()).iter().map(|mail| mail.id).collect();
    assert_eq!(ids, [id, id], "both sends had one id");
    assert_eq!(stored(&kit.stage, id.uuid()).await, settled, "the record is as the faster worker left it");
    let again = must("a pass", kit.world.run_worker().await);
    assert_eq!(again.sent, 0, "nothing is left to be sent");
}

/// Many send a message again that was given up: one of them does, everybody else finds it gone from the list, and it
/// leaves once.
pub async fn one_of_many_sends_a_dead_message_again(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_of_many_sends_a_dead_message_again");
    let account = kit.account().await;
    let address = kit.address("alice");
    let user = kit.world.user(&account, &kit.login("alice"), Some(address.as_str())).await;
    let user = must("a user", user);
    let session = must("a sign-in", kit.world.sign_in(&user).await);
    kit.mail().await;
    must("a second factor", kit.world.switch_on(session.id, &user).await);
    let mailbox = &kit.world.mailbox;
    mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
    kit.mail().await;
    mailbox.fail_with(None);
    let page = Page { after: None, limit: 1000 };
    let dead = must("a list", kit.world.security.dead_messages(page).await);
    let id = dead.iter().find(|message| message.user == user.id).expect("its notice was given up").id;

    let before = mailbox.to(address.as_str()).len();
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|_| {
        let security = kit.world.security.clone();
        async move { security.resend_message(id).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "one of many sends it again");
    let others = answers.iter().filter(|answer| word(*answer) == "not_found").count();
    assert_eq!(others, CALLERS - 1, "everybody else is told that it is no dead message any more");
    kit.mail().await;
    assert_eq!(mailbox.to(address.as_str()).len(), before + 1, "it leaves once");
}

async fn stored(stage: &Stage, id: uuid::Uuid) -> Option<Record> {
    let read = Read { starts: vec![Start::Id(id)], ..Read::default() };
    must("a read", stage.read(&read).await).records.remove(&id)
}

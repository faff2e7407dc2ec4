//! What went out, in its order, and whom each message was for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::seen::Arrived;
use crate::engine::record;
use crate::id::{MessageId, UserId};
use crate::memory::MemoryStore;
use crate::message::{Message, MessageKind};
use crate::port::message::{Mail, MailSender, Receipt, SendError, Sms, SmsSender};
use crate::port::store::{Read, Start, Store};
use crate::secret::Code;
use crate::testing::flaky::FlakySender;
use crate::testing::handset::{self, Handset};
use crate::testing::mailbox::{self, Mailbox};
use crate::testing::{block_on, usual};

/// Mail and SMS on their way out. All clones are one.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) smtp: Arc<FlakySender<Mailbox>>,
    pub(super) gateway: Arc<FlakySender<Handset>>,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    /// Every message that was handed over, in the order of its first time.
    order: Vec<MessageId>,
    /// Whom it was for and what it told, as far as that was looked up.
    told: BTreeMap<MessageId, (UserId, MessageKind)>,
}

impl Post {
    pub(super) fn new() -> Self {
        Self {
            smtp: Arc::new(FlakySender::new(Mailbox::new())),
            gateway: Arc::new(FlakySender::new(Handset::new())),
            book: Arc::default(),
        }
    }

    /// Looks up what the messages told that were handed over since; their records are purged some day.
    pub(super) fn learn(&self, store: &MemoryStore) {
        let mut book = self.book();
        let unknown: Vec<_> = book.order.iter().filter(|id| !book.told.contains_key(id)).copied().collect();
        let starts = unknown.iter().map(|id| Start::Id(id.uuid())).collect();
        let read = Read { now: usual::beginning(), starts, subjects: Vec::new() };
        let Ok(snapshot) = block_on(store.read(&read)) else { return };
        for id in unknown {
            let message = snapshot.records.get(&id.uuid()).map(record::parse::<Message>);
            if let Some(Ok(message)) = message {
                book.told.insert(id, (message.value.user, message.value.kind));
            }
        }
    }

    /// The mails that arrived for a user, oldest first.
    pub(super) fn mails(&self, user: UserId) -> Vec<Arrived<Mail>> {
        self.arrived(user, self.smtp.inner().mails().into_iter().map(|mail| (mail.id, mail)).collect())
    }

    /// The SMS that arrived for a user, oldest first.
    pub(super) fn sms(&self, user: UserId) -> Vec<Arrived<Sms>> {
        self.arrived(user, self.gateway.inner().submitted().into_iter().map(|sms| (sms.id, sms)).collect())
    }

    /// The code in the newest message to a user that carries one.
    pub(super) fn last_code(&self, user: UserId) -> Option<Code> {
        let mails = self.mails(user).into_iter().filter_map(|mail| {
            let code = mailbox::code_in(&mail.message)?;
            Some((mail.message.id, code))
        });
        let sms = self.sms(user).into_iter().filter_map(|sms| {
            let code = handset::code_in(&sms.message)?;
            Some((sms.message.id, code))
        });
        let mut codes: BTreeMap<MessageId, Code> = mails.chain(sms).collect();
        self.book().order.iter().rev().find_map(|id| codes.remove(id))
    }

    fn arrived<M>(&self, user: UserId, messages: Vec<(MessageId, M)>) -> Vec<Arrived<M>> {
        let book = self.book();
        let told = messages.into_iter().filter_map(|(id, message)| match book.told.get(&id) {
            Some((to, kind)) if *to == user => Some(Arrived { kind: *kind, message }),
            Some(_) | None => None,
        });
        told.collect()
    }

    fn note(&self, id: MessageId) {
        let mut book = self.book();
        if !book.order.contains(&id) {
            book.order.push(id);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailSender for Post {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        self.note(mail.id);
        self.smtp.send(mail).await
    }
}

#[async_trait]
impl SmsSender for Post {
    fn is_idempotent(&self) -> bool {
        self.gateway.is_idempotent()
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        self.note(sms.id);
        self.gateway.send(sms).await
    }
}

//! A sender that fails on order.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::port::message::{Mail, MailSender, Receipt, SendError, Sms, SmsSender};

/// Wraps a sender of mail or SMS: passes every message on, counts it, and fails those it was told to.
///
/// ```
/// use portcullis::contact::Email;
/// use portcullis::id::MessageId;
/// use portcullis::port::message::{Mail, MailSender, SendError};
/// use portcullis::testing::block_on;
/// use portcullis::testing::flaky::FlakySender;
/// use portcullis::testing::mailbox::Mailbox;
///
/// let mailbox = Mailbox::new();
/// let sender = FlakySender::new(mailbox.clone());
/// let mail = Mail {
///     id: MessageId::from_uuid(uuid::Uuid::from_u128(1)),
///     to: Email::parse("alice@example.com")?,
///     subject: "Hello".into(),
///     text: "Hello".into(),
///     html: "<p>Hello</p>".into(),
/// };
/// sender.fail(2, SendError::Transient { detail: "too busy" });
/// assert!(block_on(sender.send(&mail)).is_ok());
/// assert!(block_on(sender.send(&mail)).is_err());
/// assert!(block_on(sender.send(&mail)).is_ok());
/// assert_eq!((sender.calls(), mailbox.mails().len()), (3, 2));
/// # Ok::<(), portcullis::error::InputError>(())
/// ```
#[derive(Debug)]
pub struct FlakySender<S> {
    inner: S,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    calls: u64,
    orders: BTreeMap<u64, (SendError, bool)>,
    down: Option<SendError>,
}

impl<S> FlakySender<S> {
    /// Wraps a sender; without orders it behaves like it.
    pub fn new(inner: S) -> Self {
        Self { inner, book: Mutex::default() }
    }

    /// Orders the `nth` send to fail so, counted from 1 since the sender was made; the message goes nowhere.
    pub fn fail(&self, nth: u64, error: SendError) {
        self.book().orders.insert(nth, (error, false));
    }

    /// Orders the answer to the `nth` send to be this error although the message goes on: what a cut connection does.
    pub fn lose(&self, nth: u64, error: SendError) {
        self.book().orders.insert(nth, (error, true));
    }

    /// From now on every send fails as if nobody answered.
    pub fn down(&self) {
        self.down_with(SendError::Transient { detail: "not reachable" });
    }

    /// From now on every send fails so.
    pub fn down_with(&self, error: SendError) {
        self.book().down = Some(error);
    }

    /// From now on sends work again.
    pub fn up(&self) {
        self.book().down = None;
    }

    /// How often it was asked to send, failed ones included.
    pub fn calls(&self) -> u64 {
        self.book().calls
    }

    /// The wrapped sender.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Counts a call and says how it must fail, and whether the message goes on all the same.
    fn called(&self) -> Option<(SendError, bool)> {
        let mut book = self.book();
        book.calls += 1;
        let nth = book.calls;
        book.orders.remove(&nth).or_else(|| book.down.clone().map(|error| (error, false)))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: MailSender> MailSender for FlakySender<S> {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        match self.called() {
            None => self.inner.send(mail).await,
            Some((error, false)) => Err(error),
            Some((error, true)) => self.inner.send(mail).await.and(Err(error)),
        }
    }
}

#[async_trait]
impl<S: SmsSender> SmsSender for FlakySender<S> {
    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn send(&self, sms: &Sms) -> Result<Receipt, SendError> {
        match self.called() {
            None => self.inner.send(sms).await,
            Some((error, false)) => Err(error),
            Some((error, true)) => self.inner.send(sms).await.and(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::contact::Phone;
    use crate::id::MessageId;
    use crate::testing::block_on;
    use crate::testing::handset::Handset;

    fn sms(n: u128) -> Sms {
        let to = Phone::parse("+37120000045").unwrap();
        Sms { id: MessageId::from_uuid(Uuid::from_u128(n)), to, text: "code: 123456".to_owned() }
    }

    #[test]
    fn a_lost_answer_belongs_to_a_message_that_went_on() {
        let sender = FlakySender::new(Handset::new());
        let lost = SendError::Ambiguous { detail: "cut" };
        sender.lose(2, lost.clone());
        assert!(block_on(sender.send(&sms(1))).is_ok());
        assert_eq!(block_on(sender.send(&sms(2))), Err(lost));
        assert_eq!(sender.inner().submitted().len(), 2);
    }

    #[test]
    fn what_is_down_stays_down_until_it_is_up() {
        let sender = FlakySender::new(Handset::new());
        sender.inner().idempotent(true);
        assert!(sender.is_idempotent(), "it is as idempotent as what it wraps");
        sender.down();
        for n in 1..4 {
            assert!(matches!(block_on(sender.send(&sms(n))), Err(SendError::Transient { .. })));
        }
        sender.up();
        assert!(block_on(sender.send(&sms(4))).is_ok());
        assert_eq!((sender.calls(), sender.inner().submitted().len()), (4, 1));
    }
}

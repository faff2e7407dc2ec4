//! A `mockall` mock of every port, for a test that wants to say which calls come and what each answers.
//!
//! ```
//! use portcullis::port::message::{MailSender as _, Receipt, SendError};
//! use portcullis::testing::block_on;
//! use portcullis::testing::mocks::MockMailSender;
//! # use portcullis::contact::Email;
//! # use portcullis::id::MessageId;
//! # use portcullis::port::message::Mail;
//! # let mail = Mail {
//! #     id: MessageId::from_uuid(uuid::Uuid::from_u128(1)),
//! #     to: Email::parse("alice@example.com")?,
//! #     subject: String::new(),
//! #     text: String::new(),
//! #     html: String::new(),
//! # };
//!
//! let mut sender = MockMailSender::new();
//! sender.expect_send().times(1).returning(|_| Err(SendError::Permanent { detail: "no such mailbox" }));
//! sender.expect_send().returning(|_| Ok(Receipt::new(Some("queued"))));
//! assert!(block_on(sender.send(&mail)).is_err());
//! assert!(block_on(sender.send(&mail)).is_ok());
//! # Ok::<(), portcullis::error::InputError>(())
//! ```

pub use crate::port::ambient::{MockClock, MockRandom};
pub use crate::port::compromised::MockCompromisedPasswords;
pub use crate::port::flespi::MockFlespiApi;
pub use crate::port::hasher::MockPasswordHasher;
pub use crate::port::message::{MockMailSender, MockSmsSender};
pub use crate::port::store::MockStore;
pub use crate::port::template::MockTemplates;

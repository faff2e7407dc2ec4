//! Account security for services: sign-in, codes by e-mail, sessions, rights, the Security tab.
//!
//! Rules are pure functions of what is stored, what was found out and the time. One small engine reads once, asks the rule,
//! commits once, and only then answers; messages are records of that same commit, sent later by a worker. So parallel
//! guesses cannot outrun a limit, a code is worth one admission, and no mail tells of a change that was rolled back.
//!
//! # Embedding
//!
//! ```
//! use portcullis::account::NewAccount;
//! use portcullis::contact::SourceAddress;
//! use portcullis::keyring::Keyring;
//! use portcullis::memory::MemoryStore;
//! use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
//! use portcullis::secret::Password;
//! use portcullis::sign_in::Attempt;
//! use portcullis::testing::mailbox::Mailbox; // `portcullis_smtp::SmtpSender` in a service
//! use portcullis::user::{Login, NewUser};
//! use portcullis::{Error, Portcullis};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keyring::generate(&SystemRandom::default(), SystemClock::default().now())?; // once, then from a file
//! let security = Portcullis::builder(MemoryStore::new()) // or `SqliteStore`, `PostgresStore`
//!     .keyring(keys)
//!     .mail(Mailbox::new())
//!     .product("Example")
//!     .public_url("https://fleet.example.com") // where the links of messages lead
//!     .build()?;
//! let account = security.accounts().create(NewAccount::named("demo")).await?;
//! security.users().create(NewUser::new(Login::parse("alice")?, account.id)).await?;
//!
//! let from = Attempt::from(SourceAddress::from(std::net::IpAddr::from([192, 0, 2, 1])));
//! let password = Password::parse("correct horse battery".into(), "password")?;
//! match security.sign_in().start(&Login::parse("alice")?, &password, &from).await {
//!     Err(Error::Refused(refusal)) => assert_eq!(refusal.code(), "bad_credentials"), // alice has no password yet
//!     other => panic!("{other:?}"),
//! }
//! # Ok(()) }
//! ```
//!
//! # The rooms
//!
//! | room | what a host does there |
//! |---|---|
//! | [`sign_in`] | takes passwords and codes, admits, re-authenticates |
//! | [`session`] | asks who a token is, ends sessions |
//! | [`email`] | sets, confirms and clears the address |
//! | [`password`] | changes the password; hashing, and what a new one must be like |
//! | [`recovery`] | mails links that set a new or a first password |
//! | [`two_factor`] | switches codes on and off |
//! | [`notice`] | switches the daily mails before a block on and off |
//! | [`flespi`] | obtains, checks and opens the flespi token |
//! | [`settings`] | shows the whole Security tab |
//! | [`rights`] | flags, access rights, and the verdict that names every missing gate |
//! | [`invitation`], [`bootstrap`] | lets users in for the first time, the very first one too |
//! | [`user`], [`account`] | who exists, and who is blocked |
//! | [`spend`] | what SMS may cost: budgets, the quota of the account, which countries are served |
//! | [`sms_text`] | how many SMS a text takes, and what one says |
//! | [`challenge`], [`message`] | what codes and mails are |
//!
//! [`policy`] holds every number, [`keyring`] the host's keys, [`port`] the traits that adapters implement, [`memory`] the
//! reference of the store contract. The [`Worker`] sends what the rooms left to be sent: run one somewhere.
//!
//! # Features
//!
//! `argon2` (default) gives the hashing pool, `validation` (default) derives `Validate` on request structs, `phonenumber`
//! reads phone numbers as they are dialled at home, `tokio` gives a ready worker loop, `testing` what tests of hosts
//! need, without a runtime, and `conformance` what tests of adapters need, with tokio (neither is API-stable). A feature only
//! adds names.

pub mod account;
pub mod audit;
pub mod bootstrap;
pub mod challenge;
pub mod contact;
pub mod decision;
pub mod email;
mod engine;
pub mod error;
#[cfg(test)]
mod fixture;
pub mod flespi;
pub mod id;
pub mod invitation;
pub mod keyring;
pub mod language;
pub mod manage;
pub mod memory;
pub mod message;
pub mod notice;
pub mod password;
pub mod policy;
pub mod port;
pub mod recovery;
pub mod request;
pub mod rights;
pub mod schema;
pub mod secret;
pub mod session;
pub mod settings;
pub mod sign_in;
mod sms;
pub mod sms_text;
pub mod spend;
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
pub mod two_factor;
pub mod user;

pub use engine::Portcullis;
pub use engine::builder::{BuildError, Builder};
pub use engine::health::{Backlog, Health, Reports};
pub use engine::prepared::Prepared;
pub use engine::worker::{Pass, Worker};
pub use error::Error;

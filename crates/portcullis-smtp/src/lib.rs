//! SMTP mail sender for portcullis, over lettre and rustls.
//!
//! [`SmtpSender`] carries the mails of portcullis to one submission server. It says of every failure whether it may
//! work later, never will, is nobody's fault but the set-up's, or left the outcome unknown; see
//! [`SendError`](portcullis::port::message::SendError).
//!
//! ```
//! use portcullis::contact::Email;
//! use portcullis_smtp::{SmtpOptions, SmtpSender};
//! use secrecy::SecretString;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let from = Email::parse("security@example.com").unwrap();
//! let password = SecretString::from("from the host's secret store");
//! let options = SmtpOptions::new(from).from_name("Example Security").hello_name("app.example.com");
//! let sender = SmtpSender::from_url("smtp://app@mail.example.com:587", Some(password), options)?;
//! # let _ = sender;
//! # Ok(())
//! # }
//! ```
//!
//! # What is encrypted
//!
//! | URL | connection |
//! |---|---|
//! | `smtps://…` | TLS from the first byte |
//! | `smtp://…` | STARTTLS, required: nothing but the greeting, EHLO and STARTTLS goes in clear |
//! | `smtp://` to a loopback address without a user | clear text |
//!
//! Certificates and names are always checked. Clear text to anywhere else, or credentials in clear, only happens after
//! the host said so in so many words ([`SmtpOptions::danger_plaintext`],
//! [`SmtpOptions::danger_plaintext_credentials`]). A server that does not offer STARTTLS, or a middlebox that strips
//! it, gets neither credentials nor an address.
//!
//! # What is lettre's and what is not
//!
//! lettre words the commands, reads the replies, computes the AUTH responses and builds the MIME message. The bytes
//! are moved here: every wait ends at one deadline per mail, a reply is at most 16 KiB, whatever arrives ahead of its
//! turn ends the dialogue (so nothing said before TLS is believed after it), the code of every reply is checked, and no
//! byte of the dialogue can reach a log, whichever features of lettre the host's build turns on.

mod compose;
mod dialogue;
mod options;
mod outcome;
mod route;
mod sender;
mod tls;
mod url;

pub use options::{SetupError, SmtpOptions};
pub use sender::{Probe, SmtpSender};

//! A scripted SMTP server on loopback, and certificates for it.

pub(crate) mod certificates;
pub(crate) mod server;

use std::time::Duration;

use portcullis::contact::Email;
use portcullis::id::MessageId;
use portcullis::port::message::{Mail, SendError};
use portcullis_smtp::{SmtpOptions, SmtpSender};
use secrecy::SecretString;

pub(crate) const PASSWORD: &str = "c4n4ry-P4ssw0rd-7f3a";

/// Long enough for a busy machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn mail(number: u128) -> Mail {
    Mail {
        id: MessageId::from_uuid(uuid::Uuid::from_u128(number)),
        to: Email::parse("bob@example.org").unwrap(),
        subject: "Your code".to_owned(),
        text: "Your code is 924417.\r\n.\r\nDo not share it.\r\n".to_owned(),
        html: "<p>Your code is <b>924417</b>.</p>".to_owned(),
    }
}

pub(crate) fn options() -> SmtpOptions {
    SmtpOptions::new(Email::parse("security@example.com").unwrap())
        .from_name("Example Security")
        .hello_name("app.example.com")
        .timeout(PATIENCE)
}

/// A sender with credentials for a server on this port.
pub(crate) fn sender(scheme: &str, port: u16, options: SmtpOptions) -> SmtpSender {
    let url = format!("{scheme}://app%40login.test@localhost:{port}");
    SmtpSender::from_url(&url, Some(SecretString::from(PASSWORD)), options).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Transient,
    Permanent,
    Ambiguous,
    Misconfigured,
}

pub(crate) fn kind(error: &SendError) -> Kind {
    match error {
        SendError::Transient { .. } => Kind::Transient,
        SendError::Permanent { .. } => Kind::Permanent,
        SendError::Ambiguous { .. } => Kind::Ambiguous,
        SendError::Misconfigured { .. } => Kind::Misconfigured,
        SendError::Throttled { .. } | _ => panic!("no kind of error that SMTP has"),
    }
}

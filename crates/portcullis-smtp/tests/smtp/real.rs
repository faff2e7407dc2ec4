//! A real mail server, as `scripts/mail-servers` starts it: sent by SMTP, read back by IMAP.

use std::env;

use portcullis::contact::Email;
use portcullis::id::MessageId;
use portcullis::port::message::{Mail, MailSender as _};
use portcullis_smtp::{Probe, SmtpOptions, SmtpSender};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Kind, PATIENCE, kind, mail};

/// What `scripts/mail-servers start` printed.
pub(crate) struct Servers {
    starttls: String,
    implicit: String,
    password: String,
    authority: Vec<u8>,
    imap: String,
    imap_user: String,
    imap_password: String,
}

impl Servers {
    /// The servers, or `None` (said aloud, and a failure under `PORTCULLIS_NO_SKIP=1`) where none are named.
    pub(crate) fn named(test: &str) -> Option<Self> {
        let Ok(starttls) = env::var("PORTCULLIS_TEST_SMTP") else {
            eprintln!("skipped: {test}: PORTCULLIS_TEST_SMTP is not set");
            assert!(env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
            return None;
        };
        let named = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        Some(Self {
            starttls,
            implicit: named("PORTCULLIS_TEST_SMTPS"),
            password: named("PORTCULLIS_TEST_SMTP_PASSWORD"),
            authority: std::fs::read(named("PORTCULLIS_TEST_SMTP_CA")).unwrap(),
            imap: named("PORTCULLIS_TEST_IMAP"),
            imap_user: named("PORTCULLIS_TEST_IMAP_USER"),
            imap_password: named("PORTCULLIS_TEST_IMAP_PASSWORD"),
        })
    }

    fn sender(&self, url: &str, password: &str) -> SmtpSender {
        let options = SmtpOptions::new(Email::parse("security@portcullis.test").unwrap())
            .from_name("Señor Größe, \"quoted\"")
            .hello_name("app.portcullis.test")
            .timeout(PATIENCE)
            .root_certificates(self.authority.clone());
        SmtpSender::from_url(url, Some(SecretString::from(password.to_owned())), options).unwrap()
    }

    /// One by STARTTLS and one by TLS at once.
    pub(crate) fn senders(&self) -> [SmtpSender; 2] {
        [&self.starttls, &self.implicit].map(|url| self.sender(url, &self.password))
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_by_starttls_and_by_tls_at_once() {
    let Some(servers) = Servers::named("a_mail_arrives_whole") else { return };
    for sender in servers.senders() {
        assert_eq!(sender.check().await, Probe::Reachable);
        let mail = Mail {
            id: MessageId::from_uuid(fresh_id()),
            subject: "Код входа: 924417 — 登录".to_owned(),
            text: "Ваш код: 924417\n.\n..\nFrom the start\n".to_owned(),
            html: format!("<p>Ваш код: <b>924417</b></p>{}", "<i>длинная строка</i> ".repeat(100)),
            ..mail(1)
        };
        let receipt = sender.send(&mail).await.unwrap();
        assert!(receipt.reference.is_some_and(|name| !name.is_empty()));

        let raw = servers.read_back(&mail.id.to_string()).await;
        let (headers, body) = raw.split_once("\r\n\r\n").unwrap();
        assert!(headers.contains(&format!("Message-ID: <{}@portcullis.test>", mail.id)), "{headers}");
        assert!(headers.contains("Auto-Submitted: auto-generated"), "{headers}");
        assert!(headers.contains("Content-Type: multipart/alternative"), "{headers}");
        assert!(headers.contains("Envelope-to: bob@example.org"), "{headers}");
        assert!(headers.contains("Return-path: <security@portcullis.test>"), "{headers}");
        let decoded = quoted_printable(body);
        assert!(decoded.contains(&format!("\r\n\r\n{}", mail.text.replace('\n', "\r\n"))), "{decoded}");
        assert!(decoded.contains(&mail.html), "{decoded}");
    }
}

#[tokio::test]
async fn a_real_refusal_is_called_what_it_is() {
    let Some(servers) = Servers::named("a_real_refusal") else { return };
    for sender in servers.senders() {
        for (address, expected) in
            [("nobody@example.org", Kind::Permanent), ("greylist@example.org", Kind::Transient)]
        {
            let refused = Mail { to: Email::parse(address).unwrap(), ..mail(1) };
            assert_eq!(kind(&sender.send(&refused).await.unwrap_err()), expected, "{address}");
        }
        // And the connection that was refused on carries the next mail.
        sender.send(&mail(fresh_id().as_u128())).await.unwrap();
    }
}

#[tokio::test]
async fn a_real_wrong_password_or_authority_is_the_set_ups_fault() {
    let Some(servers) = Servers::named("a_real_wrong_password") else { return };
    for url in [&servers.starttls, &servers.implicit] {
        let wrong = servers.sender(url, "not-the-password");
        assert_eq!(kind(&wrong.send(&mail(1)).await.unwrap_err()), Kind::Misconfigured);
        assert!(matches!(wrong.check().await, Probe::Misconfigured { .. }));

        let from = Email::parse("security@portcullis.test").unwrap();
        let password = Some(SecretString::from(servers.password.clone()));
        let distrustful = SmtpSender::from_url(url, password, SmtpOptions::new(from)).unwrap();
        assert_eq!(kind(&distrustful.send(&mail(1)).await.unwrap_err()), Kind::Misconfigured);
    }
}

impl Servers {
    /// The mail of this id as the mailbox holds it.
    async fn read_back(&self, id: &str) -> String {
        self.holding("Message-ID", id, 1).await.concat()
    }

    /// The mails with this in a header as the mailbox holds them, once so many are there.
    pub(crate) async fn holding(&self, header: &str, value: &str, least: usize) -> Vec<String> {
        let mut imap =
            Imap { stream: TcpStream::connect(&self.imap).await.unwrap(), unread: Vec::new(), tag: 0 };
        imap.line().await;
        imap.ask(&format!("LOGIN {} {}", self.imap_user, self.imap_password)).await;
        imap.ask("SELECT INBOX").await;
        // exim delivers after it answered: ask until the mails are there.
        let found = timeout(PATIENCE, async {
            loop {
                let lines = imap.ask(&format!("SEARCH HEADER {header} {value}")).await;
                let hits = lines.iter().find_map(|line| line.strip_prefix("* SEARCH")).unwrap_or_default();
                let numbers: Vec<_> = hits.split_ascii_whitespace().map(str::to_owned).collect();
                if numbers.len() >= least {
                    return numbers;
                }
                imap.ask("NOOP").await;
            }
        });
        let mut mails = Vec::new();
        for number in found.await.expect("the mails did not arrive") {
            mails.push(imap.ask(&format!("FETCH {number} BODY[]")).await.concat());
        }
        mails
    }
}

/// As much IMAP as it takes to read one mail.
struct Imap {
    stream: TcpStream,
    unread: Vec<u8>,
    tag: u32,
}

impl Imap {
    /// Sends a command and gives the untagged lines and literals of its answer.
    async fn ask(&mut self, command: &str) -> Vec<String> {
        self.tag += 1;
        let tag = format!("a{} ", self.tag);
        self.stream.write_all(format!("{tag}{command}\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            let line = self.line().await;
            if let Some(end) = line.strip_prefix(&tag) {
                assert!(end.starts_with("OK"), "{command}: {line}");
                return answer;
            }
            let literal = line.trim_end().strip_suffix('}').and_then(|line| line.rsplit_once('{'));
            match literal.and_then(|(_, length)| length.parse().ok()) {
                Some(length) => answer.push(self.take(length).await),
                None => answer.push(line.trim_end().to_owned()),
            }
        }
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                return self.take(end + 1).await;
            }
            self.more().await;
        }
    }

    async fn take(&mut self, length: usize) -> String {
        while self.unread.len() < length {
            self.more().await;
        }
        String::from_utf8(self.unread.drain(..length).collect()).unwrap()
    }

    async fn more(&mut self) {
        let mut chunk = [0; 4096];
        let read = timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("no answer by IMAP").unwrap();
        assert!(read > 0, "the IMAP server hung up");
        self.unread.extend_from_slice(&chunk[..read]);
    }
}

/// An id that no earlier run of the tests used: the standard library seeds each hasher anew.
pub(crate) fn fresh_id() -> uuid::Uuid {
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
    uuid::Uuid::from_u64_pair(seed, u64::from(std::process::id()))
}

/// Decodes quoted-printable text (RFC 2045, 6.7), headers of the parts and all.
pub(crate) fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'=').then(|| tail.get(..2)).flatten();
        let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap()
}

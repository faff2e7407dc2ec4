//! Payloads that try to become commands, headers, receivers or the end of the mail, read back from the raw bytes.

use crate::support::server::{Script, Seen, Server};
use crate::support::{PASSWORD, mail, options};
use portcullis::contact::Email;
use portcullis::port::message::{Mail, MailSender as _};
use portcullis_smtp::{SmtpOptions, SmtpSender};
use secrecy::SecretString;

/// Each carries the word that must not become anything.
const PAYLOADS: [&str; 40] = [
    "\r\nBcc: evil@evil.test",
    "\nBcc: evil@evil.test",
    "\rBcc: evil@evil.test",
    "x\r\n\r\nevil body",
    "x\n\nevil body",
    "\r\n.\r\nMAIL FROM:<evil@evil.test>\r\nRCPT TO:<evil@evil.test>\r\nDATA\r\nevil\r\n.\r\n",
    "\n.\nMAIL FROM:<evil@evil.test>\nRCPT TO:<evil@evil.test>\nDATA\nevil\n.\n",
    "\r.\rMAIL FROM:<evil@evil.test>\r",
    "\r\n.\rRCPT TO:<evil@evil.test>\r\n",
    "\n.\r\nRCPT TO:<evil@evil.test>\r\n",
    "\r\n.\nRCPT TO:<evil@evil.test>\r\n",
    ".",
    "..",
    ".\r\n",
    "\r\n.\r\n",
    "\r\n..\r\n",
    "evil\0null",
    "\0\r\nBcc: evil@evil.test",
    "\u{b}Bcc: evil@evil.test",
    "\u{c}Bcc: evil@evil.test",
    "\u{85}Bcc: evil@evil.test",
    "\u{2028}Bcc: evil@evil.test",
    "\u{2029}Bcc: evil@evil.test",
    "\u{10a}\u{10d}Bcc: evil@evil.test",
    "嘊嘍Bcc: evil@evil.test",
    "\u{1b}[2Jevil",
    "\u{7f}evil",
    "\u{feff}Bcc: evil@evil.test",
    "%0d%0aBcc: evil@evil.test",
    "\\r\\nBcc: evil@evil.test",
    "=0D=0ABcc: evil@evil.test",
    "=?utf-8?Q?=0D=0ABcc:_evil@evil.test?=",
    "=?utf-8?B?DQpCY2M6IGV2aWxAZXZpbC50ZXN0?=",
    "evil\", evil <evil@evil.test>, \"",
    "<evil@evil.test>",
    "\r\nContent-Type: text/plain\r\n\r\nevil",
    "\r\n--=_00000000000000000000000000000001--\r\nevil",
    "\r\n--=_00000000000000000000000000000001\r\nContent-Type: text/evil\r\n\r\nevil",
    "\r\n folded: evil",
    "\t\r\n\tevil",
];

const HEADERS: [&str; 8] =
    ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];

#[tokio::test]
async fn no_payload_in_a_mail_becomes_a_command_a_header_or_a_receiver() {
    let server = Server::start(Script::clear()).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let sender = SmtpSender::from_url(&url, None, options()).unwrap();
    let mut sent = 0;
    for payload in PAYLOADS {
        let long = payload.repeat(60);
        for text in [payload, &long] {
            let with = |change: fn(&mut Mail, String)| {
                let mut mail = mail(1);
                change(&mut mail, text.to_owned());
                mail
            };
            for mail in [
                with(|mail, text| mail.subject = text),
                with(|mail, text| mail.text = text),
                with(|mail, text| mail.html = text),
            ] {
                sender.send(&mail).await.unwrap();
                sent += 1;
                one_mail(&server.seen(), sent, text);
            }
        }
    }
}

#[tokio::test]
async fn no_payload_in_the_set_up_becomes_anything() {
    let mut built = 0;
    for payload in PAYLOADS {
        let mut script = Script::clear();
        script.auth = "PLAIN";
        let server = Server::start(script).await;
        let escaped = payload.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let from = Email::parse("security@example.com").unwrap();
        let plain = || SmtpOptions::new(from.clone()).danger_plaintext_credentials();
        let url = |user: &str| format!("smtp://{user}@127.0.0.1:{}", server.port);
        let password = |text: &str| Some(SecretString::from(text.to_owned()));
        let senders = [
            SmtpSender::from_url(&url("app"), password(PASSWORD), plain().from_name(payload)),
            SmtpSender::from_url(&url("app"), password(PASSWORD), plain().hello_name(payload)),
            SmtpSender::from_url(&url(&escaped), password(PASSWORD), plain()),
            SmtpSender::from_url(&url(payload), password(PASSWORD), plain()),
            SmtpSender::from_url(&url("app"), password(payload), plain()),
        ];
        // What cannot be written safely is refused when building; what was built writes one mail.
        let mut sent = 0;
        for sender in senders.into_iter().flatten() {
            sender.send(&mail(1)).await.unwrap();
            sent += 1;
            one_mail(&server.seen(), sent, payload);
        }
        built += sent;
        if payload.chars().any(|c| matches!(c, '\r' | '\n' | '\0')) {
            assert_eq!(sent, 0, "{payload:?}");
        }
    }
    assert!(built > 0);
}

#[test]
fn no_payload_is_an_address() {
    for payload in PAYLOADS.iter().filter(|payload| payload.contains(['\r', '\n', '\0', '<', '"'])) {
        for address in [format!("bob{payload}@example.org"), format!("bob@example.org{payload}")] {
            assert!(Email::parse(&address).is_err(), "{address:?}");
        }
    }
}

/// The wire so far holds this many mails, each with one sender, one receiver, one end and unforged headers.
fn one_mail(seen: &Seen, sent: usize, payload: &str) {
    for verb in ["MAIL", "RCPT", "DATA"] {
        assert_eq!(seen.count(verb), sent, "{payload:?}: {verb}");
    }
    assert_eq!(seen.mails.len(), sent, "{payload:?}");
    for (line, _) in &seen.commands {
        let known = [
            "EHLO ",
            "AUTH ",
            "MAIL FROM:<security@example.com>",
            "RCPT TO:<bob@example.org>",
            "DATA",
            "RSET",
        ];
        assert!(known.iter().any(|known| line.starts_with(known)), "{payload:?}: {line}");
    }
    let raw = seen.mails.last().unwrap();
    let text = std::str::from_utf8(raw).unwrap();
    // One kind of line end, nothing else below a blank but tabs, nothing above ASCII.
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{payload:?}");
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte) || matches!(byte, b'\r' | b'\n' | b'\t')));
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{payload:?}");
    assert!(text.split("\r\n").all(|line| !line.starts_with('.') || line.starts_with("..")), "{payload:?}");

    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<_> = headers
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').unwrap_or_else(|| panic!("{payload:?}: no header: {line}")).0)
        .collect();
    names.sort_unstable();
    assert_eq!(names, HEADERS, "{payload:?}");
    let line = |name: &str| headers.split("\r\n").find(|line| line.starts_with(name)).unwrap();
    assert_eq!(line("To: "), "To: bob@example.org");
    // Folded or not, quoted or encoded: one address, the configured one.
    let unfolded = headers.replace("\r\n ", " ");
    let from = unfolded.split("\r\n").find(|line| line.starts_with("From: ")).unwrap();
    let unquoted = outside_quotes(from);
    assert!(
        unquoted.ends_with("security@example.com") || unquoted.ends_with("<security@example.com>"),
        "{from}"
    );
    assert_eq!(unquoted.matches('@').count(), 1, "{from}");
    assert!(!unquoted.contains(','), "{from}");

    // Two parts and no third, whatever the texts say about boundaries.
    let parts: Vec<_> = body.split("--=_00000000000000000000000000000001").collect();
    let [before, plain, html, after] = parts[..] else { panic!("{payload:?}: {body}") };
    assert_eq!((before, after), ("", "--\r\n"), "{payload:?}");
    for (part, kind) in [(plain, "text/plain"), (html, "text/html")] {
        let (headers, _) = part.split_once("\r\n\r\n").unwrap();
        let expected =
            format!("\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable");
        assert_eq!(headers, expected, "{payload:?}");
    }
}

/// What stands outside of quoted strings and encoded words.
fn outside_quotes(header: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut letters = header.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            '"' => quoted = !quoted,
            _ if !quoted => out.push(letter),
            _ => {}
        }
    }
    out.split(' ').filter(|word| !word.starts_with("=?utf-8?b?")).collect::<Vec<_>>().join(" ")
}

//! From a worded mail to the bytes of a MIME message.

use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use portcullis::port::message::{Mail, SendError};

/// A message ready for the wire, and its envelope: one sender, one receiver.
pub(crate) struct Composed {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) bytes: Vec<u8>,
}

/// In characters. A line of a mail has at most 998 bytes (RFC 5322, 2.1.1), and lettre folds at blanks alone.
const LONGEST_SUBJECT: usize = 250;

const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Builds the message; every try of a mail gives the same bytes but for the Date.
///
/// The Date is lettre's and of this machine: when a message was handed over is a fact of the transport (RFC 5322, 3.6.1)
/// and no rule reads it, so it is not asked of the clock port.
pub(crate) fn compose(mail: &Mail, from: &Mailbox) -> Result<Composed, SendError> {
    let unfit =
        |_| SendError::Permanent { detail: "the receiver's address cannot be written as a mail address" };
    let to: Address = mail.to.as_str().parse().map_err(unfit)?;
    let id = mail.id.uuid();
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        // Quoted-printable writes no "=_", so no text can close its part.
        .boundary(format!("=_{}", id.simple()))
        .singlepart(part(ContentType::TEXT_PLAIN, &mail.text)?)
        .singlepart(part(ContentType::TEXT_HTML, &mail.html)?);
    // No Content-Type is set here: beside one, `multipart` would send the parts as plain text.
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .multipart(parts)
        .map_err(|_| SendError::Permanent { detail: "the mail could not be built" })?;
    Ok(Composed { from: from.email.clone(), to, bytes: message.formatted() })
}

fn part(kind: ContentType, text: &str) -> Result<SinglePart, SendError> {
    let body = Body::new_with_encoding(lines(text), ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| SendError::Permanent { detail: "the mail could not be built" })?;
    Ok(SinglePart::builder().header(kind).body(body))
}

/// Line ends of every kind become one kind; other control characters are dropped, tabs stay.
fn lines(text: &str) -> String {
    let ended = text.replace("\r\n", "\n").replace('\r', "\n");
    ended
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect::<String>()
        .replace('\n', "\r\n")
}

/// A header is one line: control characters become blanks, and no word of it can outgrow a line of the wire.
fn one_line(text: &str) -> String {
    text.chars().take(LONGEST_SUBJECT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use portcullis::contact::Email;
    use portcullis::id::MessageId;

    use super::*;

    #[test]
    fn both_parts_are_there_and_the_whole_is_multipart() {
        let composed = compose(&mail("Código", "Ваш код 123456\n.\n", "<p>123456 — é</p>"), &from()).unwrap();
        let text = String::from_utf8(composed.bytes).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(headers.contains("Content-Type: multipart/alternative;"), "{headers}");
        assert!(headers.contains("Auto-Submitted: auto-generated\r\n"), "{headers}");
        assert!(headers.contains("Date: "), "{headers}");
        assert!(headers.contains("MIME-Version: 1.0"), "{headers}");
        assert!(text.is_ascii());
        assert_eq!(text.matches("Content-Type: text/plain; charset=utf-8\r\n").count(), 1);
        assert_eq!(text.matches("Content-Type: text/html; charset=utf-8\r\n").count(), 1);
    }

    #[test]
    fn every_try_gives_the_same_bytes_but_for_the_date() {
        let undated = || {
            let bytes = compose(&mail("s", "t", "h"), &from()).unwrap().bytes;
            let text = String::from_utf8(bytes).unwrap();
            text.split("\r\n").filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\r\n")
        };
        assert_eq!(undated(), undated());
        assert!(undated().contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n"));
    }

    #[test]
    fn line_ends_are_one_kind_and_controls_go() {
        assert_eq!(lines("a\rb\nc\r\nd\0\u{85}\te\n\r"), "a\r\nb\r\nc\r\nd\te\r\n\r\n");
        assert_eq!(one_line("a\r\nBcc: x\0"), "a  Bcc: x ");
    }

    fn from() -> Mailbox {
        "Example <security@example.com>".parse().unwrap()
    }

    fn mail(subject: &str, text: &str, html: &str) -> Mail {
        Mail {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            to: Email::parse("bob@example.org").unwrap(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: html.to_owned(),
        }
    }
}

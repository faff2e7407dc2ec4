//! One connection's talk with the server: commands out, bounded replies in, every wait under one deadline.

use std::fmt;
use std::ops::RangeInclusive;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Noop, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use crate::compose::Composed;
use crate::outcome::{Fault, Step};

/// No honest reply is longer, all its lines together.
const LONGEST_REPLY: usize = 16 * 1024;

/// Both sides' bytes, in clear or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// A fault and where it happened.
pub(crate) type Failure = (Step, Fault);

/// Credentials; written only by [`Dialogue::log_in`].
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// A connection and what has been read ahead of it.
pub(crate) struct Dialogue<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: Wire> Dialogue<S> {
    /// Takes a connection on which nothing has been said.
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Reads the greeting.
    pub(crate) async fn greeting(&mut self, deadline: Instant) -> Result<(), Failure> {
        self.reply(deadline)
            .await
            .and_then(|reply| expect(&reply, 220..=220))
            .map_err(|f| (Step::Greeting, f))
    }

    /// Says EHLO and learns what the server can do; what an earlier EHLO said is forgotten.
    pub(crate) async fn hello(&mut self, name: &str, deadline: Instant) -> Result<ServerInfo, Failure> {
        let at = |fault| (Step::Hello, fault);
        let hello = Ehlo::new(ClientId::Domain(name.to_owned()));
        let reply = self.command(&hello, 250..=250, deadline).await.map_err(at)?;
        // Keywords are case-insensitive (RFC 5321, 4.1.1.1); lettre knows them in upper case.
        let lines = reply.message().map(str::to_ascii_uppercase).collect();
        let info = ServerInfo::from_response(&Response::new(reply.code(), lines));
        info.map_err(|_| at(Fault::Garbage))
    }

    /// Asks for TLS and gives the bare connection back, ready for the handshake.
    pub(crate) async fn start_tls(mut self, info: &ServerInfo, deadline: Instant) -> Result<S, Failure> {
        let at = |fault| (Step::StartTls, fault);
        if !info.supports_feature(Extension::StartTls) {
            return Err(at(Fault::NoStartTls));
        }
        self.command(&Starttls, 220..=220, deadline).await.map_err(at)?;
        // INVARIANT: nothing said in clear outlives the step to TLS (RFC 3207, section 4.2).
        if self.unread.is_empty() { Ok(self.stream) } else { Err(at(Fault::Garbage)) }
    }

    /// Gives the credentials.
    pub(crate) async fn log_in(
        &mut self,
        login: &Login,
        info: &ServerInfo,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let at = |fault| (Step::Auth, fault);
        let mechanism = info.get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]);
        let mechanism = mechanism.ok_or(at(Fault::NoMechanism))?;
        let credentials = || Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
        let first = Auth::new(mechanism, credentials(), None).map_err(|_| at(Fault::NoMechanism))?;
        let mut reply = self.secret_command(&first, 235..=334, deadline).await.map_err(at)?;
        // LOGIN asks twice; whoever asks more often asks for something else.
        for _ in 0..2 {
            if !reply.has_code(334) {
                break;
            }
            let next = Auth::new_from_response(mechanism, credentials(), &reply);
            let next = next.map_err(|_| at(Fault::NoMechanism))?;
            reply = self.secret_command(&next, 235..=334, deadline).await.map_err(at)?;
        }
        expect(&reply, 235..=235).map_err(at)
    }

    /// Hands one mail over; gives the server's last reply.
    pub(crate) async fn deliver(&mut self, mail: &Composed, deadline: Instant) -> Result<Response, Failure> {
        let from = Mail::new(Some(mail.from.clone()), Vec::new());
        self.command(&from, 250..=250, deadline).await.map_err(|f| (Step::From, f))?;
        let to = Rcpt::new(mail.to.clone(), Vec::new());
        self.command(&to, 250..=251, deadline).await.map_err(|f| (Step::To, f))?;
        self.command(&Data, 354..=354, deadline).await.map_err(|f| (Step::Data, f))?;
        self.write(&stuffed(&mail.bytes), deadline).await.map_err(|f| (Step::Data, f))?;
        let at = |fault| (Step::End, fault);
        self.in_turn().map_err(at)?;
        self.write(b".\r\n", deadline).await.map_err(at)?;
        let reply = self.reply(deadline).await.map_err(at)?;
        expect(&reply, 250..=250).map_err(at)?;
        Ok(reply)
    }

    /// Clears whatever the last mail left; a connection that cannot do it is dead.
    pub(crate) async fn reset(&mut self, deadline: Instant) -> Result<(), Fault> {
        self.command(&Rset, 250..=250, deadline).await.map(drop)
    }

    /// Asks for a sign of life.
    pub(crate) async fn noop(&mut self, deadline: Instant) -> Result<(), Failure> {
        self.command(&Noop, 250..=250, deadline).await.map(drop).map_err(|f| (Step::Hello, f))
    }

    async fn command(
        &mut self,
        command: &impl fmt::Display,
        wanted: RangeInclusive<u16>,
        deadline: Instant,
    ) -> Result<Response, Fault> {
        self.in_turn()?;
        self.write(command.to_string().as_bytes(), deadline).await?;
        let reply = self.reply(deadline).await?;
        expect(&reply, wanted)?;
        Ok(reply)
    }

    /// The same for a command that must not linger in memory.
    async fn secret_command(
        &mut self,
        command: &impl fmt::Display,
        wanted: RangeInclusive<u16>,
        deadline: Instant,
    ) -> Result<Response, Fault> {
        let command = SecretString::from(command.to_string());
        self.command(&command.expose_secret(), wanted, deadline).await
    }

    /// Whoever answers before being asked is out of step: the next answers could not be told apart.
    fn in_turn(&self) -> Result<(), Fault> {
        if self.unread.is_empty() { Ok(()) } else { Err(Fault::Garbage) }
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(deadline, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Fault::Cut),
            Err(_) => Err(Fault::TimedOut),
        }
    }

    async fn reply(&mut self, deadline: Instant) -> Result<Response, Fault> {
        let mut seen = 0;
        loop {
            while let Some(line) = line_end(&self.unread, seen) {
                if is_last(self.unread.get(seen..line).unwrap_or_default()) {
                    let reply: Vec<u8> = self.unread.drain(..line).collect();
                    return understood(&reply, reply.get(seen..).unwrap_or_default());
                }
                seen = line;
            }
            if self.unread.len() >= LONGEST_REPLY {
                return Err(Fault::Oversized);
            }
            let mut chunk = [0; 1024];
            match timeout_at(deadline, self.stream.read(&mut chunk)).await {
                Ok(Ok(0) | Err(_)) => return Err(Fault::Cut),
                Ok(Ok(read)) => self.unread.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(_) => return Err(Fault::TimedOut),
            }
        }
    }
}

/// The place after the first line feed at or behind `from`.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|byte| *byte == b'\n').map(|at| from + at + 1)
}

/// Whether a reply ends with this line: only `250-` and the like announce another one.
fn is_last(line: &[u8]) -> bool {
    !(line.len() > 3 && line.iter().take(3).all(u8::is_ascii_digit) && line.get(3) == Some(&b'-'))
}

/// Reads a reply; the code of its last line is told from the digits, since lettre knows no second digit above 5.
fn understood(reply: &[u8], last: &[u8]) -> Result<Response, Fault> {
    let digits =
        last.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit)).ok_or(Fault::Garbage)?;
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(*digit - b'0'));
    match code {
        400..=599 => Err(Fault::Refused(code)),
        _ => String::from_utf8_lossy(reply).parse().map_err(|_| Fault::Garbage),
    }
}

fn expect(reply: &Response, wanted: RangeInclusive<u16>) -> Result<(), Fault> {
    if wanted.contains(&u16::from(reply.code())) { Ok(()) } else { Err(Fault::Garbage) }
}

/// Doubles the dot that begins a line (RFC 5321, 4.5.2) and ends the last line.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_that_begins_a_line_is_doubled() {
        for (plain, wire) in [
            ("", "\r\n"),
            (".", "..\r\n"),
            ("a.b\r\n", "a.b\r\n"),
            ("a\r\n.\r\nQUIT\r\n", "a\r\n..\r\nQUIT\r\n"),
            ("..\r\n.", "...\r\n..\r\n"),
        ] {
            assert_eq!(stuffed(plain.as_bytes()), wire.as_bytes(), "{plain:?}");
        }
    }

    #[tokio::test]
    async fn replies_are_read_whole_however_they_are_cut() {
        let whole = b"250-one\r\n250-two\r\n250 three\r\n";
        for at in 1..whole.len() {
            let stream = chunked(&[&whole[..at], &whole[at..]]).await;
            let reply = Dialogue::new(stream).reply(Instant::now() + SOON).await.unwrap();
            assert_eq!(reply.message().collect::<Vec<_>>(), ["one", "two", "three"]);
        }
    }

    #[test]
    fn every_refusal_is_read_as_one() {
        for code in (400..600).map(|code: u16| (code, format!("{code} x\r\n"))) {
            assert_eq!(understood(code.1.as_bytes(), code.1.as_bytes()), Err(Fault::Refused(code.0)));
        }
        for garbage in ["", "\r\n", "25\r\n", "abc\r\n", "600 x\r\n", "199 x\r\n", "290 x\r\n"] {
            assert_eq!(
                understood(garbage.as_bytes(), garbage.as_bytes()),
                Err(Fault::Garbage),
                "{garbage:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_endless_reply_is_given_up() {
        let line = b"250-x\r\n".repeat(10_000);
        let faults = [vec![b'2'; 100_000], line];
        for bytes in faults {
            let stream = chunked(&[&bytes]).await;
            let fault = Dialogue::new(stream).reply(Instant::now() + SOON).await.unwrap_err();
            assert_eq!(fault, Fault::Oversized);
        }
    }

    const SOON: std::time::Duration = std::time::Duration::from_secs(20);

    /// A stream from which these chunks can be read.
    async fn chunked(chunks: &[&[u8]]) -> tokio::io::DuplexStream {
        let (ours, mut theirs) = tokio::io::duplex(200_000);
        for chunk in chunks {
            theirs.write_all(chunk).await.unwrap();
        }
        ours
    }
}

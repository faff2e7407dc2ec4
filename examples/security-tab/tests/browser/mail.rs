//! Where the browser's user reads the codes: the mailbox of dev mode, or a real one by IMAP.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::skipped;
use crate::support::{Program, find_code};

const PATIENCE: Duration = Duration::from_secs(60);
/// A mailbox is asked so often before a mail counts as lost.
const ASKED_AT_MOST: u32 = 20_000;

/// Where mail arrives.
pub(crate) enum Mail {
    /// At `/dev/messages`.
    Dev,
    /// On a real server.
    Imap(Server),
}

impl Mail {
    /// The code of the `nth` mail with a code to an address, counted from 1.
    pub(crate) fn code(&self, program: &Program, to: &str, nth: usize) -> String {
        let mut client = program.client();
        assert_eq!(client.json("POST", "/dev/run-worker", &Value::Null).status, 200);
        match self {
            Self::Dev => {
                let sent = client.get("/dev/messages").json();
                let own = sent.as_array().unwrap().iter().filter(|message| message["to"] == to);
                let mut codes = own.filter_map(|message| find_code(message["text"].as_str().unwrap()));
                codes.nth(nth - 1).unwrap_or_else(|| panic!("no code number {nth} in {sent}"))
            }
            Self::Imap(server) => server.code(to, nth),
        }
    }
}

/// What `scripts/mail-servers` started.
pub(crate) struct Server {
    /// The URL of its SMTP.
    pub(crate) smtp: String,
    password: String,
    authority: String,
    imap: String,
    imap_user: String,
    imap_password: String,
}

impl Server {
    /// The server; `None`, said aloud, where none is named.
    pub(crate) fn named(test: &str) -> Option<Self> {
        let Ok(smtp) = env::var("PORTCULLIS_TEST_SMTP") else {
            skipped(test, "PORTCULLIS_TEST_SMTP is not set");
            return None;
        };
        let named = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        Some(Self {
            smtp,
            password: named("PORTCULLIS_TEST_SMTP_PASSWORD"),
            authority: named("PORTCULLIS_TEST_SMTP_CA"),
            imap: named("PORTCULLIS_TEST_IMAP"),
            imap_user: named("PORTCULLIS_TEST_IMAP_USER"),
            imap_password: named("PORTCULLIS_TEST_IMAP_PASSWORD"),
        })
    }

    /// What the program has to find in its environment.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        vec![("PORTCULLIS_SMTP_PASSWORD", &self.password), ("PORTCULLIS_SMTP_CA", &self.authority)]
    }

    /// The code of the `nth` mail with a code to an address.
    fn code(&self, to: &str, nth: usize) -> String {
        let stream = TcpStream::connect(&self.imap).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut session = Session { stream: BufReader::new(stream), commands: 0 };
        session.greeting();
        session.ask(&format!("LOGIN {} {}", self.imap_user, self.imap_password));
        session.ask("SELECT INBOX");
        for _ in 0..ASKED_AT_MOST {
            let found = session.ask(&format!("SEARCH TO {to}"));
            let numbers = found.lines().find_map(|line| line.strip_prefix("* SEARCH")).unwrap_or_default();
            let mut codes = Vec::new();
            for number in numbers.split_whitespace() {
                codes.extend(find_code(&session.ask(&format!("FETCH {number} BODY[TEXT]"))));
            }
            if let Some(code) = codes.into_iter().nth(nth - 1) {
                return code;
            }
            // The server looks for new mail at this.
            session.ask("NOOP");
        }
        panic!("code number {nth} did not arrive")
    }
}

/// As much IMAP as it takes to find one mail.
struct Session {
    stream: BufReader<TcpStream>,
    commands: u32,
}

impl Session {
    fn greeting(&mut self) {
        assert!(self.line().starts_with("* OK"));
    }

    /// Sends a command and gives everything that came before its end.
    fn ask(&mut self, command: &str) -> String {
        self.commands += 1;
        let tag = format!("t{} ", self.commands);
        self.stream.get_mut().write_all(format!("{tag}{command}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        loop {
            let line = self.line();
            if let Some(end) = line.strip_prefix(&tag) {
                assert!(end.starts_with("OK"), "{line}");
                return answer;
            }
            answer.push_str(&line);
            // `{n}` at the end of a line announces n bytes that may hold anything.
            let announced = line.trim_end().strip_suffix('}').and_then(|line| line.rsplit_once('{'));
            if let Some(length) = announced.and_then(|(_, length)| length.parse().ok()) {
                let mut literal = vec![0; length];
                self.stream.read_exact(&mut literal).unwrap();
                answer.push_str(&String::from_utf8(literal).unwrap());
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up");
        line
    }
}

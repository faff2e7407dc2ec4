//! A small SMS gateway of Twilio's shape on loopback: keeps what it is given, answers as it was told, and reports.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

use super::client::{Client, Reply};

/// The password the program sends by, of the account `AC01`.
const PASSWORD: &str = "s3cret";
/// `AC01:s3cret`, as it comes in a request.
const AUTHORIZATION: &str = "Basic QUMwMTpzM2NyZXQ=";
/// What reports have to bring.
const SECRET: &str = "4f0a7c1be2d94c55";
/// `gateway:4f0a7c1be2d94c55`, as it goes in a request.
const REPORTER: &str = "Basic Z2F0ZXdheTo0ZjBhN2MxYmUyZDk0YzU1";

/// What the gateway does with the next SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Takes it.
    Take,
    /// Takes it, and hangs up without an answer.
    Cut,
    /// Reports that it arrived before it says that it took it.
    ReportFirst,
    /// Refuses the credentials.
    Refuse,
}

/// An SMS that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The number.
    pub(crate) to: String,
    /// The text.
    pub(crate) text: String,
    /// Where its reports go, without scheme, credentials and host; empty if nowhere.
    pub(crate) reports: String,
    /// What a report before the answer was answered with, and when it is to come again.
    pub(crate) early: Option<(u16, String)>,
}

/// The gateway.
pub(crate) struct Gateway {
    address: String,
    act: Arc<Mutex<Act>>,
    taken: Arc<Mutex<Vec<Submission>>>,
}

impl Gateway {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let gateway = Self { address, act: Arc::new(Mutex::new(Act::Take)), taken: Arc::default() };
        let (act, taken) = (Arc::clone(&gateway.act), Arc::clone(&gateway.taken));
        spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let act = *act.lock().unwrap();
                let _gone = serve(stream, act, &taken);
            }
        });
        gateway
    }

    /// What the program is started with.
    pub(crate) fn url(&self) -> String {
        format!("twilio+http://AC01@{}", self.address)
    }

    /// What the program has to find in its environment.
    pub(crate) fn variables() -> [(&'static str, &'static str); 2] {
        [("PORTCULLIS_SMS_PASSWORD", PASSWORD), ("PORTCULLIS_SMS_REPORT_SECRET", SECRET)]
    }

    /// What is done with each SMS from now on.
    pub(crate) fn act(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    /// What was submitted so far.
    pub(crate) fn taken(&self) -> Vec<Submission> {
        self.taken.lock().unwrap().clone()
    }
}

impl Submission {
    /// The digits of its code.
    pub(crate) fn code(&self) -> String {
        let code = self.text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        code.unwrap_or_else(|| panic!("no code in {}", self.text)).to_owned()
    }

    /// Reports a state of it to the program.
    pub(crate) fn report(&self, client: Client, state: &str) -> Reply {
        report(client.with("Authorization", REPORTER), &self.reports, state)
    }
}

/// Reports a state as whoever the client is.
pub(crate) fn report(mut client: Client, path: &str, state: &str) -> Reply {
    let body = format!("MessageSid=SM1&MessageStatus={state}");
    client.send("POST", path, "application/x-www-form-urlencoded", &body)
}

fn serve(stream: TcpStream, act: Act, taken: &Mutex<Vec<Submission>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut authorized) = (0, false);
    reader.read_line(&mut String::new()).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        // The empty line that ends the head has no colon.
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorized = value == AUTHORIZATION,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if act == Act::Refuse || !authorized {
        return say(reader, 401, "{\"code\":20003}");
    }
    let body = String::from_utf8(body).unwrap();
    let field = |name: &str| {
        let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map_or_else(String::new, |(_, value)| decode(value))
    };
    let callback = field("StatusCallback");
    let expected = format!("http://gateway:{SECRET}@");
    let reports = callback.strip_prefix(&expected).map_or("", |rest| rest);
    let (host, path) = reports.split_at(reports.find('/').unwrap_or(0));
    let mut submission =
        Submission { to: field("To"), text: field("Body"), reports: path.to_owned(), early: None };
    if act == Act::ReportFirst {
        let reply = submission.report(Client::new(host), "delivered");
        submission.early = Some((reply.status, reply.header("retry-after").to_owned()));
    }
    taken.lock().unwrap().push(submission);
    if act == Act::Cut { None } else { say(reader, 201, "{\"sid\":\"SM1\",\"status\":\"queued\"}") }
}

fn say(reader: BufReader<TcpStream>, status: u16, body: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    reader.into_inner().write_all(format!("{head}{body}").as_bytes()).ok()
}

fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

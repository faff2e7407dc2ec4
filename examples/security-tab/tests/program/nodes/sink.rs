//! A mail server that takes everything and remembers it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::spawn;
use std::time::Duration;

use uuid::Uuid;

use crate::support::find_code;

/// What came, for everybody who waits for something.
#[derive(Clone, Default)]
pub(super) struct Sink(Arc<(Mutex<Mails>, Condvar)>);

#[derive(Default)]
struct Mails {
    /// How often each message came.
    messages: BTreeMap<Uuid, u32>,
    /// The codes of an address that nobody has taken yet, oldest first.
    codes: BTreeMap<String, VecDeque<String>>,
}

impl Sink {
    /// Starts it and gives its URL.
    pub(super) fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let sink = Self::default();
        spawn({
            let sink = sink.clone();
            move || {
                for client in listener.incoming().map(Result::unwrap) {
                    let sink = sink.clone();
                    // A sender that is killed hangs up in the middle of anything.
                    spawn(move || sink.talk(client).unwrap_or_default());
                }
            }
        });
        (sink, url)
    }

    fn talk(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(client.try_clone()?).lines();
        client.write_all(b"220 sink\r\n")?;
        let mut to = String::new();
        while let Some(line) = lines.next().transpose()? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "RCPT" => {
                    line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                    client.write_all(b"250 ok\r\n")?;
                }
                "DATA" => {
                    client.write_all(b"354 go on\r\n")?;
                    let mut text = String::new();
                    loop {
                        let Some(line) = lines.next().transpose()? else { return Ok(()) };
                        if line == "." {
                            break;
                        }
                        text.push_str(&line);
                        text.push('\n');
                    }
                    // Taken over as the answer leaves: whoever does not hear it sends again.
                    self.take_over(&to, &text);
                    client.write_all(b"250 ok\r\n")?;
                }
                "QUIT" => return client.write_all(b"221 bye\r\n"),
                _ => client.write_all(b"250 ok\r\n")?,
            }
        }
        Ok(())
    }

    fn take_over(&self, to: &str, text: &str) {
        let id =
            text.lines().find_map(|line| line.strip_prefix("Message-ID: <")).expect("every mail has one");
        let id = id.split('@').next().unwrap().parse().expect("it is the message's own");
        let (mails, changed) = &*self.0;
        let mut mails = mails.lock().unwrap();
        let times = mails.messages.entry(id).or_default();
        *times += 1;
        // A mail sent again carries the code that came before.
        if *times == 1
            && let Some(code) = find_code(text)
        {
            mails.codes.entry(to.to_owned()).or_default().push_back(code);
        }
        changed.notify_all();
    }

    /// The next code of an address, if one comes in time.
    pub(super) fn code(&self, address: &str, patience: Duration) -> Option<String> {
        let (mails, changed) = &*self.0;
        let none = |mails: &mut Mails| mails.codes.get(address).is_none_or(VecDeque::is_empty);
        let (mut mails, _) = changed.wait_timeout_while(mails.lock().unwrap(), patience, none).unwrap();
        mails.codes.get_mut(address)?.pop_front()
    }

    /// Every message that came, and how often.
    pub(super) fn messages(&self) -> BTreeMap<Uuid, u32> {
        self.0.0.lock().unwrap().messages.clone()
    }
}

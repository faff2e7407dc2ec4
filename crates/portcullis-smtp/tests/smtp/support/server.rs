//! The scripted server: does as an SMTP server does, but for one trouble at one step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Greeting,
    /// The first EHLO.
    Hello,
    StartTls,
    Auth,
    From,
    To,
    Data,
    End,
    Quit,
}

/// Every step of handing a mail over.
pub(crate) const STEPS: [At; 8] =
    [At::Greeting, At::Hello, At::StartTls, At::Auth, At::From, At::To, At::Data, At::End];

#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Answers this in place of what is due.
    Say(&'static str),
    /// Answers what is due, and this in the same packet.
    SayMore(&'static str),
    /// Hangs up.
    Cut,
    /// Never answers, and keeps the connection.
    Hang,
    /// Answers a mebibyte without a line end.
    Flood,
    /// Answers a mebibyte in lines that all announce another one.
    Lines,
}

#[derive(Clone)]
pub(crate) struct Script {
    /// On the first connection only, so that the next try finds a good server.
    pub(crate) trouble: Option<(At, Trouble)>,
    /// On every connection.
    pub(crate) always: bool,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// TLS from the first byte.
    pub(crate) implicit: bool,
    pub(crate) starttls: bool,
    /// What AUTH offers; empty: none.
    pub(crate) auth: &'static str,
    /// What happens right after the server said that it took a mail over.
    pub(crate) taken: Option<Arc<dyn Fn() + Send + Sync>>,
    mended: Arc<AtomicBool>,
}

impl Script {
    pub(crate) fn new(tls: Arc<ServerConfig>) -> Self {
        Self {
            trouble: None,
            always: false,
            tls: Some(tls),
            implicit: false,
            starttls: true,
            auth: "PLAIN LOGIN",
            taken: None,
            mended: Arc::default(),
        }
    }

    pub(crate) fn clear() -> Self {
        Self {
            trouble: None,
            always: false,
            tls: None,
            implicit: false,
            starttls: false,
            auth: "",
            taken: None,
            mended: Arc::default(),
        }
    }

    pub(crate) fn with(mut self, at: At, trouble: Trouble) -> Self {
        self.trouble = Some((at, trouble));
        self
    }
}

/// What the server saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Each command line without its line end, and whether it came encrypted.
    pub(crate) commands: Vec<(String, bool)>,
    /// Every byte that came before or without TLS.
    pub(crate) clear: Vec<u8>,
    /// Each mail, as it came: with doubled dots, without the final dot.
    pub(crate) mails: Vec<Vec<u8>>,
}

impl Seen {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands.iter().filter(|(line, _)| line.to_ascii_uppercase().starts_with(verb)).count()
    }

    /// The Message-ID of every mail that came whole or in part.
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |mail: &Vec<u8>| {
            let text = String::from_utf8_lossy(mail).into_owned();
            text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap_or("none").to_owned()
        };
        self.mails.iter().map(id).collect()
    }
}

pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Seen>>,
    mended: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let log = Arc::clone(&seen);
        let mended = Arc::clone(&script.mended);
        let task = tokio::spawn(async move {
            let mut script = script;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                log.lock().unwrap().connections += 1;
                tokio::spawn(talk(stream, script.clone(), Arc::clone(&log)));
                script.trouble = script.trouble.filter(|_| script.always);
            }
        });
        Self { port, seen, mended, task }
    }

    /// There is no trouble any more.
    pub(crate) fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(tcp: TcpStream, script: Script, seen: Arc<Mutex<Seen>>) {
    if script.implicit {
        if let Ok(stream) = TlsAcceptor::from(script.tls.clone().unwrap()).accept(tcp).await {
            let _end = Peer { stream, encrypted: true, unread: Vec::new(), script, seen }.serve(true).await;
        }
        return;
    }
    let mut peer = Peer { stream: tcp, encrypted: false, unread: Vec::new(), script, seen };
    if peer.serve(true).await == Some(Next::Upgrade) {
        let Peer { stream, script, seen, .. } = peer;
        if let Ok(stream) = TlsAcceptor::from(script.tls.clone().unwrap()).accept(stream).await {
            let _end = Peer { stream, encrypted: true, unread: Vec::new(), script, seen }.serve(false).await;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Upgrade,
}

struct Peer<S> {
    stream: S,
    encrypted: bool,
    unread: Vec<u8>,
    script: Script,
    seen: Arc<Mutex<Seen>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Talks until the client leaves (`None`), the script ends the talk (`None`) or TLS is due.
    async fn serve(&mut self, greet: bool) -> Option<Next> {
        if greet {
            self.answer(At::Greeting, "220 scripted.test ready\r\n").await?;
        }
        loop {
            let line = self.line().await?;
            self.seen.lock().unwrap().commands.push((line.clone(), self.encrypted));
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.hello().await?,
                "STARTTLS" => {
                    self.answer(At::StartTls, "220 go ahead\r\n").await?;
                    return Some(Next::Upgrade);
                }
                "AUTH" => self.auth(&line).await?,
                "MAIL" => self.answer(At::From, "250 sender ok\r\n").await?,
                "RCPT" => self.answer(At::To, "250 receiver ok\r\n").await?,
                "DATA" => {
                    self.answer(At::Data, "354 go ahead\r\n").await?;
                    if self.strikes(At::Data) {
                        continue;
                    }
                    self.data().await?;
                    self.answer(At::End, "250 OK id=1tQueue-000001-AB\r\n").await?;
                    if let Some(taken) = &self.script.taken {
                        taken();
                    }
                }
                "QUIT" => {
                    self.answer(At::Quit, "221 bye\r\n").await?;
                    return None;
                }
                _ => self.say("250 ok\r\n").await?,
            }
        }
    }

    async fn hello(&mut self) -> Option<()> {
        let mut reply = "250-scripted.test\r\n".to_owned();
        if self.script.starttls && !self.encrypted {
            reply.push_str("250-STARTTLS\r\n");
        }
        if !self.script.auth.is_empty() {
            reply.push_str("250-AUTH ");
            reply.push_str(self.script.auth);
            reply.push_str("\r\n");
        }
        reply.push_str("250 HELP\r\n");
        if self.encrypted && !self.script.implicit {
            return self.say(&reply).await;
        }
        self.answer(At::Hello, &reply).await
    }

    async fn auth(&mut self, line: &str) -> Option<()> {
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            for question in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
                self.say(question).await?;
                let answer = self.line().await?;
                self.seen.lock().unwrap().commands.push((answer, self.encrypted));
            }
        }
        self.answer(At::Auth, "235 welcome\r\n").await
    }

    async fn data(&mut self) -> Option<()> {
        let at = self.seen.lock().unwrap().mails.len();
        self.seen.lock().unwrap().mails.push(Vec::new());
        loop {
            let line = self.raw_line().await?;
            if line == b".\r\n" {
                return Some(());
            }
            self.seen.lock().unwrap().mails[at].extend_from_slice(&line);
        }
    }

    fn strikes(&self, at: At) -> bool {
        let trouble = self.script.trouble.as_ref().is_some_and(|(place, _)| *place == at);
        trouble && !self.script.mended.load(Ordering::SeqCst)
    }

    async fn answer(&mut self, at: At, due: &str) -> Option<()> {
        let trouble = match &self.script.trouble {
            Some((_, trouble)) if self.strikes(at) => trouble.clone(),
            _ => return self.say(due).await,
        };
        match trouble {
            Trouble::Say(reply) => self.say(reply).await,
            Trouble::SayMore(more) => self.say(&format!("{due}{more}")).await,
            Trouble::Cut => None,
            Trouble::Hang => {
                let mut rest = [0; 64];
                while self.stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                None
            }
            Trouble::Flood => {
                self.say(&"2".repeat(1 << 20)).await?;
                None
            }
            Trouble::Lines => {
                self.say(&"250-SECRET\r\n".repeat((1 << 20) / 12)).await?;
                None
            }
        }
    }

    async fn say(&mut self, reply: &str) -> Option<()> {
        self.stream.write_all(reply.as_bytes()).await.ok()?;
        self.stream.flush().await.ok()
    }

    async fn line(&mut self) -> Option<String> {
        let line = self.raw_line().await?;
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn raw_line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                return Some(self.unread.drain(..=end).collect());
            }
            let mut chunk = [0; 4096];
            let read = self.stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            if !self.encrypted {
                self.seen.lock().unwrap().clear.extend_from_slice(&chunk[..read]);
            }
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }
}

//! A raw server, and whatever tests say in place of DNS and of waits.

#[path = "../../../portcullis-smtp/tests/smtp/support/certificates.rs"]
pub(crate) mod certificates;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis::port::flespi::{Access, NewToken, RegionName};
use portcullis::secret::FlespiToken;
use portcullis_flespi::{Flespi, FlespiBuilder, Lookup, Pause};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Long enough for a busy machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn name(text: &str) -> RegionName {
    RegionName::parse(text).unwrap()
}

pub(crate) fn token() -> FlespiToken {
    FlespiToken::parse("c4N4rY7f".repeat(8)).unwrap()
}

pub(crate) fn wanted(info: &str) -> NewToken {
    let expire = chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    NewToken { info: info.to_owned(), expire, access: Access::Master }
}

/// An adapter whose `eu` is a server on loopback.
pub(crate) fn towards(url: &str) -> FlespiBuilder {
    Flespi::builder()
        .region("eu", "here", url)
        .allow_private_hosts()
        .timeout(PATIENCE)
        .pause(Arc::new(Pauses::default()))
}

/// What a raw server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// Writes this and closes.
    Bytes(Vec<u8>),
    /// Closes without a word.
    Cut,
    /// Never answers.
    Hold,
    /// Writes this, and then spaces for ever, as chunks.
    Endless(&'static str),
}

/// An answer with a body.
pub(crate) fn say(status: &str, headers: &str, body: &str) -> Say {
    let length = body.len();
    Say::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes())
}

#[derive(Debug, Default)]
struct Heard {
    connections: usize,
    requests: Vec<String>,
    script: VecDeque<Say>,
}

/// A server that answers what it was told, in order, and then the last of it for ever.
pub(crate) struct Raw {
    pub(crate) port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Raw {
    pub(crate) async fn start(script: impl IntoIterator<Item = Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, script)
    }

    pub(crate) fn on(listener: TcpListener, script: impl IntoIterator<Item = Say>) -> Self {
        Self::with(listener, script, None)
    }

    pub(crate) async fn start_tls(config: Arc<ServerConfig>, script: impl IntoIterator<Item = Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::with(listener, script, Some(TlsAcceptor::from(config)))
    }

    fn with(listener: TcpListener, script: impl IntoIterator<Item = Say>, tls: Option<TlsAcceptor>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let heard = Heard { script: script.into_iter().collect(), ..Heard::default() };
        let heard = Arc::new(Mutex::new(heard));
        let shared = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard.lock().unwrap().connections
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.heard.lock().unwrap().requests.clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin + Send, heard: Arc<Mutex<Heard>>) {
    let Some(request) = read(&mut stream).await else { return };
    let next = {
        let mut heard = heard.lock().unwrap();
        heard.requests.push(request);
        if heard.script.len() > 1 { heard.script.pop_front() } else { heard.script.front().cloned() }
    };
    match next {
        None | Some(Say::Cut) => {}
        Some(Say::Bytes(bytes)) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            // Nothing is dropped before the other side has read it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        Some(Say::Hold) => std::future::pending().await,
        Some(Say::Endless(start)) => {
            let begin = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(format!("{begin}{:x}\r\n{start}\r\n", start.len()).as_bytes()).await;
            let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
        }
    }
}

/// A request, as it came.
async fn read(stream: &mut (impl AsyncRead + Unpin + Send)) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // The greeting of TLS ends in no empty line.
        if text.starts_with('\u{16}') {
            return Some(text);
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Answers for DNS, and counts the questions.
pub(crate) struct Told {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Told {
    pub(crate) fn new(addresses: &[&str]) -> Arc<Self> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { addresses, asked: Mutex::default() })
    }
}

#[async_trait]
impl Lookup for Told {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        Ok(self.addresses.clone())
    }
}

/// Takes note of waits, and waits for none.
#[derive(Default)]
pub(crate) struct Pauses(pub(crate) Mutex<Vec<Duration>>);

#[async_trait]
impl Pause for Pauses {
    async fn pause(&self, wait: Duration) {
        self.0.lock().unwrap().push(wait);
    }
}

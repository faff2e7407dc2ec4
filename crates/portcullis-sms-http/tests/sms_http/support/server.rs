//! The scripted gateway: takes every request whole, then does what it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers this and hangs up, however much its head promised.
    Say(String),
    /// Answers this, and keeps the connection without a further byte.
    SayAndHang(String),
    /// Answers this, and then a byte now and then without an end.
    SayAndDrip(String),
}

/// What the gateway saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Each request that came whole: a submission.
    pub(crate) requests: Vec<Request>,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(act: Act) -> Self {
        Self::start_with(act, None).await
    }

    pub(crate) async fn start_with(act: Act, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                log.lock().unwrap().connections += 1;
                let (act, log, tls) = (act.clone(), Arc::clone(&log), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, act, log).await,
                        Some(tls) => serve(tls.accept(tcp).await.ok()?, act, log).await,
                    }
                });
            }
        });
        Self { port, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
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

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    act: Act,
    seen: Arc<Mutex<Seen>>,
) -> Option<()> {
    loop {
        let request = request(&mut stream).await?;
        seen.lock().unwrap().requests.push(request);
        let (Act::Say(text) | Act::SayAndHang(text) | Act::SayAndDrip(text)) = &act;
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        match act {
            Act::Say(_) => return stream.shutdown().await.ok(),
            Act::SayAndHang(_) => {}
            Act::SayAndDrip(_) => loop {
                // Paced by waiting for the client, who says nothing more.
                let mut byte = [0];
                let waited = tokio::time::timeout(Duration::from_millis(10), stream.read(&mut byte)).await;
                if waited.is_ok() {
                    return None;
                }
                stream.write_all(b" ").await.ok()?;
            },
        }
    }
}

async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let parsed = Request { head: head.to_owned(), body: String::new() };
            let due: usize = parsed.header("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= head.len() + 4 + due {
                let body = String::from_utf8(bytes[head.len() + 4..].to_vec()).unwrap();
                return Some(Request { body, ..parsed });
            }
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
}

//! A proxy that loses things between a store and its server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is lost.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Lose {
    Nothing,
    /// The next request, with the connection.
    Request,
    /// The next answer, with the connection, once the server has given it.
    Answer,
    /// Every answer, silently: the connection stays.
    Silently,
}

/// Forwards every connection to the server until it is told to lose something.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    lose: Arc<AtomicU8>,
    requests: Arc<AtomicU32>,
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lose = Arc::new(AtomicU8::new(Lose::Nothing as u8));
        let requests = Arc::new(AtomicU32::new(0));
        tokio::spawn({
            let (lose, requests) = (Arc::clone(&lose), Arc::clone(&requests));
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = TcpStream::connect(&server).await.unwrap();
                    tokio::spawn(forward(client, server, Arc::clone(&lose), Arc::clone(&requests)));
                }
            }
        });
        Self { port, lose, requests }
    }

    /// How often a client has spoken: a request that is sent in one go is one.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn lose(&self, what: Lose) {
        self.lose.store(what as u8, Ordering::SeqCst);
    }
}

async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    lose: Arc<AtomicU8>,
    requests: Arc<AtomicU32>,
) {
    let losing = |what: Lose| lose.load(Ordering::SeqCst) == what as u8;
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                requests.fetch_add(1, Ordering::SeqCst);
                if losing(Lose::Request) {
                    return;
                }
                server.write_all(&asked[..read]).await.unwrap();
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if losing(Lose::Answer) {
                    return;
                }
                if !losing(Lose::Silently) {
                    client.write_all(&answered[..read]).await.unwrap();
                }
            }
        }
    }
}

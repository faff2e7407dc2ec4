//! Hints between processes, by NOTIFY: that something was left due. Losing one loses nothing.

use core::future::poll_fn;
use std::sync::Arc;

use portcullis::error::PortError;
use portcullis::port::store::{Commit, Lane};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::options::PostgresOptions;

const LISTEN: &str = "LISTEN portcullis_due";

/// Told in a transaction of its own and not in the commit: whoever notifies in a commit makes all others who do wait
/// for his disk.
const TELL: &str = "NOTIFY portcullis_due";

const WHO: &str = "SELECT pg_backend_pid()";

/// Whether a commit left something that a worker should see to now.
pub(crate) fn leaves_due(commit: &Commit) -> bool {
    let due = commit.puts.iter().filter_map(|put| put.record.due);
    due.into_iter().any(|(lane, at)| lane != Lane::Dead && at <= commit.now)
}

/// A connection of its own that tells and listens, for as long as a store lives.
pub(crate) struct Hints {
    signals: Arc<Signals>,
    task: AbortHandle,
}

#[derive(Default)]
struct Signals {
    /// Others left something due.
    arrived: Notify,
    /// We did. However often it is asked for meanwhile, it is told once.
    to_tell: Notify,
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hints {
    /// Starts the connection in a task. It is made again whenever it breaks.
    pub(crate) fn spawn(options: &PostgresOptions) -> Result<Self, PortError> {
        let (config, mode) = options.to_connect()?;
        let tls = options.tls.clone().filter(|_| mode == SslMode::Require);
        let (signals, pause) = (Arc::new(Signals::default()), options.waits.connect);
        let task = tokio::spawn({
            let signals = Arc::clone(&signals);
            async move {
                loop {
                    // Why it broke is told by the statements that meet the same server.
                    let _ = signals.exchange(&config, tls.clone()).await;
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "nothing tells when a server that was lost is back"
                    )]
                    tokio::time::sleep(pause).await;
                }
            }
        });
        Ok(Self { signals, task: task.abort_handle() })
    }

    /// Tells the other processes, soon.
    pub(crate) fn tell(&self) {
        self.signals.to_tell.notify_one();
    }

    /// Resolves when another process has told.
    pub(crate) async fn arrived(&self) {
        self.signals.arrived.notified().await;
    }
}

impl Signals {
    /// Tells and listens until the connection breaks.
    async fn exchange(&self, config: &Config, tls: Option<rustls::ClientConfig>) -> Result<(), Error> {
        if let Some(tls) = tls {
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
            self.over(client, connection).await
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            self.over(client, connection).await
        }
    }

    async fn over<S, T>(&self, client: Client, mut connection: Connection<S, T>) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let own = core::sync::atomic::AtomicI32::new(0);
        let order = core::sync::atomic::Ordering::Relaxed;
        let listening = async {
            while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(notice) = message?
                    && notice.process_id() != own.load(order)
                {
                    self.arrived.notify_one();
                }
            }
            Ok(())
        };
        let telling = async {
            let rows = client.simple_query(WHO).await?;
            let pid = rows.iter().find_map(|row| match row {
                SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
                SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
            });
            own.store(pid.unwrap_or(0), order);
            client.batch_execute(LISTEN).await?;
            // What was told while nobody listened here.
            self.arrived.notify_one();
            loop {
                self.to_tell.notified().await;
                client.batch_execute(TELL).await?;
            }
        };
        tokio::select! {
            ended = listening => ended,
            ended = telling => ended,
        }
    }
}

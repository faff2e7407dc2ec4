//! The worker of the program: one that runs by itself, and that `/dev` can run to its end.

use std::sync::Arc;

use portcullis::{Error, Pass, Portcullis};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// What workers did since somebody last asked.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Done {
    /// Messages that left.
    sent: u32,
    /// Messages that must not leave any more.
    suppressed: u32,
    /// Messages that are due and could not be worked on.
    due: u32,
    /// Messages to be tried again later.
    postponed: u32,
    /// Messages given up.
    given_up: u32,
    /// SMS of which nobody knows whether they left.
    maybe_sent: u32,
}

impl Done {
    fn add(&mut self, pass: Pass) {
        self.sent += pass.sent;
        self.suppressed += pass.suppressed;
        self.postponed += pass.postponed;
        self.given_up += pass.given_up;
        self.maybe_sent += pass.maybe_sent;
        self.due = pass.failed;
    }
}

/// A worker of which one pass runs at a time, so that whoever waits for a pass of its own finds nothing half sent.
#[derive(Clone, Debug)]
pub(crate) struct DevWorker {
    portcullis: Portcullis,
    done: Arc<Mutex<Done>>,
}

impl DevWorker {
    /// The worker of an engine.
    pub(crate) fn new(portcullis: Portcullis) -> Self {
        Self { portcullis, done: Arc::default() }
    }

    /// Runs for ever, after each commit with messages and every few seconds.
    pub(crate) fn spawn(&self) -> JoinHandle<()> {
        let this = self.clone();
        let every = this.portcullis.policy().worker_every.to_std().unwrap_or_default();
        tokio::spawn(async move {
            loop {
                let woken = this.portcullis.worker().woken();
                if let Err(error) = this.pass().await {
                    tracing::warn!(%error, "a pass of the worker failed");
                }
                // A timeout is the other reason to look again.
                let _ = tokio::time::timeout(every, woken).await;
            }
        })
    }

    /// Works until nothing is due any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn pass(&self) -> Result<(), Error> {
        let mut done = self.done.lock().await;
        done.add(self.portcullis.worker().pass().await?);
        Ok(())
    }

    /// Works until nothing is due any more, and tells what was done since this was last called.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn finish(&self) -> Result<Done, Error> {
        let mut done = self.done.lock().await;
        done.add(self.portcullis.worker().pass().await?);
        Ok(std::mem::take(&mut done))
    }
}

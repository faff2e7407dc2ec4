//! Sealing anew what waits in a database, so that an old key can go.

use std::path::Path;
use std::sync::Arc;

use portcullis::keyring::Keyring;
use portcullis::port::ambient::Clock;
use portcullis::port::store::Page;
use portcullis::{Error, Portcullis};

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::mailbox::Mailbox;
use crate::options::Database;
use crate::start::{Failure, say};

/// Messages of one page.
const PAGE: u32 = 100;

/// Seals anew, under the current key, every message that waits under these keys, and says how many.
///
/// # Errors
/// When some are left: a worker holds them, or they can't be opened. And when the database can't be used.
pub(super) fn under(
    keys: Vec<String>,
    keyring: &Keyring,
    database: &Database,
    data: &Path,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("the program can't start", error.kind()))?;
    let (sealed, left) = runtime.block_on(async {
        let portcullis = engine(keyring, database, data).await?;
        let (mut sealed, mut left) = (0, 0);
        for key in keys {
            let (more, other) =
                all(&portcullis, &key).await.map_err(|error| Failure::new("--database", error))?;
            (sealed, left) = (sealed + more, left + other);
        }
        Ok::<_, Failure>((sealed, left))
    })?;
    say(format_args!("sealed {sealed} waiting messages anew"));
    if left > 0 {
        let line = format!("{left} messages are left, a worker may hold them: try again in some minutes");
        return Err(Failure::from(line));
    }
    Ok(())
}

/// An engine that sends nothing: no worker runs on it.
async fn engine(keyring: &Keyring, database: &Database, data: &Path) -> Result<Portcullis, Failure> {
    let database = OpenDatabase::open_existing(database, data).await?;
    let clock: Arc<dyn Clock> = Arc::new(MovableClock::default());
    Portcullis::builder_on(database.store())
        .keyring(keyring.clone())
        // Nothing is worded here, so no link is ever made of it.
        .public_url("http://localhost")
        .mail_on(Arc::new(Mailbox::new(None, Arc::clone(&clock))))
        .clock(clock)
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))
}

/// How many messages under a key were sealed anew, and how many are left.
async fn all(portcullis: &Portcullis, key: &str) -> Result<(u32, u32), Error> {
    let (mut sealed, mut left) = (0, 0);
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let done = portcullis.reseal(key, page).await?;
        (sealed, left) = (sealed + done.sealed, left + done.left);
        match done.next {
            Some(after) => page.after = Some(after),
            None => return Ok((sealed, left)),
        }
    }
}

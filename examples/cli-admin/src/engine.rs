//! An engine that sends nothing: no worker runs on it, the service beside it does the sending.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis::Portcullis;
use portcullis::keyring::Keyring;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::Store;
use portcullis_postgres::PostgresStore;
use portcullis_sqlite::SqliteStore;

use crate::args::{Args, Command, Database};

/// What the command line says and exits with.
pub(crate) type Fault = Box<dyn std::error::Error>;

/// Opens the database that the arguments name. Only `bootstrap` makes a new one: a mistyped name does not.
pub(crate) async fn open(args: &Args, public_url: Option<&str>) -> Result<Portcullis, Fault> {
    open_with(args, Keyring::from_file(&args.keys)?, public_url).await
}

/// The same under these keys.
pub(crate) async fn open_with(
    args: &Args,
    keyring: Keyring,
    public_url: Option<&str>,
) -> Result<Portcullis, Fault> {
    let is_new = matches!(args.command, Command::Bootstrap { .. });
    let store: Arc<dyn Store> = match args.database.as_ref().ok_or("--database is missing")? {
        Database::Sqlite(path) if !is_new && !path.exists() => {
            return Err(format!("there is no database `{}`", path.display()).into());
        }
        Database::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        Database::Postgres(url) => {
            let store = PostgresStore::connect(url).await?;
            if is_new {
                store.migrate().await?;
            }
            let differs = store.check_schema().await?;
            if !differs.is_current() {
                return Err(differs.to_string().into());
            }
            Arc::new(store)
        }
    };
    // Without `bootstrap` no link is ever made, so it does not matter where one would lead.
    let builder = Portcullis::builder_on(store).keyring(keyring).mail(Nothing);
    Ok(builder.public_url(public_url.unwrap_or("http://localhost")).build()?)
}

struct Nothing;

#[async_trait]
impl MailSender for Nothing {
    async fn send(&self, _: &Mail) -> Result<Receipt, SendError> {
        Err(SendError::Misconfigured { detail: "this program sends nothing" })
    }
}

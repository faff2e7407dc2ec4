//! An engine that sends nothing: no worker runs on it, the service beside it does the sending.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis::Portcullis;
use portcullis::keyring::Keyring;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::Store;
use portcullis_postgres::PostgresStore;
use portcullis_sqlite::SqliteStore;

use crate::args::{Args, Command};

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
    let url = args.database.as_deref().ok_or("--database is missing")?;
    let store: Arc<dyn Store> =
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            if !is_new && !Path::new(path).exists() {
                return Err(format!("there is no database `{path}`").into());
            }
            Arc::new(SqliteStore::open(path)?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let store = PostgresStore::connect(url).await?;
            if is_new {
                store.migrate().await?;
            }
            let differs = store.check_schema().await?;
            if !differs.is_current() {
                return Err(differs.to_string().into());
            }
            Arc::new(store)
        } else {
            return Err("--database is neither sqlite://FILE nor postgres://…".into());
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

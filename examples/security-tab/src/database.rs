//! Where the records are kept, and the mark of a database that is for development.

use std::path::Path;
use std::sync::Arc;

use portcullis::account::Account;
use portcullis::error::PortError;
use portcullis::port::store::{Key, Page, Store};
use portcullis_postgres::{PostgresOptions, PostgresStore};
use portcullis_sqlite::SqliteStore;
use uuid::Uuid;

use crate::options::{Database, Options};
use crate::start::Failure;

/// The name of the mark.
const MARK: &str = "dev";
/// The SQLite file in the data folder.
const IN_DATA: &str = "portcullis.db";

/// A store that was opened and has today's tables.
#[derive(Debug)]
pub(crate) enum OpenDatabase {
    /// A SQLite file.
    Sqlite(Arc<SqliteStore>),
    /// A PostgreSQL database.
    Postgres(Arc<PostgresStore>),
}

impl OpenDatabase {
    /// Opens the database of the options and brings its tables up to date.
    ///
    /// # Errors
    /// One line without the URL, which may hold a password.
    pub(crate) async fn open(options: &Options) -> Result<Self, Failure> {
        Self::open_at(&options.database, &options.data).await
    }

    /// Opens a database that must be there already: a mistyped name makes no new one.
    ///
    /// # Errors
    /// As [`Self::open`], and when there is no such file.
    pub(crate) async fn open_existing(database: &Database, data: &Path) -> Result<Self, Failure> {
        let file = match database {
            Database::InData => Some(data.join(IN_DATA)),
            Database::Sqlite(path) => Some(path.clone()),
            Database::Postgres(_) => None,
        };
        match file {
            Some(file) if !file.exists() => {
                Err(Failure::from(format!("--database: there is no `{}`", file.display())))
            }
            Some(_) | None => Self::open_at(database, data).await,
        }
    }

    async fn open_at(database: &Database, data: &Path) -> Result<Self, Failure> {
        match database {
            Database::InData => Self::sqlite(&data.join(IN_DATA)),
            Database::Sqlite(path) => Self::sqlite(path),
            Database::Postgres(url) => {
                let store = postgres(url).await.map_err(|error| unusable(&error))?;
                store.migrate().await.map_err(|error| unusable(&error))?;
                Ok(Self::Postgres(Arc::new(store)))
            }
        }
    }

    fn sqlite(path: &Path) -> Result<Self, Failure> {
        match SqliteStore::open(path) {
            Ok(store) => Ok(Self::Sqlite(Arc::new(store))),
            Err(error) => Err(Failure::new(format_args!("--database: `{}`", path.display()), error)),
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Keeps development and production apart: a fresh database gets the mark in dev mode, and neither mode takes a
    /// database of the other.
    ///
    /// # Errors
    /// When the database is of the other mode, or does not answer.
    pub(crate) async fn check_mark(&self, dev: bool) -> Result<(), Failure> {
        let marked = self.mark().await.map_err(|error| unusable(&error))?.is_some();
        match (dev, marked) {
            (true, true) | (false, false) => Ok(()),
            (false, true) => Err(Failure::from(
                "--database: it carries the mark of development, --no-dev needs another one".to_owned(),
            )),
            (true, false) => {
                if self.is_in_use().await.map_err(|error| unusable(&error))? {
                    return Err(Failure::from(
                        "--database: it holds accounts and no mark of development, use --no-dev or another one"
                            .to_owned(),
                    ));
                }
                self.set_mark().await.map_err(|error| unusable(&error))
            }
        }
    }

    /// Whether there is a top account.
    async fn is_in_use(&self) -> Result<bool, PortError> {
        let tops = Key::lookup(Account::KIND, "parent", Uuid::nil().to_string());
        let page = Page { after: None, limit: 1 };
        Ok(!self.store().list(&tops, page).await?.is_empty())
    }

    async fn mark(&self) -> Result<Option<String>, PortError> {
        match self {
            Self::Sqlite(store) => store.mark(MARK).await,
            Self::Postgres(store) => store.mark(MARK).await,
        }
    }

    async fn set_mark(&self) -> Result<(), PortError> {
        match self {
            Self::Sqlite(store) => store.set_mark(MARK, "1").await,
            Self::Postgres(store) => store.set_mark(MARK, "1").await,
        }
    }
}

async fn postgres(url: &str) -> Result<PostgresStore, PortError> {
    // Behind a transaction-mode pooler no hint arrives; then the worker's own look is what there is.
    let mut options = PostgresOptions::from_url(url)?.with_hints();
    if url.contains("sslmode=require") || url.contains("sslmode=verify-full") {
        options = options.with_tls(public_authorities()?);
    }
    PostgresStore::connect_with(options).await
}

fn public_authorities() -> Result<rustls::ClientConfig, PortError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| PortError::new("store", "tls can't be set up"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn unusable(error: &PortError) -> Failure {
    Failure::new("--database", error)
}

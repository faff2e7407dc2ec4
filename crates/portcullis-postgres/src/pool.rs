//! Connections: one lent for one statement, and thrown away unless its answer came whole.

use core::future::Future;
use core::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use portcullis::error::PortError;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{no_connection, port, statement};
use crate::options::{PostgresOptions, Waits};
use crate::store::PostgresStore;

/// Builds a pool; connects to nothing yet.
pub(crate) fn build(options: &PostgresOptions) -> Result<Pool, PortError> {
    let (config, mode) = options.to_connect()?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &options.tls {
        Some(tls) if mode == SslMode::Require => {
            Manager::from_config(config, MakeRustlsConnect::new(tls.clone()), recycling)
        }
        _ => Manager::from_config(config, NoTls, recycling),
    };
    Pool::builder(manager)
        .max_size(options.connections)
        .wait_timeout(Some(options.waits.pool))
        .create_timeout(Some(options.waits.connect))
        .recycle_timeout(Some(options.waits.connect))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|_| port("the pool can't be built"))
}

/// Why a statement gave no rows.
pub(crate) enum Failure {
    /// It was never sent.
    Unsent(PortError),
    /// The server or the connection said so.
    Said(Error),
    /// Nothing was said in time.
    Late,
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsent(error) => error,
            Failure::Said(error) => statement(&error),
            Failure::Late => port("the server did not answer in time"),
        }
    }
}

impl PostgresStore {
    /// Asks with an unnamed statement, in a transaction of its own: one round trip. What the server undid for the sake
    /// of others is asked again, so many times as the options say.
    ///
    /// Unnamed statements work through a transaction-mode pooler, and the driver never logs their parameters.
    pub(crate) async fn ask(
        &self,
        sql: &'static str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        let mut left = self.waits().retries;
        loop {
            match ask(self.pool(), self.waits(), self.named(sql), params).await {
                Err(Failure::Said(error)) if left > 0 && is_undone(&error) => left -= 1,
                outcome => return outcome,
            }
        }
    }
}

async fn ask(
    pool: &Pool,
    waits: Waits,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, Failure> {
    let lease = Lease::take(pool, waits).await.map_err(Failure::Unsent)?;
    let answer = within(waits.statement, lease.client()?.query_typed(sql, params)).await?;
    match answer {
        Ok(rows) => {
            lease.give_back();
            Ok(rows)
        }
        Err(error) => {
            if is_definite(&error) {
                lease.give_back();
            }
            Err(Failure::Said(error))
        }
    }
}

/// Whether the server undid the statement since it stood in the way of others, or they in its: 40001 and 40P01.
pub(crate) fn is_undone(error: &Error) -> bool {
    use tokio_postgres::error::SqlState;
    is_definite(error)
        && error.code().is_some_and(|code| {
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
        })
}

pub(crate) async fn within<F: Future>(wait: Duration, future: F) -> Result<F::Output, Failure> {
    timeout(wait, future).await.map_err(|_| Failure::Late)
}

/// Whether the server itself said that the statement failed. A session that is being ended also reports an error,
/// which may come after a commit has happened and before it was answered.
pub(crate) fn is_definite(error: &Error) -> bool {
    use tokio_postgres::error::{Severity, SqlState};
    error.as_db_error().is_some_and(|db| {
        let of_the_statement = match db.parsed_severity() {
            Some(severity) => severity == Severity::Error,
            None => db.severity() == "ERROR",
        };
        of_the_statement
            && !db.code().code().starts_with("08")
            && !db.code().code().starts_with("57P")
            && *db.code() != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
    })
}

/// A connection lent for one use. Unless it is given back it is closed: what is still under way on it must not be met
/// by the next caller, also when a future is dropped in the middle.
pub(crate) struct Lease(Option<Object>);

impl Lease {
    /// Takes a live connection.
    pub(crate) async fn take(pool: &Pool, waits: Waits) -> Result<Self, PortError> {
        // A pool of the host's may have no limits of its own.
        let wait = waits.pool + waits.connect + waits.connect;
        let object = timeout(wait, pool.get())
            .await
            .map_err(|_| port("no connection could be had in time"))?
            .map_err(|error| no_connection(&error))?;
        if object.is_closed() {
            return Err(port("the connection was lost"));
        }
        Ok(Self(Some(object)))
    }

    pub(crate) fn client(&self) -> Result<&Object, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::Unsent(port("the connection was lost")))
    }

    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

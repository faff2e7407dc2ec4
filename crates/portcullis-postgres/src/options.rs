//! Where the server is, and how long anything may take.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use portcullis::error::PortError;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::port;

/// Where the server is, how it is verified, and how long anything may take.
///
/// The password in the URL is in no `Debug` output and in no error.
///
/// ```
/// use std::time::Duration;
/// use portcullis_postgres::PostgresOptions;
///
/// let options = PostgresOptions::from_url("postgres://app:s3cret@127.0.0.1/app")?
///     .with_connections(16)
///     .with_statement_timeout(Duration::from_secs(5));
/// assert!(!format!("{options:?}").contains("s3cret"));
/// # Ok::<(), portcullis::error::PortError>(())
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) config: Config,
    pub(crate) tls: Option<rustls::ClientConfig>,
    pub(crate) connections: usize,
    pub(crate) waits: Waits,
    pub(crate) schema: Option<String>,
    pub(crate) hints: bool,
}

/// How long anything may take, and how often it is tried again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    pub(crate) pool: Duration,
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
    pub(crate) lock: Duration,
    pub(crate) retries: u32,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            pool: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(15),
            lock: Duration::from_secs(5),
            retries: 3,
        }
    }
}

impl PostgresOptions {
    /// Takes a URL such as `postgres://user:password@host:5432/database`, or `key=value` pairs.
    ///
    /// `sslmode=verify-full` is taken as `require`: whoever is connected to over TLS is verified. Several hosts with
    /// `target_session_attrs=read-write` find the writable one.
    ///
    /// # Errors
    /// The URL can't be understood or names no host.
    pub fn from_url(url: &str) -> Result<Self, PortError> {
        let url = match url.rsplit_once('?') {
            Some((server, options)) if url.contains("://") => {
                format!("{server}?{}", options.replace("sslmode=verify-full", "sslmode=require"))
            }
            _ => url.to_owned(),
        };
        // The parser's own words quote parts of the URL, which may be parts of the password.
        let config: Config = url.parse().map_err(|_| port("the database url can't be understood"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(port("the database url names no host"));
        }
        Ok(Self::of(config))
    }

    /// Options for a pool of the host's, see [`PostgresStore::from_pool_with`](crate::PostgresStore::from_pool_with):
    /// they name no server, and whatever concerns the making of connections is the pool's.
    ///
    /// ```
    /// use portcullis_postgres::PostgresOptions;
    /// let options = PostgresOptions::for_pool().in_schema("security")?;
    /// # Ok::<(), portcullis::error::PortError>(())
    /// ```
    pub fn for_pool() -> Self {
        Self::of(Config::new())
    }

    fn of(config: Config) -> Self {
        Self { config, tls: None, connections: 10, waits: Waits::default(), schema: None, hints: false }
    }

    /// Names the schema of the tables and functions, which must exist; without it they are where the connection's
    /// `search_path` finds them. At most 63 lower-case letters, digits and `_`, and no digit first.
    ///
    /// ```
    /// use portcullis_postgres::PostgresOptions;
    /// let options = PostgresOptions::from_url("postgres://app@127.0.0.1/app")?;
    /// assert!(options.clone().in_schema("security").is_ok());
    /// assert!(options.in_schema("a; DROP TABLE b").is_err());
    /// # Ok::<(), portcullis::error::PortError>(())
    /// ```
    ///
    /// # Errors
    /// Another name.
    pub fn in_schema(mut self, name: &str) -> Result<Self, PortError> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = name.starts_with(|c: char| !c.is_ascii_digit());
        if !begins || name.len() > 63 || !name.chars().all(is_word) {
            return Err(port("a schema is named by lower-case letters, digits and _"));
        }
        self.schema = Some(name.to_owned());
        Ok(self)
    }

    /// How often a statement is sent again that the server undid for the sake of others (a deadlock, a failed
    /// serialization); 3 by default, 0 for never. A commit that is still undone is `Conflict`, which the engine decides
    /// anew.
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.waits.retries = retries;
        self
    }

    /// Tells other processes by NOTIFY that a commit left something due, and listens for them; off by default. It takes
    /// one more connection, made as this URL says, and spares a worker of another process the wait until it looks by
    /// itself. Nothing is lost where a notice is: it is only a hint.
    ///
    /// A transaction-mode pooler does not pass notices on. The connection must be a direct one for hints to arrive.
    #[must_use]
    pub const fn with_hints(mut self) -> Self {
        self.hints = true;
        self
    }

    /// Encrypts every connection and verifies the server by this configuration: its roots, its crypto provider.
    ///
    /// Make it by `ClientConfig::builder_with_provider`, so that the process needs no default provider. Without it
    /// only plain connections to loopback addresses and Unix sockets can be made.
    #[must_use]
    pub fn with_tls(mut self, tls: rustls::ClientConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How many connections there may be at once, at least 1; 10 by default.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// How long to wait for a free connection; 5 s by default.
    #[must_use]
    pub const fn with_pool_timeout(mut self, timeout: Duration) -> Self {
        self.waits.pool = timeout;
        self
    }

    /// How long making a connection may take, sign-in included; 5 s by default.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.waits.connect = timeout;
        self
    }

    /// How long to wait for the answer to a statement; 15 s by default, and should be longer than the lock timeout.
    ///
    /// A commit that is not answered in time may have happened: it is `Unknown`.
    #[must_use]
    pub const fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.waits.statement = timeout;
        self
    }

    /// How long a commit waits for rows that others hold, on the server; 5 s by default, whole milliseconds, at least 1.
    #[must_use]
    pub const fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.waits.lock = timeout;
        self
    }

    /// How to connect, and whether encrypted.
    pub(crate) fn to_connect(&self) -> Result<(Config, SslMode), PortError> {
        let mut config = self.config.clone();
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(port("the options name no host"));
        }
        let mode = self.sslmode()?;
        config.ssl_mode(mode);
        config.connect_timeout(self.waits.connect);
        if config.get_application_name().is_none() {
            config.application_name("portcullis");
        }
        Ok((config, mode))
    }

    /// Whether connections are encrypted, or why there can be none.
    pub(crate) fn sslmode(&self) -> Result<SslMode, PortError> {
        let local = self.is_local();
        match (self.config.get_ssl_mode(), &self.tls) {
            (SslMode::Disable, _) | (SslMode::Prefer, None) if local => Ok(SslMode::Disable),
            (SslMode::Disable, _) => Err(port(
                "sslmode=disable is for loopback addresses and unix sockets, not for a remote server",
            )),
            // A Unix socket has no name that a certificate could carry.
            (SslMode::Prefer, Some(_)) if self.is_unix() => Ok(SslMode::Disable),
            (_, Some(_)) => Ok(SslMode::Require),
            (_, None) => Err(port("the connection must be encrypted, give a tls configuration")),
        }
    }

    /// Whether every host is a socket of this machine.
    fn is_unix(&self) -> bool {
        self.config.get_hostaddrs().is_empty()
            && self.config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)))
    }

    /// Whether every host is this machine.
    fn is_local(&self) -> bool {
        let addresses = self.config.get_hostaddrs();
        if !addresses.is_empty() {
            return addresses.iter().all(IpAddr::is_loopback);
        }
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                let address = name.trim_start_matches('[').trim_end_matches(']');
                name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("hosts", &self.config.get_hosts())
            .field("ports", &self.config.get_ports())
            .field("database", &self.config.get_dbname())
            .field("tls", &self.tls.is_some())
            .field("connections", &self.connections)
            .field("schema", &self.schema)
            .field("hints", &self.hints)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, String> {
        PostgresOptions::from_url(url)
            .and_then(|options| options.sslmode())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_plain_connection_is_for_this_machine() {
        for url in [
            "postgres://app@127.0.0.1/app",
            "postgres://app@localhost/app",
            "postgres://app@[::1]/app",
            "postgres://app@127.0.0.1/app?sslmode=disable",
            "host=/run/postgresql user=app",
        ] {
            assert_eq!(mode(url), Ok(SslMode::Disable), "{url}");
        }
    }

    #[test]
    fn a_remote_server_needs_tls() {
        for url in [
            "postgres://app@db.example.com/app",
            "postgres://app@192.0.2.1/app?sslmode=prefer",
            "postgres://app@db.example.com/app?sslmode=require",
            "postgres://app@db.example.com/app?sslmode=verify-full",
            "postgres://app@127.0.0.1/app?sslmode=require",
            "postgres://app@127.0.0.1,db.example.com/app",
            "host=localhost hostaddr=192.0.2.1 user=app",
        ] {
            assert_eq!(
                mode(url),
                Err("store: the connection must be encrypted, give a tls configuration".to_owned()),
                "{url}"
            );
        }
        let error = mode("postgres://app@db.example.com/app?sslmode=disable").unwrap_err();
        assert!(error.contains("sslmode=disable is for loopback addresses"), "{error}");
    }

    #[test]
    fn no_error_and_no_debug_output_holds_the_password() {
        for url in
            ["postgres://app:s3cret@/app?sslmode=s3cret", "postgres://app:s3cret@h:s3cret/app", "s3cret=1"]
        {
            let error = PostgresOptions::from_url(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        let options = PostgresOptions::from_url("postgres://app:s3cret@h/app").unwrap();
        let shown = format!("{options:?}");
        assert!(shown.contains("\"app\"") && !shown.contains("s3cret"), "{shown}");
    }
}

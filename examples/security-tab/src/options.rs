//! What the program was asked to do on its command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use portcullis::policy::Policy;
use portcullis_axum::Cidr;

use crate::flespi;
use crate::init::{self, InitCommand};
use crate::invite::{self, InviteCommand};
use crate::keys::{self, KeysCommand};
use crate::messages::{self, MessagesCommand};

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: security-tab [OPTIONS]
       security-tab keys new|check|rotate|retire ID --keys FILE
       security-tab keys reseal|retire ID --keys FILE --data DIR|--database URL
       security-tab after-restore --keys FILE
       security-tab init --login L --email E [--account NAME] --keys FILE --public-url URL [--database URL]
       security-tab invite --login L --keys FILE --public-url URL [--database URL] [--mail]
       security-tab messages held|release ID|dead|resend ID --keys FILE --data DIR|--database URL

  --listen ADDR         address and port, port 0 picks one (127.0.0.1:8080)
  --data DIR            SQLite file and generated development keys (./data)
  --database URL        sqlite://FILE or postgres://user@host/db (sqlite://DIR/portcullis.db)
  --keys FILE           the keyring, mode 0600 (generated in dev mode)
  --public-url URL      where browsers find the service (the listen address); https with --no-dev
  --trusted-proxy CIDR  whose forwarded address is believed, may be repeated (none)
  --no-dev              production: no /dev routes, secure cookies
  --smtp URL            smtp://[user@]host:port or smtps://[user@]host[:port] (mailbox at /dev/messages)
  --sms-http URL        kannel+http(s)://user@host:port, twilio+https://account@host or file://description.json
                        (phone at /dev/messages)
  --flespi-region N=URL dev mode: where the region eu or ru of flespi is (where flespi has it)
  --demo-password TEXT  dev mode: the password of the demo users (random)
  --policy NAME         default, wialon-hosting, wialon-local or strict (default)
  --print-link          init and invite: show the link although standard output is no terminal
  --mail                invite: the running service mails the link, nothing is shown

environment:
  PORTCULLIS_SMTP_PASSWORD  the password of the SMTP user
  PORTCULLIS_SMTP_FROM      the address mails come from (security@ the public host)
  PORTCULLIS_SMTP_CA        a PEM file of further certificate authorities of the SMTP server
  PORTCULLIS_SMS_PASSWORD       the password or token of the SMS gateway; {secret:password} in a description
  PORTCULLIS_SMS_FROM           the sender the receiver of an SMS sees (portcullis)
  PORTCULLIS_SMS_REPORT_SECRET  what the gateway reports with at /sms/reports, as the user gateway (no reports)
";

/// Options that later releases fill.
const LATER_OPTIONS: [&str; 1] = ["--smpp"];

/// A command line that was understood.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve.
    Serve(Box<Options>),
    /// Work on the keyring file.
    Keys(KeysCommand),
    /// Make the first administrator of a production database.
    Init(Box<InitCommand>),
    /// Invite somebody who has no password yet.
    Invite(Box<InviteCommand>),
    /// Look at what is held, or release it.
    Messages(MessagesCommand),
    /// Print [`USAGE`].
    Help,
}

/// How to serve.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The folder of the SQLite file and the generated keys.
    pub(crate) data: PathBuf,
    /// Where the records are kept.
    pub(crate) database: Database,
    /// The file of the keyring.
    pub(crate) keys: Option<PathBuf>,
    /// Where browsers find the service.
    pub(crate) public_url: Option<String>,
    /// The networks whose word about the client's address is believed.
    pub(crate) trusted_proxies: Vec<Cidr>,
    /// Whether this is development.
    pub(crate) dev: bool,
    /// The mail server.
    pub(crate) smtp: Option<String>,
    /// The SMS gateway.
    pub(crate) sms_http: Option<String>,
    /// Where regions of flespi are, if not where they are.
    pub(crate) flespi: Vec<(&'static str, String)>,
    /// The password of the demo users.
    pub(crate) demo_password: Option<String>,
    /// Every number.
    pub(crate) policy: Policy,
}

/// Where the records are kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// In the SQLite file of the data folder.
    InData,
    /// In this SQLite file.
    Sqlite(PathBuf),
    /// On a PostgreSQL server.
    Postgres(String),
}

/// Reads a command line, without the name of the program.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut options = Options::default();
    let mut words = words.into_iter().peekable();
    if let Some(word) = words.next_if(|word| word == "keys" || word == "after-restore") {
        return keys::parse(word == "after-restore", words).map(Command::Keys);
    }
    if words.next_if(|word| word == "init").is_some() {
        return init::parse(words).map(|command| Command::Init(Box::new(command)));
    }
    if words.next_if(|word| word == "invite").is_some() {
        return invite::parse(words).map(|command| Command::Invite(Box::new(command)));
    }
    if words.next_if(|word| word == "messages").is_some() {
        return messages::parse(words).map(Command::Messages);
    }
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            Some(_) | None => (word, None),
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--no-dev" if inline.is_none() => options.dev = false,
            "--no-dev" => return Err("--no-dev takes no value".into()),
            later if LATER_OPTIONS.contains(&later) => {
                return Err(format!("{later} names a part that does not exist yet"));
            }
            known if known.starts_with("--") && is_known(known) => {
                let value = inline.or_else(|| words.next()).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| format!("{known} needs a value"))?;
                options.take(known, value)?;
            }
            unknown if unknown.starts_with('-') => return Err(format!("there is no option {unknown}")),
            unknown => return Err(format!("there is no subcommand {unknown}")),
        }
    }
    options.check()?;
    Ok(Command::Serve(Box::new(options)))
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        "--listen"
            | "--data"
            | "--database"
            | "--keys"
            | "--public-url"
            | "--trusted-proxy"
            | "--smtp"
            | "--sms-http"
            | "--flespi-region"
            | "--demo-password"
            | "--policy"
    )
}

impl Default for Options {
    /// Development on port 8080, in `./data`.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("./data"),
            database: Database::InData,
            keys: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            dev: true,
            smtp: None,
            sms_http: None,
            flespi: Vec::new(),
            demo_password: None,
            policy: Policy::default(),
        }
    }
}

impl Options {
    /// Takes the value of one option, which is one of those that have a value.
    ///
    /// # Errors
    /// One line that names the option and holds no value.
    pub(crate) fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "--listen" => self.listen = listen_address(&value)?,
            "--data" => self.data = PathBuf::from(value),
            "--database" => self.database = database(value)?,
            "--keys" => self.keys = Some(PathBuf::from(value)),
            "--public-url" => self.public_url = Some(value),
            "--trusted-proxy" => {
                let network = value.parse().map_err(|error| format!("--trusted-proxy: {error}"))?;
                self.trusted_proxies.push(network);
            }
            "--smtp" => self.smtp = Some(value),
            "--sms-http" => self.sms_http = Some(value),
            "--flespi-region" => self.flespi.push(flespi::region(&value)?),
            "--demo-password" => self.demo_password = Some(value),
            _ => {
                self.policy = Policy::named(&value).ok_or(
                    "--policy has no such preset, it is default, wialon-hosting, wialon-local or strict",
                )?;
            }
        }
        Ok(())
    }

    /// What fits together only as a whole.
    fn check(&self) -> Result<(), String> {
        if self.dev {
            return if self.listen.ip().is_loopback() {
                Ok(())
            } else {
                Err("--listen must be a loopback address in dev mode".into())
            };
        }
        if self.demo_password.is_some() {
            return Err("--demo-password is for dev mode only".into());
        }
        if !self.flespi.is_empty() {
            return Err("--flespi-region is for dev mode only".into());
        }
        let given = [
            ("--keys", self.keys.is_some()),
            ("--public-url", self.public_url.is_some()),
            ("--smtp", self.smtp.is_some()),
        ];
        let missing: Vec<_> = given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("--no-dev needs {}", missing.join(", "))) }
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| "--listen must be an address and a port such as 127.0.0.1:8080".into())
}

/// Reads the value of `--database`.
///
/// # Errors
/// One line that does not hold it.
pub(crate) fn database(url: String) -> Result<Database, String> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Database::Postgres(url));
    }
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => Ok(Database::Sqlite(PathBuf::from(path))),
        Some(_) | None => {
            Err("--database must start with sqlite:// or postgres:// and name a database".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        match parse(line.split_whitespace().map(str::to_owned))? {
            Command::Serve(options) => Ok(*options),
            Command::Keys(_)
            | Command::Init(_)
            | Command::Invite(_)
            | Command::Messages(_)
            | Command::Help => Err("another command".into()),
        }
    }

    #[test]
    fn nothing_given_is_development_on_port_8080() {
        let options = read("").unwrap();
        assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(options.database, Database::InData);
        assert!(options.dev && options.keys.is_none() && options.smtp.is_none());
        assert_eq!(options.policy, Policy::default());
    }

    #[test]
    fn every_option_is_taken_in_both_spellings() {
        let options = read(
            "--listen=[::1]:0 --data d --database sqlite:///x/y.db --keys=k --public-url http://localhost:1 \
             --trusted-proxy 10.0.0.0/8 --trusted-proxy=::1 --smtp smtp://h:25 --demo-password a=b --policy strict",
        )
        .unwrap();
        assert_eq!(options.listen.to_string(), "[::1]:0");
        assert_eq!(options.database, Database::Sqlite("/x/y.db".into()));
        assert_eq!((options.data, options.keys), ("d".into(), Some("k".into())));
        assert_eq!(options.public_url.as_deref(), Some("http://localhost:1"));
        assert_eq!(options.trusted_proxies.len(), 2);
        assert_eq!(options.demo_password.as_deref(), Some("a=b"));
        assert!(!options.policy.email_factor);
    }

    #[test]
    fn what_does_not_exist_yet_is_refused_by_name() {
        for name in LATER_OPTIONS {
            for line in [format!("{name} x"), format!("{name}=x"), name.to_owned()] {
                assert_eq!(read(&line).unwrap_err(), format!("{name} names a part that does not exist yet"));
            }
        }
    }

    #[test]
    fn production_names_everything_that_is_missing() {
        assert_eq!(read("--no-dev").unwrap_err(), "--no-dev needs --keys, --public-url, --smtp");
        assert_eq!(read("--no-dev --smtp smtp://h").unwrap_err(), "--no-dev needs --keys, --public-url");
        assert!(read("--no-dev --keys k --public-url https://a --smtp smtp://h --listen 0.0.0.0:80").is_ok());
    }
}

//! From the options to a running program: what is opened, checked and printed, in order.

use std::fmt::Display;
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use portcullis::Portcullis;
use portcullis::contact::Email;
use portcullis::keyring::Keyring;
use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::policy::Policy;
use portcullis::port::ambient::{Clock, SystemRandom};
use portcullis::port::flespi::FlespiApi;
use portcullis::port::hasher::PasswordHasher;
use portcullis::port::message::{MailSender, SmsSender};
use portcullis_axum::{HttpOptions, Security};
use portcullis_smtp::{Probe, SmtpOptions, SmtpSender};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::demo::{self, Demo};
use crate::dev::Dev;
use crate::flespi::Caller;
use crate::keys::lies_beside;
use crate::mailbox::Mailbox;
use crate::options::{Database, Options};
use crate::serve::serve;
use crate::sms;
use crate::web::App;
use crate::work::DevWorker;

/// Why the program does not start: one line, lower case, without a secret.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// What was being done, and what prevents it.
    pub(crate) fn new(what: impl Display, why: impl Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl From<String> for Failure {
    fn from(line: String) -> Self {
        Self(line)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says one line on standard output. Nobody listening is no reason to end.
pub(crate) fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Opens everything and serves until a signal ends it.
///
/// # Errors
/// The first thing that prevents the start.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let listener = listen(options.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::new("--listen", kind(&error)))?;
    let http = http_options(&options, address)?;
    if options.dev || options.database == Database::InData {
        make_folder(&options.data)?;
    }
    let keyring = keyring(&options)?;
    let database = OpenDatabase::open(&options).await?;
    database.check_mark(options.dev).await?;

    let clock = Arc::new(MovableClock::default());
    let server = match &options.smtp {
        Some(url) => Some(mail_server(url, &http).await?),
        None => None,
    };
    let gateway = sms::gateway(&options, &http)?;
    let mailbox = Mailbox::new(server.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
    let mailbox = Arc::new(mailbox.with_gateway(gateway.as_ref().map(|gateway| Arc::clone(&gateway.sender))));
    let mail = match server {
        Some(server) if !options.dev => server,
        Some(_) | None => Arc::clone(&mailbox) as Arc<dyn MailSender>,
    };
    let hasher = hasher(&options.policy)?;
    let sms = match &gateway {
        Some(gateway) if !options.dev => Some(Arc::clone(&gateway.sender)),
        None if !options.dev => None,
        Some(_) | None => Some(Arc::clone(&mailbox) as Arc<dyn SmsSender>),
    };
    let flespi = Arc::new(Caller::new(&options.flespi)?);
    let mut builder = Portcullis::builder_on(database.store());
    if let Some(sms) = sms {
        builder = builder.sms_on(sms);
    }
    let receipts = gateway.and_then(|gateway| gateway.receipts);
    let portcullis = builder
        .keyring(keyring)
        .mail_on(mail)
        .flespi_on(Arc::clone(&flespi) as Arc<dyn FlespiApi>)
        .hasher(Arc::clone(&hasher))
        .clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .policy(options.policy.clone())
        .public_url(http.public_url().to_string())
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))?;

    let security = Security::new(portcullis.clone(), http.clone());
    if !options.dev {
        let worker = portcullis.worker().spawn();
        return serve(listener, App::new(security, None), portcullis, http, receipts, worker).await;
    }
    let demo = Demo::seed(&portcullis, &*hasher, &options).await?;
    announce(&options, &http, &demo);
    let worker = DevWorker::new(portcullis.clone());
    let dev = Dev {
        mailbox,
        flespi,
        clock,
        hasher,
        worker: worker.clone(),
        port: address.port(),
        accounts: demo.accounts,
    };
    let task = worker.spawn();
    serve(listener, App::new(security, Some(Arc::new(dev))), portcullis, http, receipts, task).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            return Failure::from(format!("--listen: {address} is in use"));
        }
        Failure::new(format_args!("--listen: {address} can't be listened on"), kind(&error))
    })
}

fn http_options(options: &Options, address: SocketAddr) -> Result<HttpOptions, Failure> {
    let url = options.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let mut http =
        HttpOptions::new(&url).map_err(|error| Failure::new("--public-url", error))?.dev(options.dev);
    if !options.dev && !http.public_url().is_https() {
        return Err(Failure::from("--public-url must be https with --no-dev".to_owned()));
    }
    for network in &options.trusted_proxies {
        http = http.trusted_proxy(*network);
    }
    Ok(http)
}

/// Makes a folder for its owner alone, if it is not there, and sees that it can be written to.
///
/// # Errors
/// When it can't.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    let fails = |error: &io::Error| {
        Failure::new(format_args!("--data: the folder `{}` can't be used", path.display()), kind(error))
    };
    folder.create(path).map_err(|error| fails(&error))?;
    // Whoever owns the folder may still be refused by a file system that is read-only.
    let probe = path.join(".writable");
    std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe)).map_err(|error| fails(&error))
}

/// The kind of an error of the system in words, without the path it may name.
pub(crate) fn kind(error: &io::Error) -> String {
    error.kind().to_string()
}

/// The keyring of the options; in dev mode a new one when there is none yet.
///
/// # Errors
/// What is wrong with its file.
pub(crate) fn keyring(options: &Options) -> Result<Keyring, Failure> {
    let unfit = |error| Failure::new("--keys", error);
    if let Some(path) = &options.keys {
        if !options.dev && beside_the_database(path, options) {
            let line = "--keys: the file lies beside the database, --no-dev needs it elsewhere";
            return Err(Failure::from(line.to_owned()));
        }
        return Keyring::from_file(path).map_err(unfit);
    }
    let path = options.data.join("keys.json");
    if path.exists() {
        return Keyring::from_file(&path).map_err(unfit);
    }
    let now = MovableClock::default().now();
    let keyring =
        Keyring::generate(&SystemRandom::default(), now).map_err(|error| Failure::new("--keys", error))?;
    keyring.write_new_file(&path).map_err(unfit)?;
    Ok(keyring)
}

/// Whether one backup, or one thief, would take the keys with the database.
fn beside_the_database(keys: &Path, options: &Options) -> bool {
    match &options.database {
        Database::InData | Database::Postgres(_) => lies_beside(keys, &options.data),
        Database::Sqlite(file) => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            lies_beside(keys, folder.unwrap_or(Path::new("."))) || lies_beside(keys, &options.data)
        }
    }
}

/// The mail server of a URL. One that can't be reached only warns; one that will never take a mail prevents the start.
///
/// # Errors
/// What is wrong with the URL, the environment or the server.
async fn mail_server(url: &str, http: &HttpOptions) -> Result<Arc<dyn MailSender>, Failure> {
    let unfit = |error| Failure::new("--smtp", error);
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = http.public_url().to_string();
    let host = host.split_once("://").map_or(&*host, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let from = match environment("PORTCULLIS_SMTP_FROM") {
        Some(from) => Email::parse(&from).map_err(|error| Failure::new("PORTCULLIS_SMTP_FROM", error))?,
        None => Email::parse(&format!("security@{host}"))
            .or_else(|_| Email::parse("security@portcullis.test"))
            .map_err(|error| Failure::new("PORTCULLIS_SMTP_FROM", error))?,
    };
    let mut options =
        SmtpOptions::new(from).from_name("portcullis").timeout(std::time::Duration::from_secs(10));
    if let Some(path) = environment("PORTCULLIS_SMTP_CA") {
        let authority = std::fs::read(&path)
            .map_err(|error| Failure::new(format_args!("PORTCULLIS_SMTP_CA: `{path}`"), kind(&error)))?;
        options = options.root_certificates(authority);
    }
    let password = environment("PORTCULLIS_SMTP_PASSWORD").map(SecretString::from);
    // A password without a user in the URL is one that stands in the environment for something else.
    let password = password.filter(|_| url.contains('@'));
    let sender = SmtpSender::from_url(url, password, options).map_err(unfit)?;
    match sender.check().await {
        Probe::Misconfigured { detail } => Err(Failure::new("--smtp", detail)),
        Probe::Warn { .. } | Probe::Reachable | _ => Ok(Arc::new(sender)),
    }
}

/// The pool that hashes passwords.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn hasher(policy: &Policy) -> Result<Arc<dyn PasswordHasher>, Failure> {
    let cost =
        HashCost { memory_kib: policy.hash_memory_kib, passes: policy.hash_passes, lanes: policy.hash_lanes };
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let pool = HashPool::new(cost, size(policy.hash_threads), size(policy.hash_queue));
    Ok(Arc::new(pool.map_err(|error| Failure::new("passwords can't be hashed", error))?))
}

/// Tells a developer all there is to know.
fn announce(options: &Options, http: &HttpOptions, demo: &Demo) {
    let url = http.public_url();
    say("development mode: not for real accounts");
    say(format_args!("  address:   {url}"));
    say(format_args!("  logins:    {}", demo::LOGINS.join(", ")));
    match &demo.password {
        Some(password) => say(format_args!("  password:  {password}")),
        None => say("  password:  the one of the first start on this database"),
    }
    say(format_args!("  messages:  {url}/dev/messages"));
    say(format_args!("  timeline:  {url}/dev/timeline"));
    say(format_args!("  states:    {url}/dev/states"));
    say(format_args!("  data:      {}", options.data.display()));
}

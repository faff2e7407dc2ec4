//! The logbook on a port of this machine, with one driver; see the library.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum_host::{Database, app, security};
use portcullis::account::NewAccount;
use portcullis::keyring::Keyring;
use portcullis::language::Language;
use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::port::hasher::PasswordHasher as _;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::secret::Password;
use portcullis::user::{Flags, Login, NewUser};
use portcullis_axum::HttpOptions;
use portcullis_sqlite::SqliteStore;

const URL: &str = "http://127.0.0.1:3000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all("keys")?;
    let keys = "keys/carnet.json".as_ref();
    let is_new = !std::fs::exists(keys)?;
    if is_new {
        Keyring::generate(&SystemRandom::default(), SystemClock::default().now())?.write_new_file(keys)?;
    }
    let store = Arc::new(SqliteStore::open("carnet.db")?);
    let database = Database::open("carnet.db")?;
    let hasher = Arc::new(HashPool::new(HashCost::FLOOR, 1, 8)?);
    let builder = security(store)?.keyring(Keyring::from_file(keys)?).mail(Shown).public_url(URL);
    let portcullis = builder.hasher(Arc::clone(&hasher) as _).build()?;
    if is_new {
        let account = portcullis.accounts().create(NewAccount::named("Carnet")).await?;
        let mut amelie = NewUser::new(Login::parse("amelie")?, account.id);
        amelie.language = Language::parse("fr")?;
        amelie.flags = Flags::all();
        let password = Password::parse("bonjour tristesse".to_owned(), "password")?;
        amelie.password = Some(hasher.hash(&password, *b"a salt of a demo").await?);
        amelie.long_enough_alone = true;
        let amelie = portcullis.users().create(amelie).await?;
        database.add_driver(amelie.id, "Amélie")?;
    }
    let _worker = portcullis.worker().spawn();
    let app = app(portcullis, database, HttpOptions::new(URL)?.dev(true));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// Shows mails instead of sending them: a sender of one's own takes a line or two.
struct Shown;

#[async_trait]
impl MailSender for Shown {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let shown = writeln!(std::io::stderr(), "à {} : {}\n{}", mail.to.as_str(), mail.subject, mail.text);
        shown.map_err(|_| SendError::Transient { detail: "standard error is closed" })?;
        Ok(Receipt::new(None))
    }
}

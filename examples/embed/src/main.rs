//! portcullis in a service, in a dozen lines: a store, keys, a mail sender, a worker, and the first administrator.
//!
//! ```sh
//! cd $(mktemp -d) && cargo run --manifest-path …/portcullis/Cargo.toml -p embed
//! ```
//!
//! It makes `app.db` and `keys/app.json` in the folder where it runs, and says the link by which the administrator sets
//! a password. A service would go on with its pages, or with `portcullis_axum::router`, and let the worker run.

#![expect(clippy::print_stdout, reason = "an example says what it did")]

use std::error::Error;

use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::{Portcullis, contact::Email, keyring::Keyring, user::Login};
use portcullis_smtp::{SmtpOptions, SmtpSender};
use portcullis_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let from = SmtpOptions::new(Email::parse("security@fleet.example.com")?);
    let mail = SmtpSender::from_url("smtp://127.0.0.1:2525", None, from)?;
    let builder = Portcullis::builder(SqliteStore::open("app.db")?).keyring(keys()?).mail(mail);
    let security = builder.product("Fleet").public_url("https://fleet.example.com").build()?;
    let worker = security.worker().spawn(); // sends what is waiting, until the service ends

    match security.bootstrap("Fleet", &Login::parse("root")?, &Email::parse("root@example.com")?).await {
        Ok(first) => println!("{} sets a password at {}", first.user.login, first.link.expose()),
        Err(portcullis::Error::Refused(no)) => println!("nothing to do: {no}"),
        Err(error) => return Err(error.into()),
    }
    worker.abort();
    Ok(())
}

/// The keys, made once. They never lie beside the database: one backup or one thief would take both.
fn keys() -> Result<Keyring, Box<dyn Error>> {
    std::fs::create_dir_all("keys")?;
    let file = "keys/app.json".as_ref();
    if !std::fs::exists(file)? {
        Keyring::generate(&SystemRandom::default(), SystemClock::default().now())?.write_new_file(file)?;
    }
    Ok(Keyring::from_file(file)?)
}

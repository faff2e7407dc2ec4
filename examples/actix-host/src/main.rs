//! The host on a port of this machine, in memory, with one user; see the library.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use actix_host::{own_routes, whole_contract};
use actix_web::{App, HttpServer};
use portcullis::Portcullis;
use portcullis::account::NewAccount;
use portcullis::contact::Email;
use portcullis::keyring::Keyring;
use portcullis::memory::MemoryStore;
use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::port::hasher::PasswordHasher as _;
use portcullis::secret::Password;
use portcullis::user::{Flags, Login, NewUser};
use portcullis_axum::HttpOptions;
use portcullis_smtp::{SmtpOptions, SmtpSender};

const URL: &str = "http://127.0.0.1:3001";

fn main() -> Result<(), Box<dyn Error>> {
    actix_web::rt::System::new().block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let hasher = Arc::new(HashPool::new(HashCost::FLOOR, 1, 8)?);
    let from = SmtpOptions::new(Email::parse("security@fleet.example.com")?);
    let portcullis = Portcullis::builder(MemoryStore::new())
        .keyring(Keyring::generate(&SystemRandom::default(), SystemClock::default().now())?)
        .mail(SmtpSender::from_url("smtp://127.0.0.1:2525", None, from)?)
        .hasher(Arc::clone(&hasher) as _)
        .public_url(URL)
        .build()?;
    let account = portcullis.accounts().create(NewAccount::named("demo")).await?;
    let mut alice = NewUser::new(Login::parse("alice")?, account.id);
    let password = Password::parse("correct horse battery".to_owned(), "password")?;
    alice.password = Some(hasher.hash(&password, *b"a salt of a demo").await?);
    alice.long_enough_alone = true;
    alice.flags = Flags::all();
    portcullis.users().create(alice).await?;

    let _worker = portcullis.worker().spawn();
    let options = HttpOptions::new(URL)?.dev(true);
    writeln!(std::io::stdout(), "listening on {URL}")?;
    let app = move || {
        let contract = whole_contract(portcullis.clone(), options.clone());
        App::new().configure(own_routes(portcullis.clone())).configure(contract)
    };
    Ok(HttpServer::new(app).workers(1).bind(("127.0.0.1", 3001))?.run().await?)
}

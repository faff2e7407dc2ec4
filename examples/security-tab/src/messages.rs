//! The subcommands of `messages`: what a restored backup brought back is listed by `held` and let go by `release`, what
//! was given up is listed by `dead` and sent again by `resend`.

use std::path::PathBuf;
use std::sync::Arc;

use portcullis::decision::Reason;
use portcullis::id::MessageId;
use portcullis::keyring::Keyring;
use portcullis::message::Message;
use portcullis::port::ambient::Clock;
use portcullis::port::store::Page;
use portcullis::{Error, Portcullis};
use uuid::Uuid;

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::mailbox::Mailbox;
use crate::options::{Database, database};
use crate::start::{Failure, say};

/// Messages of one page.
const PAGE: u32 = 100;

/// What to do with the messages of a database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MessagesCommand {
    act: Act,
    keys: PathBuf,
    database: Database,
    data: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    /// List what is held.
    Held,
    /// Let one of these be sent.
    Release(Uuid),
    /// List what was given up.
    Dead,
    /// Have one of these sent again.
    Resend(Uuid),
}

/// Reads the words after `messages`.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<MessagesCommand, String> {
    let mut words = words.into_iter();
    let act = words.next();
    let mut id = |act| {
        let id = words.next().and_then(|id| Uuid::parse_str(&id).ok());
        id.ok_or_else(|| format!("messages {act} needs the id of a message"))
    };
    let act = match act.as_deref() {
        Some("held") => Act::Held,
        Some("release") => Act::Release(id("release")?),
        Some("dead") => Act::Dead,
        Some("resend") => Act::Resend(id("resend")?),
        Some(_) | None => return Err("messages is followed by held, release, dead or resend".to_owned()),
    };
    let (mut keys, mut place) = (None, None);
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, words.next()),
        };
        let value = || value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--keys" => keys = Some(PathBuf::from(value()?)),
            "--data" => place = Some((Database::InData, PathBuf::from(value()?))),
            "--database" => place = Some((database(value()?)?, PathBuf::new())),
            _ => return Err(format!("messages knows no {name}")),
        }
    }
    let keys = keys.ok_or("--keys names the keyring file")?;
    let (database, data) = place.ok_or("messages needs --data or --database")?;
    Ok(MessagesCommand { act, keys, database, data })
}

/// Does it.
///
/// # Errors
/// What prevents it, such as that there is no such message.
pub(crate) async fn run(command: MessagesCommand) -> Result<(), Failure> {
    let keyring = Keyring::from_file(&command.keys).map_err(|error| Failure::new("--keys", error))?;
    let database = OpenDatabase::open_existing(&command.database, &command.data).await?;
    let clock: Arc<dyn Clock> = Arc::new(MovableClock::default());
    let portcullis = Portcullis::builder_on(database.store())
        .keyring(keyring)
        // Nothing is worded here, so no link is ever made of it.
        .public_url("http://localhost")
        // No worker runs on it, so nothing leaves.
        .mail_on(Arc::new(Mailbox::new(None, Arc::clone(&clock))))
        .clock(clock)
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))?;
    match command.act {
        Act::Held => list(async |page| portcullis.held_messages(page).await).await,
        Act::Dead => list(async |page| portcullis.dead_messages(page).await).await,
        Act::Release(id) => {
            let released = portcullis.release_message(MessageId::from_uuid(id)).await;
            sent(released, "released", "no message of this id is held")
        }
        Act::Resend(id) => {
            let resent = portcullis.resend_message(MessageId::from_uuid(id)).await;
            sent(resent, "took up", "no message of this id was given up and can be sent again")
        }
    }
}

/// Lists them page by page.
async fn list(pages: impl AsyncFn(Page) -> Result<Vec<Message>, Error>) -> Result<(), Failure> {
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let some = pages(page).await.map_err(|error| Failure::new("--database", error))?;
        for message in &some {
            let (id, kind, to) = (message.id, message.kind.name(), &message.to);
            say(format_args!("{id} {kind} to {to}, written {}", message.created_at.to_rfc3339()));
        }
        match some.last() {
            Some(last) => page.after = Some(last.id.uuid()),
            None => return Ok(()),
        }
    }
}

/// Says what is sent from now on, or that there is no such message.
fn sent(result: Result<Message, Error>, done: &str, nothing: &str) -> Result<(), Failure> {
    match result {
        Ok(message) => {
            say(format_args!("{done} the {} to {}: the service sends it", message.kind.name(), message.to));
            Ok(())
        }
        Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => {
            Err(Failure::from(nothing.to_owned()))
        }
        Err(error) => Err(Failure::new("--database", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<MessagesCommand, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_act_is_read_with_its_place() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        let (keys, data) = (PathBuf::from("k"), PathBuf::from("d"));
        let held = read("held --keys k --data=d").unwrap();
        assert_eq!(
            held,
            MessagesCommand { act: Act::Held, keys: keys.clone(), database: Database::InData, data }
        );
        let act = Act::Release(Uuid::parse_str(id).unwrap());
        let database = Database::Sqlite("g".into());
        let released = read(&format!("release {id} --database sqlite://g --keys k")).unwrap();
        assert_eq!(released, MessagesCommand { act, keys, database, data: PathBuf::new() });
        assert_eq!(read("dead --keys k --data d").unwrap().act, Act::Dead);
        let resent = read(&format!("resend {id} --keys k --data d")).unwrap();
        assert_eq!(resent.act, Act::Resend(Uuid::parse_str(id).unwrap()));
    }

    #[test]
    fn what_is_missing_or_strange_is_named() {
        for (line, error) in [
            ("", "messages is followed by held, release, dead or resend"),
            ("burn", "messages is followed by held, release, dead or resend"),
            ("resend", "messages resend needs the id of a message"),
            ("release", "messages release needs the id of a message"),
            ("release --keys k", "messages release needs the id of a message"),
            ("held --data d", "--keys names the keyring file"),
            ("held --keys k", "messages needs --data or --database"),
            ("held --keys", "--keys needs a value"),
            ("held --smtp s", "messages knows no --smtp"),
        ] {
            assert_eq!(read(line).unwrap_err(), error, "{line}");
        }
    }
}

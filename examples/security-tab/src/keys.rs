//! The subcommands of the keyring file: `keys` and `after-restore`.

mod reseal;

use std::path::{Path, PathBuf};

use portcullis::keyring::{Keyring, KeyringError};
use portcullis::port::ambient::{Clock as _, SystemRandom};

use crate::clock::MovableClock;
use crate::options::{Database, database};
use crate::start::{Failure, say};

/// What to do with the keyring file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeysCommand {
    /// The file.
    pub(crate) file: PathBuf,
    /// What to do.
    pub(crate) act: Act,
    /// The database whose messages are sealed anew, and the data folder it may be in.
    pub(crate) sealed_in: Option<(Database, PathBuf)>,
}

/// What is done with a keyring file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Make it.
    New,
    /// Read it, and say what is in it.
    Check,
    /// Add a key and make it current.
    Rotate,
    /// Seal anew, under the current key, what waits in the database under another.
    Reseal,
    /// Remove the key with this id, after what waits under it was sealed anew.
    Retire(String),
    /// Move to the next epoch.
    AfterRestore,
}

/// Reads the words after `keys` or, with `after_restore`, after `after-restore`.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(
    after_restore: bool,
    words: impl IntoIterator<Item = String>,
) -> Result<KeysCommand, String> {
    let mut words = words.into_iter();
    let act = if after_restore {
        Act::AfterRestore
    } else {
        match words.next().as_deref() {
            Some("new") => Act::New,
            Some("check") => Act::Check,
            Some("rotate") => Act::Rotate,
            Some("reseal") => Act::Reseal,
            Some("retire") => Act::Retire(
                words.next().filter(|id| !id.starts_with('-')).ok_or("keys retire needs the id of a key")?,
            ),
            Some(_) | None => return Err("keys is followed by new, check, rotate, reseal or retire".into()),
        }
    };
    let takes_database = matches!(act, Act::Reseal | Act::Retire(_));
    let mut file = None;
    let mut sealed_in = None;
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, words.next()),
        };
        let value = value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--keys" => file = Some(value?),
            "--data" if takes_database => sealed_in = Some((Database::InData, PathBuf::from(value?))),
            "--database" if takes_database => sealed_in = Some((database(value?)?, PathBuf::new())),
            _ if takes_database => {
                return Err(format!("the only options here are --keys, --data and --database, not {name}"));
            }
            _ => return Err(format!("the only option here is --keys, not {name}")),
        }
    }
    let file = file.ok_or("--keys names the keyring file")?;
    if act == Act::Reseal && sealed_in.is_none() {
        return Err("keys reseal needs --data or --database".into());
    }
    Ok(KeysCommand { file: PathBuf::from(file), act, sealed_in })
}

/// Does it, and says what was done. Never anything of a key.
///
/// # Errors
/// What is wrong with the file, or with the id of a key.
pub(crate) fn run(command: &KeysCommand) -> Result<(), Failure> {
    let unfit = |error: KeyringError| Failure::new("--keys", error);
    let file = &*command.file;
    let now = MovableClock::default().now();
    let random = SystemRandom::default();
    if command.act == Act::New {
        let keyring = Keyring::generate(&random, now).map_err(|error| Failure::new("--keys", error))?;
        keyring.write_new_file(file).map_err(unfit)?;
        say(format_args!("made the keyring, its key is {}", keyring.current()));
        return Ok(());
    }
    let mut keyring = Keyring::from_file(file).map_err(unfit)?;
    match &command.act {
        Act::New => {}
        Act::Check => describe(&keyring),
        Act::Rotate => {
            keyring.rotate(&random, now).map_err(unfit)?;
            replace(&keyring, file)?;
            say(format_args!("added key {}, which is the current one", keyring.current()));
        }
        Act::Reseal => {
            if let Some((database, data)) = &command.sealed_in {
                let others = keyring.key_ids().filter(|id| *id != keyring.current()).map(str::to_owned);
                reseal::under(others.collect(), &keyring, database, data)?;
            }
        }
        Act::Retire(id) => {
            let before = keyring.clone();
            keyring.retire(id).map_err(unfit)?;
            if let Some((database, data)) = &command.sealed_in {
                reseal::under(vec![id.clone()], &before, database, data)?;
            }
            replace(&keyring, file)?;
            say(format_args!("removed key {id}: what it made can't be read any more"));
        }
        Act::AfterRestore => {
            let before = keyring.epoch();
            keyring.next_epoch();
            if keyring.epoch() == before {
                return Err(Failure::from("the last epoch is reached, make a new keyring".to_owned()));
            }
            replace(&keyring, file)?;
            say(format_args!("moved from epoch {before} to {}", keyring.epoch()));
            say("every session and every pending code from before is dead once the service has started anew");
        }
    }
    Ok(())
}

fn replace(keyring: &Keyring, file: &Path) -> Result<(), Failure> {
    keyring.replace_file(file).map_err(|error| Failure::new("--keys", error))
}

fn describe(keyring: &Keyring) {
    say(format_args!("epoch {}", keyring.epoch()));
    for id in keyring.key_ids() {
        let made = keyring.made_at(id).map(|at| at.to_rfc3339()).unwrap_or_default();
        let current = if id == keyring.current() { ", current" } else { "" };
        say(format_args!("key {id}, made {made}{current}"));
    }
}

/// Whether a keyring file lies where the database does, so that one backup or one thief would take both.
pub(crate) fn lies_beside(keys: &Path, data: &Path) -> bool {
    match (keys.canonicalize(), data.canonicalize()) {
        (Ok(keys), Ok(data)) => keys.starts_with(data),
        (Ok(_) | Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(after_restore: bool, line: &str) -> Result<KeysCommand, String> {
        parse(after_restore, line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_act_is_read_with_its_file() {
        for (line, act) in [
            ("new --keys f", Act::New),
            ("check --keys=f", Act::Check),
            ("rotate --keys f", Act::Rotate),
            ("retire abc --keys f", Act::Retire("abc".to_owned())),
        ] {
            let command = KeysCommand { file: "f".into(), act, sealed_in: None };
            assert_eq!(read(false, line).unwrap(), command, "{line}");
        }
        let restored = KeysCommand { file: "f".into(), act: Act::AfterRestore, sealed_in: None };
        assert_eq!(read(true, "--keys f").unwrap(), restored);
        let sqlite = Database::Sqlite("g".into());
        for (line, act, database, data) in [
            ("reseal --keys f --data d", Act::Reseal, Database::InData, "d"),
            ("reseal --database sqlite://g --keys f", Act::Reseal, sqlite, ""),
            ("retire abc --keys f --data=d", Act::Retire("abc".to_owned()), Database::InData, "d"),
        ] {
            let command =
                KeysCommand { file: "f".into(), act, sealed_in: Some((database, PathBuf::from(data))) };
            assert_eq!(read(false, line).unwrap(), command, "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (after_restore, line, error) in [
            (false, "", "keys is followed by new, check, rotate, reseal or retire"),
            (false, "steal", "keys is followed by new, check, rotate, reseal or retire"),
            (false, "retire --keys f", "keys retire needs the id of a key"),
            (false, "new", "--keys names the keyring file"),
            (false, "new --keys", "--keys needs a value"),
            (false, "new --keys=", "--keys needs a value"),
            (false, "new --data d", "the only option here is --keys, not --data"),
            (false, "reseal --keys f", "keys reseal needs --data or --database"),
            (false, "reseal --keys f --data", "--data needs a value"),
            (
                false,
                "retire abc --keys f --smtp s",
                "the only options here are --keys, --data and --database, not --smtp",
            ),
            (
                false,
                "reseal --keys f --database mysql://x",
                "--database must start with sqlite:// or postgres:// and name a database",
            ),
            (true, "", "--keys names the keyring file"),
        ] {
            assert_eq!(read(after_restore, line).unwrap_err(), error, "{line}");
        }
    }
}

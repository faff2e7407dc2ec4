//! The keyring's file: JSON with a schema number, readable by its owner alone.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{DeriveKey, Entry, KeyBytes, Keyring, Ring, is_key_id};
use crate::error::PortError;

const VERSION: u64 = 1;
const MAX_FILE_BYTES: u64 = 65_536;

/// What is wrong with a keyring or its file; never anything of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The file can't be read or written, or may be read by others.
    #[error("the keyring file `{}` {what}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: Cow<'static, str>,
    },
    /// The text is no keyring.
    #[error("the keyring can't be read: {0}")]
    Malformed(Cow<'static, str>),
    /// The text was written by another release.
    #[error("the keyring has version {0}, this release reads version 1")]
    Version(u64),
    /// The key is in use for everything new and can't be retired.
    #[error("the current key can't be retired, rotate first")]
    Current,
    /// No key has this id.
    #[error("the keyring has no key of this id")]
    Unknown,
    /// The keyring holds as many keys as it can.
    #[error("the keyring is full, retire a key first")]
    Full,
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] PortError),
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRing<'a> {
    v: u64,
    epoch: u32,
    current: Cow<'a, str>,
    derive: KeyText,
    keys: Vec<FileEntry<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry<'a> {
    id: Cow<'a, str>,
    made: DateTime<Utc>,
    key: KeyText,
}

/// A key in base64url, wiped when dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct KeyText(String);

impl Drop for KeyText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl KeyText {
    fn of(key: &KeyBytes) -> Self {
        Self(BASE64URL_NOPAD.encode(key.as_ref()))
    }

    fn key(&self) -> Option<KeyBytes> {
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(self.0.as_bytes()).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
    }
}

impl Keyring {
    /// Reads a keyring from its JSON.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] says what is wrong without the content, [`KeyringError::Version`] which version was
    /// found.
    pub fn from_json(text: &str) -> Result<Self, KeyringError> {
        let VersionOnly { v } = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if v != VERSION {
            return Err(KeyringError::Version(v));
        }
        let file: FileRing<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let derive = file.derive.key().ok_or_else(|| malformed("`derive` is not 32 bytes in base64url"))?;
        if file.keys.len() > Self::MAX_KEYS {
            return Err(malformed("it has more than 64 keys"));
        }
        let mut keys: Vec<Entry> = Vec::with_capacity(file.keys.len());
        for (number, entry) in (1..).zip(file.keys) {
            if !is_key_id(&entry.id) {
                return Err(malformed(format!(
                    "the id of key {number} is not 1 to 16 lower-case letters and digits"
                )));
            }
            if keys.iter().any(|other| other.id == entry.id) {
                return Err(malformed(format!("the id of key {number} was there before")));
            }
            let key = entry
                .key
                .key()
                .ok_or_else(|| malformed(format!("key {number} is not 32 bytes in base64url")))?;
            keys.push(Entry::new(entry.id.into_owned(), entry.made, key));
        }
        let current = file.current.into_owned();
        if !keys.iter().any(|entry| entry.id == current) {
            return Err(malformed("`current` names none of the keys"));
        }
        Ok(Self(Arc::new(Ring { epoch: file.epoch, current, derive: DeriveKey::new(derive), keys })))
    }

    /// Writes the keyring as JSON: the whole secret, for the host's secret store.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] if it can't be put into words, which no keyring is known to do.
    pub fn to_json(&self) -> Result<SecretString, KeyringError> {
        let ring = &self.0;
        let keys = ring.keys.iter().map(|entry| FileEntry {
            id: Cow::Borrowed(&entry.id),
            made: entry.made,
            key: KeyText::of(&entry.key),
        });
        let file = FileRing {
            v: VERSION,
            epoch: ring.epoch,
            current: Cow::Borrowed(&ring.current),
            derive: KeyText::of(&ring.derive.key),
            keys: keys.collect(),
        };
        // Large enough that growing leaves no copy behind.
        let mut json = Zeroizing::new(Vec::with_capacity(512 + 256 * ring.keys.len()));
        serde_json::to_writer_pretty(&mut *json, &file).map_err(|error| unreadable(&error))?;
        json.push(b'\n');
        let text = core::str::from_utf8(&json).map_err(|_| malformed("it is not text"))?;
        Ok(SecretString::from(Box::<str>::from(text)))
    }

    /// Reads a keyring from a file. On Unix the file must be readable by its owner alone (mode 0600 or less).
    ///
    /// # Errors
    /// [`KeyringError::File`] names the file that is missing, unreadable, too large or open to others; else as
    /// [`Keyring::from_json`].
    pub fn from_file(path: &Path) -> Result<Self, KeyringError> {
        let fails = |error: &io::Error| file_error(path, error, "read");
        let file = File::open(path).map_err(|error| fails(&error))?;
        let metadata = file.metadata().map_err(|error| fails(&error))?;
        if !metadata.is_file() {
            return Err(file_fault(path, "is not a file"));
        }
        if readable_by_others(&metadata) {
            return Err(file_fault(path, "may be read by others, its mode must be 0600"));
        }
        let mut text =
            Zeroizing::new(String::with_capacity(metadata.len().min(MAX_FILE_BYTES).try_into().unwrap_or(0)));
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| fails(&error))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
            return Err(file_fault(path, "is longer than 64 KiB"));
        }
        Self::from_json(&text)
    }

    /// Writes the keyring to a file that must not exist yet, with mode 0600 on Unix, and makes it durable.
    ///
    /// # Errors
    /// [`KeyringError::File`] names the file and what prevents it.
    pub fn write_new_file(&self, path: &Path) -> Result<(), KeyringError> {
        let json = self.to_json()?;
        create_private(path)
            .and_then(|mut file| {
                file.write_all(json.expose_secret().as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| sync_folder_of(path))
            .map_err(|error| file_error(path, &error, "written"))
    }

    /// Puts the keyring in the place of a file in one step: after a power cut it is either the old or the new one.
    ///
    /// The new text is first written beside it, with the suffix `.new`.
    ///
    /// # Errors
    /// [`KeyringError::File`] names the file and what prevents it, also a `.new` that an earlier try left behind.
    pub fn replace_file(&self, path: &Path) -> Result<(), KeyringError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        self.write_new_file(&beside)?;
        fs::rename(&beside, path)
            .and_then(|()| sync_folder_of(path))
            .map_err(|error| file_error(path, &error, "replaced"))
    }
}

fn unreadable(error: &serde_json::Error) -> KeyringError {
    malformed(format!("no keyring from line {}, column {} on", error.line(), error.column()))
}

fn malformed(what: impl Into<Cow<'static, str>>) -> KeyringError {
    KeyringError::Malformed(what.into())
}

fn file_fault(path: &Path, what: impl Into<Cow<'static, str>>) -> KeyringError {
    KeyringError::File { path: path.to_owned(), what: what.into() }
}

fn file_error(path: &Path, error: &io::Error, verb: &str) -> KeyringError {
    let cause = error.kind();
    if cause == io::ErrorKind::NotFound {
        return file_fault(path, "does not exist");
    }
    file_fault(path, format!("can't be {verb}: {cause}"))
}

#[cfg(unix)]
fn readable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;

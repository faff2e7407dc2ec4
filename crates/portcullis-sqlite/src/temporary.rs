//! Files that tests use and leave no trace of.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::SqliteOptions;
use crate::session::{Session, Tally};

/// A folder of its own with a database file to be, removed when dropped.
pub(crate) struct File {
    folder: PathBuf,
    path: PathBuf,
}

pub(crate) fn file() -> File {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("portcullis-sqlite-unit-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    File { path: folder.join("test.db"), folder }
}

/// A writing connection.
pub(crate) fn session(file: &File) -> Session {
    Session::writer(file.as_ref(), &SqliteOptions::new(), &Arc::new(Tally::default())).unwrap()
}

impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

//! Where a bench puts its files, and what it is told by the environment.

use std::path::{Path, PathBuf};

use crate::Fallible;

/// The files of a run, removed when it ends.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder of its own, beside the program or where `FOLDER` says.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new(name: &str) -> Fallible<Self> {
        let exe = std::env::current_exe()?;
        let beside = exe.parent().unwrap_or_else(|| Path::new("."));
        let within = std::env::var_os("FOLDER").map_or_else(|| beside.to_owned(), PathBuf::from);
        let folder = within.join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A number from the environment, at least 1.
///
/// # Errors
/// When it is none.
pub fn number(name: &str, default: u32) -> Fallible<u32> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse::<u32>()?.max(1)),
        Err(_) => Ok(default),
    }
}

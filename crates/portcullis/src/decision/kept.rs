//! A value and the version it was read at or put under.

use super::{Entity, Stored};
use crate::engine::record;

impl<E> Stored<E> {
    /// The same after it was put: with the version and the body that are stored then.
    pub(crate) fn kept(self) -> Result<Self, &'static str>
    where
        E: Entity,
    {
        let body = record::rewrite(&self.value, &self.body)?;
        Ok(Self { version: self.version + 1, body, ..self })
    }

    /// The version it was read at.
    pub const fn version(&self) -> u64 {
        self.version
    }
}

//! A value after it was put.

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
}

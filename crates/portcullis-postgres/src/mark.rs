//! Marks: what a host wants to know about the whole database.

use portcullis::error::PortError;
use tokio_postgres::types::Type;

use crate::row::{column, text};
use crate::store::PostgresStore;

pub(crate) const MARK: &str = "SELECT m.value FROM portcullis_mark m WHERE m.name = $1";

pub(crate) const SET_MARK: &str = "INSERT INTO portcullis_mark (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

impl PostgresStore {
    /// Gives the value of a mark, such as `dev` of a database made for development.
    ///
    /// # Errors
    /// [`PortError`] when the database does not answer.
    pub async fn mark(&self, name: &str) -> Result<Option<String>, PortError> {
        let name = text(name, "the name of a mark")?;
        let rows = self.ask(MARK, &[(&name, Type::TEXT)]).await?;
        rows.first().map(|row| column(row, "value")).transpose()
    }

    /// Sets a mark.
    ///
    /// # Errors
    /// [`PortError`] when the database does not answer; the mark may be set or not.
    pub async fn set_mark(&self, name: &str, value: &str) -> Result<(), PortError> {
        let (name, value) = (text(name, "the name of a mark")?, text(value, "the value of a mark")?);
        self.ask(SET_MARK, &[(&name, Type::TEXT), (&value, Type::TEXT)]).await?;
        Ok(())
    }
}

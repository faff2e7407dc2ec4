//! Everything that is kept, for tests. Behind the feature `testing`.

use async_trait::async_trait;
use portcullis::error::PortError;
use portcullis::testing::{Contents, Dump};

use crate::read;
use crate::row::{self, record_columns};
use crate::store::PostgresStore;

pub(crate) const RECORDS: &str = concat!("SELECT ", record_columns!(), " FROM portcullis_record r");
pub(crate) const COUNTERS: &str =
    "SELECT c.subject AS id, c.name, c.value, c.ends_at FROM portcullis_counter c";
pub(crate) const AUDIT: &str = "SELECT a.* FROM portcullis_audit a WHERE a.action <> ''";

#[async_trait]
impl Dump for PostgresStore {
    async fn contents(&self) -> Result<Contents, PortError> {
        let records = self.ask(RECORDS, &[]).await?;
        let counters = self.ask(COUNTERS, &[]).await?;
        let audit = self.ask(AUDIT, &[]).await?;
        Ok(Contents {
            records: records.iter().map(row::record).collect::<Result<_, _>>()?,
            counters: counters.iter().map(row::counter).collect::<Result<_, _>>()?,
            audit: audit.iter().map(read::event).collect::<Result<_, _>>()?,
        })
    }
}

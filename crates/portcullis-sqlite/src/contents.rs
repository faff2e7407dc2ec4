//! Shows everything that is kept, for the core's test helpers.

use async_trait::async_trait;
use portcullis::error::PortError;
use portcullis::testing::{Contents, Dump};

use crate::{SqliteStore, row, sql};

#[async_trait]
impl Dump for SqliteStore {
    async fn contents(&self) -> Result<Contents, PortError> {
        self.ask(|desk| {
            let session = desk.session;
            let [records, counters, audit] = sql::everything();
            Ok(Contents {
                records: session.query(&records, &[], |row| row::record(row, 0))?,
                counters: session.query(&counters, &[], |row| row::counter(row, 0))?,
                audit: session.query(&audit, &[], row::event)?,
            })
        })
        .await
    }
}

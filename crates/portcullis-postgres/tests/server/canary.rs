//! No secret of a whole story is found in the logs at TRACE or in a dump of the database.

use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::common::{in_database, skip};
use portcullis::port::store::Store;
use portcullis::testing::canary::live_through;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn no_secret_is_found_in_logs_or_dump() {
    let test = "no_secret_is_found_in_logs_or_dump";
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    in_database(test, async move |database| {
        let kept = Arc::new(database.migrated().await);
        let story = live_through(Arc::clone(&kept) as Arc<dyn Store>, 1).await.unwrap();
        let Ok(dump) = Command::new("pg_dump").arg(&database.url).output() else {
            return skip(test, "pg_dump is not installed");
        };
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        assert!(dump.stdout.windows(8).any(|window| window == b"canary-1"), "the story is in the dump");
        assert_eq!(story.found_in(&dump.stdout), Vec::<String>::new());
        tracing::trace!("the last line");
        let log = log.0.lock().unwrap();
        assert!(log.windows(13).any(|window| window == b"the last line"), "the log was kept");
        assert_eq!(story.found_in(&log), Vec::<String>::new());
        assert_eq!(story.found_in(story.printed.as_bytes()), Vec::<String>::new());
    });
}

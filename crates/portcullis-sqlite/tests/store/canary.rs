//! No secret of a whole story is found in the logs at TRACE, in the file, or in its write-ahead log.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use crate::common::File;
use portcullis::port::store::Store;
use portcullis::testing::canary::live_through;
use portcullis_sqlite::SqliteStore;
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
fn no_secret_is_found_in_logs_file_or_wal() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let file = File::new();
    let kept = Arc::new(SqliteStore::open(&file).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let story = runtime.block_on(live_through(Arc::clone(&kept) as Arc<dyn Store>, 1)).unwrap();

    let mut seen = 0;
    for entry in fs::read_dir(file.folder()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        seen += usize::from(bytes.windows(8).any(|window| window == b"canary-1"));
        assert_eq!(story.found_in(&bytes), Vec::<String>::new());
    }
    assert!(seen > 0, "the story is in the files");
    tracing::trace!("the last line");
    let log = log.0.lock().unwrap();
    assert!(log.windows(13).any(|window| window == b"the last line"), "the log was kept");
    assert_eq!(story.found_in(&log), Vec::<String>::new());
    assert_eq!(story.found_in(story.printed.as_bytes()), Vec::<String>::new());
}

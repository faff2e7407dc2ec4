//! No token stands in a log, an error or a `Debug`.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use portcullis::port::flespi::FlespiApi as _;
use portcullis::testing::canary::Canary;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Raw, Say, name, say, token, towards, wanted};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Buffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_token_is_logged_told_or_printed() {
    let log = Buffer::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let key = "nEw7K3yQ".repeat(8);
    let issued = serde_json::json!({"result": [{"id": 7, "key": key, "access": {"type": 1}}]}).to_string();
    let echo = format!("{{\"errors\":[{{\"code\":1,\"reason\":\"bad token {}\"}}]}}", token().expose());
    let mut printed = String::new();
    let mut print = |thing: &dyn std::fmt::Debug| {
        let _ = writeln!(printed, "{thing:?} {thing:#?}");
    };
    for answer in [
        say("200 OK", "", &issued),
        say("200 OK", "", &echo),
        say("400 Bad Request", &format!("x-token: {}\r\n", token().expose()), &echo),
        say("302 Found", &format!("location: /?token={}\r\n", token().expose()), ""),
        say(&format!("500 {}", token().expose()), "", &echo),
        Say::Bytes(format!("HTTP/1.1 {} nonsense\r\n\r\n", token().expose()).into_bytes()),
        Say::Cut,
    ] {
        let server = Raw::start([answer]).await;
        let builder = towards(&server.url());
        print(&builder);
        let flespi = builder.build().unwrap();
        let (eu, by) = (name("eu"), token());
        print(&(&flespi, &by));
        print(&flespi.inspect(&eu, &by).await);
        let made = flespi.issue(&eu, &by, &wanted("x")).await;
        if let Err(error) = &made {
            print(&error.to_string());
        }
        print(&made);
        print(&flespi.find(&eu, &by, "x").await);
        print(&flespi.revoke(&eu, &by, 7).await);
        print(&flespi.customer_region(&eu, &by).await);
    }
    assert!(printed.contains("IssuedToken") && printed.len() > 5_000, "{printed}");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for seen in ["flespi was asked", "TRACE", "hyper"] {
        assert!(log.contains(seen), "the log was kept: {seen}");
    }
    for canary in [Canary::new("the token", token().expose()), Canary::new("the issued key", key)] {
        assert_eq!(canary.found_in(printed.as_bytes()), Vec::<String>::new());
        assert_eq!(canary.found_in(log.as_bytes()), Vec::<String>::new());
    }
}

//! Everything at its most talkative: no secret, text or number in a log, an error or a `Debug`; no proxy asked.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::support::server::{Act, Server};
use crate::support::{
    ACCOUNT, KEY, PASSWORD, SECRET, SHAPES, Shape, TOKEN, callback, described, options, sms,
};
use portcullis::port::message::SmsSender as _;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the whole process logs from here on, the crates below included.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

#[tokio::test]
async fn nothing_secret_is_logged_at_any_level() {
    let log = log();
    let text = "Your code is 924417";
    let moment = Duration::from_millis(300);
    for shape in SHAPES {
        for act in [
            Act::Say(shape.good().to_owned()),
            Act::Say(String::new()),
            Act::Say("HTTP/1.1 403 no\r\nContent-Length: 6\r\n\r\nSECRET".to_owned()),
            Act::Say("HTTP/1.1 302 no\r\nLocation: http://127.0.0.1:9/SECRET\r\n\r\n".to_owned()),
            Act::SayAndHang("HTTP/1.1 200 OK\r\n".to_owned()),
        ] {
            let server = Server::start(act).await;
            let sender = shape.sender(&server.url(), options().timeout(moment).connect_timeout(moment / 2));
            let outcome = sender.send(&sms(text)).await;
            tracing::info!(?outcome, ?sender, sms = ?sms(text), "seen");
        }
    }
    let options = options();
    tracing::info!(?options, callback = ?callback(), described = ?described("https://h"), "built");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in ["SMS taken over", "SMS not taken over", "seen", "built", "hyper", "reqwest"] {
        assert!(logged.contains(expected), "`{expected}` is not in the log: it tests nothing");
    }
    let basic =
        |user: &str, secret: &str| data_encoding::BASE64.encode(format!("{user}:{secret}").as_bytes());
    for secret in [
        TOKEN.to_owned(),
        PASSWORD.to_owned(),
        KEY.to_owned(),
        SECRET.to_owned(),
        basic(ACCOUNT, TOKEN),
        basic("gateway", SECRET),
        "924417".to_owned(),
        "20000045".to_owned(),
        "SECRET".to_owned(),
    ] {
        let line = logged.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_asked() {
    let proxy = Server::start(Act::Say(Shape::Kannel.good().to_owned())).await;
    let gateway = Server::start(Act::Say(Shape::Kannel.good().to_owned())).await;
    let (proxied, target) = (proxy.url(), gateway.url());
    let child = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "privacy::sends_in_another_process", "--ignored"]).env("GATEWAY", target);
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            child.env(name, &proxied);
        }
        child.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap()
    });
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((proxy.seen().connections, gateway.seen().requests.len()), (0, 1));
}

#[tokio::test]
#[ignore = "run by the test above, in a process with a proxy in its environment"]
async fn sends_in_another_process() {
    let gateway = std::env::var("GATEWAY").unwrap();
    Shape::Kannel.sender(&gateway, options()).send(&sms("x")).await.unwrap();
}

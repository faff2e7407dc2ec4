//! chromedriver, started for one test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::skipped;
use crate::support::Folder;

const PATIENCE: Duration = Duration::from_secs(60);

/// A chromedriver on a port of its own. Ends with the test.
pub(crate) struct Driver {
    child: Child,
    browser: PathBuf,
    profile: Folder,
    browsers: AtomicU32,
    /// Where it listens.
    pub(crate) address: String,
}

impl Driver {
    /// Starts it; `None`, said aloud, where it is not installed.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let Some(driver) = program("PORTCULLIS_TEST_CHROMEDRIVER", "/usr/bin/chromedriver") else {
            skipped(test, "chromedriver was not found");
            return None;
        };
        let Some(browser) = program("PORTCULLIS_TEST_CHROMIUM", "/usr/bin/chromium") else {
            skipped(test, "chromium was not found");
            return None;
        };
        let mut command = Command::new(driver);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = channel();
        spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    let _ = say.send(port.trim_end_matches('.').to_owned());
                }
            }
        });
        let port = said.recv_timeout(PATIENCE).expect("chromedriver did not start");
        Some(Self {
            child,
            browser,
            profile: Folder::new(),
            browsers: AtomicU32::new(0),
            address: format!("127.0.0.1:{port}"),
        })
    }

    /// Opens a browser that shares nothing with another.
    pub(crate) async fn browser(&self, scripts: bool) -> Client {
        let number = self.browsers.fetch_add(1, Ordering::Relaxed);
        let profile = format!("--user-data-dir={}", self.profile.arg(&format!("profile-{number}")));
        let mut options = json!({
            "binary": self.browser,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
                "--lang=en-US", profile,
            ],
        });
        if !scripts {
            options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": options});
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        builder.connect(&format!("http://{}", self.address)).await.expect("the browser did not start")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(usual))).filter(|path| path.exists())
}

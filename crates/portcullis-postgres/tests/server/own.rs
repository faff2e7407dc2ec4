//! A server of a test's own, which it may stop, kill and fill, behind an address that stays.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A server in a folder of its own. It is stopped, and the folder removed, when this is dropped.
pub(crate) struct Server {
    pub(crate) folder: PathBuf,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres");

fn start(folder: &Path) -> String {
    let done = Command::new(SCRIPT).arg("start").arg(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

impl Server {
    /// Starts a server, or says why the test is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        // Where there is no server for the other tests, there may be no programs to start one.
        crate::common::server(test)?;
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portcullis-server-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // The user that the server runs as must be able to enter it.
        run("chmod", &["755", folder.to_str().unwrap()]);
        let this = Self { folder };
        this.again();
        Some(this)
    }

    /// Starts it, if it does not run, and gives its URL: each start has another port.
    pub(crate) fn again(&self) -> String {
        start(&self.folder)
    }

    /// Kills every process of the server, as a loss of power would end them.
    pub(crate) fn kill(&self) {
        let pids = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let postmaster = pids.lines().next().unwrap();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", postmaster]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let all: Vec<&str> = [postmaster].into_iter().chain(children.split_whitespace()).collect();
        // A child may have ended meanwhile.
        let _ = Command::new("kill").arg("-9").args(&all).output().unwrap();
        let alive = || all.iter().any(|pid| Path::new("/proc").join(pid).join("exe").exists());
        while alive() {
            std::thread::yield_now();
        }
        // Where nobody reaps them their ids stay taken, and the next start would take the server for alive.
        let _ = std::fs::remove_file(self.folder.join("data/postmaster.pid"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new(SCRIPT).arg("stop").arg(&self.folder).output();
        let _ = Command::new("umount").arg(self.folder.join("full")).output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
}

/// An address that stays while the server behind it moves.
pub(crate) struct Address {
    server: Arc<Mutex<String>>,
    port: u16,
}

impl Address {
    pub(crate) async fn of(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(Mutex::new(String::new()));
        tokio::spawn({
            let server = Arc::clone(&server);
            async move {
                while let Ok((mut client, _)) = listener.accept().await {
                    let server = server.lock().unwrap().clone();
                    tokio::spawn(async move {
                        if let Ok(mut server) = TcpStream::connect(server).await {
                            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                        }
                    });
                }
            }
        });
        let this = Self { server, port };
        this.leads_to(url);
        this
    }

    pub(crate) fn leads_to(&self, url: &str) {
        let server = url.split_once('@').unwrap().1.split_once('/').unwrap().0;
        server.clone_into(&mut self.server.lock().unwrap());
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

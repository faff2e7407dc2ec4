//! Starting and ending the program.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use super::client::Client;

/// The password of the demo users in tests, long enough to be the only factor.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long anything of the program may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that answers, with a data folder of its own. Ends with the test.
pub(crate) struct Program {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    /// What it said before it listened.
    pub(crate) said: Vec<String>,
    /// Where it listens, without the scheme.
    pub(crate) address: String,
}

/// What became of a start.
pub(crate) enum Started {
    /// It answers.
    Listening(Program),
    /// It ended, with what it said on standard error.
    Ended(ExitStatus, String),
}

/// A folder that is gone with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("security-tab-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it, as an argument.
    pub(crate) fn arg(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Program {
    /// Starts it in dev mode on a free port, with further arguments.
    pub(crate) fn dev(folder: &Folder, more: &[&str]) -> Self {
        Self::dev_with(folder, more, &[])
    }

    /// Starts it in dev mode on a free port, with further arguments and variables.
    pub(crate) fn dev_with(folder: &Folder, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let data = folder.arg("data");
        let mut arguments = vec!["--listen", "127.0.0.1:0", "--data", &data, "--demo-password", PASSWORD];
        arguments.extend(more);
        match start(&arguments, variables) {
            Started::Listening(program) => program,
            Started::Ended(status, stderr) => panic!("it ended with {status}: {stderr}"),
        }
    }

    /// Somebody without cookies.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Asks it to end, and gives everything it said.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let ended = || spawn(String::new);
        let stdout = std::mem::replace(&mut self.stdout, ended()).join().unwrap();
        let stderr = std::mem::replace(&mut self.stderr, ended()).join().unwrap();
        (status, format!("{}\n{stdout}{stderr}", self.said.join("\n")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program and waits until it listens or has ended.
pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Started {
    let mut command = Command::new(env!("CARGO_BIN_EXE_security-tab"));
    for name in ["SMTP_PASSWORD", "SMTP_FROM", "SMTP_CA", "SMS_PASSWORD", "SMS_FROM", "SMS_REPORT_SECRET"] {
        let name = format!("PORTCULLIS_{name}");
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let stderr = spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (first, listening) = channel();
    let stdout = spawn(move || {
        let mut rest = String::new();
        for line in lines.map(Result::unwrap) {
            // Once it listens, nobody takes what it says any more.
            if first.send(line.clone()).is_err() {
                rest.push_str(&line);
                rest.push('\n');
            }
        }
        rest
    });
    match address_in(&listening) {
        Ok((said, address)) => {
            drop(listening);
            Started::Listening(Program { child, stdout, stderr, said, address })
        }
        Err(()) => Started::Ended(child.wait().unwrap(), stderr.join().unwrap()),
    }
}

fn address_in(lines: &Receiver<String>) -> Result<(Vec<String>, String), ()> {
    let mut said = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => match line.strip_prefix("listening on http://") {
                Some(address) => return Ok((said, address.to_owned())),
                None => said.push(line),
            },
            Err(_) => return Err(()),
        }
    }
}

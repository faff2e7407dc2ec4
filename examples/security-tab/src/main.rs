//! The Security tab as a program.

mod clock;
mod database;
mod demo;
mod dev;
mod flespi;
mod init;
mod invite;
mod keys;
mod link;
mod mailbox;
mod messages;
mod options;
mod page;
mod serve;
mod sms;
mod start;
mod texts;
mod web;
mod work;

use std::io::Write as _;
use std::process::ExitCode;

use options::Command;

/// The command line can't be understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let work = match options::parse(std::env::args().skip(1)) {
        Ok(work @ (Command::Serve(_) | Command::Init(_) | Command::Invite(_) | Command::Messages(_))) => work,
        Ok(Command::Keys(command)) => {
            return match keys::run(&command) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    complain(&failure);
                    ExitCode::FAILURE
                }
            };
        }
        Ok(Command::Help) => {
            start::say(options::USAGE.trim_end());
            return ExitCode::SUCCESS;
        }
        Err(line) => {
            complain(&line);
            return ExitCode::from(USAGE);
        }
    };
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let ended = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            match work {
                Command::Serve(options) => start::run(*options).await,
                Command::Init(command) => init::run(*command).await,
                Command::Invite(command) => invite::run(*command).await,
                Command::Messages(command) => messages::run(command).await,
                Command::Keys(_) | Command::Help => Ok(()),
            }
        }),
        Err(error) => Err(start::Failure::new("the program can't start", error.kind())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::FAILURE
        }
    }
}

fn complain(line: &impl std::fmt::Display) {
    // Standard error is where it would be said that standard error is gone.
    let _ = writeln!(std::io::stderr(), "security-tab: {line}");
}

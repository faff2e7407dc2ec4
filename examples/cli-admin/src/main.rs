//! Administration on the command line: what an operator does without a browser, over SQLite or PostgreSQL.
//!
//! ```sh
//! alias admin='cargo run -q -p cli-admin -- --database sqlite://app.db --keys keys/app.json'
//! admin keys new
//! admin bootstrap --login root --email root@example.com --public-url https://fleet.example.com
//! admin accounts
//! admin --json users
//! admin flags root --on send_sms --off create_items
//! admin days 0190163d-… --left 30 --counting true
//! admin keys rotate && admin keys reseal
//! ```
//!
//! Every list is a table, or JSON with `--json`. What destroys asks first, or wants `--yes`. Long work says on standard
//! error how far it came. It acts as the program itself, so nobody's rights are asked: whoever may read the keys and the
//! database may do all of it. The running service needs no restart but for new keys.

#![expect(clippy::print_stderr, reason = "a command line complains")]

mod accounts;
mod args;
mod engine;
mod keys;
mod messages;
mod out;
mod users;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::engine::{Fault, open};
use crate::out::Out;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(args)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("cli-admin: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Fault> {
    let out = Out { json: args.json, yes: args.yes };
    match &args.command {
        Command::Bootstrap { print_link: false, .. } if !std::io::stdout().is_terminal() => {
            Err("standard output is no terminal and would keep the link: use one, or add --print-link".into())
        }
        Command::Bootstrap { login, email, account, public_url, .. } => {
            users::bootstrap(&open(&args, Some(public_url)).await?, out, login, email, account).await
        }
        Command::Accounts { below } => accounts::list(&open(&args, None).await?, out, *below).await,
        Command::Users { account } => users::list(&open(&args, None).await?, out, *account).await,
        Command::Flags { login, on, off } => {
            users::flags(&open(&args, None).await?, out, login, on, off).await
        }
        Command::Services { account, on, quota, period, off } => {
            let service = accounts::Services { on, quota: *quota, period: *period, off };
            accounts::services(&open(&args, None).await?, out, *account, service).await
        }
        Command::Days { account, change } => {
            accounts::days(&open(&args, None).await?, out, *account, change).await
        }
        Command::Block { account } => accounts::block(&open(&args, None).await?, out, *account, true).await,
        Command::Unblock { account } => {
            accounts::block(&open(&args, None).await?, out, *account, false).await
        }
        Command::DeadLetters { command } => messages::run(&open(&args, None).await?, out, command).await,
        Command::Keys { command } => keys::run(&args, out, command).await,
    }
}

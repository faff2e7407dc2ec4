//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use portcullis::account::Period;
use portcullis::contact::Email;
use portcullis::user::{Flag, Login};
use uuid::Uuid;

/// Administration of portcullis.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Args {
    /// `sqlite://FILE` or `postgres://user@host/db`; it must be there already, but for `bootstrap`.
    // Read later: what clap can't read it quotes, and a URL may hold a password.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// The keyring file, mode 0600; never beside the database.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: PathBuf,
    /// Prints JSON in place of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Does what destroys without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the first account and its administrator, and shows the link that sets his password, once.
    Bootstrap {
        #[arg(long, value_parser = Login::parse)]
        login: Login,
        #[arg(long, value_parser = Email::parse)]
        email: Email,
        /// What the account is called.
        #[arg(long, default_value = "main")]
        account: String,
        /// Where browsers find the service.
        #[arg(long, value_name = "URL")]
        public_url: String,
        /// Shows the link although standard output is no terminal and may keep it.
        #[arg(long)]
        print_link: bool,
    },
    /// Lists all accounts, or those below one.
    Accounts {
        #[arg(long, value_name = "ID")]
        below: Option<Uuid>,
    },
    /// Lists all users, or those of one account.
    Users {
        #[arg(long, value_name = "ID")]
        account: Option<Uuid>,
    },
    /// Switches a user's flags.
    Flags {
        #[arg(value_parser = Login::parse)]
        login: Login,
        #[arg(long, value_name = "FLAG", value_parser = flag)]
        on: Vec<Flag>,
        #[arg(long, value_name = "FLAG", value_parser = flag)]
        off: Vec<Flag>,
    },
    /// Switches services of an account.
    Services {
        account: Uuid,
        /// A service, such as `sms`.
        #[arg(long, value_name = "SERVICE")]
        on: Vec<String>,
        /// How much of those switched on each period has; without it there is no limit.
        #[arg(long)]
        quota: Option<u32>,
        #[arg(long, value_enum, default_value_t = Every::Month)]
        period: Every,
        #[arg(long, value_name = "SERVICE")]
        off: Vec<String>,
    },
    /// Changes the days of an account.
    Days {
        account: Uuid,
        #[command(flatten)]
        change: DayOptions,
    },
    /// Blocks an account by hand: everybody in it and below is signed out.
    Block { account: Uuid },
    /// Lifts a block that was set by hand.
    Unblock { account: Uuid },
    /// What could not be sent and was given up.
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetters,
    },
    /// The keyring file.
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
}

/// What to change of an account's days.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct DayOptions {
    /// How many are left.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) left: Option<i32>,
    /// At how many it is blocked.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) minimum: Option<i32>,
    /// Whether they are counted down.
    #[arg(long)]
    pub(crate) counting: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Lists them.
    List,
    /// Has one sent again, or all of them.
    Resend {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<Uuid>,
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Makes a keyring file where there is none.
    New,
    /// Lists the keys.
    List,
    /// Adds a key, which is the current one from now on.
    Rotate,
    /// Seals anew under the current key what waits under the others.
    Reseal,
    /// Removes a key: what it made can't be read any more.
    Retire {
        /// Its id.
        id: String,
    },
}

/// How often a quota begins anew.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Every {
    Hour,
    Day,
    Week,
    Month,
    Never,
}

impl From<Every> for Period {
    fn from(every: Every) -> Self {
        match every {
            Every::Hour => Self::Hour,
            Every::Day => Self::Day,
            Every::Week => Self::Week,
            Every::Month => Self::Month,
            Every::Never => Self::None,
        }
    }
}

/// The name of a flag, as it is stored and shown.
pub(crate) fn flag_name(flag: Flag) -> String {
    serde_json::to_value(flag).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

fn flag(name: &str) -> Result<Flag, String> {
    let known = || Flag::ALL.map(flag_name).join(", ");
    Flag::ALL
        .into_iter()
        .find(|flag| flag_name(*flag) == name)
        .ok_or_else(|| format!("it is none of {}", known()))
}

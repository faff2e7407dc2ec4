//! The subcommand `invite`: another link for somebody who has no password yet, shown here or mailed by the running service.

use std::sync::Arc;

use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::port::ambient::Clock;
use portcullis::rights::Actor;
use portcullis::user::Login;
use portcullis::{Error, Portcullis};
use portcullis_axum::HttpOptions;

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::link::{Terminal, show};
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::start::{Failure, keyring, say};

/// Whom to invite.
#[derive(Debug)]
pub(crate) struct InviteCommand {
    login: Login,
    way: Way,
    /// Where.
    options: Options,
}

/// How the link gets to whom it invites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is shown here.
    Shown(Terminal),
    /// The running service mails it.
    Mailed,
}

/// Reads the words after `invite`.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<InviteCommand, String> {
    let mut words = words.into_iter();
    let mut options = Options { dev: false, ..Options::default() };
    let (mut login, mut way) = (None, None);
    while let Some(word) = words.next() {
        let asked = match word.as_str() {
            "--print-link" => Some(Way::Shown(Terminal::Any)),
            "--mail" => Some(Way::Mailed),
            _ => None,
        };
        if let Some(asked) = asked {
            if way.replace(asked).is_some_and(|other| other != asked) {
                return Err("invite takes --print-link or --mail, not both".to_owned());
            }
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, words.next()),
        };
        let value = || value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--login" => login = Some(Login::parse(&value()?).map_err(|error| format!("--login: {error}"))?),
            "--data" | "--database" | "--keys" | "--public-url" | "--policy" => {
                options.take(&name, value()?)?;
            }
            _ => return Err(format!("invite knows no {name}")),
        }
    }
    let given = [
        ("--login", login.is_some()),
        ("--keys", options.keys.is_some()),
        ("--public-url", options.public_url.is_some()),
    ];
    let missing: Vec<_> = given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
    match login {
        Some(login) if missing.is_empty() => {
            Ok(InviteCommand { login, way: way.unwrap_or(Way::Shown(Terminal::Needed)), options })
        }
        Some(_) | None => Err(format!("invite needs {}", missing.join(", "))),
    }
}

/// Does it.
///
/// # Errors
/// What prevents it, such as that there is a password already.
pub(crate) async fn run(command: InviteCommand) -> Result<(), Failure> {
    let InviteCommand { login, way, options } = command;
    if let Way::Shown(terminal) = way {
        terminal.check()?;
    }
    let url = options.public_url.clone().unwrap_or_default();
    let http = HttpOptions::new(&url).map_err(|error| Failure::new("--public-url", error))?;
    let keyring = keyring(&options)?;
    let database = OpenDatabase::open_existing(&options.database, &options.data).await?;
    database.check_mark(false).await?;
    let clock: Arc<dyn Clock> = Arc::new(MovableClock::default());
    // INVARIANT: no worker runs on it, so nothing leaves: what is due to others is the running service's.
    let mail = Arc::new(Mailbox::new(None, Arc::clone(&clock)));
    let portcullis = Portcullis::builder_on(database.store())
        .keyring(keyring)
        .mail_on(mail)
        .clock(clock)
        .policy(options.policy.clone())
        .public_url(http.public_url().to_string())
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))?;
    let user = portcullis.users().by_login(&login).await.map_err(|error| worded(&error))?;
    match way {
        Way::Mailed => mail_to(&portcullis, user.id).await,
        Way::Shown(_) => show_to(&portcullis, user.id).await,
    }
}

async fn mail_to(portcullis: &Portcullis, user: UserId) -> Result<(), Failure> {
    portcullis.invitation().send(Actor::Program, user).await.map_err(|error| worded(&error))?;
    say(format_args!("made the invitation; the running service mails its link"));
    Ok(())
}

async fn show_to(portcullis: &Portcullis, user: UserId) -> Result<(), Failure> {
    let shown = portcullis.invitation().show(user).await.map_err(|error| worded(&error))?;
    show(&shown.link, shown.valid_until)
}

/// What prevents an invitation, and what helps.
fn worded(error: &Error) -> Failure {
    let reason = if let Error::Refused(refusal) = error { Some(refusal.reason()) } else { None };
    match reason {
        Some(Reason::NotFound) => Failure::from("--login: there is no such user".to_owned()),
        Some(Reason::InUse) => Failure::from(
            "invite: the user has a password, and a forgotten one is recovered at the sign-in page"
                .to_owned(),
        ),
        Some(_) | None => Failure::new("invite", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Database;

    fn read(line: &str) -> Result<InviteCommand, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_whole_line_is_read_in_both_spellings() {
        let command = read(
            "--login=root --keys k --print-link --public-url https://a.example --database sqlite:///x.db",
        )
        .unwrap();
        assert_eq!((command.login.as_str(), command.way), ("root", Way::Shown(Terminal::Any)));
        assert_eq!(command.options.database, Database::Sqlite("/x.db".into()));
        let plain = read("--login root --keys=k --public-url=https://a.example").unwrap();
        assert_eq!(plain.way, Way::Shown(Terminal::Needed));
        let mailed = read("--login root --keys=k --mail --public-url=https://a.example").unwrap();
        assert_eq!(mailed.way, Way::Mailed);
    }

    #[test]
    fn what_is_missing_or_strange_is_named() {
        for (line, error) in [
            ("", "invite needs --login, --keys, --public-url"),
            ("--login root --keys k", "invite needs --public-url"),
            ("--login", "--login needs a value"),
            ("--email x@example.com", "invite knows no --email"),
            ("--print-link=yes", "invite knows no --print-link"),
            ("--smtp smtp://h", "invite knows no --smtp"),
            ("--mail --print-link", "invite takes --print-link or --mail, not both"),
        ] {
            assert_eq!(read(line).unwrap_err(), error, "{line}");
        }
    }
}

//! The subcommand `invite`: another link for somebody who has no password yet, mailed or shown.

use std::sync::Arc;

use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::port::ambient::Clock;
use portcullis::port::message::MailSender;
use portcullis::rights::Actor;
use portcullis::user::Login;
use portcullis::{Error, Portcullis};
use portcullis_axum::HttpOptions;

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::link::{Terminal, show};
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::start::{Failure, keyring, mail_server, say};

/// Whom to invite.
#[derive(Debug)]
pub(crate) struct InviteCommand {
    login: Login,
    terminal: Terminal,
    /// Where.
    options: Options,
}

/// Reads the words after `invite`.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<InviteCommand, String> {
    let mut words = words.into_iter();
    let mut options = Options { dev: false, ..Options::default() };
    let (mut login, mut terminal) = (None, Terminal::Needed);
    while let Some(word) = words.next() {
        if word == "--print-link" {
            terminal = Terminal::Any;
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, words.next()),
        };
        let value = || value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--login" => login = Some(Login::parse(&value()?).map_err(|error| format!("--login: {error}"))?),
            "--data" | "--database" | "--keys" | "--public-url" | "--policy" | "--smtp" => {
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
        Some(login) if missing.is_empty() => Ok(InviteCommand { login, terminal, options }),
        Some(_) | None => Err(format!("invite needs {}", missing.join(", "))),
    }
}

/// Does it.
///
/// # Errors
/// What prevents it, such as that there is a password already.
pub(crate) async fn run(command: InviteCommand) -> Result<(), Failure> {
    let InviteCommand { login, terminal, options } = command;
    if options.smtp.is_none() {
        terminal.check()?;
    }
    let url = options.public_url.clone().unwrap_or_default();
    let http = HttpOptions::new(&url).map_err(|error| Failure::new("--public-url", error))?;
    let keyring = keyring(&options)?;
    let database = OpenDatabase::open_existing(&options.database, &options.data).await?;
    database.check_mark(false).await?;
    let clock: Arc<dyn Clock> = Arc::new(MovableClock::default());
    let mail: Arc<dyn MailSender> = match &options.smtp {
        Some(url) => mail_server(url, &http).await?,
        // No worker runs on it, so nothing leaves.
        None => Arc::new(Mailbox::new(None, Arc::clone(&clock))),
    };
    let portcullis = Portcullis::builder_on(database.store())
        .keyring(keyring)
        .mail_on(mail)
        .clock(clock)
        .policy(options.policy.clone())
        .public_url(http.public_url().to_string())
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))?;
    let user = portcullis.users().by_login(&login).await.map_err(|error| worded(&error))?;
    if options.smtp.is_some() {
        mail_to(&portcullis, user.id).await
    } else {
        show_to(&portcullis, user.id).await
    }
}

async fn mail_to(portcullis: &Portcullis, user: UserId) -> Result<(), Failure> {
    portcullis.invitation().send(Actor::Program, user).await.map_err(|error| worded(&error))?;
    let pass = portcullis.worker().pass().await.map_err(|error| Failure::new("invite", error))?;
    say(format_args!(
        "made the invitation; {} messages left, {} will be tried again",
        pass.sent, pass.postponed
    ));
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
            "--login=root --keys k --print-link --public-url https://a.example --database sqlite:///x.db --smtp smtp://h",
        )
        .unwrap();
        assert_eq!((command.login.as_str(), command.terminal), ("root", Terminal::Any));
        assert_eq!(command.options.database, Database::Sqlite("/x.db".into()));
        assert_eq!(command.options.smtp.as_deref(), Some("smtp://h"));
        let plain = read("--login root --keys=k --public-url=https://a.example").unwrap();
        assert_eq!((plain.terminal, plain.options.smtp), (Terminal::Needed, None));
    }

    #[test]
    fn what_is_missing_or_strange_is_named() {
        for (line, error) in [
            ("", "invite needs --login, --keys, --public-url"),
            ("--login root --keys k", "invite needs --public-url"),
            ("--login", "--login needs a value"),
            ("--email x@example.com", "invite knows no --email"),
            ("--print-link=yes", "invite knows no --print-link"),
        ] {
            assert_eq!(read(line).unwrap_err(), error, "{line}");
        }
    }
}

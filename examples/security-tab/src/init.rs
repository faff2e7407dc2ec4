//! The subcommand `init`: the first account and administrator of a production database.

use std::sync::Arc;

use portcullis::contact::Email;
use portcullis::decision::Reason;
use portcullis::port::ambient::Clock;
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use portcullis::user::Login;
use portcullis::{Error, Portcullis};
use portcullis_axum::HttpOptions;

use crate::clock::MovableClock;
use crate::database::OpenDatabase;
use crate::link::{Terminal, show};
use crate::mailbox::Mailbox;
use crate::options::{Database, Options};
use crate::start::{Failure, hasher, keyring, make_folder, say};

/// What the first account is called when nothing else is said.
const ACCOUNT: &str = "main";

/// Whom to make.
#[derive(Debug)]
pub(crate) struct InitCommand {
    login: Login,
    email: Email,
    account: String,
    terminal: Terminal,
    /// Where.
    options: Options,
}

/// Reads the words after `init`.
///
/// # Errors
/// One line that names what can't be done and holds no value.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<InitCommand, String> {
    let mut words = words.into_iter();
    let mut options = Options { dev: false, ..Options::default() };
    let (mut login, mut email, mut account) = (None, None, ACCOUNT.to_owned());
    let mut terminal = Terminal::Needed;
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
            "--email" => email = Some(Email::parse(&value()?).map_err(|error| format!("--email: {error}"))?),
            "--account" => account = value()?,
            "--data" | "--database" | "--keys" | "--public-url" | "--policy" => {
                options.take(&name, value()?)?;
            }
            _ => return Err(format!("init knows no {name}")),
        }
    }
    let given = [
        ("--login", login.is_some()),
        ("--email", email.is_some()),
        ("--keys", options.keys.is_some()),
        ("--public-url", options.public_url.is_some()),
    ];
    let missing: Vec<_> = given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
    match (login, email) {
        (Some(login), Some(email)) if missing.is_empty() => {
            Ok(InitCommand { login, email, account, terminal, options })
        }
        _ => Err(format!("init needs {}", missing.join(", "))),
    }
}

/// Does it, and says the link: once, here, and nowhere else.
///
/// # Errors
/// What prevents it, such as that there is a top account already.
pub(crate) async fn run(command: InitCommand) -> Result<(), Failure> {
    let InitCommand { login, email, account, terminal, options } = command;
    terminal.check()?;
    let url = options.public_url.clone().unwrap_or_default();
    let http = HttpOptions::new(&url).map_err(|error| Failure::new("--public-url", error))?;
    if options.database == Database::InData {
        make_folder(&options.data)?;
    }
    let keyring = keyring(&options)?;
    let database = OpenDatabase::open(&options).await?;
    database.check_mark(false).await?;
    let clock: Arc<dyn Clock> = Arc::new(MovableClock::default());
    let portcullis = Portcullis::builder_on(database.store())
        .keyring(keyring)
        // Nothing is mailed: the link is shown.
        .mail_on(Arc::new(Mailbox::new(None, Arc::clone(&clock))))
        .hasher(hasher(&options.policy)?)
        .clock(clock)
        .policy(options.policy.clone())
        .public_url(http.public_url().to_string())
        .build()
        .map_err(|error| Failure::new("the engine can't be built", error))?;
    let made = match portcullis.bootstrap(&account, &login, &email).await {
        Ok(made) => made,
        Err(error) => return Err(Failure::new("init", refused(&portcullis, &error).await)),
    };
    say(format_args!("made the account {} and its administrator {}", made.account.name, made.user.login));
    show(&made.link, made.valid_until)
}

/// Why nothing was made, and what helps when the first administrator never got in.
async fn refused(portcullis: &Portcullis, error: &Error) -> String {
    let is_set_up = matches!(error, Error::Refused(no) if no.reason() == Reason::AlreadySetUp);
    match first_without_password(portcullis).await {
        Ok(Some(login)) if is_set_up => format!(
            "{error}; its first administrator {login} has no password yet, and security-tab invite makes a new link"
        ),
        Ok(_) | Err(_) => error.to_string(),
    }
}

/// The first user of the first account, if he has no password.
async fn first_without_password(portcullis: &Portcullis) -> Result<Option<String>, Error> {
    let manage = portcullis.manage(Actor::Program);
    let first = Page { after: None, limit: 1 };
    let Some(top) = manage.accounts(None, first).await?.into_iter().next() else {
        return Ok(None);
    };
    let users = manage.users(Some(top.id), first).await?.users;
    let waiting = users.first().filter(|user| !user.password_set);
    Ok(waiting.map(|user| user.login.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<InitCommand, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_whole_line_is_read_in_both_spellings() {
        let made = read(
            "--login root --email=root@example.com --keys k --public-url https://a.example --database sqlite:///x.db \
             --account Fleet",
        )
        .unwrap();
        assert_eq!((made.login.as_str(), made.email.as_str()), ("root", "root@example.com"));
        assert_eq!(made.account, "Fleet");
        assert_eq!(made.options.database, Database::Sqlite("/x.db".into()));
        assert!(!made.options.dev);
        assert_eq!(made.terminal, Terminal::Needed);
        let plain =
            read("--login root --email r@example.com --keys=k --public-url=https://a.example").unwrap();
        assert_eq!(plain.account, ACCOUNT);
    }

    #[test]
    fn what_is_missing_or_strange_is_named() {
        for (line, error) in [
            ("", "init needs --login, --email, --keys, --public-url"),
            ("--login root --keys k", "init needs --email, --public-url"),
            ("--login", "--login needs a value"),
            ("--email= --login root", "--email needs a value"),
            ("--smtp smtp://h", "init knows no --smtp"),
            ("--no-dev", "init knows no --no-dev"),
        ] {
            assert_eq!(read(line).unwrap_err(), error, "{line}");
        }
        for (line, word) in
            [("--login= x", "--login"), ("--email x", "--email:"), ("--database x", "--database")]
        {
            assert!(read(line).unwrap_err().starts_with(word), "{line}");
        }
    }
}

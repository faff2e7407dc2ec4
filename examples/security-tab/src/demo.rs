//! The accounts and users of a fresh dev database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use portcullis::account::{DaysChange, NewAccount, Period, Service};
use portcullis::decision::Reason;
use portcullis::id::{AccountId, UserId};
use portcullis::port::ambient::{Random, SystemRandom};
use portcullis::port::hasher::PasswordHasher;
use portcullis::rights::{AccessRight, Actor};
use portcullis::secret::Password;
use portcullis::user::{Flag, Flags, Login, NewUser, User};
use portcullis::{Error, Portcullis};
use uuid::Uuid;

use crate::options::Options;
use crate::start::{Failure, kind};

/// The logins of the demo users.
pub(crate) const LOGINS: [&str; 4] = ["admin", "alice", "bob", "carol"];

// Fixed ids make seeding the same database again, also by several processes, change nothing.
const DEMO: AccountId = AccountId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0001));
const CHILD: AccountId = AccountId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0002));
const ADMIN: UserId = UserId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0011));
const ALICE: UserId = UserId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0012));
const BOB: UserId = UserId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0013));
const CAROL: UserId = UserId::from_uuid(Uuid::from_u128(0x706f_7274_6375_8c6c_8000_6465_6d6f_0014));

/// What was seeded.
#[derive(Debug)]
pub(crate) struct Demo {
    /// The password of the demo users, as far as this start knows it.
    pub(crate) password: Option<String>,
    /// The demo accounts by name.
    pub(crate) accounts: BTreeMap<&'static str, AccountId>,
}

impl Demo {
    /// Makes what is missing. Users that exist keep their passwords.
    ///
    /// # Errors
    /// When the store does not answer, or the given password is none.
    pub(crate) async fn seed(
        portcullis: &Portcullis,
        hasher: &dyn PasswordHasher,
        options: &Options,
    ) -> Result<Self, Failure> {
        let unable = |error: Error| Failure::new("the demo data can't be made", error);
        let accounts = BTreeMap::from([("demo", DEMO), ("child", CHILD)]);
        let kept = options.data.join("demo-password");
        if exists(portcullis, CAROL).await.map_err(unable)? {
            return Ok(Self { password: remembered(&kept, options), accounts });
        }
        let given = match (&options.demo_password, std::fs::read_to_string(&kept).ok()) {
            (Some(given), _) => given.clone(),
            // An earlier start was cut off half way.
            (None, Some(kept)) => kept,
            (None, None) => random_password().map_err(unable)?,
        };
        let password = Password::parse(given.clone(), "--demo-password")
            .map_err(|error| Failure::new("--demo-password", error))?;
        keep(&kept, &given)?;
        let seeds = Seeds { portcullis, hasher, password };
        seeds.accounts().await.map_err(unable)?;
        seeds.users().await.map_err(unable)?;
        Ok(Self { password: Some(given), accounts })
    }
}

/// The password of the first start, for a start that repeats it or asks for none.
fn remembered(kept: &Path, options: &Options) -> Option<String> {
    let kept = std::fs::read_to_string(kept).ok();
    if let Some(wanted) = &options.demo_password
        && kept.as_ref() != Some(wanted)
    {
        tracing::warn!(
            "--demo-password comes too late: the demo users keep the password they were made with"
        );
    }
    kept
}

fn keep(path: &Path, password: &str) -> Result<(), Failure> {
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path)
        .and_then(|mut file| file.write_all(password.as_bytes()))
        .map_err(|error| Failure::new("--data: the demo password can't be kept", kind(&error)))
}

async fn exists(portcullis: &Portcullis, id: UserId) -> Result<bool, Error> {
    match portcullis.users().get(id).await {
        Ok(_) => Ok(true),
        Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Twenty letters and digits that are not mistaken for each other: 99 bits.
fn random_password() -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    SystemRandom::default().fill(&mut bytes)?;
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    Ok(letters.map(|letter| char::from(*letter)).collect())
}

struct Seeds<'a> {
    portcullis: &'a Portcullis,
    hasher: &'a dyn PasswordHasher,
    password: Password,
}

impl Seeds<'_> {
    async fn accounts(&self) -> Result<(), Error> {
        let services = |account: NewAccount| {
            account
                .with_service("sms", Service::on(Some(1000), Period::Day))
                .with_service("email_notification", Service::on(None, Period::None))
        };
        let days = DaysChange::default().left(20).counting(true);
        let mut demo = services(NewAccount::named("demo")).with_days(days);
        demo.id = Some(DEMO);
        self.portcullis.accounts().create(demo).await?;
        let mut child = services(NewAccount::named("child")).under(DEMO);
        child.id = Some(CHILD);
        self.portcullis.accounts().create(child).await?;
        Ok(())
    }

    async fn users(&self) -> Result<(), Error> {
        let alice = [Flag::ChangePassword, Flag::ChangeSettings, Flag::SendSms].into_iter().collect();
        self.user("admin", ADMIN, DEMO, Flags::all()).await?;
        let all: BTreeSet<_> = AccessRight::ALL.into();
        for account in [DEMO, CHILD] {
            self.portcullis.rights().grant_on_account(Actor::Program, account, ADMIN, &all).await?;
        }
        self.user("alice", ALICE, DEMO, alice).await?;
        self.user("bob", BOB, DEMO, Flags::default()).await?;
        self.user("carol", CAROL, CHILD, Flags::default()).await?;
        Ok(())
    }

    async fn user(&self, login: &str, id: UserId, account: AccountId, flags: Flags) -> Result<User, Error> {
        let mut new = NewUser::new(Login::parse(login)?, account);
        new.id = Some(id);
        new.creator = (id != ADMIN).then_some(ADMIN);
        new.flags = flags;
        with_password(self.portcullis, self.hasher, &mut new, &self.password).await?;
        self.portcullis.users().create(new).await
    }
}

/// Lets a new user sign in with a password.
///
/// # Errors
/// [`Error::Busy`] when too many passwords wait to be hashed.
pub(crate) async fn with_password(
    portcullis: &Portcullis,
    hasher: &dyn PasswordHasher,
    new: &mut NewUser,
    password: &Password,
) -> Result<(), Error> {
    use portcullis::port::hasher::HashError;
    let mut salt = [0; 16];
    SystemRandom::default().fill(&mut salt)?;
    let hash = hasher.hash(password, salt).await.map_err(|error| match error {
        HashError::Busy { retry_after } => Error::Busy { retry_after },
        HashError::Failed(error) => Error::Unavailable(error),
        _ => Error::Contended,
    })?;
    let alone = usize::try_from(portcullis.policy().password_minimum_alone).unwrap_or(usize::MAX);
    new.long_enough_alone = password.expose().chars().count() >= alone;
    new.password = Some(hash);
    Ok(())
}

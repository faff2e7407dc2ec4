//! Accounts and users in any state, made in one line.

use core::fmt;

use uuid::Uuid;

use super::usual::PASSWORD;
use crate::account::{Account, DaysChange, NewAccount, Period, Service, TimeZone};
use crate::contact::{Email, Phone};
use crate::decision::{Changes, Decision, Reason};
use crate::engine::Portcullis;
use crate::error::Error;
use crate::id::{AccountId, UserId};
use crate::language::Language;
use crate::port::store::Start;
use crate::secret::Password;
use crate::user::{Flag, Flags, Login, Method, NewUser, User};

/// A user that a world made, and what the test knows of him. What he is now, the store tells: `world.stored(&alice)`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Person {
    /// The id.
    pub id: UserId,
    /// The login.
    pub login: Login,
    /// The account.
    pub account: AccountId,
    /// The password that he was made with.
    pub password: Password,
}

/// An account in the making: with the service `sms` without limit and no days counted, unless it is told otherwise.
///
/// `create` makes it, in [`sync::World`](super::sync::World) at once and in [`World`](super::World) as a future.
///
/// ```
/// use portcullis::testing::sync::World;
/// let w = World::new();
/// let top = w.account("fleet").create();
/// let low = w.account("depot").under(&top).days_left(3).sms_service(false).create();
/// assert_eq!(low.ancestors, [top.id]);
/// ```
#[derive(Clone)]
#[must_use = "an account is made by `create`"]
pub struct AccountBuilder<W> {
    pub(super) world: W,
    new: NewAccount,
}

impl<W> fmt::Debug for AccountBuilder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountBuilder").field("new", &self.new).finish_non_exhaustive()
    }
}

impl<W> AccountBuilder<W> {
    pub(super) fn new(world: W, name: &str) -> Self {
        Self { world, new: with_sms(NewAccount::named(name), true) }
    }

    /// With any of this changed.
    pub fn with(mut self, change: impl FnOnce(NewAccount) -> NewAccount) -> Self {
        self.new = change(self.new);
        self
    }

    /// Below this account.
    pub fn under(self, parent: &Account) -> Self {
        self.with(|new| new.under(parent.id))
    }

    /// With so many days left today, counted; blocked when none is.
    pub fn days_left(self, days: i32) -> Self {
        self.with(|new| counted(new, days))
    }

    /// With the service `sms` without limit, or without it.
    pub fn sms_service(self, on: bool) -> Self {
        self.with(|new| with_sms(new, on))
    }

    /// With this service.
    pub fn service(self, name: &str, service: Service) -> Self {
        self.with(|new| new.with_service(name, service))
    }

    /// In this time zone, as `Europe/Riga`.
    ///
    /// # Panics
    /// When there is no such zone.
    #[track_caller]
    pub fn time_zone(self, name: &str) -> Self {
        let zone = known(TimeZone::parse(name), name);
        self.with(|new| new.in_zone(zone))
    }

    /// Blocked by hand.
    pub fn blocked(self) -> Self {
        self.with(|new| new.blocked(true))
    }

    pub(super) async fn make(self, security: &Portcullis) -> Result<Account, Error> {
        security.accounts().create(self.new).await
    }
}

/// Where a user lives.
#[derive(Clone, Debug)]
enum Home {
    /// In an account of his own, made with him.
    Own(Box<NewAccount>),
    /// In one that there is.
    At(AccountId),
}

/// A user in the making: with the password [`PASSWORD`], every flag, no address, no second factor, in an account of his
/// own of the same name that has the service `sms`, unless it is told otherwise.
///
/// A state is stored as it would be if he had brought it about before: no message goes out, no limit counts, no time
/// passes. `create` makes him, in [`sync::World`](super::sync::World) at once and in [`World`](super::World) as a future.
///
/// ```
/// use portcullis::testing::sync::World;
/// let w = World::new();
/// let alice = w.user("alice").two_factor_sms("+37120000045").days_left(3).create();
/// let bob = w.user("bob").in_account(alice.account).created_by(&alice).can_send_sms(false).create();
/// assert_eq!(w.stored(&bob).creators, [alice.id]);
/// assert!(w.mail(&alice).is_empty() && w.sms(&alice).is_empty());
/// ```
#[derive(Clone)]
#[must_use = "a user is made by `create`"]
pub struct UserBuilder<W> {
    pub(super) world: W,
    home: Home,
    new: NewUser,
    password: Password,
    length: usize,
    keeps_password: bool,
    phone: Option<Phone>,
    method: Method,
    notices: bool,
    disabled: bool,
}

impl<W> fmt::Debug for UserBuilder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserBuilder").field("login", &self.new.login).finish_non_exhaustive()
    }
}

impl<W> UserBuilder<W> {
    #[track_caller]
    pub(super) fn new(world: W, login: &str) -> Self {
        let home = Home::Own(Box::new(with_sms(NewAccount::named(login), true)));
        let mut new = NewUser::new(known(Login::parse(login), login), AccountId::from_uuid(Uuid::nil()));
        new.flags = Flags::all();
        Self {
            world,
            home,
            new,
            password: known(Password::parse(PASSWORD.to_owned(), "password"), "the password"),
            length: PASSWORD.chars().count(),
            keeps_password: true,
            phone: None,
            method: Method::None,
            notices: false,
            disabled: false,
        }
    }

    /// With any of this changed; the account is not looked at.
    pub fn with(mut self, change: impl FnOnce(&mut NewUser)) -> Self {
        change(&mut self.new);
        self
    }

    /// With this id.
    pub fn id(self, id: UserId) -> Self {
        self.with(|new| new.id = Some(id))
    }

    /// With this id of another system.
    pub fn external_id(self, id: &str) -> Self {
        self.with(|new| new.external_id = Some(id.to_owned()))
    }

    /// Created by this user, above whom he stands.
    pub fn created_by(self, creator: &Person) -> Self {
        self.with(|new| new.creator = Some(creator.id))
    }

    /// With this password, whatever the policy says of it.
    ///
    /// # Panics
    /// When it is empty or longer than 1024 bytes.
    #[track_caller]
    pub fn password(mut self, password: &str) -> Self {
        self.length = password.chars().count();
        self.password = known(Password::parse(password.to_owned(), "password"), "the password");
        self
    }

    /// Without a password: none fits.
    pub fn without_password(mut self) -> Self {
        self.keeps_password = false;
        self
    }

    /// With the confirmed address `<login>@example.com`.
    ///
    /// # Panics
    /// When the login makes no address.
    #[track_caller]
    pub fn confirmed_email(self) -> Self {
        let address = format!("{}@example.com", self.new.login);
        self.email(&address)
    }

    /// With this confirmed address.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn email(self, address: &str) -> Self {
        let address = known(Email::parse(address), address);
        self.with(|new| new.confirmed_email = Some(address))
    }

    /// Invited at this address, without a password: the mail with the link waits to be sent.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn invited(self, address: &str) -> Self {
        let address = known(Email::parse(address), address);
        self.without_password().with(|new| new.invited_email = Some(address))
    }

    /// With this confirmed number.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn phone(mut self, number: &str) -> Self {
        self.phone = Some(known(Phone::parse(number), number));
        self
    }

    /// With two-factor authentication by e-mail, to the address told before or to `<login>@example.com`.
    ///
    /// # Panics
    /// When the login makes no address.
    #[track_caller]
    pub fn two_factor_email(self) -> Self {
        let mut so = if self.new.confirmed_email.is_some() { self } else { self.confirmed_email() };
        so.method = Method::Email;
        so
    }

    /// With two-factor authentication by SMS to this number.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn two_factor_sms(self, number: &str) -> Self {
        let mut so = self.phone(number);
        so.method = Method::Sms;
        so
    }

    /// With notices before the account is blocked, to the address told before or to `<login>@example.com`.
    ///
    /// # Panics
    /// When the login makes no address.
    #[track_caller]
    pub fn notices(self) -> Self {
        let mut so = if self.new.confirmed_email.is_some() { self } else { self.confirmed_email() };
        so.notices = true;
        so
    }

    /// With this flag on or off.
    pub fn flag(self, flag: Flag, on: bool) -> Self {
        self.with(|new| new.flags = new.flags.clone().with(flag, on))
    }

    /// With the flag `send_sms` on or off.
    pub fn can_send_sms(self, on: bool) -> Self {
        self.flag(Flag::SendSms, on)
    }

    /// Disabled.
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// With messages in this language.
    pub fn language(self, language: Language) -> Self {
        self.with(|new| new.language = language)
    }

    /// In this time zone, as `Europe/Riga`, and so the account made with him.
    ///
    /// # Panics
    /// When there is no such zone.
    #[track_caller]
    pub fn time_zone(mut self, name: &str) -> Self {
        let zone = known(TimeZone::parse(name), name);
        self.new.time_zone = Some(zone);
        if let Home::Own(account) = &mut self.home {
            account.time_zone = zone;
        }
        self
    }

    /// In this account. What is told of the account he would have had is forgotten.
    pub fn in_account(mut self, account: AccountId) -> Self {
        self.home = Home::At(account);
        self
    }

    /// In an account of his own with so many days left today, counted.
    ///
    /// # Panics
    /// After [`in_account`](Self::in_account): that account has its days already.
    #[track_caller]
    pub fn days_left(self, days: i32) -> Self {
        self.at_home("days_left", |account| counted(account, days))
    }

    /// In an account of his own with the service `sms` without limit, or without it.
    ///
    /// # Panics
    /// After [`in_account`](Self::in_account): that account has its services already.
    #[track_caller]
    pub fn sms_service(self, on: bool) -> Self {
        self.at_home("sms_service", |account| with_sms(account, on))
    }

    /// In an account of his own that is blocked by hand.
    ///
    /// # Panics
    /// After [`in_account`](Self::in_account): that account is blocked already, or not.
    #[track_caller]
    pub fn blocked(self) -> Self {
        self.at_home("blocked", |account| account.blocked(true))
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "a test that contradicts itself fails at once")]
    fn at_home(mut self, what: &str, change: impl FnOnce(NewAccount) -> NewAccount) -> Self {
        let Home::Own(account) = &mut self.home else {
            panic!("{} lives in an account that there is: say {what} where that is made", self.new.login)
        };
        **account = change((**account).clone());
        self
    }

    pub(super) async fn make(self, security: &Portcullis) -> Result<Person, Error> {
        let Self { home, mut new, password, length, .. } = self;
        let (phone, method, notices, disabled) = (&self.phone, self.method, self.notices, self.disabled);
        new.account = match home {
            Home::Own(account) => security.accounts().create(*account).await?.id,
            Home::At(account) => account,
        };
        let engine = &security.engine;
        if self.keeps_password {
            let hash = engine.hasher.hash(&password, engine.random_bytes()?).await;
            new.password = Some(hash.map_err(crate::sign_in::flow::slow)?);
            let alone = usize::try_from(engine.policy.password_minimum_alone).unwrap_or(usize::MAX);
            new.long_enough_alone = length >= alone;
        }
        let user = security.users().create(new).await?;
        let person = Person { id: user.id, login: user.login, account: user.account, password };
        if phone.is_some() || method != Method::None || notices || disabled {
            engine
                .decide(|t| async move {
                    let view = engine.read(&t, vec![Start::Id(user.id.uuid())], Vec::new()).await?;
                    let found = view.start::<User>(0)?;
                    let mut user = found.ok_or(Error::Refused(Reason::NotFound.into()))?;
                    user.value.phone.clone_from(phone);
                    user.value.two_factor = method;
                    user.value.blocking_notices = notices;
                    user.value.disabled = disabled;
                    let mut changes = Changes::none();
                    changes.put(&user);
                    Ok(Decision::yes((), changes))
                })
                .await?;
        }
        Ok(person)
    }
}

fn counted(account: NewAccount, days: i32) -> NewAccount {
    account.with_days(DaysChange::default().left(days).counting(true))
}

fn with_sms(account: NewAccount, on: bool) -> NewAccount {
    account.with_service("sms", if on { Service::on(None, Period::None) } else { Service::off() })
}

/// What a test wrote, read; what can't be read fails the test where it wrote it.
#[track_caller]
#[expect(clippy::panic, reason = "a test that writes what can't be read fails at once")]
pub(super) fn known<T, E: fmt::Display>(read: Result<T, E>, written: &str) -> T {
    match read {
        Ok(known) => known,
        Err(fault) => panic!("{written:?}: {fault}"),
    }
}

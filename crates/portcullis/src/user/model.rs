//! What a user is.

use core::fmt;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::TimeZone;
use crate::contact::{Email, Phone};
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::{AccountId, ChallengeId, UserId};
use crate::language::Language;
use crate::port::hasher::PasswordHash;
use crate::port::store::{Key, Kind, Lane};
use crate::rights::AccessRight;

/// A login: 1 to 50 characters, compared byte for byte.
///
/// No control or invisible characters, no spaces at its ends.
///
/// ```
/// use portcullis::user::Login;
/// assert_eq!(Login::parse("alice").unwrap().as_str(), "alice");
/// assert_eq!(Login::parse(" alice").unwrap_err().code(), "invalid_login");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    const LONGEST: usize = 50;

    /// Takes a login.
    ///
    /// # Errors
    /// `invalid_login` in the field `login`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let fits = text.len() <= Self::LONGEST * 4
            && !text.is_empty()
            && text.chars().count() <= Self::LONGEST
            && text.trim() == text
            && !text.chars().any(is_invisible);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InputError::new(
                "login",
                "invalid_login",
                "a login has 1 to 50 visible characters and no spaces at its ends",
            ))
        }
    }

    /// The login.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Login {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Login {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Controls, and characters that change how others look without being seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A user's own switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flag {
    /// May change the own password.
    ChangePassword,
    /// May have SMS sent.
    SendSms,
    /// May change own settings.
    ChangeSettings,
    /// May create items.
    CreateItems,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 4] = [Self::ChangePassword, Self::SendSms, Self::ChangeSettings, Self::CreateItems];
}

/// A user's switches: off unless granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(BTreeSet<Flag>);

impl Flags {
    /// Every switch on.
    pub fn all() -> Self {
        Self(Flag::ALL.into_iter().collect())
    }

    /// Whether a switch is on.
    pub fn has(&self, flag: Flag) -> bool {
        self.0.contains(&flag)
    }

    /// With a switch on or off.
    #[must_use]
    pub fn with(mut self, flag: Flag, on: bool) -> Self {
        if on {
            self.0.insert(flag);
        } else {
            self.0.remove(&flag);
        }
        self
    }

    /// The switches that are on.
    pub fn iter(&self) -> impl Iterator<Item = Flag> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().collect())
    }
}

/// The two-factor method: how the confirmation code of a sign-in is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// No code is asked.
    #[default]
    None,
    /// By e-mail to the confirmed address.
    Email,
    /// By SMS to the confirmed number.
    Sms,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::None, Self::Email, Self::Sms];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// An address that its user proved to receive.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfirmedEmail {
    /// The address.
    pub address: Email,
    /// When it was confirmed.
    pub confirmed_at: DateTime<Utc>,
    /// Whether no other user may hold it: the policy's word at confirmation.
    pub unique: bool,
}

/// An address waiting for its confirmation: nothing else is sent to it, and nobody is found by it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingEmail {
    /// The address.
    pub address: Email,
    /// The challenge that confirms it.
    pub challenge: ChallengeId,
    /// Whether somebody other than the user named it. Then a stale session confirms nothing: its user never proved
    /// afresh that the change is his.
    #[serde(default)]
    pub proposed_by_other: bool,
}

impl PendingEmail {
    /// An address that the user himself named.
    pub(crate) const fn own(address: Email, challenge: ChallengeId) -> Self {
        Self { address, challenge, proposed_by_other: false }
    }

    /// An address that somebody else named.
    pub(crate) const fn proposed(address: Email, challenge: ChallengeId) -> Self {
        Self { address, challenge, proposed_by_other: true }
    }
}

/// An old address that its user may put back by the link mailed to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmailClaim {
    /// The old address. Nobody is found by it, and nothing but the link is sent to it.
    pub address: Email,
    /// The challenge whose link puts it back.
    pub challenge: ChallengeId,
    /// Whether no other user may hold the address meanwhile: the policy's word when it was confirmed.
    #[serde(default)]
    pub unique: bool,
    /// When the claim ends.
    pub ends_at: DateTime<Utc>,
}

/// A login with all that belongs to it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, kept under its own name")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    pub(crate) v: Schema<1>,
    /// The id.
    pub id: UserId,
    /// The top account.
    pub tenant: AccountId,
    /// The account.
    pub account: AccountId,
    /// The accounts above it, nearest first.
    pub ancestors: Vec<AccountId>,
    /// Who created the user, and who created that one, nearest first. Never changes.
    pub creators: Vec<UserId>,
    /// The login.
    pub login: Login,
    /// The id another system knows the user by.
    pub external_id: Option<String>,
    pub(crate) password: Option<PasswordHash>,
    /// When the password was set.
    pub password_changed_at: Option<DateTime<Utc>>,
    /// Whether the password is long enough to be the only factor.
    pub long_enough_alone: bool,
    /// The confirmed address.
    pub email: Option<ConfirmedEmail>,
    /// The address that waits for confirmation.
    pub pending_email: Option<PendingEmail>,
    /// The newest invitation to the confirmed address; one that was sent there before is dead.
    #[serde(default)]
    pub invitation: Option<ChallengeId>,
    /// Old addresses that may still be put back.
    #[serde(default)]
    pub claims: Vec<EmailClaim>,
    /// The confirmed phone number.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Whether the password was recovered by mail since the last code that came by SMS: then no code goes by mail to
    /// somebody whose codes come by SMS.
    #[serde(default)]
    pub recovered_by_mail: bool,
    /// The two-factor method in force.
    pub two_factor: Method,
    /// The challenge that would switch two-factor authentication on.
    pub pending_two_factor: Option<ChallengeId>,
    /// The user's switches.
    pub flags: Flags,
    /// Whether signing in is switched off for this user.
    pub disabled: bool,
    /// Counts changes of password, address, factor and the like: what relied on an older number is dead.
    pub credential_version: u64,
    /// The language of pages and messages.
    pub language: Language,
    /// The time zone of pages and messages.
    pub time_zone: TimeZone,
    /// Whether the user is mailed in the last days before an account is blocked.
    #[serde(default)]
    pub blocking_notices: bool,
    /// The record of the flespi connection, once there was one.
    #[serde(default)]
    pub flespi: Option<Uuid>,
    /// Who may do what to this user, granted directly.
    pub rights: BTreeMap<UserId, BTreeSet<AccessRight>>,
    /// When the user was created.
    pub created_at: DateTime<Utc>,
}

impl User {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("user");

    /// The unique key a login is found by.
    pub(crate) fn login_key(login: &str) -> Key {
        Key::unique(Self::KIND, "login", login)
    }

    /// The unique key of an id that another system gave, within one tenant: what one tenant uses neither takes from
    /// another nor tells of it.
    pub(crate) fn external_id_key(tenant: AccountId, external_id: &str) -> Key {
        Key::unique(Self::KIND, "external_id", format!("{tenant}:{external_id}"))
    }

    /// The key an address is listed by. An old one that is kept for its user is listed too: who looks for the holder of
    /// an address asks each of those found whether [it is the confirmed one](Self::receives_at).
    pub(crate) fn email_key(address: &Email) -> Key {
        Key::lookup(Self::KIND, "email", address.canonical())
    }

    /// The key of the confirmed address, and one for each old address that is kept for its user.
    fn email_keys(&self) -> impl Iterator<Item = Key> {
        let confirmed = self.email.iter().map(|email| (&email.address, email.unique));
        let kept = self.claims.iter().filter(|claim| claim.unique).map(|claim| (&claim.address, true));
        let mut keys = BTreeMap::new();
        for (address, alone) in confirmed.chain(kept) {
            let key = keys.entry(address.canonical()).or_insert_with(|| Self::email_key(address));
            key.unique |= alone;
        }
        keys.into_values()
    }

    /// The key that the users of an account carry.
    pub(crate) fn account_key(account: AccountId) -> Key {
        Key::lookup(Self::KIND, "account", account.to_string())
    }

    /// The key that the users of all accounts below an account carry.
    pub(crate) fn below_key(account: AccountId) -> Key {
        Key::lookup(Self::KIND, "below", account.to_string())
    }

    /// Whether this is the confirmed address.
    pub(crate) fn receives_at(&self, address: &Email) -> bool {
        self.confirmed_email().is_some_and(|own| own.same_as(address))
    }

    /// The confirmed address, if there is one.
    pub fn confirmed_email(&self) -> Option<&Email> {
        self.email.as_ref().map(|email| &email.address)
    }
}

impl Entity for User {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![
            Self::login_key(self.login.as_str()),
            Key::lookup(Self::KIND, "user", self.id.to_string()),
            Self::account_key(self.account),
        ];
        keys.extend(self.ancestors.iter().map(|above| Self::below_key(*above)));
        keys.extend(self.email_keys());
        if let Some(external_id) = &self.external_id {
            keys.push(Self::external_id_key(self.tenant, external_id));
        }
        keys
    }

    fn refs(&self) -> Vec<Uuid> {
        let mut refs = vec![self.account.uuid()];
        refs.extend(self.ancestors.iter().map(|account| account.uuid()));
        refs.extend(self.creators.iter().map(|creator| creator.uuid()));
        refs.extend(self.pending_email.iter().map(|pending| pending.challenge.uuid()));
        refs.extend(self.claims.iter().map(|claim| claim.challenge.uuid()));
        refs.extend(self.pending_two_factor.iter().map(|challenge| challenge.uuid()));
        refs.extend(self.flespi);
        refs
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        None
    }
}

/// What a new user is made of, when the embedding program itself creates one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewUser {
    /// The id the user is to have; repeating the creation with the same id changes nothing. `None` makes one.
    pub id: Option<UserId>,
    /// The id another system knows the user by, unique among the users below one top account.
    pub external_id: Option<String>,
    /// The login.
    pub login: Login,
    /// The account.
    pub account: AccountId,
    /// Who creates the user.
    pub creator: Option<UserId>,
    /// The switches that are on.
    pub flags: Flags,
    /// The password, as its hash; `None` means that no password fits.
    pub password: Option<PasswordHash>,
    /// Whether that password is long enough to be the only factor.
    pub long_enough_alone: bool,
    /// An address that is known to be the user's.
    pub confirmed_email: Option<Email>,
    /// An address that an invitation is sent to: its link sets the first password and confirms the address. Not with a
    /// password or a confirmed address.
    pub invited_email: Option<Email>,
    /// The language.
    pub language: Language,
    /// The time zone; `None` takes the account's.
    pub time_zone: Option<TimeZone>,
}

impl NewUser {
    /// A user with this login in this account: no password, no address, every switch off, English.
    pub fn new(login: Login, account: AccountId) -> Self {
        Self {
            id: None,
            external_id: None,
            login,
            account,
            creator: None,
            flags: Flags::default(),
            password: None,
            long_enough_alone: false,
            confirmed_email: None,
            invited_email: None,
            language: Language::EN,
            time_zone: None,
        }
    }
}

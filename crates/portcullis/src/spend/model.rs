//! Who sends, what is missing, and what was charged.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::country::country_of;
use crate::account::{Account, Service, TimeZone};
use crate::contact::Phone;
use crate::decision::Changes;
use crate::id::{AccountId, UserId};
use crate::keyring::Keyring;
use crate::port::store::{Counter, CounterOp};
use crate::user::User;

/// Whether a number is known to be the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// This user has confirmed it.
    Confirmed,
    /// It is still to be confirmed: anybody may have made it up.
    New,
}

/// On whose account an SMS goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payer {
    /// The user for whom it is sent.
    pub user: UserId,
    /// The version of the user's credentials.
    pub credential_version: u64,
    /// The user's account.
    pub account: AccountId,
    /// The top account above it.
    pub tenant: AccountId,
    /// The account's zone, whose calendar counts.
    pub time_zone: TimeZone,
    /// What the account may use: the service `sms` as it follows from the accounts above too.
    pub service: Service,
}

impl Payer {
    /// A user of an account that may use so much, by [the accounts above](crate::account::Service) too.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let user = w.user(&account, "alice", None).await?;
    /// use portcullis::account::{Period, Service};
    /// use portcullis::spend::Payer;
    /// let payer = Payer::new(&user, &account, Service::on(Some(100), Period::Month));
    /// assert_eq!(payer.account, account.id);
    /// # Ok(()) }
    /// ```
    pub fn new(user: &User, account: &Account, service: Service) -> Self {
        Self {
            user: user.id,
            credential_version: user.credential_version,
            account: account.id,
            tenant: account.tenant,
            time_zone: account.time_zone,
            service,
        }
    }
}

/// One SMS that is to be sent.
#[derive(Clone, Debug)]
pub struct Submission {
    pub(super) phone: Phone,
    pub(super) standing: Standing,
    pub(super) payer: Payer,
    pub(super) source: Uuid,
    pub(super) number: Uuid,
    /// The user at the number.
    pub(super) line: Uuid,
    pub(super) credentials: Uuid,
    pub(super) country: Uuid,
    pub(super) everybody: Uuid,
    pub(super) segments: u32,
    pub(super) carries_code: bool,
}

impl Submission {
    /// A code of one segment to a number, asked for from a source address (as a derived id).
    ///
    /// Number, country and the whole are counted under ids derived by the keyring: a counter gives no number away.
    ///
    /// ```
    /// # use chrono::DateTime;
    /// # use portcullis::account::Service;
    /// # use portcullis::contact::Phone;
    /// # use portcullis::keyring::Keyring;
    /// # use portcullis::port::ambient::SystemRandom;
    /// # use portcullis::spend::{Payer, Standing, Submission};
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let user = w.user(&account, "alice", None).await?;
    /// # let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    /// # let keyring = Keyring::generate(&SystemRandom::default(), now)?;
    /// # let source = uuid::Uuid::from_u128(7);
    /// let phone = Phone::parse("+37120000045")?;
    /// let payer = Payer::new(&user, &account, Service::off());
    /// let code = Submission::new(&keyring, &phone, Standing::New, payer, source);
    /// assert!(code.subjects().contains(&source));
    /// # Ok(()) }
    /// ```
    pub fn new(keyring: &Keyring, phone: &Phone, standing: Standing, payer: Payer, source: Uuid) -> Self {
        let derive = |purpose, value: &str| keyring.derive(purpose, value.as_bytes());
        Self {
            phone: phone.clone(),
            standing,
            payer,
            source,
            number: derive("sms_number", phone.as_str()),
            line: derive("sms_line", &format!("{} {}", payer.user, phone.as_str())),
            credentials: derive("sms_credentials", &format!("{} {}", payer.user, payer.credential_version)),
            country: derive("sms_country", country_of(phone)),
            everybody: derive("sms_everybody", ""),
            segments: 1,
            carries_code: true,
        }
    }

    /// Of so many segments; 0 counts as 1.
    ///
    /// ```
    /// # use portcullis::spend::Submission;
    /// fn long(sms: Submission) -> Submission {
    ///     sms.of_segments(2)
    /// }
    /// ```
    #[must_use]
    pub fn of_segments(mut self, segments: u32) -> Self {
        self.segments = segments.max(1);
        self
    }

    /// That carries no code: nothing of it is counted as a code, and nothing waits for one to be entered.
    ///
    /// ```
    /// # use portcullis::spend::Submission;
    /// fn notice(sms: Submission) -> Submission {
    ///     sms.without_code()
    /// }
    /// ```
    #[must_use]
    pub fn without_code(mut self) -> Self {
        self.carries_code = false;
        self
    }

    /// The subjects whose counters must be read for it.
    ///
    /// ```
    /// # use portcullis::spend::Submission;
    /// # use portcullis::port::store::Read;
    /// fn read(sms: &Submission) -> Read {
    ///     Read { subjects: sms.subjects().to_vec(), ..Read::default() }
    /// }
    /// ```
    pub fn subjects(&self) -> [Uuid; 8] {
        let (user, account) = (self.payer.user.uuid(), self.payer.account.uuid());
        let (line, credentials) = (self.line, self.credentials);
        [self.number, line, user, credentials, account, self.source, self.country, self.everybody]
    }
}

/// What SMS are counted against, beside the quota of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Budget {
    /// To one number, by those who confirmed it.
    Number,
    /// To one number that is still to be confirmed.
    NewNumber,
    /// For one user.
    User,
    /// Codes for one user that nobody has entered yet, since the credentials changed last: whoever has a user's password
    /// and nothing else can't use up what the user has once it is changed.
    UserUnverified,
    /// From one source address.
    Source,
    /// From one source address to new numbers.
    SourceNew,
    /// For one account.
    Account,
    /// For one account to new numbers.
    AccountNew,
    /// To one country.
    Country,
    /// To new numbers of one country.
    CountryNew,
    /// Codes to one country that nobody has entered yet.
    Unverified,
    /// Codes to new numbers of one country that nobody has entered yet.
    UnverifiedNew,
    /// All there are.
    Everybody,
    /// All to new numbers.
    EverybodyNew,
}

impl Budget {
    /// Every budget.
    pub const ALL: [Self; 14] = [
        Self::Number,
        Self::NewNumber,
        Self::User,
        Self::UserUnverified,
        Self::Source,
        Self::SourceNew,
        Self::Account,
        Self::AccountNew,
        Self::Country,
        Self::CountryNew,
        Self::Unverified,
        Self::UnverifiedNew,
        Self::Everybody,
        Self::EverybodyNew,
    ];

    /// The stable name: of the counter, and in the trail.
    ///
    /// ```
    /// use portcullis::spend::Budget;
    /// assert_eq!(Budget::CountryNew.name(), "sms_country_new");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "sms_number",
            Self::NewNumber => "sms_new_number",
            Self::User => "sms_user",
            Self::UserUnverified => "sms_user_unverified",
            Self::Source => "sms_source",
            Self::SourceNew => "sms_source_new",
            Self::Account => "sms_account",
            Self::AccountNew => "sms_account_new",
            Self::Country => "sms_country",
            Self::CountryNew => "sms_country_new",
            Self::Unverified => "sms_unverified",
            Self::UnverifiedNew => "sms_unverified_new",
            Self::Everybody => "sms_everybody",
            Self::EverybodyNew => "sms_everybody_new",
        }
    }

    /// The counter that says whether it was told that the budget runs out; `None` for budgets of one person, which
    /// anybody uses up who asks often enough.
    pub(super) const fn alert(self) -> Option<&'static str> {
        match self {
            Self::Number
            | Self::NewNumber
            | Self::User
            | Self::UserUnverified
            | Self::Source
            | Self::SourceNew => None,
            Self::Account => Some("sms_account_told"),
            Self::AccountNew => Some("sms_account_new_told"),
            Self::Country => Some("sms_country_told"),
            Self::CountryNew => Some("sms_country_new_told"),
            Self::Unverified => Some("sms_unverified_told"),
            Self::UnverifiedNew => Some("sms_unverified_new_told"),
            Self::Everybody => Some("sms_everybody_told"),
            Self::EverybodyNew => Some("sms_everybody_new_told"),
        }
    }

    /// Whether a code that is entered gives it back.
    pub(super) const fn is_of_unverified(self) -> bool {
        matches!(self, Self::UserUnverified | Self::Unverified | Self::UnverifiedNew)
    }
}

/// What is missing for an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// The account has no service `sms`, or none of it at all: gate `service_sms`.
    Service,
    /// The quota of the account is used up: gate `quota_sms`.
    Quota {
        /// When it begins anew; `None` means never by itself.
        until: Option<DateTime<Utc>>,
    },
    /// Numbers of this kind are not served by the policy: gate `policy`. Nothing changes it but the policy.
    Country,
    /// The number was sent something a moment ago: refusal `too_soon`.
    CoolDown {
        /// When it is over.
        until: Option<DateTime<Utc>>,
    },
    /// A budget is used up: gate `budget`.
    Budget {
        /// Which one; it is for the trail, not for the person who asks.
        budget: Budget,
        /// When it begins anew.
        until: Option<DateTime<Utc>>,
    },
}

impl Lack {
    /// When it is over, if it ends by itself.
    ///
    /// ```
    /// use portcullis::spend::Lack;
    /// assert_eq!(Lack::Country.until(), None);
    /// ```
    pub const fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Service | Self::Country => None,
            Self::Quota { until } | Self::CoolDown { until } | Self::Budget { until, .. } => until,
        }
    }

    /// Why, in the fixed words of the trail.
    ///
    /// ```
    /// use portcullis::spend::{Budget, Lack};
    /// let lack = Lack::Budget { budget: Budget::User, until: None };
    /// assert_eq!(lack.reason(), "sms_user");
    /// ```
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Service => "service_sms",
            Self::Quota { .. } => "quota_sms",
            Self::Country => "sms_country_not_served",
            Self::CoolDown { .. } => "sms_cool_down",
            Self::Budget { budget, .. } => budget.name(),
        }
    }
}

/// What was charged for one SMS: kept beside it, so that it can be given back exactly.
///
/// It names counters by derived ids alone and can be stored in the body of any record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    segments: u32,
    counted: Vec<Counted>,
}

/// One counter that was added to, and the window in which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    subject: Uuid,
    name: Cow<'static, str>,
    ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
    unverified: bool,
}

impl Charge {
    pub(super) const fn of(segments: u32) -> Self {
        Self { segments, counted: Vec::new() }
    }

    pub(super) fn note(&mut self, counter: &Counter, ends_at: Option<DateTime<Utc>>, unverified: bool) {
        let Counter { subject, name } = counter.clone();
        self.counted.push(Counted { subject, name, ends_at, unverified });
    }

    /// One of one segment, of a user's codes and of a country's.
    #[cfg(test)]
    pub(crate) fn of_a_code(number: u128) -> Self {
        let mut charge = Self::of(1);
        for (name, unverified) in
            [("sms_user", false), ("sms_user_unverified", true), ("sms_unverified", true)]
        {
            charge.note(&Counter::of(Uuid::from_u128(number), name), None, unverified);
        }
        charge
    }

    /// One in which everything is filled.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        let mut charge = Self::of(1);
        charge.note(&Counter::of(Uuid::from_u128(9), "sms_unverified"), Some(crate::fixture::began()), true);
        charge
    }

    /// How many segments.
    ///
    /// ```
    /// # use portcullis::spend::Charge;
    /// fn price(charge: &Charge, each: u32) -> u32 {
    ///     charge.segments().saturating_mul(each)
    /// }
    /// ```
    pub const fn segments(&self) -> u32 {
        self.segments
    }

    /// The part that the right code gives back: kept beside the challenge, the newest send's only, since a code sent
    /// three times and entered once is one that was entered and two that were not.
    ///
    /// `None` if it carries no code.
    ///
    /// ```
    /// # use portcullis::spend::Charge;
    /// # use portcullis::decision::Changes;
    /// fn entered(charge: &Charge, changes: &mut Changes) {
    ///     if let Some(unverified) = charge.unverified() {
    ///         unverified.give_back(changes);
    ///     }
    /// }
    /// ```
    pub fn unverified(&self) -> Option<Self> {
        let counted: Vec<_> = self.counted.iter().filter(|counted| counted.unverified).cloned().collect();
        (!counted.is_empty()).then_some(Self { segments: self.segments, counted })
    }

    /// The part that every failed send gives back: all but what the right code gives back.
    pub(crate) fn settled(&self) -> Self {
        let counted = self.counted.iter().filter(|counted| !counted.unverified).cloned().collect();
        Self { segments: self.segments, counted }
    }

    /// The part of the user's own codes that were not entered: one code sent several times is one that he has or has not.
    pub(crate) fn unverified_of_user(&self) -> Option<Self> {
        let name = Budget::UserUnverified.name();
        let counted: Vec<_> = self.counted.iter().filter(|counted| counted.name == name).cloned().collect();
        (!counted.is_empty()).then_some(Self { segments: self.segments, counted })
    }

    /// Gives everything back, as far as the windows in which it was counted are still open; the cool-down stays.
    ///
    /// It must be in the one commit that gives the SMS up for good, or that takes the code: two such commits give back
    /// twice.
    ///
    /// ```
    /// # use portcullis::spend::Charge;
    /// # use portcullis::decision::Changes;
    /// fn given_up(charge: &Charge, changes: &mut Changes) {
    ///     charge.give_back(changes);
    /// }
    /// ```
    pub fn give_back(&self, changes: &mut Changes) {
        for Counted { subject, name, ends_at, .. } in &self.counted {
            let counter = Counter { subject: *subject, name: name.clone() };
            changes.count(counter, CounterOp::GiveBack { n: self.segments, ends_at: *ends_at });
        }
    }
}

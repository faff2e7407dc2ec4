//! Why a rule says no.

/// Why a rule said no: a stable code that is safe to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Unknown login, wrong password, disabled or blocked: one answer for all.
    BadCredentials,
    /// The code is wrong.
    WrongCode,
    /// The challenge is expired, spent, superseded or unknown: one answer for all.
    ChallengeDead,
    /// Too many wrong codes.
    Locked,
    /// A cool-down or a budget of sends is not over.
    TooSoon,
    /// The challenge has used its sends.
    NoSendsLeft,
    /// Too many attempts from this address or for this user.
    TooManyAttempts,
    /// The verdict is no; every missing gate is named.
    NotAllowed,
    /// No live session.
    SignedOut,
    /// The session is no longer fresh: re-authenticate and repeat.
    StaleSignIn,
    /// It is already so.
    Unchanged,
    /// Something else still uses it.
    InUse,
    /// Another user holds the address.
    AddressTaken,
    /// There is no confirmed address.
    EmailUnconfirmed,
    /// The password can't stand alone, or a new one is too weak.
    WeakPassword,
    /// The new password and its repetition differ.
    RepeatDiffers,
    /// Another user holds the login.
    LoginTaken,
    /// Another user holds the external id.
    ExternalIdTaken,
    /// It does not exist, or not for this actor.
    NotFound,
    /// There is a top account already.
    AlreadySetUp,
    /// The account may have no accounts below it.
    NotADealer,
    /// The account has too many accounts above it to have one below it.
    TooDeep,
    /// The top account has no plan of this name.
    UnknownPlan,
    /// The days would be more than a counter holds.
    InvalidDays,
    /// The balance would be more than an account holds.
    InvalidBalance,
    /// The hand-off of a flespi login is over, used, unknown, or another session's: one answer for all.
    HandOffDead,
    /// There is no flespi token.
    NotConnected,
    /// The time of the flespi token is over.
    Expired,
    /// flespi did not accept the token when it was checked last.
    Rejected,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 29] = [
        Self::BadCredentials,
        Self::WrongCode,
        Self::ChallengeDead,
        Self::Locked,
        Self::TooSoon,
        Self::NoSendsLeft,
        Self::TooManyAttempts,
        Self::NotAllowed,
        Self::SignedOut,
        Self::StaleSignIn,
        Self::Unchanged,
        Self::InUse,
        Self::AddressTaken,
        Self::EmailUnconfirmed,
        Self::WeakPassword,
        Self::RepeatDiffers,
        Self::LoginTaken,
        Self::ExternalIdTaken,
        Self::NotFound,
        Self::AlreadySetUp,
        Self::NotADealer,
        Self::TooDeep,
        Self::UnknownPlan,
        Self::InvalidDays,
        Self::InvalidBalance,
        Self::HandOffDead,
        Self::NotConnected,
        Self::Expired,
        Self::Rejected,
    ];

    /// The stable code, such as `wrong_code`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::WrongCode => "wrong_code",
            Self::ChallengeDead => "challenge_dead",
            Self::Locked => "locked",
            Self::TooSoon => "too_soon",
            Self::NoSendsLeft => "no_sends_left",
            Self::TooManyAttempts => "too_many_attempts",
            Self::NotAllowed => "not_allowed",
            Self::SignedOut => "signed_out",
            Self::StaleSignIn => "stale_sign_in",
            Self::Unchanged => "unchanged",
            Self::InUse => "in_use",
            Self::AddressTaken => "address_taken",
            Self::EmailUnconfirmed => "email_unconfirmed",
            Self::WeakPassword => "weak_password",
            Self::RepeatDiffers => "repeat_differs",
            Self::LoginTaken => "login_taken",
            Self::ExternalIdTaken => "external_id_taken",
            Self::NotFound => "not_found",
            Self::AlreadySetUp => "already_set_up",
            Self::NotADealer => "not_a_dealer",
            Self::TooDeep => "too_deep",
            Self::UnknownPlan => "unknown_plan",
            Self::InvalidDays => "invalid_days",
            Self::InvalidBalance => "invalid_balance",
            Self::HandOffDead => "hand_off_dead",
            Self::NotConnected => "not_connected",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }

    /// The reason in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BadCredentials => "the login or the password is wrong",
            Self::WrongCode => "the code is wrong",
            Self::ChallengeDead => "this code or link is no longer valid",
            Self::Locked => "too many wrong codes",
            Self::TooSoon => "nothing can be sent yet",
            Self::NoSendsLeft => "no more codes can be sent for this request",
            Self::TooManyAttempts => "too many attempts",
            Self::NotAllowed => "this is not allowed",
            Self::SignedOut => "there is no live session",
            Self::StaleSignIn => "the sign-in is too old for this",
            Self::Unchanged => "it is already so",
            Self::InUse => "something else still uses it",
            Self::AddressTaken => "the address is taken",
            Self::EmailUnconfirmed => "there is no confirmed address",
            Self::WeakPassword => "the password is too weak",
            Self::RepeatDiffers => "the new passwords differ",
            Self::LoginTaken => "the login is taken",
            Self::ExternalIdTaken => "the external id is taken",
            Self::NotFound => "it does not exist",
            Self::AlreadySetUp => "there is a top account already",
            Self::NotADealer => "this account may have no accounts below it",
            Self::TooDeep => "this account is too deep to have accounts below it",
            Self::UnknownPlan => "there is no plan of this name",
            Self::InvalidDays => "days are at most 36525 either way",
            Self::InvalidBalance => "an amount is at most 2^53 - 1 either way",
            Self::HandOffDead => "this authorization is no longer valid",
            Self::NotConnected => "there is no flespi token",
            Self::Expired => "the time of the flespi token is over",
            Self::Rejected => "flespi does not accept the token",
        }
    }

    /// The field of the request that is at fault, where what is stored says so and the request alone does not.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::NotADealer | Self::TooDeep => Some("parent"),
            Self::UnknownPlan => Some("plan"),
            Self::InvalidDays => Some("days"),
            Self::InvalidBalance => Some("balance"),
            Self::BadCredentials
            | Self::WrongCode
            | Self::ChallengeDead
            | Self::Locked
            | Self::TooSoon
            | Self::NoSendsLeft
            | Self::TooManyAttempts
            | Self::NotAllowed
            | Self::SignedOut
            | Self::StaleSignIn
            | Self::Unchanged
            | Self::InUse
            | Self::AddressTaken
            | Self::EmailUnconfirmed
            | Self::WeakPassword
            | Self::RepeatDiffers
            | Self::LoginTaken
            | Self::ExternalIdTaken
            | Self::NotFound
            | Self::AlreadySetUp
            | Self::HandOffDead
            | Self::NotConnected
            | Self::Expired
            | Self::Rejected => None,
        }
    }
}

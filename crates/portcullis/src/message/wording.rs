//! What a template is told about a message.

use core::fmt;

use crate::language::Language;
use crate::message::MessageKind;
use crate::secret::{Code, LinkUrl};

const SAMPLE_TOKEN: &str = "c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxl";

/// What a message tells, ready to be put into words: times are in the reader's zone and language, addresses masked.
///
/// `Debug` shows kind and language alone.
///
/// ```
/// use portcullis::language::Language;
/// use portcullis::message::{MessageKind, Wording};
/// let mut wording = Wording::new(MessageKind::TwoFactorOff, Language::EN, "bob");
/// wording.at = Some("1 March 2026, 09:00".to_owned());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Wording {
    /// What the message tells.
    pub kind: MessageKind,
    /// The language of its reader.
    pub language: Language,
    /// The product it comes from, if it is another than the one the templates were made for.
    pub product: Option<String>,
    /// The login it is about.
    pub login: String,
    /// The code it carries.
    pub code: Option<Code>,
    /// The link it carries. Like the code, it is never put into a subject.
    pub link: Option<LinkUrl>,
    /// Until when the code is valid, until when codes are locked, or until when the flespi token is valid.
    pub valid_until: Option<String>,
    /// For how many minutes, counted from when the message is sent.
    pub minutes: Option<u32>,
    /// The address it tells of, masked.
    pub address: Option<String>,
    /// When it happened.
    pub at: Option<String>,
    /// How many whole days are left until the account is blocked, counted by the reader's calendar.
    pub days_left: Option<u32>,
    /// The day from which the account is blocked, in the reader's zone.
    pub blocking_date: Option<String>,
}

impl Wording {
    /// A wording that tells the least: what happened to which login.
    pub fn new(kind: MessageKind, language: Language, login: impl Into<String>) -> Self {
        Self {
            kind,
            language,
            product: None,
            login: login.into(),
            code: None,
            link: None,
            valid_until: None,
            minutes: None,
            address: None,
            at: None,
            days_left: None,
            blocking_date: None,
        }
    }
}

impl Wording {
    /// A message about nobody that tells everything its kind can tell: for a gallery, and for trying a host's own
    /// templates.
    ///
    /// ```
    /// use portcullis::language::Language;
    /// use portcullis::message::{MessageKind, Wording};
    /// let wording = Wording::sample(MessageKind::RecoveryLink, Language::EN);
    /// assert!(wording.link.is_some() && wording.code.is_none());
    /// ```
    pub fn sample(kind: MessageKind, language: Language) -> Self {
        let some = |text: &str| Some(text.to_owned());
        let mut wording = Self::new(kind, language, "alice");
        wording.address = some("a•••@example.com");
        wording.at = some("2026-03-02 16:00");
        match kind {
            MessageKind::SignInCode
            | MessageKind::ReauthenticationCode
            | MessageKind::EmailConfirmationCode
            | MessageKind::TwoFactorCode => {
                wording.code = Code::parse("493201").ok();
                (wording.minutes, wording.valid_until) = (Some(10), some("2026-03-02 16:10"));
            }
            MessageKind::RecoveryLink => {
                (wording.minutes, wording.valid_until) = (Some(60), some("2026-03-02 17:00"));
            }
            MessageKind::InvitationLink | MessageKind::EmailUndo => {
                (wording.minutes, wording.valid_until) = (Some(4320), some("2026-03-05 16:00"));
            }
            MessageKind::BlockingNotice => {
                (wording.days_left, wording.blocking_date) = (Some(3), some("2026-03-05"));
            }
            MessageKind::FlespiExpiring => wording.valid_until = some("2026-04-01 16:00"),
            MessageKind::CodesLocked
            | MessageKind::EmailChanged
            | MessageKind::PasswordChanged
            | MessageKind::TwoFactorOn
            | MessageKind::TwoFactorOff => {}
        }
        wording.link =
            kind.page().map(|page| LinkUrl::new(format!("https://fleet.example.com/{page}/{SAMPLE_TOKEN}")));
        wording
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wording")
            .field("kind", &self.kind)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

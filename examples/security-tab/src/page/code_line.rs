//! The line a code is typed into, the same wherever a code is entered.

use portcullis::challenge::CodeDelivery;

use super::{Html, Method, Part, Problem, Sentence, Time, field, route};
use crate::texts::Language;

/// Where the line stands, which decides its routes and ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The code page of a sign-in.
    SignIn,
    /// The dialog of a stale sign-in.
    Reauthenticate,
    /// The same on a page for administrators.
    Administer,
    /// The row "Email".
    Email,
    /// The section "Two-factor authentication".
    TwoFactor,
}

/// A code that was sent and can still be typed.
#[derive(Debug, Clone)]
pub(crate) struct LiveCode {
    /// The masked address it was sent to.
    pub(crate) destination: String,
    /// When it ends.
    pub(crate) valid_until: Time,
}

/// What a page knows of the message with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing yet: a script asks for it.
    Awaited,
    /// All that is to be told.
    Known,
}

/// When the next code may be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Resend {
    /// The first moment; `None` when it has come.
    pub(crate) at: Option<Time>,
    /// The server's time, RFC 3339: the countdown runs on the difference, so the browser's clock may be wrong.
    pub(crate) now: String,
}

/// The line.
#[derive(Debug, Clone)]
pub(crate) struct CodeLine {
    /// Where it stands.
    pub(crate) place: Place,
    /// The sealed id of the challenge; empty when there is none.
    pub(crate) challenge: String,
    /// The code on its way; `None` leaves only the button that sends one.
    pub(crate) live: Option<LiveCode>,
    /// When it may be sent again.
    pub(crate) resend: Resend,
    /// What is wrong.
    pub(crate) problem: Option<Problem>,
    /// Whether it is known what came of the message.
    pub(crate) news: News,
    /// Whether the code comes by SMS.
    pub(crate) sms: bool,
    /// Offers "Send by email instead"; only where the answer's `channels` has it.
    pub(crate) email_instead: bool,
    /// Asks for the focus when its page opens.
    pub(crate) focus: bool,
    /// Fields every form of the line sends along, such as a pending action.
    pub(crate) carried: Vec<(String, String)>,
}

impl CodeLine {
    /// Tells what came of the message, as far as it is known.
    pub(crate) fn tell(&mut self, delivery: CodeDelivery) {
        self.news = if delivery == CodeDelivery::Waiting { News::Awaited } else { News::Known };
        self.problem = Problem::of_delivery(delivery);
    }

    /// Whether a code can be typed.
    pub(super) fn takes_a_code(&self) -> bool {
        self.live.is_some() && self.problem.as_ref().is_none_or(Problem::takes_a_code)
    }

    /// Whether a new code can be asked for, now or after a wait.
    pub(super) fn takes_a_resend(&self) -> bool {
        self.problem.as_ref().is_none_or(Problem::takes_a_resend)
    }

    /// Whether a script is to ask what came of the message.
    pub(super) fn is_awaited(&self) -> bool {
        self.news == News::Awaited && self.problem.is_none() && self.live.is_some()
    }

    /// Whether the field itself is wrong.
    pub(super) fn is_invalid(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_in_the_code)
    }

    /// "Code sent to …".
    pub(super) fn lead(&self, language: Language) -> Option<Html> {
        let live = self.live.as_ref().filter(|_| self.takes_a_code())?;
        let sentence = Sentence::new(language.texts().code_sent);
        Some(sentence.address("address", &live.destination).time("time", &live.valid_until).html())
    }

    /// When it may be sent again, for a browser without JavaScript.
    pub(super) fn wait(&self, language: Language) -> Option<Html> {
        let at = self.resend.at.as_ref()?;
        Some(Sentence::new(language.texts().send_again_at).time("time", at).html())
    }

    /// The words on the button that sends a code.
    pub(super) fn resend_words(&self, language: Language) -> &'static str {
        match self.place {
            Place::Email => language.texts().send_email,
            Place::SignIn | Place::Reauthenticate | Place::Administer | Place::TwoFactor => {
                language.texts().send_again
            }
        }
    }

    /// What every form of the line sends along.
    pub(super) fn hidden(&self) -> Vec<(&str, &str)> {
        let mut hidden = vec![(field::CHALLENGE, self.challenge.as_str())];
        if self.place == Place::TwoFactor {
            hidden.push((field::METHOD, if self.sms { Method::Sms } else { Method::Email }.value()));
        }
        hidden.extend(self.carried.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        hidden
    }
}

impl Place {
    /// What its ids begin with.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Reauthenticate => "reauthenticate",
            Self::Administer => "administer",
            Self::Email => "email",
            Self::TwoFactor => "two-factor",
        }
    }

    /// The attributes of the form that sends the code.
    pub(super) fn confirm(self) -> Html {
        self.form(match self {
            Self::SignIn => route::SIGN_IN_CODE,
            Self::Reauthenticate | Self::Administer => route::REAUTHENTICATE_CODE,
            Self::Email => route::EMAIL_CONFIRM,
            Self::TwoFactor => route::TWO_FACTOR_CONFIRM,
        })
    }

    /// The attributes of the form that asks for another code.
    pub(super) fn resend(self) -> Html {
        self.form(match self {
            Self::SignIn => route::SIGN_IN_RESEND,
            Self::Reauthenticate | Self::Administer => route::REAUTHENTICATE_RESEND,
            Self::Email => route::EMAIL_RESEND,
            Self::TwoFactor => route::TWO_FACTOR_RESEND,
        })
    }

    /// The attributes of the form that gives the code up, and its words.
    pub(super) fn cancel(self, language: Language) -> Option<(Html, &'static str)> {
        let texts = language.texts();
        match self {
            Self::SignIn | Self::Reauthenticate | Self::Administer => None,
            Self::Email => Some((self.form(route::EMAIL_CANCEL), texts.cancel_change)),
            Self::TwoFactor => Some((self.form(route::TWO_FACTOR_CANCEL), texts.cancel)),
        }
    }

    fn form(self, route: &'static str) -> Html {
        match self {
            Self::SignIn | Self::Administer => Part::plain(route),
            Self::Reauthenticate => Part::Dialog.post(route),
            Self::Email => Part::Authorization.post(route),
            Self::TwoFactor => Part::TwoFactor.post(route),
        }
    }
}

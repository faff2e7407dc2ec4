//! The timeline of development mode: which notices about blocking go out when.

use askama::Template;

use super::{Frame, Html, Sentence, Time, route};
use crate::texts::{Language, Texts};

/// The notices of every user whose account is going to be blocked, or was, and the buttons that move the clock.
#[derive(Debug, Clone)]
pub(crate) struct TimelinePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What the clock shows.
    pub(crate) now: Time,
    /// When the next notice goes, if one is planned.
    pub(crate) next: Option<Time>,
    /// What came of moving the clock, right after it was moved.
    pub(crate) moved: Option<Moved>,
    /// The users.
    pub(crate) users: Vec<UserLine>,
}

/// What came of moving the clock.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    /// What it showed before.
    pub(crate) from: Time,
    /// What went out since, oldest first.
    pub(crate) sent: Vec<SentMail>,
}

/// A mail that went out.
#[derive(Debug, Clone)]
pub(crate) struct SentMail {
    /// Its id.
    pub(crate) id: String,
    /// Its subject.
    pub(crate) subject: String,
    /// Where it went.
    pub(crate) to: String,
    /// When.
    pub(crate) at: Time,
}

/// One user's time until the block.
#[derive(Debug, Clone)]
pub(crate) struct UserLine {
    /// The login.
    pub(crate) login: String,
    /// The name of the account.
    pub(crate) account: String,
    /// The user's zone, in which every time of the line is.
    pub(crate) zone: String,
    /// What there is on the line, in the order of time.
    pub(crate) stops: Vec<Stop>,
}

/// Something on a line of time.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// The present.
    Now(Time),
    /// A day with a notice.
    Notice {
        /// The day.
        day: Time,
        /// From when on it may leave.
        hour: Time,
        /// Days left.
        left: u32,
        /// What becomes of it.
        fate: Fate,
    },
    /// The account is blocked.
    Block(Time),
}

/// What becomes of a notice.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// It was sent.
    Sent {
        /// The id of its mail and when that left, if the mailbox still has it.
        mail: Option<(String, Time)>,
        /// Whether it went when the clock was moved last.
        fresh: bool,
    },
    /// It goes at its hour.
    Planned,
    /// It does not go, for the reason that the core names.
    Withheld(&'static str),
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelineTemplate<'a> {
    frame: &'a Frame,
    page: &'a TimelinePage,
    t: &'static Texts,
}

impl TimelinePage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        TimelineTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }

    fn now_line(&self) -> Html {
        Sentence::new(self.frame.texts().dev_timeline_clock).time("time", &self.now).html()
    }

    fn next_line(&self) -> Html {
        let texts = self.frame.texts();
        match &self.next {
            Some(next) => Sentence::new(texts.dev_timeline_next).time("time", next).html(),
            None => Html::text(texts.dev_timeline_no_next),
        }
    }

    fn moved_line(&self, moved: &Moved) -> Html {
        let words = self.frame.texts().dev_timeline_moved;
        Sentence::new(words).time("from", &moved.from).time("to", &self.now).html()
    }
}

impl SentMail {
    fn line(&self, language: Language) -> Html {
        let href = format!("{}#message-{}", route::DEV_MESSAGES, self.id);
        Sentence::new(language.texts().dev_timeline_mail)
            .link("subject", &href, &self.subject)
            .address("address", &self.to)
            .time("time", &self.at)
            .html()
    }
}

impl UserLine {
    fn lead(&self, language: Language) -> Html {
        Sentence::new(language.texts().dev_timeline_user)
            .text("account", &self.account)
            .text("zone", &self.zone)
            .html()
    }
}

impl Stop {
    fn class(&self) -> &'static str {
        match self {
            Self::Now(_) => "now",
            Self::Block(_) => "block",
            Self::Notice { fate: Fate::Sent { .. }, .. } => "sent",
            Self::Notice { fate: Fate::Planned, .. } => "planned",
            Self::Notice { fate: Fate::Withheld(_), .. } => "withheld",
        }
    }

    fn left(&self, language: Language) -> Option<Html> {
        let Self::Notice { left, .. } = self else { return None };
        let words = language.counted(*left, &language.texts().dev_timeline_left);
        Some(Sentence::new(words).number("n", *left).html())
    }

    fn title(&self, language: Language) -> Html {
        let texts = language.texts();
        match self {
            Self::Now(time) => Sentence::new(texts.dev_timeline_now).time("time", time).html(),
            Self::Block(time) => Sentence::new(texts.dev_timeline_block).time("time", time).html(),
            Self::Notice { day, hour, .. } => {
                Sentence::new(texts.dev_timeline_hour_of).time("day", day).time("hour", hour).html()
            }
        }
    }

    fn fate(&self, language: Language) -> Option<Html> {
        let texts = language.texts();
        let Self::Notice { fate, .. } = self else { return None };
        Some(match fate {
            Fate::Planned => Html::text(texts.dev_timeline_planned),
            Fate::Withheld(why) => {
                Sentence::new(texts.dev_timeline_withheld).text("reason", reason(why, texts)).html()
            }
            Fate::Sent { mail: None, .. } => Html::text(texts.dev_timeline_sent),
            Fate::Sent { mail: Some((id, at)), .. } => {
                let href = format!("{}#message-{id}", route::DEV_MESSAGES);
                Sentence::new(texts.dev_timeline_sent_at)
                    .link("sent", &href, texts.dev_timeline_sent)
                    .time("time", at)
                    .html()
            }
        })
    }

    fn is_fresh(&self) -> bool {
        matches!(self, Self::Notice { fate: Fate::Sent { fresh: true, .. }, .. })
    }
}

fn reason(code: &str, texts: &'static Texts) -> &'static str {
    match code {
        "switched_off" => texts.dev_timeline_switched_off,
        "email_unconfirmed" => texts.dev_timeline_unconfirmed,
        "disabled" => texts.dev_timeline_disabled,
        "blocked" => texts.dev_timeline_blocked,
        "service_off" => texts.dev_timeline_service_off,
        "day_over" => texts.dev_timeline_day_over,
        "given_up" => texts.dev_timeline_given_up,
        "held" => texts.dev_timeline_held,
        _ => texts.dev_timeline_other,
    }
}

//! The states of the pages of mailed links.

use crate::page::samples::Samples;
use crate::page::{
    DeadLinkPage, ForgottenPage, LinkKind, LinkSentPage, NewPasswordPage, Notice, PasswordRow, Problem,
    UndoPage, Weakness, route,
};

impl Samples {
    pub(super) fn link_pages(self) -> Result<Vec<(&'static str, String)>, askama::Error> {
        let frame = self.outside();
        let until = Self::at("16:25", "14:25:00");
        let forgotten = |identifier: &str, problem| {
            ForgottenPage { frame: frame.clone(), identifier: identifier.into(), problem }.html()
        };
        let password = |first, signed_in: Option<&str>, problem: Option<Problem>| {
            let notice = problem.map(Notice::Alert);
            NewPasswordPage {
                signed_in: signed_in.map(str::to_owned),
                frame: frame.clone(),
                route: if first { route::INVITATION } else { route::RECOVERY_PASSWORD },
                challenge: "s3aled".into(),
                login: "alice".into(),
                first,
                valid_until: Self::session(0).used,
                row: PasswordRow { minimum: 15, gates: Vec::new(), notice },
            }
            .html()
        };
        let weak = Problem::WeakPassword(vec![Weakness::TooShort { minimum: 15 }]);
        let undo = |signed_in: Option<&str>, problem| {
            let (challenge, valid_until) = ("s3aled".into(), Self::session(0).used);
            let signed_in = signed_in.map(str::to_owned);
            UndoPage { frame: frame.clone(), challenge, signed_in, valid_until, problem }.html()
        };
        let dead = |kind| DeadLinkPage { frame: frame.clone(), kind, lost: false }.html();
        let too_many = || Some(Problem::TooManyAttempts { until: until.clone() });
        Ok(vec![
            ("forgotten", forgotten("", None)?),
            ("forgotten-invalid", forgotten("", Some(Problem::InvalidIdentifier))?),
            ("forgotten-too-many", forgotten("alice", too_many())?),
            ("link-sent", LinkSentPage { frame: frame.clone(), minutes: 60 }.html()?),
            ("recovery", password(false, None, None)?),
            ("recovery-signed-in", password(false, Some("bob"), None)?),
            ("recovery-too-short", password(false, None, Some(weak))?),
            ("recovery-differs", password(false, None, Some(Problem::RepeatDiffers))?),
            ("recovery-too-many", password(false, None, too_many())?),
            ("recovery-dead", dead(LinkKind::Recovery)?),
            ("invitation", password(true, None, None)?),
            ("invitation-taken", password(true, None, Some(Problem::LinkAddressTaken))?),
            ("invitation-dead", dead(LinkKind::Invitation)?),
            ("undo", undo(None, None)?),
            ("undo-signed-in", undo(Some("alice"), None)?),
            ("undo-taken", undo(None, Some(Problem::LinkAddressTaken))?),
            ("undo-dead", dead(LinkKind::Undo)?),
            (
                "link-lost",
                DeadLinkPage { frame: frame.clone(), kind: LinkKind::Invitation, lost: true }.html()?,
            ),
        ])
    }
}

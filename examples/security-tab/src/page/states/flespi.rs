//! The states of the section "flespi settings".

use super::super::samples::Samples;
use super::super::{
    FlespiCheck, FlespiSection, FlespiToken, Gate, LastKnown, Notice, Problem, Said, SecurityPage,
};

impl Samples {
    /// Without a token.
    pub(in crate::page) fn flespi_absent() -> FlespiSection {
        FlespiSection {
            token: None,
            connecting: false,
            typing: false,
            regions: ["eu", "ru"].map(str::to_owned).to_vec(),
            chosen: String::new(),
            gates: Vec::new(),
            notice: None,
        }
    }

    pub(super) fn flespi_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |change: &dyn Fn(&mut FlespiSection)| {
            let mut page = self.confirmed();
            change(&mut page.flespi);
            page
        };
        let token = |manual: bool, check: FlespiCheck| FlespiToken {
            shown: "aB3x".into(),
            region: if manual { "eu" } else { "ru" }.into(),
            manual,
            obtained: self.day(2),
            ends: Some(self.day(28)),
            check,
        };
        let held = |manual: bool, check: FlespiCheck| {
            with(&|section| section.token = Some(token(manual, check.clone())))
        };
        let typing = |problem: Option<Problem>| {
            with(&|section| {
                section.typing = true;
                section.notice = problem.clone().map(Notice::Alert);
            })
        };
        let last = |known| FlespiCheck::Unanswered(Some((known, Self::at("2026-03-02 16:00", "14:00:00"))));
        let unknown_end = with(&|section| {
            section.token = Some(FlespiToken { ends: None, ..token(true, FlespiCheck::None) });
        });
        let token_next = with(&|section| {
            section.typing = true;
            section.notice = Some(Notice::Status(Said::FlespiTokenNext));
        });
        let gates = with(&|section| section.gates = vec![Gate::Right, Gate::TopUser]);
        let gates_held = with(&|section| {
            section.token = Some(token(false, FlespiCheck::Active));
            section.gates = vec![Gate::Right];
        });
        vec![
            ("flespi-absent", with(&|_| ())),
            ("flespi-connecting", with(&|section| section.connecting = true)),
            ("flespi-login", held(false, FlespiCheck::None)),
            ("flespi-manual", unknown_end),
            ("flespi-active", held(false, FlespiCheck::Active)),
            ("flespi-expired", held(false, FlespiCheck::Expired)),
            ("flespi-rejected", held(true, FlespiCheck::Rejected)),
            ("flespi-unanswered", held(true, FlespiCheck::Unanswered(None))),
            ("flespi-unanswered-active", held(true, last(LastKnown::Active))),
            ("flespi-unanswered-expired", held(true, last(LastKnown::Expired))),
            ("flespi-unanswered-rejected", held(true, last(LastKnown::Rejected))),
            ("flespi-typing", typing(None)),
            ("flespi-typing-token", typing(Some(Problem::InvalidFlespiToken))),
            ("flespi-typing-region", typing(Some(Problem::NoFlespiRegion))),
            (
                "flespi-unavailable",
                with(&|section| section.notice = Some(Notice::Alert(Problem::CannotAnswer))),
            ),
            (
                "flespi-login-next",
                with(&|section| section.notice = Some(Notice::Status(Said::FlespiLoginNext))),
            ),
            ("flespi-token-next", token_next),
            ("flespi-gates", gates),
            ("flespi-gates-held", gates_held),
        ]
    }
}

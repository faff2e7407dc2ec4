//! The view model of the section "flespi settings".

use portcullis::Error;
use portcullis::flespi::{CheckStatus, FlespiState, HeldToken, LastCheck, Source};

use super::fault::{Fault, Wording};
use super::show::Show;
use super::view::Known;
use super::words::{date_and_time_of, day_of};
use crate::page::{FlespiCheck, FlespiSection, FlespiToken, Gate, LastKnown, Notice, Problem, Said};

/// What is wrong with what was typed.
pub(super) fn problem(fault: &Fault, wording: Wording) -> Problem {
    match fault {
        Fault::Core(Error::Input(error)) if error.field() == "region" => Problem::NoFlespiRegion,
        Fault::Core(Error::Input(_)) => Problem::InvalidFlespiToken,
        Fault::Core(_)
        | Fault::NoAddress
        | Fault::NoPhone
        | Fault::NoCode
        | Fault::NoPassword
        | Fault::NoNewPassword(_) => fault.problem(wording),
    }
}

impl Known {
    pub(super) fn flespi(&self, show: &Show) -> FlespiSection {
        let mut section = FlespiSection {
            token: None,
            connecting: false,
            typing: false,
            regions: Vec::new(),
            chosen: show.region.clone(),
            gates: vec![Gate::Policy],
            notice: None,
        };
        // This program is never built without what calls flespi.
        if let Some(flespi) = &self.settings.flespi {
            section.token = flespi.token.as_ref().map(|held| self.flespi_token(held, flespi.state));
            section.connecting = flespi.state == FlespiState::Connecting;
            section.regions = flespi.regions.iter().map(|region| region.name.as_str().to_owned()).collect();
            section.gates = flespi.change.missing().iter().map(|gate| Gate::of_name(gate.name())).collect();
            section.typing = show.typing && section.gates.is_empty();
            let said = show.said.filter(|said| matches!(said, Said::FlespiLoginNext | Said::FlespiTokenNext));
            section.notice = said.map(Notice::Status);
        }
        section
    }

    fn flespi_token(&self, held: &HeldToken, state: FlespiState) -> FlespiToken {
        let day = |at| day_of(self.zone().day(at), self.language());
        FlespiToken {
            shown: held.shown.clone(),
            region: held.region.as_str().to_owned(),
            manual: held.source == Source::Manual,
            obtained: day(held.obtained_at),
            ends: held.expiry.ends_at().map(day),
            check: self.flespi_check(held, state),
        }
    }

    fn flespi_check(&self, held: &HeldToken, state: FlespiState) -> FlespiCheck {
        let unanswered = held.unanswered_at.is_some_and(|at| held.last_check.is_none_or(|last| last.at < at));
        if unanswered && state != FlespiState::Expired {
            return FlespiCheck::Unanswered(
                held.last_check.map(|last| (known(last), date_and_time_of(last.at, self.zone()))),
            );
        }
        match (state, held.last_check.map(|last| last.status)) {
            (FlespiState::Expired, _) | (_, Some(CheckStatus::Expired)) => FlespiCheck::Expired,
            (FlespiState::Rejected, _) | (_, Some(CheckStatus::Rejected)) => FlespiCheck::Rejected,
            (_, Some(CheckStatus::Active)) => FlespiCheck::Active,
            (_, Some(_) | None) => FlespiCheck::None,
        }
    }
}

const fn known(last: LastCheck) -> LastKnown {
    match last.status {
        CheckStatus::Active => LastKnown::Active,
        CheckStatus::Expired => LastKnown::Expired,
        CheckStatus::Rejected | _ => LastKnown::Rejected,
    }
}

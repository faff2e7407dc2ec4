//! The states of two-factor authentication by SMS.

use super::super::samples::{ADDRESS, MASKED, Samples};
use super::super::{
    CodeLine, Gate, LiveCode, Method, Notice, On, Place, Problem, Removal, Said, SecurityPage,
    TwoFactorSection,
};

/// A number.
const NUMBER: &str = "+37120000045";
/// The same, masked.
const MASKED_NUMBER: &str = "+371•••••45";

impl Samples {
    /// A line with a code by SMS on its way.
    pub(super) fn sms_line(place: Place) -> CodeLine {
        let valid_until = Self::at("16:10", "14:10:00");
        let live = Some(LiveCode { destination: MASKED_NUMBER.into(), valid_until });
        CodeLine { sms: true, live, ..Self::line(place) }
    }

    pub(super) fn sms_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |change: &dyn Fn(&mut TwoFactorSection)| {
            let mut page = self.confirmed();
            page.two_factor.chosen = Method::Sms;
            change(&mut page.two_factor);
            page
        };
        let on = |on: On, change: &dyn Fn(&mut TwoFactorSection)| {
            let mut page = with(&|section| {
                section.on = Some(on.clone());
                section.sms.number = NUMBER.into();
                change(section);
            });
            page.email.value = ADDRESS.into();
            page.email.removal = Removal::InUse { two_factor: true, notices: false };
            page
        };
        let failed = |typed: &'static str, problem: Problem| {
            with(&|section| {
                section.sms.number = typed.into();
                section.notice = Some(Notice::Alert(problem.clone()));
            })
        };
        let line = |problem: Option<Problem>| {
            with(&|section| {
                section.line =
                    Some(CodeLine { problem: problem.clone(), ..Self::sms_line(Place::TwoFactor) });
            })
        };
        let stopped = |reasons: &[Gate], email: Option<&str>| On::Stopped {
            reasons: reasons.to_vec(),
            email: email.map(str::to_owned),
        };
        let all = [
            Gate::ServiceSms,
            Gate::QuotaSms,
            Gate::SendSms,
            Gate::SendSmsAbove,
            Gate::Budget,
            Gate::Blocked,
            Gate::Policy,
        ];
        let until = Some(Self::at("2026-03-03 02:00", "22:00:00"));
        vec![
            ("sms", with(&|_| ())),
            ("sms-gates", with(&|section| section.sms.gates = all.to_vec())),
            (
                "sms-quota-until",
                with(&|section| {
                    section.sms.gates = vec![Gate::QuotaSms];
                    section.sms.quota_until.clone_from(&until);
                }),
            ),
            ("sms-invalid", failed("20000045; +37120000046", Problem::InvalidPhone)),
            ("sms-unchanged", failed(NUMBER, Problem::UnchangedPhone)),
            (
                "sms-too-soon",
                failed(NUMBER, Problem::NoMoreCodes { until: Some(Self::at("16:01", "14:01:00")) }),
            ),
            ("sms-budget", failed(NUMBER, Problem::NotAllowed(vec![Gate::Budget]))),
            ("sms-code", line(None)),
            ("sms-code-wrong", line(Some(Problem::WrongCode { left: 4 }))),
            ("sms-code-maybe-sent", line(Some(Problem::MaybeSent))),
            ("sms-on", on(On::Sms(MASKED_NUMBER.into()), &|_| ())),
            (
                "sms-said-on",
                on(On::Sms(MASKED_NUMBER.into()), &|section| {
                    section.notice = Some(Notice::Status(Said::TwoFactorOn));
                }),
            ),
            ("sms-turn-off", on(On::Sms(MASKED_NUMBER.into()), &|section| section.chosen = Method::Off)),
            ("sms-to-email", on(On::Sms(MASKED_NUMBER.into()), &|section| section.chosen = Method::Email)),
            (
                "sms-by-email",
                on(stopped(&[Gate::ServiceSms], Some(MASKED)), &|section| {
                    section.sms.gates = vec![Gate::ServiceSms];
                }),
            ),
            (
                "sms-stopped",
                on(stopped(&[Gate::QuotaSms, Gate::SendSms], None), &|section| {
                    section.sms.gates = vec![Gate::QuotaSms, Gate::SendSms];
                    section.sms.quota_until.clone_from(&until);
                }),
            ),
        ]
    }
}

//! Two-factor authentication as its user sees it.

use core::fmt;

use crate::challenge::{Channel, PendingCode};
use crate::contact::Phone;
use crate::rights::{Gate, Verdict};
use crate::user::Method;

/// The method in force, the one being switched on, and what may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TwoFactorSettings {
    /// The method in force.
    pub method: Method,
    /// The method being switched on, with its challenge.
    pub pending: Option<PendingMethod>,
    /// Each method with its verdict.
    pub options: Vec<MethodOption>,
    /// How sign-in codes travel; `None` while no code is asked.
    pub delivery: Option<Delivery>,
}

/// How sign-in codes travel now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// By which channel; `None` while none can be sent: then nobody can sign in who needs one.
    pub channel: Option<Channel>,
    /// Why they do not travel by the method in force, if they don't.
    pub reasons: Vec<Gate>,
}

/// The phone number as its owner sees it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneSettings {
    /// The confirmed number, or the one that waits for its code if there is no other; whole, for its owner's eyes.
    pub number: Option<String>,
    /// Whether `number` is confirmed.
    pub confirmed: bool,
}

impl fmt::Debug for PhoneSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |number: &String| Phone::parse(number).map_or("…".to_owned(), |phone| phone.masked());
        let number = self.number.as_ref().map(masked);
        f.debug_struct("PhoneSettings").field("number", &number).field("confirmed", &self.confirmed).finish()
    }
}

/// A method being switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingMethod {
    /// The method.
    pub method: Method,
    /// The challenge.
    pub code: PendingCode,
}

/// A method that may be chosen, or why it may not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodOption {
    /// The method.
    pub method: Method,
    /// Whether it may be chosen.
    pub verdict: Verdict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_where_it_is_logged() {
        let phone = PhoneSettings { number: Some("+37120000045".to_owned()), confirmed: true };
        let shown = format!("{phone:?}");
        assert!(shown.contains("+371•••••45") && !shown.contains("20000045"), "{shown}");
    }
}

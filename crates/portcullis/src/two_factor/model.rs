//! Two-factor authentication as its user sees it.

use crate::challenge::{Channel, PendingCode};
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneSettings {
    /// The confirmed number, or the one that waits for its code if there is no other; whole, for its owner's eyes.
    pub number: Option<String>,
    /// Whether `number` is confirmed.
    pub confirmed: bool,
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

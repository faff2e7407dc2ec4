//! Two-factor authentication as its user sees it.

use crate::challenge::{Channel, PendingCode};
use crate::rights::Verdict;
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
    pub delivery: Option<Channel>,
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

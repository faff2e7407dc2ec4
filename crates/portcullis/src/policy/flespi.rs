//! What the policy says of flespi.

use chrono::TimeDelta;

use super::Policy;
use super::limit::limit_holds;

/// Who may connect flespi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlespiOwner {
    /// Every user.
    Any,
    /// The users of the top account.
    TopUser,
}

/// What becomes of an issued flespi token that is no longer in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlespiReplaced {
    /// It is revoked, if there is something to revoke it by.
    Revoked,
    /// It lives on until its end.
    Kept,
}

/// Whether each number of the flespi connection is in its range.
pub(super) fn checks(policy: &Policy) -> [(&'static str, bool); 10] {
    let day = super::DAY;
    [
        (
            "flespi_hand_off_life",
            policy.flespi_hand_off_life > TimeDelta::zero() && policy.flespi_hand_off_life <= day,
        ),
        ("flespi_hand_offs", limit_holds(policy.flespi_hand_offs)),
        ("flespi_checks", limit_holds(policy.flespi_checks)),
        ("flespi_token_life", policy.flespi_token_life >= day && policy.flespi_token_life <= day * 3660),
        (
            "flespi_patience",
            policy.flespi_patience > TimeDelta::zero() && policy.flespi_patience < policy.claim_life,
        ),
        ("flespi_retry_first", policy.flespi_retry_first > TimeDelta::zero()),
        ("flespi_retry_longest", policy.flespi_retry_longest >= policy.flespi_retry_first),
        ("flespi_issue_within", policy.flespi_issue_within > TimeDelta::zero()),
        ("flespi_clear_within", policy.flespi_clear_within > TimeDelta::zero()),
        ("flespi_notice_days", notices_descend(policy.flespi_notice_days)),
    ]
}

fn notices_descend([first, second, last]: [u32; 3]) -> bool {
    first <= 365 && first > second && second > last && last > 0
}

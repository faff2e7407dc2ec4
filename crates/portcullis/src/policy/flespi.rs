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
pub(super) fn checks(policy: &Policy, day: TimeDelta) -> [(&'static str, bool); 11] {
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
        (
            "flespi_call_longest",
            policy.flespi_call_longest > TimeDelta::zero() && policy.flespi_call_longest < policy.claim_life,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::flespi::Access;

    #[test]
    fn notices_come_nearer_and_nearer_and_before_the_end() {
        for wrong in [[7, 30, 1], [30, 7, 7], [30, 7, 0], [366, 7, 1], [7, 7, 1]] {
            let policy = Policy { flespi_notice_days: wrong, ..Policy::default() };
            assert_eq!(policy.check().unwrap_err().field(), "flespi_notice_days", "{wrong:?}");
        }
        let policy = Policy { flespi_notice_days: [365, 2, 1], ..Policy::default() };
        assert_eq!(policy.check(), Ok(()));
    }

    #[test]
    fn a_request_gives_up_before_a_worker_takes_over() {
        let mut policy = Policy::default();
        policy.flespi_patience = policy.claim_life;
        assert_eq!(policy.check().unwrap_err().field(), "flespi_patience");
        let policy = Policy { flespi_call_longest: policy.claim_life, ..Policy::default() };
        assert_eq!(policy.check().unwrap_err().field(), "flespi_call_longest");
    }

    #[test]
    fn the_presets_of_wialon_take_a_master_token_for_the_top_account() {
        for preset in [Policy::wialon_hosting(), Policy::wialon_local()] {
            assert_eq!((preset.flespi_owner, &preset.flespi_access), (FlespiOwner::TopUser, &Access::Master));
        }
        let default = Policy::default();
        assert_eq!((default.flespi_owner, &default.flespi_access), (FlespiOwner::Any, &Access::Standard));
    }
}

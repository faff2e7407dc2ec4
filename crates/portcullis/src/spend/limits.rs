//! Whether the numbers of this room are in their ranges.

use chrono::TimeDelta;

use super::country::rules_hold;
use crate::policy::{Policy, limit_holds};

/// Each field of the policy that belongs here, and whether it holds.
pub(crate) fn checks(policy: &Policy, day: TimeDelta) -> [(&'static str, bool); 13] {
    [
        ("sms_cool_down", policy.sms_cool_down > TimeDelta::zero() && policy.sms_cool_down <= day),
        ("sms_per_number", limit_holds(policy.sms_per_number)),
        ("sms_per_new_number", limit_holds(policy.sms_per_new_number)),
        ("sms_per_user", limit_holds(policy.sms_per_user)),
        ("sms_unverified_per_user", limit_holds(policy.sms_unverified_per_user)),
        ("sms_per_source", limit_holds(policy.sms_per_source)),
        ("sms_per_account", limit_holds(policy.sms_per_account)),
        ("sms_per_country", limit_holds(policy.sms_per_country)),
        ("sms_in_all", limit_holds(policy.sms_in_all)),
        ("sms_unverified_per_country", limit_holds(policy.sms_unverified_per_country)),
        ("sms_new_share", (1..=100).contains(&policy.sms_new_share)),
        ("sms_alert_percent", (1..=100).contains(&policy.sms_alert_percent)),
        ("sms_prefixes", rules_hold(&policy.sms_prefixes)),
    ]
}

/// For how long the longest of its windows lasts.
pub(crate) fn longest_window(policy: &Policy) -> TimeDelta {
    [
        policy.sms_per_number,
        policy.sms_per_new_number,
        policy.sms_per_user,
        policy.sms_unverified_per_user,
        policy.sms_per_source,
        policy.sms_per_account,
        policy.sms_per_country,
        policy.sms_unverified_per_country,
        policy.sms_in_all,
    ]
    .into_iter()
    .fold(policy.sms_cool_down, |longest, limit| longest.max(limit.within))
}

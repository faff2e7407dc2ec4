//! Blocking notices: the daily mail in the last days before an account is blocked.

pub(crate) mod model;
pub(crate) mod rules;

pub use model::NoticeSchedule;

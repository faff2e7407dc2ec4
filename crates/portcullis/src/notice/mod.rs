//! Blocking notices: the daily mail in the last days before an account is blocked.

mod flow;
pub(crate) mod leave;
pub(crate) mod model;
pub(crate) mod outlook;
pub(crate) mod plan;
pub(crate) mod rules;
pub(crate) mod switch;
mod walk;

pub use flow::Notices;
pub use model::{BlockingNotices, NoticeSchedule, NoticeSettings};
pub use outlook::{NoticeDay, NoticeFate, NoticeOutlook};

#[cfg(test)]
mod tests;

//! Notices as the routes show them.

use chrono::{DateTime, NaiveDate, Utc};
use portcullis::notice::NoticeSettings;
use serde::Serialize;

use crate::answer::VerdictView;

/// `settings.notices`.
#[derive(Debug, Serialize)]
pub(crate) struct NoticesView {
    blocking: BlockingView,
}

#[derive(Debug, Serialize)]
struct BlockingView {
    enabled: bool,
    change: VerdictView,
    blocking_date: Option<NaiveDate>,
    first_notice: Option<DateTime<Utc>>,
}

impl From<&NoticeSettings> for NoticesView {
    fn from(notices: &NoticeSettings) -> Self {
        let blocking = &notices.blocking;
        Self {
            blocking: BlockingView {
                enabled: blocking.enabled,
                change: VerdictView::from(&blocking.change),
                blocking_date: blocking.blocking_date,
                first_notice: blocking.first_notice,
            },
        }
    }
}

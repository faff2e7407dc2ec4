//! What an invitation that is shown gives.

use chrono::{DateTime, Utc};

use crate::secret::LinkUrl;

/// An invitation that is shown to who operates the service instead of being mailed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShownInvitation {
    /// The link that sets the first password and confirms the address. It is kept nowhere and mailed to nobody: show it
    /// once, to who asked.
    pub link: LinkUrl,
    /// Until when the link lives.
    pub valid_until: DateTime<Utc>,
}

//! What is asked of every message right before it leaves, by mail or by SMS.

use super::Engine;
use super::commit::Try;
use super::record::View;
use super::worker::Stop;
use crate::account::rules::Chain;
use crate::challenge::Challenge;
use crate::decision::Stored;
use crate::keyring::OpenError;
use crate::message::model::{Content, Message};
use crate::message::rules;
use crate::port::message::SendError;
use crate::user::User;

/// A message that may leave, as far as is asked of every one.
pub(super) struct Leaving {
    pub(super) user: User,
    pub(super) chain: Chain,
    pub(super) content: Content,
}

impl Engine {
    /// What every message is asked before it leaves.
    pub(super) fn leaving(&self, message: &Stored<Message>, view: &View, t: &Try) -> Result<Leaving, Stop> {
        let this = &message.value;
        let user = view.record::<User>(this.user.uuid()).map_err(Stop::unreadable)?;
        let user = user.map(|user| user.value);
        let chain = match &user {
            Some(user) => view.chain(user).map_err(Stop::unreadable)?,
            None => Chain(Vec::new()),
        };
        let challenge = match this.challenge {
            Some(id) => view.record::<Challenge>(id.uuid()).map_err(Stop::unreadable)?,
            None => None,
        };
        let challenge = challenge.as_ref().map(|challenge| &challenge.value);
        let content = match this.open(&self.keyring()) {
            None => return Err(Stop::Suppress("content_gone")),
            Some(Ok(content)) => content,
            // A key that is missing may come back; a message that was tampered with never leaves.
            Some(Err(OpenError::UnknownKey)) => {
                return Err(Stop::Postpone(SendError::Misconfigured {
                    detail: "the message's key is missing",
                }));
            }
            Some(Err(_)) => return Err(Stop::Suppress("content_unreadable")),
        };
        let epoch = view.epoch();
        rules::may_recover(challenge, user.as_ref(), &self.policy)
            .and_then(|()| {
                rules::may_leave(this, &content.to, user.as_ref(), &chain, challenge, epoch, t.now)
            })
            .map_err(Stop::Suppress)?;
        let Some(user) = user else {
            return Err(Stop::Suppress("user_gone"));
        };
        rules::may_tell(this, &content.to, &user, &self.policy, t.now).map_err(Stop::Suppress)?;
        Ok(Leaving { user, chain, content })
    }
}

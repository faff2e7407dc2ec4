//! The timed lane: records whose time has come, each kind handed to who knows it.

use super::{Engine, record};
use crate::challenge::Challenge;
use crate::challenge::link;
use crate::error::Error;
use crate::flespi::FlespiConnection;
use crate::id::ChallengeId;
use crate::notice::NoticeSchedule;
use crate::port::store::{Record, Start};
use crate::recovery::RecoveryRequest;
use crate::user::User;

impl Engine {
    /// Does what a claimed record has waited for. Whatever it is, doing it twice changes nothing more.
    pub(super) async fn when_due(&self, claimed: Record) -> Result<(), Error> {
        if claimed.kind == Challenge::KIND {
            let challenge = record::parse::<Challenge>(&claimed)?;
            return self.end_undo(challenge.value.id).await;
        }
        if claimed.kind == RecoveryRequest::KIND {
            return self.mail_recovery(&record::parse(&claimed)?).await;
        }
        if claimed.kind == NoticeSchedule::KIND {
            return self.walk_for_notices(&record::parse(&claimed)?).await;
        }
        if claimed.kind == FlespiConnection::KIND {
            return self.tend_flespi(&record::parse(&claimed)?).await;
        }
        let kind = claimed.kind.as_str().to_owned().into();
        Err(Error::Corrupt { kind, why: "this release does not know what to do when it is due" })
    }

    /// Ends the claim on an old address.
    async fn end_undo(&self, id: ChallengeId) -> Result<(), Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id.uuid())], Vec::new()).await?;
            let challenge = view.start::<Challenge>(0)?;
            let user = match &challenge {
                Some(challenge) => view.record::<User>(challenge.value.user.uuid())?,
                None => None,
            };
            Ok(link::end(challenge, user, t.now))
        })
        .await
    }
}

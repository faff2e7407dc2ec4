//! The fleet: vans at depots, and who may send one out.

use std::collections::BTreeMap;

use portcullis::id::UserId;
use portcullis::session::{Assurance, CurrentSession};
use portcullis::{Error, Portcullis};

/// Why a van stays where it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stays {
    /// Nobody is signed in by this cookie.
    #[error("sign in first")]
    SignedOut,
    /// Sending a van out takes a second factor.
    #[error("switch two-factor authentication on first")]
    OneFactor,
    /// It takes a sign-in of the last minutes, too.
    #[error("enter your password again")]
    Stale,
    /// There is no such van, or it is out.
    #[error("there is no such van here")]
    NotHere,
    /// The engine gives no answer.
    #[error("try again later")]
    Later,
}

/// Vans by number plate, and who sent each of those that are out.
#[derive(Debug, Default)]
pub struct Fleet {
    vans: BTreeMap<String, Option<UserId>>,
}

impl Fleet {
    /// A fleet of these vans, all of them here.
    pub fn of(plates: &[&str]) -> Self {
        Self { vans: plates.iter().map(|plate| ((*plate).to_owned(), None)).collect() }
    }

    /// Who sent a van out; `None` while it is here.
    pub fn sent_by(&self, plate: &str) -> Option<UserId> {
        self.vans.get(plate).copied().flatten()
    }

    /// Sends a van out, for the bearer of a cookie.
    ///
    /// # Errors
    /// See [`Stays`].
    pub async fn send_out(&mut self, security: &Portcullis, cookie: &str, plate: &str) -> Result<(), Stays> {
        let id = security.sessions().open_token(cookie).ok_or(Stays::SignedOut)?;
        let session = match security.sessions().current(id).await {
            Ok(session) => session,
            Err(Error::Refused(_)) => return Err(Stays::SignedOut),
            Err(_) => return Err(Stays::Later),
        };
        may_send(&session, session.fresh_until > security.now())?;
        match self.vans.get_mut(plate) {
            Some(van @ None) => *van = Some(session.user),
            Some(Some(_)) | None => return Err(Stays::NotHere),
        }
        Ok(())
    }
}

fn may_send(session: &CurrentSession, fresh: bool) -> Result<(), Stays> {
    if session.assurance < Assurance::PasswordEmail {
        return Err(Stays::OneFactor);
    }
    if fresh { Ok(()) } else { Err(Stays::Stale) }
}

#[cfg(test)]
mod tests {
    use portcullis::testing::sync::World;

    use super::*;

    #[test]
    fn one_factor_sends_no_van_out_however_fresh() {
        let w = World::new();
        let (alice, bob) = (w.user("alice").create(), w.user("bob").two_factor_email().create());
        assert_eq!(may_send(&w.session(&alice), true), Err(Stays::OneFactor));
        assert_eq!(may_send(&w.session(&bob), true), Ok(()));
        assert_eq!(may_send(&w.session(&bob), false), Err(Stays::Stale));
    }
}

//! The row "Change password".

use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::password::Weakness;
use portcullis::secret::Password;

use super::fault::Fault;
use super::show::{Show, Spot};
use super::visit::{Answer, Visit};
use crate::page::{Part, Said, field};

/// POST: the current password, and the new one twice.
pub(super) async fn change(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    // What is typed as the address comes along, so that a refusal leaves it where it is.
    let address = Some(visit.field(field::ADDRESS).to_owned()).filter(|address| !address.is_empty());
    let show = Show { parts: vec![Part::Authorization], typed: address, ..Show::of(session.id) };
    let attempt = visit.attempt()?;
    let result = match typed(&mut visit) {
        Ok([current, new, repeat]) => {
            let room = visit.portcullis().password();
            room.change(session.id, &current, &new, &repeat, &attempt).await.map_err(Fault::Core)
        }
        Err(fault) => Err(fault),
    };
    match result {
        Ok(next) => {
            visit.give(&next).await?;
            visit.show(Show::of(next.id).said(Said::PasswordChanged)).await
        }
        Err(fault) => visit.show(show.wrong(Spot::Password, fault)).await,
    }
}

/// The three fields. What is no password is refused at its field, and nothing was guessed.
fn typed(visit: &mut Visit) -> Result<[Password; 3], Fault> {
    let current = visit.secret(field::CURRENT).map_err(|_| Fault::NoPassword)?;
    let [new, repeat] = visit.new_passwords()?;
    Ok([current, new, repeat])
}

impl Visit {
    /// A new password, twice, taken out of the form.
    pub(super) fn new_passwords(&mut self) -> Result<[Password; 2], Fault> {
        let new = self.secret(field::NEW).map_err(|error| {
            let too_long = error.code() == "too_long";
            Fault::NoNewPassword(if too_long { Weakness::TooLong } else { Weakness::TooShort })
        })?;
        let differs = |_| Fault::Core(Error::Refused(Reason::RepeatDiffers.into()));
        Ok([new, self.secret(field::REPEAT).map_err(differs)?])
    }
}

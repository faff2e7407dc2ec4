//! The door: what a request brings, and what its answer is.

use portcullis::contact::SourceAddress;
use portcullis::id::ChallengeId;
use portcullis::secret::{Code, Password};
use portcullis::sign_in::{Attempt, CodeResult, SignInResult};
use portcullis::user::Login;
use portcullis::{Error, Portcullis};

/// What the door answers: a status as HTTP has it, and the page that comes next.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// 303 to the fleet, with the cookie that holds this token.
    SeeFleet {
        /// The token of the session.
        cookie: String,
    },
    /// 200 with the form for a code.
    AskCode {
        /// The challenge that the form sends back.
        challenge: ChallengeId,
        /// Where the code went, masked.
        went_to: String,
    },
    /// 403 with the form once more, and why.
    Again {
        /// The stable code of the refusal.
        why: &'static str,
        /// How many codes may still be tried, if it was a code.
        left: Option<u32>,
    },
    /// 400: this is no login, password or code.
    BadInput,
    /// 503: nothing was done, come back later.
    Later,
}

/// Somebody sends the sign-in form.
pub async fn sign_in(security: &Portcullis, login: &str, password: &str, from: SourceAddress) -> Answer {
    let (Ok(login), Ok(password)) = (Login::parse(login), Password::parse(password.to_owned(), "password"))
    else {
        return Answer::BadInput;
    };
    match security.sign_in().start(&login, &password, &Attempt::from(from)).await {
        Ok(SignInResult::Admitted(admission)) => {
            Answer::SeeFleet { cookie: security.sessions().token(admission.session.id) }
        }
        Ok(SignInResult::CodeRequired { code, .. }) => {
            Answer::AskCode { challenge: code.id, went_to: code.destination }
        }
        Ok(_) => Answer::Later,
        Err(error) => no(&error),
    }
}

/// Somebody sends the form with the code.
pub async fn code(security: &Portcullis, challenge: ChallengeId, code: &str, from: SourceAddress) -> Answer {
    let Ok(code) = Code::parse(code) else { return Answer::BadInput };
    match security.sign_in().code(challenge, &code, &Attempt::from(from), None).await {
        Ok(CodeResult::Admitted(admission)) => {
            Answer::SeeFleet { cookie: security.sessions().token(admission.session.id) }
        }
        Ok(_) => Answer::Later,
        Err(error) => no(&error),
    }
}

fn no(error: &Error) -> Answer {
    // Whatever else it is: nothing was opened, and coming back later is right.
    match error {
        Error::Refused(refusal) => Answer::Again { why: refusal.code(), left: refusal.attempts_left() },
        Error::Input(_) => Answer::BadInput,
        Error::Busy { .. }
        | Error::Unavailable(_)
        | Error::Contended
        | Error::Unknown(_)
        | Error::Corrupt { .. }
        | _ => Answer::Later,
    }
}

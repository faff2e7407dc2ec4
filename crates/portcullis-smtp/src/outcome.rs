//! What a failure at a step means for the mail.

use portcullis::port::message::SendError;

/// Where in the dialogue a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    Greeting,
    Hello,
    StartTls,
    Auth,
    From,
    To,
    /// Until the last byte before the end of the data has been written.
    Data,
    /// The end of the data may have reached the server.
    End,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server answered with a code that refuses.
    Refused(u16),
    /// The connection could not be made or broke.
    Cut,
    /// The deadline came first.
    TimedOut,
    /// The answer was no SMTP, out of turn, or of a kind that does not belong to the command.
    Garbage,
    /// The answer was longer than any answer may be.
    Oversized,
    /// The certificate is not trusted or names somebody else.
    Certificate,
    /// TLS could not be agreed on.
    Handshake,
    /// STARTTLS is needed and not offered.
    NoStartTls,
    /// No way to authenticate that both know.
    NoMechanism,
}

/// Codes by which a server asks for TLS or credentials, at whatever step it does so.
const SET_UP: [u16; 5] = [503, 530, 534, 535, 538];

/// Says what a fault at a step means; the words are fixed, nothing of the server's is repeated.
pub(crate) fn judge(step: Step, fault: Fault) -> SendError {
    match fault {
        Fault::Refused(400..=499) => SendError::Transient { detail: "the server refused for now" },
        Fault::Refused(code) => refused(step, code),
        Fault::Certificate => SendError::Misconfigured {
            detail: "the server's certificate is not trusted or names another host",
        },
        Fault::Handshake => SendError::Misconfigured { detail: "no secure connection could be agreed on" },
        Fault::NoStartTls => SendError::Misconfigured { detail: "the server does not offer starttls" },
        Fault::NoMechanism => {
            SendError::Misconfigured { detail: "the server offers no known way to authenticate" }
        }
        Fault::Cut | Fault::TimedOut | Fault::Garbage | Fault::Oversized => lost(step, fault),
    }
}

fn refused(step: Step, code: u16) -> SendError {
    if SET_UP.contains(&code) {
        return SendError::Misconfigured { detail: "the server asks for other credentials or for tls" };
    }
    match step {
        Step::Connect | Step::Greeting | Step::Hello | Step::StartTls => {
            SendError::Misconfigured { detail: "the server does not serve this client" }
        }
        Step::Auth => SendError::Misconfigured { detail: "the server refused the credentials" },
        // The receiver has not been named yet: only the size of the mail can be to blame besides the set-up.
        Step::From if code == 552 => SendError::Permanent { detail: "the server finds the mail too large" },
        Step::From => SendError::Misconfigured { detail: "the server refused the sender address" },
        Step::To => SendError::Permanent { detail: "the server refused the receiver" },
        Step::Data | Step::End => SendError::Permanent { detail: "the server refused the mail" },
    }
}

fn lost(step: Step, fault: Fault) -> SendError {
    match (step, fault) {
        // INVARIANT: once the end of the data may have been read, only a reply says that the mail was not taken.
        (Step::End, Fault::TimedOut) => {
            SendError::Ambiguous { detail: "no answer in time after the whole mail" }
        }
        (Step::End, _) => SendError::Ambiguous { detail: "no clear answer after the whole mail" },
        (Step::Connect, Fault::TimedOut) => {
            SendError::Transient { detail: "the server was not reached in time" }
        }
        (Step::Connect, _) => SendError::Transient { detail: "the server was not reached" },
        (_, Fault::TimedOut) => SendError::Transient { detail: "the server did not answer in time" },
        (_, Fault::Cut) => SendError::Transient { detail: "the connection was lost" },
        (_, Fault::Oversized) => SendError::Transient { detail: "the server's answer was too long" },
        (_, _) => SendError::Transient { detail: "the server's answer was not understood" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 9] = [
        Step::Connect,
        Step::Greeting,
        Step::Hello,
        Step::StartTls,
        Step::Auth,
        Step::From,
        Step::To,
        Step::Data,
        Step::End,
    ];

    #[test]
    fn no_refusal_before_the_receiver_gives_an_address_up() {
        for step in &STEPS[..6] {
            for code in (500..560).filter(|code| *code != 552) {
                let error = judge(*step, Fault::Refused(code));
                assert!(matches!(error, SendError::Misconfigured { .. }), "{step:?} {code}: {error}");
            }
        }
    }

    #[test]
    fn a_demand_for_credentials_is_never_permanent() {
        for step in STEPS {
            for code in [530, 534, 535, 538] {
                let error = judge(step, Fault::Refused(code));
                assert!(matches!(error, SendError::Misconfigured { .. }), "{step:?} {code}: {error}");
            }
        }
    }

    #[test]
    fn silence_is_ambiguous_after_the_whole_mail_and_only_then() {
        for step in STEPS {
            for fault in [Fault::Cut, Fault::TimedOut, Fault::Garbage, Fault::Oversized] {
                let error = judge(step, fault);
                let ambiguous = matches!(error, SendError::Ambiguous { .. });
                assert_eq!(ambiguous, step == Step::End, "{step:?} {fault:?}: {error}");
            }
        }
    }

    #[test]
    fn a_refusal_for_now_is_transient_at_every_step() {
        for step in STEPS {
            for code in [400, 421, 450, 451, 452, 454, 499] {
                assert!(matches!(judge(step, Fault::Refused(code)), SendError::Transient { .. }));
            }
        }
    }
}

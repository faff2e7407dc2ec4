//! The routes: one table, from which both the router and its description are made.

mod accounts;
mod email;
mod flespi;
mod manage;
mod notices;
mod password;
mod recovery;
mod sessions;
mod settings;
mod sign_in;
mod two_factor;
mod users;

use axum::extract::NestedPath;
use axum::extract::rejection::NestedPathRejection;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post, put};
use axum::{Json, Router};
use portcullis::decision::Reason;

use crate::door::guard;
use crate::{Problem, Security, openapi};

/// What a route is: how it is reached, what it takes and gives, and who answers.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    /// Whether it needs a live session.
    pub(crate) session: bool,
    /// The schema of its body.
    pub(crate) body: Option<&'static str>,
    /// The status of its success.
    pub(crate) success: u16,
    /// The schema of its success.
    pub(crate) gives: Option<&'static str>,
    /// The refusals of its own.
    pub(crate) refusals: &'static [Reason],
    pub(crate) route: MethodRouter<Security>,
}

/// Refusals wherever a code is entered.
const CODE: &[Reason] = &[Reason::WrongCode, Reason::ChallengeDead, Reason::Locked, Reason::TooManyAttempts];
const RESEND: &[Reason] = &[Reason::ChallengeDead, Reason::Locked, Reason::TooSoon, Reason::NoSendsLeft];
const PASSWORD: &[Reason] =
    &[Reason::BadCredentials, Reason::NotAllowed, Reason::Locked, Reason::TooSoon, Reason::TooManyAttempts];

/// Every route.
pub(crate) fn operations() -> Vec<Operation> {
    [
        during_sign_in(),
        of_address(),
        of_password(),
        recovery::operations(),
        of_two_factor(),
        notices::operations(),
        flespi::operations(),
        of_sessions(),
        manage::of_users(),
        manage::of_invitations(),
        manage::of_access(),
        manage::of_accounts(),
        manage::of_payments(),
        read_only(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Routes of the way in and out.
fn during_sign_in() -> Vec<Operation> {
    vec![
        Operation {
            method: "post",
            path: "/sign-in",
            summary: "Signs in with a password; a code may be asked for.",
            session: false,
            body: Some("SignIn"),
            success: 200,
            gives: Some("SignInAnswer"),
            refusals: PASSWORD,
            route: post(sign_in::start),
        },
        Operation {
            method: "post",
            path: "/sign-in/code",
            summary: "Finishes a sign-in or a re-authentication with the code that arrived.",
            session: false,
            body: Some("ChallengeCode"),
            success: 200,
            gives: Some("SignInAnswer"),
            refusals: CODE,
            route: post(sign_in::code),
        },
        Operation {
            method: "post",
            path: "/sign-in/resend",
            summary: "Sends the code of a sign-in or a re-authentication again.",
            session: false,
            body: Some("ResendBy"),
            success: 200,
            gives: Some("Challenge"),
            refusals: RESEND,
            route: post(sign_in::resend),
        },
        Operation {
            method: "post",
            path: "/sign-in/pending",
            summary: "Shows a sign-in or a re-authentication that waits for its code, and what came of the message with it.",
            session: false,
            body: Some("ChallengeOnly"),
            success: 200,
            gives: Some("Challenge"),
            refusals: &[Reason::ChallengeDead],
            route: post(sign_in::pending),
        },
        Operation {
            method: "post",
            path: "/sign-out",
            summary: "Ends the session.",
            session: false,
            body: None,
            success: 204,
            gives: None,
            refusals: &[],
            route: post(sign_in::out),
        },
        Operation {
            method: "post",
            path: "/reauthenticate",
            summary: "Makes the session fresh again; a code may be asked for.",
            session: true,
            body: Some("Password"),
            success: 200,
            gives: Some("SignInAnswer"),
            refusals: PASSWORD,
            route: post(sign_in::again),
        },
    ]
}

/// Routes of the address.
fn of_address() -> Vec<Operation> {
    vec![
        Operation {
            method: "put",
            path: "/email",
            summary: "Sends a code to a new address; until it is entered the old one stays.",
            session: true,
            body: Some("Address"),
            success: 202,
            gives: Some("Challenge"),
            refusals: &[Reason::StaleSignIn, Reason::Unchanged, Reason::TooSoon, Reason::Locked],
            route: put(email::set),
        },
        Operation {
            method: "delete",
            path: "/email",
            summary: "Removes the confirmed address.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::StaleSignIn, Reason::InUse, Reason::TooSoon],
            route: delete(email::clear),
        },
        Operation {
            method: "post",
            path: "/email/confirm",
            summary: "Confirms the new address by its code.",
            session: true,
            body: Some("ChallengeCode"),
            success: 200,
            gives: Some("Email"),
            refusals: &[
                Reason::StaleSignIn,
                Reason::WrongCode,
                Reason::ChallengeDead,
                Reason::Locked,
                Reason::TooManyAttempts,
                Reason::TooSoon,
                Reason::AddressTaken,
            ],
            route: post(email::confirm),
        },
        Operation {
            method: "post",
            path: "/email/resend",
            summary: "Sends the code of the new address again.",
            session: true,
            body: Some("ChallengeOnly"),
            success: 200,
            gives: Some("Challenge"),
            refusals: RESEND,
            route: post(email::resend),
        },
        Operation {
            method: "delete",
            path: "/email/pending",
            summary: "Forgets the new address; its code is dead.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[],
            route: delete(email::cancel),
        },
        Operation {
            method: "get",
            path: "/email/undo/{token}",
            summary: "Shows until when an undo link is valid, and changes nothing.",
            session: false,
            body: None,
            success: 200,
            gives: Some("Undo"),
            refusals: &[Reason::ChallengeDead],
            route: get(email::peek_undo),
        },
        Operation {
            method: "post",
            path: "/email/undo",
            summary: "Puts the old address back; every session is dead, and a link to set a new password is mailed.",
            session: false,
            body: Some("LinkToken"),
            success: 200,
            gives: Some("Undone"),
            refusals: &[Reason::ChallengeDead],
            route: post(email::undo),
        },
    ]
}

/// The route of the password.
fn of_password() -> Vec<Operation> {
    vec![Operation {
        method: "post",
        path: "/password",
        summary: "Changes the password; every other session is dead.",
        session: true,
        body: Some("PasswordChange"),
        success: 204,
        gives: None,
        refusals: &[
            Reason::NotAllowed,
            Reason::BadCredentials,
            Reason::RepeatDiffers,
            Reason::WeakPassword,
            Reason::Unchanged,
            Reason::TooManyAttempts,
        ],
        route: post(password::change),
    }]
}

/// Routes of two-factor authentication.
fn of_two_factor() -> Vec<Operation> {
    vec![
        Operation {
            method: "post",
            path: "/two-factor/challenge",
            summary: "Sends the code that switches two-factor authentication on.",
            session: true,
            body: Some("MethodChoice"),
            success: 202,
            gives: Some("Challenge"),
            refusals: &[
                Reason::StaleSignIn,
                Reason::NotAllowed,
                Reason::EmailUnconfirmed,
                Reason::Unchanged,
                Reason::TooSoon,
                Reason::Locked,
            ],
            route: post(two_factor::ask),
        },
        Operation {
            method: "post",
            path: "/two-factor/challenge/resend",
            summary: "Sends that code again.",
            session: true,
            body: Some("ChallengeOnly"),
            success: 200,
            gives: Some("Challenge"),
            refusals: RESEND,
            route: post(two_factor::resend),
        },
        Operation {
            method: "put",
            path: "/two-factor",
            summary: "Switches two-factor authentication on by its code, or off.",
            session: true,
            body: Some("MethodChange"),
            success: 200,
            gives: Some("TwoFactor"),
            refusals: &[
                Reason::StaleSignIn,
                Reason::WrongCode,
                Reason::ChallengeDead,
                Reason::Locked,
                Reason::TooManyAttempts,
                Reason::TooSoon,
                Reason::AddressTaken,
                Reason::NotAllowed,
                Reason::Unchanged,
                Reason::WeakPassword,
            ],
            route: put(two_factor::set),
        },
        Operation {
            method: "delete",
            path: "/phone",
            summary: "Forgets the phone number.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::StaleSignIn, Reason::InUse],
            route: delete(two_factor::forget_phone),
        },
    ]
}

/// Routes of the sessions.
fn of_sessions() -> Vec<Operation> {
    vec![
        Operation {
            method: "get",
            path: "/sessions",
            summary: "Lists the own live sessions, newest first, at most 100.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Sessions"),
            refusals: &[],
            route: get(sessions::list),
        },
        Operation {
            method: "delete",
            path: "/sessions/others",
            summary: "Ends every other session; this one goes on under a fresh cookie.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[],
            route: delete(sessions::end_others),
        },
        Operation {
            method: "delete",
            path: "/sessions/{id}",
            summary: "Ends one of the own sessions.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::NotFound],
            route: delete(sessions::end),
        },
    ]
}

/// Routes that change nothing.
fn read_only() -> Vec<Operation> {
    vec![
        Operation {
            method: "get",
            path: "/settings",
            summary: "Shows the whole tab.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Settings"),
            refusals: &[],
            route: get(settings::show),
        },
        Operation {
            method: "get",
            path: "/audit",
            summary: "Shows the own trail, or that of a user one manages, oldest first.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Audit"),
            refusals: &[Reason::NotAllowed, Reason::NotFound],
            route: get(settings::trail),
        },
        Operation {
            method: "get",
            path: "/openapi.json",
            summary: "Describes these routes.",
            session: false,
            body: None,
            success: 200,
            gives: None,
            refusals: &[],
            route: get(describe),
        },
    ]
}

/// Every route behind the door.
pub(crate) fn router(security: Security) -> Router {
    let unknown = || async { Problem::from(Reason::NotFound) };
    let other_method = || async {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path has other methods")
    };
    operations()
        .into_iter()
        .fold(Router::new(), |router, operation| router.route(operation.path, operation.route))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(security.clone(), guard))
        .with_state(security)
}

async fn describe(nested: Result<NestedPath, NestedPathRejection>) -> Json<serde_json::Value> {
    Json(openapi::document(nested.as_ref().map_or("/", NestedPath::as_str)))
}

//! The routes of administrators, as rows of the table.

use axum::routing::{delete, get, patch, post};
use portcullis::decision::Reason;

use super::{Operation, accounts, users};

/// Routes of users.
pub(super) fn of_users() -> Vec<Operation> {
    vec![
        Operation {
            method: "get",
            path: "/users",
            summary: "Finds a user by login, or lists the users of an account that one may see.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Users"),
            refusals: &[Reason::NotFound],
            route: get(users::list),
        },
        Operation {
            method: "post",
            path: "/users",
            summary: "Creates a user in an account.",
            session: true,
            body: Some("NewUser"),
            success: 201,
            gives: Some("ManagedUser"),
            refusals: &[
                Reason::StaleSignIn,
                Reason::NotAllowed,
                Reason::NotFound,
                Reason::LoginTaken,
                Reason::ExternalIdTaken,
                Reason::TooSoon,
            ],
            route: post(users::create),
        },
        Operation {
            method: "get",
            path: "/users/{id}",
            summary: "Shows a user.",
            session: true,
            body: None,
            success: 200,
            gives: Some("ManagedUser"),
            refusals: &[Reason::NotFound],
            route: get(users::show),
        },
        Operation {
            method: "patch",
            path: "/users/{id}",
            summary: "Changes a user, all that is named or nothing.",
            session: true,
            body: Some("UserChange"),
            success: 200,
            gives: Some("ManagedUser"),
            refusals: &[
                Reason::NotAllowed,
                Reason::NotFound,
                Reason::StaleSignIn,
                Reason::TooSoon,
                Reason::Locked,
            ],
            route: patch(users::change),
        },
    ]
}

/// Routes of what a user may be let in by.
pub(super) fn of_access() -> Vec<Operation> {
    vec![
        Operation {
            method: "delete",
            path: "/users/{id}/sessions",
            summary: "Ends all sessions of a user.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::NotAllowed, Reason::NotFound],
            route: delete(users::end_sessions),
        },
        Operation {
            method: "delete",
            path: "/users/{id}/two-factor",
            summary: "Removes the second factor of another user.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed, Reason::NotFound],
            route: delete(users::remove_two_factor),
        },
        Operation {
            method: "post",
            path: "/users/{id}/recovery",
            summary: "Sends a user the link by which he sets a new password.",
            session: true,
            body: None,
            success: 202,
            gives: Some("Nothing"),
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed, Reason::NotFound, Reason::TooSoon],
            route: post(users::send_recovery),
        },
        Operation {
            method: "post",
            path: "/users/{id}/rights",
            summary: "Lets a user have exactly these rights on an item.",
            session: true,
            body: Some("Rights"),
            success: 204,
            gives: None,
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed, Reason::NotFound],
            route: post(users::grant),
        },
    ]
}

/// The route of invitations.
pub(super) fn of_invitations() -> Vec<Operation> {
    vec![Operation {
        method: "post",
        path: "/users/{id}/invitation",
        summary: "Sends a user without a password the link that sets his first one.",
        session: true,
        body: None,
        success: 202,
        gives: Some("Nothing"),
        refusals: &[
            Reason::StaleSignIn,
            Reason::NotAllowed,
            Reason::NotFound,
            Reason::InUse,
            Reason::TooSoon,
        ],
        route: post(users::send_invitation),
    }]
}

/// Routes of accounts.
pub(super) fn of_accounts() -> Vec<Operation> {
    vec![
        Operation {
            method: "post",
            path: "/accounts",
            summary: "Creates an account below another.",
            session: true,
            body: Some("NewAccount"),
            success: 201,
            gives: Some("ManagedAccount"),
            refusals: &[
                Reason::NotAllowed,
                Reason::NotFound,
                Reason::NotADealer,
                Reason::TooDeep,
                Reason::UnknownPlan,
            ],
            route: post(accounts::create),
        },
        Operation {
            method: "get",
            path: "/accounts/{id}",
            summary: "Shows an account.",
            session: true,
            body: None,
            success: 200,
            gives: Some("ManagedAccount"),
            refusals: &[Reason::NotFound],
            route: get(accounts::show),
        },
        Operation {
            method: "patch",
            path: "/accounts/{id}",
            summary: "Changes an account, all that is named or nothing.",
            session: true,
            body: Some("AccountChange"),
            success: 200,
            gives: Some("ManagedAccount"),
            refusals: &[Reason::NotAllowed, Reason::NotFound, Reason::UnknownPlan, Reason::InvalidDays],
            route: patch(accounts::change),
        },
    ]
}

/// Routes of payments, and of what was used.
pub(super) fn of_payments() -> Vec<Operation> {
    vec![
        Operation {
            method: "get",
            path: "/accounts/{id}/usage",
            summary: "Shows how much of its quotas and SMS budgets an account has used.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Usage"),
            refusals: &[Reason::NotFound],
            route: get(accounts::usage),
        },
        Operation {
            method: "get",
            path: "/accounts/{id}/payments",
            summary: "Lists the payments of an account.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Payments"),
            refusals: &[Reason::NotAllowed, Reason::NotFound],
            route: get(accounts::payments),
        },
        Operation {
            method: "post",
            path: "/accounts/{id}/payments",
            summary: "Adds days, money or both to an account, and records who did and why.",
            session: true,
            body: Some("Payment"),
            success: 201,
            gives: Some("ManagedAccount"),
            refusals: &[
                Reason::NotAllowed,
                Reason::NotFound,
                Reason::InUse,
                Reason::InvalidDays,
                Reason::InvalidBalance,
            ],
            route: post(accounts::pay),
        },
    ]
}

//! Issuing a token after a login, and removing what an operation left at flespi.
//!
//! A remote call follows a committed intent and its operation id, which is noted on whatever it issues. So whoever
//! goes on after a crash finds what was issued before, whose key nobody can have, removes it and issues anew.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::holder::Holder;
use super::model::{By, Connected, Connecting, FlespiConnection, Leftover, SealedToken, Use};
use super::notice;
use super::view::Source;
use crate::decision::{Changes, Decision, Stored};
use crate::message::rules::spaced;
use crate::policy::{FlespiReplaced, Policy};
use crate::port::flespi::{FlespiError, NewToken, RegionName, TokenInfo, TokenKind};
use crate::session::rules::after;

/// What is noted on the tokens of an operation.
pub(crate) fn note(operation: Uuid) -> String {
    format!("portcullis {operation}")
}

/// The token that an operation issues.
pub(crate) fn wanted(operation: Uuid, policy: &Policy, now: DateTime<Utc>) -> NewToken {
    NewToken {
        info: note(operation),
        expire: after(now, policy.flespi_token_life),
        access: policy.flespi_access.clone(),
    }
}

/// Whether what an error tells will be otherwise later.
pub(crate) const fn passes(error: &FlespiError) -> bool {
    match error {
        FlespiError::Throttled { .. } | FlespiError::Unavailable { .. } | FlespiError::Ambiguous { .. } => {
            true
        }
        FlespiError::Unauthorized | FlespiError::Forbidden | FlespiError::UnknownRegion => false,
    }
}

/// An error in a word of the trail.
pub(crate) const fn word(error: &FlespiError) -> &'static str {
    match error {
        FlespiError::Unauthorized => "unauthorized",
        FlespiError::Forbidden => "forbidden",
        FlespiError::Throttled { .. } => "throttled",
        FlespiError::Unavailable { .. } => "unavailable",
        FlespiError::Ambiguous { .. } => "ambiguous",
        FlespiError::UnknownRegion => "no_such_region",
    }
}

/// Whether a caller has waited for as long as it may.
pub(crate) fn is_late(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= until
}

/// What an attempt to issue came to.
#[derive(Clone, Debug)]
pub(crate) enum Tried {
    /// A token was issued.
    Issued(Issued),
    /// flespi did not issue any.
    Failed(FlespiError),
    /// Its user may not have any by now: why.
    Void(&'static str),
}

/// A token as it was issued, sealed.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) number: u64,
    pub(crate) sealed: SealedToken,
    pub(crate) shown: String,
    pub(crate) info: TokenInfo,
}

/// How issuing stands after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The token is kept.
    Connected,
    /// It goes on later.
    Connecting,
    /// There will be none: flespi said why.
    Failed(FlespiError),
    /// There will be none: its user may not have any by now.
    Void,
    /// Somebody else goes on, or the user wanted it otherwise meanwhile.
    Overtaken,
}

/// The operation of a connection, if this is the attempt that may keep what it issues.
pub(crate) fn mine(connection: &FlespiConnection, operation: Uuid, attempt: u32) -> Option<&Connecting> {
    connection
        .connecting
        .as_ref()
        .filter(|connecting| connecting.operation == operation && connecting.attempt == attempt)
}

/// Takes an operation over: whoever was at it before keeps nothing any more.
// INVARIANT: of all attempts at an operation the newest alone keeps what it issued.
pub(crate) fn take(
    connection: Stored<FlespiConnection>,
    holder: &Holder,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Option<(Uuid, u32)>> {
    let mut connection = connection;
    let mut changes = Changes::none();
    let Some(connecting) = &mut connection.value.connecting else {
        return Decision::yes(None, changes);
    };
    if let Err(why) = holder.may_have(connecting, policy, now) {
        let operation = connecting.operation;
        abandon(&mut connection.value, now);
        changes.event(connection.value.event("flespi_not_connected").because(why).about(operation));
        changes.put(&connection);
        return Decision::yes(None, changes);
    }
    connecting.attempt = connecting.attempt.saturating_add(1);
    connecting.quiet_at = after(now, policy.claim_life);
    let taken = (connecting.operation, connecting.attempt);
    connection.value.work_at = Some(connecting.quiet_at);
    changes.put(&connection);
    Decision::yes(Some(taken), changes)
}

/// Whether issuing was tried for long enough.
pub(crate) fn is_over(connecting: &Connecting, policy: &Policy, now: DateTime<Utc>) -> bool {
    now >= after(connecting.began_at, policy.flespi_issue_within)
}

/// When flespi is called again after it did not answer for the nth time.
fn again(error: &FlespiError, tries: u32, policy: &Policy, now: DateTime<Utc>) -> DateTime<Utc> {
    let longest = policy.flespi_retry_longest;
    let told = if let FlespiError::Throttled { wait: Some(wait) } = error {
        TimeDelta::from_std(*wait).unwrap_or(TimeDelta::MAX).min(longest)
    } else {
        TimeDelta::zero()
    };
    after(now, spaced(tries, policy.flespi_retry_first, longest).max(told))
}

/// Keeps what an attempt came to. `attempt` is the newest one of the operation.
pub(crate) fn settle(
    connection: Stored<FlespiConnection>,
    holder: &Holder,
    tried: Tried,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<(Standing, Option<FlespiConnection>)> {
    let mut stored = connection;
    let mut changes = Changes::none();
    let connection = &mut stored.value;
    let Some(connecting) = connection.connecting.take() else {
        return Decision::yes((Standing::Overtaken, None), changes);
    };
    let operation = connecting.operation;
    let (standing, event) = match tried {
        Tried::Issued(issued) => {
            holder.guard(&mut changes);
            connect(connection, &mut changes, connecting, issued, policy, now);
            (Standing::Connected, connection.event("flespi_connected").because("login"))
        }
        Tried::Failed(error) if passes(&error) && !is_over(&connecting, policy, now) => {
            let again = again(&error, connecting.tries, policy, now);
            // A call whose answer was lost may still be under way.
            let lost = matches!(error, FlespiError::Ambiguous { .. });
            connection.work_at = Some(if lost { again.max(connecting.quiet_at) } else { again });
            connection.connecting =
                Some(Connecting { tries: connecting.tries.saturating_add(1), ..connecting });
            (Standing::Connecting, connection.event("flespi_postponed").because(word(&error)))
        }
        Tried::Failed(error) => {
            // Of the first attempt a plain refusal says that nothing was issued.
            let unsure = passes(&error) || connecting.attempt > 1 || connecting.tries > 0;
            connection.connecting = Some(connecting);
            abandon(connection, now);
            if let Some(left) = connection.leftovers.last_mut().filter(|_| !unsure) {
                (left.unsure, left.not_before) = (false, now);
            }
            let event = connection.event("flespi_not_connected").because(word(&error));
            (Standing::Failed(error), event)
        }
        Tried::Void(why) => {
            connection.connecting = Some(connecting);
            abandon(connection, now);
            (Standing::Void, connection.event("flespi_not_connected").because(why))
        }
    };
    changes.put(&stored);
    changes.event(event.about(operation));
    Decision::yes((standing, Some(stored.value)), changes)
}

/// The issued token takes the place of the one in force. What the operation left besides, the login and the token that
/// was replaced are removed by the worker.
fn connect(
    connection: &mut FlespiConnection,
    changes: &mut Changes,
    connecting: Connecting,
    issued: Issued,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    let login = By::login(connecting.sealed);
    let helps = By { goes: false, ..login.clone() };
    settle_replaced(connection, changes, Some((&connecting.region, &helps)), policy, now);
    if let Some(before) = connection.connected.take() {
        let helps = (before.region == connecting.region).then_some(helps);
        leave(connection, changes, before, helps, policy, now);
    }
    let mut by = vec![login];
    // INVARIANT: once the login is revoked nothing is issued by it any more; the issued token then looks a last time.
    if issued.info.kind == TokenKind::Master {
        by.push(By::token(Some(issued.number), issued.sealed.clone()));
    }
    connection.leftovers.push(Leftover {
        operation: connecting.operation,
        region: connecting.region.clone(),
        keep: Some(issued.number),
        number: None,
        // The attempt has removed what those before it had issued.
        unsure: false,
        by,
        since: now,
        not_before: now,
        tries: 0,
    });
    let mut connected = Connected {
        source: Source::Login,
        region: connecting.region,
        kind: Some(issued.info.kind),
        sealed: issued.sealed,
        shown: issued.shown,
        operation: connecting.operation,
        number: Some(issued.number),
        obtained_at: now,
        expires_at: None,
        sliding: false,
        last_check: None,
        unanswered_at: None,
        told: None,
    };
    connection.notice_at = notice::learn(&mut connected, &issued.info, policy, now);
    connection.connected = Some(connected);
    connection.work_at = Some(now);
}

/// Drops the operation under way; whatever it issued is to be removed.
pub(crate) fn abandon(connection: &mut FlespiConnection, now: DateTime<Utc>) {
    let Some(connecting) = connection.connecting.take() else {
        return;
    };
    let mut by = vec![By::login(connecting.sealed)];
    if let Some(connected) = &connection.connected
        && connected.kind == Some(TokenKind::Master)
        && connected.region == connecting.region
    {
        by.push(By::token(connected.number, connected.sealed.clone()));
    }
    connection.leftovers.push(Leftover {
        operation: connecting.operation,
        region: connecting.region,
        keep: None,
        number: None,
        unsure: true,
        by,
        since: now,
        // INVARIANT: the login is not revoked while a call may yet issue a token by it.
        not_before: connecting.quiet_at.max(now),
        tries: 0,
    });
    connection.work_at = Some(now);
}

/// Removes the issued token that a typed one has taken the place of: now it is known which of them counts.
pub(crate) fn settle_replaced(
    connection: &mut FlespiConnection,
    changes: &mut Changes,
    login: Option<(&RegionName, &By)>,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    if let Some(replaced) = connection.replaced.take() {
        let helps = login.filter(|(region, _)| **region == replaced.region).map(|(_, by)| by.clone());
        leave(connection, changes, replaced, helps, policy, now);
    }
}

/// Leaves a token that is no longer in force to be revoked, if it was issued here, if the policy says so, and if there is
/// something to revoke it by: the login that replaced it, or itself.
// INVARIANT: a typed token is its user's, and never revoked.
pub(crate) fn leave(
    connection: &mut FlespiConnection,
    changes: &mut Changes,
    left: Connected,
    login: Option<By>,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    if left.source != Source::Login || policy.flespi_replaced == FlespiReplaced::Kept {
        return;
    }
    let itself = (left.kind == Some(TokenKind::Master)).then(|| By::token(left.number, left.sealed));
    let by: Vec<By> = login.into_iter().chain(itself).collect();
    if by.is_empty() {
        changes.event(connection.event("flespi_token_left").because("no_right").about(left.operation));
        return;
    }
    connection.leftovers.push(Leftover {
        operation: left.operation,
        region: left.region,
        keep: None,
        number: left.number,
        unsure: true,
        by,
        since: now,
        not_before: now,
        tries: 0,
    });
    // INVARIANT: nobody takes over what is being issued before its time.
    if connection.connecting.is_none() {
        connection.work_at = Some(now);
    }
}

/// What looking for what an operation left came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Swept {
    /// Nothing of it is left.
    Done,
    /// The token that was to be removed was not there: it is gone, or another account of flespi has it.
    NotFound,
    /// Nothing of it is left but the login, whose number flespi does not tell.
    LoginStays,
    /// flespi accepts none of the tokens that could look.
    Blind,
    /// flespi did not answer, or would not.
    Later {
        /// What it said.
        error: FlespiError,
        /// Whether the token that is to be removed was seen.
        found: bool,
    },
}

/// What one token came to when it looked.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// What flespi said, if it did not do all.
    pub(crate) error: Option<FlespiError>,
    /// Whether the token that is to be removed was seen, or was itself the one that flespi does not accept any more.
    pub(crate) found: bool,
    /// Whether the login stays, since flespi does not tell its number.
    pub(crate) stays: bool,
}

/// What all of them came to.
pub(crate) fn sweep(leftover: &Leftover, looks: &[Look]) -> Swept {
    let found = leftover.number.is_none() || looks.iter().any(|look| look.found);
    let seen = looks.iter().any(|look| look.error.is_none());
    let waits = |error: &&FlespiError| passes(error) || matches!(error, FlespiError::UnknownRegion);
    let errors = || looks.iter().filter_map(|look| look.error.as_ref());
    if let Some(error) = errors().find(waits) {
        return Swept::Later { error: error.clone(), found };
    }
    // A refusal for now, of one that is still accepted, is no answer.
    if !seen && let Some(error) = errors().find(|error| **error == FlespiError::Forbidden) {
        return Swept::Later { error: error.clone(), found };
    }
    if looks.iter().any(|look| look.stays) {
        Swept::LoginStays
    } else if seen && !found {
        Swept::NotFound
    } else if seen || (leftover.number.is_some() && found) {
        Swept::Done
    } else {
        Swept::Blind
    }
}

/// Leaves a token to the worker that was issued and is not kept, and could not be revoked at once.
pub(crate) fn orphan(
    connection: Stored<FlespiConnection>,
    operation: Uuid,
    region: &RegionName,
    by: Vec<By>,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut stored = connection;
    let mut changes = Changes::none();
    let connection = &mut stored.value;
    // Whoever goes on with the operation, or has kept another token of it, removes the rest of it.
    let goes_on = connection.connecting.as_ref().is_some_and(|connecting| connecting.operation == operation);
    let kept = connection.connected.as_ref().is_some_and(|connected| connected.operation == operation);
    if goes_on || kept {
        return Decision::yes((), changes);
    }
    if let Some(left) = connection.leftovers.iter_mut().find(|left| left.name() == (operation, None)) {
        // The login is in it; the token itself may look, too.
        left.by.extend(by.into_iter().filter(|by| by.of == Use::Token));
    } else {
        connection.leftovers.push(Leftover {
            operation,
            region: region.clone(),
            keep: None,
            number: None,
            unsure: true,
            by,
            since: now,
            not_before: now,
            tries: 0,
        });
    }
    if connection.connecting.is_none() {
        connection.work_at = Some(connection.work_at.map_or(now, |at| at.min(now)));
    }
    changes.put(&stored);
    Decision::yes((), changes)
}

/// Keeps what became of the leftovers that were looked for, in their order.
pub(crate) fn clear(
    connection: Stored<FlespiConnection>,
    swept: &[((Uuid, Option<u64>), Swept)],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut stored = connection;
    let mut changes = Changes::none();
    let connection = &mut stored.value;
    let (mut work_at, mut waiting) = (None, None);
    let mut kept = Vec::new();
    for mut leftover in core::mem::take(&mut connection.leftovers) {
        let came_to = swept.iter().find(|(name, _)| *name == leftover.name()).map(|(_, swept)| swept);
        let gave_up = now >= after(leftover.since, policy.flespi_clear_within);
        let told = match came_to {
            Some(Swept::Done) => ("flespi_cleared", "done"),
            Some(Swept::NotFound) => ("flespi_token_left", "not_found"),
            Some(Swept::LoginStays) => ("flespi_token_left", "login"),
            Some(Swept::Blind) if leftover.unsure => ("flespi_token_left", "unauthorized"),
            Some(Swept::Blind) => ("flespi_cleared", "unauthorized"),
            Some(Swept::Later { error, .. }) if gave_up => ("flespi_token_left", word(error)),
            Some(Swept::Later { error, found }) => {
                let at = again(error, leftover.tries, policy, now);
                work_at = Some(at);
                leftover.number = leftover.number.filter(|_| !found);
                leftover.tries = leftover.tries.saturating_add(1);
                kept.push(leftover);
                continue;
            }
            // It is looked for when those before it are gone.
            None => {
                waiting = waiting.or(Some(leftover.not_before.max(now)));
                kept.push(leftover);
                continue;
            }
        };
        changes.event(connection.event(told.0).because(told.1).about(leftover.operation));
    }
    connection.leftovers = kept;
    if connection.connecting.is_none() {
        connection.work_at = work_at.or(waiting);
    }
    connection.kept_until = after(now, policy.challenge_kept);
    changes.put(&stored);
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests;

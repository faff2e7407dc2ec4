//! The gates of an SMS in one verdict, and the way a code takes when they are shut.

use chrono::{DateTime, Utc};

use crate::account::rules::Chain;
use crate::challenge::Channel;
use crate::contact::Destination;
use crate::decision::{Changes, Reason, Refusal, Stored};
use crate::policy::Policy;
use crate::rights::{Gate, Verdict};
use crate::spend::{Lack, Left};
use crate::user::{Flag, Method, User};

/// What every SMS to a user hangs on beside the user and the accounts: whether it can be sent at all, and who is above.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Whether the engine has a sender.
    pub(crate) sender: bool,
    /// Who created the user, and who created that one; one who is gone may have nothing sent.
    pub(crate) above: Vec<Option<Stored<User>>>,
}

impl Line {
    fn allowed_above(&self) -> bool {
        self.above
            .iter()
            .all(|creator| creator.as_ref().is_some_and(|creator| creator.value.flags.has(Flag::SendSms)))
    }

    /// Pins those above: a right that is withdrawn first is seen, one withdrawn later waits.
    pub(crate) fn pin(&self, changes: &mut Changes) {
        for creator in self.above.iter().flatten() {
            changes.guard(creator);
        }
    }
}

/// What is missing for an SMS to a user, in the order in which it is shown; the number itself is not asked for.
// INVARIANT: the only place that judges an SMS. It is asked when the code is asked for, in the commit (what it rests on
// is pinned there), and once more right before the SMS is submitted.
pub(crate) fn missing(
    line: &Line,
    user: &User,
    chain: &Chain,
    lacks: &[Lack],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Vec<Gate> {
    let lacking = |is: fn(&Lack) -> bool| lacks.iter().any(is);
    Verdict::of([
        (Gate::Policy, policy.sms_factor && line.sender && !lacking(|lack| matches!(lack, Lack::Country))),
        (Gate::ServiceSms, !lacking(|lack| matches!(lack, Lack::Service))),
        (Gate::QuotaSms, !lacking(|lack| matches!(lack, Lack::Quota { .. }))),
        (Gate::SendSms, user.flags.has(Flag::SendSms)),
        (Gate::SendSmsAbove, line.allowed_above()),
        (Gate::Budget, !lacking(|lack| matches!(lack, Lack::Budget { .. }))),
        (Gate::Blocked, !chain.blocked(now)),
    ])
    .into_missing()
}

/// The same for somebody's own number, which must be confirmed.
pub(crate) fn missing_with_phone(missing: &[Gate], user: &User) -> Vec<Gate> {
    let mut all = missing.to_vec();
    if user.phone.is_none() {
        let behind = |gate: &Gate| matches!(gate, Gate::Budget | Gate::Blocked);
        all.insert(all.iter().position(behind).unwrap_or(all.len()), Gate::NoPhone);
    }
    all
}

/// Whether a gate was shut for the user by who manages the account or by who manages the user. The policy and the set-up
/// withdraw nothing: a process without a sender would otherwise mail what another one sends. Nor do budgets: who uses
/// them up could choose the way of somebody else's code.
const fn is_withdrawn(gate: Gate) -> bool {
    matches!(gate, Gate::ServiceSms | Gate::QuotaSms | Gate::SendSms | Gate::SendSmsAbove)
}

/// Why a code of somebody whose codes come by SMS may not go to the confirmed address, if it may not.
// INVARIANT: the mailbox that recovered the password carries no code before one came by SMS.
fn mail_missing(user: &User, policy: &Policy) -> Vec<Gate> {
    let allowed = policy.email_factor && policy.sms_fallback_to_email && !user.recovered_by_mail;
    Verdict::of([(Gate::Policy, allowed), (Gate::EmailUnconfirmed, user.email.is_some())]).into_missing()
}

/// How a code of the user travels now.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) to: Destination,
    /// What is missing for the way that the user chose, where it is another.
    pub(crate) instead_of: Vec<Gate>,
}

/// Where a code that proves a sign-in goes: by the channel that is asked for, or by the user's own.
///
/// # Errors
/// Every gate that is missing.
pub(crate) fn route(
    user: &User,
    sms: &[Gate],
    wanted: Option<Channel>,
    policy: &Policy,
) -> Result<Route, Vec<Gate>> {
    let straight = |to: Destination| Route { to, instead_of: Vec::new() };
    let mailbox = user.confirmed_email().map(Destination::from);
    match (user.two_factor, wanted) {
        (Method::None, _) | (Method::Email, Some(Channel::Sms)) => Err(vec![Gate::Policy]),
        (Method::Email, None | Some(Channel::Email)) => {
            let gates = [(Gate::Policy, policy.email_factor), (Gate::EmailUnconfirmed, mailbox.is_some())];
            let missing = Verdict::of(gates).into_missing();
            mailbox.filter(|_| missing.is_empty()).map(straight).ok_or(missing)
        }
        (Method::Sms, Some(Channel::Email)) => {
            let missing = mail_missing(user, policy);
            mailbox.filter(|_| missing.is_empty()).map(straight).ok_or(missing)
        }
        (Method::Sms, wanted) => {
            let missing = missing_with_phone(sms, user);
            match (&user.phone, mailbox) {
                (Some(phone), _) if missing.is_empty() => Ok(straight(phone.into())),
                (_, Some(mailbox))
                    if wanted.is_none()
                        && missing.iter().copied().any(is_withdrawn)
                        && mail_missing(user, policy).is_empty() =>
                {
                    Ok(Route { to: mailbox, instead_of: missing })
                }
                _ => Err(missing),
            }
        }
    }
}

/// The channels by which a code of the user may be sent again.
pub(crate) fn channels(user: &User, sms: &[Gate], policy: &Policy) -> Vec<Channel> {
    // A budget that is used up now may be there again when it is sent again.
    let sms: Vec<_> = sms.iter().copied().filter(|gate| *gate != Gate::Budget).collect();
    [Channel::Sms, Channel::Email]
        .into_iter()
        .filter(|channel| route(user, &sms, Some(*channel), policy).is_ok())
        .collect()
}

/// The refusal of a charge that does not fit: a number that was sent something a moment ago waits, the rest is a gate.
pub(crate) fn refusal(lacks: &[Lack], until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Refusal {
    let gate = |lack: &Lack| match lack {
        Lack::Service => Some(Gate::ServiceSms),
        Lack::Quota { .. } => Some(Gate::QuotaSms),
        Lack::Country => Some(Gate::Policy),
        Lack::Budget { .. } => Some(Gate::Budget),
        Lack::CoolDown { .. } => None,
    };
    let mut gates: Vec<_> = lacks.iter().filter_map(gate).collect();
    gates.dedup();
    let refusal = if gates.is_empty() { Refusal::from(Reason::TooSoon) } else { Refusal::not_allowed(gates) };
    refusal.until(until, now)
}

/// What a refused charge leaves in the trail: that a budget which many draw on is used up.
pub(crate) fn tell_used_up(left: Left, changes: &mut Changes) {
    // Nothing is charged: something is lacking.
    let _ = (!left.lacks().is_empty()).then(|| left.charge(changes));
}

#[cfg(test)]
mod tests;

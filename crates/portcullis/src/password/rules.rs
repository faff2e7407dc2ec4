//! When a password may be changed, and what the new one must be like.

use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::model::{CharacterKind, PasswordSettings, Weakness};
use crate::contact::Email;
use crate::decision::{Changes, Decision, No, Reason, Refusal};
use crate::email::rules::notice;
use crate::id::{MessageId, SessionId};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::hasher::PasswordHash;
use crate::port::store::{Count, Counter, CounterOp, Window};
use crate::rights::{Gate, Verdict};
use crate::secret::Password;
use crate::session::CurrentSession;
use crate::session::model::Acting;
use crate::session::rules::succeed;
use crate::sign_in::rules::{Knock, Proof, forgive};
use crate::user::rules::bump_credentials;
use crate::user::{Flag, Method, User};

const REFUSED: &str = "password_refused";

/// Context words with fewer letters and digits than this forbid nothing.
const SHORTEST_WORD: usize = 3;

/// Wrong current passwords while a user changes it.
pub(crate) const fn change_failures(user: Uuid) -> Counter {
    Counter::of(user, "password_change_failures")
}

/// May this user change the own password?
pub(crate) fn verdict(user: &User) -> Verdict {
    Verdict::of([(Gate::ChangePassword, user.flags.has(Flag::ChangePassword))])
}

/// The fewest code points of a new password: fewer while a second factor stands beside it.
pub(crate) fn minimum(user: &User, policy: &Policy) -> u32 {
    match user.two_factor {
        Method::None => policy.password_minimum_alone,
        Method::Email | Method::Sms => policy.password_minimum,
    }
}

/// The password as its owner sees it.
pub(crate) fn settings(user: &User, policy: &Policy) -> PasswordSettings {
    PasswordSettings {
        change: verdict(user),
        changed_at: user.password_changed_at,
        minimum: minimum(user, policy),
    }
}

/// Whether two typed passwords are the same.
pub(crate) fn same(one: &Password, other: &Password) -> bool {
    one.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
}

/// Every reason against a new password that can be seen in itself and in what is known of its user.
pub(crate) fn weaknesses(password: &Password, user: &User, product: &str, policy: &Policy) -> Vec<Weakness> {
    let text = password.expose();
    let length = code_points(password);
    let holds = |kind: CharacterKind| text.chars().any(|c| kind.includes(c));
    let lacks = |kind| policy.password_rule.needs.contains(&kind) && !holds(kind);
    [
        (Weakness::TooShort, length < minimum(user, policy)),
        (Weakness::TooLong, length > policy.password_maximum),
        (Weakness::Context, is_context(text, user, product)),
        (Weakness::NeedsUpper, lacks(CharacterKind::Upper)),
        (Weakness::NeedsLower, lacks(CharacterKind::Lower)),
        (Weakness::NeedsDigit, lacks(CharacterKind::Digit)),
        (Weakness::NeedsSpecial, lacks(CharacterKind::Special)),
    ]
    .into_iter()
    .filter(|(_, found)| *found)
    .map(|(weakness, _)| weakness)
    .collect()
}

fn code_points(password: &Password) -> u32 {
    u32::try_from(password.expose().chars().count()).unwrap_or(u32::MAX)
}

/// Letters and digits alone, in lower case.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a word that strangers know of the user makes up more than half of the password.
fn is_context(text: &str, user: &User, product: &str) -> bool {
    let addresses = user.email.iter().map(|email| &email.address);
    let addresses = addresses.chain(user.pending_email.iter().map(|pending| &pending.address));
    let whole = [user.login.as_str(), product].into_iter().chain(addresses.map(Email::as_str));
    let candidate = Zeroizing::new(folded(text));
    let total = candidate.chars().count();
    whole.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([text])).map(folded).any(|word| {
        if word.chars().count() < SHORTEST_WORD {
            return false;
        }
        let rest = Zeroizing::new(candidate.replace(&word, ""));
        let rest = rest.chars().count();
        rest < total && rest.saturating_mul(2) < total
    })
}

/// What a change starts from, before anything slow.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The acting user as one who gives a password.
    pub(crate) knock: Knock,
    /// Wrong current passwords so far.
    pub(crate) failures: Count,
    /// Whether the new password was repeated.
    pub(crate) repeated: bool,
    /// What is wrong with the new one.
    pub(crate) weaknesses: Vec<Weakness>,
}

/// The cheap look: whether the passwords are worth any slow work.
pub(crate) fn look(acting: &Acting, asked: &Asked, policy: &Policy, now: DateTime<Utc>) -> Result<(), No> {
    let refuse = |refusal| Err(refusal_of(acting, Changes::none(), refusal));
    let verdict = verdict(&acting.user.value);
    if !verdict.is_allowed() {
        return refuse(Refusal::not_allowed(verdict.into_missing()));
    }
    if policy.password_change_failures.is_reached(asked.failures, now) {
        return refuse(Refusal::from(Reason::TooManyAttempts).until(asked.failures.ends_at, now));
    }
    asked.knock.open(policy, now)?;
    if !asked.repeated {
        return refuse(Reason::RepeatDiffers.into());
    }
    if !asked.weaknesses.is_empty() {
        return refuse(Refusal::weak_password(asked.weaknesses.clone()));
    }
    Ok(())
}

fn refusal_of(acting: &Acting, mut changes: Changes, refusal: Refusal) -> No {
    changes.event(acting.event(REFUSED).because(refusal.code()));
    No::new(refusal, changes)
}

/// What the slow work on the current password found.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Whether the current password is right.
    pub(crate) proof: Proof,
    /// Whether the new password is the current one.
    pub(crate) unchanged: bool,
}

/// Judges the current password: every wrong one is counted.
///
/// What it gives must be kept with whatever the answer is: a right guess too leaves only within the limits.
pub(crate) fn prove(
    acting: &Acting,
    asked: &Asked,
    checked: &Checked,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Changes, No> {
    let limit = policy.password_change_failures;
    let (counter, window) = (change_failures(acting.user.value.id.uuid()), Window::Rolling(limit.within));
    if let Err(no) = asked.knock.judge(&checked.proof, policy, now) {
        let mut no = no;
        no.changes_mut().count(counter, CounterOp::Add { n: 1, limit: limit.count, window });
        no.changes_mut().event(acting.event(REFUSED).because("wrong_password"));
        return Err(no);
    }
    let mut changes = Changes::none();
    asked.knock.pin_limits(policy, &mut changes);
    changes.count(counter, CounterOp::Below { limit: limit.count, window });
    if checked.unchanged {
        return Err(refusal_of(acting, changes, Reason::Unchanged.into()));
    }
    Ok(changes)
}

/// Refuses a password that others know.
pub(crate) fn refuse_common<T>(acting: &Acting, pins: Changes) -> Decision<T> {
    refusal_of(acting, pins, Refusal::weak_password(vec![Weakness::TooCommon])).into()
}

/// The new password, hashed.
#[derive(Debug)]
pub(crate) struct NewHash {
    pub(crate) hash: PasswordHash,
    pub(crate) long_enough_alone: bool,
}

/// Whether a password is long enough to be the only factor.
pub(crate) fn stands_alone(password: &Password, policy: &Policy) -> bool {
    code_points(password) >= policy.password_minimum_alone
}

/// The ids a change needs, drawn beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreshIds {
    pub(crate) session: SessionId,
    pub(crate) notice: MessageId,
}

/// Changes the password: every other session is dead, the acting one goes on under a fresh id.
// INVARIANT: `pins` come from `prove`, so this is only reached with the right current password.
pub(crate) fn change(
    acting: &Acting,
    asked: &Asked,
    pins: Changes,
    new: NewHash,
    ids: FreshIds,
    now: DateTime<Utc>,
) -> Decision<CurrentSession> {
    let mut changes = pins;
    let mut user = acting.user.clone();
    user.value.password = Some(new.hash);
    user.value.password_changed_at = Some(now);
    user.value.long_enough_alone = new.long_enough_alone;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    forgive(&mut changes, user.value.id, asked.knock.device);
    changes.count(change_failures(user.value.id.uuid()), CounterOp::Clear);
    if let Some(to) = user.value.confirmed_email() {
        changes.send(notice(&user.value, MessageKind::PasswordChanged, to, ids.notice));
    }
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("password_changed").about(ids.session.uuid()));
    Decision::yes(session, changes)
}

#[cfg(test)]
mod tests;

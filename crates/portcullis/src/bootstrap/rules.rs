//! When there may be a first administrator, and what he is.

use chrono::{DateTime, Utc};

use crate::account::rules as account_rules;
use crate::account::{Account, NewAccount};
use crate::audit::Event;
use crate::challenge::link::{FreshLink, show_link};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason};
use crate::id::{AccountId, UserId};
use crate::invitation::rules::ask;
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::rights::AccessRight;
use crate::user::model::PendingEmail;
use crate::user::rules as user_rules;
use crate::user::{Flags, NewUser, User};

/// What the first account and its administrator are made of.
#[derive(Debug)]
pub(crate) struct First<'a> {
    pub(crate) account: &'a NewAccount,
    pub(crate) account_id: AccountId,
    pub(crate) user_id: UserId,
    pub(crate) email: &'a Email,
}

/// The first account and its administrator, whose link is shown; `exists` says whether there is a top account.
// INVARIANT: the account's id is derived and put as absent, so of two who bootstrap at once one wins.
pub(crate) fn bootstrap(
    first: &First<'_>,
    new: &NewUser,
    exists: bool,
    taken: Option<Reason>,
    link: FreshLink,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<(Account, User, DateTime<Utc>)> {
    if exists {
        return Decision::no(Reason::AlreadySetUp.into(), Changes::none());
    }
    if let Some(reason) = taken {
        return Decision::no(reason.into(), Changes::none());
    }
    let id = first.account_id;
    let mut account = account_rules::fresh(first.account, id, id, Vec::new(), now);
    let mut user = user_rules::fresh(new, first.user_id, &account, Vec::new(), policy, now);
    user.flags = Flags::all();
    user.pending_email = Some(PendingEmail { address: first.email.clone(), challenge: link.challenge });
    account.rights.insert(user.id, AccessRight::ALL.into_iter().collect());
    let mut changes = Changes::none();
    changes.insert(&account).insert(&user);
    changes.event(Event::of("account_created", id.uuid(), id.uuid()));
    changes.event(Event::of("user_created", id.uuid(), user.id.uuid()).because("bootstrap"));
    let kind = MessageKind::InvitationLink;
    let valid_until =
        show_link(&mut changes, &ask(&user, account.lifts, first.email, policy), link, kind, policy, now);
    Decision::yes((account, user, valid_until), changes)
}

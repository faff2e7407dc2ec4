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
use crate::port::store::{CounterOp, Window};
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
// INVARIANT: the account's id is derived and put as absent, so of two who bootstrap at once one wins; and it is counted as
// the first top account, so of a bootstrap and any other way to make one the first wins.
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
    user.pending_email = Some(PendingEmail::proposed(first.email.clone(), link.challenge));
    account.rights.insert(user.id, AccessRight::ALL.into_iter().collect());
    let mut changes = Changes::none();
    changes.insert(&account).insert(&user);
    changes.count(account_rules::tops(), CounterOp::Add { n: 1, limit: 1, window: Window::None });
    changes.event(Event::of("account_created", id.uuid(), id.uuid()));
    changes.event(Event::of("user_created", id.uuid(), user.id.uuid()).because("bootstrap"));
    let kind = MessageKind::InvitationLink;
    let valid_until =
        show_link(&mut changes, &ask(&user, account.lifts, first.email, policy), link, kind, policy, now);
    Decision::yes((account, user, valid_until), changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::{Challenge, Purpose};
    use crate::fixture::*;
    use crate::user::Login;

    fn made(exists: bool, taken: Option<Reason>) -> Decision<(Account, User, DateTime<Utc>)> {
        let (account, address) = (NewAccount::named("Fleet"), email("root@example.com"));
        let first = First {
            account: &account,
            account_id: AccountId::from_uuid(uuid(1)),
            user_id: UserId::from_uuid(uuid(2)),
            email: &address,
        };
        let new = NewUser::new(Login::parse("root").unwrap(), first.account_id);
        bootstrap(&first, &new, exists, taken, fresh_link(800), &Policy::default(), began())
    }

    #[test]
    fn the_first_administrator_has_every_flag_and_right_and_no_password() {
        let decision = made(false, None);
        assert_eq!(touched(&decision.changes), [uuid(1), uuid(2), uuid(800)]);
        assert_eq!(steps(&decision.changes), ["top_accounts add 1 to 1"]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert!(kept.flags == Flags::all() && kept.password.is_none() && kept.email.is_none());
        let pending = kept.pending_email.unwrap();
        assert_eq!((pending.address.as_str(), pending.challenge.uuid()), ("root@example.com", uuid(800)));
        let account: Account = written(&decision.changes, uuid(1)).unwrap();
        assert_eq!((account.tenant, account.ancestors.len()), (account.id, 0));
        let held: Vec<_> = account.rights.into_iter().collect();
        assert_eq!(held, [(kept.id, AccessRight::ALL.into_iter().collect())]);
        assert_eq!(
            trail(&decision.changes),
            ["account_created: -", "user_created: bootstrap", "link_issued: invitation"]
        );
    }

    #[test]
    fn the_link_is_shown_and_mailed_to_nobody() {
        let decision = made(false, None);
        assert!(decision.changes.messages.is_empty());
        let link: Challenge = written(&decision.changes, uuid(800)).unwrap();
        assert_eq!((link.purpose, link.destination.as_str()), (Purpose::Invitation, "root@example.com"));
        let (_, user, valid_until) = decision.reply.unwrap();
        assert_eq!((link.user, link.expires_at), (user.id, valid_until));
        assert_eq!(valid_until, began() + Policy::default().invitation_life);
    }

    #[test]
    fn there_is_one_bootstrap_and_no_trace_of_another() {
        for (exists, taken, why) in [
            (true, None, Reason::AlreadySetUp),
            (true, Some(Reason::LoginTaken), Reason::AlreadySetUp),
            (false, Some(Reason::LoginTaken), Reason::LoginTaken),
        ] {
            let decision = made(exists, taken);
            assert!(decision.changes.is_empty());
            assert_eq!(decision.reply.unwrap_err().reason(), why);
        }
    }
}

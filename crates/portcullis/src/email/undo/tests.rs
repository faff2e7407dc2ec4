use super::*;
use crate::account::Account;
use crate::challenge::Challenge;
use crate::challenge::rules::death;
use crate::decision::Entity as _;
use crate::fixture::*;
use crate::recovery::rules::barrier_for;
use crate::user::{Flag, Method};

const OLD: &str = "u2@example.com";

fn alice() -> (Account, User) {
    let account = account(1);
    let alice = user(2, &account);
    (account, alice)
}

/// The user after changes to these addresses, whose undo challenges are 810, 820 and so on, with what the last change
/// keeps.
fn changed(user: &User, addresses: &[&str]) -> (User, Vec<Challenge>, Changes) {
    let (mut user, mut challenges, mut last) = (user.clone(), Vec::new(), Changes::none());
    for (nth, address) in (0_u128..).zip(addresses) {
        let before = user.clone();
        user.email.as_mut().unwrap().address = email(address);
        bump_credentials(&mut user);
        last = Changes::none();
        let (undo, to_new) = (fresh_link(810 + 10 * nth), MessageId::from_uuid(uuid(52)));
        leave_undo(&mut last, &before, &mut user, Some(undo), to_new, &Policy::default(), began());
        challenges.extend(written::<Challenge>(&last, uuid(810 + 10 * nth)));
    }
    (user, challenges, last)
}

fn opened(challenge: &Challenge, user: &User, account: &Account) -> LinkEntry {
    LinkEntry {
        challenge: stored(challenge.clone()),
        user: stored(user.clone()),
        chain: chain([account]),
        fits: true,
        source: uuid(6),
        flood: uuid(66),
        dead: count(0),
        epoch: 0,
    }
}

fn undone(entry: &LinkEntry, now: DateTime<Utc>) -> Decision<()> {
    let user = restored(&entry.user.value, entry.challenge.value.id, now);
    let back = user.map(|user| Return {
        user,
        recovery: fresh_link(890),
        to_old: MessageId::from_uuid(uuid(51)),
        to_new: MessageId::from_uuid(uuid(52)),
    });
    undo(Some(entry), back, &Policy::default(), now)
}

fn sent(changes: &Changes) -> Vec<(MessageKind, &str)> {
    changes.messages.iter().map(|draft| (draft.kind, draft.to.as_str())).collect()
}

fn claims(user: &User) -> Vec<&str> {
    user.claims.iter().map(|claim| claim.address.as_str()).collect()
}

fn keys(user: &User) -> Vec<(String, bool)> {
    let of_email = user.keys().into_iter().filter(|key| key.name == "email");
    of_email.map(|key| (key.value.clone(), key.unique)).collect()
}

#[test]
fn a_change_leaves_a_link_at_the_old_address_and_claims_it() {
    let (account, alice) = alice();
    let (after, challenges, changes) = changed(&alice, &["new@example.com"]);
    assert_eq!(
        sent(&changes),
        [(MessageKind::EmailUndo, OLD), (MessageKind::EmailChanged, "new@example.com")]
    );
    assert_eq!(trail(&changes), ["link_issued: email_undo"]);
    assert_eq!(claims(&after), [OLD]);
    assert_eq!(keys(&after), [("new@example.com".to_owned(), true), (OLD.to_owned(), true)]);
    let challenge = &challenges[0];
    let life = Policy::default().email_undo_life;
    assert_eq!((challenge.expires_at, after.claims[0].ends_at), (began() + life, began() + life));
    let entry = opened(challenge, &after, &account);
    assert!(undone(&entry, began() + life - TICK).reply.is_ok());
    assert!(undone(&entry, began() + life).reply.is_err());
}

#[test]
fn an_address_that_is_confirmed_and_claimed_has_one_key() {
    let (_, alice) = alice();
    let (mut after, ..) = changed(&alice, &["new@example.com"]);
    after.email = alice.email.clone();
    assert_eq!(claims(&after), [OLD]);
    assert_eq!(keys(&after), [(OLD.to_owned(), true)]);
    let mut shared = alice;
    shared.email.as_mut().unwrap().unique = false;
    let (after, ..) = changed(&shared, &["new@example.com"]);
    assert_eq!(keys(&after), [("new@example.com".to_owned(), false)], "a shared mailbox is not kept");
}

#[test]
fn an_undo_restores_the_address_and_kills_everything_after_it() {
    let (account, alice) = alice();
    let (mut after, challenges, _) =
        changed(&alice, &["mine@example.com", "thief@example.com", "far@example.com"]);
    (after.two_factor, after.pending_two_factor) = (Method::Email, Some(challenges[0].id));
    let decision = undone(&opened(&challenges[1], &after, &account), began());
    assert_eq!(touched(&decision.changes), [uuid(820), uuid(2), uuid(890)]);
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert_eq!(kept.confirmed_email().unwrap().as_str(), "mine@example.com");
    assert_eq!(claims(&kept), [OLD], "earlier claims stay, later ones are gone");
    assert_eq!(kept.credential_version, after.credential_version + 1);
    assert_eq!((kept.two_factor, kept.pending_two_factor), (Method::Email, None));
    let far = opened(&challenges[2], &kept, &account);
    let late = undone(&far, began());
    assert_eq!(trail(&late.changes), ["link_refused: superseded"]);
    assert!(late.reply.is_err() && touched(&late.changes).is_empty());
    assert!(undone(&opened(&challenges[0], &kept, &account), began()).reply.is_ok());
    assert_eq!(
        sent(&decision.changes),
        [
            (MessageKind::RecoveryLink, "mine@example.com"),
            (MessageKind::EmailChanged, "mine@example.com"),
            (MessageKind::EmailChanged, "far@example.com"),
        ]
    );
    assert_eq!(trail(&decision.changes), ["link_issued: recovery", "email_undone: -"]);
    assert!(decision.reply.is_ok());
}

#[test]
fn who_knew_the_password_knows_it_no_more() {
    let (account, mut alice) = alice();
    alice.long_enough_alone = true;
    assert!(alice.password.is_some());
    let (after, challenges, _) = changed(&alice, &["thief@example.com"]);
    let decision = undone(&opened(&challenges[0], &after, &account), began());
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert!(kept.password.is_none() && !kept.long_enough_alone);
}

#[test]
fn who_held_the_address_in_between_gets_no_link_when_its_owner_confirms_it_anew() {
    let (account, alice) = alice();
    let (after, challenges, changes) =
        changed(&alice, &["mine@example.com", "thief@example.com", "mine@example.com"]);
    assert_eq!(claims(&after), [OLD]);
    assert_eq!(
        sent(&changes),
        [(MessageKind::EmailChanged, "thief@example.com"), (MessageKind::EmailChanged, "mine@example.com")]
    );
    assert!(touched(&changes).is_empty() && challenges.len() == 2, "no third link");
    let thief = undone(&opened(&challenges[1], &after, &account), began());
    assert_eq!(trail(&thief.changes), ["link_refused: superseded"]);
    assert!(undone(&opened(&challenges[0], &after, &account), began()).reply.is_ok(), "an earlier one stays");
}

#[test]
fn the_recovery_that_follows_counts_whatever_the_flag() {
    let (account, alice) = alice();
    let (mut after, challenges, _) = changed(&alice, &["new@example.com"]);
    after.flags = after.flags.with(Flag::ChangePassword, false);
    let decision = undone(&opened(&challenges[0], &after, &account), began());
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    let recovery: Challenge = written(&decision.changes, uuid(890)).unwrap();
    assert_eq!(barrier_for(&recovery, &kept, &Policy::default()), None);
    assert_eq!(recovery.credential_version, kept.credential_version, "it is bound to what is so now");
    assert_eq!(death(&recovery, &kept, &chain([&account]), 0, began()), None);
}

#[test]
fn a_block_stops_no_undo_and_is_lifted_by_none() {
    let (mut account, alice) = alice();
    let (mut after, challenges, _) = changed(&alice, &["new@example.com"]);
    (after.disabled, account.blocked, account.lifts) = (true, true, 1);
    let decision = undone(&opened(&challenges[0], &after, &account), began());
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert!(kept.disabled && kept.confirmed_email().unwrap().as_str() == OLD);
    let recovery: Challenge = written(&decision.changes, uuid(890)).unwrap();
    assert!(death(&recovery, &kept, &chain([&account]), 0, began()).is_some());
}

#[test]
fn a_removed_address_comes_back_and_one_that_came_back_by_itself_tells_nothing_new() {
    let (account, alice) = alice();
    let (mut after, challenges, _) = changed(&alice, &["new@example.com"]);
    after.email = None;
    let decision = undone(&opened(&challenges[0], &after, &account), began());
    assert_eq!(sent(&decision.changes), [(MessageKind::RecoveryLink, OLD), (MessageKind::EmailChanged, OLD)]);
    let (mut after, challenges, _) = changed(&alice, &["new@example.com"]);
    after.email = alice.email;
    let decision = undone(&opened(&challenges[0], &after, &account), began());
    assert_eq!(sent(&decision.changes), [(MessageKind::RecoveryLink, OLD)]);
}

#[test]
fn a_wrong_secret_undoes_nothing() {
    let (account, alice) = alice();
    let (after, challenges, _) = changed(&alice, &["new@example.com"]);
    let mut entry = opened(&challenges[0], &after, &account);
    entry.fits = false;
    let decision = undone(&entry, began());
    assert_eq!(trail(&decision.changes), ["link_refused: wrong_secret"]);
    assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
    assert_eq!(decision.reply.unwrap_err().reason(), Reason::ChallengeDead);
}

#[test]
fn only_so_many_old_addresses_are_claimed_at_once() {
    let (_, alice) = alice();
    let policy = Policy::default();
    let (after, ..) = changed(&alice, &["a@example.com", "b@example.com", "c@example.com", "d@example.com"]);
    assert_eq!(may_replace(&after, &policy, began()), Ok(()));
    let (mut after, ..) = changed(&after, &["e@example.com"]);
    let refusal = may_replace(&after, &policy, began()).unwrap_err();
    assert_eq!(refusal.reason(), Reason::TooSoon);
    assert_eq!(refusal.retry_after(), u32::try_from(policy.email_undo_life.num_seconds()).ok());
    let over = began() + policy.email_undo_life;
    assert_eq!(may_replace(&after, &policy, over), Ok(()), "what is over counts no more");
    after.email = None;
    assert_eq!(may_replace(&after, &policy, began()), Ok(()), "a first address replaces none");
    let mut late = after.clone();
    late.email = alice.email;
    let before = late.clone();
    let to_new = MessageId::from_uuid(uuid(52));
    leave_undo(&mut Changes::none(), &before, &mut late, Some(fresh_link(990)), to_new, &policy, over);
    assert_eq!(late.claims.len(), 1, "and is dropped by the next change");
}

use super::*;
use crate::account::Account;
use crate::decision::Entity as _;
use crate::fixture::*;
use crate::keyring::Binding;
use crate::user::model::{EmailClaim, PendingEmail};

fn life() -> TimeDelta {
    Policy::default().recovery_life
}

fn alice() -> (Account, User) {
    let account = account(1);
    let alice = user(2, &account);
    (account, alice)
}

/// The link 800 of a purpose, as it is made.
fn made(user: &User, purpose: Purpose, destination: &str) -> (Challenge, Changes) {
    let (challenge, destination) = (ChallengeId::from_uuid(uuid(800)), email(destination));
    let token = LinkToken::of(challenge, &[3; 32]);
    let digest = keyring().bind(&Binding {
        challenge: challenge.uuid(),
        purpose: purpose.name(),
        user: user.id.uuid(),
        destination: destination.canonical(),
        credential_version: Whose::from(user).bound_version(purpose),
        secret: token.secret().expose(),
    });
    let message = MessageId::from_uuid(uuid(801));
    let fresh = FreshLink { challenge, message, token, digest, epoch: 0 };
    let ask = LinkAsk { user: user.into(), lifts: 0, purpose, destination: &destination, life: life() };
    let mut changes = Changes::none();
    let ends_at = issue_link(&mut changes, &ask, fresh, purpose.message(), &Policy::default(), began());
    assert_eq!(ends_at, began() + life());
    (written(&changes, uuid(800)).unwrap(), changes)
}

fn opened(challenge: &Challenge, user: &User, account: &Account, fits: bool) -> LinkEntry {
    LinkEntry {
        challenge: stored(challenge.clone()),
        user: stored(user.clone()),
        chain: chain([account]),
        fits,
        source: uuid(6),
        flood: uuid(66),
        dead: count(0),
        epoch: 0,
    }
}

fn refused(entry: &LinkEntry, purposes: &[Purpose], now: DateTime<Utc>) -> (Vec<Uuid>, Vec<String>) {
    assert_eq!(peek_link(Some(entry), purposes, now).unwrap_err().reason(), Reason::ChallengeDead);
    let no = spend_link(Some(entry), purposes, &Policy::default(), now).unwrap_err();
    let decision: Decision<()> = no.into();
    assert_eq!(decision.reply.unwrap_err().reason(), Reason::ChallengeDead);
    (touched(&decision.changes), trail(&decision.changes))
}

#[test]
fn a_link_is_kept_and_mailed_in_one_commit() {
    let (_, alice) = alice();
    let (challenge, changes) = made(&alice, Purpose::Recovery, "u2@example.com");
    assert_eq!(trail(&changes), ["link_issued: recovery"]);
    assert_eq!((challenge.expires_at, challenge.credential_version), (began() + life(), 1));
    let sent = changes.messages.first().unwrap();
    assert_eq!((sent.kind, sent.to.as_str()), (MessageKind::RecoveryLink, "u2@example.com"));
    assert!(matches!(sent.code.as_ref().unwrap().code, OneTime::Link(_)));
}

#[test]
fn the_right_link_is_spent_once() {
    let (account, alice) = alice();
    let (challenge, _) = made(&alice, Purpose::Recovery, "u2@example.com");
    let entry = opened(&challenge, &alice, &account, true);
    let last = began() + life() - TICK;
    assert!(peek_link(Some(&entry), &[Purpose::Recovery], last).is_ok());
    let (_, changes) = spend_link(Some(&entry), &[Purpose::Recovery], &Policy::default(), last).unwrap();
    let spent: Challenge = written(&changes, uuid(800)).unwrap();
    let again = opened(&spent, &alice, &account, true);
    assert_eq!(
        refused(&again, &[Purpose::Recovery], last),
        (vec![], vec![String::from("link_refused: spent")])
    );
}

#[test]
fn a_link_that_is_over_is_buried() {
    let (account, alice) = alice();
    let (challenge, _) = made(&alice, Purpose::Recovery, "u2@example.com");
    let entry = opened(&challenge, &alice, &account, true);
    let (buried, told) = refused(&entry, &[Purpose::Recovery], began() + life());
    assert_eq!((buried, told), (vec![uuid(800)], vec![String::from("link_refused: expired")]));
    let mut changed = alice.clone();
    changed.credential_version = 2;
    let entry = opened(&challenge, &changed, &account, true);
    assert_eq!(refused(&entry, &[Purpose::Recovery], began()).1, ["link_refused: credentials_changed"]);
    let mut disabled = alice;
    disabled.disabled = true;
    let entry = opened(&challenge, &disabled, &account, true);
    assert_eq!(refused(&entry, &[Purpose::Recovery], began()).1, ["link_refused: disabled"]);
}

#[test]
fn a_wrong_secret_or_purpose_leaves_the_link_alive() {
    let (account, alice) = alice();
    let (challenge, _) = made(&alice, Purpose::Recovery, "u2@example.com");
    let wrong = opened(&challenge, &alice, &account, false);
    assert_eq!(
        refused(&wrong, &[Purpose::Recovery], began()),
        (vec![], vec![String::from("link_refused: wrong_secret")])
    );
    let right = opened(&challenge, &alice, &account, true);
    let other = [Purpose::EmailUndo, Purpose::Invitation];
    assert_eq!(
        refused(&right, &other, began()),
        (vec![], vec![String::from("link_refused: meant_for_another")])
    );
    assert_eq!(peek_link(None, &[Purpose::Recovery], began()).unwrap_err().reason(), Reason::ChallengeDead);
    assert!(spend_link(None, &[Purpose::Recovery], &Policy::default(), began()).is_err());
}

#[test]
fn an_invitation_lives_while_its_address_is_the_users() {
    let (account, mut alice) = alice();
    let (challenge, _) = made(&alice, Purpose::Invitation, "new@example.com");
    let lives = |user: &User| {
        peek_link(Some(&opened(&challenge, user, &account, true)), &[Purpose::Invitation], began()).is_ok()
    };
    assert!(!lives(&alice));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge.id));
    assert!(lives(&alice));
    let other = ChallengeId::from_uuid(uuid(801));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), other));
    assert!(!lives(&alice), "a newer invitation voids it");
    alice.email.as_mut().unwrap().address = email("new@example.com");
    assert!(lives(&alice));
}

#[test]
fn an_undo_outlives_new_credentials_and_is_left_to_the_worker() {
    let (account, mut alice) = alice();
    let (challenge, _) = made(&alice, Purpose::EmailUndo, "u2@example.com");
    assert_eq!(challenge.credential_version, 0);

    assert_eq!(challenge.due(), Some((Lane::Timed, challenge.expires_at)));
    alice.credential_version = 9;
    alice.claims.push(EmailClaim {
        address: email("u2@example.com"),
        challenge: challenge.id,
        unique: true,
        ends_at: challenge.expires_at,
    });
    let entry = opened(&challenge, &alice, &account, true);
    let (_, changes) = spend_link(Some(&entry), &[Purpose::EmailUndo], &Policy::default(), began()).unwrap();
    let spent: Challenge = written(&changes, uuid(800)).unwrap();
    assert_eq!(spent.due(), Some((Lane::Dead, spent.kept_until)));
    let (buried, told) = refused(&entry, &[Purpose::EmailUndo], began() + life());
    assert_eq!((buried, told), (vec![], vec![String::from("link_refused: expired")]));
    alice.claims.clear();
    let entry = opened(&challenge, &alice, &account, true);
    assert_eq!(refused(&entry, &[Purpose::EmailUndo], began()).1, ["link_refused: superseded"]);
}

#[test]
fn a_claim_ends_with_its_undo_and_not_before() {
    let (_, mut alice) = alice();
    let (challenge, _) = made(&alice, Purpose::EmailUndo, "u2@example.com");
    alice.claims.push(EmailClaim {
        address: email("u2@example.com"),
        challenge: challenge.id,
        unique: true,
        ends_at: challenge.expires_at,
    });
    let ended = |challenge: &Challenge, now| {
        end(Some(stored(challenge.clone())), Some(stored(alice.clone())), now).changes
    };
    assert!(ended(&challenge, began() + life() - TICK).is_empty());
    let changes = ended(&challenge, began() + life());
    assert_eq!(touched(&changes), [uuid(800), uuid(2)]);
    let (dead, user) =
        (written::<Challenge>(&changes, uuid(800)).unwrap(), written::<User>(&changes, uuid(2)).unwrap());
    assert!(dead.state == State::Dead && user.claims.is_empty());
    assert_eq!(trail(&changes), ["email_undo_ended: -"]);
    assert!(ended(&dead, began() + life()).is_empty(), "twice changes nothing");
    assert!(end(None, None, began()).changes.is_empty());
}

#[test]
fn the_seal_of_a_link_tells_nothing_of_its_address() {
    let sealed = |purpose: Purpose, to: &str| {
        let (_, alice) = alice();
        let (_, mut changes) = made(&alice, purpose, to);
        let draft = changes.messages.remove(0);
        let message = crate::message::Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
        let content = message.open(&keyring()).unwrap().unwrap();
        assert_eq!(content.to.as_str(), to);
        assert_eq!(LinkToken::parse(content.link.unwrap().as_str()).unwrap().challenge().uuid(), uuid(800));
        assert!(content.code.is_none());
        message.sealed.unwrap().len()
    };
    let long = format!("{}@{}.example.com", "l".repeat(64), "d".repeat(60));
    assert_eq!(sealed(Purpose::Recovery, "a@b.io"), sealed(Purpose::Recovery, &long));
}

#[test]
fn dead_links_of_a_source_are_told_up_to_a_limit_and_a_living_one_still_works() {
    let (account, alice) = alice();
    let (challenge, _) = made(&alice, Purpose::Recovery, "u2@example.com");
    let limit = Policy::default().dead_links_per_source;
    let mut wrong = opened(&challenge, &alice, &account, false);
    let used = |entry: &LinkEntry| {
        let no = spend_link(Some(entry), &[Purpose::Recovery], &Policy::default(), began()).unwrap_err();
        let decision: Decision<()> = no.into();
        assert_eq!(decision.reply.unwrap_err().reason(), Reason::ChallengeDead);
        (steps(&decision.changes), trail(&decision.changes))
    };
    wrong.dead = until(limit.count - 1, began() + limit.within);
    let told = vec![String::from("link_refused: wrong_secret")];
    assert_eq!(used(&wrong), (vec![String::from("dead_links add 1 to 30")], told));
    wrong.dead.value = limit.count;
    assert_eq!(used(&wrong), (vec![], vec![]));
    let mut over = opened(&challenge, &alice, &account, true);
    over.dead = wrong.dead;
    assert!(spend_link(Some(&over), &[Purpose::Recovery], &Policy::default(), began()).is_ok());
    over.user.value.credential_version = 2;
    assert_eq!(used(&over), (vec![], vec![String::from("link_refused: credentials_changed")]), "buried once");
}

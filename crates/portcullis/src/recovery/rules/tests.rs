use super::*;
use crate::account::Account;
use crate::challenge::Challenge;
use crate::contact::Email;
use crate::fixture::*;
use crate::id::{ChallengeId, RequestId};
use crate::port::hasher::PasswordHash;
use crate::recovery::Identifier;
use crate::secret::LinkToken;
use crate::user::model::{EmailClaim, PendingEmail};

fn alice() -> (Account, User) {
    let account = account(1);
    let alice = user(2, &account);
    (account, alice)
}

fn fresh() -> FreshLink {
    let challenge = ChallengeId::from_uuid(uuid(800));
    let code = fresh_code(800);
    FreshLink {
        challenge,
        message: MessageId::from_uuid(uuid(801)),
        token: LinkToken::of(challenge, &[3; 32]),
        digest: code.digest,
        epoch: 0,
    }
}

/// A link of a user, opened with the right secret.
fn opened(user: &User, purpose: Purpose, to: &str, account: &Account) -> LinkEntry {
    let (mut changes, destination) = (Changes::none(), email(to));
    let policy = Policy::default();
    let ask = LinkAsk {
        user: user.into(),
        lifts: 0,
        purpose,
        destination: &destination,
        life: policy.recovery_life,
    };
    issue_link_once(&mut changes, &ask, fresh(), purpose.message(), &policy, began());
    LinkEntry {
        challenge: stored(written::<Challenge>(&changes, uuid(800)).unwrap()),
        user: stored(user.clone()),
        chain: chain([account]),
        fits: true,
        source: uuid(6),
        flood: uuid(66),
        dead: count(0),
        epoch: 0,
    }
}

fn request_record() -> RecoveryRequest {
    let who = Identifier::parse("alice").unwrap();
    RecoveryRequest::sealed(RequestId::from_uuid(uuid(70)), &who, &keyring(), [3; 24], began())
}

fn asked(cool: u32, from_source: u32) -> Decision<()> {
    let asked = Asked {
        identifier: uuid(8),
        source: uuid(6),
        cool_down: count(cool),
        from_source: until(from_source, began() + Policy::default().recovery_cool_down),
    };
    request(&asked, &request_record(), &Policy::default(), began())
}

fn new_hash() -> NewHash {
    NewHash { hash: PasswordHash::stored("$new"), long_enough_alone: true }
}

fn set(entry: &LinkEntry, taken: bool) -> Decision<()> {
    let ids = FreshIds {
        changed: MessageId::from_uuid(uuid(50)),
        undo: Some(fresh_link(810)),
        to_new: MessageId::from_uuid(uuid(51)),
    };
    set_password(entry, new_hash(), taken, ids, &Policy::default(), began())
}

fn refused(decision: Decision<()>) -> (Reason, Vec<String>) {
    assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
    (decision.reply.unwrap_err().reason(), trail(&decision.changes))
}

#[test]
fn a_request_is_kept_once_in_a_cool_down_and_answered_alike() {
    let first = asked(0, 0);
    assert!(first.reply.is_ok());
    assert_eq!(steps(&first.changes), ["recovery_requests add 1 to 20", "recovery_cool_down add 1 to 1"]);
    assert_eq!(
        (touched(&first.changes), trail(&first.changes)),
        (vec![uuid(70)], vec![String::from("recovery_requested: -")])
    );
    let again = asked(1, 1);
    assert!(again.reply.is_ok(), "the answer is the same");
    assert_eq!(steps(&again.changes), ["recovery_requests add 1 to 20"]);
    assert_eq!(
        (touched(&again.changes), trail(&again.changes)),
        (vec![], vec![String::from("recovery_refused: too_soon")])
    );
}

#[test]
fn a_source_that_asks_for_too_much_has_to_wait() {
    let decision = asked(0, 20);
    assert!(steps(&decision.changes).is_empty());
    let (reason, told) = refused(decision);
    assert_eq!(
        (reason, told),
        (Reason::TooManyAttempts, vec![String::from("recovery_refused: too_many_attempts")])
    );
    assert!(asked(0, 19).reply.is_ok());
}

#[test]
fn a_user_is_mailed_so_many_links_and_no_more() {
    let (_, alice) = alice();
    let nobody = Whose { tenant: crate::id::NO_TENANT, user: alice.id, credential_version: 1 };
    let mail_one = |user, mailed| {
        let (policy, to) = (Policy::default(), email("u2@example.com"));
        let life = policy.recovery_life;
        let ask = LinkAsk { user, lifts: 0, purpose: Purpose::Recovery, destination: &to, life };
        mail(RequestId::from_uuid(uuid(70)), &ask, fresh(), mailed, &policy, began())
    };
    let mailed = |whose, links| mail_one(whose, Mailed { lot: uuid(7), links, told: count(0) });
    for whose in [Whose::from(&alice), nobody] {
        let last = mailed(whose, until(4, began() + TICK));
        assert_eq!(steps(&last.changes), ["recovery_mails add 1 to 5"]);
        assert_eq!((touched(&last.changes), last.changes.messages.len()), (vec![uuid(800)], 1));
        let none = mailed(whose, until(5, began() + TICK));
        assert!(none.reply.is_ok() && touched(&none.changes).is_empty() && none.changes.messages.is_empty());
        assert_eq!(steps(&none.changes), ["recovery_mails_refused add 1 to 1"]);
        assert_eq!(trail(&none.changes), ["recovery_refused: too_soon"]);
        assert_eq!((none.changes.events[0].subject, none.changes.events[0].about), (uuid(2), Some(uuid(70))));
        let full = until(5, began() + TICK);
        let again = Mailed { lot: uuid(7), links: full, told: until(1, began() + TICK) };
        let silent = mail_one(whose, again);
        assert!(silent.reply.is_ok() && silent.changes.is_empty(), "it was told already");
    }
}

#[test]
fn links_that_die_together_are_one_lot_and_no_others() {
    let (account, alice) = alice();
    let of = |change: &dyn Fn(&mut User, &mut Account), to: &str, epoch| {
        let (mut account, mut alice) = (account.clone(), alice.clone());
        change(&mut alice, &mut account);
        let chain = chain([&account]);
        lot(Whose::from(&alice), &email(to), Some((&alice, &chain)), epoch, &Policy::default(), began())
    };
    let same = |_: &mut User, _: &mut Account| ();
    let to = "u2@example.com";
    let first = of(&same, to, 0);
    assert_eq!(of(&same, "u2@EXAMPLE.com", 0), first);
    assert_eq!(of(&|alice, _| alice.password_changed_at = Some(began()), to, 0), first);
    for (other, why) in [
        (of(&same, "new@example.com", 0), "the address"),
        (of(&same, to, 1), "the epoch"),
        (of(&|alice, _| alice.credential_version += 1, to, 0), "the credentials"),
        (of(&|_, account| account.blocked = true, to, 0), "a block"),
        (of(&|_, account| account.lifts += 1, to, 0), "a lifted block"),
        (
            of(&|alice, _| alice.flags = alice.flags.clone().with(Flag::ChangePassword, false), to, 0),
            "a flag",
        ),
    ] {
        assert_ne!(other, first, "{why}");
    }
}

#[test]
fn an_identifier_is_sealed_to_one_length_and_gone_when_it_was_seen_to() {
    let sealed = |text: &str| {
        let who = Identifier::parse(text).unwrap();
        let id = RequestId::from_uuid(uuid(70));
        let request = RecoveryRequest::sealed(id, &who, &keyring(), [3; 24], began());
        let read = request.open(&keyring()).unwrap().unwrap();
        assert_eq!(read.canonical(), who.canonical());
        request.sealed.unwrap().len()
    };
    let long = format!("{}@{}.example.com", "l".repeat(64), "d".repeat(60));
    assert_eq!(sealed("al"), sealed(&long));
    let closed = close(Some(stored(request_record())), &Policy::default(), began()).changes;
    let gone: RecoveryRequest = written(&closed, uuid(70)).unwrap();
    assert!(gone.sealed.is_none() && gone.open(&keyring()).is_none());
    assert!(close(Some(stored(gone)), &Policy::default(), began()).changes.is_empty());
}

#[test]
fn an_identifier_is_a_login_or_an_address_and_not_shown() {
    for (text, login, address) in
        [("alice", true, false), (" Bob@Example.com ", true, true), ("a b", true, false)]
    {
        let who = Identifier::parse(text).unwrap();
        assert_eq!((who.login().is_some(), who.email().is_some()), (login, address), "{text}");
        assert_eq!(format!("{who:?}"), "Identifier(..)");
    }
    let one = |text: &str| Identifier::parse(text).unwrap().canonical().to_owned();
    assert_eq!(one("bob@EXAMPLE.com"), one("bob@example.com"));
    for strange in ["", "   ", "a\u{200b}b", &"x".repeat(51)] {
        let error = Identifier::parse(strange).unwrap_err();
        assert_eq!((error.field(), error.code()), ("identifier", "invalid_identifier"), "{strange:?}");
    }
}

#[test]
fn a_new_password_ends_everything_and_changes_nothing_else() {
    let (account, mut alice) = alice();
    alice.two_factor = Method::Email;
    let decision = set(&opened(&alice, Purpose::Recovery, "u2@example.com", &account), false);
    assert_eq!(touched(&decision.changes), [uuid(800), uuid(2), uuid(1)]);
    assert!(steps(&decision.changes).is_empty(), "no failure is forgiven");
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert_eq!(kept.password.as_ref().map(PasswordHash::as_str), Some("$new"));
    assert_eq!((kept.credential_version, kept.password_changed_at), (2, Some(began())));
    assert_eq!((kept.two_factor, &kept.flags), (Method::Email, &alice.flags));
    assert_eq!(kept.confirmed_email().unwrap().as_str(), "u2@example.com");
    let sent: Vec<_> =
        decision.changes.messages.iter().map(|draft| (draft.kind, draft.to.as_str())).collect();
    assert_eq!(sent, [(MessageKind::PasswordChanged, "u2@example.com")]);
    assert_eq!(trail(&decision.changes), ["password_set: recovery"]);
}

#[test]
fn what_was_true_when_it_was_mailed_is_asked_again() {
    let (account, alice) = alice();
    let policy = Policy::default();
    let with = |change: &dyn Fn(&mut User)| {
        let mut alice = alice.clone();
        change(&mut alice);
        let entry = opened(&alice, Purpose::Recovery, "u2@example.com", &account);
        assert!(peek(Some(&entry), &policy, began()).is_err());
        refused(set(&entry, false)).1
    };
    assert_eq!(
        with(&|alice| alice.flags = alice.flags.clone().with(Flag::ChangePassword, false)),
        ["recovery_refused: change_password"]
    );
    assert_eq!(with(&|alice| alice.email = None), ["recovery_refused: email_unconfirmed"]);
    let other: Email = email("other@example.com");
    assert_eq!(
        with(&|alice| alice.email.as_mut().unwrap().address = other.clone()),
        ["recovery_refused: destination_changed"]
    );
    let mut both = alice;
    both.two_factor = Method::Email;
    assert_eq!(barrier_unless(&both, false, &Policy::strict()), Some("policy"), "one mailbox is not both");
    assert_eq!(barrier_unless(&both, false, &policy), None);
}

#[test]
fn a_weak_password_or_two_different_ones_leave_the_link_unspent() {
    let (account, alice) = alice();
    let entry = opened(&alice, Purpose::Recovery, "u2@example.com", &account);
    let looked = |repeated, weaknesses| {
        let no =
            look(Some(&entry), Chosen { repeated, weaknesses, taken: false }, &Policy::default(), began())
                .unwrap_err();
        refused(no.into())
    };
    assert_eq!(looked(false, vec![]).0, Reason::RepeatDiffers);
    assert_eq!(
        looked(true, vec![Weakness::TooShort]),
        (Reason::WeakPassword, vec![String::from("recovery_refused: weak_password")])
    );
    assert_eq!(refused(refuse_common(&entry).into()).0, Reason::WeakPassword);
    let taken = Chosen { repeated: true, weaknesses: vec![], taken: true };
    let no = look(Some(&entry), taken, &Policy::default(), began()).unwrap_err();
    assert_eq!(refused(no.into()).0, Reason::AddressTaken, "before a hash is spent");
    let good = Chosen { repeated: true, weaknesses: vec![], taken: false };
    assert!(look(Some(&entry), good, &Policy::default(), began()).is_ok());
}

#[test]
fn an_invitation_confirms_its_address_whatever_the_flags() {
    let (account, mut alice) = alice();
    (alice.email, alice.password, alice.flags) = (None, None, crate::user::Flags::default());
    let challenge = ChallengeId::from_uuid(uuid(800));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge));
    let entry = opened(&alice, Purpose::Invitation, "new@example.com", &account);
    let seen = peek(Some(&entry), &Policy::default(), began()).unwrap();
    assert_eq!((seen.purpose, seen.login.as_str(), seen.minimum), (Purpose::Invitation, "user2", 15));
    assert_eq!(
        refused(set(&entry, true)),
        (Reason::AddressTaken, vec![String::from("recovery_refused: address_taken")])
    );
    let decision = set(&entry, false);
    let kept: User = written(&decision.changes, uuid(2)).unwrap();
    assert_eq!(kept.confirmed_email().unwrap().as_str(), "new@example.com");
    assert!(kept.pending_email.is_none() && kept.password.is_some());
    assert!(decision.changes.messages.is_empty(), "a first password changes nothing");
    assert_eq!(trail(&decision.changes), ["password_set: invitation"]);
    let spent: Challenge = written(&decision.changes, uuid(800)).unwrap();
    let again = LinkEntry { challenge: stored(spent), ..entry };
    assert_eq!(refused(set(&again, false)).0, Reason::ChallengeDead);
}

#[test]
fn only_an_invitation_to_a_new_address_takes_one() {
    let (account, alice) = alice();
    let entry = |purpose, to| opened(&alice, purpose, to, &account);
    let new = entry(Purpose::Invitation, "new@example.com");
    assert_eq!(takes(&new).map(Email::as_str), Some("new@example.com"));
    assert!(takes(&LinkEntry { fits: false, ..new }).is_none(), "a wrong link asks for nothing");
    assert!(takes(&entry(Purpose::Invitation, "U2@example.com")).is_none());
    assert!(takes(&entry(Purpose::Recovery, "new@example.com")).is_none());
}

#[test]
fn a_link_that_its_user_may_not_use_is_told_no_oftener_than_another_dead_one() {
    let (account, mut alice) = alice();
    alice.email = None;
    let mut entry = opened(&alice, Purpose::Recovery, "u2@example.com", &account);
    entry.dead = until(30, began() + TICK);
    let decision = set(&entry, false);
    assert!(decision.changes.is_empty() && decision.reply.is_err());
}

#[test]
fn an_invitation_that_replaces_an_address_tells_the_old_one() {
    let (account, mut alice) = alice();
    let challenge = ChallengeId::from_uuid(uuid(800));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge));
    let decision = set(&opened(&alice, Purpose::Invitation, "new@example.com", &account), false);
    let sent: Vec<_> =
        decision.changes.messages.iter().map(|draft| (draft.kind, draft.to.as_str())).collect();
    assert_eq!(
        sent,
        [
            (MessageKind::EmailUndo, "u2@example.com"),
            (MessageKind::EmailChanged, "new@example.com"),
            (MessageKind::PasswordChanged, "new@example.com")
        ]
    );
}

#[test]
fn an_invitation_replaces_no_address_while_too_many_old_ones_are_kept() {
    let (account, mut alice) = alice();
    let challenge = ChallengeId::from_uuid(uuid(800));
    alice.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge));
    let policy = Policy::default();
    let kept = EmailClaim {
        address: email("old@example.com"),
        challenge: ChallengeId::from_uuid(uuid(801)),
        unique: true,
        ends_at: began() + TICK,
    };
    alice.claims = vec![kept; usize::try_from(policy.email_claims).unwrap()];
    let entry = opened(&alice, Purpose::Invitation, "new@example.com", &account);
    assert_eq!(
        refused(set(&entry, false)),
        (Reason::TooSoon, vec![String::from("recovery_refused: too_soon")])
    );
}

#[test]
fn only_what_an_administrator_or_an_undo_began_needs_no_flag() {
    let (_, mut alice) = alice();
    let policy = Policy::default();
    let mut challenge = challenge(Purpose::Recovery, &alice, "u2@example.com");
    assert_eq!(barrier_for(&challenge, &alice, &policy), None);
    alice.flags = alice.flags.with(Flag::ChangePassword, false);
    assert_eq!(barrier_for(&challenge, &alice, &policy), Some("change_password"));
    challenge.regardless_of_flag = true;
    assert_eq!(barrier_for(&challenge, &alice, &policy), None);
    alice.two_factor = Method::Email;
    assert_eq!(barrier_for(&challenge, &alice, &Policy::strict()), Some("policy"));
    alice.email = None;
    assert_eq!(barrier_for(&challenge, &alice, &policy), Some("email_unconfirmed"));
}

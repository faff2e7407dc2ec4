//! Getting in for the first time: invitations by mail, and the one link of a bootstrap.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::account::Account;
use portcullis::challenge::Purpose;
use portcullis::contact::Email;
use portcullis::decision::{Reason, Refusal};
use portcullis::language::Language;
use portcullis::policy::{Limit, Policy};
use portcullis::port::store::Page;
use portcullis::rights::{AccessRight, Actor, Gate};
use portcullis::secret::{LinkToken, Password};
use portcullis::sign_in::SignInResult;
use portcullis::testing::World;
use portcullis::testing::world::{WorldOptions, attempt};
use portcullis::user::{Flags, Login, NewUser, User};

const NEW: &str = "seven quiet lanterns";
const ADDRESS: &str = "carol@example.com";

fn typed(text: &str) -> Password {
    Password::parse(text.to_owned(), "new").unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn set(w: &World, token: &LinkToken) -> Result<(), Error> {
    w.security.recovery().set_password(token, &typed(NEW), &typed(NEW), &attempt()).await
}

async fn signs_in(w: &World, login: &Login) -> bool {
    let answer = w.security.sign_in().start(login, &typed(NEW), &attempt()).await;
    matches!(answer, Ok(SignInResult::Admitted(_)))
}

/// A world in which carol was invited, with her link.
async fn invited() -> (World, Account, User, LinkToken) {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
    carol.invited_email = Some(Email::parse(ADDRESS).unwrap());
    let carol = w.security.users().create(carol).await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    let token = w.mailbox.last_link(ADDRESS).unwrap();
    (w, account, carol, token)
}

#[tokio::test]
async fn it_is_written_in_the_language_of_who_is_invited() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    for (at, (tag, written_in, word)) in [
        ("en", "en", "Your login"),
        ("ru", "ru", "Ваш логин"),
        ("ES-mx", "es", "Su usuario"),
        ("de", "de", "Ihr Anmeldename"),
        ("fr", "en", "Your login"),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("u{at}@example.com");
        let mut new = NewUser::new(Login::parse(&format!("user{at}")).unwrap(), account.id);
        new.invited_email = Some(Email::parse(&address).unwrap());
        new.language = Language::parse(tag).unwrap();
        let user = w.security.users().create(new).await.unwrap();
        assert_eq!(w.run_worker().await.unwrap().sent, 1);
        let mail = &w.mailbox.to(&address)[0];
        assert!(mail.html.contains(&format!(r#"<html lang="{written_in}">"#)), "{tag}: {}", mail.html);
        assert!(
            mail.subject.starts_with(word) && mail.text.contains(user.login.as_str()),
            "{}",
            mail.subject
        );
        assert_eq!(user.language.as_str(), tag.to_lowercase(), "what was wished is kept");
    }
}

#[tokio::test]
async fn the_link_sets_the_password_whatever_the_flag_and_confirms_the_address() {
    let (w, _, carol, token) = invited().await;
    assert_eq!(carol.flags, Flags::default(), "she may not change her password");
    let mail = &w.mailbox.to(ADDRESS)[0];
    assert!(mail.text.contains("https://fleet.example.com/invitation/"), "{}", mail.text);
    let link = w.security.recovery().peek(&token).await.unwrap();
    assert_eq!((link.purpose, link.valid_until - w.now()), (Purpose::Invitation, TimeDelta::hours(72)));
    set(&w, &token).await.unwrap();
    let carol = w.security.users().get(carol.id).await.unwrap();
    assert_eq!(carol.confirmed_email().unwrap().as_str(), ADDRESS);
    assert!(carol.pending_email.is_none());
    assert!(signs_in(&w, &carol.login).await);
    assert_eq!(refused(set(&w, &token).await).reason(), Reason::ChallengeDead, "spent");
    let again = w.security.invitation().send(Actor::Program, carol.id).await;
    assert_eq!(refused(again).reason(), Reason::InUse, "who has a password is not invited");
}

#[tokio::test]
async fn a_link_lives_up_to_the_last_microsecond_and_no_longer() {
    for (early, lives) in [(TimeDelta::microseconds(1), true), (TimeDelta::zero(), false)] {
        let (w, _, carol, token) = invited().await;
        let left = w.security.recovery().peek(&token).await.unwrap().valid_until - w.now();
        w.advance(left - early);
        assert_eq!(w.security.recovery().peek(&token).await.is_ok(), lives);
        assert_eq!(set(&w, &token).await.is_ok(), lives);
        assert_eq!(signs_in(&w, &carol.login).await, lives);
    }
}

#[tokio::test]
async fn a_newer_invitation_kills_the_older_one() {
    let (w, _, carol, old) = invited().await;
    w.security.invitation().send(Actor::Program, carol.id).await.unwrap();
    let soon = refused(w.security.invitation().send(Actor::Program, carol.id).await);
    assert_eq!((soon.reason(), soon.retry_after()), (Reason::TooSoon, Some(60)));
    w.run_worker().await.unwrap();
    let new = w.mailbox.last_link(ADDRESS).unwrap();
    assert_eq!(refused(set(&w, &old).await).reason(), Reason::ChallengeDead);
    set(&w, &new).await.unwrap();
    assert!(signs_in(&w, &carol.login).await);
}

#[tokio::test]
async fn an_address_that_somebody_else_confirmed_meanwhile_is_not_taken_from_him() {
    let (w, account, carol, token) = invited().await;
    w.user(&account, "first", Some(ADDRESS)).await.unwrap();
    assert_eq!(refused(set(&w, &token).await).reason(), Reason::AddressTaken);
    assert!(!signs_in(&w, &carol.login).await, "nothing was set");
    assert!(w.security.users().get(carol.id).await.unwrap().email.is_none());
}

#[tokio::test]
async fn who_is_disabled_or_blocked_gets_nothing_out_of_a_link() {
    let (w, _, carol, token) = invited().await;
    w.security.rights().set_disabled(Actor::Program, carol.id, true).await.unwrap();
    assert_eq!(refused(set(&w, &token).await).reason(), Reason::ChallengeDead);
    w.security.invitation().send(Actor::Program, carol.id).await.unwrap_err();

    let (w, account, carol, token) = invited().await;
    w.security.accounts().set_blocked(account.id, true).await.unwrap();
    assert_eq!(refused(set(&w, &token).await).reason(), Reason::ChallengeDead);
    let blocked = refused(w.security.invitation().send(Actor::Program, carol.id).await);
    assert_eq!((blocked.reason(), blocked.missing()), (Reason::NotAllowed, [Gate::Blocked].as_slice()));
}

#[tokio::test]
async fn an_invitation_takes_the_right_and_an_address() {
    let (w, account, carol, _) = invited().await;
    let admin = w.user(&account, "admin", None).await.unwrap();
    let by = Actor::Session(w.sign_in(&admin).await.unwrap().id);
    let send = async || w.security.invitation().send(by, carol.id).await;
    assert_eq!(refused(send().await).reason(), Reason::NotFound);
    let grant = async |rights: &[AccessRight]| {
        let rights = rights.iter().copied().collect();
        w.security.rights().grant_on_user(Actor::Program, carol.id, admin.id, &rights).await.unwrap();
    };
    grant(&[AccessRight::View]).await;
    assert_eq!(refused(send().await).missing(), [Gate::Right(AccessRight::EditFlags)]);
    grant(&[AccessRight::View, AccessRight::EditFlags]).await;
    send().await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 1);

    let nowhere = NewUser::new(Login::parse("dora").unwrap(), account.id);
    let nowhere = w.security.users().create(nowhere).await.unwrap();
    let missing = refused(w.security.invitation().send(Actor::Program, nowhere.id).await);
    assert_eq!(missing.missing(), [Gate::EmailUnconfirmed]);
}

#[tokio::test]
async fn a_confirmed_address_is_not_passed_over_for_a_waiting_one() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
    carol.confirmed_email = Some(Email::parse(ADDRESS).unwrap());
    let carol = w.security.users().create(carol).await.unwrap();
    let change = portcullis::manage::UserChange::default().email(Email::parse("other@example.com").unwrap());
    w.security.manage(Actor::Program).change_user(carol.id, &change).await.unwrap();
    w.security.invitation().send(Actor::Program, carol.id).await.unwrap();
    w.run_worker().await.unwrap();
    assert!(w.mailbox.last_link("other@example.com").is_none());
    set(&w, &w.mailbox.last_link(ADDRESS).unwrap()).await.unwrap();
    assert!(signs_in(&w, &carol.login).await);
}

#[tokio::test]
async fn who_has_a_password_or_an_address_is_not_invited_at_his_creation() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let mut new = NewUser::new(Login::parse("carol").unwrap(), account.id);
    new.invited_email = Some(Email::parse(ADDRESS).unwrap());
    new.confirmed_email = Some(Email::parse("other@example.com").unwrap());
    match w.security.users().create(new).await {
        Err(Error::Input(error)) => {
            assert_eq!((error.field(), error.code()), ("email", "invalid_invitation"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_administrator_gets_in_by_the_link_alone_and_only_once() {
    let w = World::new();
    let (root, address) = (Login::parse("root").unwrap(), Email::parse(ADDRESS).unwrap());
    let made = w.security.bootstrap("Fleet", &root, &address).await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 0, "nothing is mailed");
    assert_eq!(made.valid_until - w.now(), TimeDelta::hours(72));
    assert_eq!((made.account.name.as_str(), made.user.flags.clone()), ("Fleet", Flags::all()));
    let shown = format!("{made:?}");
    let token = made.link.expose().rsplit_once('/').unwrap().1;
    assert!(!shown.contains(token), "the link is not in `Debug`");
    let trail = w.security.audit(made.user.id, Page { after: None, limit: 100 }).await.unwrap();
    assert!(!format!("{trail:?}").contains(token));
    set(&w, &LinkToken::parse(token).unwrap()).await.unwrap();
    let SignInResult::Admitted(admitted) =
        w.security.sign_in().start(&root, &typed(NEW), &attempt()).await.unwrap()
    else {
        panic!("a password is enough")
    };
    let mut next = NewUser::new(Login::parse("second").unwrap(), made.account.id);
    next.flags = Flags::all();
    let by = Actor::Session(admitted.session.id);
    w.security.manage(by).create_user(next).await.unwrap();

    let again = w.security.bootstrap("Other", &Login::parse("other").unwrap(), &address).await;
    assert_eq!(refused(again).reason(), Reason::AlreadySetUp);
    let elsewhere = World::new();
    elsewhere.account("any").await.unwrap();
    let late = elsewhere.security.bootstrap("Fleet", &root, &address).await;
    assert_eq!(refused(late).reason(), Reason::AlreadySetUp, "any top account is one");
}

#[tokio::test]
async fn a_shown_invitation_takes_the_place_of_the_mailed_one_and_is_told_to_nobody() {
    let (w, _, carol, mailed) = invited().await;
    let shown = w.security.invitation().show(carol.id).await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 0, "nothing is mailed");
    let token = shown.link.expose().rsplit_once('/').unwrap().1.to_owned();
    assert!(!format!("{shown:?}").contains(&token), "the link is not in `Debug`");
    let trail = w.security.audit(carol.id, Page { after: None, limit: 100 }).await.unwrap();
    let last = trail.iter().rfind(|event| event.action == "invited").unwrap();
    assert_eq!(last.reason.as_deref(), Some("shown"));
    assert!(!format!("{trail:?}").contains(&token));
    assert_eq!(refused(set(&w, &mailed).await).reason(), Reason::ChallengeDead, "the mailed one is dead");
    set(&w, &LinkToken::parse(&token).unwrap()).await.unwrap();
    assert!(signs_in(&w, &carol.login).await);
    let again = w.security.invitation().show(carol.id).await;
    assert_eq!(refused(again).reason(), Reason::InUse, "who has a password recovers it");
}

#[tokio::test]
async fn an_invitation_is_shown_again_and_again_until_it_is_used() {
    let (w, account, carol, _) = invited().await;
    let link = |shown: portcullis::invitation::ShownInvitation| {
        LinkToken::parse(shown.link.expose().rsplit_once('/').unwrap().1).unwrap()
    };
    let first = link(w.security.invitation().show(carol.id).await.unwrap());
    let second = link(w.security.invitation().show(carol.id).await.unwrap());
    assert!(w.security.recovery().peek(&first).await.is_err(), "one is alive at a time");
    assert!(w.security.recovery().peek(&second).await.is_ok());
    let nobody = w.user(&account, "dora", None).await.unwrap();
    let none = NewUser::new(Login::parse("erin").unwrap(), account.id);
    let none = w.security.users().create(none).await.unwrap();
    assert_eq!(refused(w.security.invitation().show(nobody.id).await).reason(), Reason::InUse);
    let missing = refused(w.security.invitation().show(none.id).await);
    assert_eq!(missing.missing(), [Gate::EmailUnconfirmed]);
    w.security.accounts().set_blocked(account.id, true).await.unwrap();
    let missing = refused(w.security.invitation().show(carol.id).await);
    assert_eq!(missing.missing(), [Gate::Blocked]);
}

fn new_user(login: &str, account: &Account, invited: &str) -> NewUser {
    let mut new = NewUser::new(Login::parse(login).unwrap(), account.id);
    new.invited_email = Some(Email::parse(invited).unwrap());
    new
}

#[tokio::test]
async fn one_address_is_invited_five_times_a_day_whoever_invites() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let limit = w.security.policy().invitations_per_address;
    assert_eq!((limit.count, limit.within), (5, TimeDelta::hours(24)));
    let first = w.security.users().create(new_user("u0", &account, ADDRESS)).await.unwrap();
    for nth in 1..4 {
        w.security.users().create(new_user(&format!("u{nth}"), &account, "Carol@Example.com")).await.unwrap();
    }
    w.security.invitation().send(Actor::Program, first.id).await.unwrap();
    w.advance(TimeDelta::hours(1));
    let full = refused(w.security.users().create(new_user("u5", &account, ADDRESS)).await);
    assert_eq!((full.reason(), full.retry_after()), (Reason::TooSoon, Some(23 * 3600)));
    let by_login = w.security.users().by_login(&Login::parse("u5").unwrap()).await;
    assert_eq!(refused(by_login).reason(), Reason::NotFound, "nothing was created");
    // Sending again is told how long that lasts, too, though the address is known from the user alone.
    let again = refused(w.security.invitation().send(Actor::Program, first.id).await);
    assert_eq!((again.reason(), again.retry_after()), (Reason::TooSoon, Some(23 * 3600)));
    w.security.users().create(new_user("u6", &account, "other@example.com")).await.unwrap();
    w.run_worker().await.unwrap();
    // The second one to the first user kills his first before it leaves.
    assert_eq!((w.mailbox.to(ADDRESS).len(), w.mailbox.to("Carol@Example.com").len()), (1, 3));
    w.advance(TimeDelta::hours(23));
    w.security.users().create(new_user("u5", &account, ADDRESS)).await.unwrap();
}

#[tokio::test]
async fn what_one_tenant_sends_to_an_address_is_nothing_to_another() {
    let w = World::new();
    let (ours, theirs) = (w.account("ours").await.unwrap(), w.account("theirs").await.unwrap());
    for nth in 0..5 {
        w.security.users().create(new_user(&format!("t{nth}"), &theirs, ADDRESS)).await.unwrap();
    }
    let full = refused(w.security.users().create(new_user("t5", &theirs, ADDRESS)).await);
    assert_eq!(full.reason(), Reason::TooSoon);
    for nth in 0..5 {
        w.security.users().create(new_user(&format!("u{nth}"), &ours, ADDRESS)).await.unwrap();
    }
    let full = refused(w.security.users().create(new_user("u5", &ours, ADDRESS)).await);
    assert_eq!(full.reason(), Reason::TooSoon, "its own budget holds");
    w.run_worker().await.unwrap();
    assert_eq!(w.mailbox.to(ADDRESS).len(), 10);
}

#[tokio::test]
async fn a_flood_of_one_users_dead_links_mutes_no_other_trail() {
    let (w, account, carol, old) = invited().await;
    w.security.invitation().send(Actor::Program, carol.id).await.unwrap();
    let dave = w.security.users().create(new_user("dave", &account, "dave@example.com")).await.unwrap();
    w.run_worker().await.unwrap();
    let of_dave = w.mailbox.last_link("dave@example.com").unwrap();
    for _ in 0..40 {
        assert_eq!(refused(set(&w, &old).await).reason(), Reason::ChallengeDead);
    }
    set(&w, &of_dave).await.unwrap();
    assert_eq!(refused(set(&w, &of_dave).await).reason(), Reason::ChallengeDead);
    let trail = w.security.audit(dave.id, Page { after: None, limit: 1000 }).await.unwrap();
    assert!(trail.iter().any(|event| event.action == "link_refused"), "his own is told");
}

#[tokio::test]
async fn one_administrator_invites_so_many_in_an_hour() {
    let mut policy = Policy::default();
    policy.invitations_per_actor = Limit::new(2, TimeDelta::hours(1));
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let account = w.account("demo").await.unwrap();
    let admin = w.user(&account, "admin", None).await.unwrap();
    let all = AccessRight::ALL.into_iter().collect();
    w.security.rights().grant_on_account(Actor::Program, account.id, admin.id, &all).await.unwrap();
    let by = Actor::Session(w.sign_in(&admin).await.unwrap().id);
    let create = async |actor, nth: u32| {
        let new = new_user(&format!("u{nth}"), &account, &format!("u{nth}@example.com"));
        w.security.manage(actor).create_user(new).await
    };
    let first = create(by, 0).await.unwrap();
    w.security.invitation().send(by, first.id).await.unwrap();
    let full = refused(create(by, 1).await);
    assert_eq!((full.reason(), full.retry_after()), (Reason::TooSoon, Some(3600)));
    let second = create(Actor::Program, 2).await.unwrap();
    let sent = refused(w.security.invitation().send(by, second.id).await);
    assert_eq!((sent.reason(), sent.retry_after()), (Reason::TooSoon, Some(3600)));
    let mut quiet = new_user("quiet", &account, ADDRESS);
    quiet.invited_email = None;
    w.security.manage(by).create_user(quiet).await.unwrap();
}

#[tokio::test]
async fn a_newer_invitation_to_a_confirmed_address_kills_the_older_one_too() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
    carol.confirmed_email = Some(Email::parse(ADDRESS).unwrap());
    let carol = w.security.users().create(carol).await.unwrap();
    let invite = async || {
        w.security.invitation().send(Actor::Program, carol.id).await.unwrap();
        w.run_worker().await.unwrap();
        w.advance(w.security.policy().recovery_cool_down);
        w.mailbox.last_link(ADDRESS).unwrap()
    };
    let (old, new) = (invite().await, invite().await);
    assert!(w.security.recovery().peek(&old).await.is_err());
    assert_eq!(refused(set(&w, &old).await).reason(), Reason::ChallengeDead);
    set(&w, &new).await.unwrap();
    assert!(signs_in(&w, &carol.login).await);
}

#[tokio::test]
async fn a_flood_of_dead_links_fills_no_trail_and_stops_no_living_one() {
    let (w, _, carol, old) = invited().await;
    w.security.invitation().send(Actor::Program, carol.id).await.unwrap();
    w.run_worker().await.unwrap();
    let new = w.mailbox.last_link(ADDRESS).unwrap();
    let told = async || {
        let trail = w.security.audit(carol.id, Page { after: None, limit: 1000 }).await.unwrap();
        trail.iter().filter(|event| event.action == "link_refused").count()
    };
    for _ in 0..45 {
        assert_eq!(refused(set(&w, &old).await).reason(), Reason::ChallengeDead);
    }
    // The first one buries the link.
    assert_eq!(told().await, 31);
    set(&w, &new).await.unwrap();
    w.advance(w.security.policy().dead_links_per_source.within);
    assert_eq!(refused(set(&w, &old).await).reason(), Reason::ChallengeDead);
    assert_eq!(told().await, 32);
}

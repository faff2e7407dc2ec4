//! Stories of administrators: what they bring about, what they cannot, and what the user keeps to himself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::account::{Account, NewAccount, Period, Service};
use portcullis::challenge::PendingCode;
use portcullis::decision::{Reason, Refusal};
use portcullis::manage::{AccountChange, Holder, UserChange};
use portcullis::memory::MemoryStore;
use portcullis::policy::Policy;
use portcullis::port::store::{Page, Store};
use portcullis::rights::{AccessRight, Actor};
use portcullis::secret::Password;
use portcullis::sign_in::SignInResult;
use portcullis::testing::World;
use portcullis::testing::faulty::FaultyStore;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt, wrong_code};
use portcullis::user::{Flag, Flags, Login, NewUser, User};

fn refused<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => panic!("refused was expected, got {other:?}"),
        Ok(_) => panic!("refused was expected, got an answer"),
    }
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "password").unwrap()
}

/// Who manages an account, through a session of his own.
async fn manager(w: &World, account: &Account, login: &str) -> Actor {
    let admin = w.user(account, login, None).await.unwrap();
    let right = BTreeSet::from([AccessRight::ManageAccount]);
    w.security.rights().grant_on_account(Actor::Program, account.id, admin.id, &right).await.unwrap();
    Actor::Session(w.sign_in(&admin).await.unwrap().id)
}

async fn asked(w: &World, user: &User) -> PendingCode {
    match w.security.sign_in().start(&user.login, &password(PASSWORD), &attempt()).await.unwrap() {
        SignInResult::CodeRequired { code, .. } => code,
        SignInResult::Admitted(_) | _ => panic!("a code is asked"),
    }
}

#[tokio::test]
async fn a_reset_lets_the_user_alone_choose_his_password() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let admin = manager(&w, &account, "admin").await;
    let bob = w.user(&account, "bob", Some("bob@example.com")).await.unwrap();
    let session = w.sign_in(&bob).await.unwrap();
    w.security.rights().set_flags(Actor::Program, bob.id, Flags::default()).await.unwrap();
    w.security.manage(admin).send_recovery(bob.id).await.unwrap();
    assert!(w.security.sessions().current(session.id).await.is_ok(), "nothing has changed yet");
    w.run_worker().await.unwrap();
    let link = w.mailbox.last_link("bob@example.com").unwrap();
    let new = password("seven quiet lanterns");
    w.security.recovery().peek(&link).await.unwrap();
    w.security.recovery().set_password(&link, &new, &new, &attempt()).await.unwrap();
    assert!(w.security.sessions().current(session.id).await.is_err());
    let signed_in = w.security.sign_in().start(&bob.login, &new, &attempt()).await.unwrap();
    assert!(matches!(signed_in, SignInResult::Admitted(_)));
    let flags = w.security.users().get(bob.id).await.unwrap().flags;
    assert_eq!(flags, Flags::default(), "and his flags are as they were");
    let again = refused(w.security.recovery().set_password(&link, &new, &new, &attempt()).await);
    assert_eq!(again.reason(), Reason::ChallengeDead);
}

#[tokio::test]
async fn a_factor_that_wrong_codes_disabled_comes_back_by_an_administrator() {
    let mut policy = Policy::default();
    policy.code_disabled_after = 2;
    let options = WorldOptions { policy, store: Arc::new(MemoryStore::new()), ..WorldOptions::default() };
    let w = World::with(options);
    let account = w.account("demo").await.unwrap();
    let admin = manager(&w, &account, "admin").await;
    let bob = w.user(&account, "bob", Some("bob@example.com")).await.unwrap();
    let session = w.sign_in(&bob).await.unwrap();
    w.switch_on(session.id, &bob).await.unwrap();
    let code = asked(&w, &bob).await;
    w.run_worker().await.unwrap();
    let right = w.code_of(&bob).await.unwrap();
    let enter =
        async |entered| refused(w.security.sign_in().code(code.id, entered, &attempt(), None).await).reason();
    let wrong = wrong_code(&right);
    assert_eq!(enter(&wrong).await, Reason::WrongCode);
    assert_eq!(enter(&wrong).await, Reason::WrongCode);
    assert_eq!(enter(&right).await, Reason::Locked, "the right one too");
    w.security.manage(admin).remove_two_factor(bob.id).await.unwrap();
    w.run_worker().await.unwrap();
    assert!(w.mailbox.to("bob@example.com").last().unwrap().subject.to_lowercase().contains("two-factor"));
    let session = w.sign_in(&bob).await.unwrap();
    let session = w.switch_on(session.id, &bob).await.unwrap();
    assert_eq!(session.assurance.name(), "password_email");
    let code = asked(&w, &bob).await;
    w.run_worker().await.unwrap();
    let right = w.code_of(&bob).await.unwrap();
    w.security.sign_in().code(code.id, &right, &attempt(), None).await.unwrap();
}

#[tokio::test]
async fn who_was_made_by_a_manager_makes_nothing_greater_than_himself() {
    let w = World::new();
    let top = w.account("top").await.unwrap();
    let low = w.security.accounts().create(NewAccount::named("low").under(top.id)).await.unwrap();
    let manage = w.security.manage(manager(&w, &top, "admin").await);
    let deputy = w.user(&low, "deputy", None).await.unwrap();
    let flags = Flags::default().with(Flag::CreateItems, true);
    w.security.rights().set_flags(Actor::Program, deputy.id, flags).await.unwrap();
    manage.grant(low.id.uuid(), deputy.id, &[AccessRight::ManageAccount].into()).await.unwrap();
    let session = w.sign_in(&deputy).await.unwrap();
    let manage = w.security.manage(Actor::Session(session.id));
    let mut new = NewUser::new(Login::parse("clerk").unwrap(), low.id);
    new.flags = Flags::all();
    let refusal = refused(manage.create_user(new.clone()).await);
    assert_eq!(refusal.missing().len(), 3, "{refusal:?}");
    new.flags = Flags::default();
    let clerk = manage.create_user(new).await.unwrap();
    assert_eq!(clerk.creator, Some(deputy.id));
    let change = UserChange::default().flag(Flag::SendSms, true);
    assert_eq!(refused(manage.change_user(clerk.id, &change).await).reason(), Reason::NotAllowed);
    let above = NewUser::new(Login::parse("other").unwrap(), top.id);
    assert_eq!(refused(manage.create_user(above).await).reason(), Reason::NotFound);
}

#[tokio::test]
async fn the_manager_of_a_dealer_gains_nothing_by_an_account_below() {
    let w = World::new();
    let daily = |quota| Service::on(Some(quota), Period::Day);
    let top = NewAccount::named("top").with_service("sms", daily(1000));
    let top = w.security.accounts().create(top).await.unwrap();
    let program = w.security.manage(Actor::Program);
    let dealer = NewAccount::named("dealer").under(top.id).with_service("sms", daily(10));
    let dealer = program.create_account(dealer).await.unwrap().id;
    let change = AccountChange::default();
    program.change_account(dealer, &change.clone().dealer(true)).await.unwrap();

    let own = w.security.accounts().get(dealer).await.unwrap();
    let admin = w.user(&own, "admin", None).await.unwrap();
    let rights = BTreeSet::from([AccessRight::View, AccessRight::ManageAccount]);
    w.security.rights().grant_on_account(Actor::Program, dealer, admin.id, &rights).await.unwrap();
    let manage = w.security.manage(Actor::Session(w.sign_in(&admin).await.unwrap().id));
    let refusal = refused(manage.change_account(dealer, &change.clone().service("sms", daily(900))).await);
    assert_eq!(refusal.reason(), Reason::NotAllowed);
    let low = NewAccount::named("low").under(dealer).with_service("sms", daily(900));
    let low = manage.create_account(low).await.unwrap();
    assert_eq!((low.services["sms"], low.in_force["sms"]), (daily(900), daily(10)));
    program.change_account(dealer, &change.service("sms", Service::off())).await.unwrap();
    assert!(!manage.account(low.id).await.unwrap().in_force["sms"].on);
}

#[tokio::test]
async fn a_page_shows_whom_one_sees_and_skips_others_without_a_trace() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let clerk = w.user(&account, "clerk", None).await.unwrap();
    let session = w.sign_in(&clerk).await.unwrap();
    let view = BTreeSet::from([AccessRight::View]);
    w.security.rights().grant_on_account(Actor::Program, account.id, clerk.id, &view).await.unwrap();
    let mut visible = BTreeSet::from([clerk.id]);
    for nth in 0..12 {
        let new = NewUser::new(Login::parse(&format!("u{nth}")).unwrap(), account.id);
        let user = w.security.users().create(new).await.unwrap();
        if nth % 3 == 0 {
            w.security.rights().grant_on_user(Actor::Program, user.id, clerk.id, &view).await.unwrap();
            visible.insert(user.id);
        }
    }
    let manage = w.security.manage(Actor::Session(session.id));
    let mut seen = Vec::new();
    let mut page = Page { after: None, limit: 2 };
    loop {
        let found = manage.users(Some(account.id), page).await.unwrap();
        assert!(found.users.len() <= 2);
        seen.extend(found.users.iter().map(|user| user.id));
        let Some(next) = found.next else { break };
        assert!(visible.contains(&next), "the mark of a page is one of those seen");
        page.after = Some(next.uuid());
    }
    assert_eq!(seen, visible.into_iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn one_page_reads_a_bounded_number_of_users_whoever_is_seen() {
    let mut policy = Policy::default();
    policy.page_longest = 10;
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let w = World::with(WorldOptions { store: shared, policy, ..WorldOptions::default() });
    let account = w.account("demo").await.unwrap();
    let clerk = w.user(&account, "clerk", None).await.unwrap();
    let session = w.sign_in(&clerk).await.unwrap();
    let view = BTreeSet::from([AccessRight::View]);
    w.security.rights().grant_on_account(Actor::Program, account.id, clerk.id, &view).await.unwrap();
    let mut hidden = BTreeSet::new();
    for nth in 0..35 {
        w.advance(TimeDelta::milliseconds(1));
        let new = NewUser::new(Login::parse(&format!("u{nth}")).unwrap(), account.id);
        hidden.insert(w.security.users().create(new).await.unwrap().id);
    }
    let last = NewUser::new(Login::parse("last").unwrap(), account.id);
    let last = w.security.users().create(last).await.unwrap();
    w.security.rights().grant_on_user(Actor::Program, last.id, clerk.id, &view).await.unwrap();
    let manage = w.security.manage(Actor::Session(session.id));
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut page = Page { after: None, limit: 1000 };
    loop {
        store.reset();
        let found = manage.users(None, page).await.unwrap();
        assert_eq!((store.lists(), store.reads()), (1, 1), "one page is one list");
        pages += 1;
        seen.extend(found.users.iter().map(|user| user.id));
        let Some(next) = found.next else { break };
        assert!(!hidden.contains(&next), "nobody unseen is named");
        page.after = Some(next.uuid());
    }
    assert_eq!((seen, pages), (vec![clerk.id, last.id], 5), "ten at a time, less those that come again");
}

#[tokio::test]
async fn who_may_let_others_have_rights_sees_who_has_them_and_nobody_else_does() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let mut users = Vec::new();
    for login in ["alice", "bob", "carol"] {
        users.push(w.user(&account, login, None).await.unwrap());
    }
    let [alice, bob, carol] = users.try_into().unwrap();
    let rights = w.security.rights();
    let manage_access = BTreeSet::from([AccessRight::View, AccessRight::ManageAccess]);
    let view = BTreeSet::from([AccessRight::View]);
    rights.grant_on_user(Actor::Program, alice.id, bob.id, &manage_access).await.unwrap();
    rights.grant_on_user(Actor::Program, alice.id, carol.id, &view).await.unwrap();
    rights.grant_on_account(Actor::Program, account.id, carol.id, &view).await.unwrap();
    let (bobs, carols) = (w.sign_in(&bob).await.unwrap(), w.sign_in(&carol).await.unwrap());
    let as_bob = w.security.manage(Actor::Session(bobs.id));
    let as_carol = w.security.manage(Actor::Session(carols.id));

    let named = async || {
        let shown = as_bob.user(alice.id).await.unwrap().rights.unwrap();
        let login = |holder: &Holder| holder.login.as_ref().map(|login| login.as_str().to_owned());
        shown.iter().map(|holder| (holder.user, login(holder), holder.rights.clone())).collect::<Vec<_>>()
    };
    let himself = (bob.id, Some("bob".to_owned()), manage_access);
    assert_eq!(named().await, [himself.clone(), (carol.id, None, view.clone())], "he may not see carol");
    rights.grant_on_user(Actor::Program, carol.id, bob.id, &view).await.unwrap();
    assert_eq!(named().await, [himself, (carol.id, Some("carol".to_owned()), view.clone())]);
    assert_eq!(as_carol.user(alice.id).await.unwrap().rights, None);
    assert_eq!(as_carol.account(account.id).await.unwrap().rights, None);
    let program = w.security.manage(Actor::Program);
    let shown = program.account(account.id).await.unwrap().rights.unwrap();
    assert_eq!((shown.len(), shown[0].user, shown[0].rights.clone()), (1, carol.id, view));
    assert_eq!(shown[0].login.as_ref().map(Login::as_str), Some("carol"));
    assert_eq!(program.user(bob.id).await.unwrap().rights.unwrap(), []);
    let page = Page { after: None, limit: 10 };
    let listed = program.users(Some(account.id), page).await.unwrap();
    assert!(listed.users.iter().all(|user| user.rights.is_none()), "a list reads nobody beside");
}

#[tokio::test]
async fn everything_below_an_account_is_one_list_whatever_its_shape() {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let w = World::with(WorldOptions { store: shared, ..WorldOptions::default() });
    let top = w.account("demo").await.unwrap();
    let program = w.security.manage(Actor::Program);
    let mut made = Vec::new();
    let mut above = top.id;
    for nth in 0..12 {
        let account = NewAccount::named(format!("a{nth}")).under(above).dealer();
        let account = program.create_account(account).await.unwrap();
        if nth % 3 == 0 {
            above = account.id;
        }
        made.push(account.id);
    }
    w.account("another").await.unwrap();
    let admin = w.user(&top, "admin", None).await.unwrap();
    let rights = BTreeSet::from([AccessRight::View, AccessRight::ManageAccount]);
    w.security.rights().grant_on_account(Actor::Program, made[0], admin.id, &rights).await.unwrap();
    let session = w.sign_in(&admin).await.unwrap();
    let manage = w.security.manage(Actor::Session(session.id));

    made.sort_unstable();
    let whole = Page { after: None, limit: 1000 };
    store.reset();
    let all = program.all_below(Some(top.id), whole).await.unwrap();
    assert_eq!((store.lists(), store.reads()), (1, 1));
    assert_eq!(
        (all.accounts.iter().map(|account| account.id).collect::<Vec<_>>(), all.next),
        (made.clone(), None)
    );
    assert_eq!(program.all_below(None, whole).await.unwrap().accounts.len(), 14, "all there are");

    // He manages the first one made, and so what is below it; his own account he may not see.
    let seen = manage.all_below(None, whole).await.unwrap();
    assert_eq!(seen.accounts.len(), 12, "a0 holds all that were made after it");
    let mut paged = Vec::new();
    let mut page = Page { after: None, limit: 5 };
    loop {
        store.reset();
        let found = manage.all_below(None, page).await.unwrap();
        assert!(store.lists() == 1 && store.reads() <= 2, "those between are read at once");
        paged.extend(found.accounts);
        let Some(next) = found.next else { break };
        page.after = Some(next.uuid());
    }
    assert_eq!(paged, seen.accounts);
    assert_eq!(refused(manage.all_below(Some(top.id), whole).await).reason(), Reason::NotFound);
}

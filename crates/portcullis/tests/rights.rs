//! Who may do what to whom, as one table: every kind of actor, every action, every target. The table is
//! `tests/rights.golden`; a change of it is a change of the rules, to be read line by line.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portcullis::Error;
use portcullis::account::{Account, NewAccount, TimeZone};
use portcullis::contact::Email;
use portcullis::decision::Refusal;
use portcullis::id::SessionId;
use portcullis::language::Language;
use portcullis::manage::{AccountChange, UserChange};
use portcullis::port::store::Page;
use portcullis::rights::{AccessRight, Action, Actor, Gate};
use portcullis::testing::World;
use portcullis::user::{Flag, Flags, Login, NewUser, User};

struct Scene {
    world: World,
    top: Account,
    low: Account,
    bob: User,
    to: User,
}

async fn scene() -> Scene {
    let world = World::new();
    let top = world.account("top").await.unwrap();
    let low =
        world.security.accounts().create(NewAccount::named("low").under(top.id).dealer()).await.unwrap();
    let bob = world.user(&low, "bob", Some("bob@example.com")).await.unwrap();
    world.security.rights().set_flags(Actor::Program, bob.id, Flags::default()).await.unwrap();
    let to = world.user(&low, "to", None).await.unwrap();
    Scene { world, top, low, bob, to }
}

fn set(rights: &[AccessRight]) -> BTreeSet<AccessRight> {
    rights.iter().copied().collect()
}

/// An actor: where he is, the rights he holds on bob and his account, on which account, and his flags.
struct Kind {
    name: String,
    on_bob: BTreeSet<AccessRight>,
    on_low: BTreeSet<AccessRight>,
    on_top: BTreeSet<AccessRight>,
    elsewhere: bool,
    /// Bob himself, as he is.
    himself: bool,
    flags: Flags,
}

fn kinds() -> Vec<Kind> {
    let none = || Kind {
        name: String::from("nobody"),
        on_bob: BTreeSet::new(),
        on_low: BTreeSet::new(),
        on_top: BTreeSet::new(),
        elsewhere: false,
        himself: false,
        flags: Flags::all(),
    };
    let mut kinds = vec![none()];
    for right in AccessRight::ALL {
        let held = set(&[AccessRight::View, right]);
        let name = format!("view+{}", right.name());
        kinds.push(Kind { name, on_bob: held.clone(), on_low: held, ..none() });
    }
    for right in AccessRight::ALL {
        let name = format!("{} above", right.name());
        kinds.push(Kind { name, on_top: set(&[right]), ..none() });
    }
    let all = set(&AccessRight::ALL);
    kinds.push(Kind { name: "manager below".into(), on_low: set(&[AccessRight::ManageAccount]), ..none() });
    for flag in Flag::ALL {
        let flags = Flags::all().with(flag, false);
        kinds.push(Kind { name: format!("all but {flag:?}"), on_bob: all.clone(), flags, ..none() });
    }
    kinds.push(Kind {
        name: "other tenant, all rights".into(),
        on_bob: all.clone(),
        on_low: all.clone(),
        on_top: all,
        elsewhere: true,
        ..none()
    });
    for flag in Flag::ALL {
        let (flags, on_top) = (Flags::all().with(flag, false), set(&[AccessRight::ManageAccount]));
        kinds.push(Kind { name: format!("manager, no {flag:?}"), on_top, flags, ..none() });
    }
    kinds.push(Kind { name: "bob himself".into(), himself: true, ..none() });
    kinds
}

fn actions() -> Vec<(String, Action)> {
    let mut actions = vec![
        (String::from("see"), Action::SeeUser),
        (String::from("see the trail"), Action::SeeTrail),
        (String::from("language"), Action::ChangeSettings),
        (String::from("address"), Action::ChangeEmail),
        (String::from("end sessions"), Action::EndSessions),
        (String::from("remove the factor"), Action::RemoveTwoFactor),
        (String::from("send recovery"), Action::SendRecovery),
        (String::from("send an invitation"), Action::SendInvitation),
        (String::from("disable"), Action::SetDisabled(true)),
        (String::from("flags off"), Action::SetFlags(Flags::default())),
    ];
    for flag in Flag::ALL {
        let flags = Flags::default().with(flag, true);
        actions.push((format!("flag {flag:?}"), Action::SetFlags(flags)));
    }
    actions.push((String::from("revoke on bob"), Action::GrantOnUser(BTreeSet::new())));
    for right in AccessRight::ALL {
        actions.push((format!("grant {} on bob", right.name()), Action::GrantOnUser(set(&[right]))));
    }
    actions.push((String::from("see low"), Action::SeeAccount));
    actions.push((String::from("change low"), Action::ChangeAccount));
    actions.push((String::from("bill low"), Action::BillAccount));
    actions.push((String::from("account below low"), Action::CreateAccount));
    actions.push((String::from("user in low"), Action::CreateUser(Flags::default())));
    for flag in Flag::ALL {
        let flags = Flags::default().with(flag, true);
        actions.push((format!("user in low with {flag:?}"), Action::CreateUser(flags)));
    }
    actions.push((String::from("revoke on low"), Action::GrantOnAccount(BTreeSet::new())));
    for right in AccessRight::ALL {
        actions.push((format!("grant {} on low", right.name()), Action::GrantOnAccount(set(&[right]))));
    }
    actions
}

async fn signed_in(scene: &Scene, kind: &Kind, nth: usize) -> SessionId {
    let w = &scene.world;
    if kind.himself {
        return w.sign_in(&scene.bob).await.unwrap().id;
    }
    let account = if kind.elsewhere { w.account("elsewhere").await.unwrap() } else { scene.top.clone() };
    let actor = w.user(&account, &format!("actor{nth}"), None).await.unwrap();
    let rights = w.security.rights();
    rights.set_flags(Actor::Program, actor.id, kind.flags.clone()).await.unwrap();
    rights.grant_on_user(Actor::Program, scene.bob.id, actor.id, &kind.on_bob).await.unwrap();
    // Nobody grants to somebody he does not see.
    rights.grant_on_user(Actor::Program, scene.to.id, actor.id, &set(&[AccessRight::View])).await.unwrap();
    rights.grant_on_account(Actor::Program, scene.low.id, actor.id, &kind.on_low).await.unwrap();
    rights.grant_on_account(Actor::Program, scene.top.id, actor.id, &kind.on_top).await.unwrap();
    w.sign_in(&actor).await.unwrap().id
}

fn gates(missing: &[Gate]) -> String {
    let name = |gate: &Gate| gate.right().map_or(gate.name(), AccessRight::name);
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn refused(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.code(), gates(refusal.missing())).trim_end_matches(": ").to_owned()
}

fn told<T>(done: Result<T, Error>) -> String {
    match done {
        Ok(_) => String::from("yes"),
        Err(Error::Refused(refusal)) => refused(&refusal),
        Err(other) => panic!("{other:?}"),
    }
}

async fn done(scene: &Scene, session: SessionId, action: &Action) -> String {
    let (who, bob, low) = (Actor::Session(session), scene.bob.id, scene.low.id);
    let (rights, manage) = (scene.world.security.rights(), scene.world.security.manage(who));
    match action {
        Action::SeeUser => told(manage.user(bob).await),
        Action::SeeTrail => told(manage.trail(bob, Page { after: None, limit: 1 }).await),
        Action::ChangeSettings => {
            told(manage.change_user(bob, &UserChange::default().language(Language::RU)).await)
        }
        Action::ChangeEmail => {
            let new = Email::parse("new@example.com").unwrap();
            told(manage.change_user(bob, &UserChange::default().email(new)).await)
        }
        Action::EndSessions => told(manage.end_sessions(bob).await),
        Action::RemoveTwoFactor => told(manage.remove_two_factor(bob).await),
        Action::SendRecovery => told(manage.send_recovery(bob).await),
        Action::SendInvitation => match told(scene.world.security.invitation().send(who, bob).await) {
            // Bob has a password: that is said only to who has the right.
            told if told == "in_use" => String::from("yes"),
            told => told,
        },
        Action::SetFlags(flags) => told(rights.set_flags(who, bob, flags.clone()).await),
        Action::SetDisabled(disabled) => told(rights.set_disabled(who, bob, *disabled).await),
        Action::GrantOnUser(granted) => told(rights.grant_on_user(who, bob, scene.to.id, granted).await),
        Action::SeeAccount => told(manage.account(low).await),
        Action::ChangeAccount => {
            told(manage.change_account(low, &AccountChange::default().time_zone(TimeZone::UTC)).await)
        }
        Action::BillAccount => {
            told(manage.change_account(low, &AccountChange::default().blocked(false)).await)
        }
        Action::CreateAccount => told(manage.create_account(NewAccount::named("lower").under(low)).await),
        Action::CreateUser(flags) => {
            // A login of its own for each: a session's id and the switch.
            let flag = flags.iter().next().map_or(String::new(), |flag| format!("{flag:?}"));
            let login = format!("{}{flag}", session.uuid().simple());
            let mut new = NewUser::new(Login::parse(&login).unwrap(), low);
            new.flags = flags.clone();
            told(manage.create_user(new).await)
        }
        Action::GrantOnAccount(granted) => {
            told(rights.grant_on_account(who, low, scene.to.id, granted).await)
        }
        other => panic!("the table knows no {other:?}"),
    }
}

/// What an actor is told when he does it, and that he is told the same when he only asks.
async fn outcome(scene: &Scene, session: SessionId, action: &Action) -> String {
    let (rights, bob) = (scene.world.security.rights(), scene.bob.id);
    let before = scene.world.security.users().get(bob).await.unwrap();
    let told = done(scene, session, action).await;
    rights.set_flags(Actor::Program, bob, before.flags).await.unwrap();
    rights.set_disabled(Actor::Program, bob, false).await.unwrap();
    let on_low = matches!(
        action,
        Action::SeeAccount
            | Action::ChangeAccount
            | Action::BillAccount
            | Action::CreateAccount
            | Action::CreateUser(_)
            | Action::GrantOnAccount(_)
    );
    let verdict = if on_low {
        rights.verdict_on_account(session, action, scene.low.id).await
    } else {
        rights.verdict(session, action, bob).await
    };
    let asked = match verdict {
        Ok(verdict) if verdict.is_allowed() => String::from("yes"),
        Ok(verdict) => format!("not_allowed: {}", gates(verdict.missing())),
        Err(Error::Refused(refusal)) => refused(&refusal),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(asked, told, "asking tells what doing does: {action:?}");
    told
}

async fn table() -> String {
    let scene = scene().await;
    let mut table = String::new();
    for (nth, kind) in kinds().iter().enumerate() {
        // One sign-in after another from one address would look like a guesser's only if they failed.
        // The hour lets the budgets of messages begin anew.
        scene.world.advance(chrono::TimeDelta::hours(1));
        let session = signed_in(&scene, kind, nth).await;
        for (name, action) in actions() {
            let told = outcome(&scene, session, &action).await;
            writeln!(table, "{:<26} | {name:<32} | {told}", kind.name).unwrap();
        }
    }
    table
}

#[tokio::test]
async fn the_table_of_rights_is_the_golden_one() {
    let golden = include_str!("rights.golden");
    let table = table().await;
    for (nth, (found, expected)) in table.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", nth + 1);
    }
    assert_eq!(table.lines().count(), golden.lines().count());
}

#[test]
fn no_right_flag_action_or_gate_is_missing_in_the_table() {
    let golden = include_str!("rights.golden");
    for right in AccessRight::ALL {
        for target in ["bob", "low"] {
            let grant = format!("grant {} on {target}", right.name());
            assert_eq!(golden.matches(&grant).count(), kinds().len(), "{grant}");
        }
    }
    for flag in Flag::ALL {
        let (give, lacking) = (format!("flag {flag:?}"), format!("all but {flag:?}"));
        assert_eq!(golden.matches(&give).count(), kinds().len(), "{give}");
        let line = golden.lines().find(|line| line.starts_with(&lacking) && line.contains(&give)).unwrap();
        assert!(line.contains("not_allowed: "), "nobody grants what he lacks: {line}");
    }
    let source = include_str!("../src/rights/rules.rs");
    let (_, variants) = source.split_once("pub enum Action {").unwrap();
    let variants = variants.split_once("\n}").unwrap().0.lines().map(str::trim);
    let name = |line: &str| line.split([',', '(']).next().unwrap_or_default().to_owned();
    let variants: BTreeSet<_> =
        variants.filter(|line| !line.is_empty() && !line.starts_with("//")).map(name).collect();
    let tried: BTreeSet<_> = actions().iter().map(|(_, action)| name(&format!("{action:?}"))).collect();
    assert!(variants.len() > 10 && variants == tried, "a row for each action: {variants:?} {tried:?}");
    let lines: Vec<_> = golden.lines().filter(|line| line.starts_with("other tenant")).collect();
    assert!(lines.len() == actions().len() && lines.iter().all(|line| line.ends_with("| not_found")));
}

//! Who may do what to whom, as one table: every kind of actor, every action, every target. The table is
//! `tests/rights.golden`; a change of it is a change of the rules, to be read line by line.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portcullis::Error;
use portcullis::account::{Account, NewAccount};
use portcullis::decision::Refusal;
use portcullis::id::SessionId;
use portcullis::rights::{AccessRight, Action, Actor, Gate};
use portcullis::testing::World;
use portcullis::user::{Flag, Flags, User};

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
    let low = world.security.accounts().create(NewAccount::named("low").under(top.id)).await.unwrap();
    let bob = world.user(&low, "bob", None).await.unwrap();
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
    flags: Flags,
}

fn kinds() -> Vec<Kind> {
    let none = || Kind {
        name: String::from("nobody"),
        on_bob: BTreeSet::new(),
        on_low: BTreeSet::new(),
        on_top: BTreeSet::new(),
        elsewhere: false,
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
    kinds
}

fn actions() -> Vec<(String, Action)> {
    let mut actions = vec![
        (String::from("see"), Action::SeeUser),
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
    actions.push((String::from("revoke on low"), Action::GrantOnAccount(BTreeSet::new())));
    for right in AccessRight::ALL {
        actions.push((format!("grant {} on low", right.name()), Action::GrantOnAccount(set(&[right]))));
    }
    actions
}

async fn signed_in(scene: &Scene, kind: &Kind, nth: usize) -> SessionId {
    let w = &scene.world;
    let account = if kind.elsewhere { w.account("elsewhere").await.unwrap() } else { scene.top.clone() };
    let actor = w.user(&account, &format!("actor{nth}"), None).await.unwrap();
    let rights = w.security.rights();
    rights.set_flags(Actor::Program, actor.id, kind.flags.clone()).await.unwrap();
    rights.grant_on_user(Actor::Program, scene.bob.id, actor.id, &kind.on_bob).await.unwrap();
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

/// What an actor is told when he does it, and that he is told the same when he only asks.
async fn outcome(scene: &Scene, session: SessionId, action: &Action) -> String {
    let (rights, bob) = (scene.world.security.rights(), scene.bob.id);
    let who = Actor::Session(session);
    let before = scene.world.security.users().get(bob).await.unwrap();
    let done = match action {
        Action::SeeUser => rights.verdict(session, action, bob).await.and_then(|verdict| {
            if verdict.is_allowed() {
                Ok(())
            } else {
                Err(Refusal::not_allowed(verdict.into_missing()).into())
            }
        }),
        Action::SetFlags(flags) => rights.set_flags(who, bob, flags.clone()).await.map(drop),
        Action::SetDisabled(disabled) => rights.set_disabled(who, bob, *disabled).await.map(drop),
        Action::GrantOnUser(granted) => rights.grant_on_user(who, bob, scene.to.id, granted).await,
        Action::GrantOnAccount(granted) => {
            rights.grant_on_account(who, scene.low.id, scene.to.id, granted).await
        }
        other => panic!("the table knows no {other:?}"),
    };
    let told = match done {
        Ok(()) => String::from("yes"),
        Err(Error::Refused(refusal)) => refused(&refusal),
        Err(other) => panic!("{other:?}"),
    };
    rights.set_flags(Actor::Program, bob, before.flags).await.unwrap();
    rights.set_disabled(Actor::Program, bob, false).await.unwrap();
    if !matches!(action, Action::GrantOnAccount(_)) {
        let asked = match rights.verdict(session, action, bob).await {
            Ok(verdict) if verdict.is_allowed() => String::from("yes"),
            Ok(verdict) => format!("not_allowed: {}", gates(verdict.missing())),
            Err(Error::Refused(refusal)) => refused(&refusal),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(asked, told, "asking tells what doing does: {action:?}");
    }
    told
}

async fn table() -> String {
    let scene = scene().await;
    let mut table = String::new();
    for (nth, kind) in kinds().iter().enumerate() {
        // One sign-in after another from one address would look like a guesser's only if they failed.
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
    let lines: Vec<_> = golden.lines().filter(|line| line.starts_with("other tenant")).collect();
    assert!(lines.len() == actions().len() && lines.iter().all(|line| line.ends_with("| not_found")));
}

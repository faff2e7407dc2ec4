//! What `may` says of an act is what the act answers, gate for gate.

use portcullis::rights::{AccessRight, Actor};
use serde_json::{Value, json};

use crate::client::Site;
use crate::office::Office;

/// Each act on a user by the name of its verdict: method, what follows the user in the path, and body. None changes
/// what another one is judged by; the one that may end the acting session is the last.
fn on_user(user: &Value) -> Vec<(&'static str, &'static str, String, Value)> {
    let id = user["id"].as_str().unwrap();
    let at = |tail: &str| format!("/users/{id}{tail}");
    vec![
        ("edit_flags", "PATCH", at(""), json!({"flags": {"send_sms": user["flags"]["send_sms"]}})),
        ("change_settings", "PATCH", at(""), json!({"language": user["language"]})),
        ("change_email", "PATCH", at(""), json!({"email": "another@example.com"})),
        ("see_trail", "GET", format!("/audit?user={id}"), Value::Null),
        ("remove_two_factor", "DELETE", at("/two-factor"), Value::Null),
        ("send_recovery", "POST", at("/recovery"), Value::Null),
        ("send_invitation", "POST", at("/invitation"), Value::Null),
        ("manage_access", "POST", at("/rights"), json!({"item": id, "rights": []})),
        ("end_sessions", "DELETE", at("/sessions"), Value::Null),
    ]
}

/// The same on an account; `other` is a user whom it gives no right.
fn on_account(account: &Value, other: &str) -> Vec<(&'static str, &'static str, String, Value)> {
    let id = account["id"].as_str().unwrap();
    vec![
        ("change", "PATCH", format!("/accounts/{id}"), json!({"name": account["name"]})),
        ("create_user", "POST", "/users".into(), json!({"login": format!("new.{id:.8}"), "account": id})),
        ("create_account", "POST", "/accounts".into(), json!({"name": "low", "parent": id})),
        ("manage_access", "POST", format!("/users/{other}/rights"), json!({"item": id, "rights": []})),
    ]
}

/// Tries each act, and gives how many verdicts allowed theirs and how many did not.
async fn tried(
    site: &mut Site,
    may: &Value,
    acts: Vec<(&'static str, &'static str, String, Value)>,
) -> (u32, u32) {
    let (mut allowed, mut refused) = (0, 0);
    for (name, method, path, body) in acts {
        let verdict = &may[name];
        let reply = site.send(method, &path, (!body.is_null()).then_some(body)).await;
        let what = format!("{name} says {verdict}, {method} {path} says {reply:?}");
        if verdict["allowed"] == true {
            assert!(reply.status != 403 && reply.status != 404, "{what}");
            allowed += 1;
        } else {
            assert_eq!(reply.refused(403, "not_allowed")["missing"], verdict["missing"], "{what}");
            refused += 1;
        }
    }
    (allowed, refused)
}

async fn tried_on_user(site: &mut Site, id: &str) -> (u32, u32) {
    let user = site.get(&format!("/users/{id}")).await.is(200).json();
    let acts = on_user(&user);
    let named: Vec<_> = acts.iter().map(|(name, ..)| *name).collect();
    let mut verdicts: Vec<_> = user["may"].as_object().unwrap().keys().map(String::as_str).collect();
    verdicts.retain(|name| !named.contains(name));
    assert_eq!(verdicts, Vec::<&str>::new(), "verdicts without an act");
    tried(site, &user["may"], acts).await
}

#[tokio::test]
async fn of_another_user_under_each_right() {
    for (right, allowed) in [
        (AccessRight::View, 0),
        (AccessRight::ViewDetails, 1),
        // All but a link to an address that she lacks.
        (AccessRight::EditFlags, 4),
        (AccessRight::EditOther, 2),
        (AccessRight::ManageAccess, 1),
    ] {
        let mut office = Office::open().await;
        office.as_bob(&[AccessRight::View, right]).await;
        let carol = office.carol.id.to_string();
        let counted = tried_on_user(&mut office.site, &carol).await;
        assert_eq!(counted, (allowed, 9 - allowed), "{right:?}");
    }
}

#[tokio::test]
async fn of_oneself_and_of_those_one_manages() {
    let mut office = Office::open().await;
    let (admin, carol) = (office.admin.id.to_string(), office.carol.id.to_string());
    assert_eq!(tried_on_user(&mut office.site, &carol).await, (8, 1), "all but a link to no address");
    assert_eq!(tried_on_user(&mut office.site, &admin).await, (8, 1), "all but the own factor");
    office.as_bob(&[]).await;
    let bob = office.bob.id.to_string();
    assert_eq!(tried_on_user(&mut office.site, &bob).await, (2, 7), "the own address and trail");
}

#[tokio::test]
async fn of_an_account_under_each_right() {
    for (right, allowed) in
        [(AccessRight::View, 0), (AccessRight::ManageAccess, 1), (AccessRight::ManageAccount, 2)]
    {
        let mut office = Office::open().await;
        let (child, rights) = (office.child.id, [AccessRight::View, right].into());
        let security = office.site.world.security.clone();
        security.rights().grant_on_account(Actor::Program, child, office.bob.id, &rights).await.unwrap();
        office.as_bob(&[AccessRight::View]).await;
        let account = office.site.get(&format!("/accounts/{child}")).await.is(200).json();
        let acts = on_account(&account, &office.carol.id.to_string());
        let counted = tried(&mut office.site, &account["may"], acts).await;
        assert_eq!(counted, (allowed, 4 - allowed), "{right:?}");
    }
}

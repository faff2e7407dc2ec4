//! Users, as an administrator manages them.

use portcullis::port::store::Page;
use portcullis::rights::{AccessRight, Actor};
use portcullis::user::{Flag, Flags, Login, NewUser};
use serde_json::{Value, json};

use crate::client::{ALICE, SESSION, Site, keys};
use crate::office::{NOBODY, Office, missing, yes};

fn names(page: &Value) -> Vec<&str> {
    page["users"].as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_new_user_has_what_was_granted_and_no_more() {
    let mut office = Office::open().await;
    let body = json!({
        "login": "dora", "account": office.child.id, "flags": {"send_sms": true, "create_items": false},
        "time_zone": "Europe/Riga", "language": "ru", "external_id": "crm-7",
    });
    let dora = office.site.post("/users", body).await.is(201).json();
    assert_eq!(
        keys(&dora),
        [
            "account",
            "blocked",
            "created_at",
            "creator",
            "email",
            "external_id",
            "flags",
            "id",
            "language",
            "login",
            "may",
            "password_set",
            "time_zone",
            "two_factor"
        ]
    );
    assert_eq!(
        dora["flags"],
        json!({"change_password": false, "send_sms": true, "change_settings": false, "create_items": false, "disabled": false})
    );
    assert_eq!((&dora["login"], &dora["account"]), (&json!("dora"), &json!(office.child.id)));
    assert_eq!((&dora["creator"], &dora["external_id"]), (&json!(office.admin.id), &json!("crm-7")));
    assert_eq!((&dora["language"], &dora["time_zone"]), (&json!("ru"), &json!("Europe/Riga")));
    assert_eq!(dora["email"], json!({"address": null, "confirmed": false}));
    assert_eq!(dora["two_factor"], json!({"method": "none"}));
    assert_eq!((&dora["password_set"], &dora["blocked"]), (&json!(false), &json!(false)));
    assert_eq!(dora["may"]["edit_flags"], yes());
    let path = format!("/users/{}", dora["id"].as_str().unwrap());
    let mut shown = office.site.get(&path).await.is(200).json();
    assert_eq!(shown.as_object_mut().unwrap().remove("rights"), Some(json!([])), "nobody has any yet");
    assert_eq!(shown, dora);
    let plain = json!({"login": "emil", "account": office.site.account.id});
    let emil = office.site.post("/users", plain).await.is(201).json();
    assert!(emil["flags"].as_object().unwrap().values().all(|on| on == false), "off unless granted");
    assert_eq!((&emil["language"], &emil["time_zone"]), (&json!("en"), &json!("UTC")));
}

#[tokio::test]
async fn a_user_is_not_created_without_every_gate() {
    let mut office = Office::open().await;
    let (demo, child) = (office.site.account.id, office.child.id);
    let taken = json!({"login": "carol", "account": demo});
    office.site.post("/users", taken).await.refused(409, "login_taken");
    let one = json!({"login": "f1", "account": demo, "external_id": "x"});
    office.site.post("/users", one).await.is(201);
    let two = json!({"login": "f2", "account": demo, "external_id": "x"});
    office.site.post("/users", two).await.refused(409, "external_id_taken");
    for nth in 0..6 {
        let invited = json!({"login": format!("i{nth}"), "account": demo, "email": "one@example.com"});
        let reply = office.site.post("/users", invited).await;
        if nth < 5 {
            reply.is(201);
        } else {
            let problem = reply.refused(429, "too_soon");
            assert_eq!(problem["retry_after"], 24 * 3600);
        }
    }
    // What another tenant uses is neither taken from it nor told of.
    let mut theirs = NewUser::new(Login::parse("gina").unwrap(), office.eve.account);
    theirs.external_id = Some("theirs".to_owned());
    let theirs = office.site.world.security.users().create(theirs).await.unwrap();
    let three = json!({"login": "f3", "account": demo, "external_id": "theirs"});
    let ours = office.site.post("/users", three).await.is(201).json();
    let users = office.site.world.security.users();
    for (tenant, id) in
        [(office.eve.tenant, theirs.id.to_string()), (demo, ours["id"].as_str().unwrap().to_owned())]
    {
        assert_eq!(users.by_external_id(tenant, "theirs").await.unwrap().id.to_string(), id);
    }
    for account in [json!(NOBODY), json!(office.eve.account), json!(office.bob.id)] {
        let body = json!({"login": "g", "account": account});
        office.site.post("/users", body).await.refused(404, "not_found");
    }
    let rights = office.site.world.security.clone();
    let flags = Flags::all().with(Flag::SendSms, false).with(Flag::CreateItems, false);
    rights.rights().set_flags(Actor::Program, office.admin.id, flags).await.unwrap();
    let body = json!({"login": "g", "account": child, "flags": {"send_sms": true, "change_password": true}});
    let refused = office.site.post("/users", body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["create_items", "send_sms"]);
    let seen = [AccessRight::View].into();
    rights.rights().grant_on_account(Actor::Program, child, office.bob.id, &seen).await.unwrap();
    office.as_bob(&[]).await;
    let body = json!({"login": "g", "account": child});
    let refused = office.site.post("/users", body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_account", "create_items"]);
    let body = json!({"login": "g", "account": demo});
    office.site.post("/users", body).await.refused(404, "not_found");
    let page = office.site.get("/users?login=g").await.is(200).json();
    assert_eq!(names(&page), Vec::<&str>::new(), "none of these made one");
}

#[tokio::test]
async fn what_is_sent_is_read_strictly() {
    let mut office = Office::open().await;
    let account = json!(office.site.account.id);
    for (body, field, code) in [
        (json!({"account": account}), "login", "missing"),
        (json!({"login": "", "account": account}), "login", "invalid_login"),
        (json!({"login": "x"}), "account", "missing"),
        (json!({"login": "x", "account": "demo"}), "account", "invalid_id"),
        (json!({"login": "x", "account": account, "email": "x"}), "email", "invalid_email"),
        (json!({"login": "x", "account": account, "password": "x"}), "password", "unknown_field"),
        (json!({"login": "x", "account": account, "id": NOBODY}), "id", "unknown_field"),
        (json!({"login": "x", "account": account, "creator": NOBODY}), "creator", "unknown_field"),
        (json!({"login": "x", "account": account, "flags": {"disabled": true}}), "disabled", "unknown_field"),
        (json!({"login": "x", "account": account, "flags": {"send_sms": 1}}), "send_sms", "invalid_type"),
        (json!({"login": "x", "account": account, "flags": []}), "flags", "invalid_type"),
        (json!({"login": "x", "account": account, "time_zone": "Riga"}), "time_zone", "invalid_time_zone"),
        (json!({"login": "x", "account": account, "language": "?"}), "language", "invalid_language"),
        (json!({"login": "x", "account": account, "external_id": ""}), "external_id", "invalid_external_id"),
    ] {
        office.site.post("/users", body).await.unfit(field, code);
    }
    let path = format!("/users/{}", office.bob.id);
    for (body, field, code) in [
        (json!({"login": "x"}), "login", "unknown_field"),
        (json!({"disabled": true}), "disabled", "unknown_field"),
        (json!({"flags": {"root": true}}), "root", "unknown_field"),
        (json!({"flags": {"disabled": "no"}}), "disabled", "invalid_type"),
        (json!({"email": "bob"}), "email", "invalid_email"),
        (json!({"time_zone": "Riga"}), "time_zone", "invalid_time_zone"),
        (json!({"language": 7}), "language", "invalid_type"),
    ] {
        office.patch(&path, body).await.unfit(field, code);
    }
    let rights = format!("{path}/rights");
    for (body, field, code) in [
        (json!({"rights": []}), "item", "missing"),
        (json!({"item": "x", "rights": []}), "item", "invalid_id"),
        (json!({"item": format!(" {NOBODY}"), "rights": []}), "item", "invalid_id"),
        (json!({"item": NOBODY}), "rights", "missing"),
        (json!({"item": NOBODY, "rights": "view"}), "rights", "invalid_type"),
        (json!({"item": NOBODY, "rights": ["own"]}), "rights", "invalid_right"),
        (json!({"item": NOBODY, "rights": [], "to": 1}), "to", "unknown_field"),
    ] {
        office.site.post(&rights, body).await.unfit(field, code);
    }
    for (query, field, code) in [
        ("login=", "login", "invalid_login"),
        ("account=demo", "account", "invalid_query"),
        ("after=1", "after", "invalid_query"),
        ("limit=0", "limit", "invalid_query"),
        ("limit=1001", "limit", "invalid_query"),
        ("name=bob", "name", "unknown_field"),
    ] {
        office.site.get(&format!("/users?{query}")).await.unfit(field, code);
    }
}

#[tokio::test]
async fn users_are_found_within_ones_accounts_alone() {
    let mut office = Office::open().await;
    let (demo, child) = (office.site.account.id, office.child.id);
    for (query, expected) in [
        (String::new(), vec!["admin", "bob"]),
        (format!("account={demo}"), vec!["admin", "bob"]),
        (format!("account={child}"), vec!["carol"]),
        ("login=carol".into(), vec!["carol"]),
        (format!("login=carol&account={child}"), vec!["carol"]),
        (format!("login=carol&account={demo}"), vec![]),
        ("login=eve".into(), vec![]),
        ("login=nobody".into(), vec![]),
        ("login=Bob".into(), vec![]),
    ] {
        let page = office.site.get(&format!("/users?{query}")).await.is(200).json();
        assert_eq!(names(&page), expected, "{query}");
        assert_eq!((keys(&page), &page["next"]), (vec!["next", "users"], &Value::Null));
    }
    for account in [NOBODY.to_owned(), office.eve.account.to_string()] {
        office.site.get(&format!("/users?account={account}")).await.refused(404, "not_found");
    }
    let first = office.site.get("/users?limit=1").await.is(200).json();
    assert_eq!(names(&first), ["admin"]);
    let next = first["next"].as_str().unwrap();
    let last = office.site.get(&format!("/users?limit=1&after={next}")).await.is(200).json();
    assert_eq!((names(&last), &last["next"]), (vec!["bob"], &Value::Null));
    office.as_bob(&[]).await;
    let own = office.site.get("/users").await.is(200).json();
    assert_eq!((names(&own), &own["next"]), (vec!["bob"], &Value::Null), "oneself, and no trace of others");
    let own = office.site.get("/users?limit=1").await.is(200).json();
    assert_eq!((names(&own), &own["next"]), (vec!["bob"], &Value::Null));
    office.site.get(&format!("/users?account={demo}")).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_page_has_a_hundred_users_unless_more_are_asked_for() {
    let mut office = Office::open().await;
    let child = office.child.clone();
    for nth in 0..100 {
        office.site.world.user(&child, &format!("driver{nth}"), None).await.unwrap();
    }
    let of_child = format!("/users?account={}", child.id);
    let page = office.site.get(&of_child).await.is(200).json();
    assert_eq!(names(&page).len(), 100);
    let rest = format!("{of_child}&after={}", page["next"].as_str().unwrap());
    let rest = office.site.get(&rest).await.is(200).json();
    assert_eq!((names(&rest).len(), &rest["next"]), (1, &Value::Null));
    let all = office.site.get(&format!("{of_child}&limit=1000")).await.is(200).json();
    assert_eq!((names(&all).len(), &all["next"]), (101, &Value::Null));
}

#[tokio::test]
async fn a_waiting_address_does_not_stand_in_for_a_confirmed_one() {
    let mut office = Office::open().await;
    let path = format!("/users/{}", office.bob.id);
    let bob = office.patch(&path, json!({"email": "rob@example.com"})).await.is(200).json();
    let email =
        json!({"address": "b•••@example.com", "confirmed": true, "pending": {"address": "r•••@example.com"}});
    assert_eq!(bob["email"], email);
    let path = format!("/users/{}", office.carol.id);
    let carol = office.patch(&path, json!({"email": "kay@example.com"})).await.is(200).json();
    let email = json!({"address": "k•••@example.com", "confirmed": false, "pending": {"address": "k•••@example.com"}});
    assert_eq!(carol["email"], email);
}

/// Each act on a user, as it is asked for, and what it takes beside seeing him.
fn acts() -> Vec<(&'static str, &'static str, Value, Option<AccessRight>)> {
    use AccessRight::{EditFlags, EditOther, ViewDetails};
    vec![
        ("GET", "", Value::Null, None),
        ("PATCH", "", json!({"flags": {"send_sms": false}}), Some(EditFlags)),
        ("PATCH", "", json!({"flags": {"disabled": true}}), Some(EditFlags)),
        ("PATCH", "", json!({"language": "ru"}), Some(EditOther)),
        ("PATCH", "", json!({"time_zone": "UTC"}), Some(EditOther)),
        ("PATCH", "", json!({"email": "new@example.com"}), Some(EditOther)),
        ("DELETE", "/sessions", Value::Null, Some(EditFlags)),
        ("DELETE", "/two-factor", Value::Null, Some(EditFlags)),
        ("POST", "/recovery", Value::Null, Some(EditFlags)),
        ("POST", "/invitation", Value::Null, Some(EditFlags)),
        ("GET", "trail", Value::Null, Some(ViewDetails)),
    ]
}

async fn act(site: &mut Site, method: &str, user: &str, what: &str, body: &Value) -> crate::client::Reply {
    let path = match what {
        "trail" => format!("/audit?user={user}"),
        what => format!("/users/{user}{what}"),
    };
    site.send(method, &path, (!body.is_null()).then(|| body.clone())).await
}

#[tokio::test]
async fn who_may_not_see_a_user_gets_the_answer_about_nobody() {
    let mut office = Office::open().await;
    office.as_bob(&[]).await;
    let (carol, eve) = (office.carol.id.to_string(), office.eve.id.to_string());
    let events = async |site: &Site, subject: &str| {
        let subject = subject.parse().unwrap();
        let page = Page { after: None, limit: 1000 };
        let events = site.world.store.audit(subject, page.into()).await.unwrap();
        let new = events.into_iter().filter(|event| event.actor == Some(office.bob.id.uuid()));
        new.map(|event| (event.action.into_owned(), event.reason.map(String::from))).collect::<Vec<_>>()
    };
    for (method, what, body, _) in acts() {
        let mut answers = Vec::new();
        for user in [NOBODY, &carol, &eve] {
            let reply = act(&mut office.site, method, user, what, &body).await;
            answers.push((reply.status, reply.text.clone()));
            reply.refused(404, "not_found");
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {what}: {answers:?}");
        if what != "trail" {
            act(&mut office.site, method, "no-id", what, &body).await.refused(404, "not_found");
        }
    }
    let told = events(&office.site, NOBODY).await;
    assert_eq!(told.len(), acts().len());
    assert_eq!(told[0], ("change_refused".to_owned(), Some("not_found".to_owned())));
    assert_eq!(told, events(&office.site, &carol).await, "the same rows");
    assert_eq!(told, events(&office.site, &eve).await);
}

#[tokio::test]
async fn every_act_takes_its_right_and_nothing_else() {
    for (method, what, body, right) in acts() {
        let mut office = Office::open().await;
        let carol = office.carol.id.to_string();
        // What takes an address is refused for want of one once the right is there.
        let short = what == "/recovery";
        let all = AccessRight::ALL.into_iter();
        let others: Vec<_> =
            all.filter(|other| Some(*other) != right && *other != AccessRight::ManageAccount).collect();
        office.as_bob(&others).await;
        if let Some(right) = right {
            let refused =
                act(&mut office.site, method, &carol, what, &body).await.refused(403, "not_allowed");
            assert_eq!(missing(&refused), [right.name()], "{method} {what}");
        }
        let held: Vec<_> = right.into_iter().chain([AccessRight::View]).collect();
        office.as_bob(&held).await;
        let reply = act(&mut office.site, method, &carol, what, &body).await;
        if short {
            assert_eq!(missing(&reply.refused(403, "not_allowed")), ["email_unconfirmed"]);
        } else if what == "/invitation" {
            reply.refused(409, "in_use");
        } else {
            assert!(reply.status.is_success(), "{method} {what} {body}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_change_happens_whole_or_not_at_all() {
    let mut office = Office::open().await;
    let path = format!("/users/{}", office.bob.id);
    let body = json!({
        "flags": {"send_sms": true, "change_password": true}, "language": "ru", "time_zone": "Europe/Riga",
        "email": "bobby@example.com",
    });
    let bob = office.patch(&path, body).await.is(200).json();
    assert_eq!((&bob["flags"]["send_sms"], &bob["flags"]["change_settings"]), (&json!(true), &json!(false)));
    assert_eq!((&bob["language"], &bob["time_zone"]), (&json!("ru"), &json!("Europe/Riga")));
    let pending =
        json!({"address": "b•••@example.com", "confirmed": true, "pending": {"address": "b•••@example.com"}});
    assert_eq!(bob["email"], pending, "it waits, and is masked");
    let stored = office.site.world.security.users().get(office.bob.id).await.unwrap();
    assert_eq!(stored.confirmed_email().unwrap().as_str(), "bob@example.com");

    let body = json!({"flags": {"send_sms": false}, "language": "en"});
    office.as_bob(&[AccessRight::View, AccessRight::EditFlags]).await;
    let carol = format!("/users/{}", office.carol.id);
    let refused = office.patch(&carol, body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["edit_other"]);
    let seen = office.site.get(&carol).await.is(200).json();
    assert_eq!((&seen["flags"]["send_sms"], &seen["language"]), (&json!(true), &json!("en")));
    let body =
        json!({"flags": {"send_sms": false, "disabled": true}, "email": "c@example.com", "time_zone": "UTC"});
    let refused = office.patch(&carol, body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["edit_other"], "each gate is named once");
    let same = json!({"flags": {"send_sms": true, "disabled": false}});
    assert_eq!(office.patch(&carol, same).await.is(200).json(), seen);
}

#[tokio::test]
async fn the_new_address_is_confirmed_by_the_user_himself() {
    let mut office = Office::open().await;
    let path = format!("/users/{}", office.bob.id);
    office.patch(&path, json!({"email": "new@example.com"})).await.is(200);
    let code = office.site.code("new@example.com").await;
    office.as_bob(&[]).await;
    let settings = office.site.get("/settings").await.is(200).json();
    let challenge = &settings["email"]["pending"]["challenge"];
    let body = json!({"challenge": challenge, "code": code});
    let email = office.site.post("/email/confirm", body).await.is(200).json();
    assert_eq!(email, json!({"address": "new@example.com", "confirmed": true}));
}

#[tokio::test]
async fn nobody_grants_what_he_lacks() {
    let mut office = Office::open().await;
    office.as_bob(&[AccessRight::View, AccessRight::EditFlags, AccessRight::ManageAccess]).await;
    let carol = format!("/users/{}", office.carol.id);
    office.patch(&carol, json!({"flags": {"send_sms": false, "create_items": false}})).await.is(200);
    let body = json!({"flags": {"send_sms": true, "create_items": true, "change_password": true}});
    let refused = office.patch(&carol, body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["send_sms", "create_items"], "what carol has already is not granted");
    let grants = format!("/users/{}/rights", office.bob.id);
    let body = json!({"item": office.carol.id, "rights": ["view", "delete", "edit_flags"]});
    let refused = office.site.post(&grants, body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["delete"]);
}

#[tokio::test]
async fn rights_go_to_users_one_sees_on_items_one_manages() {
    let mut office = Office::open().await;
    let grants = |user: &dyn std::fmt::Display| format!("/users/{user}/rights");
    let (bob, carol, child) = (office.bob.id, office.carol.id, office.child.id);
    for item in [json!(carol), json!(child)] {
        let body = json!({"item": item, "rights": ["view", "edit_flags"]});
        office.site.post(&grants(&bob), body).await.is(204);
    }
    let security = office.site.world.security.clone();
    let held = [AccessRight::View, AccessRight::EditFlags].into();
    assert_eq!(security.users().get(carol).await.unwrap().rights[&bob], held);
    assert_eq!(security.accounts().get(child).await.unwrap().rights[&bob], held);
    for path in [format!("/users/{carol}"), format!("/accounts/{child}")] {
        let shown = office.site.get(&path).await.is(200).json();
        assert_eq!(
            shown["rights"],
            json!([{"user": bob, "login": "bob", "rights": ["view", "edit_flags"]}]),
            "{path}"
        );
    }
    for user in [NOBODY.to_owned(), office.eve.id.to_string(), "x".to_owned()] {
        let body = json!({"item": carol, "rights": ["view"]});
        office.site.post(&grants(&user), body).await.refused(404, "not_found");
    }
    for item in [json!(NOBODY), json!(office.eve.id), json!(office.eve.account)] {
        let body = json!({"item": item, "rights": ["view"]});
        office.site.post(&grants(&bob), body).await.refused(404, "not_found");
    }
    for item in [json!(carol), json!(child)] {
        office.site.post(&grants(&bob), json!({"item": item, "rights": []})).await.is(204);
    }
    assert!(!security.users().get(carol).await.unwrap().rights.contains_key(&bob));
    assert!(!security.accounts().get(child).await.unwrap().rights.contains_key(&bob));
    office.as_bob(&[AccessRight::View]).await;
    let shown = office.site.get(&format!("/users/{carol}")).await.is(200).json();
    assert_eq!(shown.get("rights"), None, "who may let nobody have rights is not told who has them");
    let body = json!({"item": carol, "rights": ["view"]});
    let refused = office.site.post(&grants(&bob), body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_access"]);
}

#[tokio::test]
async fn disabling_and_ending_sessions_take_effect_at_once() {
    let mut office = Office::open().await;
    let path = format!("/users/{}", office.carol.id);
    for end in [("DELETE", "/sessions", Value::Null), ("PATCH", "", json!({"flags": {"disabled": true}}))] {
        let session = office.site.world.sign_in(&office.carol).await.unwrap();
        let (method, what, body) = end;
        let reply =
            office.site.send(method, &format!("{path}{what}"), (!body.is_null()).then_some(body)).await;
        assert!(reply.status.is_success(), "{reply:?}");
        assert!(office.site.world.security.sessions().current(session.id).await.is_err(), "{method}");
    }
    assert_eq!(office.site.get(&path).await.json()["flags"]["disabled"], true);
    let own = format!("/users/{}/sessions", office.admin.id);
    assert_eq!(office.site.delete(&own).await.is(204).cookie_names(), [format!("({SESSION})")]);
    office.site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn a_removed_factor_is_told_and_asks_nothing_any_more() {
    let (mut site, alice) = Site::with_two_factor().await;
    let admin = site.user("admin", None).await;
    let manager = [AccessRight::ManageAccount].into();
    let security = site.world.security.clone();
    let account = site.account.id;
    security.rights().grant_on_account(Actor::Program, account, admin.id, &manager).await.unwrap();
    site.jar.clear();
    site.sign_in("admin").await;
    site.delete(&format!("/users/{}/two-factor", alice.id)).await.is(204);
    site.world.run_worker().await.unwrap();
    let mail = site.world.mailbox.mails().pop().unwrap();
    assert_eq!(mail.to.as_str(), ALICE, "she is told");
    let seen = site.get(&format!("/users/{}", alice.id)).await.json();
    assert_eq!(seen["two_factor"], json!({"method": "none"}));
    let own = site.delete(&format!("/users/{}/two-factor", admin.id)).await.refused(403, "not_allowed");
    assert_eq!(missing(&own), ["edit_flags"], "the own one goes by the own settings");
    site.jar.clear();
    site.sign_in("alice").await;
}

#[tokio::test]
async fn a_reset_goes_to_the_confirmed_address_and_shows_no_secret() {
    let mut office = Office::open().await;
    let path = format!("/users/{}/recovery", office.bob.id);
    let reply = office.site.send("POST", &path, None).await.is(202);
    assert_eq!(reply.text, "{}");
    let again = office.site.send("POST", &path, None).await.refused(429, "too_soon");
    assert_eq!(again["retry_after"], 60);
    office.site.world.run_worker().await.unwrap();
    let mails = office.site.world.mailbox.to("bob@example.com");
    assert_eq!(mails.len(), 1, "though bob may not change his password himself");
    assert!(mails[0].text.contains("/recovery/"), "{:?}", mails[0]);
    let trail = office.site.get(&format!("/audit?user={}", office.bob.id)).await.is(200);
    assert!(trail.text.contains("recovery_started"));
    let token = mails[0].text.split("/recovery/").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(token.len() > 40 && !trail.text.contains(token));
    office.site.world.advance(chrono::TimeDelta::seconds(60));
    office.site.send("POST", &path, None).await.is(202);
    for (user, gate) in [(office.carol.id, "email_unconfirmed")] {
        let refused = office.site.send("POST", &format!("/users/{user}/recovery"), None).await;
        assert_eq!(missing(&refused.refused(403, "not_allowed")), [gate]);
    }
    office.site.post(&path, json!({"new": "x"})).await.unfit("new", "unknown_field");
}

#[tokio::test]
async fn a_user_created_with_an_address_is_invited_and_may_be_again() {
    let mut office = Office::open().await;
    let body = json!({"login": "dora", "account": office.child.id, "email": "dora@example.com"});
    let dora = office.site.post("/users", body).await.is(201).json();
    let waits = json!({"address": "d•••@example.com", "confirmed": false, "pending": {"address": "d•••@example.com"}});
    assert_eq!((&dora["email"], &dora["password_set"]), (&waits, &json!(false)));
    assert_eq!(dora["may"]["send_invitation"], yes());
    office.site.world.run_worker().await.unwrap();
    let first = office.site.world.mailbox.to("dora@example.com");
    assert!(first.len() == 1 && first[0].text.contains("/invitation/"), "{first:?}");
    let path = format!("/users/{}/invitation", dora["id"].as_str().unwrap());
    let reply = office.site.send("POST", &path, None).await.is(202);
    assert_eq!(reply.text, "{}");
    office.site.send("POST", &path, None).await.refused(429, "too_soon");
    office.site.world.run_worker().await.unwrap();
    assert_eq!(office.site.world.mailbox.to("dora@example.com").len(), 2);
    office.site.post(&path, json!({"email": "x"})).await.unfit("email", "unknown_field");
    let strange = json!({"login": "emil", "account": office.child.id, "email": "no address"});
    office.site.post("/users", strange).await.unfit("email", "invalid_email");
}

#[tokio::test]
async fn oneself_is_seen_and_changed_as_far_as_the_flags_go() {
    let mut office = Office::open().await;
    office.as_bob(&[]).await;
    let path = format!("/users/{}", office.bob.id);
    let bob = office.site.get(&path).await.is(200).json();
    assert_eq!(bob["may"]["edit_flags"]["allowed"], false);
    let refused = office.patch(&path, json!({"language": "ru"})).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["change_settings"]);
    let refused = office.patch(&path, json!({"flags": {"send_sms": true}})).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["edit_flags", "send_sms"]);
    let security = office.site.world.security.clone();
    let flags = Flags::default().with(Flag::ChangeSettings, true);
    security.rights().set_flags(Actor::Program, office.bob.id, flags).await.unwrap();
    assert_eq!(office.patch(&path, json!({"language": "ru"})).await.is(200).json()["language"], "ru");
    let own = office.site.get(&format!("/audit?user={}", office.bob.id)).await.is(200).json();
    assert_eq!(own, office.site.get("/audit").await.is(200).json());
}

#[tokio::test]
async fn an_administrator_reads_the_trail_of_his_users() {
    let mut office = Office::open().await;
    office.patch(&format!("/users/{}", office.bob.id), json!({"flags": {"send_sms": true}})).await.is(200);
    let trail = office.site.get(&format!("/audit?user={}", office.bob.id)).await.is(200).json();
    let last = trail["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["action"], &last["actor"]), (&json!("flags_changed"), &json!(office.admin.id)));
}

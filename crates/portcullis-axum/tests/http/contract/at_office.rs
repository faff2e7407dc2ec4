//! What comes before the requests of administrators.

use portcullis::account::NewAccount;
use portcullis::id::{AccountId, UserId};
use portcullis::rights::{AccessRight, Actor};
use serde_json::{Value, json};

use super::play::{NEW, Play};
use crate::office::{NOBODY, Office};

/// What happens at an [`Office`].
#[derive(Clone, Copy, Debug)]
pub(super) enum AtOffice {
    /// It opens: its administrator is signed in, and everybody in it is remembered, as is who is nobody.
    Opens,
    /// Bob is signed in instead, who sees carol and her account, and no more.
    AsBob,
    /// Dora is there, without a password, and was invited to [`NEW`].
    Invited,
    /// She is invited again.
    InvitedAgain,
    /// Someone has the external id `x`.
    External,
    /// A code to [`NEW`] is sent for carol.
    AskCarol,
    /// A code to [`NEW`] is sent for bob, who enters a wrong one.
    BobMistakes,
    /// A link is sent by which bob sets a new password.
    BobForgot,
    /// An account is there that may have none below it.
    Below,
    /// An account is there that is as deep as one may be.
    Deepest,
    /// It was paid for, as much as days and balance bear.
    PaidUp,
    /// It has run out as long ago as a counter can say.
    WornOut,
}

impl Play {
    pub(super) async fn at_the_office(&mut self, step: AtOffice) {
        let new = || json!({"email": NEW});
        match step {
            AtOffice::Opens => {
                let Office { site, admin, child, bob, carol, eve: _ } = Office::open().await;
                for (name, id) in [
                    ("$admin", admin.id.to_string()),
                    ("$bob", bob.id.to_string()),
                    ("$carol", carol.id.to_string()),
                    ("$child", child.id.to_string()),
                    ("$nobody", NOBODY.to_owned()),
                ] {
                    self.remembered.insert(name, id);
                }
                self.site = site;
            }
            AtOffice::AsBob => {
                let security = self.site.world.security.clone();
                let id = |name: &str| self.remembered[name].parse().unwrap();
                let (bob, view) = (UserId::from_uuid(id("$bob")), [AccessRight::View].into());
                let (carol, child) = (UserId::from_uuid(id("$carol")), AccountId::from_uuid(id("$child")));
                security.rights().grant_on_user(Actor::Program, carol, bob, &view).await.unwrap();
                security.rights().grant_on_account(Actor::Program, child, bob, &view).await.unwrap();
                self.site.jar.clear();
                self.site.sign_in("bob").await;
            }
            AtOffice::Invited => {
                let body = json!({"login": "dora", "account": "$child", "email": NEW});
                let dora = self.send("POST", "/users", &body).await.is(201).json();
                self.remembered.insert("$dora", dora["id"].as_str().unwrap().to_owned());
            }
            AtOffice::InvitedAgain => {
                drop(self.send("POST", "/users/$dora/invitation", &Value::Null).await.is(202));
            }
            AtOffice::External => {
                let body = json!({"login": "emil", "account": "$child", "external_id": "x"});
                drop(self.send("POST", "/users", &body).await.is(201));
            }
            AtOffice::AskCarol => drop(self.send("PATCH", "/users/$carol", &new()).await.is(200)),
            AtOffice::BobMistakes => {
                self.send("PATCH", "/users/$bob", &new()).await.is(200);
                self.arrives(NEW).await;
                let jar = core::mem::take(&mut self.site.jar);
                self.site.sign_in("bob").await;
                let settings = self.site.get("/settings").await.is(200).json();
                let challenge = &settings["email"]["pending"]["challenge"];
                let body = json!({"challenge": challenge, "code": "$wrong"});
                self.send("POST", "/email/confirm", &body).await.refused(401, "wrong_code");
                self.site.jar = jar;
            }
            AtOffice::Below => {
                let body = json!({"name": "low", "parent": "$child"});
                let low = self.send("POST", "/accounts", &body).await.is(201).json();
                self.remembered.insert("$low", low["id"].as_str().unwrap().to_owned());
            }
            AtOffice::PaidUp => {
                let most = json!({"id": NOBODY, "days": 36_525, "amount": 9_007_199_254_740_991_i64, "comment": "x"});
                drop(self.send("POST", "/accounts/$child/payments", &most).await.is(201));
            }
            AtOffice::WornOut => {
                let days = json!({"days": {"left": -36_525, "counting": true}});
                drop(self.send("PATCH", "/accounts/$child", &days).await.is(200));
            }
            AtOffice::Deepest => {
                let accounts = self.site.world.security.clone();
                let mut deepest = AccountId::from_uuid(self.remembered["$child"].parse().unwrap());
                let below = |parent| NewAccount::named("deep").under(parent).dealer();
                while let Ok(account) = accounts.accounts().create(below(deepest)).await {
                    deepest = account.id;
                }
                self.remembered.insert("$deepest", deepest.to_string());
            }
            AtOffice::BobForgot => {
                drop(self.send("POST", "/users/$bob/recovery", &Value::Null).await.is(202));
            }
        }
    }
}

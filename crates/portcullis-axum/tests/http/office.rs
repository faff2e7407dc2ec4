//! An administrator at work: his accounts, the users in them, and those he knows nothing of.

use std::collections::BTreeSet;

use portcullis::account::{Account, NewAccount};
use portcullis::rights::{AccessRight, Actor};
use portcullis::user::{Flags, User};
use serde_json::{Value, json};

use crate::client::{Reply, Site};

/// Signed in is `admin`, who manages the account `demo` and with it `child`, which may have accounts below.
pub(crate) struct Office {
    pub(crate) site: Site,
    pub(crate) admin: User,
    pub(crate) child: Account,
    /// In `demo`, without a flag, with a confirmed address.
    pub(crate) bob: User,
    /// In `child`.
    pub(crate) carol: User,
    /// In an account of another tenant.
    pub(crate) eve: User,
}

/// An id that nobody has.
pub(crate) const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

impl Office {
    pub(crate) async fn open() -> Self {
        let mut site = Site::new().await;
        let security = site.world.security.clone();
        let admin = site.user("admin", Some("admin@example.com")).await;
        // Ids of one millisecond come in any order.
        site.world.advance(chrono::TimeDelta::seconds(1));
        let bob = site.user("bob", Some("bob@example.com")).await;
        security.rights().set_flags(Actor::Program, bob.id, Flags::default()).await.unwrap();
        let child = NewAccount::named("child").under(site.account.id).dealer();
        let child = security.accounts().create(child).await.unwrap();
        let carol = site.world.user(&child, "carol", None).await.unwrap();
        let elsewhere = site.world.account("elsewhere").await.unwrap();
        let eve = site.world.user(&elsewhere, "eve", None).await.unwrap();
        let manager = BTreeSet::from([AccessRight::ManageAccount]);
        security
            .rights()
            .grant_on_account(Actor::Program, site.account.id, admin.id, &manager)
            .await
            .unwrap();
        site.world.advance(chrono::TimeDelta::seconds(1));
        site.sign_in("admin").await;
        Self { site, admin, child, bob, carol, eve }
    }

    /// Bob signs in, in the same browser, with these rights on carol.
    pub(crate) async fn as_bob(&mut self, rights: &[AccessRight]) {
        let rights = rights.iter().copied().collect();
        let security = self.site.world.security.clone();
        security.rights().grant_on_user(Actor::Program, self.carol.id, self.bob.id, &rights).await.unwrap();
        self.site.jar.clear();
        self.site.sign_in("bob").await;
    }

    pub(crate) async fn patch(&mut self, path: &str, body: Value) -> Reply {
        self.site.send("PATCH", path, Some(body)).await
    }
}

/// The gates that a refusal names.
pub(crate) fn missing(problem: &Value) -> Vec<String> {
    let gates = problem["missing"].as_array().unwrap();
    let name = |gate: &Value| gate.get("right").unwrap_or(&gate["gate"]).as_str().unwrap().to_owned();
    gates.iter().map(name).collect()
}

/// A verdict that says yes.
pub(crate) fn yes() -> Value {
    json!({"allowed": true})
}

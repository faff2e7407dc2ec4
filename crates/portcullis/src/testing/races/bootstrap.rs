//! One empty database that many set up.

use std::sync::Arc;

use super::kit::{CALLERS, Kit, at_once, must, word};
use crate::account::{Account, NewAccount};
use crate::port::store::{Page, Store};
use crate::user::Login;

/// Many bootstrap an empty database at once, each under a login of his own: exactly one gets in, and there is one top
/// account. A database that has one already takes nobody, which is all that can be seen of any but an empty one.
pub async fn one_of_many_bootstraps(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_of_many_bootstraps");
    let tops = Account::below(uuid::Uuid::nil());
    let page = Page { after: None, limit: 1000 };
    let before = must("the top accounts", kit.world.store.list(&tops, page).await).len();
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|nth| {
        let security = kit.world.security.clone();
        let (login, email) = (kit.login(&format!("root{nth}")), kit.address(&format!("root{nth}")));
        async move {
            let login = must("a login", Login::parse(&login));
            security.bootstrap("Fleet", &login, &email).await
        }
    }))
    .await;
    let winners = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(winners, usize::from(before == 0), "one of many sets up an empty database");
    let others = answers.iter().filter(|answer| word(*answer) == "already_set_up").count();
    assert_eq!(others, CALLERS - winners, "everybody else is told why");
    let after = must("the top accounts", kit.world.store.list(&tops, page).await).len();
    assert_eq!(after, before + winners, "no second top account");
}

/// A bootstrap whose commit is about to be kept, while a top account is made: it is told that there is one, and nothing
/// of it is kept. A database that has a top account already takes no bootstrap anyway.
pub async fn a_top_account_stops_the_bootstrap_under_way(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "a_top_account_stops_the_bootstrap");
    let tops = Account::below(uuid::Uuid::nil());
    let page = Page { after: None, limit: 1000 };
    let before = must("the top accounts", kit.world.store.list(&tops, page).await).len();
    let bootstrap = {
        let security = kit.world.security.clone();
        let (login, email) = (kit.login("root"), kit.address("root"));
        async move {
            let login = must("a login", Login::parse(&login));
            word(&security.bootstrap("Fleet", &login, &email).await)
        }
    };
    if before > 0 {
        assert_eq!(bootstrap.await, "already_set_up", "there is a top account");
        return;
    }
    let gate = kit.stage.hold("link_issued");
    let late = tokio::spawn(bootstrap);
    gate.somebody_waits().await;
    let made = kit.world.security.accounts().create(NewAccount::named("other")).await;
    must("a top account", made);
    gate.open();
    let answer = must("the bootstrap", late.await);
    assert_eq!(answer, "already_set_up", "a top account was made first");
    let after = must("the top accounts", kit.world.store.list(&tops, page).await).len();
    assert_eq!(after, 1, "there is one top account");
}

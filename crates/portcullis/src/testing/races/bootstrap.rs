//! One empty database that many set up.

use std::sync::Arc;

use super::kit::{CALLERS, Kit, at_once, must, word};
use crate::account::Account;
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

//! What the settings and a sign-in show of a date ahead.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{counted, move_to, reader, session};
use crate::port::store::Store;
use crate::secret::Password;
use crate::sign_in::SignInResult;
use crate::testing::World;
use crate::testing::world::{PASSWORD, attempt};

/// A sign-in tells how many days are left, to who gets no notices too.
pub async fn everybody_who_signs_in_is_warned_in_the_last_days(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 6).await;
    let bob = w.user(&account, "bob", None).await.unwrap();
    let mut warnings = Vec::new();
    for _ in 0..6 {
        let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
        let result = w.security.sign_in().start(&bob.login, &password, &attempt()).await.unwrap();
        let SignInResult::Admitted(admission) = result else { panic!("to be admitted") };
        warnings.push(admission.days_left);
        w.advance(TimeDelta::days(1));
    }
    assert_eq!(warnings, [None, Some(5), Some(4), Some(3), Some(2), Some(1)]);
    w.advance(TimeDelta::hours(-12));
    move_to(&w, &bob, "Etc/GMT-14").await;
    let tab = w.security.settings(session(&w, &bob).await).await.unwrap();
    assert_eq!(
        (tab.account.days_left, tab.account.blocked),
        (Some(0), false),
        "it is that day there already"
    );
    w.advance(TimeDelta::hours(12));
    assert!(w.sign_in(&bob).await.is_err());
}

/// The settings tell the blocking date and when the first notice is due.
pub async fn the_tab_tells_the_date_and_the_first_mail(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 20).await;
    let alice = reader(&w, &account, "alice").await;
    move_to(&w, &alice, "America/New_York").await;
    let tab = w.security.settings(session(&w, &alice).await).await.unwrap();
    let blocking = tab.notices.blocking;
    assert!(blocking.enabled && blocking.change.is_allowed());
    assert_eq!(blocking.blocking_date, Some("2026-12-07".parse().unwrap()));
    assert_eq!(blocking.first_notice, Some("2026-12-02T14:00:00Z".parse().unwrap()));
    assert_eq!(tab.account.blocks_at, Some("2026-12-08T00:00:00Z".parse().unwrap()));
    assert_eq!((tab.account.days_left, tab.account.blocked), (Some(19), false));
}

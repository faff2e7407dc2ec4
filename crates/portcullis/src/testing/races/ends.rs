//! Codes redeemed while what they rest on ends.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{Kit, must, word};
use crate::account::{Account, DaysChange, Payment};
use crate::contact::Email;
use crate::manage::AccountChange;
use crate::port::store::Store;
use crate::rights::Actor;
use crate::session::CurrentSession;
use crate::user::User;

/// Rounds of each case in which both sides simply run.
const ROUNDS: usize = 4;

/// What ends while a code is redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The account is blocked.
    Blocked,
    /// The days of the account are over.
    OutOfDays,
    /// The user is disabled.
    Disabled,
    /// The session that asked is ended.
    SignedOut,
    /// Another session of the user changes a credential.
    CredentialsChanged,
}

/// A user with a session, in an account of the user's own.
struct Scene {
    account: Account,
    user: User,
    session: CurrentSession,
}

impl Scene {
    async fn comes(&self, kit: &Kit, end: End, other: &CurrentSession) {
        let security = &kit.world.security;
        match end {
            End::Blocked => {
                must("blocking", security.accounts().set_blocked(self.account.id, true).await);
            }
            End::OutOfDays => {
                let days = AccountChange::default().days(DaysChange::default().left(0).counting(true));
                must(
                    "shortening",
                    security.manage(Actor::Program).change_account(self.account.id, &days).await,
                );
            }
            End::Disabled => {
                must("disabling", security.rights().set_disabled(Actor::Program, self.user.id, true).await);
            }
            End::SignedOut => must("signing out", security.sessions().sign_out(self.session.id).await),
            End::CredentialsChanged => {
                let user = must("the user", security.users().get(self.user.id).await);
                let answer = match user.two_factor {
                    crate::user::Method::Email | crate::user::Method::Sms => {
                        word(&security.two_factor().disable(other.id).await)
                    }
                    crate::user::Method::None => word(&security.email().clear(other.id).await),
                };
                assert!(["ok", "signed_out"].contains(&answer), "a credential is changed: {answer}");
            }
        }
    }

    /// Lifts the block, some time later.
    async fn lift(&self, kit: &Kit) {
        kit.world.advance(TimeDelta::seconds(1));
        must("lifting", kit.world.security.accounts().set_blocked(self.account.id, false).await);
        let manage = kit.world.security.manage(Actor::Program);
        must("paying", manage.pay(self.account.id, &Payment::new("races").days(30)).await);
    }
}

/// The code of a sign-in is redeemed while the account is blocked, the user disabled or a credential changed: the
/// outcome is one that some order gives, and no session outlives the end, also when a block is lifted again.
pub async fn what_ends_stops_the_sign_in_under_way(store: &Arc<dyn Store>, nonce: u64) {
    for end in [End::Blocked, End::OutOfDays, End::Disabled, End::CredentialsChanged] {
        for round in 0..=ROUNDS {
            let kit = Kit::new(store, nonce, &format!("sign_in_{end:?}_{round}"));
            let account = kit.account().await;
            let (user, session) = kit.two_factor(&account, "alice").await;
            let (pending, code) = kit.ask_and_mail(&user).await;
            let scene = Scene { account, user, session };
            let redeem = {
                let (security, attempt) = (kit.world.security.clone(), kit.attempt(1));
                async move { word(&security.sign_in().code(pending.id, &code, &attempt, None).await) }
            };
            let held = round == ROUNDS;
            let answer = if held {
                let gate = kit.stage.hold("signed_in");
                let late = tokio::spawn(redeem);
                gate.somebody_waits().await;
                scene.comes(&kit, end, &scene.session).await;
                gate.open();
                late.await
            } else {
                let racing = tokio::spawn(redeem);
                scene.comes(&kit, end, &scene.session).await;
                racing.await
            };
            let answer = must("the code", answer);
            assert!(["ok", "challenge_dead"].contains(&answer), "{end:?}: no order gives {answer}");
            assert!(!held || answer == "challenge_dead", "{end:?}: the end was answered first");
            if matches!(end, End::Blocked | End::OutOfDays) && round % 2 == 0 {
                scene.lift(&kit).await;
            }
            let alive = kit.alive(&scene.user).await;
            // Who changes a credential goes on under a fresh session.
            let survivors = usize::from(end == End::CredentialsChanged);
            assert_eq!(alive.len(), survivors, "{end:?}, {answer}: no session outlives it: {alive:?}");
        }
    }
}

/// The code of a new address is redeemed while the account is blocked, the user disabled, the session ended or a
/// credential changed by another session: one order gives what comes out, and an end that was answered first stops the
/// change.
pub async fn what_ends_stops_the_change_under_way(store: &Arc<dyn Store>, nonce: u64) {
    for end in [End::Blocked, End::OutOfDays, End::Disabled, End::SignedOut, End::CredentialsChanged] {
        for round in 0..=ROUNDS {
            let kit = Kit::new(store, nonce, &format!("change_{end:?}_{round}"));
            let account = kit.account().await;
            let (user, session) = kit.user(&account, "bob").await;
            let other = must("a second sign-in", kit.world.sign_in(&user).await);
            let new = kit.address("new");
            let pending = must("a new address", kit.world.security.email().set(session.id, &new).await);
            kit.mail().await;
            let code = kit.code_at(&new);
            let scene = Scene { account, user, session };
            let confirm = {
                let (security, source, id) = (kit.world.security.clone(), kit.source(1), scene.session.id);
                async move { word(&security.email().confirm(id, pending.id, &code, &source).await) }
            };
            let held = round == ROUNDS;
            let answer = if held {
                let gate = kit.stage.hold("email_confirmed");
                let late = tokio::spawn(confirm);
                gate.somebody_waits().await;
                scene.comes(&kit, end, &other).await;
                gate.open();
                late.await
            } else {
                let racing = tokio::spawn(confirm);
                scene.comes(&kit, end, &other).await;
                racing.await
            };
            let answer = must("the code", answer);
            assert!(["ok", "signed_out"].contains(&answer), "{end:?}: no order gives {answer}");
            assert!(!held || answer == "signed_out", "{end:?}: the end was answered first");
            let user = must("the user", kit.world.security.users().get(scene.user.id).await);
            let taken = user.confirmed_email().is_some_and(|email: &Email| email.same_as(&new));
            assert_eq!(taken, answer == "ok", "{end:?}: the answer tells what was kept");
            let survivors = match end {
                End::Blocked | End::OutOfDays | End::Disabled => 0,
                // One of the two sessions goes on: a change ends the other, signing out ends this one.
                End::SignedOut | End::CredentialsChanged => 1,
            };
            let alive = kit.alive(&scene.user).await;
            assert_eq!(alive.len(), survivors, "{end:?}, {answer}: {alive:?}");
        }
    }
}

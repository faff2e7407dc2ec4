//! The old address put back, against whoever changes it at the same time.

use std::sync::Arc;

use super::kit::{Kit, at_once, must, only, tally, times, word};
use crate::contact::Email;
use crate::port::store::{Page, Store};
use crate::secret::LinkToken;
use crate::session::CurrentSession;
use crate::user::User;

/// How many open one link at once.
const OPENERS: usize = 8;
/// Rounds in which both sides simply run.
const ROUNDS: usize = 4;

/// Asks for a new address; gives what confirms it.
async fn confirming(
    kit: &Kit,
    session: &CurrentSession,
    address: &Email,
    nth: u64,
) -> impl Future<Output = Result<CurrentSession, crate::Error>> + Send + 'static {
    let pending = must("the address", kit.world.security.email().set(session.id, address).await);
    kit.mail().await;
    let (code, source) = (kit.code_at(address), kit.source(nth));
    let (security, session) = (kit.world.security.clone(), session.id);
    async move {
        let changed = security.email().confirm(session, pending.id, &code, &source).await;
        changed.map(|changed| changed.session)
    }
}

async fn change(kit: &Kit, session: &CurrentSession, address: &Email) -> CurrentSession {
    let session = must("a change", confirming(kit, session, address, 1).await.await);
    kit.mail().await;
    session
}

/// The newest link mailed to an address.
fn link_at(kit: &Kit, address: &Email) -> LinkToken {
    kit.world.mailbox.last_link(address.as_str()).expect("a link was mailed")
}

fn undoing(
    kit: &Kit,
    token: &LinkToken,
    nth: u64,
) -> impl Future<Output = Result<(), crate::Error>> + Send + 'static {
    let (security, token, attempt) = (kit.world.security.clone(), token.clone(), kit.attempt(nth));
    async move { security.email().undo(&token, &attempt).await }
}

/// The confirmed address is this one, and how many old ones are claimed.
async fn holds(kit: &Kit, user: &User, address: &Email) -> usize {
    let user = must("the user", kit.world.security.users().get(user.id).await);
    let holds = user.confirmed_email().is_some_and(|email| email.same_as(address));
    assert!(holds, "the old address is back");
    user.claims.len()
}

/// How often the trail says that an address was put back.
async fn undone(kit: &Kit, user: &User) -> usize {
    let page = Page { after: None, limit: 1000 };
    let trail = must("the trail", kit.world.security.audit(user.id, page).await);
    trail.iter().filter(|event| event.action == "email_undone").count()
}

/// Many open one undo link at once: one of them puts the address back, and one link to set a password is mailed.
pub async fn one_link_undoes_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_link_undoes_once");
    let account = kit.account().await;
    let (alice, session) = kit.user(&account, "alice").await;
    let (old, new) = (kit.address("alice"), kit.address("new"));
    change(&kit, &session, &new).await;
    let token = link_at(&kit, &old);
    kit.stage.line_up(OPENERS);
    let answers =
        at_once((0..OPENERS).map(|nth| undoing(&kit, &token, u64::try_from(nth).unwrap_or(0)))).await;
    let words = tally(answers.iter().map(word));
    assert_eq!(times(&words, "ok"), 1, "one of many undoes: {words:?}");
    only(&words, &["ok", "challenge_dead"]);
    assert_eq!((holds(&kit, &alice, &old).await, undone(&kit, &alice).await), (0, 1));
    let before = kit.world.mailbox.to(old.as_str()).len();
    kit.mail().await;
    assert_eq!(kit.world.mailbox.to(old.as_str()).len(), before + 2, "one link, one notice");
}

/// A thief changes the address once more while its owner undoes the first change: whoever is faster, the owner's
/// address is back and the thief is out.
pub async fn an_undo_beats_a_further_change(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..=ROUNDS {
        let kit = Kit::new(store, nonce, &format!("an_undo_beats_a_further_change_{round}"));
        let account = kit.account().await;
        let (alice, session) = kit.user(&account, "alice").await;
        let (old, new, far) = (kit.address("alice"), kit.address("new"), kit.address("far"));
        let thief = change(&kit, &session, &new).await;
        let token = link_at(&kit, &old);
        let further = confirming(&kit, &thief, &far, 2).await;
        let held = round == ROUNDS;
        let (changed, answer) = if held {
            let gate = kit.stage.hold("email_confirmed");
            let late = tokio::spawn(further);
            gate.somebody_waits().await;
            let answer = undoing(&kit, &token, 3).await;
            gate.open();
            (must("the change", late.await), answer)
        } else {
            kit.stage.line_up(2);
            let racing = tokio::spawn(further);
            let answer = undoing(&kit, &token, 3).await;
            (must("the change", racing.await), answer)
        };
        assert_eq!(word(&answer), "ok", "nothing that a thief does keeps the owner out");
        let changed = word(&changed);
        assert!(["ok", "signed_out"].contains(&changed), "no order gives {changed}");
        assert!(!held || changed == "signed_out", "the undo was answered first");
        assert_eq!(holds(&kit, &alice, &old).await, 0, "{changed}: nothing is left to take back");
        assert!(kit.alive(&alice).await.is_empty(), "{changed}: every session is dead");
    }
}

/// The links of two changes are opened at once: the older one wins, whoever is faster.
pub async fn the_older_undo_wins(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..ROUNDS {
        let kit = Kit::new(store, nonce, &format!("the_older_undo_wins_{round}"));
        let account = kit.account().await;
        let (alice, session) = kit.user(&account, "alice").await;
        let (old, new, far) = (kit.address("alice"), kit.address("new"), kit.address("far"));
        let session = change(&kit, &session, &new).await;
        change(&kit, &session, &far).await;
        let (older, newer) = (link_at(&kit, &old), link_at(&kit, &new));
        kit.stage.line_up(2);
        let answers = at_once([undoing(&kit, &newer, 1), undoing(&kit, &older, 2)]).await;
        let words: Vec<_> = answers.iter().map(word).collect();
        assert!(words == ["ok", "ok"] || words == ["challenge_dead", "ok"], "no order gives {words:?}");
        assert_eq!(holds(&kit, &alice, &old).await, 0, "{words:?}");
        let ok = words.iter().filter(|word| **word == "ok").count();
        assert_eq!(undone(&kit, &alice).await, ok, "what was answered was kept");
    }
}

/// Two users confirm one address that is claimed for one of them: nobody else ever gets it.
pub async fn a_claimed_address_stays_its_users(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..ROUNDS {
        let kit = Kit::new(store, nonce, &format!("a_claimed_address_stays_its_users_{round}"));
        let account = kit.account().await;
        let (alice, session) = kit.user(&account, "alice").await;
        let (_, other) = kit.user(&account, "bob").await;
        let (old, new) = (kit.address("alice"), kit.address("new"));
        let session = change(&kit, &session, &new).await;
        let hers = confirming(&kit, &session, &old, 1).await;
        let his = confirming(&kit, &other, &old, 2).await;
        kit.stage.line_up(2);
        let racing = tokio::spawn(his);
        let hers = word(&hers.await);
        let his = word(&must("the change", racing.await));
        assert_eq!((hers, his), ("ok", "address_taken"), "a claimed address stays its user's");
        assert_eq!(holds(&kit, &alice, &old).await, 0, "what came back is claimed no more");
    }
}

use super::super::view::CheckStatus;
use super::*;
use crate::fixture::*;
use crate::testing::ambient::SeededRandom;

fn token(letter: char) -> FlespiToken {
    FlespiToken::parse(letter.to_string().repeat(64)).unwrap()
}

/// A connection with every part filled in.
fn full() -> FlespiConnection {
    let account = account(1);
    let mut connection = FlespiConnection::new(uuid(90), account.id, user(2, &account).id, began());
    let owner = connection.owner();
    let region = RegionName::parse("ru").unwrap();
    let seal = |of, letter, nonce| owner.seal(of, &region, &token(letter), &keyring(), [nonce; 24]);
    connection.connected = Some(Connected {
        source: Source::Login,
        region: region.clone(),
        kind: Some(TokenKind::Master),
        sealed: seal(Use::Token, 'a', 1),
        shown: "aaaa".to_owned(),
        operation: uuid(91),
        number: Some(7),
        obtained_at: began(),
        expires_at: Some(began()),
        sliding: true,
        last_check: Some(LastCheck { status: CheckStatus::Active, at: began() }),
        unanswered_at: Some(began()),
        told: Some(30),
    });
    connection.replaced = Some(Connected {
        sealed: seal(Use::Token, 'd', 5),
        shown: "dddd".to_owned(),
        operation: uuid(94),
        ..connection.connected.clone().unwrap()
    });
    connection.connecting = Some(Connecting {
        operation: uuid(92),
        region: region.clone(),
        sealed: seal(Use::Login, 'b', 2),
        began_at: began(),
        credential_version: 1,
        lifts: 3,
        attempt: 2,
        quiet_at: began(),
        tries: 1,
    });
    connection.leftovers.push(Leftover {
        operation: uuid(93),
        region: region.clone(),
        keep: Some(7),
        number: Some(6),
        unsure: true,
        by: vec![By::login(seal(Use::Login, 'c', 3)), By::token(Some(7), seal(Use::Token, 'a', 4))],
        since: began(),
        not_before: began(),
        tries: 0,
    });
    (connection.work_at, connection.notice_at) = (Some(began() + TICK), Some(began()));
    connection
}

/// Every token of a connection, opened.
fn opened(connection: &FlespiConnection, keyring: &Keyring) -> Vec<Result<String, OpenError>> {
    let owner = connection.owner();
    let open =
        |(of, region, sealed)| owner.open(of, region, sealed, keyring).map(|token| token.shown().to_owned());
    connection.tokens().map(open).collect()
}

#[test]
fn every_token_opens_for_its_user_and_its_use_alone() {
    let full = full();
    let all: Vec<_> =
        ["aaaa", "dddd", "bbbb", "cccc", "aaaa"].into_iter().map(|token| Ok(token.to_owned())).collect();
    assert_eq!(opened(&full, &keyring()), all);
    let moved = FlespiConnection { user: UserId::from_uuid(uuid(3)), ..full.clone() };
    assert_eq!(opened(&moved, &keyring()), vec![Err(OpenError::Tampered); 5], "a row of another user");
    let copied = FlespiConnection { id: uuid(99), ..full.clone() };
    assert_eq!(opened(&copied, &keyring()), vec![Err(OpenError::Tampered); 5], "another row of the user");
    let eu = RegionName::parse("eu").unwrap();
    for (of, region, sealed) in full.tokens() {
        let other = if of == Use::Login { Use::Token } else { Use::Login };
        assert_eq!(full.owner().open(other, region, sealed, &keyring()).unwrap_err(), OpenError::Tampered);
        let elsewhere = full.owner().open(of, &eu, sealed, &keyring());
        assert_eq!(elsewhere.unwrap_err(), OpenError::Tampered, "a row of another region");
    }
}

#[test]
fn after_a_rotation_every_token_is_sealed_anew_under_a_nonce_of_its_own() {
    let (before, mut keys) = (full(), keyring());
    let old = keys.current().to_owned();
    keys.rotate(&SeededRandom::new(7), began()).unwrap();
    let after = before.sealed_anew(&keys, [9; 24]).unwrap();
    assert_eq!(after.sealing_keys(), [keys.current()].into());
    assert_eq!(before.sealing_keys(), [old.as_str()].into());
    keys.retire(&old).unwrap();
    assert_eq!(opened(&after, &keys), opened(&before, &keyring()));
    assert_eq!(opened(&before, &keys), vec![Err(OpenError::UnknownKey); 5]);
    let nonces: BTreeSet<_> = after
        .tokens()
        .map(|(_, _, sealed)| sealed.0.rsplit('.').next().unwrap().get(..32).unwrap().to_owned())
        .collect();
    assert_eq!(nonces.len(), 5, "24 bytes of nonce are 32 characters");
}

#[test]
fn what_does_not_open_is_left_as_it_is() {
    let mut broken = full();
    broken.connecting.as_mut().unwrap().sealed = broken.connected.as_ref().unwrap().sealed.clone();
    assert!(broken.sealed_anew(&keyring(), [9; 24]).is_none());
}

#[test]
fn nonces_of_one_draw_differ_and_wrap() {
    let last = [0xff; 24];
    let all: BTreeSet<_> = (0..300).map(|nth| nth_nonce(last, nth).unwrap()).collect();
    assert_eq!(all.len(), 300);
    assert_eq!(nth_nonce(last, 1 << 16), None);
}

#[test]
fn it_is_due_for_what_comes_first_and_dead_when_empty() {
    let mut connection = full();
    assert_eq!(connection.due(), Some((Lane::Timed, began())));
    connection.notice_at = None;
    assert_eq!(connection.due(), Some((Lane::Timed, began() + TICK)));
    connection.work_at = None;
    assert_eq!(connection.due(), None, "a token in force waits for nothing");
    connection.connected = None;
    assert_eq!(connection.due(), Some((Lane::Dead, began())));
}

#[test]
fn nothing_of_a_token_is_shown() {
    let (shown, body) = (format!("{:?} {:#?}", full(), full()), serde_json::to_string(&full()).unwrap());
    for secret in ["aaaaa", "bbbb", "cccc", "ddddd"] {
        assert!(!shown.contains(secret) && !body.contains(secret), "{secret}");
    }
    assert!(!shown.contains("v1."), "what is sealed neither");
}

#[test]
fn the_golden_body_opens() {
    let golden: FlespiConnection =
        serde_json::from_str(include_str!("../../../tests/golden/flespi_connection.v1.json")).unwrap();
    assert_eq!(opened(&golden, &keyring()), opened(&full(), &keyring()));
    assert_eq!(serde_json::to_value(&golden).unwrap(), serde_json::to_value(full()).unwrap());
}

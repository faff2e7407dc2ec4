use chrono::TimeDelta;

use super::super::model::{Owner, Use};
use super::super::view::{Expiry, FlespiState, Source, state};
use super::*;
use crate::fixture::*;
use crate::port::flespi::{RegionName, TokenKind};
use crate::secret::FlespiToken;

const YEAR: TimeDelta = TimeDelta::days(365);

fn info(expire: Option<DateTime<Utc>>, ttl: Option<TimeDelta>) -> TokenInfo {
    let (created, accessed) = (Some(began()), Some(began()));
    TokenInfo { id: Some(7), kind: TokenKind::Master, info: None, expire, ttl, created, accessed }
}

const fn silences() -> [FlespiError; 6] {
    [
        FlespiError::Forbidden,
        FlespiError::Throttled { wait: None },
        FlespiError::Throttled { wait: Some(core::time::Duration::MAX) },
        FlespiError::Unavailable { detail: "no" },
        FlespiError::Ambiguous { detail: "malformed" },
        FlespiError::UnknownRegion,
    ]
}

/// Alice with a typed token of which nothing is known, or with this end.
fn connection(expires_at: Option<DateTime<Utc>>) -> (Acting, Stored<FlespiConnection>) {
    let account = account(1);
    let alice = user(2, &account);
    let mut connection = FlespiConnection::new(uuid(90), account.id, alice.id, began());
    let token = FlespiToken::parse("a".repeat(64)).unwrap();
    let region = RegionName::parse("eu").unwrap();
    let owner = Owner { connection: uuid(90), user: alice.id };
    connection.connected = Some(Connected {
        source: Source::Manual,
        kind: None,
        sealed: owner.seal(Use::Token, &region, &token, &keyring(), [1; 24]),
        region,
        shown: "aaaa".to_owned(),
        operation: uuid(91),
        number: None,
        obtained_at: began(),
        expires_at,
        sliding: false,
        last_check: None,
        unanswered_at: None,
        told: None,
    });
    (acting_as(&alice, &account), stored(connection))
}

fn settled(
    known: Option<DateTime<Utc>>,
    answer: &Result<TokenInfo, FlespiError>,
    now: DateTime<Utc>,
) -> (Checked, FlespiConnection, Vec<String>) {
    let (acting, stored) = connection(known);
    let decision = settle(&acting, Some(&stored), answer, &Policy::default(), now);
    let kept = written(&decision.changes, uuid(90)).unwrap();
    let trail = trail(&decision.changes);
    (decision.reply.unwrap(), kept, trail)
}

#[test]
fn it_is_active_only_when_flespi_says_so_and_no_known_end_has_passed() {
    let end = began() + YEAR;
    let status = |known, answer: Result<TokenInfo, FlespiError>, now| status(known, &answer, now);
    for (expire, ttl, now, expected) in [
        (Some(end), None, end - TICK, CheckStatus::Active),
        (Some(end), None, end, CheckStatus::Expired),
        (None, None, end, CheckStatus::Active),
        (None, Some(TimeDelta::days(1)), began() + TimeDelta::days(1) - TICK, CheckStatus::Active),
        (None, Some(TimeDelta::days(1)), began() + TimeDelta::days(1), CheckStatus::Expired),
        (Some(began()), Some(TimeDelta::days(1)), began(), CheckStatus::Active),
        (Some(end), Some(TimeDelta::days(1)), end - TICK, CheckStatus::Active),
        (Some(DateTime::<Utc>::MAX_UTC), None, end, CheckStatus::Active),
    ] {
        assert_eq!(status(None, Ok(info(expire, ttl)), now), expected, "{expire:?} {ttl:?} {now}");
    }
    for (known, now, expected) in [
        (None, end, CheckStatus::Rejected),
        (Some(end), end - TICK, CheckStatus::Rejected),
        (Some(end), end, CheckStatus::Expired),
    ] {
        assert_eq!(status(known, Err(FlespiError::Unauthorized), now), expected, "{known:?} {now}");
    }
    for error in silences() {
        for now in [began(), end] {
            assert_eq!(status(Some(end), Err(error.clone()), now), CheckStatus::Unknown, "{error}");
        }
    }
}

#[test]
fn an_answer_is_kept_with_its_time_and_the_end_it_tells() {
    let end = began() + YEAR;
    let now = began() + TimeDelta::hours(1);
    let (checked, kept, trail) = settled(None, &Ok(info(Some(end), None)), now);
    assert_eq!(
        (checked.status, checked.expiry, checked.checked_at),
        (CheckStatus::Active, Expiry::Fixed(end), now)
    );
    assert_eq!(trail, ["flespi_checked: active"]);
    let connected = kept.connected.unwrap();
    assert_eq!(connected.last_check, Some(LastCheck { status: CheckStatus::Active, at: now }));
    assert_eq!((connected.kind, connected.expires_at), (Some(TokenKind::Master), Some(end)));
    assert_eq!(kept.notice_at, Some(end - TimeDelta::days(30)));
    let ttl = TimeDelta::days(90);
    let (checked, kept, _) = settled(Some(end), &Ok(info(None, Some(ttl))), now);
    assert_eq!(checked.expiry, Expiry::Sliding(began() + ttl), "the end moved");
    assert_eq!(kept.notice_at, Some(began() + ttl - TimeDelta::days(30)));
}

#[test]
fn an_end_that_is_not_told_stays_as_it_was_known() {
    let (end, day) = (began() + YEAR, TimeDelta::days(1));
    let (checked, kept, _) = settled(Some(end), &Ok(info(None, None)), end - day * 40);
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Active, Expiry::Fixed(end)));
    assert_eq!(kept.notice_at, Some(end - day * 30), "it is told of all the same");
    let (acting, _) = connection(None);
    let gone = settle(&acting, Some(&stored(kept)), &Err(FlespiError::Unauthorized), &Policy::default(), end)
        .reply
        .unwrap();
    assert_eq!(gone.status, CheckStatus::Expired, "and not called revoked when it has passed");
    // A token that is accepted after its end has another one, which nobody has told.
    let (checked, kept, _) = settled(Some(end), &Ok(info(None, None)), end);
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Active, Expiry::Unknown));
    assert_eq!((kept.notice_at, state(&kept.connected.unwrap(), end)), (None, FlespiState::Connected));
}

#[test]
fn an_end_that_use_may_move_is_a_moving_one_whatever_fixed_end_is_later() {
    let end = began() + YEAR;
    let (checked, kept, _) = settled(None, &Ok(info(Some(end), Some(TimeDelta::days(90)))), began());
    assert_eq!(checked.expiry, Expiry::Sliding(end));
    assert_eq!(state(&kept.connected.unwrap(), end), FlespiState::Connected, "it may have been used since");
}

#[test]
fn no_end_is_later_than_the_dates_that_can_be_written() {
    for far in [info(Some(DateTime::<Utc>::MAX_UTC), None), info(None, Some(TimeDelta::days(90_000_000)))] {
        let (checked, kept, _) = settled(None, &Ok(far), began());
        let end = checked.expiry.ends_at().unwrap();
        assert_eq!(end.to_rfc3339(), "9999-12-31T23:59:59+00:00");
        assert!(kept.notice_at.unwrap() < end);
    }
}

#[test]
fn a_silence_changes_nothing_that_was_known_and_leaves_its_age() {
    let (acting, mut stored) = connection(Some(began() + YEAR));
    let last = LastCheck { status: CheckStatus::Active, at: began() };
    stored.value.connected.as_mut().unwrap().last_check = Some(last);
    stored.value.notice_at = Some(began() + TimeDelta::days(335));
    let now = began() + TimeDelta::days(3);
    for error in silences() {
        let decision = settle(&acting, Some(&stored), &Err(error), &Policy::default(), now);
        let kept: FlespiConnection = written(&decision.changes, uuid(90)).unwrap();
        assert_eq!(kept.notice_at, stored.value.notice_at);
        let connected = kept.connected.unwrap();
        assert_eq!((connected.last_check, connected.unanswered_at), (Some(last), Some(now)));
        assert_eq!(state(&connected, now), FlespiState::Connected);
        let checked = decision.reply.unwrap();
        assert_eq!((checked.status, checked.last), (CheckStatus::Unknown, Some(last)));
    }
}

#[test]
fn a_fixed_end_says_by_itself_that_it_has_passed_and_a_moving_one_only_when_checked() {
    let end = began() + YEAR;
    let (_, stored) = connection(Some(end));
    let mut connected = stored.value.connected.unwrap();
    assert_eq!(state(&connected, end - TICK), FlespiState::Connected);
    assert_eq!(state(&connected, end), FlespiState::Expired);
    connected.sliding = true;
    assert_eq!(state(&connected, end), FlespiState::Connected, "it may have been used since");
    for (status, expected) in
        [(CheckStatus::Expired, FlespiState::Expired), (CheckStatus::Rejected, FlespiState::Rejected)]
    {
        connected.last_check = Some(LastCheck { status, at: began() });
        assert_eq!(state(&connected, began()), expected);
    }
}

#[test]
fn a_rejected_token_is_told_of_no_more_until_it_is_accepted_again() {
    let end = began() + YEAR;
    let (acting, mut held) = connection(Some(end));
    held.value.notice_at = Some(end - TimeDelta::days(30));
    let rejected = Err(FlespiError::Unauthorized);
    let decision = settle(&acting, Some(&held), &rejected, &Policy::default(), began());
    let kept: FlespiConnection = written(&decision.changes, uuid(90)).unwrap();
    assert_eq!(
        (kept.notice_at, trail(&decision.changes)),
        (None, vec!["flespi_checked: rejected".to_owned()])
    );
    let again = settle(&acting, Some(&stored(kept)), &Ok(info(Some(end), None)), &Policy::default(), began());
    let kept: FlespiConnection = written(&again.changes, uuid(90)).unwrap();
    assert_eq!(kept.notice_at, Some(end - TimeDelta::days(30)));
}

#[test]
fn checks_are_counted_and_bounded() {
    let (acting, stored) = connection(None);
    let policy = Policy::default();
    let limit = policy.flespi_checks;
    let made = |value| until(value, began() + limit.within);
    let asked = ask(&acting, Some(&stored), made(limit.count - 1), &policy, began());
    assert!(asked.reply.is_ok());
    assert_eq!(steps(&asked.changes), ["flespi_checks add 1 to 30"], "before flespi is asked");
    assert_eq!(touched(&asked.changes), [uuid(900), uuid(1), uuid(2)], "his right to it is pinned");
    let no = ask(&acting, Some(&stored), made(limit.count), &policy, began());
    assert_eq!(no.reply.unwrap_err().reason(), Reason::TooManyAttempts);
    assert_eq!(steps(&no.changes), [""; 0]);
    let no = ask(&acting, None, made(0), &policy, began());
    assert_eq!(no.reply.unwrap_err().reason(), Reason::NotConnected);
    let decision = settle(&acting, Some(&stored), &Err(FlespiError::Forbidden), &policy, began());
    assert_eq!(steps(&decision.changes), [""; 0], "it is counted once");
    assert_eq!(touched(&decision.changes), [uuid(90), uuid(900), uuid(1), uuid(2)]);
}

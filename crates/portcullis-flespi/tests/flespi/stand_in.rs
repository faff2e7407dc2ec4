//! A life of tokens at the stand-in.

use chrono::DateTime;
use flespi_stand_in::{FlespiStandIn, Place, Scripted, Who};
use portcullis::port::flespi::{Access, FlespiApi as _, FlespiError, NewToken, TokenKind};
use portcullis::secret::FlespiToken;
use portcullis_flespi::Flespi;
use serde_json::json;

use crate::support::{name, towards, wanted};

fn adapter(stand_in: &FlespiStandIn) -> Flespi {
    towards(stand_in.url(Place::Eu)).region("ru", "Russia", stand_in.url(Place::Ru)).build().unwrap()
}

fn key(made: &flespi_stand_in::Made) -> FlespiToken {
    FlespiToken::parse(made.key.clone()).unwrap()
}

#[tokio::test]
async fn a_token_is_issued_found_inspected_and_revoked() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, ru) = (adapter(&stand_in), name("ru"));
    let by = key(&stand_in.log_in(Place::Ru));
    let end = DateTime::from_timestamp(stand_in.now() + 365 * 24 * 3600, 0).unwrap();
    let year = NewToken { info: "operation 7".to_owned(), expire: end, access: Access::Master };

    let issued = flespi.issue(&ru, &by, &year).await.unwrap();
    assert_eq!((issued.info.expire, issued.info.ttl, issued.info.kind), (Some(end), None, TokenKind::Master));
    assert_eq!(issued.info.info.as_deref(), Some("operation 7"));
    assert_eq!(flespi.find(&ru, &by, "operation 7").await, Ok(vec![issued.id]));
    assert_eq!(flespi.find(&ru, &by, "operation").await, Ok(vec![]));

    let seen = flespi.inspect(&ru, &issued.token).await.unwrap();
    assert_eq!((seen.id, seen.ends_at()), (Some(issued.id), Some(end)));
    let login = flespi.inspect(&ru, &by).await.unwrap();
    assert_eq!((login.expire, login.ttl.map(|ttl| ttl.num_seconds())), (None, Some(1800)));
    assert!(login.accessed >= login.created && login.created.is_some());

    assert_eq!(flespi.revoke(&ru, &by, issued.id).await, Ok(()));
    assert_eq!(flespi.revoke(&ru, &by, issued.id).await, Ok(()), "it is gone already");
    assert_eq!(flespi.inspect(&ru, &issued.token).await, Err(FlespiError::Unauthorized));
    assert_eq!(stand_in.requests(Place::Eu), [], "the other region was asked nothing");
    assert_eq!(stand_in.connections(Place::Eu), 0);
    assert!(stand_in.requests(Place::Ru).iter().all(|seen| seen.app.as_deref() == Some("portcullis")));
}

#[tokio::test]
async fn a_token_of_one_region_is_nothing_in_the_other() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let flespi = adapter(&stand_in);
    let by = key(&stand_in.log_in(Place::Ru));
    assert_eq!(flespi.inspect(&name("eu"), &by).await, Err(FlespiError::Unauthorized));
    assert_eq!(stand_in.requests(Place::Eu)[0].who, Who::Unknown);
    assert_eq!(stand_in.requests(Place::Ru), []);
}

#[tokio::test]
async fn rights_and_ends_are_told_apart() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, eu) = (adapter(&stand_in), name("eu"));
    let plain = key(&stand_in.make(Place::Eu, &json!({"ttl": 600})).unwrap());
    assert_eq!(flespi.inspect(&eu, &plain).await.unwrap().kind, TokenKind::Standard);
    assert_eq!(flespi.issue(&eu, &plain, &wanted("x")).await.unwrap_err(), FlespiError::Forbidden);
    assert_eq!(flespi.find(&eu, &plain, "x").await, Err(FlespiError::Forbidden));
    assert_eq!(flespi.revoke(&eu, &plain, 1).await, Err(FlespiError::Forbidden));
    assert!(stand_in.advance(600));
    assert_eq!(flespi.inspect(&eu, &plain).await, Err(FlespiError::Unauthorized));
    assert_eq!(flespi.revoke(&eu, &plain, 1).await, Err(FlespiError::Unauthorized));
}

#[tokio::test]
async fn each_kind_of_access_is_asked_for_as_flespi_writes_it() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, eu) = (adapter(&stand_in), name("eu"));
    let by = key(&stand_in.log_in(Place::Eu));
    let list = vec![json!({"uri": "gw/devices", "methods": ["GET"], "ids": "all"})];
    for (access, kind, stored) in [
        (Access::Standard, TokenKind::Standard, json!({"type": 0})),
        (Access::Master, TokenKind::Master, json!({"type": 1})),
        (Access::Acl(list.clone()), TokenKind::Acl, json!({"type": 2, "acl": list})),
    ] {
        let issued = flespi.issue(&eu, &by, &NewToken { access, ..wanted("access") }).await.unwrap();
        assert_eq!(issued.info.kind, kind);
        let tokens = stand_in.tokens(Place::Eu);
        let token = tokens.iter().find(|token| token["id"] == issued.id).unwrap();
        assert_eq!(token["access"], stored);
    }
    let past = NewToken { expire: DateTime::from_timestamp(1, 0).unwrap(), ..wanted("past") };
    let refused = flespi.issue(&eu, &by, &past).await.unwrap_err();
    assert_eq!(refused, FlespiError::Unavailable { detail: "flespi refuses the request" });
}

#[tokio::test]
async fn an_issue_whose_answer_is_lost_is_ambiguous_and_found_again() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, eu) = (adapter(&stand_in), name("eu"));
    let by = key(&stand_in.log_in(Place::Eu));
    stand_in.script(Place::Eu, Scripted::cut().method("POST").act());
    let lost = flespi.issue(&eu, &by, &wanted("operation 8")).await.unwrap_err();
    assert_eq!(lost, FlespiError::Ambiguous { detail: "the connection broke" });
    let found = flespi.find(&eu, &by, "operation 8").await.unwrap();
    assert_eq!(found.len(), 1, "it was issued once");
    flespi.revoke(&eu, &by, found[0]).await.unwrap();
    assert_eq!(stand_in.tokens(Place::Eu).len(), 1);
}

#[tokio::test]
async fn a_token_is_found_however_many_parts_its_list_comes_in() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, eu) = (adapter(&stand_in), name("eu"));
    let by = key(&stand_in.log_in(Place::Eu));
    let mut wanted = Vec::new();
    for nth in 0..600 {
        let info = if nth % 299 == 1 { "operation 9" } else { "of others" };
        let made = stand_in.make(Place::Eu, &json!({"info": info, "ttl": 600})).unwrap();
        if info == "operation 9" {
            wanted.push(made.id);
        }
    }
    for (longest, calls) in [(None, 1), (Some(1000), 1), (Some(601), 1), (Some(600), 2), (Some(10), 61)] {
        stand_in.shorten_lists(Place::Eu, longest);
        stand_in.forget_requests(Place::Eu);
        assert_eq!(flespi.find(&eu, &by, "operation 9").await.as_ref(), Ok(&wanted), "{longest:?}");
        assert_eq!(stand_in.requests(Place::Eu).len(), calls, "{longest:?}");
    }
    // What does not end is not read to its end, and says nothing.
    stand_in.shorten_lists(Place::Eu, Some(1));
    stand_in.forget_requests(Place::Eu);
    let part = Err(FlespiError::Ambiguous { detail: "the answer is a part only" });
    assert_eq!(flespi.find(&eu, &by, "operation 9").await, part);
    assert_eq!(stand_in.requests(Place::Eu).len(), 64);
}

#[tokio::test]
async fn a_list_that_goes_round_or_breaks_off_is_no_list() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, eu) = (adapter(&stand_in), name("eu"));
    let by = key(&stand_in.log_in(Place::Eu));
    let part = Err(FlespiError::Ambiguous { detail: "the answer is a part only" });
    let first = r#"{"result":[{"id":7,"info":"x"}],"pagination":{"total":2}}"#;
    for second in [first, r#"{"result":[],"pagination":{"total":2}}"#] {
        stand_in.script(Place::Eu, Scripted::body(first));
        stand_in.script(Place::Eu, Scripted::body(second));
        assert_eq!(flespi.find(&eu, &by, "x").await, part, "{second}");
    }
    stand_in.script(Place::Eu, Scripted::body(first));
    stand_in.script(Place::Eu, Scripted::status(401));
    assert_eq!(flespi.find(&eu, &by, "x").await, Err(FlespiError::Unauthorized));
    // Others are deleted meanwhile: what was seen is the whole list.
    stand_in
        .script(Place::Eu, Scripted::body(r#"{"result":[{"id":7,"info":"x"}],"pagination":{"total":3}}"#));
    stand_in.script(Place::Eu, Scripted::body(r#"{"result":[{"id":8}],"pagination":{"total":2}}"#));
    assert_eq!(flespi.find(&eu, &by, "x").await, Ok(vec![7]));
}

#[tokio::test]
async fn regions_are_compared_by_name_and_the_customers_is_told() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (flespi, ru) = (adapter(&stand_in), name("ru"));
    let found = flespi.compare_regions(&ru).await.unwrap();
    assert_eq!((found.known, found.unknown, found.missing), (vec![name("eu"), name("ru")], vec![], vec![]));
    assert_eq!(stand_in.requests(Place::Ru)[0].who, Who::Nobody, "no token was sent");
    let regions =
        r#"{"result":[{"name":"eu","rest":"https://evil.example"},{"name":"ap","rest":"https://x"}]}"#;
    stand_in.script(Place::Ru, Scripted::body(regions));
    let found = flespi.compare_regions(&ru).await.unwrap();
    assert_eq!(
        (found.known, found.unknown, found.missing),
        (vec![name("eu")], vec![name("ap")], vec![ru.clone()])
    );
    assert_eq!(flespi.regions().len(), 2);
    assert_eq!(flespi.regions()[0].origin, stand_in.url(Place::Eu));

    let by = key(&stand_in.log_in(Place::Ru));
    assert_eq!(flespi.customer_region(&ru, &by).await, Ok(Some(ru.clone())));
    stand_in.script(Place::Ru, Scripted::body(r#"{"result":[{"region":7}]}"#));
    assert_eq!(flespi.customer_region(&ru, &by).await, Ok(None));
}

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::*;
use crate::account::{Period, RecordedPayment, Service};
use crate::challenge::{Channel, Purpose};
use crate::contact::Phone;
use crate::decision::Entity;
use crate::engine::record::{Schema, parse, rewrite};
use crate::error::Error;
use crate::fixture::*;
use crate::message::MessageKind;
use crate::message::model::{CodeToSend, Draft, OneTime};
use crate::port::message::DeliveryState;
use crate::port::store::{Lane, Record};
use crate::recovery::Identifier;
use crate::rights::AccessRight;
use crate::secret::Code;
use crate::spend::Charge;
use crate::user::model::{EmailClaim, PendingEmail};

const ACCOUNT: &str = include_str!("../../tests/golden/account.v1.json");
const USER: &str = include_str!("../../tests/golden/user.v1.json");
const SESSION: &str = include_str!("../../tests/golden/session.v1.json");
const CHALLENGE: &str = include_str!("../../tests/golden/challenge.v1.json");
const MESSAGE: &str = include_str!("../../tests/golden/message.v1.json");
const SCHEDULE: &str = include_str!("../../tests/golden/notice_schedule.v1.json");
const PAYMENT: &str = include_str!("../../tests/golden/payment.v1.json");
const FLESPI: &str = include_str!("../../tests/golden/flespi_connection.v1.json");
const REQUEST: &str = include_str!("../../tests/golden/recovery_request.v1.json");

/// A value of each kind with every part filled in.
fn full() -> (Account, User, Session, Challenge, Message) {
    let mut account = under(&account(1), 3);
    account.services.insert("sms".to_owned(), Service::on(Some(1000), Period::Day));
    account.plan = Some("basic".to_owned());
    let mut user = user(2, &account);
    user.external_id = Some("crm-2".to_owned());
    user.invitation = Some(crate::id::ChallengeId::from_uuid(uuid(800)));
    user.creators = vec![crate::id::UserId::from_uuid(uuid(4))];
    user.rights.insert(crate::id::UserId::from_uuid(uuid(4)), rights([AccessRight::View]));
    account.rights = user.rights.clone();
    let session = session(900, &user);
    let mut challenge = challenge(Purpose::Reauthentication, &user, "u2@example.com");
    challenge.session = Some(session.id);
    user.phone = Some(Phone::parse("+37120000045").unwrap());
    user.recovered_by_mail = true;
    user.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge.id));
    user.pending_two_factor = Some(challenge.id);
    user.blocking_notices = true;
    user.flespi = Some(uuid(90));
    user.claims.push(EmailClaim {
        address: email("old@example.com"),
        challenge: challenge.id,
        unique: true,
        ends_at: began(),
    });
    let draft = Draft {
        id: crate::id::MessageId::from_uuid(uuid(70)),
        tenant: user.tenant.uuid(),
        user: user.id,
        kind: MessageKind::ReauthenticationCode,
        to: email("u2@example.com").into(),
        lane: Lane::Interactive,
        code: Some(CodeToSend {
            code: OneTime::Code(Code::parse("123456").unwrap()),
            challenge: challenge.id,
            issue: 1,
            valid_until: challenge.expires_at,
        }),
        charge: Some(Charge::sample()),
        once_at: None,
        not_before: None,
        day: Some(began().date_naive()),
    };
    let mut message = Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
    challenge.sealed.clone_from(&message.sealed);
    challenge.unverified = Some(Charge::sample());
    challenge.unverified_before.insert(1, Charge::sample());
    challenge.message = Some(message.id);
    message.delivery = Some(DeliveryState::Delivered);
    (account, user, session, challenge, message)
}

fn request() -> RecoveryRequest {
    let (id, who) = (crate::id::RequestId::from_uuid(uuid(80)), Identifier::parse("alice").unwrap());
    RecoveryRequest::sealed(id, &who, &keyring(), [3; 24], began())
}

fn flespi() -> FlespiConnection {
    serde_json::from_str(FLESPI).unwrap()
}

/// A connection with nothing in it.
fn bare_flespi() -> FlespiConnection {
    FlespiConnection::new(uuid(90), account(1).id, flespi().user, began())
}

fn schedule() -> NoticeSchedule {
    serde_json::from_str(SCHEDULE).unwrap()
}

fn payment() -> RecordedPayment {
    RecordedPayment {
        v: Schema::default(),
        id: crate::id::PaymentId::from_uuid(uuid(60)),
        tenant: account(1).id,
        account: account(3).id,
        days: -30,
        amount: -9_900,
        comment: "invoice 17".to_owned(),
        by: Some(crate::id::UserId::from_uuid(uuid(4))),
        at: began(),
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

fn record<E: Entity>(body: &Map<String, Value>) -> Record {
    let id = |name: &str| Uuid::parse_str(body[name].as_str().unwrap()).unwrap();
    Record {
        tenant: id("tenant"),
        kind: E::KIND,
        id: id("id"),
        version: 1,
        keys: Vec::new(),
        refs: Vec::new(),
        due: None,
        body: serde_json::to_string(body).unwrap(),
    }
}

/// A body of the first schema is read for ever, written back with what only others know, and the versions after it
/// are read but not written, or not read.
fn lives_on<E: Entity>(golden: &str) {
    let mut body = object(golden);
    body.insert("of_another_release".to_owned(), Value::from(vec![1, 2]));
    let kept = parse::<E>(&record::<E>(&body)).unwrap();
    let written = rewrite(&kept.value, &record::<E>(&body).body).unwrap();
    assert_eq!(object(&written), body, "{}", E::KIND);

    body.insert("v".to_owned(), Value::from(2));
    let next = parse::<E>(&record::<E>(&body)).unwrap();
    assert!(
        rewrite(&next.value, &record::<E>(&body).body).is_err(),
        "{}: written by a newer release",
        E::KIND
    );
    for strange in [Value::from(3), Value::from(0), Value::Null] {
        body.insert("v".to_owned(), strange);
        assert!(matches!(parse::<E>(&record::<E>(&body)), Err(Error::Corrupt { .. })), "{}", E::KIND);
    }
}

#[test]
fn a_body_of_the_first_schema_is_read_for_ever() {
    lives_on::<Account>(ACCOUNT);
    lives_on::<User>(USER);
    lives_on::<Session>(SESSION);
    lives_on::<Challenge>(CHALLENGE);
    lives_on::<Message>(MESSAGE);
    lives_on::<RecoveryRequest>(REQUEST);
    lives_on::<NoticeSchedule>(SCHEDULE);
    lives_on::<RecordedPayment>(PAYMENT);
    lives_on::<FlespiConnection>(FLESPI);
}

#[test]
fn the_golden_bodies_have_every_part_of_this_release() {
    fn names<E: Entity>(value: &E) -> Vec<String> {
        object(&serde_json::to_string(value).unwrap()).keys().cloned().collect()
    }
    let (account, user, session, challenge, message) = full();
    for (now, golden) in [
        (names(&account), ACCOUNT),
        (names(&user), USER),
        (names(&session), SESSION),
        (names(&challenge), CHALLENGE),
        (names(&message), MESSAGE),
        (names(&request()), REQUEST),
        (names(&schedule()), SCHEDULE),
        (names(&payment()), PAYMENT),
        (names(&flespi()), FLESPI),
    ] {
        let golden: Vec<_> = object(golden).keys().cloned().collect();
        assert_eq!(now, golden, "a new part is a new schema number and a new golden body");
    }
}

#[test]
fn what_was_kept_before_lifts_were_counted_is_dead() {
    let chain = chain([&account(1)]);
    let without = |golden: &str, names: &[&str]| {
        let mut body = object(golden);
        for name in names {
            assert!(body.remove(*name).is_some(), "{name}");
        }
        body
    };
    let session: Session = parse(&record::<Session>(&without(SESSION, &["lifts"]))).unwrap().value;
    let challenge: Challenge = parse(&record::<Challenge>(&without(CHALLENGE, &["lifts"]))).unwrap().value;
    assert_ne!(session.lifts, chain.lifts());
    assert_ne!(challenge.lifts, chain.lifts());
    let user: User = parse(&record::<User>(&without(USER, &["phone", "recovered_by_mail"]))).unwrap().value;
    assert!(user.phone.is_none() && !user.recovered_by_mail);
    let challenge: Challenge = parse(&record::<Challenge>(&without(
        CHALLENGE,
        &["sealed", "unverified", "unverified_before", "message"],
    )))
    .unwrap()
    .value;
    assert!(challenge.sealed.is_none() && challenge.unverified_before.is_empty());
    assert_eq!(challenge.message, None);
    let new = ["channel", "submitted", "charge", "delivery"];
    let message: Message = parse(&record::<Message>(&without(MESSAGE, &new))).unwrap().value;
    assert_eq!((message.channel, message.submitted, message.delivery), (Channel::Email, false, None));
    let new = ["days", "balance", "dealer", "plan", "plans", "lifts"];
    let account: Account = parse(&record::<Account>(&without(ACCOUNT, &new))).unwrap().value;
    assert_eq!((account.blocks_at(), account.lifts, account.dealer), (None, 0, false));
}

#[test]
fn a_body_of_one_record_is_none_of_another() {
    let mut strange = record::<User>(&object(USER));
    strange.id = uuid(3);
    assert!(matches!(parse::<User>(&strange), Err(Error::Corrupt { .. })));
    assert!(matches!(parse::<Session>(&record::<User>(&object(USER))), Err(Error::Corrupt { .. })));
}

/// What the schema says of a kind is what its values do.
fn described<E: Entity>(value: &E, golden: &str) {
    described_together(&[value], golden);
}

/// The same, of values that carry every key only together.
fn described_together<E: Entity>(values: &[&E], golden: &str) {
    let schema = kinds().iter().find(|schema| schema.kind == E::KIND).unwrap();
    assert_eq!(schema.v, E::V, "{}", E::KIND);
    let keys: Vec<_> = values.iter().flat_map(|value| value.keys()).collect();
    let named: BTreeSet<_> = keys.iter().map(|key| key.name.as_ref()).collect();
    let described: BTreeSet<_> = schema.keys.iter().map(|key| key.name).collect();
    assert_eq!(named, described, "{}", E::KIND);
    for key in &keys {
        let schema = schema.keys.iter().find(|schema| schema.name == key.name).unwrap();
        match schema.holders {
            Holders::One => assert!(key.unique, "{}", key.name),
            Holders::Many => assert!(!key.unique, "{}", key.name),
            Holders::AsWritten => {}
        }
        assert_eq!(key.kind, E::KIND);
    }
    let body = Value::Object(object(golden));
    for column in schema.columns {
        let found = column.path.iter().try_fold(&body, |at, name| at.get(name));
        let found = found.unwrap_or_else(|| panic!("{}.{} is not there", E::KIND, column.name));
        assert!(fits(found, column.content), "{}.{} is {found}", E::KIND, column.name);
    }
    let columns: BTreeSet<_> = schema.columns.iter().map(|column| column.name).collect();
    assert_eq!(columns.len(), schema.columns.len(), "{}: each name once", E::KIND);
}

fn fits(value: &Value, content: Content) -> bool {
    match content {
        Content::Id => value.as_str().is_some_and(|text| Uuid::parse_str(text).is_ok()),
        Content::Text => value.is_string(),
        Content::Number => value.is_i64() || value.is_u64(),
        Content::Flag => value.is_boolean(),
        Content::Time => value.as_str().is_some_and(|text| text.parse::<DateTime<Utc>>().is_ok()),
        Content::Json => value.is_array() || value.is_object(),
    }
}

#[test]
fn the_schema_says_what_the_records_are() {
    let (account, user, session, challenge, message) = full();
    described(&account, ACCOUNT);
    described(&user, USER);
    described(&session, SESSION);
    described(&challenge, CHALLENGE);
    // No message carries every key, and the golden body waits.
    let (mut held, mut dead) = (message.clone(), message.clone());
    held.outcome = crate::message::Outcome::Held;
    dead.outcome = crate::message::Outcome::GivenUp;
    described_together(&[&held, &dead], MESSAGE);
    described(&request(), REQUEST);
    described(&schedule(), SCHEDULE);
    described(&payment(), PAYMENT);
    described(&flespi(), FLESPI);
    let (mut bare, mut sent) = (user, message);
    (bare.email, bare.external_id, sent.sealed) = (None, None, None);
    bare.claims.clear();
    bare.ancestors.clear();
    for (keys, schema) in [(bare.keys(), 1), (sent.keys(), 4)] {
        let wanted: Vec<_> =
            kinds()[schema].keys.iter().filter(|key| !key.optional).map(|key| key.name).collect();
        assert_eq!(keys.iter().map(|key| key.name.as_ref()).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn every_optional_part_is_marked() {
    let (mut account, mut user, _, _, mut message) = full();
    account.plan = None;
    (user.email, user.pending_email, user.external_id, user.password_changed_at) = (None, None, None, None);
    user.phone = None;
    (message.valid_until, message.day, message.delivery) = (None, None, None);
    let mut schedule = schedule();
    (schedule.blocks_at, schedule.walk) = (None, None);
    let bodies = [
        serde_json::to_value(&account).unwrap(),
        serde_json::to_value(&user).unwrap(),
        serde_json::to_value(&message).unwrap(),
        serde_json::to_value(&schedule).unwrap(),
        serde_json::to_value(RecordedPayment { by: None, ..payment() }).unwrap(),
        serde_json::to_value(bare_flespi()).unwrap(),
    ];
    for (body, nth) in bodies.iter().zip([0, 1, 4, 6, 7, 8]) {
        for column in kinds()[nth].columns {
            let found = column.path.iter().try_fold(body, |at, name| at.get(name));
            let missing = found.is_none_or(Value::is_null);
            assert_eq!(missing, column.optional, "{}.{}", kinds()[nth].kind, column.name);
        }
    }
}

#[test]
fn nothing_secret_or_sealed_is_shown() {
    for kind in kinds() {
        for column in kind.columns {
            for hidden in ["password", "digest", "sealed"] {
                assert!(!column.path.contains(&hidden), "{}.{}", kind.kind, column.name);
            }
        }
    }
    let to = kinds()[4].columns.iter().find(|column| column.name == "destination").unwrap();
    assert_eq!(object(MESSAGE)[to.path[0]], Value::from("u•••@example.com"), "masked");
}

/// Every name that some `impl Entity for` of the source gives.
fn entities(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            entities(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let named =
                |line: &str| Some(line.strip_prefix("impl Entity for ")?.trim_end_matches(" {").to_owned());
            into.extend(text.lines().filter_map(named));
        }
    }
}

/// `RecoveryRequest` is kept as `recovery_request`; that a payment was recorded goes without saying.
fn snake(name: &str) -> String {
    let name = name.strip_prefix("Recorded").unwrap_or(name);
    let parts = name.char_indices().map(|(at, c)| match (at, c.is_uppercase()) {
        (1.., true) => format!("_{}", c.to_lowercase()),
        _ => c.to_lowercase().to_string(),
    });
    parts.collect()
}

#[test]
fn every_entity_is_in_the_schema() {
    let mut found = BTreeSet::new();
    entities(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let kinds: BTreeSet<_> = kinds().iter().map(|schema| schema.kind.as_str().to_owned()).collect();
    assert_eq!(found.iter().map(|name| snake(name)).collect::<BTreeSet<_>>(), kinds);
}

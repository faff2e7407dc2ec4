//! The expected values were computed by an independent implementation (Python's `hmac` and a plain XChaCha20-Poly1305
//! checked against the test vector of its draft), from the keys in `golden_v1.json`.

use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::ExposeSecret;

use super::*;
use crate::port::ambient::SystemRandom;

pub(super) const GOLDEN: &str = include_str!("golden_v1.json");
const CHALLENGE: Uuid = Uuid::from_bytes([0x11; 16]);
const USER: Uuid = Uuid::from_bytes([0x22; 16]);

#[test]
fn the_golden_file_is_read_and_written_back() {
    let keyring = golden();
    assert_eq!((keyring.current(), keyring.epoch()), ("k2", 3));
    assert_eq!(keyring.key_ids().collect::<Vec<_>>(), ["k1", "k2"]);
    assert_eq!(
        keyring.made_at("k1"),
        DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").ok().map(Into::into)
    );
    assert_eq!(keyring.to_json().unwrap().expose_secret(), GOLDEN);
}

#[test]
fn a_digest_is_the_hmac_of_everything_bound() {
    let bound = golden().bind(&binding());
    assert_eq!(
        serde_json::to_value(&bound).unwrap(),
        serde_json::json!({"key": "k2", "digest": "OXLzk8Y5ZEEFykcc9xzRhN71Z_ZoQkdBvD4wYbMbgG8"})
    );
    assert!(golden().fits(&bound, &binding()));
}

#[test]
fn every_field_of_a_binding_matters() {
    let keyring = golden();
    let right = binding();
    let bound = keyring.bind(&right);
    let others = [
        Binding { challenge: USER, ..right },
        Binding { purpose: "sign_on", ..right },
        Binding { user: CHALLENGE, ..right },
        Binding { destination: "eve@example.com", ..right },
        Binding { credential_version: 8, ..right },
        Binding { secret: b"012346", ..right },
        Binding { secret: b"12345", ..right },
        // The same bytes, cut elsewhere.
        Binding { purpose: "sign_inx", destination: "ob@example.com", ..right },
    ];
    for other in others {
        assert!(!keyring.fits(&bound, &other), "{other:?}");
    }
    let swapped = Binding { purpose: "ab", destination: "c", ..right };
    assert!(!keyring.fits(&keyring.bind(&swapped), &Binding { purpose: "a", destination: "bc", ..right }));
}

#[test]
fn a_changed_digest_fits_nothing() {
    let keyring = golden();
    let digest = "OXLzk8Y5ZEEFykcc9xzRhN71Z_ZoQkdBvD4wYbMbgG8";
    let with = |key: &str, digest: &str| {
        serde_json::from_value(serde_json::json!({"key": key, "digest": digest})).unwrap()
    };
    assert!(keyring.fits(&with("k2", digest), &binding()));
    for at in 0..digest.len() {
        assert!(!keyring.fits(&with("k2", &changed(digest, at)), &binding()), "character {at}");
    }
    for (key, digest) in
        [("k1", digest), ("k3", digest), ("", digest), ("k2", ""), ("k2", cut(digest, 42)), ("k2", "é")]
    {
        assert!(!keyring.fits(&with(key, digest), &binding()), "{key} {digest}");
    }
}

#[test]
fn a_sealed_text_is_the_xchacha_of_everything_it_belongs_to() {
    let sealed =
        golden().seal(&sealing(), b"012345", core::array::from_fn(|i| 100 + u8::try_from(i).unwrap()));
    assert_eq!(sealed, "v1.k2.ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7tNvyijL4HzU-RojXGu_b04Wtqp513A");
    assert_eq!(golden().open(&sealing(), &sealed).unwrap().expose(), b"012345");
    assert_eq!(Keyring::key_of(&sealed), Some("k2"));
}

#[test]
fn a_text_changed_anywhere_does_not_open() {
    let keyring = golden();
    let sealed = keyring.seal(&sealing(), b"012345", [9; 24]);
    for at in 0..sealed.len() {
        assert!(keyring.open(&sealing(), &changed(&sealed, at)).is_err(), "character {at}");
        assert!(keyring.open(&sealing(), cut(&sealed, at)).is_err(), "cut at {at}");
    }
    let under_other_key = sealed.replace(".k2.", ".k1.");
    assert_eq!(keyring.open(&sealing(), &under_other_key).unwrap_err(), OpenError::Tampered);
}

#[test]
fn a_text_moved_elsewhere_does_not_open() {
    let keyring = golden();
    let sealed = keyring.seal(&sealing(), b"012345", [9; 24]);
    let right = sealing();
    for other in [
        Sealing { label: "massage", ..right },
        Sealing { record: USER, ..right },
        Sealing { owner: CHALLENGE, ..right },
        Sealing { record: right.owner, owner: right.record, ..right },
    ] {
        assert_eq!(keyring.open(&other, &sealed).unwrap_err(), OpenError::Tampered, "{other:?}");
    }
}

#[test]
fn a_sealed_text_tells_why_it_does_not_open() {
    let keyring = golden();
    let open = |text: &str| keyring.open(&sealing(), text).unwrap_err();
    for text in ["", "v1", "v1.k2", "v2.k2.AAAA", "v1.K2.AAAA", "v1..AAAA", "v1.k2.A*", "v1.k2.AAAA=", "é"] {
        assert_eq!(open(text), OpenError::Malformed, "{text:?}");
    }
    assert_eq!(open("v1.k3.AAAA"), OpenError::UnknownKey);
    assert_eq!(open("v1.k2."), OpenError::Tampered);
    assert_eq!(Keyring::key_of("v1.k3.AAAA"), Some("k3"));
    assert_eq!(Keyring::key_of("v2.k3.AAAA"), None);
}

#[test]
fn another_nonce_makes_another_text() {
    let keyring = golden();
    let [one, two] = [[1; 24], [2; 24]].map(|nonce| keyring.seal(&sealing(), b"012345", nonce));
    let tail = |text: &str| text.chars().rev().take(29).collect::<String>();
    assert_ne!(tail(&one), tail(&two));
}

#[test]
fn tokens_are_the_synthetic_nonce_and_ciphertext_of_what_they_hold() {
    let keyring = golden();
    let token = "k2.TEjOodvs3XRfIhiYRnud4itOLM3oNOcr2M73n5HBHDcRIHYqDyf-gSkly91hDzc5MSJU6rczJ0E";
    assert_eq!(keyring.seal_id("session", CHALLENGE), token);
    assert_eq!(keyring.open_id("session", token), Some(CHALLENGE));
    let token = "k2.BxfeHaSRpnlD7-sWan9FVwIqb76VlwK4klx1NYnE9ObsglyI1Z58yyoo5-dL";
    assert_eq!(keyring.seal_token("device", b"hello").unwrap(), token);
    assert_eq!(keyring.open_token("device", token).unwrap().expose(), b"hello");
}

#[test]
fn a_changed_token_opens_nothing() {
    let keyring = golden();
    let token = keyring.seal_id("session", CHALLENGE);
    for at in 0..token.len() {
        assert_eq!(keyring.open_id("session", &changed(&token, at)), None, "character {at}");
        assert_eq!(keyring.open_id("session", cut(&token, at)), None, "cut at {at}");
    }
    for hostile in ["", ".", "k2.", "k3.AAAA", "é.é", &format!("k2.{}", "A".repeat(1_000_000))] {
        assert_eq!(keyring.open_id("session", hostile), None);
        assert!(!keyring.is_current(hostile) || hostile == "k2.");
    }
}

#[test]
fn a_token_serves_one_use_only() {
    let keyring = golden();
    let token = keyring.seal_id("session", CHALLENGE);
    assert_eq!(keyring.open_id("challenge", &token), None);
    assert!(keyring.open_token("session", &token).is_none());
    let payload = keyring.seal_token("session", CHALLENGE.as_bytes()).unwrap();
    assert_eq!(keyring.open_id("session", &payload), None);
    assert_ne!(payload, token);
}

#[test]
fn the_longest_payload_is_read_back_and_a_longer_one_refused() {
    let keyring = golden();
    let payload = [7; Keyring::MAX_PAYLOAD_BYTES];
    let mut longest_id = golden();
    Arc::make_mut(&mut longest_id.0).keys[1].id = "k".repeat(16);
    Arc::make_mut(&mut longest_id.0).current = "k".repeat(16);
    for keyring in [&keyring, &longest_id] {
        let token = keyring.seal_token("device", &payload).unwrap();
        assert_eq!(keyring.open_token("device", &token).unwrap().expose(), payload);
    }
    assert!(keyring.seal_token("device", &[7; Keyring::MAX_PAYLOAD_BYTES + 1]).is_none());
}

#[test]
fn derived_ids_are_known_only_with_the_key_and_outlive_rotation() {
    let mut keyring = golden();
    let id = keyring.derive("decoy", b"nobody");
    assert_eq!(id.to_string(), "1e492fb3-dcad-8d73-9b99-9e332fd8c522");
    assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
    keyring.rotate(&Counting::default(), now()).unwrap();
    keyring.retire("k1").unwrap();
    assert_eq!(keyring.derive("decoy", b"nobody"), id);
    assert_ne!(keyring.derive("decoyn", b"obody"), id);
    assert_ne!(keyring.derive("decoy", b"nobody "), id);
}

#[test]
fn rotation_keeps_the_old_readable_until_its_key_is_retired() {
    let mut keyring = golden();
    let bound = keyring.bind(&binding());
    let sealed = keyring.seal(&sealing(), b"012345", [9; 24]);
    let token = keyring.seal_id("session", CHALLENGE);
    assert!(keyring.is_current(&token));

    keyring.rotate(&Counting::default(), now()).unwrap();
    assert_eq!(keyring.key_ids().last(), Some(keyring.current()));
    assert_eq!(keyring.made_at(keyring.current()), Some(now()));
    assert!(keyring.fits(&bound, &binding()));
    assert_eq!(keyring.open(&sealing(), &sealed).unwrap().expose(), b"012345");
    assert_eq!(keyring.open_id("session", &token), Some(CHALLENGE));
    assert!(!keyring.is_current(&token) && keyring.is_current(&keyring.seal_id("session", CHALLENGE)));
    assert_eq!(keyring.bind(&binding()).key_id(), keyring.current());
    assert_eq!(Keyring::key_of(&keyring.seal(&sealing(), b"", [9; 24])), Some(keyring.current()));

    keyring.retire("k2").unwrap();
    assert!(!keyring.fits(&bound, &binding()));
    assert_eq!(keyring.open(&sealing(), &sealed).unwrap_err(), OpenError::UnknownKey);
    assert_eq!(keyring.open_id("session", &token), None);
}

#[test]
fn the_current_and_an_unknown_key_are_not_retired() {
    let mut keyring = golden();
    assert_eq!(keyring.retire("k2"), Err(KeyringError::Current));
    assert_eq!(keyring.retire("k3"), Err(KeyringError::Unknown));
    assert_eq!(keyring.key_ids().count(), 2);
}

#[test]
fn a_keyring_is_full_at_its_limit_and_still_read_back() {
    let random = Counting::default();
    let mut keyring = Keyring::generate(&random, now()).unwrap();
    while keyring.key_ids().count() < Keyring::MAX_KEYS {
        keyring.rotate(&random, now()).unwrap();
    }
    assert_eq!(keyring.rotate(&random, now()), Err(KeyringError::Full));
    let read = Keyring::from_json(keyring.to_json().unwrap().expose_secret()).unwrap();
    assert_eq!(read.key_ids().count(), Keyring::MAX_KEYS);
}

#[test]
fn a_generator_that_repeats_itself_makes_no_second_key() {
    let random = Constant;
    let mut keyring = Keyring::generate(&random, now()).unwrap();
    assert!(matches!(keyring.rotate(&random, now()), Err(KeyringError::Random(_))));
    assert_eq!(keyring.key_ids().count(), 1);
}

#[test]
fn an_epoch_only_goes_forward() {
    let mut keyring = golden();
    keyring.next_epoch();
    assert_eq!(keyring.epoch(), 4);
    assert_eq!(Keyring::from_json(keyring.to_json().unwrap().expose_secret()).unwrap().epoch(), 4);
}

#[test]
fn debug_shows_ids_and_no_key() {
    assert_eq!(format!("{:?}", golden()), r#"Keyring { epoch: 3, current: "k2", keys: ["k1", "k2"], .. }"#);
    assert_eq!(format!("{:?}", golden().bind(&binding())), r#"BoundDigest { key: "k2", .. }"#);
    assert!(!format!("{:?}", binding()).contains("012345"));
}

#[test]
fn two_keyrings_share_nothing() {
    let [one, two] = [(); 2].map(|()| Keyring::generate(&SystemRandom::default(), now()).unwrap());
    assert!(is_key_id(one.current()) && one.current().len() == 8);
    assert_ne!(one.derive("decoy", b"nobody"), two.derive("decoy", b"nobody"));
    assert!(!two.fits(&one.bind(&binding()), &binding()));
}

pub(super) fn golden() -> Keyring {
    Keyring::from_json(GOLDEN).unwrap()
}

fn binding() -> Binding<'static> {
    Binding {
        challenge: CHALLENGE,
        purpose: "sign_in",
        user: USER,
        destination: "bob@example.com",
        credential_version: 7,
        secret: b"012345",
    }
}

fn sealing() -> Sealing {
    Sealing { label: "message", record: CHALLENGE, owner: USER }
}

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// The text with another character of base64url at a place.
fn changed(text: &str, at: usize) -> String {
    text.char_indices()
        .map(|(i, c)| {
            if i != at {
                c
            } else if c == 'B' {
                'C'
            } else {
                'B'
            }
        })
        .collect()
}

fn cut(text: &str, at: usize) -> &str {
    text.split_at(at).0
}

/// Different bytes at each call.
#[derive(Default)]
pub(super) struct Counting(AtomicU32);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().zip(n.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

struct Constant;

impl Random for Constant {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        buffer.fill(7);
        Ok(())
    }
}

//! The flespi connection as the routes show it: of a token never more than its first characters.

use chrono::{DateTime, Utc};
use portcullis::flespi::{Checked, FlespiSettings, FlespiState, HandOff, HeldToken, LastCheck};
use portcullis::port::flespi::TokenKind;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::VerdictView;
use crate::openapi::{object, reference};

/// `settings.flespi`, and with `change` left out what the routes of flespi answer.
#[derive(Debug, Serialize)]
pub(crate) struct FlespiView {
    state: &'static str,
    token: Option<String>,
    kind: Option<&'static str>,
    region: Option<String>,
    source: Option<&'static str>,
    obtained_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    last_check: Option<LastCheckView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<VerdictView>,
}

#[derive(Debug, Serialize)]
struct LastCheckView {
    status: &'static str,
    at: DateTime<Utc>,
}

impl From<LastCheck> for LastCheckView {
    fn from(check: LastCheck) -> Self {
        Self { status: check.status.name(), at: check.at }
    }
}

impl FlespiView {
    /// Where there is nothing that calls flespi there is no connection.
    pub(crate) const ABSENT: Self = Self {
        state: "absent",
        token: None,
        kind: None,
        region: None,
        source: None,
        obtained_at: None,
        expires_at: None,
        last_check: None,
        change: None,
    };

    /// The connection alone.
    pub(crate) fn connection(flespi: &FlespiSettings) -> Self {
        let state = match flespi.state {
            FlespiState::Absent => "absent",
            FlespiState::Connecting => "connecting",
            // Whether it is over or not accepted, its end and the last check say.
            FlespiState::Connected | FlespiState::Expired | FlespiState::Rejected | _ => "connected",
        };
        let Some(held) = &flespi.token else { return Self { state, ..Self::ABSENT } };
        Self {
            state,
            token: Some(shown(held)),
            kind: held.kind.map(kind),
            region: Some(held.region.as_str().to_owned()),
            source: Some(held.source.name()),
            obtained_at: Some(held.obtained_at),
            expires_at: held.expiry.ends_at(),
            last_check: held.last_check.map(LastCheckView::from),
            change: None,
        }
    }

    /// The same, and whether it may be changed.
    pub(crate) fn settings(flespi: &FlespiSettings) -> Self {
        Self { change: Some(VerdictView::from(&flespi.change)), ..Self::connection(flespi) }
    }
}

fn shown(held: &HeldToken) -> String {
    format!("{}…", held.shown)
}

const fn kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Standard => "standard",
        TokenKind::Master => "master",
        TokenKind::Acl => "acl",
        TokenKind::Other | _ => "other",
    }
}

/// What a page needs to open the pop-up.
#[derive(Serialize)]
pub(crate) struct HandOffView {
    nonce: String,
    url: String,
    origins: Vec<String>,
    expires_at: DateTime<Utc>,
}

impl From<HandOff> for HandOffView {
    fn from(hand_off: HandOff) -> Self {
        Self {
            nonce: hand_off.nonce.expose().to_owned(),
            url: hand_off.url,
            origins: hand_off.origins,
            expires_at: hand_off.expires_at,
        }
    }
}

/// What a check came to. `last` is there where flespi did not answer: the last time it did.
#[derive(Debug, Serialize)]
pub(crate) struct CheckView {
    status: &'static str,
    expires_at: Option<DateTime<Utc>>,
    checked_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastCheckView>,
}

impl From<Checked> for CheckView {
    fn from(checked: Checked) -> Self {
        let last = checked.last.filter(|last| last.status != checked.status);
        Self {
            status: checked.status.name(),
            expires_at: checked.expiry.ends_at(),
            checked_at: checked.checked_at,
            last: last.map(LastCheckView::from),
        }
    }
}

/// Bodies and answers in `/openapi.json`.
pub(crate) fn schemas() -> Vec<(&'static str, Value)> {
    let (text, none) = (json!({"type": "string"}), json!({}));
    let time = json!({"type": "string", "format": "date-time"});
    let maybe = |schema: Value| json!({"oneOf": [schema, {"type": "null"}]});
    let told = json!({"enum": ["active", "expired", "rejected"]});
    let last = object(&json!({"status": told, "at": time}), &none);
    let connection = json!({
        "state": {"enum": ["absent", "connecting", "connected"]},
        "token": maybe(text.clone()),
        "kind": maybe(json!({"enum": ["standard", "master", "acl", "other"]})),
        "region": maybe(text.clone()),
        "source": maybe(json!({"enum": ["login", "manual"]})),
        "obtained_at": maybe(time.clone()),
        "expires_at": maybe(time.clone()),
        "last_check": maybe(last.clone()),
    });
    let mut settings = connection.clone();
    if let Value::Object(settings) = &mut settings {
        settings.insert("change".to_owned(), reference("Verdict"));
    }
    let hand_off = json!({
        "nonce": text, "url": text, "origins": {"type": "array", "items": text}, "expires_at": time,
    });
    let check = json!({
        "status": {"enum": ["active", "expired", "rejected", "unknown"]},
        "expires_at": maybe(time.clone()), "checked_at": time,
    });
    vec![
        ("Flespi", object(&connection, &none)),
        ("FlespiSettings", object(&settings, &none)),
        ("FlespiHandOff", object(&hand_off, &none)),
        ("FlespiMessage", object(&json!({"message": text}), &none)),
        ("FlespiToken", object(&json!({"token": text, "region": text}), &none)),
        ("FlespiCheck", object(&check, &json!({"last": last}))),
    ]
}

//! How each gateway tells a state.

use http::Method;
use portcullis::id::MessageId;
use portcullis::port::message::{DeliveryReport, DeliveryState};
use serde_json::Value;

use super::{Rejected, meaning, only};
use crate::gateway::{Place, Reports};

/// Reads the form of a report of Twilio's about this SMS: `MessageStatus`.
///
/// Nothing is said here about who sent it; [`Receipts::judge`](super::Receipts::judge) does.
///
/// ```
/// use portcullis::{id::MessageId, port::message::DeliveryState};
/// use portcullis_sms_http::{Rejected, twilio_report};
/// let id = MessageId::from_uuid(uuid::Uuid::from_u128(7));
/// let report = |body| twilio_report(id, body).map(|report| report.state);
/// assert_eq!(report(b"MessageStatus=sent"), Ok(DeliveryState::OnItsWay));
/// assert_eq!(report(b"MessageStatus=undelivered&ErrorCode=30005"), Ok(DeliveryState::Undelivered));
/// assert_eq!(report(b"MessageStatus=queued"), Err(Rejected::Ignored));
/// ```
///
/// # Errors
/// [`Rejected::Malformed`] unless the status is there once, [`Rejected::Ignored`] for one that means nothing here.
pub fn twilio_report(id: MessageId, body: &[u8]) -> Result<DeliveryReport, Rejected> {
    let state = match only(body, "MessageStatus")?.as_ref() {
        "sending" | "sent" => Some(DeliveryState::OnItsWay),
        "delivered" | "read" => Some(DeliveryState::Delivered),
        "undelivered" | "failed" => Some(DeliveryState::Undelivered),
        // Accepted and queued say no more than the gateway's answer did.
        _ => None,
    };
    meaning(state).map(|state| DeliveryReport::new(id, state))
}

/// Reads the query of a report of Kannel's about this SMS: `state`, which is what Kannel put in place of `%d`.
///
/// Nothing is said here about who sent it; [`Receipts::judge`](super::Receipts::judge) does.
///
/// ```
/// use portcullis::{id::MessageId, port::message::DeliveryState};
/// use portcullis_sms_http::{Rejected, kannel_report};
/// let id = MessageId::from_uuid(uuid::Uuid::from_u128(7));
/// let report = |query| kannel_report(id, query).map(|report| report.state);
/// assert_eq!(report("state=8"), Ok(DeliveryState::OnItsWay));
/// assert_eq!(report("state=1"), Ok(DeliveryState::Delivered));
/// assert_eq!(report("state=16"), Ok(DeliveryState::Undelivered));
/// assert_eq!(report("state=64"), Err(Rejected::Ignored));
/// assert_eq!(report("state=%d"), Err(Rejected::Malformed));
/// ```
///
/// # Errors
/// [`Rejected::Malformed`] unless the state is there once and a number, [`Rejected::Ignored`] for one that means nothing
/// here.
pub fn kannel_report(id: MessageId, query: &str) -> Result<DeliveryReport, Rejected> {
    let told = only(query.as_bytes(), "state")?;
    if told.is_empty() || told.len() > 3 || !told.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rejected::Malformed);
    }
    let state = match told.as_ref() {
        "1" => Some(DeliveryState::Delivered),
        "2" | "16" => Some(DeliveryState::Undelivered),
        // Waiting at the network, and taken over by it.
        "4" | "8" => Some(DeliveryState::OnItsWay),
        _ => None,
    };
    meaning(state).map(|state| DeliveryReport::new(id, state))
}

impl Reports {
    /// Whether a report by this method is one by `GET`: only a state in the URL needs no body.
    pub(super) fn takes_get(&self, method: &Method) -> bool {
        matches!(self.place, Place::Query(_)) && method == Method::GET
    }

    pub(super) fn state(&self, query: &str, body: &[u8]) -> Result<DeliveryState, Rejected> {
        let told = match &self.place {
            Place::Query(name) => only(query.as_bytes(), name)?.into_owned(),
            Place::Form(name) => only(body, name)?.into_owned(),
            Place::Json(pointer) => {
                let value: Value = serde_json::from_slice(body).map_err(|_| Rejected::Malformed)?;
                match value.pointer(pointer) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => return Err(Rejected::Malformed),
                }
            }
        };
        let among = |words: &[String]| words.contains(&told);
        if among(&self.delivered) {
            return Ok(DeliveryState::Delivered);
        }
        if among(&self.undelivered) {
            return Ok(DeliveryState::Undelivered);
        }
        meaning(among(&self.on_its_way).then_some(DeliveryState::OnItsWay))
    }
}

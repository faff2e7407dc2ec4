//! A scripted gateway on loopback, and a sender of each shape for it.

pub(crate) mod server;

use std::time::Duration;

use portcullis::contact::Phone;
use portcullis::id::MessageId;
use portcullis::port::message::{SendError, Sms};
use portcullis_sms_http::{Callback, Gateway, SmsHttp, SmsHttpOptions};

/// Long enough for a busy machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TOKEN: &str = "c4n4ry-t0ken-7f3a91";
pub(crate) const PASSWORD: &str = "c4n4ry-P4ssw0rd-7f3a";
pub(crate) const KEY: &str = "c4n4ry-k3y-55d2c0";
pub(crate) const SECRET: &str = "c4n4ry-r3port-91aa07";
pub(crate) const ACCOUNT: &str = "AC0123456789abcdef";

pub(crate) fn sms(text: &str) -> Sms {
    Sms {
        id: MessageId::from_uuid(uuid::Uuid::from_u128(0x018f_3c2e_6f2a_7c1d_9a51_0d9a_7c1b_e2d9)),
        to: Phone::parse("+37120000045").unwrap(),
        text: text.to_owned(),
    }
}

pub(crate) fn callback() -> Callback {
    Callback::new("http://127.0.0.1:9/sms", "gateway", SECRET.into()).unwrap()
}

pub(crate) fn options() -> SmsHttpOptions {
    SmsHttpOptions::new().timeout(PATIENCE).connect_timeout(PATIENCE / 2).reports(callback())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Twilio,
    Kannel,
    Gateway,
}

pub(crate) const SHAPES: [Shape; 3] = [Shape::Twilio, Shape::Kannel, Shape::Gateway];

impl Shape {
    pub(crate) fn sender(self, base: &str, options: SmsHttpOptions) -> SmsHttp {
        match self {
            Self::Twilio => SmsHttp::twilio_at(base, ACCOUNT, TOKEN.into(), "+15005550006", options),
            Self::Kannel => SmsHttp::kannel(base, "app", PASSWORD.into(), "Example", options),
            Self::Gateway => SmsHttp::gateway(described(base), options),
        }
        .unwrap()
    }

    /// How this gateway says that it took a message over.
    pub(crate) fn good(self) -> &'static str {
        match self {
            Self::Twilio => {
                "HTTP/1.1 201 Created\r\nContent-Length: 32\r\n\r\n{\"sid\":\"SM07\",\"status\":\"queued\"}"
            }
            Self::Kannel => "HTTP/1.1 202 Accepted\r\nContent-Length: 25\r\n\r\n0: Accepted for delivery ",
            Self::Gateway => {
                "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"result\":\"queued\",\"id\":\"g-07\"}  "
            }
        }
    }
}

pub(crate) fn described(base: &str) -> Gateway {
    let text = serde_json::json!({
        "url": format!("{base}/v1/messages?ref={{id}}"),
        "headers": {"Authorization": "Bearer {secret:key}"},
        "json": {"from": "{from}", "to": "{digits}", "text": "{text}", "report": "{report_url}"},
        "from": "Example",
        "success": {"pointer": "/result", "equals": "queued", "refused": ["blocked"]},
        "reference": "/id",
    });
    Gateway::from_json(&text.to_string()).unwrap().secret("key", KEY.into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Transient,
    Throttled(u64),
    Permanent,
    Ambiguous,
    Misconfigured,
}

pub(crate) fn kind(error: &SendError) -> Kind {
    match error {
        SendError::Transient { .. } => Kind::Transient,
        SendError::Throttled { wait, .. } => Kind::Throttled(wait.as_secs()),
        SendError::Permanent { .. } => Kind::Permanent,
        SendError::Ambiguous { .. } => Kind::Ambiguous,
        SendError::Misconfigured { .. } => Kind::Misconfigured,
        _ => panic!("an unknown kind of error"),
    }
}

//! The core's suite of SMS senders, against the scripted gateway in each shape.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis::port::message::SmsSender;
use portcullis::testing::conformance::FarSide;
use portcullis::testing::conformance::sms::{SmsRig, SubmittedSms, run_all};

use crate::support::server::{Act, Request, Server};
use crate::support::{PATIENCE, SHAPES, Shape, options};

struct Rig {
    shape: Shape,
    /// The gateway set up last, and how it behaves.
    server: Mutex<Option<(FarSide, Server)>>,
}

fn status(status: u16) -> Act {
    Act::Say(format!("HTTP/1.1 {status} Scripted\r\nContent-Length: 6\r\n\r\n924417"))
}

/// Where nobody listens.
fn free() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

impl Rig {
    fn read(&self, request: &Request) -> SubmittedSms {
        let field = |name: &str| {
            let mut fields = url::form_urlencoded::parse(request.body.as_bytes());
            fields.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        match self.shape {
            Shape::Twilio => SubmittedSms { to: field("To"), text: field("Body") },
            Shape::Kannel => {
                let to = request.header("x-kannel-to").unwrap().to_owned();
                SubmittedSms { to, text: request.body.clone() }
            }
            Shape::Gateway => {
                let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                SubmittedSms { to: text("to"), text: text("text") }
            }
        }
    }
}

#[async_trait]
impl SmsRig for Rig {
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn SmsSender>> {
        let act = match far {
            FarSide::TakesOver | FarSide::Unreachable => Act::Say(self.shape.good().to_owned()),
            FarSide::RefusesForNow => status(429),
            FarSide::RefusesForGood => status(400),
            FarSide::RefusesCredentials => status(401),
            FarSide::LosesAnswer => Act::Say(String::new()),
            FarSide::Silent => Act::SayAndHang(String::new()),
            _ => return None,
        };
        let server = Server::start(act).await;
        let patience = if far == FarSide::Silent { Duration::from_secs(1) } else { PATIENCE };
        let options = options().timeout(patience).connect_timeout(patience / 2);
        let url = if far == FarSide::Unreachable { free() } else { server.url() };
        let sender = self.shape.sender(&url, options);
        *self.server.lock().unwrap() = Some((far, server));
        Some(Arc::new(sender))
    }

    async fn submitted(&self) -> Vec<SubmittedSms> {
        let server = self.server.lock().unwrap();
        let (far, server) = server.as_ref().unwrap();
        let requests = server.seen().requests;
        assert!(requests.len() <= 1 || *far == FarSide::TakesOver, "{far:?}: one send is one request");
        let takes = matches!(far, FarSide::TakesOver | FarSide::LosesAnswer | FarSide::Silent);
        requests.iter().filter(|_| takes).map(|request| self.read(request)).collect()
    }
}

#[tokio::test]
async fn each_shape_keeps_the_contract() {
    for shape in SHAPES {
        run_all(&Rig { shape, server: Mutex::default() }).await;
    }
}

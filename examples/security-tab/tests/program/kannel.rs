//! The program before a real Kannel and a real message centre, as `scripts/sms-servers` starts them.

use serde_json::{Value, json};

use crate::support::{Client, Folder, PASSWORD, Program};
use crate::tools::{advance, api, fill, follow, messages, sign_in, signed_in};

const NUMBER: &str = "+37120000901";
/// What the gateway brings with its reports.
const SECRET: &str = "4f0a7c1be2d94c55";
/// The trail is asked so often before a report counts as lost.
const ASKED_AT_MOST: u32 = 20_000;

/// What `scripts/sms-servers start` printed.
struct Servers {
    kannel: String,
    password: String,
    centre: Client,
}

impl Servers {
    /// The servers; `None`, said aloud, where none are named.
    fn named(test: &str) -> Option<Self> {
        let Ok(kannel) = std::env::var("PORTCULLIS_TEST_KANNEL") else {
            eprintln!("skipped: {test}: PORTCULLIS_TEST_KANNEL is not set");
            assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
            return None;
        };
        let named = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let password = named("PORTCULLIS_TEST_KANNEL_PASSWORD");
        Some(Self { kannel, password, centre: Client::new(&named("PORTCULLIS_TEST_SMSC")) })
    }

    fn program(&self, folder: &Folder) -> Program {
        let url = self.kannel.replace("http://", "kannel+http://app@");
        let secrets =
            [("PORTCULLIS_SMS_PASSWORD", &*self.password), ("PORTCULLIS_SMS_REPORT_SECRET", SECRET)];
        Program::dev_with(folder, &["--sms-http", &url], &secrets)
    }

    fn now(&mut self) -> u64 {
        self.centre.get("/now").json().as_u64().unwrap()
    }

    /// The code that came out of the network since then.
    fn code(&mut self, after: u64) -> String {
        let path = format!("/await?kind=submit&after={after}&to={}", NUMBER.trim_start_matches('+'));
        let came = self.centre.get(&path).json();
        let text = came["text"].as_str().unwrap();
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        code.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }
}

/// Waits until the trail tells so often that an SMS arrived.
fn arrived(alice: &mut Client, times: usize) {
    for _ in 0..ASKED_AT_MOST {
        let trail = api(alice, "GET", "/audit?limit=100", &Value::Null, 200);
        let events = trail["events"].as_array().unwrap().iter();
        let told = |event: &&Value| event["action"] == "sms_reported" && event["reason"] == "delivered";
        if events.filter(told).count() == times {
            return;
        }
    }
    panic!("no report that an SMS arrived");
}

#[test]
fn codes_travel_through_kannel_and_a_network_and_their_receipts_come_back() {
    let Some(mut servers) = Servers::named("codes_travel_through_kannel") else { return };
    let folder = Folder::new();
    let program = servers.program(&folder);
    let mut alice = signed_in(&program, "alice");

    // The network throttles the first one, once.
    let now = servers.now();
    assert_eq!(servers.centre.send("POST", "/throttle?times=1", "", "").status, 200);
    let body = json!({"method": "sms", "phone": NUMBER});
    let asked = api(&mut alice, "POST", "/two-factor/challenge", &body, 202);
    messages(&program);
    let code = servers.code(now);
    let throttled = format!("/count?kind=throttled&after={now}");
    assert_eq!(servers.centre.get(&throttled).json(), 1);
    arrived(&mut alice, 1);
    let phone = api(&mut alice, "GET", "/settings", &Value::Null, 200)["phone"].clone();
    assert_eq!(phone["confirmed"], false, "a receipt confirms nothing");
    let body = json!({"method": "sms", "challenge": asked["challenge"], "code": code});
    api(&mut alice, "PUT", "/two-factor", &body, 200);

    advance(&program, 120);
    let now = servers.now();
    let mut again = program.client();
    let page = sign_in(&mut again, "alice", PASSWORD).body;
    messages(&program);
    let code = servers.code(now);
    let reply = fill(&mut again, &page, "/sign-in/code", &[("code", &code)]);
    let page = follow(&mut again, &reply);
    assert!(page.contains("Password and a code by SMS"), "{page}");
    arrived(&mut again, 2);
    let (_, said) = program.stop();
    assert!(!said.contains(&code) && !said.contains(SECRET) && !said.contains(&servers.password), "{said}");
}

//! A real Kannel before a real SMPP centre, as `scripts/sms-servers` starts them.

use std::env;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use portcullis::contact::Phone;
use portcullis::id::MessageId;
use portcullis::message::Reported;
use portcullis::port::message::{DeliveryReport, DeliveryState, Sms, SmsSender as _};
use portcullis::secret::{Code, Password};
use portcullis::session::Assurance;
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::world::{PASSWORD, attempt, source};
use portcullis_sms_http::{Callback, Receipts, SmsHttp, SmsHttpOptions};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, MutexGuard, mpsc};
use tokio::time::timeout;

use crate::engine::Scene;
use crate::support::{Kind, PATIENCE, SECRET, kind};

/// What `scripts/sms-servers start` printed.
struct Servers {
    kannel: String,
    admin: String,
    password: String,
    centre: String,
    /// One test at a time: they throttle and cut what all of them use.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::const_new(());

impl Servers {
    /// The servers, or `None` (said aloud, and a failure under `PORTCULLIS_NO_SKIP=1`) where none are named.
    async fn named(test: &str) -> Option<Self> {
        let Ok(kannel) = env::var("PORTCULLIS_TEST_KANNEL") else {
            eprintln!("skipped: {test}: PORTCULLIS_TEST_KANNEL is not set");
            assert!(env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
            return None;
        };
        let named = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let servers = Self {
            kannel,
            admin: named("PORTCULLIS_TEST_KANNEL_ADMIN"),
            password: named("PORTCULLIS_TEST_KANNEL_PASSWORD"),
            centre: named("PORTCULLIS_TEST_SMSC"),
            _turn: TURN.lock().await,
        };
        servers.mend().await;
        Some(servers)
    }

    /// Undoes what a test that failed has left behind.
    async fn mend(&self) {
        self.centre("POST", "/throttle?times=0").await;
        self.centre("POST", &format!("/password?is={}", self.password)).await;
        self.centre("POST", "/up").await;
        self.start_link().await;
        self.link_is("online").await;
    }

    fn sender(&self, password: &str, reports: Option<Callback>) -> SmsHttp {
        let options = SmsHttpOptions::new().timeout(PATIENCE);
        let options = match reports {
            Some(callback) => options.reports(callback),
            None => options,
        };
        SmsHttp::kannel(&self.kannel, "app", password.to_owned().into(), "Portcullis", options).unwrap()
    }

    async fn centre(&self, method: &str, target: &str) -> Value {
        serde_json::from_str(&ask(&self.centre, method, target).await).unwrap()
    }

    async fn now(&self) -> u64 {
        self.centre("GET", "/now").await.as_u64().unwrap()
    }

    /// The first event of this kind from there on, about this number if one is given.
    async fn event(&self, kind: &str, after: u64, to: Option<&Phone>) -> Value {
        let to = to.map(|to| format!("&to={}", to.digits())).unwrap_or_default();
        self.centre("GET", &format!("/await?kind={kind}&after={after}{to}")).await
    }

    /// How often a message for this number was taken since then, once all that was handed over has come through.
    async fn taken(&self, to: &Phone, after: u64) -> u64 {
        let fence = sms("+37120000777", "fence");
        let now = self.now().await;
        self.sender(&self.password, None).send(&fence).await.unwrap();
        self.event("submit", now, Some(&fence.to)).await;
        let count = self.centre("GET", &format!("/count?kind=submit&after={after}&to={}", to.digits())).await;
        count.as_u64().unwrap()
    }

    /// Waits until Kannel says this of its link.
    async fn link_is(&self, word: &str) {
        let target = format!("/status.txt?password={}", self.password);
        let address = self.admin.trim_start_matches("http://").to_owned();
        let told = async {
            loop {
                let status = ask(&address, "GET", &target).await;
                let line = status.lines().find(|line| line.trim_start().starts_with("centre["));
                if line.is_some_and(|line| line.contains(word)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, told).await.expect("Kannel's link is not what it should be");
    }

    async fn start_link(&self) {
        let target = format!("/start-smsc?smsc=centre&password={}", self.password);
        ask(self.admin.trim_start_matches("http://"), "GET", &target).await;
    }
}

async fn ask(address: &str, method: &str, target: &str) -> String {
    let exchange = async {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let head = format!("{method} {target} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
        tcp.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    timeout(PATIENCE, exchange).await.unwrap_or_else(|_| panic!("no answer to {method} {target}"))
}

/// The host's webhook: what it judged good.
struct Webhook {
    callback: Callback,
    reports: mpsc::UnboundedReceiver<DeliveryReport>,
    /// So many of the next reports are not taken.
    busy: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Webhook {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sms/report", listener.local_addr().unwrap());
        let callback = Callback::new(&url, "gateway", SECRET.into()).unwrap();
        let receipts = Arc::new(Receipts::kannel(&callback));
        let busy = Arc::new(AtomicUsize::new(0));
        let refuse = Arc::clone(&busy);
        let (tell, reports) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(tcp, Arc::clone(&receipts), Arc::clone(&refuse), tell.clone()));
            }
        });
        Self { callback, reports, busy, task }
    }

    async fn report(&mut self) -> DeliveryReport {
        timeout(PATIENCE, self.reports.recv()).await.expect("no report in time").unwrap()
    }

    /// The states that are reported of this SMS, up to this one.
    async fn states_until(&mut self, id: MessageId, last: DeliveryState) -> Vec<DeliveryState> {
        let mut states = Vec::new();
        while states.last() != Some(&last) {
            let report = self.report().await;
            assert_eq!(report.id, id);
            states.push(report.state);
        }
        states
    }
}

impl Webhook {
    /// That the SMS is on its way and that it arrived, each once. They come on connections of their own, in either order.
    async fn both_states(&mut self, id: MessageId) {
        let mut states = Vec::new();
        for _ in 0..2 {
            let report = timeout(PATIENCE, self.reports.recv()).await.expect("no report in time").unwrap();
            assert_eq!(report.id, id, "a report that was taken came again");
            states.push(report.state);
        }
        states.sort();
        assert_eq!(states, [DeliveryState::OnItsWay, DeliveryState::Delivered]);
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one connection's requests, of which Kannel sends several.
async fn serve(
    mut tcp: TcpStream,
    receipts: Arc<Receipts>,
    busy: Arc<AtomicUsize>,
    tell: mpsc::UnboundedSender<DeliveryReport>,
) -> Option<()> {
    let mut unread = String::new();
    loop {
        while !unread.contains("\r\n\r\n") {
            let mut chunk = [0; 2048];
            let read = tcp.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            unread.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        }
        let (head, rest) = unread.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        let method = first.next().unwrap().parse().unwrap();
        let target = first.next().unwrap();
        assert!(!target.contains("c4n4ry"), "the secret is in the request line");
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        }
        let status = match receipts.judge(&method, target, &headers, b"") {
            Ok(_) if busy.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() => 503,
            Ok(report) => {
                let _gone = tell.send(report);
                200
            }
            Err(rejected) => rejected.status(),
        };
        unread = rest.to_owned();
        tcp.write_all(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok()?;
    }
}

fn sms(to: &str, text: &str) -> Sms {
    // Names the number, so that every message of these tests has its own.
    let id = 0x018f_3c2e_0000_7000_8000_0000_0000_0000 + to.trim_start_matches('+').parse::<u128>().unwrap();
    Sms {
        id: MessageId::from_uuid(uuid::Uuid::from_u128(id)),
        to: Phone::parse(to).unwrap(),
        text: text.to_owned(),
    }
}

/// All of the alphabet of GSM and its extension, but letters, digits and control characters.
const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€";

#[tokio::test]
async fn texts_arrive_unharmed_and_receipts_come_back() {
    let Some(servers) = Servers::named("texts_arrive_unharmed").await else { return };
    let mut webhook = Webhook::start().await;
    let sender = servers.sender(&servers.password, Some(webhook.callback.clone()));
    for (to, text, coding, last) in [
        ("+37120000101", "Your code is 924417", 0, DeliveryState::Delivered),
        ("+37120000102", "@£$¥ Grüße [10 €] ~^{}\\| ΔΦΓΛΩΠΨΣΘΞ ¿Ñ? _'\"", 0, DeliveryState::Delivered),
        ("+37120000104", GSM, 0, DeliveryState::Delivered),
        ("+37120000103", "Код входа: 924417 — 登录 😀", 8, DeliveryState::Delivered),
        ("+37120010000", "Your code is 924417", 0, DeliveryState::Undelivered),
    ] {
        let sms = sms(to, text);
        let now = servers.now().await;
        sender.send(&sms).await.unwrap();
        let came = servers.event("submit", now, Some(&sms.to)).await;
        assert_eq!(came["text"], *text);
        assert_eq!((&came["coding"], &came["from"]), (&coding.into(), &"Portcullis".into()));
        let states = webhook.states_until(sms.id, last).await;
        assert!(states.contains(&last) && states.len() <= 2, "{text}: {states:?}");
        if states.len() < 2 {
            // The two come on connections of their own, in either order.
            webhook.states_until(sms.id, DeliveryState::OnItsWay).await;
        }
    }
}

#[tokio::test]
async fn a_report_that_came_too_early_comes_again_and_one_that_was_taken_does_not() {
    let Some(servers) = Servers::named("a_report_that_came_too_early").await else { return };
    let mut webhook = Webhook::start().await;
    let sender = servers.sender(&servers.password, Some(webhook.callback.clone()));
    // A gateway repeats the second message's reports only after the time in which it would have repeated the first's.
    for to in ["+37120000801", "+37120000802"] {
        let sms = sms(to, "Your code is 924417");
        webhook.busy.store(2, SeqCst);
        sender.send(&sms).await.unwrap();
        webhook.both_states(sms.id).await;
        assert_eq!(webhook.busy.load(SeqCst), 0, "both came twice");
    }
}

#[tokio::test]
async fn a_throttled_message_arrives_once() {
    let Some(servers) = Servers::named("a_throttled_message").await else { return };
    let sms = sms("+37120000201", "Your code is 924417");
    let now = servers.now().await;
    servers.centre("POST", "/throttle?times=2").await;
    servers.sender(&servers.password, None).send(&sms).await.unwrap();
    let first = servers.event("throttled", now, Some(&sms.to)).await["index"].as_u64().unwrap();
    servers.event("throttled", first + 1, Some(&sms.to)).await;
    servers.event("submit", now, Some(&sms.to)).await;
    assert_eq!(servers.taken(&sms.to, now).await, 1);
}

#[tokio::test]
async fn a_wrong_password_is_the_set_ups_fault_and_submits_nothing() {
    let Some(servers) = Servers::named("a_wrong_password").await else { return };
    let sms = sms("+37120000301", "Your code is 924417");
    let now = servers.now().await;
    let error = servers.sender("wrong", None).send(&sms).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Misconfigured, "{error}");
    assert_eq!(servers.taken(&sms.to, now).await, 0);
    servers.sender(&servers.password, None).send(&sms).await.unwrap();
    assert_eq!(servers.taken(&sms.to, now).await, 1);
}

#[tokio::test]
async fn a_password_that_the_network_refuses_is_survived() {
    let Some(servers) = Servers::named("a_password_that_the_network_refuses").await else { return };
    let sms = sms("+37120000401", "Your code is 924417");
    let sender = servers.sender(&servers.password, None);
    let now = servers.now().await;
    servers.centre("POST", "/password?is=another").await;
    servers.centre("POST", "/down").await;
    servers.centre("POST", "/up").await;
    servers.event("refused", now, None).await;
    servers.link_is("dead").await;
    let error = sender.send(&sms).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Transient, "{error}");

    let now = servers.now().await;
    servers.centre("POST", &format!("/password?is={}", servers.password)).await;
    servers.start_link().await;
    servers.event("bind", now, None).await;
    servers.link_is("online").await;
    sender.send(&sms).await.unwrap();
    servers.event("submit", now, Some(&sms.to)).await;
    assert_eq!(servers.taken(&sms.to, now).await, 1);
}

#[tokio::test]
async fn a_link_that_drops_is_survived() {
    let Some(servers) = Servers::named("a_link_that_drops").await else { return };
    let mut webhook = Webhook::start().await;
    let sms = sms("+37120000501", "Your code is 924417");
    let now = servers.now().await;
    servers.centre("POST", "/down").await;
    servers.event("away", now, None).await;
    servers.sender(&servers.password, Some(webhook.callback.clone())).send(&sms).await.unwrap();
    let target = format!("/count?kind=submit&after={now}&to=37120000501");
    assert_eq!(servers.centre("GET", &target).await, 0);
    servers.centre("POST", "/up").await;
    servers.event("submit", now, Some(&sms.to)).await;
    webhook.states_until(sms.id, DeliveryState::Delivered).await;
    assert_eq!(servers.taken(&sms.to, now).await, 1);
}

#[tokio::test]
async fn numbers_that_the_gateway_refuses_are_told_from_those_without_a_route() {
    let Some(servers) = Servers::named("numbers_that_the_gateway_refuses").await else { return };
    let sender = servers.sender(&servers.password, None);
    let error = sender.send(&sms("+37188000001", "x")).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Permanent, "{error}");
    let error = sender.send(&sms("+37199900001", "x")).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Transient, "{error}");
}

#[tokio::test]
async fn a_code_travels_from_the_core_to_a_phone_and_its_receipt_comes_back() {
    let Some(servers) = Servers::named("a_code_travels").await else { return };
    let mut webhook = Webhook::start().await;
    let sender = servers.sender(&servers.password, Some(webhook.callback.clone()));
    let scene = Scene::new(sender).await;
    let phone = Phone::parse("+37120000701").unwrap();

    let now = servers.now().await;
    let code = scene.ask(phone.as_str()).await;
    assert_eq!(scene.w.run_worker().await.unwrap().sent, 1);
    let entered = code_in(&servers.event("submit", now, Some(&phone)).await);
    // The gateway's reports: each state once, in whichever order they come; one that comes again tells nothing.
    let first = webhook.report().await;
    let second = webhook.report().await;
    let told = [first.state, second.state];
    assert!(told.contains(&DeliveryState::OnItsWay) && told.contains(&DeliveryState::Delivered), "{told:?}");
    let forward = first.state < second.state;
    let security = &scene.w.security;
    assert_eq!(security.delivery_report(&first).await.unwrap(), Reported::Kept);
    let expected = if forward { Reported::Kept } else { Reported::Ignored };
    assert_eq!(security.delivery_report(&second).await.unwrap(), expected);
    for again in [&first, &second] {
        assert_eq!(security.delivery_report(again).await.unwrap(), Reported::Ignored);
    }
    // None of that confirmed the number; the code does.
    assert!(security.users().get(scene.alice.id).await.unwrap().phone.is_none());
    security.two_factor().enable(scene.session, code.id, &entered, &source()).await.unwrap();
    assert_eq!(security.users().get(scene.alice.id).await.unwrap().phone, Some(phone.clone()));

    scene.w.advance(chrono::TimeDelta::minutes(2));
    let now = servers.now().await;
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let started = security.sign_in().start(&scene.alice.login, &password, &attempt()).await.unwrap();
    let SignInResult::CodeRequired { code, .. } = started else { panic!("a code is asked: {started:?}") };
    scene.w.run_worker().await.unwrap();
    let entered = code_in(&servers.event("submit", now, Some(&phone)).await);
    let result = security.sign_in().code(code.id, &entered, &attempt(), None).await.unwrap();
    let CodeResult::Admitted(admission) = result else { panic!("admitted") };
    assert_eq!(admission.session.assurance, Assurance::PasswordSms);
}

/// The code in an SMS as it came out of the network.
fn code_in(event: &Value) -> Code {
    let mut words = event["text"].as_str().unwrap().split(|c: char| !c.is_ascii_digit());
    words.find_map(|word| Code::parse(word).ok()).expect("a code arrived")
}

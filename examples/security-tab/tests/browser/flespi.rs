//! A token of flespi in the browser, against the stand-in: from the pop-up to its end, and one that is typed.

use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use fantoccini::Locator;
use fantoccini::wd::WindowHandle;
use flespi_stand_in::{FlespiStandIn, Place};
use serde_json::json;
use tokio::net::TcpListener;

use crate::driver::Driver;
use crate::mail::Mail;
use crate::story::Story;
use crate::support::{Folder, PASSWORD, Program};

const PATIENCE: Duration = Duration::from_secs(60);
const YEAR: i64 = 365 * 24 * 3600;

/// A page of another origin that posts a token of its own to whoever opened it.
async fn foreign_page(message: &str) -> String {
    let page = format!(
        "<!doctype html><p id=\"posted\"></p><script>opener.postMessage({}, '*')</script>",
        json!(message)
    );
    let routes = Router::new().route("/", get(move || async move { Html(page) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/")
}

fn checks(stand_in: &FlespiStandIn, place: Place) -> usize {
    stand_in.requests(place).iter().filter(|seen| seen.path.starts_with("/auth/info")).count()
}

impl Story<'_> {
    async fn enter_as_alice(&self) {
        self.type_into("#login", "alice").await;
        self.type_into("#password", PASSWORD).await;
        self.press("#sign-in-go").await;
        self.find("#flespi-login").await;
    }

    /// The days of the account count no more: it is not blocked within the year.
    fn let_the_account_live(&self) {
        let mut admin = self.program.client();
        let login = json!({"login": "admin", "password": PASSWORD});
        assert_eq!(admin.json("POST", "/api/security/sign-in", &login).status, 200);
        let settings = admin.get("/api/security/settings").json();
        let account = format!("/api/security/accounts/{}", settings["account"]["id"].as_str().unwrap());
        let reply = admin.json("PATCH", &account, &json!({"days": {"counting": false}}));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// The windows, once there are so many.
    async fn windows(&self, count: usize) -> Vec<WindowHandle> {
        let wanted = async {
            loop {
                let windows = self.browser.windows().await.unwrap();
                if windows.len() == count {
                    return windows;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wanted).await.expect("the windows")
    }

    /// Goes into the one window that is not among these.
    async fn enter_window(&self, known: &[WindowHandle]) -> WindowHandle {
        let windows = self.windows(known.len() + 1).await;
        let new = windows.into_iter().find(|window| !known.contains(window)).unwrap();
        self.browser.switch_to_window(new.clone()).await.unwrap();
        new
    }

    /// Logs in at the login page of the stand-in that the browser shows.
    async fn log_in_at(&self, region: &str) {
        self.find("#region").await.select_by_value(region).await.unwrap();
        self.press("#log-in").await;
    }

    async fn says(&self, css: &str, words: &str) {
        let wanted = async {
            loop {
                let found = self.browser.find(Locator::Css(css)).await;
                if let Ok(element) = found
                    && element.text().await.is_ok_and(|text| text.contains(words))
                {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, wanted).await.is_err() {
            self.picture("failed").await;
            panic!("{css} does not say {words:?}: {}", self.text("#flespi").await);
        }
    }

    /// Two logins that come to nothing: a window that is closed, and one that sends what is none.
    async fn finish_no_login(&self, page: &WindowHandle) {
        self.press("#flespi-login").await;
        self.enter_window(std::slice::from_ref(page)).await;
        self.find("#log-in").await;
        self.browser.close_window().await.unwrap();
        self.browser.switch_to_window(page.clone()).await.unwrap();
        self.says("#flespi-window", "Authorization was not finished. Nothing was changed.").await;
        self.picture("2-closed").await;

        // The right window at the right origin, with something that is no login: what the server says is shown.
        self.press("#flespi-login").await;
        self.enter_window(std::slice::from_ref(page)).await;
        self.find("#log-in").await;
        self.browser.execute("opener.postMessage('no login', '*')", vec![]).await.unwrap();
        self.windows(1).await;
        self.browser.switch_to_window(page.clone()).await.unwrap();
        self.says("#flespi-window", "Authorization was not finished. Nothing was changed.").await;
        self.says("#flespi-window-problem", "The flespi window sent nothing that is a login.").await;
        self.picture("2-refused").await;
    }

    /// A token for a year, from the login to its end, then one that is typed.
    async fn care_for_a_token(self, stand_in: &FlespiStandIn) {
        self.let_the_account_live();
        self.open("/").await;
        self.enter_as_alice().await;
        self.picture("1-absent").await;
        let page = self.browser.window().await.unwrap();

        self.finish_no_login(&page).await;
        self.browser.execute("window.kept = window.open; window.open = () => null", vec![]).await.unwrap();
        self.press("#flespi-login").await;
        self.says("#flespi-window", "The window was blocked.").await;
        self.picture("3-blocked").await;
        self.browser.execute("window.open = window.kept", vec![]).await.unwrap();
        self.press("#flespi-open").await;
        let popup = self.enter_window(std::slice::from_ref(&page)).await;

        // The pop-up at another origin, then another window at the right origin, then the page itself.
        let foreign = foreign_page(&stand_in.log_in(Place::Eu).message).await;
        self.browser.goto(&foreign).await.unwrap();
        self.find("#posted").await;
        self.browser.switch_to_window(page.clone()).await.unwrap();
        self.says("#flespi-window", "Finish authorization in the flespi window.").await;
        let login = format!("{}/login/#/providers", stand_in.url(Place::Eu));
        let script = "window.open(arguments[0], 'another')";
        self.browser.execute(script, vec![json!(login)]).await.unwrap();
        self.enter_window(&[page.clone(), popup.clone()]).await;
        self.log_in_at("eu").await;
        self.windows(2).await;
        self.browser.switch_to_window(page.clone()).await.unwrap();
        let own = stand_in.log_in(Place::Eu).message;
        self.browser.execute("postMessage(arguments[0], '*')", vec![json!(own)]).await.unwrap();
        self.says("#flespi-window", "Finish authorization in the flespi window.").await;
        self.picture("4-logging-in").await;
        assert_eq!(checks(stand_in, Place::Eu), 0, "nothing was taken from any of them");

        self.browser.switch_to_window(popup).await.unwrap();
        self.browser.goto(&login).await.unwrap();
        self.find("#log-in").await;
        self.log_in_at("ru").await;
        self.windows(1).await;
        self.browser.switch_to_window(page).await.unwrap();
        self.says("#flespi-region-shown", "ru (Russia)").await;
        assert_eq!(self.text("#flespi-shown").await.chars().count(), 5);
        assert!(self.text("#flespi").await.contains("Obtained by login on"));
        let end = self.end_in(stand_in, YEAR).await;
        assert_eq!(self.text("#flespi-end time").await, end, "a year ahead");
        self.picture("5-connected").await;

        self.press("#flespi-check").await;
        self.says("#flespi-checked", &format!("Active until {end}")).await;
        self.picture("6-active").await;

        let reply =
            self.program.client().json("POST", "/dev/fail", &json!({"channel": "flespi", "mode": "down"}));
        assert_eq!(reply.status, 204, "{}", reply.body);
        self.press("#flespi-check").await;
        self.says("#flespi-checked", "flespi did not answer. Last known: active, checked").await;
        self.picture("7-no-answer").await;
        self.program.client().json("POST", "/dev/fail", &json!({"channel": "flespi", "mode": "off"}));

        assert!(stand_in.advance(YEAR));
        let reply = self.program.client().json("POST", "/dev/clock", &json!({"advance_seconds": YEAR}));
        assert_eq!(reply.status, 200, "{}", reply.body);
        self.open("/").await;
        self.enter_as_alice().await;
        self.press("#flespi-check").await;
        self.says("#flespi-checked", &format!("Expired on {end}")).await;
        self.picture("8-expired").await;

        let typed =
            stand_in.make(Place::Eu, &json!({"info": "typed", "access": {"type": 1}, "ttl": 3600})).unwrap();
        self.press("#flespi-edit").await;
        self.type_into("#flespi-token", "too short").await;
        self.press("#flespi-save").await;
        self.says("#flespi-token-problem", "A flespi token has 64 letters and digits.").await;
        self.type_into("#flespi-token", &typed.key).await;
        self.press("#flespi-save").await;
        self.says("#flespi-region-problem", "Select the region of the token.").await;
        self.picture("9-no-region").await;
        self.type_into("#flespi-token", &typed.key).await;
        self.find("#flespi-region").await.select_by_value("eu").await.unwrap();
        self.press("#flespi-save").await;
        self.says("#flespi-region-shown", "eu (Netherlands)").await;
        assert!(self.text("#flespi").await.contains("Expiration not known yet: press Check"));
        let source = self.browser.source().await.unwrap();
        assert!(!source.contains(typed.key.get(..5).unwrap()), "four characters and no more");
        let _ = self.program.client().json("POST", "/dev/run-worker", &json!({}));
        stand_in.forget_requests(Place::Eu);
        stand_in.forget_requests(Place::Ru);
        self.press("#flespi-check").await;
        self.says("#flespi-checked", "Active until").await;
        self.picture("10-typed").await;
        assert_eq!((checks(stand_in, Place::Eu), checks(stand_in, Place::Ru)), (1, 0), "eu alone was asked");
        assert_eq!(stand_in.requests(Place::Ru).len(), 0);

        self.press("#flespi-disconnect").await;
        self.press("#flespi-disconnect-go").await;
        self.find("#flespi-manual").await;
        self.browser.close().await.unwrap();
    }

    /// The day of an instant of the stand-in's clock, as the page words it.
    async fn end_in(&self, stand_in: &FlespiStandIn, seconds: i64) -> String {
        let words = "return new Date(arguments[0] * 1000).toLocaleDateString('en-GB', {timeZone: arguments[1], \
                     day: 'numeric', month: 'long', year: 'numeric'})";
        let zone = self.text(".zone").await;
        let zone = zone.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
        let day = self.browser.execute(words, vec![json!(stand_in.now() + seconds), json!(zone)]).await;
        day.unwrap().as_str().unwrap().to_owned()
    }

    /// What needs no script: a token is typed, checked and forgotten.
    async fn type_a_token(self, stand_in: &FlespiStandIn) {
        self.open("/").await;
        self.enter_as_alice_without_a_script().await;
        let typed =
            stand_in.make(Place::Ru, &json!({"info": "typed", "access": {"type": 1}, "ttl": 3600})).unwrap();
        self.press("#flespi-manual").await;
        self.type_into("#flespi-token", &format!("FlespiToken {}", typed.key)).await;
        self.find("#flespi-region").await.select_by_value("ru").await.unwrap();
        self.picture("1-typing").await;
        self.press("#flespi-save").await;
        self.says("#flespi-region-shown", "ru (Russia)").await;
        self.press("#flespi-check").await;
        self.says("#flespi-checked", "Active until").await;
        self.picture("2-active").await;
        assert_eq!((checks(stand_in, Place::Eu), checks(stand_in, Place::Ru)), (0, 1));
        self.press("#flespi-disconnect").await;
        self.press("#flespi-disconnect-go").await;
        self.find("#flespi-manual").await;
        self.browser.close().await.unwrap();
    }

    async fn enter_as_alice_without_a_script(&self) {
        self.type_into("#login", "alice").await;
        self.type_into("#password", PASSWORD).await;
        self.press("#sign-in-go").await;
        self.find("#flespi-manual").await;
        assert!(!self.find("#flespi-login").await.is_displayed().await.unwrap(), "it takes a script");
    }
}

fn regions(stand_in: &FlespiStandIn) -> [String; 2] {
    Place::ALL.map(|place| format!("{}={}", place.name(), stand_in.url(place)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_flespi_lives_for_a_year() {
    let Some(driver) = Driver::start("a_token_of_flespi_lives_for_a_year") else { return };
    let stand_in = FlespiStandIn::start().await.unwrap();
    let [eu, ru] = regions(&stand_in);
    let folder = Folder::new();
    let program = Program::dev(&folder, &["--flespi-region", &eu, "--flespi-region", &ru]);
    Story::new("flespi", &driver, &program, Mail::Dev, true).await.care_for_a_token(&stand_in).await;
    let (_, said) = program.stop();
    assert!(!said.contains("FlespiLogin"), "nothing of it is logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_flespi_is_typed_without_a_script() {
    let Some(driver) = Driver::start("a_token_of_flespi_is_typed_without_a_script") else { return };
    let stand_in = FlespiStandIn::start().await.unwrap();
    let [eu, ru] = regions(&stand_in);
    let folder = Folder::new();
    let program = Program::dev(&folder, &["--flespi-region", &eu, "--flespi-region", &ru]);
    Story::new("flespi-no-script", &driver, &program, Mail::Dev, false).await.type_a_token(&stand_in).await;
}

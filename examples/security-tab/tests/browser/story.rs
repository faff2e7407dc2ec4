//! What the browser's user does, step by step.

use std::path::PathBuf;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::mail::Mail;
use crate::support::{PASSWORD, Program};

/// How long the browser may take for a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many pages may come one after the other in a step.
const PAGES: usize = 4;
/// The two windows that are looked at, width and height.
const WINDOWS: [(u32, u32); 2] = [(1280, 900), (360, 740)];

/// One browser at one program.
pub(crate) struct Story<'a> {
    name: &'static str,
    pub(crate) driver: &'a Driver,
    pub(crate) program: &'a Program,
    pub(crate) mail: Mail,
    pub(crate) scripts: bool,
    pub(crate) browser: Client,
    pub(crate) address: String,
}

impl<'a> Story<'a> {
    /// Opens the browser.
    pub(crate) async fn new(
        name: &'static str,
        driver: &'a Driver,
        program: &'a Program,
        mail: Mail,
        scripts: bool,
    ) -> Self {
        let browser = driver.browser(scripts).await;
        // The mailbox of a server outlives this run.
        let address = format!("alice-{}-{name}@example.com", std::process::id());
        Self { name, driver, program, mail, scripts, browser, address }
    }

    /// Sets an address, confirms it, switches two-factor authentication on, and signs in with password and code.
    pub(crate) async fn tell(self) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.find("#email").await;
        self.picture("2-tab").await;

        self.type_into("#email", &self.address).await;
        self.press("#email-save").await;
        self.find("#email-code").await;
        self.picture("3-address-pending").await;
        self.type_into("#email-code", "000000").await;
        self.press("#email-confirm").await;
        let said = self.text("#email-code-problem").await;
        assert!(said.starts_with("Wrong code. 4 attempts left."), "{said}");
        self.picture("4-wrong-code").await;
        self.type_into("#email-code", &self.mail.code(self.program, &self.address, 1)).await;
        self.press("#email-confirm").await;
        assert_eq!(self.text("#authorization [role=status]").await, "The email address is confirmed.");
        self.picture("5-address-confirmed").await;

        self.find("#two-factor-method").await.select_by_value("email").await.unwrap();
        if !self.scripts {
            self.press("#two-factor .without-script").await;
        }
        // Without a script the panel opens on another page; the one before has the button too, hidden.
        let send = self.find("[data-panel=email]:not([hidden]) #two-factor-send").await;
        assert!(send.is_displayed().await.unwrap(), "the panel opens");
        self.picture("6-method-chosen").await;
        self.press("#two-factor-send").await;
        self.find("#two-factor-code").await;
        self.picture("7-two-factor-code").await;
        self.type_into("#two-factor-code", &self.mail.code(self.program, &self.address, 2)).await;
        self.press("#two-factor-confirm").await;
        self.find("#two-factor-state.on").await;
        assert_eq!(self.text("#two-factor [role=status]").await, "Two-factor authentication is on.");
        self.picture("8-two-factor-on").await;

        self.press("#sign-out").await;
        self.sign_in("9-signed-out").await;
        self.find("#sign-in-code").await;
        self.picture("10-code-page").await;
        self.type_into("#sign-in-code", &self.mail.code(self.program, &self.address, 3)).await;
        self.press("#sign-in-confirm").await;
        self.find("#two-factor-state.on").await;
        self.picture("11-signed-in").await;
        let url = self.browser.current_url().await.unwrap();
        assert_eq!((url.path(), url.query()), ("/settings", None), "nothing of it is in the address bar");
        self.browser.close().await.unwrap();
    }

    /// Lets the sign-in grow stale: the dialog asks for the password, then the change goes on with what was typed.
    pub(crate) async fn confirm_in_a_dialog(self) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.find("#email").await;
        let forward = json!({"advance_seconds": 16 * 60});
        assert_eq!(self.program.client().json("POST", "/dev/clock", &forward).status, 200);
        self.type_into("#email", &self.address).await;
        self.press("#email-save").await;
        self.find("#reauthenticate:modal").await;
        self.picture("2-dialog").await;
        self.type_into("#reauthenticate-password", "wrong").await;
        self.press("#reauthenticate-go").await;
        assert_eq!(self.text("#reauthenticate-problem").await, "The current password is wrong.");
        self.picture("3-wrong-password").await;
        self.type_into("#reauthenticate-password", PASSWORD).await;
        self.press("#reauthenticate-go").await;
        self.find("#email-code").await;
        let state = self.text("#email-state").await;
        assert_eq!(state, format!("{} is waiting for confirmation.", self.address));
        assert!(self.browser.find(Locator::Css("dialog")).await.is_err(), "the dialog is gone");
        self.picture("4-went-on").await;
        self.browser.close().await.unwrap();
    }

    pub(crate) async fn open(&self, path: &str) {
        self.browser.goto(&format!("http://{}{path}", self.program.address)).await.unwrap();
    }

    pub(crate) async fn sign_in(&self, picture: &str) {
        self.type_into("#login", "alice").await;
        self.type_into("#password", PASSWORD).await;
        self.picture(picture).await;
        self.press("#sign-in-go").await;
    }

    /// The element, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let found = self.browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                self.picture("failed").await;
                panic!("{}: no {css}: {error}\n{}", self.name, self.browser.source().await.unwrap())
            }
        }
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.with(css, async |element| element.text().await).await
    }

    pub(crate) async fn press(&self, css: &str) {
        self.with(css, async |element| element.click().await).await;
    }

    /// Does something with an element. A page that is going takes its elements along: what is meant is then on the one
    /// that comes.
    async fn with<T>(&self, css: &str, act: impl AsyncFn(&Element) -> Result<T, CmdError>) -> T {
        let mut last = None;
        for _page in 0..PAGES {
            match act(&self.find(css).await).await {
                Err(error) if error.is_stale_element_reference() => last = Some(error),
                done => return done.unwrap(),
            }
        }
        panic!("{}: {css} is taken away again and again: {last:?}", self.name)
    }

    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Takes pictures of the page in both windows.
    pub(crate) async fn picture(&self, step: &str) {
        for (width, height) in WINDOWS {
            self.picture_in(&format!("{step}-{width}x{height}"), width, height).await;
        }
        let (width, height) = WINDOWS[0];
        self.resize(width, height).await;
    }

    /// Takes a picture of the whole page in a window of this size.
    pub(crate) async fn picture_in(&self, file: &str, width: u32, height: u32) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        self.resize(width, height).await;
        // The whole page is to be seen, not only what fits.
        let content = self.control("Page.getLayoutMetrics", &json!({})).await;
        let whole = content["cssContentSize"]["height"].as_f64().unwrap().ceil();
        self.resize(width, height.max(format!("{whole}").parse().unwrap())).await;
        let picture = self.browser.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{}-{file}.png", self.name)), picture).unwrap();
        if self.scripts {
            let wide = self.width().await;
            assert!(wide <= u64::from(width), "{} {file}: {wide} px in a window of {width}", self.name);
        }
    }

    /// The width of what can be scrolled to; it takes a script.
    pub(crate) async fn width(&self) -> u64 {
        let wide = self.browser.execute("return document.documentElement.scrollWidth", vec![]).await;
        wide.unwrap().as_u64().unwrap()
    }

    /// A headless window has a least width; what the page sees has none.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.control("Emulation.setDeviceMetricsOverride", &metrics).await;
    }

    /// Asks for what the protocol has no word for.
    pub(crate) async fn control(&self, command: &str, parameters: &Value) -> Value {
        let session = self.browser.session_id().await.unwrap().unwrap();
        let mut client = crate::support::Client::new(&self.driver.address);
        let path = format!("/session/{session}/goog/cdp/execute");
        let reply = client.json("POST", &path, &json!({"cmd": command, "params": parameters}));
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["value"].clone()
    }
}

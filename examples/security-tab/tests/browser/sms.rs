//! Codes by SMS in a browser.

use fantoccini::Locator;
use serde_json::{Value, json};

use crate::story::Story;
use crate::support::{Act, Client, Gateway, PASSWORD};

const NUMBER: &str = "+37120000045";
const ON: &str = "On: codes are sent by SMS to +371•••••45";
const NEW_PASSWORD: &str = "seven quiet lanterns";

impl Story<'_> {
    /// Confirms a number, which switches two-factor authentication on, and signs in by password and SMS.
    pub(crate) async fn enrol_by_sms(self) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.open_sms_panel().await;
        let help = self.text("#two-factor-phone-help").await;
        assert_eq!(help, "With country code. Standard rates apply for SMS messages.");
        self.type_into("#two-factor-phone", "20000045").await;
        self.press("#two-factor-send-sms").await;
        let said = self.text("#two-factor-phone-problem").await;
        assert!(said.starts_with("This is no phone number."), "{said}");
        self.picture("2-no-number").await;
        self.type_into("#two-factor-phone", NUMBER).await;
        self.press("#two-factor-send-sms").await;
        self.find("#two-factor-code").await;
        let lead = self.text("#two-factor-lead").await;
        assert!(lead.starts_with("Code sent to +371•••••45."), "{lead}");
        self.picture("3-code").await;

        // Once more after the countdown: the same code, and what was sent before opens too.
        let first = self.code_by_sms();
        self.wait_out("two-factor").await;
        self.press("#two-factor-resend").await;
        self.find("#two-factor-wait").await;
        self.wait_until_sent(2).await;
        assert_eq!(self.code_by_sms(), first, "an SMS that comes late opens as well");
        self.picture("4-sent-again").await;
        self.type_into("#two-factor-code", &first).await;
        self.press("#two-factor-confirm").await;
        self.find("#two-factor-state.on").await;
        assert_eq!(self.text("#two-factor-state").await, ON);
        assert_eq!(self.text("#two-factor [role=status]").await, "Two-factor authentication is on.");
        self.picture("5-on").await;

        self.advance(60);
        self.press("#sign-out").await;
        self.sign_in("6-signed-out").await;
        self.find("#sign-in-code").await;
        let lead = self.text("#sign-in-lead").await;
        assert!(lead.starts_with("Code sent to +371•••••45."), "{lead}");
        self.picture("7-code-page").await;
        self.wait_out("sign-in").await;
        self.press("#sign-in-resend").await;
        self.wait_until_sent(4).await;
        self.find("#sign-in-wait").await;
        self.type_into("#sign-in-code", &self.code_by_sms()).await;
        self.press("#sign-in-confirm").await;
        self.find("#two-factor-state.on").await;
        let sessions = self.text("#sessions").await;
        assert!(sessions.contains("Password and a code by SMS"), "{sessions}");
        self.browser.close().await.unwrap();
    }

    /// Meets each closed gate, then loses the service: codes go to the address, and the page says so.
    pub(crate) async fn meet_the_gates(self) {
        let gates = async |words: &[&str]| {
            self.open("/settings?method=sms").await;
            let said = self.text("#two-factor-sms-gates").await;
            assert_eq!(said.lines().collect::<Vec<_>>(), words);
            for control in ["#two-factor-phone", "#two-factor-send-sms"] {
                assert!(!self.find(control).await.is_enabled().await.unwrap(), "{control} is off");
            }
        };
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.find("#sessions").await;
        self.set_service(&json!({"on": false, "quota": null, "period": "none"}));
        gates(&["The SMS messages service is not active in the account properties."]).await;
        self.picture("2-service-not-active").await;
        self.set_flag(false);
        gates(&[
            "The SMS messages service is not active in the account properties.",
            "Can send SMS is off in the user properties.",
        ])
        .await;
        self.picture("3-both").await;
        self.set_service(&json!({"on": true, "quota": 1, "period": "day"}));
        gates(&["Can send SMS is off in the user properties."]).await;
        self.picture("4-can-send-sms-is-off").await;
        self.set_flag(true);

        self.confirm_my_address().await;
        self.enrol().await;
        // The one SMS of the day was that one.
        let state = self.text("#two-factor-state.stopped").await;
        let used = "On, but SMS cannot be sent: The SMS messages limit of the account is used up until ";
        assert!(state.starts_with(used), "{state}");
        assert!(state.ends_with(&format!("Codes go to {}.", self.masked())), "{state}");
        self.picture("5-quota-used-up").await;
        self.press("#sign-out").await;
        self.sign_in("6-signed-out").await;
        self.read_the_code_in_the_mailbox("7-quota-fallback").await;

        self.set_service(&json!({"on": false, "quota": null, "period": "none"}));
        self.open("/settings").await;
        let state = self.text("#two-factor-state.stopped").await;
        let off =
            "On, but SMS cannot be sent: The SMS messages service is not active in the account properties.";
        assert_eq!(state, format!("{off} Codes go to {}.", self.masked()));
        self.picture("8-service-withdrawn").await;
        self.advance(60);
        self.press("#sign-out").await;
        self.sign_in("9-signed-out").await;
        self.read_the_code_in_the_mailbox("10-service-fallback").await;
        self.browser.close().await.unwrap();
    }

    /// Whoever has the mailbox gets a new password, and stands before the SMS all the same.
    pub(crate) async fn rob_the_mailbox(self, thief: Story<'_>) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.confirm_my_address().await;
        self.enrol().await;
        assert_eq!(self.text("#two-factor-state.on").await, ON);

        self.advance(60);
        thief.open("/recovery").await;
        thief.type_into("#identifier", "alice").await;
        thief.press("#recovery-go").await;
        thief.wait_for_path("/recovery/sent").await;
        thief.open_from_elsewhere(&self.link("recovery")).await;
        thief.type_into("#password-new", NEW_PASSWORD).await;
        thief.type_into("#password-repeat", NEW_PASSWORD).await;
        thief.press("#password-go").await;
        thief.wait_for_path("/sign-in").await;
        thief.sign_in_by(NEW_PASSWORD).await;
        thief.find("#sign-in-code").await;
        let lead = thief.text("#sign-in-lead").await;
        assert!(lead.starts_with("Code sent to +371•••••45."), "{lead}");
        thief.has_not("#sign-in-email-instead").await;
        thief.picture("2-thief-before-the-sms").await;
        thief.type_into("#sign-in-code", "000000").await;
        thief.press("#sign-in-confirm").await;
        let said = thief.text("#sign-in-code-problem").await;
        assert!(said.starts_with("Wrong code. 4 attempts left."), "{said}");

        // Not even a service that is withdrawn opens the mailbox to the code.
        self.set_service(&json!({"on": false, "quota": null, "period": "none"}));
        self.advance(60);
        thief.open("/sign-in").await;
        thief.sign_in_by(NEW_PASSWORD).await;
        let said = thief.text("[role=alert]").await;
        assert!(said.contains("The SMS messages service is not active"), "{said}");
        thief.has_not("#sign-in-code").await;
        thief.picture("3-thief-without-a-code").await;
        self.set_service(&json!({"on": true, "quota": null, "period": "none"}));

        // Whose session was ended by it comes back by the phone.
        self.open("/").await;
        self.sign_in_by(NEW_PASSWORD).await;
        self.find("#sign-in-code").await;
        self.type_into("#sign-in-code", &self.code_by_sms()).await;
        self.press("#sign-in-confirm").await;
        self.find("#two-factor-state.on").await;
        for story in [self, thief] {
            story.browser.close().await.unwrap();
        }
    }

    /// The gateway takes an SMS and its answer is lost: the page says what is known, and the user goes on.
    pub(crate) async fn lose_an_answer(self, gateway: &Gateway) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.open_sms_panel().await;
        gateway.act(Act::Cut);
        self.type_into("#two-factor-phone", NUMBER).await;
        self.press("#two-factor-send-sms").await;
        self.find("#two-factor-code").await;
        self.run_worker();
        if !self.scripts {
            self.open("/settings").await;
        }
        // A script finds it out by itself.
        assert_eq!(self.text("#two-factor-code-problem").await, "The message may have been sent.");
        self.picture("2-may-have-been-sent").await;
        assert_eq!(gateway.taken().len(), 1, "and it was");
        self.type_into("#two-factor-code", &gateway.taken()[0].code()).await;
        self.press("#two-factor-confirm").await;
        self.find("#two-factor-state.on").await;

        self.advance(60);
        self.press("#sign-out").await;
        self.sign_in("3-signed-out").await;
        self.find("#sign-in-code").await;
        self.run_worker();
        if !self.scripts {
            self.open("/sign-in/code").await;
        }
        assert_eq!(self.text("#sign-in-code-problem").await, "The message may have been sent.");
        self.picture("4-sign-in-may-have-been-sent").await;
        gateway.act(Act::Take);
        self.wait_out("sign-in").await;
        self.press("#sign-in-resend").await;
        self.find("#sign-in-wait").await;
        self.run_worker();
        assert_eq!(gateway.taken().len(), 3);
        self.has_not("#sign-in-code-problem").await;
        self.type_into("#sign-in-code", &gateway.taken()[2].code()).await;
        self.press("#sign-in-confirm").await;
        self.find("#two-factor-state.on").await;
        self.browser.close().await.unwrap();
    }

    /// Chooses "Via SMS", whose panel opens.
    async fn open_sms_panel(&self) {
        self.find("#two-factor-method").await.select_by_value("sms").await.unwrap();
        if !self.scripts {
            self.press("#two-factor .without-script").await;
        }
        let send = self.find("[data-panel=sms]:not([hidden]) #two-factor-send-sms").await;
        assert!(send.is_displayed().await.unwrap(), "the panel opens");
    }

    /// Switches codes by SMS on, in a browser that is signed in.
    async fn enrol(&self) {
        self.open("/settings?method=sms").await;
        self.type_into("#two-factor-phone", NUMBER).await;
        self.press("#two-factor-send-sms").await;
        self.find("#two-factor-code").await;
        self.type_into("#two-factor-code", &self.code_by_sms()).await;
        self.press("#two-factor-confirm").await;
        assert_eq!(self.text("#two-factor [role=status]").await, "Two-factor authentication is on.");
    }

    async fn confirm_my_address(&self) {
        self.open("/settings").await;
        self.type_into("#email", &self.address).await;
        self.press("#email-save").await;
        self.find("#email-code").await;
        self.type_into("#email-code", &self.mail.code(self.program, &self.address, 1)).await;
        self.press("#email-confirm").await;
        assert_eq!(self.text("#authorization [role=status]").await, "The email address is confirmed.");
    }

    /// Signs in with the code that was mailed in place of an SMS; the session says what was proved.
    async fn read_the_code_in_the_mailbox(&self, picture: &str) {
        self.find("#sign-in-code").await;
        let lead = self.text("#sign-in-lead").await;
        assert!(lead.starts_with(&format!("Code sent to {}.", self.masked())), "{lead}");
        self.picture(picture).await;
        self.type_into("#sign-in-code", &self.newest_mailed_code()).await;
        self.press("#sign-in-confirm").await;
        let sessions = self.text("#sessions").await;
        assert!(sessions.contains("Password and a code by email"), "{sessions}");
    }

    async fn sign_in_by(&self, password: &str) {
        self.type_into("#login", "alice").await;
        self.type_into("#password", password).await;
        self.press("#sign-in-go").await;
    }

    async fn has_not(&self, css: &str) {
        assert!(self.browser.find(Locator::Css(css)).await.is_err(), "{css} is there");
    }

    /// The button that sends again waits for its time, in words, and then can be pressed.
    async fn wait_out(&self, place: &str) {
        let wait = self.text(&format!("#{place}-wait")).await;
        let button = self.find(&format!("#{place}-resend")).await;
        let words = if self.scripts { "Can be sent again in " } else { "Can be sent again at " };
        assert!(wait.starts_with(words), "{wait}");
        assert_eq!(button.is_enabled().await.unwrap(), !self.scripts, "a script holds the button");
        self.advance(61);
        self.browser.refresh().await.unwrap();
        self.find(&format!("#{place}-resend:enabled")).await;
        self.has_not(&format!("#{place}-wait")).await;
    }

    fn masked(&self) -> String {
        format!("{}•••@example.com", self.address.chars().next().unwrap())
    }

    fn advance(&self, seconds: i64) {
        let forward = json!({ "advance_seconds": seconds });
        assert_eq!(self.program.client().json("POST", "/dev/clock", &forward).status, 200);
    }

    fn run_worker(&self) {
        assert_eq!(self.program.client().json("POST", "/dev/run-worker", &Value::Null).status, 200);
    }

    /// The texts that were sent by a channel, oldest first.
    fn texts(&self, channel: &str) -> Vec<String> {
        self.run_worker();
        let sent = self.program.client().get("/dev/messages").json();
        let own = sent.as_array().unwrap().iter().filter(|sent| sent["channel"] == channel);
        own.map(|sent| sent["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The code of the SMS that was sent last.
    fn code_by_sms(&self) -> String {
        let texts = self.texts("sms");
        let text = texts.last().expect("an SMS was sent");
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        code.expect("a code is in it").to_owned()
    }

    fn newest_mailed_code(&self) -> String {
        self.texts("email")
            .iter()
            .rev()
            .find_map(|text| crate::support::find_code(text))
            .expect("a code was mailed")
    }

    /// Waits until so many SMS left in all.
    async fn wait_until_sent(&self, count: usize) {
        for _ in 0..1000 {
            if self.texts("sms").len() >= count {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(self.texts("sms").len(), count);
    }

    /// What `admin` does in the meantime.
    fn as_admin(&self) -> Client {
        let mut admin = self.program.client();
        let body = json!({"login": "admin", "password": PASSWORD});
        assert_eq!(admin.json("POST", "/api/security/sign-in", &body).status, 200);
        admin
    }

    /// Sets the account's service "SMS messages".
    fn set_service(&self, sms: &Value) {
        let mut admin = self.as_admin();
        let account = admin.get("/api/security/settings").json()["account"]["id"].clone();
        let path = format!("/api/security/accounts/{}", account.as_str().unwrap());
        let reply = admin.json("PATCH", &path, &json!({"services": {"sms": sms}}));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Sets alice's flag "Can send SMS".
    fn set_flag(&self, on: bool) {
        let mut admin = self.as_admin();
        let found = admin.get("/api/security/users?login=alice").json();
        let path = format!("/api/security/users/{}", found["users"][0]["id"].as_str().unwrap());
        let reply = admin.json("PATCH", &path, &json!({"flags": {"send_sms": on}}));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

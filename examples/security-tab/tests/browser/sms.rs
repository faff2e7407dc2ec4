//! Codes by SMS in a browser.

use serde_json::Value;

use crate::story::Story;

const NUMBER: &str = "+37120000045";

impl Story<'_> {
    /// Confirms a number, which switches two-factor authentication on, and signs in by password and SMS.
    pub(crate) async fn enrol_by_sms(self) {
        self.open("/").await;
        self.sign_in("1-sign-in").await;
        self.find("#two-factor-method").await.select_by_value("sms").await.unwrap();
        if !self.scripts {
            self.press("#two-factor .without-script").await;
        }
        let send = self.find("[data-panel=sms]:not([hidden]) #two-factor-send-sms").await;
        assert!(send.is_displayed().await.unwrap(), "the panel opens");
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
        self.type_into("#two-factor-code", &self.code_by_sms()).await;
        self.press("#two-factor-confirm").await;
        self.find("#two-factor-state.on").await;
        assert_eq!(self.text("#two-factor-state").await, "On: codes are sent by SMS to +371•••••45");
        self.picture("4-on").await;

        self.press("#sign-out").await;
        self.sign_in("5-signed-out").await;
        self.find("#sign-in-code").await;
        self.picture("6-code-page").await;
        self.type_into("#sign-in-code", &self.code_by_sms()).await;
        self.press("#sign-in-confirm").await;
        self.find("#two-factor-state.on").await;
        self.browser.close().await.unwrap();
    }

    /// The code of the SMS that was sent last.
    fn code_by_sms(&self) -> String {
        let mut client = self.program.client();
        assert_eq!(client.json("POST", "/dev/run-worker", &Value::Null).status, 200);
        let sent = client.get("/dev/messages").json();
        let sms = sent.as_array().unwrap().iter().rev().find(|sent| sent["channel"] == "sms");
        let text = sms.expect("an SMS was sent")["text"].as_str().unwrap();
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        code.expect("a code is in it").to_owned()
    }
}

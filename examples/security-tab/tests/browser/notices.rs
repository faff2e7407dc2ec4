//! An account runs out in the browser: its days are set, a user asks for notices and gets them day by day, and a payment
//! ends it.

use fantoccini::Locator;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::mail::Mail;
use crate::story::Story;
use crate::support::{Folder, PASSWORD, Program};

impl Story<'_> {
    /// An administrator sets the days of the account; a user switches notices on and is told so often; then a payment
    /// comes, and nothing is told any more.
    async fn run_out(self, told: usize) {
        self.open("/").await;
        self.enter("admin").await;
        self.open_the_account().await;
        self.picture("1-account").await;
        self.type_into("#days-left", "7").await;
        self.press("#bill").await;
        assert_eq!(self.text("#billing [role=status]").await, "Saved");
        self.leave().await;

        self.enter("alice").await;
        self.confirm_the_address().await;
        self.switch_notices_on().await;
        self.picture("2-notices-on").await;
        assert!(!self.is_there(".banner").await, "seven days are no reason to warn");

        for nth in 1..=told {
            self.open("/dev/timeline").await;
            self.press("#move-notice").await;
            self.find("#moved").await;
            let out = self.text("#user-alice").await;
            assert_eq!(out.matches("just now").count(), 1, "{out}");
            assert_eq!(self.mails_of_notices(), nth, "one a day");
            self.open("/").await;
            if self.is_there("#login").await {
                self.enter("alice").await;
            }
            let left = 6 - nth;
            let days = if left == 1 { "1 day left".to_owned() } else { format!("{left} days left") };
            let banner = self.text(".banner").await;
            assert!(banner.starts_with("Account demo will be blocked on"), "{banner}");
            assert!(banner.ends_with(&format!(": {days}")), "{banner}");
            self.picture(&format!("3-banner-{left}")).await;
        }
        self.open("/dev/timeline").await;
        self.picture("4-timeline").await;
        self.open("/dev/messages").await;
        let article = self.text("article.mail").await;
        assert!(article.contains(&self.address), "the newest mail is the last notice: {article}");
        self.picture("5-messages").await;

        self.open("/settings").await;
        self.leave().await;
        self.enter("admin").await;
        self.open_the_account().await;
        self.type_into("#payment-days", "30").await;
        self.type_into("#payment-comment", "invoice 17").await;
        self.press("#pay").await;
        assert_eq!(self.text("#payments [role=status]").await, "The payment was recorded.");
        self.picture("6-paid").await;
        self.leave().await;

        self.open("/dev/timeline").await;
        let lines = self.browser.find_all(Locator::Css("#user-alice .planned")).await.unwrap();
        assert_eq!(lines.len(), 5, "those of the new date are planned");
        self.press("#move-day").await;
        assert!(self.text("#moved").await.contains("Nothing went out."));
        self.press("#move-day").await;
        assert!(self.text("#moved").await.contains("Nothing went out."));
        self.picture("7-timeline-paid").await;
        assert_eq!(self.mails_of_notices(), told);
        self.open("/").await;
        self.enter("alice").await;
        assert!(!self.is_there(".banner").await, "there is time again");
        self.picture("8-no-banner").await;
        self.browser.close().await.unwrap();
    }

    async fn enter(&self, login: &str) {
        self.type_into("#login", login).await;
        self.type_into("#password", PASSWORD).await;
        self.press("#sign-in-go").await;
        self.find("#email").await;
    }

    async fn leave(&self) {
        self.press("#sign-out").await;
        self.find("#login").await;
    }

    async fn is_there(&self, css: &str) -> bool {
        self.browser.find(Locator::Css(css)).await.is_ok()
    }

    async fn open_the_account(&self) {
        self.press("#administration").await;
        self.press("a[href='/admin/accounts']").await;
        self.press(".depth-0 .list-name").await;
        self.find("#billing").await;
    }

    async fn confirm_the_address(&self) {
        assert!(self.is_there("#advanced-notices:disabled").await, "there is no address to write to");
        self.type_into("#email", &self.address).await;
        self.press("#email-save").await;
        self.find("#email-code").await;
        self.type_into("#email-code", &self.mail.code(self.program, &self.address, 1)).await;
        self.press("#email-confirm").await;
        assert_eq!(self.text("#authorization [role=status]").await, "The email address is confirmed.");
    }

    /// By the checkbox alone where there is a script, which puts it back when nobody answers.
    async fn switch_notices_on(&self) {
        self.find("#advanced-notices:enabled").await;
        if self.scripts {
            self.connected(false).await;
            self.press("#advanced-notices").await;
            let said = self.text("#advanced [role=alert]").await;
            assert!(said.starts_with("The server did not answer."), "{said}");
            assert!(!self.is_there("#advanced-notices:checked").await, "it is put back");
            self.picture("2-no-answer").await;
            self.connected(true).await;
        }
        self.press("#advanced-notices").await;
        if !self.scripts {
            self.press("#advanced-save").await;
        }
        assert_eq!(self.text("#advanced [role=status]").await, "Saved");
        self.find("#advanced-notices:checked").await;
        assert!(!self.is_there("#advanced [role=alert]").await);
        self.open("/settings").await;
        self.find("#advanced-notices:checked").await;
    }

    /// Takes the browser off the net, or puts it back.
    async fn connected(&self, on: bool) {
        let speed = json!({"offline": !on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.control("Network.enable", &json!({})).await;
        self.control("Network.emulateNetworkConditions", &speed).await;
    }

    /// The mails about blocking to this user.
    fn mails_of_notices(&self) -> usize {
        let mut client = self.program.client();
        assert_eq!(client.json("POST", "/dev/run-worker", &Value::Null).status, 200);
        let sent = client.get("/dev/messages").json();
        let own = sent.as_array().unwrap().iter().filter(|mail| mail["to"] == json!(self.address));
        own.filter(|mail| mail["subject"].as_str().unwrap().contains("blocked")).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_runs_out_and_is_paid_for() {
    let Some(driver) = Driver::start("an_account_runs_out_and_is_paid_for") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("notices", &driver, &program, Mail::Dev, true).await.run_out(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_paid_for_in_time_without_a_script() {
    let Some(driver) = Driver::start("an_account_is_paid_for_in_time_without_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("notices-no-script", &driver, &program, Mail::Dev, false).await.run_out(3).await;
}

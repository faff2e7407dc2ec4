//! Mailed links in a browser: opened from a foreign page, as from a mailbox in the web, and gone from the address bar.

use serde_json::{Value, json};

use crate::story::Story;
use crate::support::{PASSWORD, find_link};

const NEW_PASSWORD: &str = "seven quiet lanterns";

impl Story<'_> {
    /// Sets an address, forgets the password, and comes back by the mailed link.
    pub(crate) async fn recover(self) {
        self.confirm_an_address(&self.address).await;
        self.press("#sign-out").await;
        self.find("#login").await;
        self.press(".below a").await;
        self.type_into("#identifier", "alice").await;
        self.picture("1-forgotten").await;
        self.press("#recovery-go").await;
        self.wait_for_path("/recovery/sent").await;
        self.picture("2-sent").await;
        self.set_a_new_password().await;
        self.browser.close().await.unwrap();
    }

    /// Loses the address to somebody with the password, and takes everything back from the old mailbox.
    pub(crate) async fn undo(self, thief: Story<'_>) {
        self.confirm_an_address(&self.address).await;
        thief.confirm_an_address(&thief.address).await;
        self.picture("1-lost").await;

        self.open_from_elsewhere(&self.link("email/undo")).await;
        self.wait_for_path("/email/undo").await;
        self.picture("2-undo").await;
        self.press("#undo-go").await;
        self.wait_for_path("/sign-in").await;
        let said = self.text("[role=status]").await;
        assert!(said.starts_with("The change was undone"), "{said}");
        self.picture("3-undone").await;
        thief.browser.refresh().await.unwrap();
        assert_eq!(thief.text("[role=status]").await, "You were signed out");

        self.set_a_new_password().await;
        let address = self.find("#email").await.prop("value").await.unwrap();
        assert_eq!(address.as_deref(), Some(self.address.as_str()));
        for story in [self, thief] {
            story.browser.close().await.unwrap();
        }
    }

    /// By the link in the mailbox, up to the tab.
    async fn set_a_new_password(&self) {
        self.open_from_elsewhere(&self.link("recovery")).await;
        self.wait_for_path("/recovery/password").await;
        self.type_into("#password-new", NEW_PASSWORD).await;
        self.type_into("#password-repeat", "something else").await;
        self.press("#password-go").await;
        assert_eq!(self.text("#password-repeat-problem").await, "The new passwords differ.");
        self.picture("new-password").await;
        self.type_into("#password-new", NEW_PASSWORD).await;
        self.type_into("#password-repeat", NEW_PASSWORD).await;
        self.press("#password-go").await;
        self.wait_for_path("/sign-in").await;
        assert_eq!(self.text("[role=status]").await, "The new password is set. Sign in with it.");
        self.type_into("#login", "alice").await;
        self.type_into("#password", NEW_PASSWORD).await;
        self.press("#sign-in-go").await;
        self.find("#sessions").await;
    }

    /// Signs in by the password and confirms an address.
    async fn confirm_an_address(&self, address: &str) {
        self.open("/").await;
        self.type_into("#login", "alice").await;
        self.type_into("#password", PASSWORD).await;
        self.press("#sign-in-go").await;
        self.type_into("#email", address).await;
        self.press("#email-save").await;
        self.find("#email-code").await;
        self.type_into("#email-code", &self.mail.code(self.program, address, 1)).await;
        self.press("#email-confirm").await;
        assert_eq!(self.text("#authorization [role=status]").await, "The email address is confirmed.");
    }

    /// The newest link of a kind in the mailbox of this user.
    pub(crate) fn link(&self, folder: &str) -> String {
        let mut client = self.program.client();
        assert_eq!(client.json("POST", "/dev/run-worker", &Value::Null).status, 200);
        let sent = client.get("/dev/messages").json();
        let mut own = sent.as_array().unwrap().iter().rev().filter(|mail| mail["to"] == json!(self.address));
        let link = own.find_map(|mail| find_link(mail["text"].as_str()?, folder));
        link.unwrap_or_else(|| panic!("no link to {folder} in {sent}"))
    }

    /// Follows a link on a page of another site.
    pub(crate) async fn open_from_elsewhere(&self, link: &str) {
        let page = format!("data:text/html,<a id=link href=\"{link}\">a mail</a>");
        self.browser.goto(&page).await.unwrap();
        self.press("#link").await;
    }

    /// Waits for a page; nothing but its path is in the address bar.
    pub(crate) async fn wait_for_path(&self, path: &str) {
        let url = format!("http://{}{path}", self.program.address).parse().unwrap();
        let arrived = self.browser.wait().for_url(&url).await;
        assert!(arrived.is_ok(), "{:?} is not {path}", self.browser.current_url().await);
    }
}

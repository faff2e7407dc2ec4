//! Two browsers of one user: what one does ends the other's session.

use crate::story::Story;
use crate::support::PASSWORD;

/// The button that ends the newest other session.
const END: &str = "#sessions li button";
const NEW_PASSWORD: &str = "seven quiet lanterns";

impl Story<'_> {
    /// Changes the password; the other browser finds itself signed out and comes back by the new one.
    pub(crate) async fn change_the_password(self, other: Story<'_>) {
        for story in [&self, &other] {
            story.open("/").await;
            story.sign_in("1-sign-in").await;
            story.find("#password-current").await;
        }
        self.type_into("#email", "kept@example").await;
        self.type_into("#password-current", PASSWORD).await;
        self.type_into("#password-new", "short").await;
        self.type_into("#password-repeat", "short").await;
        self.press("#password-go").await;
        let said = self.text("#password-new-problem").await;
        assert_eq!(said, "Too short: at least 15 characters.");
        assert_eq!(self.focused().await, "password-new");
        let kept = self.find("#email").await.prop("value").await.unwrap();
        assert_eq!(kept.as_deref(), Some("kept@example"), "what was typed elsewhere stays");
        self.picture("2-too-short").await;

        self.type_into("#password-current", PASSWORD).await;
        self.type_into("#password-new", NEW_PASSWORD).await;
        self.type_into("#password-repeat", NEW_PASSWORD).await;
        self.press("#password-go").await;
        let said = self.text("#password [role=status]").await;
        assert_eq!(said, "Password changed. All other sessions were signed out.");
        for field in ["#password-current", "#password-new", "#password-repeat"] {
            let left = self.find(field).await.prop("value").await.unwrap();
            assert_eq!(left.as_deref(), Some(""), "{field} is empty");
        }
        self.picture("3-changed").await;

        other.browser.refresh().await.unwrap();
        assert_eq!(other.text("[role=status]").await, "You were signed out");
        other.picture("2-signed-out").await;
        other.type_into("#login", "alice").await;
        other.type_into("#password", NEW_PASSWORD).await;
        other.press("#sign-in-go").await;
        other.find("#sessions").await;
        self.browser.refresh().await.unwrap();
        assert_eq!(self.text(END).await, "End", "this browser goes on and sees the other");
        for story in [self, other] {
            story.browser.close().await.unwrap();
        }
    }

    /// Ends the other browser's session in the list, and after it came back all others at once.
    pub(crate) async fn end_a_session(self, other: Story<'_>) {
        // One more, which stays in the list when the newest other one is ended.
        let mut third = self.program.client();
        let login = "login=alice&password=correct+horse+battery";
        let reply = third.send("POST", "/sign-in", "application/x-www-form-urlencoded", login);
        assert_eq!(reply.status, 303);
        for story in [&other, &self] {
            story.open("/").await;
            story.sign_in("1-sign-in").await;
            story.find("#sessions").await;
        }
        self.picture("2-two-sessions").await;
        self.press(END).await;
        assert_eq!(self.text("#sessions [role=status]").await, "The session was ended.");
        assert_eq!(self.focused().await, "sessions-title", "a second press ends no other session");
        self.find(END).await;
        self.picture("3-ended").await;
        other.browser.refresh().await.unwrap();
        assert_eq!(other.text("[role=status]").await, "You were signed out");

        other.sign_in("2-signed-out").await;
        other.find(END).await;
        self.browser.refresh().await.unwrap();
        self.press("#sessions-end-others").await;
        self.picture("4-all-others").await;
        self.press("#sessions-end-others-go").await;
        assert_eq!(self.text("#sessions [role=status]").await, "All other sessions were signed out.");
        other.browser.refresh().await.unwrap();
        assert_eq!(other.text("[role=status]").await, "You were signed out");
        self.browser.refresh().await.unwrap();
        self.find("#sessions").await;
        for story in [self, other] {
            story.browser.close().await.unwrap();
        }
    }

    /// The id of the element that has the focus; the title of a section counts.
    pub(crate) async fn focused(&self) -> String {
        let id = self.browser.execute("return document.activeElement.id", vec![]).await.unwrap();
        id.as_str().unwrap_or_default().to_owned()
    }
}

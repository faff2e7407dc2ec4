//! What an administrator does in the browser, and those he does it for.

use serde_json::json;

use crate::driver::Driver;
use crate::mail::Mail;
use crate::story::Story;
use crate::support::{Folder, PASSWORD, Program};

const NEW: &str = "seven quiet lanterns";

impl Story<'_> {
    /// Signs in under a login.
    async fn sign_in_as(&self, login: &str, password: &str) {
        self.type_into("#login", login).await;
        self.type_into("#password", password).await;
        self.press("#sign-in-go").await;
        self.find("#email").await;
    }

    /// Goes to the page of a user through the header and the search.
    async fn administer(&self, login: &str) {
        self.press("#administration").await;
        self.type_into("#user-login", login).await;
        self.press("#find-go").await;
        // The search leaves one user.
        self.find(&format!("#user-login[value={login}]")).await;
        self.press(".list-name").await;
        self.find("#flags").await;
    }

    /// `bob`, created without flags, changes his password once an administrator lets him.
    async fn grant_a_flag(self) {
        self.open("/").await;
        self.sign_in_as("bob", PASSWORD).await;
        let reason = self.text("#password-gates").await;
        assert_eq!(reason, "You do not have the right to change the password. Ask your administrator.");
        assert!(self.browser.find(fantoccini::Locator::Css("#administration")).await.is_err());
        self.press("#sign-out").await;

        self.sign_in_as("admin", PASSWORD).await;
        self.administer("bob").await;
        self.picture("1-user").await;
        self.press("#flag-change_password").await;
        self.press("#flags").await;
        assert_eq!(self.text("#permissions [role=status]").await, "Saved");
        self.picture("2-granted").await;
        self.press("#sign-out").await;

        self.sign_in_as("bob", PASSWORD).await;
        self.type_into("#password-current", PASSWORD).await;
        self.type_into("#password-new", NEW).await;
        self.type_into("#password-repeat", NEW).await;
        self.press("#password-go").await;
        let said = self.text("#password [role=status]").await;
        assert_eq!(said, "Password changed. All other sessions were signed out.");
        self.browser.close().await.unwrap();
    }

    /// A stale sign-in stops an invitation until the dialog is answered; what was typed stays.
    async fn invite_after_the_dialog(self) {
        self.open("/").await;
        self.sign_in_as("admin", PASSWORD).await;
        self.press("#administration").await;
        self.press("#create-user").await;
        self.type_into("#user-login", "dora").await;
        self.type_into("#address", &self.address).await;
        self.press("#flag-change_password").await;
        let forward = json!({"advance_seconds": 16 * 60});
        assert_eq!(self.program.client().json("POST", "/dev/clock", &forward).status, 200);
        self.press("#form").await;
        self.find("#administer").await;
        self.picture("1-asked").await;
        self.type_into("#administer-password", "wrong").await;
        self.press("#administer-go").await;
        assert_eq!(self.text("#administer-problem").await, "The current password is wrong.");
        self.find("#user-login[value=dora]").await;
        self.find("#flag-change_password:checked").await;
        self.type_into("#administer-password", PASSWORD).await;
        self.press("#administer-go").await;
        let said = self.text("[role=status]").await;
        assert_eq!(said, "The user was created, and the invitation is on its way.");
        self.find("#flag-change_password:checked").await;
        self.picture("2-went-on").await;
        self.browser.close().await.unwrap();
    }

    /// An administrator makes a user, who is mailed an invitation and gets in by it.
    async fn invite(self) {
        self.open("/").await;
        self.sign_in_as("admin", PASSWORD).await;
        self.press("#administration").await;
        self.press("#create-user").await;
        self.type_into("#user-login", "dora").await;
        self.type_into("#address", &self.address).await;
        self.press("#flag-change_password").await;
        self.picture("1-new-user").await;
        self.press("#form").await;
        self.find("#invitation").await;
        self.picture("2-created").await;
        self.press("#sign-out").await;
        self.find("#login").await;

        let link = self.link("invitation");
        self.open_from_elsewhere(&link).await;
        self.wait_for_path("/invitation").await;
        assert_eq!(
            self.text(".lead").await,
            "You were invited as dora. Choose a password and sign in with it."
        );
        self.picture("3-invitation").await;
        self.type_into("#password-new", "short").await;
        self.type_into("#password-repeat", "short").await;
        self.press("#password-go").await;
        assert_eq!(self.text("#password-new-problem").await, "Too short: at least 15 characters.");
        self.type_into("#password-new", NEW).await;
        self.type_into("#password-repeat", NEW).await;
        self.press("#password-go").await;
        self.wait_for_path("/sign-in").await;
        assert_eq!(self.text("[role=status]").await, "The new password is set. Sign in with it.");
        self.open_from_elsewhere(&link).await;
        self.wait_for_path("/invitation").await;
        assert_eq!(self.text("h1").await, "This link is no longer valid");
        self.picture("4-used").await;
        self.press(".below a").await;

        self.sign_in_as("dora", NEW).await;
        assert_eq!(self.text("#email-state").await, "Confirmed");
        self.picture("5-signed-in").await;
        self.browser.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_granted_on_the_page() {
    let Some(driver) = Driver::start("a_flag_is_granted_on_the_page") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("grant", &driver, &program, Mail::Dev, true).await.grant_a_flag().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_granted_without_a_script() {
    let Some(driver) = Driver::start("a_flag_is_granted_without_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("grant-no-script", &driver, &program, Mail::Dev, false).await.grant_a_flag().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_a_stale_sign_in_stopped_goes_on() {
    let Some(driver) = Driver::start("an_act_that_a_stale_sign_in_stopped_goes_on") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("admin-stale", &driver, &program, Mail::Dev, true).await.invite_after_the_dialog().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_a_stale_sign_in_stopped_goes_on_without_a_script() {
    let Some(driver) = Driver::start("an_act_that_a_stale_sign_in_stopped_goes_on_without_a_script") else {
        return;
    };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("admin-stale-no-script", &driver, &program, Mail::Dev, false)
        .await
        .invite_after_the_dialog()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_user_is_invited() {
    let Some(driver) = Driver::start("a_created_user_is_invited") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("invite", &driver, &program, Mail::Dev, true).await.invite().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_user_is_invited_without_a_script() {
    let Some(driver) = Driver::start("a_created_user_is_invited_without_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("invite-no-script", &driver, &program, Mail::Dev, false).await.invite().await;
}

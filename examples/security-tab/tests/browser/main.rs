//! The main job in a real browser: by a script, without one, and with a real mailbox. Screenshots of each step stay
//! under the target folder, in `screenshots`.

#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests without a browser use the rest")]
mod support;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod axe;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod flespi;
#[cfg(test)]
mod gallery;
#[cfg(test)]
mod keyboard;
#[cfg(test)]
mod links;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sms;
#[cfg(test)]
mod story;

use driver::Driver;
use mail::Mail;
use story::Story;
use support::{Folder, Gateway, Program};

#[tokio::test(flavor = "multi_thread")]
async fn with_a_script() {
    let Some(driver) = Driver::start("with_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("script", &driver, &program, Mail::Dev, true).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script() {
    let Some(driver) = Driver::start("without_a_script") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("no-script", &driver, &program, Mail::Dev, false).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_come_by_sms() {
    let Some(driver) = Driver::start("codes_come_by_sms") else { return };
    for (name, scripts) in [("sms-script", true), ("sms-no-script", false)] {
        let folder = Folder::new();
        let program = Program::dev(&folder, &[]);
        Story::new(name, &driver, &program, Mail::Dev, scripts).await.enrol_by_sms().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_gates_are_named_and_codes_go_by_mail_instead() {
    let test = "closed_gates_are_named_and_codes_go_by_mail_instead";
    let Some(driver) = Driver::start(test) else { return };
    for (name, scripts) in [("sms-gates", true), ("sms-gates-no-script", false)] {
        let folder = Folder::new();
        let program = Program::dev(&folder, &[]);
        Story::new(name, &driver, &program, Mail::Dev, scripts).await.meet_the_gates().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_thief_ends_at_the_sms() {
    let Some(driver) = Driver::start("a_mailbox_thief_ends_at_the_sms") else { return };
    for (names, scripts) in
        [(["robbed", "robbed-thief"], true), (["robbed-no-script", "robbed-no-script-thief"], false)]
    {
        let folder = Folder::new();
        let program = Program::dev(&folder, &[]);
        let owner = Story::new(names[0], &driver, &program, Mail::Dev, scripts).await;
        let thief = Story::new(names[1], &driver, &program, Mail::Dev, scripts).await;
        owner.rob_the_mailbox(thief).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_whose_answer_is_lost_may_have_been_sent() {
    let Some(driver) = Driver::start("an_sms_whose_answer_is_lost_may_have_been_sent") else { return };
    for (name, scripts) in [("sms-lost", true), ("sms-lost-no-script", false)] {
        let (folder, gateway) = (Folder::new(), Gateway::start());
        let program = Program::dev_with(&folder, &["--sms-http", &gateway.url()], &Gateway::variables());
        Story::new(name, &driver, &program, Mail::Dev, scripts).await.lose_an_answer(&gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_real_mailbox() {
    let Some(driver) = Driver::start("with_a_real_mailbox") else { return };
    let Some(server) = mail::Server::named("with_a_real_mailbox") else { return };
    let folder = Folder::new();
    let program = Program::dev_with(&folder, &["--smtp", &server.smtp], &server.variables());
    Story::new("mailbox", &driver, &program, Mail::Imap(server), true).await.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_sign_in_is_confirmed_in_a_dialog() {
    let Some(driver) = Driver::start("a_stale_sign_in_is_confirmed_in_a_dialog") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("stale", &driver, &program, Mail::Dev, true).await.confirm_in_a_dialog().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_a_page_fits_in_light_and_in_dark() {
    let Some(driver) = Driver::start("every_shape_of_a_page_fits_in_light_and_in_dark") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("state", &driver, &program, Mail::Dev, true).await.look_at_the_gallery().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_looked_at_in_every_language() {
    let Some(driver) = Driver::start("every_message_is_looked_at_in_every_language") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("templates", &driver, &program, Mail::Dev, true).await.look_at_the_messages().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_signs_the_other_browser_out() {
    let Some(driver) = Driver::start("a_changed_password_signs_the_other_browser_out") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let here = Story::new("password", &driver, &program, Mail::Dev, true).await;
    let other = Story::new("password-other", &driver, &program, Mail::Dev, true).await;
    here.change_the_password(other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_session_is_ended() {
    let Some(driver) = Driver::start("another_session_is_ended") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let here = Story::new("sessions", &driver, &program, Mail::Dev, true).await;
    let other = Story::new("sessions-other", &driver, &program, Mail::Dev, true).await;
    here.end_a_session(other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_keyboard_alone() {
    let Some(driver) = Driver::start("by_the_keyboard_alone") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("keyboard", &driver, &program, Mail::Dev, true).await.by_keyboard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_serious() {
    let Some(driver) = Driver::start("axe_finds_nothing_serious") else { return };
    let Some(axe) = axe::source("axe_finds_nothing_serious") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("axe", &driver, &program, Mail::Dev, true).await.find_nothing_serious(&axe).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_recovered() {
    let Some(driver) = Driver::start("a_forgotten_password_is_recovered") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    Story::new("recovery", &driver, &program, Mail::Dev, true).await.recover().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_address_is_taken_back() {
    let Some(driver) = Driver::start("a_stolen_address_is_taken_back") else { return };
    let folder = Folder::new();
    let program = Program::dev(&folder, &[]);
    let owner = Story::new("undo", &driver, &program, Mail::Dev, true).await;
    let thief = Story::new("undo-thief", &driver, &program, Mail::Dev, true).await;
    owner.undo(thief).await;
}

/// A test that can't run says so, and fails where nothing may be skipped.
fn skipped(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    assert!(std::env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
}

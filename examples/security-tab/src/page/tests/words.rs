//! The pages say what the specification says, where it says it.

use super::all_states;
use super::scan::text;
use crate::page::samples::Samples;
use crate::page::{Part, Said, Sentence, Time};
use crate::texts::Language;

fn words_of(name: &str) -> String {
    let state = all_states().into_iter().find(|state| state.name == name);
    text(&state.unwrap_or_else(|| panic!("no state {name}")).html)
}

#[test]
fn english_sentences_are_those_of_the_specification() {
    let masked = "a•••@engineering.example.com";
    let code_goes_to =
        format!("The code is sent to the email address specified in the authorization settings: {masked}.");
    let pending = "alice.long.address@engineering.example.com is waiting for confirmation.";
    let pending_with_old = format!("{pending} Until then alice@example.org is used.");
    let on = format!("On: codes are sent to {masked}");
    let sent = format!("Code sent to {masked}. Valid until 16:10.");
    let expected = [
        ("en-banner", "Account demo will be blocked on 5 March 2026 : 3 days left"),
        ("en-banner-one-day", "Account demo will be blocked on 5 March 2026 : 1 day left"),
        ("en-email-none", "Development mode: codes are readable at /dev/messages"),
        ("en-email-none", "User settings Security Authorization settings Email"),
        ("en-email-none", "No email address"),
        ("en-email-none", "Required to recover the password and to receive verification codes."),
        ("en-email-confirmed", "Confirmed"),
        ("en-email-pending", &pending_with_old),
        ("en-email-pending-first", pending),
        ("en-email-pending", "Send email"),
        ("en-email-pending", "Cancel change"),
        ("en-email-pending", &sent),
        ("en-email-code-wrong", "Wrong code. 4 attempts left."),
        ("en-email-code-one-left", "Wrong code. 1 attempt left."),
        ("en-email-code-dead", "This code is no longer valid. Send a new one."),
        ("en-email-code-locked", "Too many wrong codes. Try again at 16:25."),
        ("en-email-code-no-sends", "No more codes can be sent now. Try again at 16:25."),
        ("en-email-code-send-failed", "The message could not be sent. Try again."),
        ("en-code-start-again", "Too many wrong codes. Start again."),
        ("en-code", "Back to sign-in"),
        ("en-code-email-instead", "Send by email instead"),
        ("en-sign-in-signed-out", "You were signed out"),
        ("en-sign-in-too-many", "Too many attempts. Try again at 16:25."),
        ("en-password", "Change password Current password"),
        ("en-password", "New password"),
        ("en-password", "At least 15 characters"),
        ("en-password", "Repeat new password"),
        ("en-password-second-factor", "At least 8 characters"),
        ("en-password-wrong", "The current password is wrong."),
        ("en-password-differs", "The new passwords differ."),
        ("en-password-too-short", "Too short: at least 15 characters."),
        ("en-password-too-common", "This password is too common."),
        ("en-password-unchanged", "The new password is the current one."),
        ("en-password-too-many", "Too many attempts. Try again at 16:25."),
        ("en-password-said", "Password changed. All other sessions were signed out."),
        ("en-password-no-right", "You do not have the right to change the password. Ask your administrator."),
        ("en-two-factor-email", &code_goes_to),
        ("en-two-factor-email", "Method of receiving the confirmation code Off Via email"),
        ("en-two-factor-on", &on),
        ("en-two-factor-code", &sent),
        ("en-two-factor-code", "Send again"),
        ("en-two-factor-no-address", "Specify an email address first"),
        ("en-two-factor-turn-off", "Signing in will need only the password. Turn off"),
        ("en-two-factor-too-short", "Choose a password of at least 15 characters first."),
        ("en-two-factor-said-on", "Two-factor authentication is on."),
        ("en-notices-off", "Advanced settings Notify about account blocking by email"),
        (
            "en-notices-on",
            "Daily emails to a•••@engineering.example.com starting 5 days before the account is blocked.",
        ),
        ("en-notices-on", "Blocking date: 25 March 2026. First email: 20 March 2026."),
        ("en-notices-said", "Saved"),
        ("en-notices-never", "No blocking date is set."),
        ("en-notices-blocked", "The account is blocked."),
        ("en-email-none", "Confirm an email address first."),
        ("en-gates", "The Email notifications service is not active in the account properties."),
        ("en-flespi-absent", "flespi settings Authorization Login Enter a token manually"),
        ("en-flespi-login", "Obtained by login on 2 March 2026 Valid until 28 March 2026"),
        ("en-flespi-login", "Region ru (Russia)"),
        ("en-flespi-manual", "Entered manually on 2 March 2026 Expiration not known yet: press Check"),
        ("en-flespi-active", "Token aB3x… Check Edit Active until 28 March 2026"),
        ("en-flespi-expired", "Expired on 28 March 2026"),
        ("en-flespi-rejected", "Not accepted by flespi: expired or deleted"),
        (
            "en-flespi-unanswered-active",
            "flespi did not answer. Last known: active, checked 2026-03-02 16:00",
        ),
        ("en-flespi-typing", "Region Select a region eu (Netherlands) ru (Russia) OK Cancel"),
        ("en-flespi-typing-token", "A flespi token has 64 letters and digits."),
        ("en-flespi-typing-region", "Select the region of the token."),
        ("en-flespi-gates", "Only the user of the top account can connect flespi."),
        ("en-sessions-others", "Signed in 2026-03-02 15:58 This browser"),
        ("en-sessions-others", "Sign out all other sessions"),
        ("en-sessions-said-all", "All other sessions were signed out."),
        ("en-gates", "The account is blocked. You do not have the right to change this."),
        ("en-two-factor-gates", "This method is switched off by the security policy."),
        ("en-dialog-password", "Confirm that it is you"),
        ("en-dialog-password-wrong", "The current password is wrong."),
    ];
    says(&expected);
}

#[test]
fn english_sentences_about_sms_are_those_of_the_specification() {
    let masked = "a•••@engineering.example.com";
    let stopped = format!(
        "On, but SMS cannot be sent: The SMS messages service is not active in the account properties. Codes go to \
         {masked}."
    );
    let expected = [
        ("en-code-maybe-sent", "The message may have been sent."),
        ("en-sms-code-maybe-sent", "The message may have been sent."),
        ("en-sms", "Phone number Send SMS With country code. Standard rates apply for SMS messages."),
        ("en-sms-gates", "The SMS messages service is not active in the account properties."),
        ("en-sms-gates", "Can send SMS is off in the user properties."),
        ("en-sms-gates", "Can send SMS is off for a user above yours."),
        ("en-sms-gates", "No SMS can be sent now: the limit is reached. Try again later."),
        ("en-sms-quota-until", "The SMS messages limit of the account is used up until 2026-03-03 02:00"),
        ("en-sms-on", "On: codes are sent by SMS to +371•••••45"),
        ("en-sms-by-email", &stopped),
        ("en-sms-stopped", "You may not be able to sign in."),
        ("en-sms-said-on", "Two-factor authentication is on."),
        ("en-admin-account", "SMS segments used 17 of 1000, counted anew at 2026-03-03 00:00"),
        ("en-admin-account", "Notices used 3, no limit"),
    ];
    says(&expected);
}

fn says(expected: &[(&str, &str)]) {
    for (state, sentence) in expected {
        let words = words_of(state);
        assert!(words.contains(sentence), "{state} does not say {sentence:?}: {words}");
    }
}

#[test]
fn no_value_is_left_out_of_a_sentence() {
    for state in all_states() {
        let words = text(&state.html);
        assert!(!words.contains(['{', '}']), "{}: {words}", state.name);
    }
}

#[test]
fn what_does_not_exist_yet_is_absent() {
    for state in all_states().into_iter().filter(|state| state.name.starts_with("en-email")) {
        let words = text(&state.html);
        assert!(!words.contains("uthenticator"), "{}: {words}", state.name);
    }
}

#[test]
fn a_line_that_takes_no_code_shows_no_field() {
    for state in all_states() {
        let has_field = state.html.contains("name=\"code\"");
        let none = ["-dead", "-locked", "-start-again"];
        if none.iter().any(|end| state.name.ends_with(end)) {
            assert!(!has_field, "{}", state.name);
        }
        if state.name.ends_with("-code-wrong") || state.name.ends_with("-one-left") {
            assert!(has_field, "{}", state.name);
        }
    }
}

#[test]
fn only_a_wrong_code_makes_the_field_red() {
    for state in all_states().into_iter().filter(|state| state.name.contains("-code")) {
        let red = state.html.contains("aria-invalid");
        let wrong = state.name.ends_with("-wrong") || state.name.ends_with("-one-left");
        assert_eq!(red, wrong, "{}", state.name);
    }
}

#[test]
fn what_is_on_and_does_not_work_is_marked_apart() {
    let class = |name: &str| {
        let state = all_states().into_iter().find(|state| state.name == name).unwrap();
        let (_, rest) = state.html.split_once("<p class=\"state ").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    for (state, expected) in [
        ("en-sms", "off"),
        ("en-two-factor-on", "on"),
        ("en-sms-on", "on"),
        ("en-sms-by-email", "stopped"),
        ("en-sms-stopped", "stopped"),
    ] {
        assert_eq!(class(state), expected, "{state}");
    }
}

#[test]
fn times_are_for_people_and_for_programs() {
    let time = Time { rfc3339: "2026-03-02T14:10:00Z".into(), local: "16:10".into() };
    let html = Sentence::new("at {time}").time("time", &time).html();
    assert_eq!(html.as_str(), "at <time datetime=\"2026-03-02T14:10:00Z\">16:10</time>");
}

#[test]
fn a_fragment_holds_what_was_asked_for_and_the_slot_of_the_dialog() {
    let page = Samples { language: Language::English }.confirmed();
    let fragment = page.fragment(&[Part::TwoFactor]).unwrap();
    assert!(fragment.contains("id=\"two-factor\"") && fragment.contains("id=\"dialog-slot\""));
    assert!(!fragment.contains("id=\"authorization\"") && !fragment.contains("<html"));
    let nothing = page.fragment(&[]).unwrap();
    assert_eq!(nothing.trim(), "<div id=\"dialog-slot\">\n</div>");
}

#[test]
fn what_was_done_is_said_in_the_language_of_the_page() {
    assert_eq!(Said::TwoFactorOn.text(Language::Russian), "Двухфакторная аутентификация включена.");
    assert!(words_of("ru-sms-code-maybe-sent").contains("Сообщение, возможно, было отправлено."));
    assert!(words_of("ru-email-code-one-left").contains("Осталась 1 попытка."));
    assert!(words_of("ru-email-code-wrong").contains("Осталось 4 попытки."));
    assert!(words_of("ru-banner").contains("осталось 3 дня"));
    assert!(words_of("ru-banner-one-day").contains("остался 1 день"));
}

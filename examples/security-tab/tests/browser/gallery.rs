//! The states of the gallery, as they are seen: in three windows, in light and in dark.

use fantoccini::Locator;
use serde_json::json;

use crate::story::Story;

/// The states that are looked at: one of each shape of a page.
const LOOKED_AT: [&str; 65] = [
    "en-sign-in",
    "en-sign-in-wrong",
    "en-code",
    "en-code-wrong",
    "en-email-none",
    "en-email-pending",
    "en-password-too-common",
    "en-password-no-right",
    "en-two-factor-on",
    "en-sms",
    "en-sms-gates",
    "en-sms-invalid",
    "en-sms-code",
    "en-sms-on",
    "en-sms-by-email",
    "en-code-email-instead",
    "ru-sms-gates",
    "ru-sms-stopped",
    "en-sms-quota-until",
    "en-sms-too-soon",
    "en-sms-budget",
    "en-sms-code-wrong",
    "en-sms-code-maybe-sent",
    "en-sms-stopped",
    "en-sms-said-on",
    "en-sms-turn-off",
    "en-code-maybe-sent",
    "ru-sms",
    "ru-sms-invalid",
    "ru-sms-quota-until",
    "ru-sms-code",
    "ru-sms-code-maybe-sent",
    "ru-sms-on",
    "ru-sms-by-email",
    "ru-code-maybe-sent",
    "ru-admin-account",
    "en-sessions-others",
    "en-dialog-password",
    "ru-sessions-others",
    "en-admin-users",
    "en-admin-user",
    "en-admin-user-gates",
    "ru-admin-user-invited",
    "en-admin-new-user-lacked",
    "en-admin-accounts",
    "en-admin-account-quota",
    "en-admin-trail",
    "ru-notices-on",
    "en-admin-account",
    "ru-admin-account-proof",
    "en-admin-new-user-proof",
    "ru-admin-trail",
    "ru-admin-user-gates",
    "en-admin-new-user-account",
    "ru-recovery-signed-in",
    "en-admin-proof-wrong",
    "en-sign-in-undone",
    "en-forgotten",
    "en-link-sent",
    "en-recovery-too-short",
    "en-recovery-dead",
    "ru-invitation",
    "ru-undo",
    "en-timeline-moved",
    "ru-timeline",
];

/// The windows, width and height.
const WINDOWS: [(u32, u32); 3] = [(320, 640), (768, 900), (1280, 900)];

impl Story<'_> {
    /// Takes a picture of each state in each window and scheme; none may be wider than its window.
    pub(crate) async fn look_at_the_gallery(self) {
        for state in LOOKED_AT {
            self.open(&format!("/dev/states/{state}")).await;
            self.find("#content").await;
            for scheme in ["light", "dark"] {
                // A colour that is on its way from the scheme before is none of this one's.
                let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
                let features = features.map(|(name, value)| json!({"name": name, "value": value}));
                let wanted = json!({ "features": features });
                self.control("Emulation.setEmulatedMedia", &wanted).await;
                for (width, height) in WINDOWS {
                    self.picture_in(&format!("{state}-{width}-{scheme}"), width, height).await;
                }
            }
        }
        self.look_for_what_scrolls_sideways().await;
        self.browser.close().await.unwrap();
    }

    /// Takes pictures of every message in every language; the browser reads each mail as a page of its own, and none
    /// is wider than its frame.
    pub(crate) async fn look_at_the_messages(self) {
        for (tag, word) in [("en", "login"), ("ru", "логин"), ("es", "usuario"), ("de", "Anmeldename")] {
            self.open(&format!("/dev/templates/{tag}")).await;
            self.find("#blocking_notice").await;
            let frames = self.browser.find_all(Locator::Css("iframe")).await.unwrap().len();
            for scheme in ["light", "dark"] {
                let wanted = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
                self.control("Emulation.setEmulatedMedia", &wanted).await;
                for (width, height) in [(360, 740), (1280, 900)] {
                    self.picture_in(&format!("{tag}-{width}-{scheme}"), width, height).await;
                }
            }
            self.resize(360, 740).await;
            assert!(frames > 10, "{tag}: {frames}");
            for frame in 0..u16::try_from(frames).unwrap() {
                self.browser.enter_frame(frame).await.unwrap();
                let said = self.text("body").await;
                assert!(said.contains(word), "{tag}, mail {frame}: {said}");
                let beyond = "return document.documentElement.scrollWidth - innerWidth";
                let beyond = self.browser.execute(beyond, vec![]).await.unwrap().as_i64().unwrap();
                assert!(beyond <= 0, "{tag}: mail {frame} is {beyond} px too wide");
                self.browser.enter_parent_frame().await.unwrap();
            }
        }
        self.browser.close().await.unwrap();
    }

    /// Every state fits into the narrowest window that reflow is asked for (WCAG 2.2, 1.4.10).
    async fn look_for_what_scrolls_sideways(&self) {
        let (width, height) = WINDOWS[0];
        self.resize(width, height).await;
        let names = self.names_of_states();
        assert!(names.iter().any(|name| name.starts_with("ru-admin-user")), "{names:?}");
        let mut wider = Vec::new();
        for name in names {
            self.open(&format!("/dev/states/{name}")).await;
            if self.width().await > u64::from(width) {
                wider.push(name);
            }
        }
        assert_eq!(wider, Vec::<String>::new());
    }
}

//! The states of the gallery, as they are seen: in three windows, in light and in dark.

use serde_json::json;

use crate::story::Story;

/// The states that are looked at: one of each shape of a page.
const LOOKED_AT: [&str; 12] = [
    "en-sign-in",
    "en-sign-in-wrong",
    "en-code",
    "en-code-wrong",
    "en-email-none",
    "en-email-pending",
    "en-password-too-common",
    "en-password-no-right",
    "en-two-factor-on",
    "en-sessions-others",
    "en-dialog-password",
    "ru-sessions-others",
];

/// The windows, width and height.
const WINDOWS: [(u32, u32); 3] = [(360, 740), (768, 900), (1280, 900)];

impl Story<'_> {
    /// Takes a picture of each state in each window and scheme; none may be wider than its window.
    pub(crate) async fn look_at_the_gallery(self) {
        for state in LOOKED_AT {
            self.open(&format!("/dev/states/{state}")).await;
            self.find("#content").await;
            for scheme in ["light", "dark"] {
                let wanted = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
                self.control("Emulation.setEmulatedMedia", &wanted).await;
                for (width, height) in WINDOWS {
                    self.picture_in(&format!("{state}-{width}-{scheme}"), width, height).await;
                }
            }
        }
        self.browser.close().await.unwrap();
    }
}

//! The main job without a pointer.

use crate::story::Story;
use crate::support::PASSWORD;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";
/// More stops than any page has.
const STOPS: usize = 60;

impl Story<'_> {
    /// Signs in, sets an address, switches two-factor authentication on and signs out, by keys alone.
    pub(crate) async fn by_keyboard(self) {
        self.open("/").await;
        self.wait_for_focus("login").await;
        self.keys("alice").await;
        self.go_to("password").await;
        self.keys(PASSWORD).await;
        self.keys(ENTER).await;

        self.find("#email").await;
        self.go_to("email").await;
        self.keys(&self.address).await;
        self.keys(ENTER).await;
        self.wait_for_focus("email-code").await;
        self.keys("000000").await;
        self.keys(ENTER).await;
        self.find("#email-code-problem").await;
        self.wait_for_focus("email-code").await;
        self.keys(&self.mail.code(self.program, &self.address, 1)).await;
        self.keys(ENTER).await;
        assert_eq!(self.text("#authorization [role=status]").await, "The email address is confirmed.");

        self.go_to("two-factor-method").await;
        self.keys(DOWN).await;
        self.go_to("two-factor-send").await;
        self.picture("1-method-chosen").await;
        self.keys(ENTER).await;
        self.wait_for_focus("two-factor-code").await;
        self.keys(&self.mail.code(self.program, &self.address, 2)).await;
        self.keys(ENTER).await;
        self.find("#two-factor-state.on").await;
        self.picture("2-two-factor-on").await;

        self.open("/settings").await;
        self.go_to("sign-out").await;
        self.keys(ENTER).await;
        self.wait_for_focus("login").await;
        self.browser.close().await.unwrap();
    }

    async fn keys(&self, text: &str) {
        self.browser.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// Goes on by the tabulator until an element has the focus, which must be seen at every stop.
    async fn go_to(&self, id: &str) {
        for _ in 0..STOPS {
            self.keys(TAB).await;
            let seen = self.browser.execute(SEEN, vec![]).await.unwrap();
            let focused = self.focused().await;
            assert!(seen.as_bool() == Some(true), "the focus on {focused:?} can't be seen");
            if focused == id {
                return;
            }
        }
        panic!("{id} is not reached by the tabulator");
    }

    /// Waits until the page itself has moved the focus.
    async fn wait_for_focus(&self, id: &str) {
        self.find(&format!("#{id}:focus")).await;
    }
}

/// Whether the focus has a mark, unless it has left the page at its end.
const SEEN: &str = "
    const here = document.activeElement;
    if (here === document.body) return true;
    const style = getComputedStyle(here);
    return here.matches(':focus-visible') && style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
";

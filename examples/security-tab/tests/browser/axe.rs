//! What axe-core finds on the states of the gallery, in both colour schemes and in a narrow window.

use std::env;
use std::fs;

use serde_json::{Value, json};

use crate::skipped;
use crate::story::Story;

/// Names the file with axe-core; `scripts/test` brings it along.
const VARIABLE: &str = "PORTCULLIS_AXE";

/// The source of axe-core; `None`, said aloud, where none is named.
pub(crate) fn source(test: &str) -> Option<String> {
    let Some(path) = env::var_os(VARIABLE) else {
        skipped(test, &format!("{VARIABLE} is not set"));
        return None;
    };
    Some(fs::read_to_string(path).unwrap_or_else(|error| panic!("{VARIABLE}: {error}")))
}

impl Story<'_> {
    /// Fails on whatever axe-core calls serious or critical, with every finding.
    pub(crate) async fn find_nothing_serious(self, axe: &str) {
        self.control("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": axe })).await;
        let mut found = Vec::new();
        let names = self.names_of_states();
        assert!(names.len() > 100, "{}", names.len());
        for (at, name) in names.iter().enumerate() {
            // Every other state in the other scheme and window: each shape of a page is met in all of them.
            let scheme = if at % 2 == 0 { "light" } else { "dark" };
            let wanted = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            self.control("Emulation.setEmulatedMedia", &wanted).await;
            self.resize(if at % 4 < 2 { 1280 } else { 360 }, 900).await;
            self.open(&format!("/dev/states/{name}")).await;
            found.extend(self.findings().await.into_iter().map(|line| format!("{name}: {line}")));
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
        self.find_what_is_planted().await;
        self.browser.close().await.unwrap();
    }

    /// The proof that it looks: an input that lost its label is found.
    async fn find_what_is_planted(&self) {
        self.open("/dev/states/en-sign-in").await;
        let spoil = "document.querySelector('label[for=login]').remove()";
        self.browser.execute(spoil, vec![]).await.unwrap();
        assert_ne!(self.findings().await, Vec::<String>::new(), "an input without a label is no finding");
    }

    async fn findings(&self) -> Vec<String> {
        let found = self.browser.execute_async(RUN, vec![]).await.unwrap();
        let Value::Array(found) = found else { panic!("axe-core did not run: {found}") };
        found.iter().map(|finding| finding.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The names that the gallery links.
    pub(crate) fn names_of_states(&self) -> Vec<String> {
        let page = self.program.client().get("/dev/states").body;
        let links = page.split("href=\"/dev/states/").skip(1).filter_map(|rest| rest.split('"').next());
        links.map(str::to_owned).collect()
    }
}

/// Frames are left out: the one with a mail's HTML takes no script.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const options = { iframes: false, resultTypes: ['violations'] };
    const grave = (finding) => finding.impact === 'serious' || finding.impact === 'critical';
    const line = (finding) => `${finding.id}: ${finding.nodes.map((node) => node.html).join(' | ')}`;
    axe.run(document, options).then(
        (found) => done(found.violations.filter(grave).map(line)),
        (error) => done(String(error)),
    );
";

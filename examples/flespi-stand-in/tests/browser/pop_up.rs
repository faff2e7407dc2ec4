//! Log in, cancel, and a page that nobody opened.

use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use fantoccini::{Client, Locator};
use flespi_stand_in::{FlespiStandIn, Place};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::driver::Driver;

/// Opens the login page as flespi's own pages do, and shows what it is told.
const OPENER: &str = r#"<!doctype html><button id="open">open</button><p id="told"></p><p id="from"></p><script>
let opened;
addEventListener("message", (event) => {
  if (event.source !== opened) return;
  document.getElementById("told").textContent = event.data;
  document.getElementById("from").textContent = event.origin;
});
document.getElementById("open").onclick = () => {
  opened = open("{url}/login/#/providers", "auth", "width=500,height=600");
};
</script>"#;

const PATIENCE: Duration = Duration::from_secs(60);

async fn opener(url: &str) -> String {
    let page = OPENER.replace("{url}", url);
    let routes = Router::new().route("/", get(move || async move { Html(page) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/")
}

/// Opens the pop-up and goes into it; the window that opened it.
async fn enter(browser: &Client) -> fantoccini::wd::WindowHandle {
    let first = browser.window().await.unwrap();
    browser.find(Locator::Id("open")).await.unwrap().click().await.unwrap();
    let second = windows(browser, 2).await.into_iter().find(|window| *window != first).unwrap();
    browser.switch_to_window(second).await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css("#log-in")).await.unwrap();
    first
}

/// The windows, once there are so many.
async fn windows(browser: &Client, count: usize) -> Vec<fantoccini::wd::WindowHandle> {
    tokio::time::timeout(PATIENCE, async {
        loop {
            let windows = browser.windows().await.unwrap();
            if windows.len() == count {
                return windows;
            }
        }
    })
    .await
    .unwrap()
}

async fn text(browser: &Client, id: &str) -> String {
    browser.find(Locator::Id(id)).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_hands_a_token_of_the_chosen_region_to_the_opener() {
    let Some(driver) = Driver::start("a_login_hands_a_token_to_the_opener") else { return };
    let stand_in = FlespiStandIn::start().await.unwrap();
    let browser = driver.browser(true).await;
    browser.goto(&opener(stand_in.url(Place::Eu)).await).await.unwrap();

    let first = enter(&browser).await;
    let region = browser.find(Locator::Id("region")).await.unwrap();
    region.select_by_value("ru").await.unwrap();
    browser.find(Locator::Id("log-in")).await.unwrap().click().await.unwrap();
    windows(&browser, 1).await;
    browser.switch_to_window(first).await.unwrap();
    let told = text(&browser, "told").await;
    let posted: Value = serde_json::from_str(told.strip_prefix("FlespiLogin|token:").unwrap()).unwrap();
    assert_eq!((&posted["region"]["name"], posted["token"].as_str().map(str::len)), (&"ru".into(), Some(64)));
    assert_eq!(text(&browser, "from").await, stand_in.url(Place::Eu), "the page that was opened is at eu");
    assert_eq!((stand_in.tokens(Place::Eu).len(), stand_in.tokens(Place::Ru).len()), (0, 1));
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_login_tells_nothing() {
    let Some(driver) = Driver::start("a_cancelled_login_tells_nothing") else { return };
    let stand_in = FlespiStandIn::start().await.unwrap();
    let browser = driver.browser(true).await;
    browser.goto(&opener(stand_in.url(Place::Eu)).await).await.unwrap();

    let first = enter(&browser).await;
    browser.find(Locator::Id("cancel")).await.unwrap().click().await.unwrap();
    windows(&browser, 1).await;
    browser.switch_to_window(first).await.unwrap();
    assert_eq!(text(&browser, "told").await, "");

    browser.goto(&format!("{}/login/#/providers", stand_in.url(Place::Eu))).await.unwrap();
    browser.find(Locator::Id("log-in")).await.unwrap().click().await.unwrap();
    assert!(text(&browser, "told").await.starts_with("No page has opened this window"));
    assert_eq!((stand_in.tokens(Place::Eu).len(), stand_in.tokens(Place::Ru).len()), (0, 0));
    browser.close().await.unwrap();
}

//! Where a token goes: to the host of its region, whatever anybody writes (promise B-25).

use std::env;
use std::process::Command;
use std::sync::Arc;

use portcullis::port::flespi::{FlespiApi, FlespiError, RegionName};
use portcullis_flespi::{Flespi, SetupError};
use tokio::net::TcpListener;

use crate::strings::{FRAMES, HOSTS, NO_HOSTS, ODD};
use crate::support::{Raw, Say, Told, name, say, token, towards, wanted};

const GOOD: &str = "{\"result\":[{\"id\":7,\"access\":{\"type\":1}}]}";

/// Everything that can be asked, by a name.
async fn ask_all(flespi: &Flespi, region: &RegionName) -> Vec<Option<FlespiError>> {
    let by = token();
    vec![
        flespi.inspect(region, &by).await.err(),
        flespi.issue(region, &by, &wanted("x")).await.err(),
        flespi.find(region, &by, "x").await.err(),
        flespi.revoke(region, &by, 7).await.err(),
        flespi.customer_region(region, &by).await.err(),
        flespi.compare_regions(region).await.err(),
    ]
}

/// What somebody may write in place of `eu`.
fn region_strings(port: u16) -> Vec<String> {
    let mut all: Vec<_> =
        FRAMES.iter().flat_map(|frame| HOSTS.iter().map(|host| frame.replace("{}", host))).collect();
    all.extend([
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
    ]);
    all.extend(ODD.map(str::to_owned));
    all.push("a".repeat(1 << 16));
    all
}

#[tokio::test]
async fn no_string_in_place_of_a_region_reaches_any_host() {
    let server = Raw::start([say("200 OK", "", GOOD)]).await;
    let told = Told::new(&["127.0.0.1"]);
    // The host would be reached by whatever is made of the name: a wrong adapter has every chance.
    let flespi = towards(&server.url()).lookup(Arc::clone(&told) as _).build().unwrap();
    let strings = region_strings(server.port);
    assert!(strings.len() >= 150, "{}", strings.len());
    let mut names = 0;
    for text in &strings {
        match RegionName::parse(text) {
            Err(_) => {}
            Ok(region) => {
                names += 1;
                for error in ask_all(&flespi, &region).await {
                    assert_eq!(error, Some(FlespiError::UnknownRegion), "{text:?}");
                }
            }
        }
        let stored: Result<RegionName, _> = serde_json::from_value(serde_json::json!(text));
        assert_eq!(stored.is_ok(), RegionName::parse(text).is_ok(), "{text:?}");
    }
    assert!(names >= 15, "names that could be regions were among them: {names}");
    assert_eq!(*told.asked.lock().unwrap(), Vec::<String>::new());
    assert_eq!(server.connections(), 0);
    flespi.inspect(&name("eu"), &token()).await.unwrap();
    assert_eq!(server.connections(), 1, "the right name does reach it");
}

#[test]
fn an_address_of_a_region_is_a_public_https_host_in_its_plainest_spelling() {
    let mut urls: Vec<_> = NO_HOSTS.iter().map(|host| format!("https://{host}")).collect();
    let schemes = ["http", "HTTPS", "ftp", "file", "ws", "wss", "data", "javascript", "gopher", "unix", ""];
    urls.extend(schemes.iter().map(|scheme| format!("{scheme}://flespi.io")));
    urls.extend(
        ["https:flespi.io", "https:/flespi.io", "https:///flespi.io", "//flespi.io", "flespi.io"]
            .map(str::to_owned),
    );
    urls.extend(
        ["https:\\\\flespi.io", " https://flespi.io", "\u{feff}https://flespi.io", "https"]
            .map(str::to_owned),
    );
    urls.push(format!("https://{}.io", "a".repeat(400)));
    assert!(urls.len() >= 90, "{}", urls.len());
    for url in &urls {
        let error = Flespi::builder().region("ap", "x", url).build().err();
        let fits = matches!(error, Some(SetupError::Url | SetupError::Scheme | SetupError::PrivateHost));
        assert!(fits, "{url:?}: {error:?}");
    }
    for url in
        ["https://ap.flespi.io", "https://ap.flespi.io/", "https://flespi.example:8443", "https://xn--e1a.io"]
    {
        assert_eq!(Flespi::builder().region("ap", "x", url).build().err(), None, "{url}");
    }
}

/// A port on which both loopback addresses count who comes.
async fn canaries() -> (Raw, Option<Raw>) {
    let four = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = four.local_addr().unwrap().port();
    let six = TcpListener::bind(("::1", port)).await.ok();
    (Raw::on(four, [Say::Cut]), six.map(|six| Raw::on(six, [Say::Cut])))
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let (four, six) = canaries().await;
    let url = format!("https://flespi.example:{}", four.port);
    let answers: [&[&str]; 18] = [
        &["127.0.0.1"],
        &["127.9.9.9"],
        &["0.0.0.0"],
        &["169.254.169.254"],
        &["10.0.0.1"],
        &["192.168.1.1"],
        &["100.64.0.1"],
        &["::1"],
        &["::"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fe80::1"],
        &["fd00::1"],
        &["2002:7f00:1::1"],
        &["127.0.0.1", "::1"],
        &["203.0.113.1"],
        // One bad answer spoils the good ones, wherever it stands.
        &["127.0.0.1", "185.213.2.30"],
        &["185.213.2.30", "127.0.0.1"],
    ];
    for addresses in answers {
        let told = Told::new(addresses);
        let flespi = Flespi::builder().region("eu", "x", &url).lookup(Arc::clone(&told) as _);
        let flespi = flespi.pause(Arc::new(crate::support::Pauses::default())).build().unwrap();
        let private = FlespiError::Unavailable { detail: "the name of the host leads to a private address" };
        for error in ask_all(&flespi, &name("eu")).await {
            assert_eq!(error, Some(private.clone()), "{addresses:?}");
        }
        assert!(told.asked.lock().unwrap().iter().all(|host| host == "flespi.example"));
    }
    assert_eq!(four.connections() + six.as_ref().map_or(0, Raw::connections), 0);

    let allowed = Flespi::builder().region("eu", "x", &url).allow_private_hosts();
    let allowed = allowed.lookup(Told::new(&["127.0.0.1"])).build().unwrap();
    allowed.revoke(&name("eu"), &token(), 7).await.unwrap_err();
    assert_eq!(four.connections(), 1, "a connection would have been seen");
    assert!(four.requests()[0].starts_with('\u{16}'), "and it began with the greeting of TLS");
    assert!(!four.requests()[0].contains(token().expose()));
}

#[tokio::test]
async fn clear_text_for_localhost_does_not_follow_a_name_away() {
    let flespi = towards("http://localhost:9").lookup(Told::new(&["185.213.2.30"])).build().unwrap();
    let private = FlespiError::Unavailable { detail: "the name of the host leads to a private address" };
    assert_eq!(flespi.revoke(&name("eu"), &token(), 7).await, Err(private));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (canary, _) = canaries().await;
    let port = canary.port;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for place in [
            format!("http://127.0.0.1:{port}/"),
            format!("//127.0.0.1:{port}/auth/info"),
            format!("http://localhost:{port}/auth/info"),
            "/elsewhere".to_owned(),
        ] {
            let headers =
                format!("location: {place}\r\nrefresh: 0;url={place}\r\nalt-svc: h2=\":{port}\"\r\n");
            let server = Raw::start([say(&format!("{status} Moved"), &headers, "")]).await;
            let flespi = towards(&server.url()).build().unwrap();
            for error in ask_all(&flespi, &name("eu")).await {
                assert!(error.is_some(), "{status} {place}");
            }
            assert_eq!(server.requests().len(), 6, "each call was made once: {status} {place}");
        }
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_host_in_an_answer_is_nobody_to_call() {
    let (canary, _) = canaries().await;
    let evil = format!("http://127.0.0.1:{}", canary.port);
    let body = serde_json::json!({"result": [{
        "id": 7, "access": {"type": 1}, "name": "eu", "region": {"name": "eu", "rest": evil}, "rest": evil,
        "cdn": evil, "gw": evil, "mqtt": evil, "url": evil, "key": "aB3x".repeat(16),
    }]});
    let server = Raw::start([say("200 OK", "", &body.to_string())]).await;
    let flespi = towards(&server.url()).build().unwrap();
    for _ in 0..2 {
        for error in ask_all(&flespi, &name("eu")).await {
            assert_eq!(error, None);
        }
    }
    assert_eq!((server.requests().len(), canary.connections()), (12, 0));
    let with_token = server.requests().iter().filter(|request| request.contains(token().expose())).count();
    assert_eq!(with_token, 10, "comparing regions sends no token");
}

const CHILD: &str = "PORTCULLIS_TEST_FLESPI_CHILD";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_proxy_of_the_environment_is_used() {
    let (canary, _) = canaries().await;
    let server = Raw::start([say("200 OK", "", GOOD)]).await;
    let proxy = format!("http://127.0.0.1:{}", canary.port);
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "hosts::child_that_inspects_a_token", "--ignored"]).env(CHILD, server.url());
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        child.env(variable, &proxy);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((server.requests().len(), canary.connections()), (1, 0));
}

#[tokio::test]
#[ignore = "run by no_proxy_of_the_environment_is_used, in an environment of its own"]
async fn child_that_inspects_a_token() {
    let url = env::var(CHILD).unwrap();
    assert!(env::var("HTTP_PROXY").is_ok());
    let flespi = towards(&url).build().unwrap();
    assert_eq!(flespi.inspect(&name("eu"), &token()).await.unwrap().id, Some(7));
}

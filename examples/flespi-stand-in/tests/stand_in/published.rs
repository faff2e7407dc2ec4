//! The client of flespi that is published on the Python Package Index, unchanged.
//!
//! Runs where `PORTCULLIS_TEST_FLESPI_PYTHON` names a Python that has it, as `scripts/test` does.

use std::env;
use std::process::{Command, Stdio};

use flespi_stand_in::{FlespiStandIn, Place};
use serde_json::{Value, json};

/// Lists, makes, changes and deletes tokens. The key comes by standard input, the address as the one argument.
const STORY: &str = r#"
import json, sys
from flespi.rest import FlespiClient

def good(answer):
    assert answer["error"] is False, answer
    return answer["message"]["result"]

url, key = sys.argv[1], sys.stdin.readline().strip()
client = FlespiClient(key)
client._url = url
me = good(client.get("/auth/info"))[0]
regions = [region["name"] for region in good(client.get("/auth/regions"))]
before = len(good(client.get("/platform/tokens/all")))
made = good(client.post("/platform/tokens", [{"info": "by the client", "ttl": 600, "access": {"type": 1}}]))[0]
listed = good(client.get("/platform/tokens/%d?fields=id,info" % made["id"]))
changed = good(client.put("/platform/tokens/%d" % made["id"], {"info": "changed"}))[0]
second = FlespiClient(made["key"])
second._url = url
whole = good(second.get("/auth/info"))[0]
gone = good(client.delete("/platform/tokens/%d" % made["id"]))
refused = second.get("/auth/info")
print(json.dumps({
    "me": me["id"], "regions": regions, "before": before, "listed": listed, "made": made["id"],
    "changed": changed["info"], "whole": whole["id"], "gone": gone,
    "refused": [refused["error"], refused["code"], refused["message"]["errors"][0]["reason"]],
}))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_python_client_works_unchanged() {
    let Ok(python) = env::var("PORTCULLIS_TEST_FLESPI_PYTHON") else {
        eprintln!("skipped: the_published_python_client: PORTCULLIS_TEST_FLESPI_PYTHON is not set");
        assert!(env::var("PORTCULLIS_NO_SKIP").as_deref() != Ok("1"), "a test was skipped");
        return;
    };
    let stand_in = FlespiStandIn::start().await.unwrap();
    let by = stand_in.log_in(Place::Ru);
    let (url, key) = (stand_in.url(Place::Ru).to_owned(), by.key.clone());
    let told = tokio::task::spawn_blocking(move || tell(&python, &url, &key)).await.unwrap();
    let made = told["made"].as_u64().unwrap();
    assert_eq!(
        told,
        json!({
            "me": by.id, "regions": ["eu", "ru"], "before": 1, "made": made,
            "listed": [{"id": made, "info": "by the client"}], "changed": "changed", "whole": made,
            "gone": [{"id": made}], "refused": [true, 401, "unauthorized"],
        })
    );
    assert_eq!(stand_in.tokens(Place::Ru).len(), 1);
}

fn tell(python: &str, url: &str, key: &str) -> Value {
    use std::io::Write as _;
    let mut child = Command::new(python)
        .args(["-c", STORY, url])
        .env("NO_PROXY", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{key}").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

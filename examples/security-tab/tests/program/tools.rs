//! What the tests do again and again.

use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Program, Reply, code_in, find_code};

/// What was sent so far, oldest first, when nothing is due any more.
pub(crate) fn messages(program: &Program) -> Vec<Value> {
    let mut client = program.client();
    assert_eq!(client.json("POST", "/dev/run-worker", &Value::Null).status, 200);
    client.get("/dev/messages").json().as_array().unwrap().clone()
}

/// The code that was sent last, and to whom.
pub(crate) fn last_code(program: &Program) -> (String, String) {
    let sent = messages(program);
    let has_code = |message: &&Value| message["text"].as_str().and_then(find_code).is_some();
    let last = sent.iter().rev().find(has_code).expect("a code was sent");
    (code_in(last["text"].as_str().unwrap()), last["to"].as_str().unwrap().to_owned())
}

/// Puts the time of the program forward.
pub(crate) fn advance(program: &Program, seconds: i64) {
    let reply = program.client().json("POST", "/dev/clock", &json!({ "advance_seconds": seconds }));
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// A JSON request to the API, and its answer with the expected status.
pub(crate) fn api(client: &mut Client, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let reply = client.json(method, &format!("/api/security{path}"), body);
    assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

/// Posts a form.
pub(crate) fn post(client: &mut Client, path: &str, fields: &[(&str, &str)]) -> Reply {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| {
            if byte.is_ascii_alphanumeric() {
                out + &char::from(byte).to_string()
            } else {
                out + &format!("%{byte:02X}")
            }
        })
    };
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    client.send("POST", path, "application/x-www-form-urlencoded", &pairs.join("&"))
}

/// Signs in by the form and gives the page behind it.
pub(crate) fn sign_in(client: &mut Client, login: &str, password: &str) -> Reply {
    let reply = post(client, "/sign-in", &[("login", login), ("password", password)]);
    assert_eq!(reply.status, 303, "{}", reply.body);
    let next = reply.header("location").to_owned();
    client.get(&next)
}

/// The hidden fields of the form that posts to a path.
pub(crate) fn hidden<'page>(page: &'page str, action: &str) -> Vec<(&'page str, &'page str)> {
    let parts = page.split_once(&format!("action=\"{action}\""));
    let (_, rest) = parts.unwrap_or_else(|| panic!("no form {action} in {page}"));
    let form = rest.split("</form>").next().unwrap();
    let attribute = |tag: &'page str, name: &str| {
        let rest = tag.split_once(&format!(" {name}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0
    };
    let inputs = form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap());
    let hidden = inputs.filter(|tag| tag.contains("type=\"hidden\""));
    hidden.map(|tag| (attribute(tag, "name"), attribute(tag, "value"))).collect()
}

/// Follows the redirect that a form was answered with.
pub(crate) fn follow(client: &mut Client, reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.body);
    let page = client.get(reply.header("location").to_owned().as_str());
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

/// Posts a form of a page with what the page hid in it.
pub(crate) fn fill(client: &mut Client, page: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
    let mut all = hidden(page, action);
    all.extend(fields);
    post(client, action, &all)
}

/// Somebody who is signed in.
pub(crate) fn signed_in(program: &Program, login: &str) -> Client {
    let mut client = program.client();
    assert_eq!(sign_in(&mut client, login, PASSWORD).status, 200);
    client
}

//! The HTTP contract as one table: every success and every refusal of the routes of today, and that none is left out.

mod at_office;
mod coverage;
mod flespi;
mod managing;
mod play;
mod rows;
mod schema;

use serde_json::Value;

use crate::client::{Reply, SESSION, keys};
use play::{Play, Step};
use rows::rows;

/// One line of the contract: after these steps, this request is answered so.
pub(crate) struct Row {
    after: &'static [Step],
    method: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
    /// The code of the refusal; empty for a success.
    code: &'static str,
    /// The members of the answer; of a refusal those besides type, title, status and code.
    members: &'static [&'static str],
    /// Whether the answer carries a session's cookie.
    cookie: bool,
}

/// As members: those of the schema that the description names, which are listed where the answer is tested.
const OF_ITS_SCHEMA: &[&str] = &["those of its schema"];

/// What paths of rows call ids.
const IDS: [&str; 7] = ["$other", "$admin", "$bob", "$carol", "$dora", "$child", "$nobody"];

/// The members of every problem.
const PROBLEM: [&str; 4] = ["code", "status", "title", "type"];

impl Row {
    fn new(after: &'static [Step], route: &'static str, body: Value) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        Self { after, method, path, body, status: 0, code: "", members: &[], cookie: false }
    }

    fn gives(self, status: u16, members: &'static [&'static str]) -> Self {
        Self { status, members, ..self }
    }

    fn refuses(self, status: u16, code: &'static str, members: &'static [&'static str]) -> Self {
        Self { status, code, members, ..self }
    }

    fn with_cookie(self) -> Self {
        Self { cookie: true, ..self }
    }

    /// The route as the description names it.
    fn route(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let path = IDS.iter().fold(path.to_owned(), |path, name| path.replace(name, "{id}"));
        let path = path.replace("$nonce", "{nonce}");
        format!("{} {path}", self.method)
    }

    async fn play(&self) {
        let what =
            format!("{} {} after {:?}: {} {}", self.method, self.path, self.after, self.status, self.code);
        let mut play = Play::after(self.after).await;
        let reply = play.send(self.method, self.path, &self.body).await;
        assert_eq!(reply.status.as_u16(), self.status, "{what}: {reply:?}");
        let given = reply.cookie_names().iter().any(|name| name == SESSION);
        assert_eq!(given, self.cookie, "{what}: a cookie");
        let text = reply.text.clone();
        self.has_members(reply, &what);
        let description = play.site.get("/openapi.json").await.json();
        let route = schema::Described::of(&description, &self.route());
        route.answers(self.status, &text).unwrap_or_else(|why| panic!("{what}: {why}: {text}"));
        if self.code.is_empty() {
            route.takes(&self.body).unwrap_or_else(|why| panic!("{what}: {why}: {}", self.body));
        }
    }

    fn has_members(&self, reply: Reply, what: &str) {
        if self.code.is_empty() {
            let reply = reply.is(self.status);
            if self.status == 204 {
                return;
            }
            let answer = reply.json();
            let answer = if let Value::Array(list) = &answer { &list[0] } else { &answer };
            if self.members != OF_ITS_SCHEMA {
                assert_eq!(keys(answer), self.members, "{what}: {answer}");
            }
        } else {
            let problem = reply.refused(self.status, self.code);
            let further: Vec<_> = keys(&problem).into_iter().filter(|name| !PROBLEM.contains(name)).collect();
            assert_eq!(further, self.members, "{what}: {problem}");
        }
    }
}

fn all_rows() -> Vec<Row> {
    rows().into_iter().chain(managing::rows()).chain(flespi::rows()).collect()
}

#[tokio::test]
async fn every_line_of_the_contract_holds() {
    let mut failed = Vec::new();
    for row in all_rows() {
        let name = format!("{} {} {}", row.route(), row.status, row.code);
        if let Err(error) = tokio::spawn(async move { row.play().await }).await {
            assert!(error.is_panic(), "{error}");
            failed.push(name);
        }
    }
    assert_eq!(failed, Vec::<String>::new());
}

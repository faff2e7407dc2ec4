//! The HTTP contract as one table: every success and every refusal of the routes of today, and that none is left out.

mod coverage;
mod play;
mod rows;

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
        format!("{} {}", self.method, path.replace("$other", "{id}"))
    }

    async fn play(&self) {
        let what =
            format!("{} {} after {:?}: {} {}", self.method, self.path, self.after, self.status, self.code);
        let mut play = Play::after(self.after).await;
        let reply = play.send(self.method, self.path, &self.body).await;
        assert_eq!(reply.status.as_u16(), self.status, "{what}: {reply:?}");
        let given = reply.cookie_names().iter().any(|name| name == SESSION);
        assert_eq!(given, self.cookie, "{what}: a cookie");
        self.has_members(reply, &what);
    }

    fn has_members(&self, reply: Reply, what: &str) {
        if self.code.is_empty() {
            let reply = reply.is(self.status);
            if self.status == 204 {
                return;
            }
            let answer = reply.json();
            let answer = if let Value::Array(list) = &answer { &list[0] } else { &answer };
            assert_eq!(keys(answer), self.members, "{what}: {answer}");
        } else {
            let problem = reply.refused(self.status, self.code);
            let further: Vec<_> = keys(&problem).into_iter().filter(|name| !PROBLEM.contains(name)).collect();
            assert_eq!(further, self.members, "{what}: {problem}");
        }
    }
}

#[tokio::test]
async fn every_line_of_the_contract_holds() {
    let mut failed = Vec::new();
    for row in rows() {
        let name = format!("{} {} {}", row.route(), row.status, row.code);
        if let Err(error) = tokio::spawn(async move { row.play().await }).await {
            assert!(error.is_panic(), "{error}");
            failed.push(name);
        }
    }
    assert_eq!(failed, Vec::<String>::new());
}

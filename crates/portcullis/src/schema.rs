//! What is kept, for people and for adapters: each kind of record with its keys, and the parts of its body worth showing.
//!
//! An adapter makes tables and views from it, so that an operator reads `login` and `blocked` and not JSON. What is secret
//! or sealed is not in it.
//!
//! ```
//! use portcullis::schema;
//! let user = schema::kinds().iter().find(|kind| kind.kind.as_str() == "user").unwrap();
//! let columns: Vec<_> = user.columns.iter().map(|column| column.name).collect();
//! assert!(columns.contains(&"login") && !columns.contains(&"password"));
//! ```

use crate::account::{Account, RecordedPayment};
use crate::challenge::Challenge;
use crate::flespi::FlespiConnection;
use crate::message::model::Message;
use crate::notice::NoticeSchedule;
use crate::port::store::Kind;
use crate::recovery::RecoveryRequest;
use crate::session::Session;
use crate::user::User;

/// One kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindSchema {
    /// Its name.
    pub kind: Kind,
    /// The schema number `v` that this release writes; it also reads the next one.
    pub v: u32,
    /// The keys its records are found by.
    pub keys: &'static [KeySchema],
    /// The parts of its body worth showing.
    pub columns: &'static [Column],
}

/// A key that records of a kind carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySchema {
    /// Its name.
    pub name: &'static str,
    /// How many records may hold one value.
    pub holders: Holders,
    /// Whether a record may be without it.
    pub optional: bool,
}

/// How many records may hold one value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holders {
    /// At most one: the key is unique.
    One,
    /// Any number: the key is for look-up.
    Many,
    /// The policy said so when the record was written: each record's own key is unique or not.
    AsWritten,
}

/// A part of a body, as a column of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// The names to go down by, from the top of the body.
    pub path: &'static [&'static str],
    /// What is found there.
    pub content: Content,
    /// Whether it may be missing or `null`.
    pub optional: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A UUID, as text.
    Id,
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// An instant in UTC, as RFC 3339 text.
    Time,
    /// Anything else, as JSON.
    Json,
}

/// Every kind of record that this release keeps.
pub const fn kinds() -> &'static [KindSchema] {
    &KINDS
}

const fn key(name: &'static str, holders: Holders) -> KeySchema {
    KeySchema { name, holders, optional: false }
}

const fn maybe_key(name: &'static str, holders: Holders) -> KeySchema {
    KeySchema { name, holders, optional: true }
}

const fn at(name: &'static str, path: &'static [&'static str], content: Content) -> Column {
    Column { name, path, content, optional: false }
}

const fn maybe(name: &'static str, path: &'static [&'static str], content: Content) -> Column {
    Column { name, path, content, optional: true }
}

static KINDS: [KindSchema; 9] = [
    KindSchema {
        kind: Account::KIND,
        v: 1,
        keys: &[key("parent", Holders::Many), key("above", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("name", &["name"], Content::Text),
            at("blocked", &["blocked"], Content::Flag),
            at("lifts", &["lifts"], Content::Number),
            at("dealer", &["dealer"], Content::Flag),
            maybe("plan", &["plan"], Content::Text),
            at("days", &["days"], Content::Json),
            at("balance", &["balance"], Content::Json),
            at("plans", &["plans"], Content::Json),
            at("time_zone", &["time_zone"], Content::Text),
            at("ancestors", &["ancestors"], Content::Json),
            at("services", &["services"], Content::Json),
            at("rights", &["rights"], Content::Json),
            at("created_at", &["created_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: User::KIND,
        v: 1,
        keys: &[
            key("login", Holders::One),
            key("user", Holders::Many),
            key("account", Holders::Many),
            maybe_key("below", Holders::Many),
            maybe_key("email", Holders::AsWritten),
            maybe_key("external_id", Holders::One),
        ],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("account", &["account"], Content::Id),
            at("login", &["login"], Content::Text),
            maybe("external_id", &["external_id"], Content::Text),
            maybe("email", &["email", "address"], Content::Text),
            maybe("email_confirmed_at", &["email", "confirmed_at"], Content::Time),
            maybe("pending_email", &["pending_email", "address"], Content::Text),
            maybe("phone", &["phone"], Content::Text),
            at("recovered_by_mail", &["recovered_by_mail"], Content::Flag),
            at("two_factor", &["two_factor"], Content::Text),
            at("disabled", &["disabled"], Content::Flag),
            maybe("password_changed_at", &["password_changed_at"], Content::Time),
            at("flags", &["flags"], Content::Json),
            at("rights", &["rights"], Content::Json),
            at("credential_version", &["credential_version"], Content::Number),
            at("language", &["language"], Content::Text),
            at("time_zone", &["time_zone"], Content::Text),
            at("blocking_notices", &["blocking_notices"], Content::Flag),
            at("created_at", &["created_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: Session::KIND,
        v: 1,
        keys: &[key("user", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("user_id", &["user"], Content::Id),
            at("assurance", &["assurance"], Content::Text),
            at("credential_version", &["credential_version"], Content::Number),
            at("signed_in_at", &["signed_in_at"], Content::Time),
            at("fresh_until", &["fresh_until"], Content::Time),
            at("used_at", &["used_at"], Content::Time),
            at("idle_until", &["idle_until"], Content::Time),
            at("ends_at", &["ends_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: Challenge::KIND,
        v: 1,
        keys: &[key("user", Holders::Many), maybe_key("sealed", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("user_id", &["user"], Content::Id),
            at("purpose", &["purpose"], Content::Text),
            at("state", &["state"], Content::Text),
            at("sends", &["issue"], Content::Number),
            at("created_at", &["created_at"], Content::Time),
            at("issued_at", &["issued_at"], Content::Time),
            at("expires_at", &["expires_at"], Content::Time),
            at("kept_until", &["kept_until"], Content::Time),
        ],
    },
    KindSchema {
        kind: Message::KIND,
        v: 1,
        keys: &[
            key("user", Holders::Many),
            maybe_key("sealed", Holders::Many),
            maybe_key("held", Holders::Many),
            maybe_key("dead", Holders::Many),
        ],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("user_id", &["user"], Content::Id),
            at("kind", &["kind"], Content::Text),
            at("destination", &["to"], Content::Text),
            at("channel", &["channel"], Content::Text),
            maybe("delivery", &["delivery"], Content::Text),
            at("bulk", &["bulk"], Content::Flag),
            at("outcome", &["outcome"], Content::Text),
            at("tries", &["tries"], Content::Number),
            maybe("valid_until", &["valid_until"], Content::Time),
            maybe("day", &["day"], Content::Text),
            at("created_at", &["created_at"], Content::Time),
            at("due_at", &["due_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: RecoveryRequest::KIND,
        v: 1,
        keys: &[maybe_key("sealed", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("created_at", &["created_at"], Content::Time),
            at("due_at", &["due_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: NoticeSchedule::KIND,
        v: 1,
        keys: &[],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("account", &["account"], Content::Id),
            maybe("blocks_at", &["blocks_at"], Content::Time),
            maybe("walk", &["walk"], Content::Json),
            at("due_at", &["due_at"], Content::Time),
        ],
    },
    KindSchema {
        kind: RecordedPayment::KIND,
        v: 1,
        keys: &[key("account", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("account", &["account"], Content::Id),
            at("days", &["days"], Content::Number),
            at("amount", &["amount"], Content::Number),
            at("comment", &["comment"], Content::Text),
            maybe("by_user", &["by"], Content::Id),
            at("at", &["at"], Content::Time),
        ],
    },
    KindSchema {
        kind: FlespiConnection::KIND,
        v: 1,
        keys: &[key("user", Holders::Many), maybe_key("sealed", Holders::Many)],
        columns: &[
            at("id", &["id"], Content::Id),
            at("tenant", &["tenant"], Content::Id),
            at("user_id", &["user"], Content::Id),
            maybe("region", &["connected", "region"], Content::Text),
            maybe("token_kind", &["connected", "kind"], Content::Text),
            maybe("source", &["connected", "source"], Content::Text),
            maybe("obtained_at", &["connected", "obtained_at"], Content::Time),
            maybe("expires_at", &["connected", "expires_at"], Content::Time),
            maybe("last_check", &["connected", "last_check"], Content::Json),
            maybe("issuing_since", &["connecting", "began_at"], Content::Time),
            maybe("work_at", &["work_at"], Content::Time),
            maybe("notice_at", &["notice_at"], Content::Time),
        ],
    },
];

#[cfg(test)]
mod tests;

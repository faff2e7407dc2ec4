//! What flespi says, read as if an enemy had written it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::port::flespi::{IssuedToken, RegionName, TokenInfo, TokenKind};
use portcullis::secret::FlespiToken;
use serde_json::Value;

use crate::outcome::Trouble;

/// The end of the year 9999: a number beyond it is no date in seconds.
const LAST_SECOND: i64 = 253_402_300_799;
/// The longest note that is taken over, in bytes.
const LONGEST_INFO: usize = 1024;

/// What an answer says that is not the whole.
pub(crate) const PART: Trouble = Trouble::Unread("the answer is a part only");

/// A part of a list, and how long the list is, if that is told.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) total: Option<u64>,
}

impl Page {
    /// Whether the list is no longer than so many items.
    pub(crate) fn ends_at(&self, seen: usize) -> bool {
        self.total.is_none_or(|total| usize::try_from(total).is_ok_and(|total| total <= seen))
    }
}

/// The list `result` of a whole answer; an error beside it spoils it.
pub(crate) fn result(body: &[u8]) -> Result<Vec<Value>, Trouble> {
    let page = page(body)?;
    if page.ends_at(page.items.len()) { Ok(page.items) } else { Err(PART) }
}

/// The list `result` of an answer that may be a part of it.
pub(crate) fn page(body: &[u8]) -> Result<Page, Trouble> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Trouble::Unread("the answer is no json"))?;
    let Value::Object(mut body) = body else {
        return Err(Trouble::Unread("the answer is no object"));
    };
    match body.remove("errors") {
        None | Some(Value::Null) => {}
        Some(Value::Array(errors)) if errors.is_empty() => {}
        Some(_) => return Err(Trouble::Unread("flespi reports an error beside its answer")),
    }
    let Some(Value::Array(items)) = body.remove("result") else {
        return Err(Trouble::Unread("the answer has no result"));
    };
    let total = body.get("pagination").and_then(|pages| pages.get("total")).and_then(Value::as_u64);
    Ok(Page { items, total })
}

/// The one item of a result.
pub(crate) fn only(mut items: Vec<Value>) -> Result<Value, Trouble> {
    match (items.pop(), items.len()) {
        (Some(item), 0) => Ok(item),
        (None, _) => Err(Trouble::Unread("the result is empty")),
        (Some(_), _) => Err(Trouble::Unread("the result has more than one item")),
    }
}

/// What `/auth/info` says of a token: the item is the token, or holds it as `token`.
pub(crate) fn inspected(item: &Value) -> Result<TokenInfo, Trouble> {
    let token = item.get("token").filter(|token| token.is_object()).unwrap_or(item);
    // Whatever has no access is no token.
    if token.get("access").is_some_and(Value::is_object) {
        Ok(info(token))
    } else {
        Err(Trouble::Unread("the result names no token"))
    }
}

/// A token that was made just now.
pub(crate) fn issued(mut item: Value) -> Result<IssuedToken, Trouble> {
    let info = info(&item);
    let id = info.id.ok_or(Trouble::Unread("the token has no number"))?;
    let Some(Value::String(key)) = item.get_mut("key").map(Value::take) else {
        return Err(Trouble::Unread("the token has no key"));
    };
    let token = FlespiToken::parse(key).map_err(|_| Trouble::Unread("the key is no token"))?;
    Ok(IssuedToken { id, token, info })
}

/// The tokens of a list that comes in parts, and which of them have something noted on them.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    numbers: BTreeSet<u64>,
    seen: usize,
    found: Vec<u64>,
}

impl Noted {
    /// Takes a part over: `true` if it was the last one. One that brings nothing new before the end is no part of a list.
    pub(crate) fn take(&mut self, page: &Page, wanted: &str) -> Result<bool, Trouble> {
        let before = self.seen;
        for item in &page.items {
            let number = number(item.get("id"));
            if number.is_some_and(|number| !self.numbers.insert(number)) {
                continue;
            }
            self.seen += 1;
            if item.get("info").and_then(Value::as_str) == Some(wanted) {
                self.found.push(number.ok_or(Trouble::Unread("the token has no number"))?);
            }
        }
        let ends = page.ends_at(self.seen);
        if ends || self.seen > before { Ok(ends) } else { Err(PART) }
    }

    /// How many tokens it had so far.
    pub(crate) const fn seen(&self) -> usize {
        self.seen
    }

    /// The numbers of those that have exactly this noted on them.
    pub(crate) fn found(self) -> Vec<u64> {
        self.found
    }
}

/// The names of regions, as `/auth/regions` lists them (`region` in older answers). Nothing else is looked at.
pub(crate) fn region_names(items: &[Value]) -> Vec<RegionName> {
    let name = |item: &Value| {
        let name = item.get("name").or_else(|| item.get("region"))?;
        RegionName::parse(name.as_str()?).ok()
    };
    let mut names: Vec<_> = items.iter().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The region of a customer, if it is the name of one.
pub(crate) fn customer_region(item: &Value) -> Option<RegionName> {
    RegionName::parse(item.get("region")?.as_str()?).ok()
}

fn info(token: &Value) -> TokenInfo {
    let field = |name: &str| token.get(name);
    let text = field("info").and_then(Value::as_str).filter(|text| text.len() <= LONGEST_INFO);
    TokenInfo {
        id: number(field("id")),
        kind: kind(field("access")),
        info: text.map(str::to_owned),
        expire: seconds(field("expire")).and_then(instant),
        ttl: seconds(field("ttl")).and_then(TimeDelta::try_seconds),
        created: seconds(field("created")).and_then(instant),
        accessed: seconds(field("accessed")).and_then(instant),
    }
}

fn kind(access: Option<&Value>) -> TokenKind {
    match access.and_then(|access| access.get("type")).and_then(Value::as_u64) {
        Some(0) => TokenKind::Standard,
        Some(1) => TokenKind::Master,
        Some(2) => TokenKind::Acl,
        _ => TokenKind::Other,
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    value?.as_u64().filter(|number| *number > 0)
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

/// Whole seconds from 1 to the last one of the year 9999; a fraction is cut off. Anything else is not there: 0 means so
/// at flespi, and the rest makes no sense.
fn seconds(value: Option<&Value>) -> Option<i64> {
    let number = value?.as_number()?;
    let whole = number.as_i64().or_else(|| number.as_f64().and_then(floor))?;
    (1..=LAST_SECOND).contains(&whole).then_some(whole)
}

fn floor(number: f64) -> Option<i64> {
    // By way of text, since no cast may be trusted with what an enemy wrote; numbers of this size have no exponent.
    if number.is_finite() && number.abs() < 1e15 {
        format!("{:.0}", number.floor()).parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests;

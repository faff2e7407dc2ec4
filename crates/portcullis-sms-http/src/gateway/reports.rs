//! How a described gateway reports.

use super::{Fields, fault};
use crate::options::SetupError;

/// Where a report tells the state, and which words mean what.
#[derive(Clone)]
pub(crate) struct Reports {
    pub(crate) place: Place,
    pub(crate) delivered: Vec<String>,
    pub(crate) undelivered: Vec<String>,
    pub(crate) on_its_way: Vec<String>,
}

/// Where a report tells the state.
#[derive(Clone)]
pub(crate) enum Place {
    /// In the URL, as the parameter of this name.
    Query(String),
    /// In a form, as the field of this name.
    Form(String),
    /// In JSON, at this pointer.
    Json(String),
}

impl Reports {
    pub(super) fn read(mut fields: Fields) -> Result<Self, SetupError> {
        let state: Option<String> = fields.take("state")?;
        let reports = Self {
            place: place(state.as_deref().unwrap_or_default())?,
            delivered: fields.take("delivered")?.unwrap_or_default(),
            undelivered: fields.take("undelivered")?.unwrap_or_default(),
            on_its_way: fields.take("on_its_way")?.unwrap_or_default(),
        };
        fields.end()?;
        if reports.delivered.is_empty() {
            return Err(fault("reports.delivered", "no word says that a message arrived"));
        }
        let mut words: Vec<_> =
            [&reports.delivered, &reports.undelivered, &reports.on_its_way].into_iter().flatten().collect();
        let all = words.len();
        words.sort();
        words.dedup();
        if words.len() < all {
            return Err(fault("reports", "the same word says two things"));
        }
        Ok(reports)
    }
}

fn place(state: &str) -> Result<Place, SetupError> {
    match state.split_once(':') {
        Some(("query", name)) if !name.is_empty() => Ok(Place::Query(name.to_owned())),
        Some(("form", name)) if !name.is_empty() => Ok(Place::Form(name.to_owned())),
        Some(("json", pointer)) if pointer.starts_with('/') => Ok(Place::Json(pointer.to_owned())),
        _ => Err(fault("reports.state", "it must be query:NAME, form:NAME or json:/POINTER")),
    }
}

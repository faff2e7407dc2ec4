//! Bodies of records: JSON with a schema number, unknown fields kept.

use crate::decision::Entity;

pub(crate) fn body_of<E: Entity>(value: &E) -> Result<String, &'static str> {
    serde_json::to_string(value).map_err(|_| "the value can't be written as JSON")
}

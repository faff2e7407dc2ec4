//! That a body is what the description says it is.

use serde_json::Value;

/// A route in the description.
pub(super) struct Described<'a> {
    description: &'a Value,
    route: &'a Value,
}

impl<'a> Described<'a> {
    pub(super) fn of(description: &'a Value, route: &str) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        let route = &description["paths"][path][method.to_lowercase()];
        assert!(route.is_object(), "{method} {path} is not described");
        Self { description, route }
    }

    /// The request's body fits; one that is not described is not sent.
    pub(super) fn takes(&self, body: &Value) -> Result<(), String> {
        match self.route.get("requestBody") {
            Some(described) => self.fits(&described["content"]["application/json"]["schema"], body),
            None if body.is_null() => Ok(()),
            None => Err("a body that is not described".to_owned()),
        }
    }

    /// The answer of this status fits; one that is not described is empty.
    pub(super) fn answers(&self, status: u16, text: &str) -> Result<(), String> {
        let answer = &self.route["responses"][status.to_string()];
        // Of what is wrong with a field the description lists one answer for all.
        let media = if status < 300 { "application/json" } else { "application/problem+json" };
        match answer.get("content") {
            Some(content) => {
                let body = serde_json::from_str(text).map_err(|error| error.to_string())?;
                self.fits(&content[media]["schema"], &body)
            }
            // What `/openapi.json` gives has a description of its own.
            None if text.is_empty() || self.route["operationId"] == "get_openapi_json" => Ok(()),
            None => Err(format!("an answer {status} that is not described")),
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("{why} in {value} by {schema}"));
        if let Some(name) = schema["$ref"].as_str() {
            let found = self.description.pointer(name.trim_start_matches('#'));
            return self.fits(found.ok_or_else(|| format!("no schema {name}"))?, value);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fitting = choices.iter().filter(|choice| self.fits(choice, value).is_ok()).count();
            return if fitting == 1 { Ok(()) } else { wrong("not one of the choices") };
        }
        let one_of = |known: &Value| known.as_array().is_some_and(|known| known.contains(value));
        if schema.get("enum").is_some_and(|known| !one_of(known)) {
            return wrong("an unknown value");
        }
        if schema.get("const").is_some_and(|known| known != value) {
            return wrong("another value");
        }
        if let Some(types) = schema.get("type") {
            let name = |known: &Value| known.as_str().is_some_and(|name| is_of(value, name));
            let fitting = types.as_array().map_or_else(|| name(types), |types| types.iter().any(name));
            if !fitting {
                return wrong("another type");
            }
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            return list.iter().try_for_each(|item| self.fits(items, item));
        }
        let Some(members) = value.as_object() else { return Ok(()) };
        let required = schema["required"].as_array().into_iter().flatten();
        if let Some(gone) = required.filter_map(Value::as_str).find(|name| !members.contains_key(*name)) {
            return wrong(&format!("{gone} is missing"));
        }
        members.iter().try_for_each(|(name, member)| {
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(known), _) => self.fits(known, member),
                (None, Some(Value::Bool(false))) => wrong(&format!("{name} is not described")),
                (None, Some(others)) if others.is_object() => self.fits(others, member),
                (None, _) => Ok(()),
            }
        })
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type of the description"),
    }
}

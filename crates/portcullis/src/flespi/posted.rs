//! What a pop-up of flespi posts, read as what a stranger wrote.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

use crate::error::InputError;
use crate::port::flespi::RegionName;
use crate::secret::FlespiToken;

/// What stands before the JSON.
const PREFIX: &str = "FlespiLogin|token:";

/// The longest text that is looked at, in bytes: about eight times what flespi posts.
pub(crate) const LONGEST: usize = 4096;

/// What a pop-up posted: the token of a login, and the name of the region that was chosen there.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) token: FlespiToken,
    pub(crate) region: RegionName,
}

/// Reads the field `message`: `FlespiLogin|token:` and an object with a token and a region, of which the name alone is
/// read. How long the text is, is looked at before anything else; the text is wiped.
///
/// The older form, `FlespiToken ` and the token, tells no region, and none is guessed.
///
/// # Errors
/// `bad_message` in the field `message`, `invalid_token` in `token`, `invalid_region` in `region`.
// INVARIANT: no host is taken from the text, and none of its other parts is kept.
pub(crate) fn read(mut text: String) -> Result<Posted, InputError> {
    let found = if text.len() > LONGEST { Err(bad()) } else { parts(&text) };
    text.zeroize();
    found
}

fn bad() -> InputError {
    InputError::new("message", "bad_message", "this is nothing that a flespi login posts")
}

fn no_region() -> InputError {
    InputError::new("region", "invalid_region", "the login tells no region of flespi")
}

fn parts(text: &str) -> Result<Posted, InputError> {
    let Some(json) = text.strip_prefix(PREFIX) else {
        if !text.starts_with(FlespiToken::PREFIX) {
            return Err(bad());
        }
        return FlespiToken::parse(text.to_owned()).and_then(|_| Err(no_region()));
    };
    let Login { token, region } = serde_json::from_str(json).map_err(|_| bad())?;
    let token = FlespiToken::parse(token.ok_or_else(bad)?)?;
    let region = RegionName::parse(&region.ok_or_else(no_region)?.0.ok_or_else(no_region)?)?;
    Ok(Posted { token, region })
}

/// The object after the prefix. Other names in it mean nothing.
struct Login {
    token: Option<String>,
    region: Option<RegionPart>,
}

/// The object that describes a region: its name.
struct RegionPart(Option<String>);

/// Takes a part that may be there once.
fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    slot: &mut Option<T>,
) -> Result<(), A::Error> {
    let value = map.next_value()?;
    if slot.replace(value).is_some() {
        return Err(A::Error::custom("a name stands there twice"));
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Login {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Login;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Login, A::Error> {
                let mut login = Login { token: None, region: None };
                while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                    match name.as_ref() {
                        "token" => once(&mut map, &mut login.token)?,
                        "region" => once(&mut map, &mut login.region)?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(login)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for RegionPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = RegionPart;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RegionPart, A::Error> {
                let (mut name, mut older) = (None, None);
                while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                    match key.as_ref() {
                        "name" => once::<A, String>(&mut map, &mut name)?,
                        "region" => once::<A, String>(&mut map, &mut older)?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                if name.is_some() && older.is_some() && name != older {
                    return Err(A::Error::custom("it has two names"));
                }
                Ok(RegionPart(name.or(older)))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests;

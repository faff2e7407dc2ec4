//! The regions: names, and the one host each stands for.

use std::net::IpAddr;

use portcullis::port::flespi::{Region, RegionName};
use reqwest::Url;

use crate::builder::SetupError;
use crate::guard::is_public;

/// What is compiled in: name, place, address of the REST API.
pub(crate) const COMPILED_IN: [(&str, &str, &str); 2] =
    [("eu", "Netherlands", "https://flespi.io"), ("ru", "Russia", "https://ru.flespi.io")];

const LONGEST_PLACE: usize = 64;
const LONGEST_URL: usize = 300;

/// Ends of names that stand for something inside of a network.
const INSIDE: [&str; 9] =
    ["localhost", "local", "internal", "lan", "home", "corp", "intranet", "home.arpa", "localdomain"];

/// Makes a region of what the program gave.
///
/// The address must be written as it would be written back, so that no other spelling of a host (`0x7f.1`, a backslash,
/// a user in front) stands for one that is not seen.
pub(crate) fn region(
    name: &str,
    place: &str,
    rest_url: &str,
    private_allowed: bool,
) -> Result<Region, SetupError> {
    let name = RegionName::parse(name).map_err(|_| SetupError::RegionName)?;
    if place.is_empty() || place.len() > LONGEST_PLACE || place.chars().any(char::is_control) {
        return Err(SetupError::Place);
    }
    let origin = origin(rest_url, private_allowed)?;
    let login_url = format!("{origin}/login/#/providers");
    Ok(Region { name, place: place.to_owned(), origin, login_url })
}

fn origin(text: &str, private_allowed: bool) -> Result<String, SetupError> {
    if text.len() > LONGEST_URL {
        return Err(SetupError::Url);
    }
    let bare = text.strip_suffix('/').unwrap_or(text);
    let url = Url::parse(text).map_err(|_| SetupError::Url)?;
    if url.as_str().strip_suffix('/') != Some(bare) || url.path() != "/" {
        return Err(SetupError::Url);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SetupError::Url);
    }
    let host = url.host_str().ok_or(SetupError::Url)?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if private_allowed && local => {}
        _ => return Err(SetupError::Scheme),
    }
    // No certificate that people can get names an address, so an address is for development only.
    let public = address.is_none() && is_public_name(host);
    if public || private_allowed { Ok(bare.to_owned()) } else { Err(SetupError::PrivateHost) }
}

/// Whether a name may be one of the public network; where it leads is looked at when it is asked for.
fn is_public_name(host: &str) -> bool {
    let under =
        |end: &&str| host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    host.contains('.')
        && host.chars().all(plain)
        && !host.ends_with('.')
        && host.parse::<IpAddr>().map_or(true, is_public)
        && !INSIDE.iter().any(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_is_taken_and_posts_from_its_own_origin() {
        let made: Vec<_> =
            COMPILED_IN.iter().map(|(name, place, url)| region(name, place, url, false).unwrap()).collect();
        assert_eq!(made[0].origin, "https://flespi.io");
        assert_eq!(made[0].login_url, "https://flespi.io/login/#/providers");
        assert_eq!((made[1].place.as_str(), made[1].origin.as_str()), ("Russia", "https://ru.flespi.io"));
    }

    #[test]
    fn clear_text_is_for_loopback_in_development_only() {
        let taken = |url: &str| region("eu", "here", url, true).map(|region| region.origin);
        for url in ["http://127.0.0.1:8090", "http://localhost:8090", "http://[::1]:8090"] {
            assert_eq!(taken(url).unwrap(), url);
            assert_eq!(taken(&format!("{url}/")).unwrap(), url);
            assert_eq!(region("eu", "here", url, false), Err(SetupError::Scheme));
        }
        for url in ["http://10.0.0.1:8090", "http://flespi.io", "http://192.168.1.1", "http://0.0.0.0"] {
            assert_eq!(taken(url), Err(SetupError::Scheme), "{url}");
        }
        assert_eq!(taken("https://10.0.0.1:8443").unwrap(), "https://10.0.0.1:8443");
        assert_eq!(taken("https://flespi.lan").unwrap(), "https://flespi.lan");
    }

    #[test]
    fn a_place_is_a_short_word() {
        for place in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(region("eu", place, "https://flespi.io", false), Err(SetupError::Place));
        }
    }
}

//! The secret of a mailed link, and the address it makes.

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use super::Secret;
use crate::id::ChallengeId;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const BYTES: usize = ID_BYTES + SECRET_BYTES;

/// The one-time secret of a mailed link: 64 characters that name a challenge and hold 256 random bits.
///
/// It is opaque to everybody but the engine. `Debug` shows nothing of it.
///
/// ```
/// use portcullis::secret::LinkToken;
/// let text = "A".repeat(64);
/// let token = LinkToken::parse(&text).unwrap();
/// assert_eq!((token.expose(), format!("{token:?}").as_str()), (text.as_str(), "LinkToken(..)"));
/// assert!(LinkToken::parse("too short").is_none());
/// ```
#[derive(Clone)]
pub struct LinkToken {
    challenge: ChallengeId,
    text: Zeroizing<String>,
}

impl LinkToken {
    /// How many characters one has.
    pub const CHARS: usize = 64;

    /// Takes a token as it stood in a link; `None` for what can be none. Whoever brings such a text is answered as with a
    /// link that is over.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = decode(text)?;
        let (id, _) = bytes.split_first_chunk::<ID_BYTES>()?;
        let challenge = ChallengeId::from_uuid(Uuid::from_bytes(*id));
        Some(Self { challenge, text: Zeroizing::new(text.to_owned()) })
    }

    /// Makes the token of a challenge's link out of 32 random bytes.
    pub(crate) fn of(challenge: ChallengeId, secret: &[u8; SECRET_BYTES]) -> Self {
        let bytes = Zeroizing::new([challenge.uuid().as_bytes().as_slice(), secret].concat());
        Self { challenge, text: Zeroizing::new(BASE64URL_NOPAD.encode(&bytes)) }
    }

    /// The challenge it answers. Ids are no secret.
    pub const fn challenge(&self) -> ChallengeId {
        self.challenge
    }

    /// Shows the token to what must see it: the page that hands it on, the link that carries it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The random bytes.
    pub(crate) fn secret(&self) -> Secret {
        let bytes = decode(&self.text);
        let secret = bytes.as_ref().and_then(|bytes| bytes.get(ID_BYTES..)).unwrap_or_default();
        Secret::new(secret.to_vec())
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() != LinkToken::CHARS {
        return None;
    }
    let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
    (bytes.len() == BYTES).then_some(bytes)
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(..)")
    }
}

/// The whole address of a link, its token included. `Debug` shows nothing of it, and it is wiped when dropped.
///
/// ```
/// use portcullis::secret::LinkUrl;
/// let url = LinkUrl::new("https://fleet.example.com/recovery/AAAA".to_owned());
/// assert_eq!(format!("{url:?}"), "LinkUrl(..)");
/// ```
#[derive(Clone)]
pub struct LinkUrl(Zeroizing<String>);

impl LinkUrl {
    /// Takes the address over.
    pub fn new(url: String) -> Self {
        Self(Zeroizing::new(url))
    }

    pub(crate) fn of(base: &str, folder: &str, token: &LinkToken) -> Self {
        let mut url = String::with_capacity(base.len() + folder.len() + LinkToken::CHARS + 2);
        for part in [base, "/", folder, "/", token.expose()] {
            url.push_str(part);
        }
        Self::new(url)
    }

    /// Shows the address to what must see it: the template that words it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for LinkUrl {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for LinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkUrl(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> LinkToken {
        let id = ChallengeId::from_uuid(Uuid::from_u128(0x0123_4567_89ab_cdef));
        LinkToken::of(id, &[0xa5; 32])
    }

    #[test]
    fn a_token_is_read_as_it_was_made() {
        let made = token();
        let read = LinkToken::parse(made.expose()).unwrap();
        assert_eq!(made.expose().len(), LinkToken::CHARS);
        assert_eq!(read.challenge(), made.challenge());
        assert_eq!(read.secret().expose(), made.secret().expose());
        assert_eq!(made.secret().expose(), [0xa5; 32]);
    }

    #[test]
    fn anything_else_is_no_token() {
        let made = token();
        let text = made.expose();
        let (short, shorter) = (text.get(1..).unwrap(), text.get(2..).unwrap());
        for strange in [
            String::new(),
            short.to_owned(),
            format!("{text}A"),
            format!("{short}="),
            format!("{short}+"),
            format!("{short} "),
            format!("{shorter}é"),
        ] {
            assert!(LinkToken::parse(&strange).is_none(), "{strange:?}");
        }
    }

    #[test]
    fn nothing_of_a_link_is_shown() {
        let url = LinkUrl::of("https://a.example", "email/undo", &token());
        assert_eq!(format!("{:?} {url:?}", token()), "LinkToken(..) LinkUrl(..)");
        assert_eq!(url.expose(), format!("https://a.example/email/undo/{}", token().expose()));
    }
}

//! Secrets: passwords, codes, links and opened bytes, hidden from `Debug` and wiped when dropped.
//!
//! None of these types can be printed, serialised or compared with `==`: a code is compared by
//! [`Keyring::fits`](crate::keyring::Keyring::fits), a password by
//! [`PasswordHasher::verify`](crate::port::hasher::PasswordHasher::verify).

mod flespi;
mod link;

pub use flespi::FlespiToken;
pub use link::{LinkToken, LinkUrl};

use core::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{InputError, PortError};
use crate::port::ambient::Random;

/// A password as somebody typed it, 1 to 1024 bytes, neither trimmed nor normalised (`docs/adr/0005-passwords-as-received.md`):
/// two forms of an accented letter are two passwords.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// The longest password that is looked at, in bytes; how long one must be is the policy's to say.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a password from the field it was typed into, and wipes the text it came in.
    ///
    /// ```
    /// use portcullis::secret::Password;
    /// let password = Password::parse("correct horse".to_owned(), "password").unwrap();
    /// assert_eq!(format!("{password:?}"), "Password(..)");
    /// assert_eq!(Password::parse(String::new(), "password").unwrap_err().code(), "missing");
    /// ```
    ///
    /// # Errors
    /// `missing` if it is empty, `too_long` above [`Password::MAX_BYTES`].
    pub fn parse(mut text: String, field: &'static str) -> Result<Self, InputError> {
        let found = if text.is_empty() {
            Err(InputError::new(field, "missing", "the password is missing"))
        } else if text.len() > Self::MAX_BYTES {
            Err(InputError::new(field, "too_long", "the password is longer than 1024 bytes"))
        } else {
            Ok(Self(secret_copy(&text)))
        };
        text.zeroize();
        found
    }

    /// Shows the password to what must see it: a hasher, the rule of the policy.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A code somebody was sent: 6 to 10 decimal digits, as text, since leading zeros count.
#[derive(Clone)]
pub struct Code(SecretString);

impl Code {
    /// The fewest digits of a code.
    pub const MIN_DIGITS: u8 = 6;
    /// The most digits of a code.
    pub const MAX_DIGITS: u8 = 10;

    const MAX_TYPED_BYTES: usize = 64;

    /// Takes a code as somebody typed or pasted it: white space is dropped, everything but ASCII digits refused.
    ///
    /// How long the text is, is looked at first, so that a long text costs nothing.
    ///
    /// ```
    /// use portcullis::secret::Code;
    /// assert_eq!(Code::parse(" 012 345 ").unwrap().expose(), "012345");
    /// assert_eq!(Code::parse("12345").unwrap_err().code(), "invalid_code");
    /// ```
    ///
    /// # Errors
    /// `invalid_code` in the field `code`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let invalid = || InputError::new("code", "invalid_code", "a code has 6 to 10 digits");
        if text.len() > Self::MAX_TYPED_BYTES {
            return Err(invalid());
        }
        let mut digits = Zeroizing::new(String::with_capacity(Self::MAX_TYPED_BYTES));
        digits.extend(text.chars().filter(|c| !c.is_whitespace()));
        let length_fits =
            (usize::from(Self::MIN_DIGITS)..=usize::from(Self::MAX_DIGITS)).contains(&digits.len());
        if !length_fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        Ok(Self(secret_copy(&digits)))
    }

    /// Makes a code of so many digits, each of the ten equally likely at each place.
    ///
    /// A length outside 6 to 10 is taken as the nearest one inside.
    ///
    /// ```
    /// use portcullis::{port::ambient::SystemRandom, secret::Code};
    /// assert_eq!(Code::generate(6, &SystemRandom::default()).unwrap().expose().len(), 6);
    /// ```
    ///
    /// # Errors
    /// [`PortError`] when there is no randomness, or none that is fit for use.
    pub fn generate(length: u8, random: &dyn Random) -> Result<Self, PortError> {
        /// Bytes from here on are thrown away, since 256 is no multiple of ten.
        const REJECTED_FROM: u8 = 250;
        /// A sound generator needs a second round once in 10^13 codes.
        const ROUNDS: u8 = 8;

        let length = usize::from(length.clamp(Self::MIN_DIGITS, Self::MAX_DIGITS));
        let mut digits = Zeroizing::new(String::with_capacity(length));
        let mut bytes = Zeroizing::new([0_u8; 32]);
        for _ in 0..ROUNDS {
            random.fill(bytes.as_mut())?;
            let wanted = length - digits.len();
            let usable = bytes.iter().filter(|b| **b < REJECTED_FROM).take(wanted);
            digits.extend(usable.map(|b| char::from(b'0' + b % 10)));
            if digits.len() == length {
                return Ok(Self(secret_copy(&digits)));
            }
        }
        Err(PortError::new("random", "the randomness is not random"))
    }

    /// Shows the code to what must see it: the template that words it, the keyring that binds it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// Bytes that were sealed, or are to be.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Shows the bytes to what must see them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Copies into an allocation of the exact size, so that no shrinking leaves a copy behind.
fn secret_copy(text: &str) -> SecretString {
    SecretString::from(Box::<str>::from(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_is_taken_as_typed() {
        let typed = " päss wörd\t";
        assert_eq!(Password::parse(typed.to_owned(), "password").unwrap().expose(), typed);
        assert!(Password::parse("x".repeat(1024), "password").is_ok());
    }

    #[test]
    fn an_empty_or_endless_password_is_refused_at_its_field() {
        let missing = Password::parse(String::new(), "new_password").unwrap_err();
        assert_eq!((missing.field(), missing.code()), ("new_password", "missing"));
        let long = Password::parse("x".repeat(1025), "password").unwrap_err();
        assert_eq!((long.field(), long.code()), ("password", "too_long"));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Password::parse("hunter2".to_owned(), "password").unwrap(),
            Code::parse("123456").unwrap(),
            Secret::new(b"token".to_vec())
        );
        assert_eq!(shown, "Password(..) Code(..) Secret(..)");
    }

    #[test]
    fn a_pasted_code_loses_its_spaces_and_keeps_its_zeros() {
        for text in ["001234", " 001234\n", "001 234", "0 0 1 2 3 4", "001\u{a0}234"] {
            assert_eq!(Code::parse(text).unwrap().expose(), "001234", "{text:?}");
        }
        assert_eq!(Code::parse("0123456789").unwrap().expose(), "0123456789");
    }

    #[test]
    fn anything_else_is_no_code() {
        let long = "1".repeat(11);
        let wide = " ".repeat(64) + "123456";
        for text in [
            "",
            "12345",
            &long,
            "12345a",
            "123-456",
            "+12345",
            "１２３４５６",
            "١٢٣٤٥٦",
            "12345\u{200b}6",
            &wide,
        ] {
            let error = Code::parse(text).unwrap_err();
            assert_eq!((error.field(), error.code()), ("code", "invalid_code"), "{text:?}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the promise under test is a time")]
    fn a_million_digits_are_refused_within_a_millisecond() {
        let digits = "7".repeat(1_000_000);
        let fastest = (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                assert!(Code::parse(&digits).is_err());
                start.elapsed()
            })
            .min();
        assert!(fastest.unwrap() < core::time::Duration::from_millis(1), "{fastest:?}");
    }

    #[test]
    fn codes_are_uniform_and_keep_leading_zeros() {
        const CODES: u32 = 100_000;
        let random = Stream::seeded(7);
        let mut seen = [[0_u32; 10]; 6];
        for _ in 0..CODES {
            let code = Code::generate(6, &random).unwrap();
            for (place, digit) in code.expose().bytes().enumerate() {
                seen[place][usize::from(digit - b'0')] += 1;
            }
        }
        let expected = f64::from(CODES) / 10.0;
        for (place, counts) in seen.iter().enumerate() {
            let chi: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            // 9 degrees of freedom: above 27.9 once in a thousand seeds.
            assert!(chi < 27.9, "place {place}: chi-square {chi}, counts {counts:?}");
        }
    }

    #[test]
    fn bytes_that_would_favour_small_digits_are_thrown_away() {
        let code = Code::generate(6, &Fixed([255, 250, 9, 249, 10, 0, 5, 251, 7])).unwrap();
        assert_eq!(code.expose(), "990057");
    }

    #[test]
    fn the_length_stays_between_six_and_ten() {
        let lengths =
            [0, 6, 8, 10, 255].map(|n| Code::generate(n, &Stream::seeded(1)).unwrap().expose().len());
        assert_eq!(lengths, [6, 6, 8, 10, 10]);
    }

    #[test]
    fn a_broken_generator_ends_in_an_error() {
        assert_eq!(Code::generate(6, &Fixed([255])).unwrap_err().port(), "random");
    }

    proptest! {
        #[test]
        fn what_is_no_code_is_refused_and_what_is_one_is_digits(text in "\\PC{0,80}|[0-9 ]{0,20}") {
            let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let fits = text.len() <= 64
                && (6..=10).contains(&digits.len())
                && digits.chars().all(|c| c.is_ascii_digit());
            match Code::parse(&text) {
                Ok(code) => prop_assert!(fits && code.expose() == digits),
                Err(_) => prop_assert!(!fits),
            }
        }
    }

    /// Repeats the same bytes for ever.
    struct Fixed<const N: usize>([u8; N]);

    impl<const N: usize> Random for Fixed<N> {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
            buffer.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
            Ok(())
        }
    }

    /// `SplitMix64`: equally distributed and the same at each run.
    struct Stream(std::sync::Mutex<u64>);

    impl Stream {
        fn seeded(seed: u64) -> Self {
            Self(std::sync::Mutex::new(seed))
        }
    }

    impl Random for Stream {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
            let mut state = self.0.lock().unwrap();
            for chunk in buffer.chunks_mut(8) {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^= z >> 31;
                chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
            }
            Ok(())
        }
    }
}

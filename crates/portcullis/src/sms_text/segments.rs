//! How many SMS a text takes, and where it is cut.

use super::gsm::septets;

/// How the characters of an SMS are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// The default alphabet of GSM, in septets: 160 in one SMS, 153 in each part of a longer one.
    Gsm7,
    /// UTF-16, in units of two bytes: 70 in one SMS, 67 in each part of a longer one.
    Ucs2,
}

impl Encoding {
    /// How many units one SMS has, and each part of a longer one, whose header says which part it is.
    const fn room(self) -> (u32, u32) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// How many units a character takes. What GSM does not have is never asked for in it.
    fn units(self, c: char) -> u32 {
        match self {
            Self::Gsm7 => septets(c).unwrap_or(2),
            Self::Ucs2 => {
                if u32::from(c) > 0xffff {
                    2
                } else {
                    1
                }
            }
        }
    }
}

/// What a text takes when it is sent as SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segments {
    /// How it is written: in GSM if every character is in that alphabet, else in UCS-2.
    pub encoding: Encoding,
    /// How many units it has: septets, an escaped character counting twice, or units of UTF-16.
    pub units: u32,
    /// How many SMS are paid for it; an empty text is one.
    pub parts: u32,
}

/// Counts what a text takes. National shift tables are not used: a phone need not have them.
///
/// ```
/// use portcullis::sms_text::{Encoding, segments};
/// let short = segments("493201 is your code");
/// assert_eq!((short.encoding, short.units, short.parts), (Encoding::Gsm7, 19, 1));
/// let long = segments(&"я".repeat(71));
/// assert_eq!((long.encoding, long.units, long.parts), (Encoding::Ucs2, 71, 2));
/// ```
pub fn segments(text: &str) -> Segments {
    let encoding = encoding_of(text);
    let parts = u32::try_from(parts(text).len()).unwrap_or(u32::MAX);
    Segments { encoding, units: units(text, encoding), parts }
}

/// Cuts a text where a phone's network cuts it: never within an escaped character or a pair of UTF-16, so that a part may
/// be a unit shorter than it could be.
///
/// ```
/// use portcullis::sms_text::parts;
/// let text = "a".repeat(152) + "€" + &"b".repeat(10);
/// assert_eq!(parts(&text).iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [152, 11]);
/// assert_eq!(parts(""), [""]);
/// ```
pub fn parts(text: &str) -> Vec<&str> {
    let encoding = encoding_of(text);
    let (alone, each) = encoding.room();
    if units(text, encoding) <= alone {
        return vec![text];
    }
    let (mut parts, mut rest, mut filled) = (Vec::new(), text, 0);
    let mut at = 0;
    for c in text.chars() {
        let more = encoding.units(c);
        if filled + more > each {
            let (part, after) = rest.split_at(at);
            parts.push(part);
            (rest, filled, at) = (after, 0, 0);
        }
        filled += more;
        at += c.len_utf8();
    }
    parts.push(rest);
    parts
}

fn encoding_of(text: &str) -> Encoding {
    if text.chars().all(|c| septets(c).is_some()) { Encoding::Gsm7 } else { Encoding::Ucs2 }
}

fn units(text: &str, encoding: Encoding) -> u32 {
    text.chars().fold(0, |sum, c| sum.saturating_add(encoding.units(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> (Encoding, u32, u32) {
        let Segments { encoding, units, parts } = segments(text);
        (encoding, units, parts)
    }

    /// 3GPP TS 23.038 (160 and 70) and TS 23.040, 9.2.3.24.1 (a header of six bytes leaves 153 and 67).
    #[test]
    fn the_published_limits_hold() {
        for (text, units, parts) in [
            ("", 0, 1),
            (&*"a".repeat(160), 160, 1),
            (&*"a".repeat(161), 161, 2),
            (&*"a".repeat(306), 306, 2),
            (&*"a".repeat(307), 307, 3),
            (&*"a".repeat(459), 459, 3),
            (&*"a".repeat(460), 460, 4),
            (&*"€".repeat(80), 160, 1),
            (&*"€".repeat(81), 162, 2),
            (&*("a".repeat(159) + "€"), 161, 2),
            ("[{~}]|^\\€", 18, 1),
            ("äöüÄÖÜß@£", 9, 1),
        ] {
            assert_eq!(of(text), (Encoding::Gsm7, units, parts), "{text}");
        }
        for (text, units, parts) in [
            (&*"я".repeat(70), 70, 1),
            (&*"я".repeat(71), 71, 2),
            (&*"я".repeat(134), 134, 2),
            (&*"я".repeat(135), 135, 3),
            (&*"😀".repeat(35), 70, 1),
            (&*"😀".repeat(36), 72, 2),
            (&*("a".repeat(70) + "ó"), 71, 2),
            ("Código", 6, 1),
        ] {
            assert_eq!(of(text), (Encoding::Ucs2, units, parts), "{text}");
        }
    }

    #[test]
    fn nothing_that_belongs_together_is_cut() {
        // 76 escaped characters fill 152 septets: the 77th would be cut, so the part stays one short.
        assert_eq!(of(&"€".repeat(153)).2, 3);
        assert_eq!(
            parts(&"€".repeat(153)).iter().map(|part| part.chars().count()).collect::<Vec<_>>(),
            [76, 76, 1]
        );
        // 33 pairs fill 66 units of 67.
        assert_eq!(
            parts(&"😀".repeat(67)).iter().map(|part| part.chars().count()).collect::<Vec<_>>(),
            [33, 33, 1]
        );
    }

    proptest! {
        #[test]
        fn parts_are_the_text_and_each_fits(text in "[a-zé€\\[\\]ñ]{0,400}|[ -~яё😀€a]{0,300}|\\PC{0,200}") {
            let counted = segments(&text);
            let cut = parts(&text);
            prop_assert_eq!(cut.concat(), text.clone());
            prop_assert_eq!(cut.len(), usize::try_from(counted.parts).unwrap());
            let (alone, each) = counted.encoding.room();
            let most = if cut.len() == 1 { alone } else { each };
            for part in &cut {
                prop_assert!(units(part, counted.encoding) <= most);
                prop_assert!(cut.len() == 1 || !part.is_empty());
            }
            let utf16 = u32::try_from(text.encode_utf16().count()).unwrap();
            match counted.encoding {
                Encoding::Ucs2 => prop_assert_eq!(counted.units, utf16),
                Encoding::Gsm7 => prop_assert!(counted.units >= utf16 && counted.units <= utf16 * 2),
            }
        }

        #[test]
        fn a_longer_text_never_takes_fewer_parts(text in "[a-z€😀я]{0,200}", more in "[a-z€😀я]{0,20}") {
            prop_assert!(segments(&(text.clone() + &more)).parts >= segments(&text).parts);
        }

        #[test]
        fn no_part_could_take_what_the_next_begins_with(text in "[a-z€]{161,400}|[я😀]{71,300}") {
            let (_, each) = segments(&text).encoding.room();
            let encoding = segments(&text).encoding;
            for pair in parts(&text).windows(2) {
                let next = pair[1].chars().next().unwrap();
                prop_assert!(units(pair[0], encoding) + encoding.units(next) > each);
            }
        }
    }
}

//! The alphabet of the oldest phones: 3GPP TS 23.038, 6.2.1, without national shifts.

/// What every phone shows, in the order of its codes; code 27 is the escape and stands here as `\u{1b}`.
const DEFAULT: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// What an escape in front of another character makes.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How many septets a character takes, if the alphabet has it.
pub(super) fn septets(c: char) -> Option<u32> {
    if c == '\u{1b}' {
        None
    } else if DEFAULT.contains(c) {
        Some(1)
    } else {
        EXTENSION.contains(c).then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_128_codes_each_for_one_character() {
        assert_eq!(DEFAULT.chars().count(), 128);
        assert_eq!(DEFAULT.chars().chain(EXTENSION.chars()).collect::<BTreeSet<_>>().len(), 128 + 10);
    }

    #[test]
    fn characters_stand_at_the_codes_of_the_standard() {
        let at = |code: usize| DEFAULT.chars().nth(code).unwrap();
        for (code, c) in [
            (0x00, '@'),
            (0x02, '$'),
            (0x09, 'Ç'),
            (0x0a, '\n'),
            (0x0d, '\r'),
            (0x10, 'Δ'),
            (0x1a, 'Ξ'),
            (0x1f, 'É'),
            (0x20, ' '),
            (0x24, '¤'),
            (0x30, '0'),
            (0x40, '¡'),
            (0x41, 'A'),
            (0x5b, 'Ä'),
            (0x5f, '§'),
            (0x60, '¿'),
            (0x61, 'a'),
            (0x7b, 'ä'),
            (0x7f, 'à'),
        ] {
            assert_eq!(at(code), c, "{code:#x}");
        }
    }

    #[test]
    fn what_is_near_is_not_in_it() {
        for c in ['á', 'í', 'ó', 'ú', 'ç', '`', '—', '’', '\t', '\u{1b}', 'я', '\u{a0}', '😀'] {
            assert_eq!(septets(c), None, "{c:?}");
        }
        assert_eq!(
            (septets('€'), septets('~'), septets('ü'), septets('Ω')),
            (Some(2), Some(2), Some(1), Some(1))
        );
    }
}

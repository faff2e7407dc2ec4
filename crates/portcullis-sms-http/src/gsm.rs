//! Whether a text can be sent in GSM-7, or needs UCS-2.

/// The GSM 03.38 default alphabet but for letters and digits of ASCII, and the extension table.
const OTHERS: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\u{c}^{}\\[~]|€";

/// Whether every character is in the GSM 03.38 default alphabet or its extension table.
pub(crate) fn fits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || OTHERS.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_alphabet_lacks_needs_ucs_2() {
        for text in ["", "Your code is 924417", "Grüße [10 €] ~^{}\\|", "ΔΦΓΛΩΠΨΣΘΞ", "¿Ñando?\r\n"]
        {
            assert!(fits(text), "{text}");
        }
        for text in ["Код", "登录", "`", "ç", "á", "ê", "“x”", "…", "\t", "\u{1b}", "😀", "А"]
        {
            assert!(!fits(text), "{text}");
        }
        // 127 places of the default alphabet without the escape, and 10 of the extension table.
        assert_eq!(OTHERS.chars().count() + 62, 127 + 10);
    }
}

//! Where a number is: what is counted as one country, and which ones are served.

use crate::contact::Phone;

/// Prefixes of shared calling codes that are countries of their own, with the one they are counted under.
///
/// In the North American zone: their networks set their own prices, and several of them are known for pumping, so their share must not be that of
/// the zone. Source: the area codes that the numbering plan's administrator lists outside the United States and Canada.
const SHARED: [(&str, &str); 29] = [
    ("1242", "1242"),
    ("1246", "1246"),
    ("1264", "1264"),
    ("1268", "1268"),
    ("1284", "1284"),
    ("1340", "1340"),
    ("1345", "1345"),
    ("1441", "1441"),
    ("1473", "1473"),
    ("1649", "1649"),
    ("1658", "1876"),
    ("1664", "1664"),
    ("1670", "1670"),
    ("1671", "1671"),
    ("1684", "1684"),
    ("1721", "1721"),
    ("1758", "1758"),
    ("1767", "1767"),
    ("1784", "1784"),
    ("1787", "1787"),
    ("1809", "1809"),
    ("1829", "1809"),
    ("1849", "1809"),
    ("1868", "1868"),
    ("1869", "1869"),
    ("1876", "1876"),
    ("1939", "1787"),
    // Kazakhstan shares its calling code with Russia.
    ("76", "77"),
    ("77", "77"),
];

/// The country that a number is counted under: its calling code, or a longer prefix where several countries share one.
pub(super) fn country_of(phone: &Phone) -> &str {
    let own = SHARED.iter().find(|(prefix, _)| phone.digits().starts_with(prefix));
    own.map_or_else(|| phone.calling_code(), |(_, country)| country)
}

/// Whether numbers that begin with some digits are served.
///
/// Of several rules that fit a number the one with the longest prefix decides; a number that none fits is not served.
/// Where there are no rules at all, every number is.
///
/// ```
/// use portcullis::policy::Policy;
/// use portcullis::spend::PrefixRule;
/// let mut policy = Policy::default();
/// // The Baltic states, and North America without Jamaica.
/// policy.sms_prefixes = ["370", "371", "372", "1"].map(PrefixRule::serve).to_vec();
/// policy.sms_prefixes.extend(["1876", "1658"].map(PrefixRule::refuse));
/// assert!(policy.check().is_ok());
/// policy.sms_prefixes.push(PrefixRule::serve("+7"));
/// assert_eq!(policy.check().unwrap_err().field(), "sms_prefixes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRule {
    digits: String,
    served: bool,
}

impl PrefixRule {
    /// Numbers that begin with these digits are served; without any digit, every number is.
    ///
    /// ```
    /// use portcullis::spend::PrefixRule;
    /// assert_ne!(PrefixRule::serve("371"), PrefixRule::refuse("371"));
    /// ```
    pub fn serve(digits: impl Into<String>) -> Self {
        Self { digits: digits.into(), served: true }
    }

    /// Numbers that begin with these digits are not served.
    ///
    /// ```
    /// use portcullis::spend::PrefixRule;
    /// let everywhere_but = [PrefixRule::serve(""), PrefixRule::refuse("882")];
    /// ```
    pub fn refuse(digits: impl Into<String>) -> Self {
        Self { digits: digits.into(), served: false }
    }
}

/// Whether rules can be told apart and fit numbers at all.
pub(crate) fn rules_hold(rules: &[PrefixRule]) -> bool {
    let written = |rule: &PrefixRule| {
        rule.digits.len() <= Phone::MAX_DIGITS && rule.digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let twice = |(nth, rule): (usize, &PrefixRule)| {
        rules.iter().take(nth).any(|earlier| earlier.digits == rule.digits)
    };
    rules.iter().all(written) && !rules.iter().enumerate().any(twice)
}

/// Whether the rules serve a number.
pub(crate) fn serves(rules: &[PrefixRule], phone: &Phone) -> bool {
    let fits = rules.iter().filter(|rule| phone.digits().starts_with(&rule.digits));
    rules.is_empty() || fits.max_by_key(|rule| rule.digits.len()).is_some_and(|rule| rule.served)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text).unwrap()
    }

    #[test]
    fn a_country_is_a_calling_code_or_what_shares_one() {
        for (number, country) in [
            ("+37120000045", "371"),
            ("+12025550123", "1"),
            ("+14165550123", "1"),
            ("+18765550123", "1876"),
            ("+16585550123", "1876"),
            ("+18295550123", "1809"),
            ("+19395550123", "1787"),
            ("+79161234567", "7"),
            ("+77011234567", "77"),
            ("+447700900123", "44"),
        ] {
            assert_eq!(country_of(&phone(number)), country, "{number}");
        }
    }

    #[test]
    fn without_rules_every_number_is_served() {
        assert!(serves(&[], &phone("+37120000045")));
    }

    #[test]
    fn the_longest_prefix_decides_in_any_order() {
        let mut rules =
            vec![PrefixRule::serve("1"), PrefixRule::refuse("1876"), PrefixRule::serve("1876555")];
        for _ in 0..rules.len() {
            rules.rotate_left(1);
            assert!(serves(&rules, &phone("+12025550123")));
            assert!(!serves(&rules, &phone("+18762345678")));
            assert!(serves(&rules, &phone("+18765550123")));
            assert!(!serves(&rules, &phone("+37120000045")), "no rule fits");
        }
        rules.push(PrefixRule::serve(""));
        assert!(serves(&rules, &phone("+37120000045")) && !serves(&rules, &phone("+18762345678")));
    }

    #[test]
    fn rules_are_digits_and_told_once() {
        assert!(rules_hold(&[PrefixRule::serve("1"), PrefixRule::refuse("12"), PrefixRule::serve("")]));
        for wrong in ["+1", "1 ", "١", "1234567890123456"] {
            assert!(!rules_hold(&[PrefixRule::serve(wrong)]), "{wrong}");
        }
        assert!(!rules_hold(&[PrefixRule::serve("1"), PrefixRule::refuse("1")]));
    }
}

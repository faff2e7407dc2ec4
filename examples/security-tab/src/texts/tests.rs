//! The catalogues agree.

use std::collections::BTreeSet;

use super::{Language, Plural};

/// What a catalogue entry is made of.
pub(super) trait Forms {
    /// Every form of the text.
    fn forms(&self) -> Vec<&'static str>;
}

impl Forms for &'static str {
    fn forms(&self) -> Vec<&'static str> {
        vec![self]
    }
}

impl Forms for Plural {
    fn forms(&self) -> Vec<&'static str> {
        vec![self.one, self.few, self.many]
    }
}

fn names_in_braces(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

fn is_cyrillic(text: &str) -> bool {
    text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c))
}

#[test]
fn both_catalogues_have_the_same_keys_and_values_in_every_form() {
    let english = Language::English.texts().entries();
    let russian = Language::Russian.texts().entries();
    assert_eq!(english.len(), russian.len());
    for ((key, ours), (same, theirs)) in english.iter().zip(&russian) {
        assert_eq!(key, same);
        let named = names_in_braces(ours[0]);
        for form in ours.iter().chain(theirs) {
            assert!(!form.trim().is_empty(), "{key} is empty");
            assert_eq!(names_in_braces(form), named, "{key} names other values: {form}");
            assert!(!form.contains(['<', '>']), "{key} holds markup: {form}");
        }
    }
}

#[test]
fn each_catalogue_is_in_its_own_language() {
    let same_everywhere = [
        "product",
        "dev_link",
        "dev_channel_sms",
        "dev_timeline_hour_of",
        "dev_timeline_sent_at",
        "phone_example",
    ];
    for (key, forms) in Language::English.texts().entries() {
        assert!(!forms.iter().any(|form| is_cyrillic(form)), "{key} is not English");
    }
    for (key, forms) in Language::Russian.texts().entries() {
        let expected = !same_everywhere.contains(&key);
        assert!(forms.iter().all(|form| is_cyrillic(form) == expected), "{key} is not Russian: {forms:?}");
    }
}

#[test]
fn russian_counts_by_three_forms() {
    let days = Plural { one: "день", few: "дня", many: "дней" };
    let counted = |n| Language::Russian.counted(n, &days);
    for n in [1, 21, 31, 101, 121] {
        assert_eq!(counted(n), "день", "{n}");
    }
    for n in [2, 3, 4, 22, 34, 102] {
        assert_eq!(counted(n), "дня", "{n}");
    }
    for n in [0, 5, 10, 11, 12, 13, 14, 19, 20, 25, 111, 112] {
        assert_eq!(counted(n), "дней", "{n}");
    }
}

#[test]
fn english_has_a_right_singular() {
    let texts = Language::English.texts();
    assert!(Language::English.counted(1, &texts.banner).ends_with("day left"));
    assert!(Language::English.counted(5, &texts.banner).ends_with("days left"));
    assert!(Language::English.counted(0, &texts.wrong_code).ends_with("attempts left."));
    assert!(Language::English.counted(1, &texts.wrong_code).ends_with("attempt left."));
    assert!(Language::English.counted(21, &texts.wrong_code).ends_with("attempts left."));
}

#[test]
fn russian_sentences_agree_with_their_number() {
    let texts = Language::Russian.texts();
    assert_eq!(Language::Russian.counted(1, &texts.wrong_code), "Неверный код. Осталась {n} попытка.");
    assert_eq!(Language::Russian.counted(3, &texts.wrong_code), "Неверный код. Осталось {n} попытки.");
    assert_eq!(Language::Russian.counted(5, &texts.wrong_code), "Неверный код. Осталось {n} попыток.");
}

#[test]
fn an_unknown_tag_is_english() {
    assert_eq!(Language::of_tag("ru-RU"), Language::Russian);
    assert_eq!(Language::of_tag("RU"), Language::Russian);
    assert_eq!(Language::of_tag("de"), Language::English);
    assert_eq!(Language::of_tag(""), Language::English);
}

//! The colours of the sheet, measured: WCAG 2 contrast, in light and in dark.

use std::collections::BTreeMap;

use crate::page::static_file;

type Colors = BTreeMap<String, [f64; 3]>;

/// The six-digit colours among the custom properties of a block.
fn colors(block: &str) -> Colors {
    let mut colors = Colors::new();
    for line in block.lines() {
        let Some((name, value)) = line.trim().strip_prefix("--").and_then(|rest| rest.split_once(": #"))
        else {
            continue;
        };
        let channel = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).map(f64::from).unwrap() / 255.0;
        colors.insert(name.to_owned(), [channel(0), channel(2), channel(4)]);
    }
    colors
}

fn schemes() -> [Colors; 2] {
    let css = static_file("app.css").map(|file| String::from_utf8_lossy(file.body)).unwrap();
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split_once("\n}\n").unwrap().0;
    [colors(light), colors(dark)]
}

fn luminance(color: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let [r, g, b] = color.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn texts_and_edges_stand_out_in_light_and_dark() {
    let texts = [
        ("ink", "page"),
        ("ink", "paper"),
        ("ink", "inset"),
        ("ink", "accent-soft"),
        ("ink", "bad-soft"),
        ("quiet", "page"),
        ("quiet", "paper"),
        ("quiet", "inset"),
        ("accent", "page"),
        ("accent", "paper"),
        ("accent", "inset"),
        ("accent-strong", "accent-soft"),
        ("accent-strong", "paper"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("bad", "paper"),
        ("bad", "inset"),
        ("bad", "bad-soft"),
        ("good", "paper"),
        ("good", "inset"),
        ("warn", "warn-soft"),
        ("on-strip", "strip"),
        ("paper", "bad"),
        ("paper", "good"),
        ("paper", "warn"),
        ("accent", "bad-soft"),
    ];
    let edges =
        [("edge", "paper"), ("edge", "inset"), ("accent", "page"), ("warn-edge", "page"), ("bad", "paper")];
    for scheme in schemes() {
        assert!(scheme.len() > 15, "{scheme:?}");
        let needed = texts.map(|pair| (pair, 4.5)).into_iter().chain(edges.map(|pair| (pair, 3.0)));
        for ((front, back), least) in needed {
            let found = contrast(scheme[front], scheme[back]);
            assert!(found >= least, "{front} on {back}: {found:.2} of {least}");
        }
    }
}

#[test]
fn black_on_white_is_twenty_one() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
}

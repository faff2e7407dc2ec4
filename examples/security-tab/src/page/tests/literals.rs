//! No text a person reads stands outside of the catalogues.

use std::fs;
use std::path::{Path, PathBuf};

use super::scan::{Piece, scan};

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
    files
}

/// A template with its code taken out.
fn markup_of(template: &str) -> String {
    let mut out = String::new();
    // The one block that fills an attribute: a class, not a text.
    let shape =
        template.split_once("{% block shape %}").and_then(|(_, rest)| rest.split_once("{% endblock %}"));
    let without = shape.map(|(class, _)| template.replace(&format!("%}}{class}{{%"), "%}{%"));
    let mut rest = without.as_deref().unwrap_or(template);
    while let Some(start) = rest.find(['{']) {
        let (before, code) = rest.split_at(start);
        let end =
            ["{{", "{%", "{#"].into_iter().zip(["}}", "%}", "#}"]).find(|(open, _)| code.starts_with(open));
        out.push_str(before);
        if let Some((_, end)) = end {
            rest = &code[code.find(end).expect("closed code") + 2..];
        } else {
            out.push('{');
            rest = &code[1..];
        }
    }
    out + rest
}

fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// The texts and the spoken attributes of markup that hold letters.
fn words_in(markup: &str) -> Vec<String> {
    let spoken = ["aria-label", "title", "alt", "placeholder", "data-words", "data-busy", "data-no-answer"];
    let mut found = Vec::new();
    for piece in scan(markup) {
        match piece {
            Piece::Text(text) if has_letters(&text) => found.push(text),
            Piece::Open(tag) => {
                let attributes = tag.attributes.into_iter();
                let spoken =
                    attributes.filter(|(name, value)| spoken.contains(&name.as_str()) && has_letters(value));
                found.extend(spoken.map(|(_, value)| value));
            }
            Piece::Text(_) | Piece::Close(_) => {}
        }
    }
    found
}

#[test]
fn no_template_holds_a_text() {
    let templates = files("templates");
    assert!(templates.len() >= 11, "{}", templates.len());
    for (path, template) in templates {
        assert_eq!(words_in(&markup_of(&template)), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn the_scan_sees_a_text() {
    let found = words_in(&markup_of(
        "<p aria-label=\"Name\">{{ t.x }}: soon <b>{% if a > b %}now{% endif %}</b></p>",
    ));
    assert_eq!(found, ["Name", ": soon", "now"]);
}

/// The string literals of a line of Rust.
fn literals(line: &str) -> Vec<&str> {
    line.split('"').skip(1).step_by(2).collect()
}

#[test]
fn no_rust_file_of_the_pages_holds_a_sentence() {
    for (path, source) in files("src/page").into_iter().chain(files("src/page/admin")) {
        // What the gallery shows is no text of the program.
        if path.ends_with("states.rs") || path.ends_with("samples.rs") {
            continue;
        }
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            for literal in literals(line) {
                let words: Vec<_> = literal.split(' ').collect();
                let plain = |word: &&str| word.len() > 1 && word.chars().all(char::is_alphabetic);
                let sentence = words.windows(2).any(|pair| pair.iter().all(plain));
                assert!(!sentence, "{}: {literal:?}", path.display());
            }
        }
    }
}

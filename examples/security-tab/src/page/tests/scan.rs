//! Reads HTML into tags and texts, strictly: what a template writes is quoted, closed and nested right.

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Open(Tag),
    Close(String),
    Text(String),
}

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; empty for one without a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn is_void(&self) -> bool {
        matches!(self.name.as_str(), "meta" | "link" | "input" | "br" | "hr" | "img" | "path")
    }
}

/// The pieces of a page, in order. Panics, with the place, on markup no template should write.
pub(super) fn scan(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if !rest[..start].trim().is_empty() {
            pieces.push(Piece::Text(rest[..start].trim().to_owned()));
        }
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('!') {
            rest = &after[after.find('>').expect("a closed declaration") + 1..];
        } else if let Some(after) = rest.strip_prefix('/') {
            let end = after.find('>').expect("a closed end tag");
            pieces.push(Piece::Close(after[..end].trim().to_owned()));
            rest = &after[end + 1..];
        } else {
            let (tag, after) = tag(rest);
            pieces.push(Piece::Open(tag));
            rest = after;
        }
    }
    assert!(rest.trim().is_empty(), "text after the page: {rest}");
    pieces
}

/// The start tags of a page.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    let open = |piece| match piece {
        Piece::Open(tag) => Some(tag),
        Piece::Close(_) | Piece::Text(_) => None,
    };
    scan(html).into_iter().filter_map(open).collect()
}

/// The text of a page between its tags.
pub(super) fn text(html: &str) -> String {
    let mut all = String::new();
    for piece in scan(html) {
        if let Piece::Text(text) = piece {
            all.push_str(&text);
            all.push(' ');
        }
    }
    all.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".").replace(" ,", ",")
}

fn tag(rest: &str) -> (Tag, &str) {
    let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').expect("a closed tag");
    let mut tag = Tag { name: rest[..end].to_owned(), attributes: Vec::new() };
    assert!(tag.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "tag {}", tag.name);
    let mut rest = rest[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        if let Some(after) = rest.strip_prefix("/>") {
            return (tag, after);
        }
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '=' | '/')).expect("a closed tag");
        let name = rest[..end].to_owned();
        assert!(!name.is_empty() && !name.contains(['"', '\'', '<']), "attribute {name:?} of {}", tag.name);
        assert!(!tag.has(&name), "attribute {name} twice in {}", tag.name);
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).expect("a quoted value");
            let after = &after[1..];
            let end = after.find(quote).expect("a closed value");
            value = after[..end].to_owned();
            rest = &after[end + 1..];
        }
        tag.attributes.push((name, value));
        rest = rest.trim_start();
    }
}

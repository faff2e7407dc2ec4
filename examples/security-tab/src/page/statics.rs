//! Files the pages load, compiled in. `vendor/` holds htmx 4.0.1 as published, under 0BSD.

/// A file as it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StaticFile {
    /// Its `Content-Type`.
    pub(crate) content_type: &'static str,
    /// Its bytes.
    pub(crate) body: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// The file under [`route::STATIC`](super::route::STATIC), `None` for any other path.
pub(crate) fn static_file(path: &str) -> Option<StaticFile> {
    let (content_type, body): (_, &'static [u8]) = match path {
        "app.css" => (STYLE, include_bytes!("../../static/app.css")),
        "app.js" => (SCRIPT, include_bytes!("../../static/app.js")),
        "flespi.js" => (SCRIPT, include_bytes!("../../static/flespi.js")),
        "icon.svg" => (PICTURE, include_bytes!("../../static/icon.svg")),
        "vendor/htmx.min.js" => (SCRIPT, include_bytes!("../../static/vendor/htmx.min.js")),
        "vendor/htmx.LICENSE" => (TEXT, include_bytes!("../../static/vendor/htmx.LICENSE")),
        _ => return None,
    };
    Some(StaticFile { content_type, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_files_are_there() {
        assert!(
            static_file("app.css").is_some_and(|file| file.content_type == STYLE && !file.body.is_empty())
        );
        for path in ["", "../src/main.rs", "app.css/", "vendor"] {
            assert!(static_file(path).is_none(), "{path}");
        }
    }

    #[test]
    fn scripts_need_no_looser_policy() {
        for path in ["app.js", "flespi.js", "vendor/htmx.min.js"] {
            let script = static_file(path).map(|file| String::from_utf8_lossy(file.body)).unwrap();
            assert!(!script.contains("eval("), "{path}");
            assert!(!script.contains("sourceMappingURL"), "{path}");
        }
        for path in ["app.js", "flespi.js"] {
            let own = static_file(path).map(|file| String::from_utf8_lossy(file.body)).unwrap();
            for word in ["innerHTML", ".style", "localStorage", "sessionStorage", "Function(", "console."] {
                assert!(!own.contains(word), "{path} uses {word}");
            }
        }
    }
}

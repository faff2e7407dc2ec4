//! Every state, looked at by a program.

mod contrast;
mod literals;
mod markup;
mod scan;
mod words;

use std::fs;
use std::path::Path;

use super::states::State;
use super::statics::StaticFile;
use super::{states, static_file};

fn all_states() -> Vec<State> {
    states().expect("every state renders")
}

/// Writes the states and their files below the workspace's `target/page-states`, to be opened in a browser.
#[test]
fn every_state_is_written_to_be_looked_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/page-states");
    fs::create_dir_all(folder.join("static/vendor")).unwrap();
    for name in ["app.css", "app.js", "icon.svg", "vendor/htmx.min.js"] {
        let file: StaticFile = static_file(name).expect(name);
        fs::write(folder.join("static").join(name), file.body).unwrap();
    }
    for state in all_states() {
        let html = state.html.replace("\"/static/", "\"static/");
        let path = folder.join(format!("{}.html", state.name));
        fs::write(&path, &html).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), html, "{} is another state's name", state.name);
    }
}

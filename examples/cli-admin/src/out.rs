//! What is said: tables or JSON, how far long work came, and the question before what destroys.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Map, Value};

use crate::engine::Fault;

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    pub(crate) json: bool,
    pub(crate) yes: bool,
}

/// A thing: what each of its fields is called, and what stands in it.
pub(crate) type Row = Vec<(&'static str, Value)>;

impl Out {
    /// Shows one thing, field by field.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn one(self, row: Row) -> Result<(), Fault> {
        if self.json {
            return say(&format!("{:#}", object(row)));
        }
        let mut table = table();
        for (name, value) in &row {
            table.add_row([(*name).to_owned(), cell(value)]);
        }
        say(&table.to_string())
    }

    /// Shows a list.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn rows(self, rows: Vec<Row>) -> Result<(), Fault> {
        if self.json {
            return say(&format!("{:#}", Value::Array(rows.into_iter().map(object).collect())));
        }
        let Some(first) = rows.first() else { return say("none") };
        let mut table = table();
        table.set_header(first.iter().map(|(name, _)| *name));
        for row in &rows {
            table.add_row(row.iter().map(|(_, value)| cell(value)));
        }
        say(&table.to_string())
    }

    /// Asks before something is destroyed.
    ///
    /// # Errors
    /// When the answer is not yes, or nobody is there to ask.
    pub(crate) fn confirm(self, what: &str) -> Result<(), Fault> {
        if self.yes {
            return Ok(());
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Err(format!("{what}: nobody is there to ask, add --yes").into());
        }
        eprint!("{what}. Go on? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "yes") { Ok(()) } else { Err("nothing was done".into()) }
    }
}

/// Says how far long work came: on one line of a terminal, else on a line each time.
pub(crate) fn progress(line: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{line}\u{1b}[K");
    } else {
        eprintln!("{line}");
    }
}

/// Ends the line of [`progress`].
pub(crate) fn progressed() {
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
}

/// Writes what was asked for; a pipe that is closed is no reason to panic.
fn say(text: &str) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    Ok(writeln!(out, "{text}").and_then(|()| out.flush())?)
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table
}

fn object(row: Row) -> Value {
    Value::Object(row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// A value as people read it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

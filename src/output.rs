//! How results and complaints reach the user: tables for people, one JSON document for machines.

use std::io::IsTerminal as _;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::error::Failure;

/// Logs go to standard error: warnings, or more with `-v`, or what `RUST_LOG` says.
pub fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "error",
        1 => "warn,atsre=info,atsre_actors=info,atsre_store=info",
        _ => "info,atsre=debug,atsre_actors=debug,atsre_store=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if subscriber.with_ansi(std::io::stderr().is_terminal()).try_init().is_err() {
        // A test that drives the program twice in one process has a subscriber already.
        tracing::debug!("logging had started already");
    }
}

/// Tells the user what went wrong: the error, then its causes.
pub fn complain(failure: &Failure) {
    let mut text = format!("error: {}", failure.error);
    for cause in failure.error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str("\n  because ");
            text.push_str(&cause);
        }
    }
    write_line(&mut std::io::stderr().lock(), &text);
}

/// Prints a line for people on standard output.
pub fn say(text: impl std::fmt::Display) {
    write_line(&mut std::io::stdout().lock(), &text.to_string());
}

/// Prints a line about the work in progress on standard error.
pub fn note(text: impl std::fmt::Display) {
    write_line(&mut std::io::stderr().lock(), &text.to_string());
}

/// Prints one JSON document on standard output.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)?;
    write_line(&mut std::io::stdout().lock(), &text);
    Ok(())
}

fn write_line(out: &mut impl std::io::Write, text: &str) {
    // The reader may have closed the pipe (`atsre events | head`): nobody is left to tell.
    if writeln!(out, "{text}").is_err() {
        std::process::exit(0);
    }
}

/// A table for people. Columns named in `right` are numbers.
#[must_use]
pub fn table(header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    if !std::io::stdout().is_terminal() {
        table.set_width(160);
    }
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.add_rows(rows);
    table.to_string()
}

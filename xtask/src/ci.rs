//! What a change has to pass, in the order in which a mistake is cheapest to find.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{command, licence};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// `cargo fmt --check`.
    Fmt,
    /// Every dependency's licence is on the list of `deny.toml`; `cargo deny` too, where it is installed.
    Licences,
    /// `cargo clippy`, warnings are errors.
    Clippy,
    /// `cargo test`.
    Test,
    /// `cargo doc`, warnings are errors.
    Doc,
}

const ALL: [Step; 5] = [Step::Fmt, Step::Licences, Step::Clippy, Step::Test, Step::Doc];

/// Runs these steps, or all where none is named, and stops at the first that fails.
///
/// # Errors
/// The step that failed.
pub fn run(steps: &[Step]) -> Result<()> {
    let steps = if steps.is_empty() { &ALL } else { steps };
    for step in steps {
        println!("ci: {}", name(*step));
        perform(*step).with_context(|| format!("ci step {} failed", name(*step)))?;
    }
    println!("ci: {} steps passed", steps.len());
    Ok(())
}

fn name(step: Step) -> String {
    step.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
}

fn perform(step: Step) -> Result<()> {
    match step {
        Step::Fmt => command::cargo(&["fmt", "--all", "--check"], &[]),
        Step::Clippy => {
            command::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])
        }
        Step::Test => command::cargo(&["test", "--workspace", "--locked"], &[]),
        Step::Doc => {
            command::cargo(&["doc", "--workspace", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])
        }
        Step::Licences => licences(),
    }
}

fn licences() -> Result<()> {
    let root = command::root();
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let policy = licence::Policy::parse(&text).with_context(|| format!("in {}", path.display()))?;
    let metadata = command::cargo_output(&["metadata", "--format-version", "1", "--locked"])?;
    let packages = licence::packages(&metadata)?;
    let refused = policy.refused(&packages);
    if !refused.is_empty() {
        bail!("deny.toml does not allow:\n  {}", refused.join("\n  "));
    }
    println!("licences: {} packages, all allowed by deny.toml", packages.len());
    if command::has_subcommand("deny") {
        // Advisories need the network; whoever wants them runs `cargo deny check advisories`.
        command::cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"], &[])?;
    }
    Ok(())
}

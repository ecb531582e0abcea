//! Running cargo from the workspace's root.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The workspace's root.
#[must_use]
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Runs cargo with these arguments and environment variables; its output goes to the terminal.
///
/// # Errors
/// Cargo cannot be started, or ends with another exit code than 0.
pub fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let line = format!("cargo {}", arguments.join(" "));
    let status =
        prepared(arguments).envs(environment.iter().copied()).status().with_context(|| format!("cannot run {line}"))?;
    ensure!(status.success(), "{line} failed ({status})");
    Ok(())
}

/// Runs cargo and gives what it wrote to standard output.
///
/// # Errors
/// As [`cargo`], and where the output is not UTF-8.
pub fn cargo_output(arguments: &[&str]) -> Result<String> {
    let line = format!("cargo {}", arguments.join(" "));
    let output = prepared(arguments).output().with_context(|| format!("cannot run {line}"))?;
    ensure!(output.status.success(), "{line} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(|| format!("{line} wrote something that is not UTF-8"))
}

/// Whether cargo has this subcommand.
#[must_use]
pub fn has_subcommand(name: &str) -> bool {
    prepared(&[name, "--version"]).output().is_ok_and(|output| output.status.success())
}

fn prepared(arguments: &[&str]) -> Command {
    // The cargo that runs this program, so that the pinned toolchain stays in use.
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.args(arguments).current_dir(root());
    command
}

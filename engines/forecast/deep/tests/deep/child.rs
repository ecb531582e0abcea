//! Runs one test of this binary again in a process of its own: for what a process can do only once (start a GPU
//! runtime, grow its peak memory) or what may kill it (a graphics driver).

use std::process::{Command, Output};

const VARIABLE: &str = "ATSRE_DEEP_CHILD";

/// Whether this process is the child of the test `name`.
pub(crate) fn is_child(name: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|v| v == name)
}

/// Runs the test `name`, a full path such as `gpu::trains`, in a child with these variables.
pub(crate) fn run(name: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(VARIABLE, name)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// The value that the child printed as `key=value`.
pub(crate) fn value(output: &Output, key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let marker = format!("{key}=");
    text.lines().find_map(|l| l.split_once(marker.as_str()).map(|(_, v)| v.trim().to_string()))
}

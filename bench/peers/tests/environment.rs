//! Scripts of the peers and programs of ours answer in JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_bench_peers::Environment;

#[test]
fn a_missing_interpreter_is_an_error_that_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let error = Environment::prepare_with("python3-which-is-not-there", folder.path(), "numpy==2.2.6\n").unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("python3-which-is-not-there") && text.contains("install Python"), "{text}");
}

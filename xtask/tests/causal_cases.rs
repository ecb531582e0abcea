//! The committed reference cases of causal discovery.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use xtask::cases::causal::{judge, render};

#[test]
fn every_reference_case_agrees() {
    // Given the committed cases, when each is run with its settings
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../engines/causal/tests");
    let judged = judge(&folder).unwrap();
    // Then every one agrees, by name.
    let of = |prefix: &str| judged.iter().filter(|j| j.verdict.case.starts_with(prefix)).count();
    let counts =
        ["pc_", "fci_", "ges_", "direct_lingam_", "ica_lingam_", "var_lingam_", "pcmci_", "pcmciplus_", "granger_"];
    assert_eq!(counts.map(of), [45, 17, 7, 6, 3, 5, 7, 8, 3]);
    assert_eq!(judged.len(), 101);
    assert!(judged.iter().all(|j| j.verdict.agrees()), "{}", render(&judged));
    println!("{}", render(&judged));
}

/// A folder with one small case of PC on three columns, x → z ← y up to noise.
fn folder(algorithm: &str, expected: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cases")).unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let rows = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].repeat(10);
    let lines = rows.iter().enumerate().map(|(k, (x, y))| format!("{x},{y},{}\n", x + y + 0.1 * (k % 7) as f64));
    std::fs::write(folder.path().join("data/d.csv"), "X1,X2,X3\n".to_owned() + &lines.collect::<String>()).unwrap();
    let case = format!(
        r#"{{"algorithm": "{algorithm}", "dataset": "data/d.csv",
            "settings": {{"alpha": 0.05, "indep_test": "fisherz", "stable": true, "uc_rule": 0, "uc_priority": 2}},
            "expected": {expected}}}"#
    );
    std::fs::write(folder.path().join("cases/small.json"), case).unwrap();
    folder
}

#[test]
fn a_wrong_mark_and_an_unknown_algorithm_differ() {
    let right = r#"{"endpoint_matrix": [[0, 0, -1], [0, 0, -1], [1, 1, 0]]}"#;
    assert!(judge(folder("pc", right).path()).unwrap()[0].verdict.agrees());
    let wrong = r#"{"endpoint_matrix": [[0, 0, -1], [0, 0, -1], [1, -1, 0]]}"#;
    for (algorithm, expected, message) in [
        ("pc", wrong, "endpoint_matrix[2][1]: expected -1, found 1"),
        ("pc", "{}", "nothing in `expected` can be judged"),
        ("tarot", right, "tarot is not available"),
    ] {
        let text = render(&judge(folder(algorithm, expected).path()).unwrap());
        assert!(text.contains(message) && text.contains("0 of 1 cases agree"), "{text}");
    }
    assert!(judge(Path::new("nowhere")).is_err());
}

//! The compatible mode against what causal-learn 0.1.4.8 answered: marks, separating sets, number of tests, p-values.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

#[test]
fn every_reference_case_agrees_exactly() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for file in &files {
        let case = support::read_json(file);
        if support::applies(&case) {
            judged += 1;
            let (differences, _) = support::judge(&case, &folder.join(case["dataset"].as_str().unwrap()));
            wrong.extend(differences.into_iter().map(|d| format!("{}: {d}", case["case"])));
        }
    }
    assert!(judged >= 20, "{judged} cases were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

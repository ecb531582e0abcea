//! The committed reference cases of classical statistics.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;

use xtask::cases::{render, stats};

#[test]
fn every_committed_reference_case_agrees() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../engines/curation/tests/cases/stats");
    let verdicts = stats::judge(&folder).unwrap();
    assert_eq!(verdicts.len(), 9);
    assert!(verdicts.iter().all(|v| v.agrees()), "{}", render(&verdicts));
    assert!(verdicts.iter().map(|v| v.compared).sum::<usize>() > 7_000);
}

/// A folder with one small case; `expected` is what it claims.
fn folder(expected: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cases")).unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/small.csv"), "value\n1.0\n3.0\n2.0\n5.0\n").unwrap();
    let case = format!(r#"{{"case": "small", "series": "data/small.csv", "expected": {expected}}}"#);
    std::fs::write(folder.path().join("cases/small.json"), case).unwrap();
    folder
}

#[test]
fn a_wrong_number_an_unknown_statistic_and_an_unreadable_case_differ() {
    // The demeaned values are -1.75, 0.25, -0.75, 2.25: squared steps 14, squares 8.75.
    let right = folder(r#"{"durbin_watson_of_demeaned": 1.6}"#);
    assert!(stats::judge(right.path()).unwrap()[0].agrees());
    for (expected, message) in [
        (r#"{"durbin_watson_of_demeaned": 1.60001}"#, "durbin_watson_of_demeaned: expected 1.60001, found 1.6"),
        (r#"{"phase_of_the_moon": 1.0}"#, "no statistic is known by this name"),
        (r#"{"kpss": [{"regression": "x", "nlags": 1}]}"#, "unknown regression"),
    ] {
        let wrong = folder(expected);
        let text = render(&stats::judge(wrong.path()).unwrap());
        assert!(text.contains(message) && text.contains("0 of 1 cases agree"), "{text}");
    }
    assert!(stats::judge(std::path::Path::new("nowhere")).is_err());
}

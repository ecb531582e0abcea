//! Non-Gaussian and lagged data: every committed reference case, by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod lagged;

use std::path::Path;

/// The cases, so that one that got lost is missed.
const CASES: [&str; 10] = [
    "direct_lingam_pk_x10_dev",
    "direct_lingam_pksoft_x10_dev",
    "direct_lingam_u05_dev",
    "direct_lingam_x10_dev",
    "ica_lingam_u05_dev",
    "ica_lingam_x10_dev",
    "var_lingam_fixedlag_v05_dev",
    "var_lingam_noprune_v05_dev",
    "var_lingam_v05_dev",
    "var_lingam_vg5_dev",
];

#[test]
fn every_reference_case_agrees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut wrong = Vec::new();
    for name in CASES {
        let text = std::fs::read_to_string(folder.join(format!("cases/{name}.json"))).unwrap();
        let case: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(lagged::applies(&case), "{name}");
        let (differences, _) = lagged::judge(&case, &folder);
        wrong.extend(differences.into_iter().map(|d| format!("{name}: {d}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! The house's arrows, held by `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each of our crates may depend on. Tests may reach further.
const ARROWS: &[(&str, &[&str])] = &[
    ("atsre-domain", &[]),
    ("atsre-curation", &["atsre-domain"]),
    ("atsre-causal", &["atsre-domain"]),
    ("atsre-forecast", &["atsre-domain"]),
    ("atsre-forecast-deep", &["atsre-domain", "atsre-forecast"]),
    ("atsre-monitor", &["atsre-domain"]),
    ("atsre-store", &["atsre-domain"]),
    ("atsre-projections", &["atsre-domain", "atsre-store"]),
    (
        "atsre-replay",
        &["atsre-domain", "atsre-store", "atsre-projections", "atsre-curation", "atsre-causal", "atsre-forecast"],
    ),
    (
        "atsre-actors",
        &[
            "atsre-domain",
            "atsre-store",
            "atsre-curation",
            "atsre-causal",
            "atsre-forecast",
            "atsre-forecast-deep",
            "atsre-monitor",
        ],
    ),
];

#[test]
fn no_crate_depends_on_what_it_must_not_know() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let found: BTreeMap<&str, BTreeSet<&str>> = packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let normal = dependencies.filter(|d| d["kind"].is_null()).map(|d| d["name"].as_str().unwrap());
            (package["name"].as_str().unwrap(), normal.filter(|name| ours.contains(name)).collect())
        })
        .collect();
    for (name, allowed) in ARROWS {
        let depends = found.get(name).unwrap_or_else(|| panic!("{name} is not in the workspace"));
        let beyond: Vec<_> = depends.iter().filter(|d| !allowed.contains(d)).collect();
        assert!(beyond.is_empty(), "{name} must not depend on {beyond:?}");
    }
    for (name, depends) in &found {
        let wires = ["atsre", "atsre-bench", "xtask"].contains(name);
        assert!(wires || !depends.contains("atsre-actors"), "{name} depends on the actors; only the program does");
        assert!(!depends.contains("atsre"), "{name} depends on the program");
    }
}

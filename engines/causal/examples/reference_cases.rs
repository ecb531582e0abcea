//! Judges every PC case with Fisher's z in a folder: `reference_cases FOLDER` with FOLDER/cases/*.json and FOLDER/data.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder that holds cases/ and data/"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let case = support::read_json(&file);
        if !support::applies(&case) {
            continue;
        }
        let (wrong, took) = support::judge(&case, &folder.join(case["dataset"].as_str().unwrap()));
        let reference = case["reference_timing"]["cpu_seconds_median"].as_f64().unwrap_or(f64::NAN);
        let seconds = took.as_secs_f64();
        let verdict = if wrong.is_empty() { "ok" } else { "DIFFERS" };
        println!(
            "{verdict:8} {:32} {seconds:.4} s, {:.0} times the reference's speed",
            case["case"].as_str().unwrap(),
            reference / seconds
        );
        wrong.iter().take(5).for_each(|w| println!("         {w}"));
        if wrong.is_empty() { passed += 1 } else { failed += 1 }
    }
    println!("{passed} agree, {failed} differ");
    std::process::exit(i32::from(failed > 0));
}

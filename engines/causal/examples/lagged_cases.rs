//! Judges the cases of a folder that concern non-Gaussian and lagged data: agreement and speed.
//! `cargo run -p atsre-causal --example lagged_cases -- FOLDER [NAME]`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::PathBuf;

#[path = "../tests/lagged/mod.rs"]
mod lagged;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder with cases/ and data/"));
    let wanted = arguments.next().unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut agree, mut judged) = (0, 0);
    for file in files.iter().filter(|f| f.to_string_lossy().contains(&wanted)) {
        let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        if !lagged::applies(&case) {
            continue;
        }
        let mut took = f64::INFINITY;
        let mut differences = Vec::new();
        for _ in 0..5 {
            let (found, seconds) = lagged::judge(&case, &folder);
            differences = found;
            took = took.min(seconds);
        }
        let reference = case["reference_timing"]["cpu_seconds_median"].as_f64().unwrap_or(f64::NAN);
        judged += 1;
        agree += usize::from(differences.is_empty());
        println!(
            "{:40} {} {:9.3} ms, {:6.0} x {}",
            case["case"].as_str().unwrap(),
            if differences.is_empty() { "agrees " } else { "DIFFERS" },
            took * 1e3,
            reference / took,
            differences.join("; ")
        );
    }
    println!("{agree} of {judged} agree");
}

//! Reading and judging reference cases, with the judge of `cargo xtask cases`.
#![allow(dead_code)]

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

#[path = "../../../../xtask/src/cases/compare.rs"]
pub mod compare;
#[path = "../../../../xtask/src/cases/causal/lingam.rs"]
pub mod lingam;

use compare::{Tolerance, compare as compare_values};

/// The first differences of one case, and how long the engine took in seconds.
pub fn judge(case: &Value, folder: &Path) -> (Vec<String>, f64) {
    let columns = read_columns(&folder.join(case["dataset"].as_str().unwrap()));
    let algorithm = case["algorithm"].as_str().unwrap();
    let start = Instant::now();
    let found = answer(case, &columns);
    let took = start.elapsed().as_secs_f64();
    let found = match found {
        Ok(found) => found,
        Err(error) => return (vec![error], took),
    };
    let mut differences = Vec::new();
    let tolerance = |path: &str| tolerance(algorithm, path);
    compare_values("", &case["expected"], &found, &tolerance, &mut differences);
    (differences.iter().take(5).map(ToString::to_string).collect(), took)
}

pub fn applies(case: &Value) -> bool {
    ["direct_lingam", "ica_lingam", "var_lingam"].contains(&case["algorithm"].as_str().unwrap())
}

fn answer(case: &Value, columns: &[Vec<f64>]) -> Result<Value, String> {
    match case["algorithm"].as_str().unwrap() {
        "direct_lingam" | "ica_lingam" | "var_lingam" => lingam::found(case, columns),
        other => Err(format!("no judge for {other}")),
    }
}

fn tolerance(algorithm: &str, path: &str) -> Tolerance {
    let relative = match algorithm {
        "ica_lingam" => 1e-6,
        "direct_lingam" | "var_lingam" => 1e-8,
        _ => 1e-9,
    };
    let exact = ["order", "iterations", "selected_lags"].iter().any(|word| path.contains(word));
    // Entries of the unmixing matrix that are nearly zero have the accuracy of the largest.
    let absolute = if path.starts_with("fastica") {
        1e-6
    } else if path.starts_with("var_coeff") {
        1e-12
    } else {
        0.0
    };
    if exact { Tolerance::Exact } else { Tolerance::Within { relative, absolute } }
}

/// The columns of a CSV file of numbers with a header.
pub fn read_columns(file: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut lines = text.lines();
    let mut columns = vec![Vec::new(); lines.next().unwrap().split(',').count()];
    for line in lines {
        columns.iter_mut().zip(line.split(',')).for_each(|(column, cell)| column.push(cell.parse().unwrap()));
    }
    columns
}

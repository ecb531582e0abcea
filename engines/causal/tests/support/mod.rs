//! Reads and judges reference cases: one JSON file a case, its data a CSV file beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code)]

use std::path::Path;

use atsre_causal::independence::{Correlation, FisherZ, Tail};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pc::{self, ColliderRule, Compatibility, Mode, Priority, Settings};
use atsre_domain::graph::{BackgroundKnowledge, Mark};
use serde_json::Value;

pub fn read_table(path: &Path) -> (Vec<String>, Vec<Vec<f64>>) {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for record in reader.records() {
        for (column, field) in columns.iter_mut().zip(record.unwrap().iter()) {
            column.push(field.parse().unwrap_or(f64::NAN));
        }
    }
    (names, columns)
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether this crate can be asked: PC with Fisher's z.
pub fn applies(case: &Value) -> bool {
    case["algorithm"] == "pc" && case["settings"]["indep_test"] == "fisherz"
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn knowledge(settings: &Value) -> BackgroundKnowledge {
    let stated = &settings["background_knowledge"];
    if stated.is_null() {
        return BackgroundKnowledge::default();
    }
    let pairs = |key: &str| {
        let edges = stated[key].as_array().cloned().unwrap_or_default();
        edges.iter().map(|e| (e[0].as_str().unwrap().to_owned(), e[1].as_str().unwrap().to_owned())).collect()
    };
    BackgroundKnowledge {
        tiers: stated["tiers"].as_array().map(|t| t.iter().map(names).collect()).unwrap_or_default(),
        forbidden_within_tiers: stated["forbidden_within_tiers"]
            .as_array()
            .map(|t| t.iter().map(|v| v.as_u64().unwrap() as u32).collect())
            .unwrap_or_default(),
        forbidden: pairs("forbidden"),
        required: pairs("required"),
    }
}

fn compatibility(settings: &Value) -> Compatibility {
    let collider_rule = match settings["uc_rule"].as_i64().unwrap() {
        0 => ColliderRule::SeparatingSet,
        1 => ColliderRule::LargestP,
        _ => ColliderRule::DefiniteLargestP,
    };
    let priority = match (settings["uc_priority"].as_i64().unwrap(), collider_rule) {
        (0, _) => Priority::Overwrite,
        (1, _) => Priority::Bidirected,
        (2, _) => Priority::Existing,
        (3, _) | (-1, ColliderRule::SeparatingSet | ColliderRule::LargestP) => Priority::LeastWith,
        _ => Priority::MostWithout,
    };
    Compatibility { stable: settings["stable"].as_bool().unwrap(), collider_rule, priority }
}

/// Runs a case. Returns everything that differs from what is expected, and the processor time of the algorithm alone.
pub fn judge(case: &Value, data: &Path) -> (Vec<String>, std::time::Duration) {
    let (columns, table) = read_table(data);
    let settings = &case["settings"];
    let expected = &case["expected"];
    let nodes = columns.len();
    let compiled = Knowledge::compile(&knowledge(settings), &columns, Window::of_rows(nodes), |_, _| 0).unwrap();
    let started = std::time::Instant::now();
    let test = FisherZ::new(Correlation::of_columns(&table), table[0].len()).with_tail(Tail::OneMinus);
    let how = Settings {
        alpha: settings["alpha"].as_f64().unwrap(),
        max_depth: settings["max_k"].as_u64().map(|k| k as usize),
        mode: Mode::Compatible(compatibility(settings)),
    };
    let found = pc::run(&test, &compiled, &how);
    let took = started.elapsed();
    let mut wrong = Vec::new();
    for i in 0..nodes {
        for j in 0..nodes {
            let mark = match found.pattern.mark_at(i, j) {
                None => 0,
                Some(Mark::Tail) => -1,
                Some(Mark::Arrow) => 1,
                Some(Mark::Circle) => 2,
            };
            if expected["endpoint_matrix"][i][j].as_i64() != Some(mark) {
                wrong.push(format!("mark at {} on edge with {}: {mark}", columns[i], columns[j]));
            }
        }
    }
    let number = |name: &Value| columns.iter().position(|c| name == c.as_str()).unwrap();
    for entry in expected["separating_sets_union"].as_array().unwrap() {
        let (a, b) = (number(&entry[0]), number(&entry[1]));
        let mut members: Vec<usize> = entry[2].as_array().unwrap().iter().map(number).collect();
        members.sort_unstable();
        if found.separating.get(&(a.min(b), a.max(b))) != Some(&members) {
            wrong.push(format!("separating set of {}, {}", entry[0], entry[1]));
        }
    }
    if expected["n_distinct_ci_tests"].as_u64() != Some(found.tests as u64) {
        wrong.push(format!("{} tests, expected {}", found.tests, expected["n_distinct_ci_tests"]));
    }
    for entry in expected["max_p_value_over_all_tests_of_pair"].as_array().unwrap() {
        let (a, b, p) = (number(&entry[0]), number(&entry[1]), entry[2].as_f64().unwrap());
        let got = found.nearest[a.min(b) * nodes + a.max(b)].map_or(f64::NAN, |o| o.p_value);
        // 2 (1 − Φ) is a multiple of 2e-16, so that small values agree absolutely only.
        let near = (got - p).abs() <= if p < 1e-6 { 1e-15 } else { 1e-9 * p };
        if !near {
            wrong.push(format!("largest p of {}, {}: {got}, expected {p}", entry[0], entry[1]));
        }
    }
    (wrong, took)
}

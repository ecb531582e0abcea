//! Cases of FCI.

use anyhow::Result;
use atsre_causal::fci::{self, Found, Mode, Settings};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_domain::graph::Mark;
use serde_json::{Value, json};

use super::pc::{expected_entries, in_order_of, largest_p_values, marks, tolerance};
use super::test::with_test;
use super::{Answer, Case};

const JUDGED: &[&str] = &[
    "endpoint_matrix",
    "edges",
    "edge_properties",
    "pairs_removed_by_possible_dsep_step",
    "separating_sets_ordered_pairs",
    "n_distinct_ci_tests",
    "max_p_value_over_all_tests_of_pair",
];

/// Above this many columns the cases leave empty separating sets out.
const EMPTY_SETS_LISTED: usize = 20;

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    let known = case.knowledge()?;
    let knowledge = Knowledge::compile(&known, &case.variables, Window::of_rows(case.columns()), |_, _| 0)?;
    let every_kind_of_knowledge = !known.forbidden.is_empty() && !known.required.is_empty() && !known.tiers.is_empty();
    let settings = Settings {
        alpha: case.number("alpha")?,
        max_depth: case.settings["depth"].as_u64().map(|d| d as usize),
        max_possible_d_sep: None,
        mode: Mode::Compatible { every_kind_of_knowledge },
    };
    let name = case.settings["independence_test_method"].as_str().unwrap_or("fisherz");
    let (found, cpu) = with_test(case, name, |test| fci::run(test, &knowledge, &settings))?;
    Ok(Some(Answer { judged: JUDGED, found: document(case, &found)?, tolerance, cpu }))
}

fn document(case: &Case, found: &Found) -> Result<Value> {
    let edges = edges(case, found);
    let listed = expected_entries(case, "separating_sets_ordered_pairs");
    let sets = found.separating.iter().filter(|(_, set)| case.columns() <= EMPTY_SETS_LISTED || !set.is_empty());
    let sets = sets.enumerate().map(|(k, ((a, b), set))| {
        let expected = listed.get(k).map_or(&Value::Null, |entry| &entry[2]);
        let members = in_order_of(expected, case.names(set.iter().copied()));
        json!([case.variables[*a], case.variables[*b], members])
    });
    let removed: Vec<String> = found.removed_late.iter().map(|(a, b)| case.names([*a, *b]).join(" ")).collect();
    Ok(json!({
        "endpoint_matrix": marks(&found.pattern),
        "edges": edges.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(),
        "edge_properties": edges,
        "pairs_removed_by_possible_dsep_step": removed,
        "separating_sets_ordered_pairs": sets.collect::<Vec<_>>(),
        "n_distinct_ci_tests": found.tests,
        "max_p_value_over_all_tests_of_pair": largest_p_values(case, &found.nearest)?,
    }))
}

/// Each edge as text with its properties; one whose arrow is at the earlier column only is turned round.
fn edges(case: &Case, found: &Found) -> Vec<(String, Vec<&'static str>)> {
    let end = |mark: Mark, arrow: &'static str| match mark {
        Mark::Tail => "-",
        Mark::Arrow => arrow,
        Mark::Circle => "o",
    };
    let mut edges = Vec::new();
    for i in 0..case.columns() {
        for j in found.pattern.neighbours(i).filter(|j| *j > i) {
            let (Some(at_i), Some(at_j)) = (found.pattern.mark_at(i, j), found.pattern.mark_at(j, i)) else { continue };
            let left = at_i == Mark::Arrow && at_j != Mark::Arrow;
            let (a, mark_a, b, mark_b) = if left { (j, at_j, i, at_i) } else { (i, at_i, j, at_j) };
            let text = format!("{} {}-{} {}", case.variables[a], end(mark_a, "<"), end(mark_b, ">"), case.variables[b]);
            let properties = found.properties.get(&(a, b)).map_or_else(Vec::new, |p| {
                vec![if p.definitely_direct { "dd" } else { "pd" }, if p.visible { "nl" } else { "pl" }]
            });
            edges.push((text, properties));
        }
    }
    edges
}

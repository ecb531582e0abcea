//! Cases of PC.

use anyhow::{Result, bail};
use atsre_causal::independence::Outcome;
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc::{self, ColliderRule, Compatibility, Found, Mode, Priority, Settings};
use atsre_domain::graph::Mark;
use serde_json::{Value, json};

use super::test::with_test;
use super::{Answer, Case};
use crate::cases::Tolerance;

const JUDGED: &[&str] =
    &["endpoint_matrix", "separating_sets_union", "n_distinct_ci_tests", "max_p_value_over_all_tests_of_pair"];

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    let columns = case.columns();
    let knowledge = Knowledge::compile(&case.knowledge()?, &case.variables, Window::of_rows(columns), |_, _| 0)?;
    let settings = Settings {
        alpha: case.number("alpha")?,
        max_depth: case.settings["max_k"].as_u64().map(|k| k as usize),
        mode: Mode::Compatible(compatibility(&case.settings)?),
    };
    let name = case.settings["indep_test"].as_str().unwrap_or("fisherz");
    let (found, cpu) = with_test(case, name, |test| pc::run(test, &knowledge, &settings))?;
    Ok(Some(Answer { judged: JUDGED, found: document(case, &found)?, tolerance, cpu }))
}

fn compatibility(settings: &Value) -> Result<Compatibility> {
    let collider_rule = match settings["uc_rule"].as_i64() {
        None | Some(0) => ColliderRule::SeparatingSet,
        Some(1) => ColliderRule::LargestP,
        Some(2) => ColliderRule::DefiniteLargestP,
        Some(other) => bail!("unknown uc_rule {other}"),
    };
    let priority = match (settings["uc_priority"].as_i64(), collider_rule) {
        (Some(0), _) => Priority::Overwrite,
        (Some(1), _) => Priority::Bidirected,
        (None | Some(2), _) => Priority::Existing,
        (Some(3), _) | (Some(-1), ColliderRule::SeparatingSet | ColliderRule::LargestP) => Priority::LeastWith,
        (Some(4), _) | (Some(-1), ColliderRule::DefiniteLargestP) => Priority::MostWithout,
        (Some(other), _) => bail!("unknown uc_priority {other}"),
    };
    Ok(Compatibility { stable: settings["stable"].as_bool().unwrap_or(true), collider_rule, priority })
}

fn document(case: &Case, found: &Found) -> Result<Value> {
    let sets = expected_entries(case, "separating_sets_union").iter().map(|entry| {
        let (a, b) = (case.column(&entry[0])?, case.column(&entry[1])?);
        Ok(match found.separating.get(&(a.min(b), a.max(b))) {
            Some(members) => json!([entry[0], entry[1], in_order_of(&entry[2], case.names(members.iter().copied()))]),
            None => json!("not separated"),
        })
    });
    let sets = sets.collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "endpoint_matrix": marks(&found.pattern),
        "separating_sets_union": sets,
        "n_distinct_ci_tests": found.tests,
        "max_p_value_over_all_tests_of_pair": largest_p_values(case, &found.nearest)?,
    }))
}

/// The largest p-value of each pair that the case lists.
pub(super) fn largest_p_values(case: &Case, nearest: &[Option<Outcome>]) -> Result<Vec<Value>> {
    let columns = case.columns();
    let entries = expected_entries(case, "max_p_value_over_all_tests_of_pair").iter().map(|entry| {
        let (a, b) = (case.column(&entry[0])?, case.column(&entry[1])?);
        let p = nearest[a.min(b) * columns + a.max(b)].map_or(f64::NAN, |o| o.p_value);
        Ok(json!([entry[0], entry[1], crate::cases::stats::float(p)]))
    });
    entries.collect()
}

/// The entries of a list in `expected`; none where it is missing.
pub(super) fn expected_entries<'a>(case: &'a Case, key: &str) -> &'a [Value] {
    case.expected.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The names in the reference's order where they are the same set, so that only the set is compared.
pub(super) fn in_order_of(expected: &Value, mut names: Vec<&str>) -> Value {
    let listed: Vec<&str> = expected.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    names.sort_unstable();
    json!(if names == sorted { listed } else { names })
}

/// The marks: −1 tail, 1 arrow, 2 circle, 0 no edge, `[i][j]` at i.
pub(super) fn marks(pattern: &Pattern) -> Value {
    let number = |i, j| match pattern.mark_at(i, j) {
        None => 0,
        Some(Mark::Tail) => -1,
        Some(Mark::Arrow) => 1,
        Some(Mark::Circle) => 2,
    };
    let nodes = pattern.nodes();
    json!((0..nodes).map(|i| (0..nodes).map(|j| number(i, j)).collect()).collect::<Vec<Vec<i32>>>())
}

/// p-values within 1e-9, and absolutely where `2 (1 − Φ)` is a multiple of 2e-16; the rest exact.
pub(super) fn tolerance(path: &str) -> Tolerance {
    if path.starts_with("max_p_value") {
        Tolerance::Within { relative: 1e-9, absolute: 1e-15 }
    } else {
        Tolerance::Exact
    }
}

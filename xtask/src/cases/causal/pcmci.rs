//! Cases of PCMCI and PCMCI+.

use anyhow::{Result, bail, ensure};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pcmci::{ColliderRule, LaggedLinks, Link, Parents, PlusSettings, Settings, pcmci, pcmci_plus};
use serde_json::{Map, Value, json};

use super::answer::timed;
use super::{Answer, Case};
use crate::cases::Tolerance;
use crate::cases::stats::float;

const JUDGED: &[&str] = &[
    "graph",
    "edges",
    "val_matrix",
    "p_matrix",
    "lagged_parents_from_condition_selection",
    "optimal_alpha",
    "ambiguous_triples",
];

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    let (min_lag, max_lag) = (case.number("tau_min")? as usize, case.number("tau_max")? as usize);
    let knowledge =
        Knowledge::compile(&case.knowledge()?, &case.variables, Window::lagged(case.columns(), max_lag), |_, _| 1)?;
    let adjusted = match case.settings["fdr_method"].as_str() {
        None | Some("none") => false,
        Some("fdr_bh") => true,
        Some(other) => bail!("unknown fdr_method {other:?}"),
    };
    let (links, parents, more, cpu) = if case.algorithm == "pcmci" {
        let settings = Settings {
            min_lag,
            max_lag,
            selection_alpha: case.settings["pc_alpha"].as_f64(),
            alpha: case.settings["alpha_level"].as_f64().unwrap_or(0.05),
            false_discovery: adjusted,
        };
        let (found, cpu) = timed(|| pcmci(&case.table, &settings, &knowledge));
        let found = found?;
        (found.links, found.parents, Map::new(), cpu)
    } else {
        ensure!(!adjusted, "PCMCI+ adjusts no p-values");
        let settings = PlusSettings {
            min_lag,
            max_lag,
            alpha: case.settings["pc_alpha"].as_f64(),
            colliders: match case.settings["contemp_collider_rule"].as_str() {
                None | Some("majority") => ColliderRule::Majority,
                Some("conservative") => ColliderRule::Conservative,
                Some("none") => ColliderRule::SeparatingSet,
                Some(other) => bail!("unknown contemp_collider_rule {other:?}"),
            },
            mark_conflicts: case.settings["conflict_resolution"].as_bool().unwrap_or(true),
            reset_lagged: case.settings["reset_lagged_links"].as_bool().unwrap_or(false),
        };
        let (found, cpu) = timed(|| pcmci_plus(&case.table, &settings, &knowledge));
        let found = found?;
        let mut more = Map::new();
        more.insert("optimal_alpha".into(), json!(found.alpha));
        let triples: Vec<Value> =
            found.ambiguous.iter().map(|t| json!([[t.source, -(t.lag as i64)], t.middle, t.target])).collect();
        more.insert("ambiguous_triples".into(), in_order_of(case, triples));
        (found.links, found.parents, more, cpu)
    };
    let mut found = document(case, &links, &parents);
    found.extend(more);
    Ok(Some(Answer { judged: JUDGED, found: Value::Object(found), tolerance, cpu }))
}

/// The triples in the reference's order where they are the same set, so that only the set is compared.
fn in_order_of(case: &Case, mut triples: Vec<Value>) -> Value {
    let expected = case.expected.get("ambiguous_triples").and_then(Value::as_array).cloned().unwrap_or_default();
    let key = |v: &Value| v.to_string();
    let mut sorted: Vec<String> = expected.iter().map(key).collect();
    sorted.sort();
    triples.sort_by_key(key);
    if triples.iter().map(key).eq(sorted) { Value::Array(expected) } else { Value::Array(triples) }
}

fn document(case: &Case, links: &LaggedLinks, parents: &Parents) -> Map<String, Value> {
    let (columns, max_lag) = (links.columns(), links.max_lag());
    let table = |entry: &dyn Fn(usize, usize, usize) -> Value| -> Value {
        (0..columns)
            .map(|i| {
                (0..columns).map(|j| (0..=max_lag).map(|lag| entry(i, j, lag)).collect::<Value>()).collect::<Value>()
            })
            .collect()
    };
    let named = |(column, list): (usize, &Vec<_>)| {
        let list: &Vec<atsre_causal::pcmci::Lagged> = list;
        let entries = list.iter().map(|p| json!([case.variables[p.column], -(p.lag as i64)])).collect::<Value>();
        (case.variables[column].clone(), entries)
    };
    let mut found = Map::new();
    found.insert("graph".into(), table(&|i, j, lag| json!(links.get(i, j, lag).to_string())));
    found.insert("edges".into(), json!(edges(case, links)));
    found.insert("val_matrix".into(), table(&|i, j, lag| float(links.values[links.index(i, j, lag)])));
    found.insert("p_matrix".into(), table(&|i, j, lag| float(links.p_values[links.index(i, j, lag)])));
    found.insert(
        "lagged_parents_from_condition_selection".into(),
        Value::Object(parents.iter().enumerate().map(named).collect()),
    );
    found
}

/// By source, then target, then lag; links of the same moment once.
fn edges(case: &Case, links: &LaggedLinks) -> Vec<String> {
    let mut list = Vec::new();
    for (i, source) in case.variables.iter().enumerate() {
        for (j, target) in case.variables.iter().enumerate() {
            for lag in 0..=links.max_lag() {
                let link = links.get(i, j, lag);
                if link == Link::Absent || (lag == 0 && i > j) {
                    continue;
                }
                let past = if lag == 0 { String::new() } else { format!("(t-{lag})") };
                list.push(format!("{source}{past} {link} {target}"));
            }
        }
    }
    list
}

fn tolerance(path: &str) -> Tolerance {
    if path.starts_with("optimal_alpha") || path.starts_with("ambiguous") {
        return Tolerance::Exact;
    }
    // A value that nearly vanishes is the difference of numbers up to 1.
    let absolute = if path.starts_with("val_matrix") { 1e-13 } else { 0.0 };
    Tolerance::Within { relative: 1e-9, absolute }
}

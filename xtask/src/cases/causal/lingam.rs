//! Cases of DirectLiNGAM, ICA-LiNGAM and VARLiNGAM.

use anyhow::{Result, bail};
use atsre_causal::lingam::{Criterion, IcaSettings, Lingam, PathMatrix, Prior, VarSettings, direct, ica, var};
use serde_json::{Value, json};

use super::answer::timed;
use super::{Answer, Case};
use crate::cases::Tolerance;

const STRUCTURE: &[&str] = &["causal_order_zero_based", "causal_order", "adjacency_matrix_row_is_effect", "edges"];
const COMPONENTS: &[&str] = &[
    "causal_order_zero_based",
    "causal_order",
    "adjacency_matrix_row_is_effect",
    "edges",
    "fastica_unmixing_components",
    "fastica_iterations",
];
const OVER_TIME: &[&str] = &[
    "selected_lags",
    "causal_order_zero_based",
    "adjacency_matrices_by_lag_row_is_effect",
    "edges",
    "var_coefficients_by_lag",
];

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    Ok(Some(match case.algorithm.as_str() {
        "direct_lingam" => {
            let prior = prior(&case.settings)?;
            let (model, cpu) = timed(|| direct(&case.table, &prior));
            Answer { judged: STRUCTURE, found: structure(case, &model?), tolerance: weights, cpu }
        }
        "ica_lingam" => {
            let settings = IcaSettings {
                start: matrix(&case.expected["fastica_initial_w"]),
                seed: case.settings["random_state"].as_u64().unwrap_or(0),
                max_iterations: case.settings["max_iter"].as_u64().unwrap_or(1000) as usize,
                ..IcaSettings::default()
            };
            let (result, cpu) = timed(|| ica(&case.table, &settings));
            let result = result?;
            let mut found = structure(case, &result.model);
            found["fastica_unmixing_components"] = json!(result.unmixing);
            found["fastica_iterations"] = json!(result.iterations);
            Answer { judged: COMPONENTS, found, tolerance: components, cpu }
        }
        _ => {
            let settings = VarSettings {
                lags: case.number("lags")? as usize,
                criterion: criterion(&case.settings)?,
                prune: case.settings["prune"].as_bool().unwrap_or(true),
                prior: prior(&case.settings)?,
            };
            let (model, cpu) = timed(|| var(&case.table, &settings));
            let model = model?;
            let edges: Vec<Value> =
                model.weights.iter().enumerate().flat_map(|(lag, matrix)| edges(case, lag, matrix)).collect();
            let found = json!({
                "selected_lags": model.lags,
                "causal_order_zero_based": model.order,
                "adjacency_matrices_by_lag_row_is_effect": model.weights,
                "edges": edges,
                "var_coefficients_by_lag": model.coefficients,
            });
            Answer { judged: OVER_TIME, found, tolerance: weights, cpu }
        }
    }))
}

fn criterion(settings: &Value) -> Result<Option<Criterion>> {
    Ok(match (settings.get("criterion"), settings["criterion"].as_str()) {
        (None, _) | (_, Some("bic")) => Some(Criterion::Bayesian),
        (_, Some("aic")) => Some(Criterion::Akaike),
        (_, Some("hqic")) => Some(Criterion::HannanQuinn),
        (_, Some("fpe")) => Some(Criterion::FinalPredictionError),
        (Some(Value::Null), None) => None,
        (Some(other), _) => bail!("unknown criterion {other}"),
    })
}

/// 1: a path, 0: none, negative: unknown; a row is an effect.
fn prior(settings: &Value) -> Result<Prior> {
    let Some(rows) = settings["prior_knowledge"].as_array() else { return Ok(Prior::Nothing) };
    let known = |v: &Value| v.as_i64().filter(|v| *v >= 0).map(|v| v == 1);
    let rows: Vec<Vec<Option<bool>>> =
        rows.iter().map(|row| row.as_array().into_iter().flatten().map(known).collect()).collect();
    let paths = PathMatrix::new(&rows)?;
    let soft = settings["apply_prior_knowledge_softly"].as_bool() == Some(true);
    Ok(if soft { Prior::Soft(paths) } else { Prior::Hard(paths) })
}

fn matrix(value: &Value) -> Option<Vec<Vec<f64>>> {
    value.as_array()?.iter().map(|row| row.as_array()?.iter().map(Value::as_f64).collect()).collect()
}

fn structure(case: &Case, model: &Lingam) -> Value {
    json!({
        "causal_order_zero_based": model.order,
        "causal_order": case.names(model.order.iter().copied()),
        "adjacency_matrix_row_is_effect": model.weights,
        "edges": edges(case, 0, &model.weights),
    })
}

/// What is not zero, as `X1(t-2) --> X3` with its weight.
fn edges(case: &Case, lag: usize, weights: &[Vec<f64>]) -> Vec<Value> {
    let past = if lag == 0 { String::new() } else { format!("(t-{lag})") };
    let entries = weights.iter().enumerate().flat_map(|(effect, row)| row.iter().enumerate().map(move |e| (effect, e)));
    entries
        .filter(|(_, (_, weight))| **weight != 0.0)
        .map(|(effect, (cause, weight))| {
            json!([format!("{}{past} --> {}", case.variables[cause], case.variables[effect]), weight])
        })
        .collect()
}

/// Zero is exactly zero; other weights agree to eight digits. Coefficients of the autoregression, of which none is set to zero, lose
/// digits where they nearly vanish.
fn weights(path: &str) -> Tolerance {
    if path.contains("order") || path.contains("selected") {
        return Tolerance::Exact;
    }
    let absolute = if path.starts_with("var_coefficients") { 1e-12 } else { 0.0 };
    Tolerance::Within { relative: 1e-8, absolute }
}

fn components(path: &str) -> Tolerance {
    if path.contains("order") || path.contains("iterations") {
        return Tolerance::Exact;
    }
    let absolute = if path.starts_with("fastica") { 1e-6 } else { 0.0 };
    Tolerance::Within { relative: 1e-6, absolute }
}

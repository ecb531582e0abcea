//! LiNGAM cases: what the engine answers, in the reference's words.

use atsre_causal::lingam::{Criterion, IcaSettings, Lingam, PathMatrix, Prior, VarSettings, direct, ica, var};
use serde_json::{Map, Value, json};

/// The answer to a case with the keys that the reference's answer has.
pub(crate) fn found(case: &Value, columns: &[Vec<f64>]) -> Result<Value, String> {
    let settings = &case["settings"];
    let names: Vec<&str> = case["variables"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match case["algorithm"].as_str() {
        Some("direct_lingam") => {
            let model = direct(columns, &prior(settings)?).map_err(|e| e.to_string())?;
            Ok(Value::Object(structure(&model, &names)))
        }
        Some("ica_lingam") => {
            let rows = |value: &Value| -> Option<Vec<Vec<f64>>> {
                value.as_array()?.iter().map(|r| r.as_array()?.iter().map(Value::as_f64).collect()).collect()
            };
            let start = rows(&case["expected"]["fastica_initial_w"]);
            let max_iterations = settings["max_iter"].as_u64().unwrap_or(1000) as usize;
            let settings = IcaSettings { start: start.clone(), seed: 0, max_iterations };
            let found = ica(columns, &settings).map_err(|e| e.to_string())?;
            let mut keys = structure(&found.model, &names);
            keys.insert("fastica_initial_w".into(), json!(start));
            keys.insert("fastica_unmixing_components".into(), json!(found.unmixing));
            keys.insert("fastica_iterations".into(), json!(found.iterations));
            Ok(Value::Object(keys))
        }
        Some("var_lingam") => {
            let criterion = match settings["criterion"].as_str() {
                Some("aic") => Some(Criterion::Akaike),
                Some("bic") => Some(Criterion::Bayesian),
                Some("hqic") => Some(Criterion::HannanQuinn),
                Some("fpe") => Some(Criterion::FinalPredictionError),
                Some(other) => return Err(format!("criterion {other:?} is not known")),
                None => None,
            };
            let settings = VarSettings {
                lags: settings["lags"].as_u64().unwrap_or(1) as usize,
                criterion,
                prune: settings["prune"].as_bool().unwrap_or(true),
                prior: prior(settings)?,
            };
            let found = var(columns, &settings).map_err(|e| e.to_string())?;
            let mut edges = Vec::new();
            for (lag, weights) in found.weights.iter().enumerate() {
                for (effect, row) in weights.iter().enumerate() {
                    for (cause, weight) in row.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                        let past = if lag == 0 { String::new() } else { format!("(t-{lag})") };
                        edges.push(json!([format!("{}{past} --> {}", names[cause], names[effect]), weight]));
                    }
                }
            }
            Ok(json!({
                "selected_lags": found.lags,
                "causal_order_zero_based": found.order,
                "adjacency_matrices_by_lag_row_is_effect": found.weights,
                "edges": edges,
                "var_coefficients_by_lag": found.coefficients,
            }))
        }
        _ => Err("this is no LiNGAM case".to_owned()),
    }
}

/// Prior knowledge as a matrix: 1 a path, 0 none, −1 unknown; a row is an effect.
fn prior(settings: &Value) -> Result<Prior, String> {
    let Some(rows) = settings["prior_knowledge"].as_array() else { return Ok(Prior::Nothing) };
    let known = |v: &Value| v.as_i64().filter(|v| *v >= 0).map(|v| v == 1);
    let rows: Vec<Vec<Option<bool>>> =
        rows.iter().map(|r| r.as_array().into_iter().flatten().map(known).collect()).collect();
    let paths = PathMatrix::new(&rows).map_err(|e| e.to_string())?;
    let soft = settings["apply_prior_knowledge_softly"].as_bool() == Some(true);
    Ok(if soft { Prior::Soft(paths) } else { Prior::Hard(paths) })
}

fn structure(model: &Lingam, names: &[&str]) -> Map<String, Value> {
    let mut edges = Vec::new();
    for (effect, row) in model.weights.iter().enumerate() {
        for (cause, weight) in row.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            edges.push(json!([format!("{} --> {}", names[cause], names[effect]), weight]));
        }
    }
    let order: Vec<&str> = model.order.iter().map(|c| names[*c]).collect();
    let mut keys = Map::new();
    keys.insert("causal_order_zero_based".into(), json!(model.order));
    keys.insert("causal_order".into(), json!(order));
    keys.insert("adjacency_matrix_row_is_effect".into(), json!(model.weights));
    keys.insert("edges".into(), json!(edges));
    keys
}

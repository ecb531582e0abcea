//! Reference cases about pairs of series: Granger tests and cointegration.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use atsre_curation::statistics::cointegration::engle_granger;
use atsre_curation::statistics::granger::granger;
use serde_json::{Map, Value, json};

use super::stats::{deterministic, float, floats, lags, outcome};

/// Reads the columns of the data file that a case names under a key.
pub(super) type Columns<'a> = dyn Fn(&str) -> Result<BTreeMap<String, Vec<f64>>> + 'a;

/// What the cases about pairs of series expect, computed from their data.
pub(super) fn pairwise(expected: &Map<String, Value>, columns: &Columns<'_>) -> Result<Value> {
    let mut found = Map::new();
    for (name, reference) in expected {
        let value = match name.as_str() {
            "granger" => pairs(reference, &columns("growth_series")?, ["effect", "cause"], granger_entry)?,
            "engle_granger_cointegration" => {
                pairs(reference, &columns("log_levels")?, ["y", "x"], cointegration_entry)?
            }
            _ => json!("no statistic is known by this name"),
        };
        found.insert(name.clone(), value);
    }
    Ok(Value::Object(found))
}

fn pairs(
    reference: &Value,
    columns: &BTreeMap<String, Vec<f64>>,
    keys: [&str; 2],
    compute: fn(&Value, &[f64], &[f64]) -> Result<Value>,
) -> Result<Value> {
    let entries = reference.as_array().context("a list of entries was expected")?;
    let column = |entry: &Value, key: &str| {
        let name = entry[key].as_str().with_context(|| format!("an entry has no `{key}`"))?;
        columns.get(name).with_context(|| format!("the data have no column `{name}`"))
    };
    let list = entries.iter().map(|entry| {
        let found = compute(entry, column(entry, keys[0])?, column(entry, keys[1])?)?;
        let Value::Object(mut fields) = found else { return Ok(found) };
        for key in keys.iter().chain(&["lag", "trend", "autolag"]) {
            if let Some(setting) = entry.get(key) {
                fields.insert((*key).to_owned(), setting.clone());
            }
        }
        Ok(Value::Object(fields))
    });
    list.collect::<Result<Vec<_>>>().map(Value::Array)
}

fn granger_entry(entry: &Value, effect: &[f64], cause: &[f64]) -> Result<Value> {
    let lag = entry["lag"].as_u64().context("an entry has no lag")? as usize;
    Ok(outcome(granger(effect, cause, lag).map(|t| {
        let f = |statistic: f64, p: f64| {
            json!({ "F": float(statistic), "p_value": float(p), "df_denom": t.degrees, "df_num": lag })
        };
        let chi2 = |statistic: f64, p: f64| json!({ "chi2": float(statistic), "p_value": float(p), "df": lag });
        json!({
            "ssr_ftest": f(t.f, t.f_p_value),
            "params_ftest": f(t.wald_f, t.wald_f_p_value),
            "ssr_chi2test": chi2(t.chi_squared, t.chi_squared_p_value),
            "lrtest": chi2(t.likelihood_ratio, t.likelihood_ratio_p_value),
        })
    })))
}

fn cointegration_entry(entry: &Value, y: &[f64], x: &[f64]) -> Result<Value> {
    let result = engle_granger(y, &[x], deterministic(entry, "trend")?, lags(entry)?);
    Ok(outcome(result.map(|t| {
        json!({
            "statistic": float(t.statistic), "p_value": float(t.p_value),
            "critical_values_1_5_10": floats(t.critical_values),
        })
    })))
}

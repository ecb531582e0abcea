//! Reference cases of classical statistics: for every entry of a case's `expected` the same is computed here from the case's
//! data, in the same shape, and compared.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use atsre_curation::statistics::Error;
use atsre_curation::statistics::autocorrelation::{Denominator, autocorrelation, bartlett_interval};
use atsre_curation::statistics::dickey_fuller::{Criterion, Deterministic, Lags, augmented_dickey_fuller};
use atsre_curation::statistics::kpss::{Around, Bandwidth, kpss};
use atsre_curation::statistics::moments::arithmetic_mean;
use atsre_curation::statistics::normality::jarque_bera;
use atsre_curation::statistics::partial_autocorrelation::{Estimator, partial_autocorrelation};
use atsre_curation::statistics::portmanteau::{box_pierce, ljung_box};
use atsre_curation::statistics::residual::{arch_test, durbin_watson};
use atsre_curation::statistics::shapiro_wilk::shapiro_wilk;
use atsre_curation::statistics::stl::Stl;
use serde_json::{Map, Value, json};

use super::pairwise::pairwise;
use super::{Difference, Tolerance, Verdict, compare};

/// Judges every case of a folder with `cases/*.json` and the data files that they name.
///
/// # Errors
/// The folder has no cases. A case that cannot be read, or whose data cannot, is one that differs.
pub fn judge(folder: &Path) -> Result<Vec<Verdict>> {
    let cases = folder.join("cases");
    let entries = std::fs::read_dir(&cases).with_context(|| format!("cannot read {}", cases.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    ensure!(!files.is_empty(), "{} holds no .json file", cases.display());
    Ok(files.iter().map(|file| judge_case(folder, file).unwrap_or_else(|error| unreadable(file, &error))).collect())
}

fn case_name(file: &Path) -> String {
    file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unreadable(file: &Path, error: &anyhow::Error) -> Verdict {
    let (path, expected) = ("the case".to_owned(), "a file that can be read".to_owned());
    Verdict {
        case: case_name(file),
        compared: 0,
        differences: vec![Difference { path, expected, found: format!("{error:#}") }],
    }
}

fn judge_case(folder: &Path, file: &Path) -> Result<Verdict> {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let expected = document["expected"].as_object().context("there is no object `expected`")?;
    let column = |key: &str| -> Result<BTreeMap<String, Vec<f64>>> {
        let name = document[key].as_str().with_context(|| format!("there is no `{key}`"))?;
        read_columns(&folder.join(name))
    };
    let (found, scale) = if expected.contains_key("granger") || expected.contains_key("engle_granger_cointegration") {
        (pairwise(expected, &column)?, 0.0)
    } else {
        let columns = column("series")?;
        let series = columns.get("value").context("the data have no column `value`")?;
        let scale = series.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        (univariate(expected, series)?, scale)
    };
    let mut differences = Vec::new();
    let whole = Value::Object(expected.clone());
    let robust = robust_entries(expected);
    let compared = compare("", &whole, &found, &|path| tolerance(path, scale, &robust), &mut differences);
    Ok(Verdict { case: case_name(file), compared, differences })
}

/// The allowances: 1e-8 relative; 1e-6 for robust STL, Burg and the Shapiro–Wilk p-value; counts exact. Autocorrelations near zero
/// and STL components are differences of larger numbers, of which at most 1e-13 may be lost.
fn tolerance(path: &str, scale: f64, robust: &[String]) -> Tolerance {
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    if matches!(last, "used_lag" | "lags_used" | "n_obs" | "lag" | "df" | "df_num" | "df_denom" | "nlags" | "maxlag") {
        return Tolerance::Exact;
    }
    // Below the smallest normal number a p-value has no eight digits.
    let absolute = if last.ends_with("_p") || last.ends_with("p_value") {
        f64::MIN_POSITIVE
    } else if ["acf.values", "acf.bartlett", "pacf."].iter().any(|head| path.starts_with(head)) {
        1e-13
    } else if path.starts_with("stl[") && !last.ends_with("strength") {
        1e-13 * scale
    } else {
        0.0
    };
    let loose = path.starts_with("pacf.burg")
        || path == "shapiro_wilk.p_value"
        || robust.iter().any(|entry| path.starts_with(entry.as_str()));
    Tolerance::Within { relative: if loose { 1e-6 } else { 1e-8 }, absolute }
}

fn robust_entries(expected: &Map<String, Value>) -> Vec<String> {
    let entries = expected.get("stl").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let robust = entries.iter().enumerate().filter(|(_, entry)| entry["robust"] == Value::Bool(true));
    robust.map(|(i, _)| format!("stl[{i}]")).collect()
}

/// Reads a CSV file of numbers with a header.
fn read_columns(file: &Path) -> Result<BTreeMap<String, Vec<f64>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().context("the file is empty")?.split(',').map(str::trim).collect();
    let mut columns = vec![Vec::new(); header.len()];
    for (row, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        ensure!(cells.len() == header.len(), "{}: line {} has {} cells", file.display(), row + 2, cells.len());
        for (column, cell) in columns.iter_mut().zip(cells) {
            let value = cell.trim().parse::<f64>();
            column.push(value.with_context(|| format!("{}: line {}: {cell:?}", file.display(), row + 2))?);
        }
    }
    Ok(header.into_iter().map(str::to_owned).zip(columns).collect())
}

/// A statistic's outcome as JSON: what cannot be computed shows as its error, which agrees with nothing.
pub(super) fn outcome(result: std::result::Result<Value, Error>) -> Value {
    result.unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

/// A number, or the name of one that is not finite.
pub(super) fn float(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

pub(super) fn floats(values: impl IntoIterator<Item = f64>) -> Value {
    Value::Array(values.into_iter().map(float).collect())
}

/// What the entry gives, with the settings of the reference entry beside it, so that both have the same keys.
fn beside(reference: &Value, results: Value) -> Value {
    let (Value::Object(mut fields), Value::Object(computed)) = (reference.clone(), results) else {
        return Value::Null;
    };
    const SETTINGS: [&str; 9] =
        ["regression", "autolag", "maxlag", "nlags", "period", "robust", "seasonal_window", "trend_window", "adjusted"];
    fields.retain(|name, _| SETTINGS.contains(&name.as_str()));
    fields.extend(computed);
    Value::Object(fields)
}

fn each(reference: &Value, compute: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    let entries = reference.as_array().context("a list of entries was expected")?;
    entries.iter().map(|entry| Ok(beside(entry, compute(entry)?))).collect::<Result<Vec<_>>>().map(Value::Array)
}

fn univariate(expected: &Map<String, Value>, x: &[f64]) -> Result<Value> {
    let mean = arithmetic_mean(x);
    let demeaned: Vec<f64> = x.iter().map(|v| v - mean).collect();
    let mut found = Map::new();
    for (name, reference) in expected {
        let value = match name.as_str() {
            "adfuller" => each(reference, |entry| dickey_fuller_entry(x, entry))?,
            "kpss" => each(reference, |entry| kpss_entry(x, entry))?,
            "acf" => beside(reference, acf_entry(x, reference)?),
            "pacf" => beside(reference, pacf_entry(x, reference)?),
            "stl" => each(reference, |entry| stl_entry(x, entry))?,
            "jarque_bera" => outcome(jarque_bera(x).map(|t| {
                json!({
                    "statistic": float(t.statistic), "p_value": float(t.p_value),
                    "skewness": float(t.skewness), "kurtosis_not_excess": float(t.kurtosis),
                })
            })),
            "shapiro_wilk" => outcome(
                shapiro_wilk(x).map(|t| json!({ "statistic": float(t.statistic), "p_value": float(t.p_value) })),
            ),
            "durbin_watson_of_demeaned" => outcome(durbin_watson(&demeaned).map(float)),
            other => {
                if let Some(degrees) = suffix_number(other, "ljung_box_model_df_") {
                    portmanteau_entry(x, reference, degrees)?
                } else if other == "ljung_box" {
                    portmanteau_entry(x, reference, 0)?
                } else if let Some(lags) =
                    other.strip_suffix("_lags").and_then(|head| suffix_number(head, "arch_lm_demeaned_"))
                {
                    arch_entry(&demeaned, lags)
                } else {
                    json!("no statistic is known by this name")
                }
            }
        };
        found.insert(name.clone(), value);
    }
    Ok(Value::Object(found))
}

fn suffix_number(name: &str, prefix: &str) -> Option<usize> {
    name.strip_prefix(prefix)?.parse().ok()
}

fn arch_entry(demeaned: &[f64], lags: usize) -> Value {
    outcome(arch_test(demeaned, lags).map(|t| {
        json!({
            "lm": float(t.multiplier), "lm_p": float(t.multiplier_p_value), "f": float(t.f), "f_p": float(t.f_p_value),
        })
    }))
}

pub(super) fn deterministic(entry: &Value, key: &str) -> Result<Deterministic> {
    Ok(match entry[key].as_str() {
        Some("n") => Deterministic::None,
        Some("c") => Deterministic::Constant,
        Some("ct") => Deterministic::Trend,
        Some("ctt") => Deterministic::QuadraticTrend,
        _ => bail!("unknown {key} {}", entry[key]),
    })
}

pub(super) fn lags(entry: &Value) -> Result<Lags> {
    let max = entry["maxlag"].as_u64().map(|m| m as usize);
    let by = match entry["autolag"].as_str().map(str::to_ascii_lowercase).as_deref() {
        None => return Ok(Lags::Fixed(max.context("neither autolag nor maxlag is given")?)),
        Some("aic") => Criterion::Aic,
        Some("bic") => Criterion::Bic,
        Some("t-stat") => Criterion::TStatistic,
        Some(other) => bail!("unknown autolag {other}"),
    };
    Ok(Lags::Chosen { by, max })
}

fn dickey_fuller_entry(x: &[f64], entry: &Value) -> Result<Value> {
    let result = augmented_dickey_fuller(x, deterministic(entry, "regression")?, lags(entry)?);
    Ok(outcome(result.map(|t| {
        json!({
            "statistic": float(t.statistic), "p_value": float(t.p_value), "used_lag": t.lags, "n_obs": t.observations,
            "critical_values": { "1%": t.critical_values[0], "5%": t.critical_values[1], "10%": t.critical_values[2] },
            "best_information_criterion": t.best_criterion.map_or(Value::Null, float),
        })
    })))
}

fn kpss_entry(x: &[f64], entry: &Value) -> Result<Value> {
    let around = match entry["regression"].as_str() {
        Some("c") => Around::Level,
        Some("ct") => Around::Trend,
        _ => bail!("unknown regression {}", entry["regression"]),
    };
    let bandwidth = match (&entry["nlags"], entry["nlags"].as_u64()) {
        (_, Some(lags)) => Bandwidth::Fixed(lags as usize),
        (Value::String(text), _) if text == "auto" => Bandwidth::Automatic,
        (Value::String(text), _) if text == "legacy" => Bandwidth::Schwert,
        (other, _) => bail!("unknown nlags {other}"),
    };
    Ok(outcome(kpss(x, around, bandwidth).map(|t| {
        let [ten, five, two_and_a_half, one] = t.critical_values;
        json!({
            "statistic": float(t.statistic), "p_value_interpolated_and_clipped": float(t.p_value), "lags_used": t.lags,
            "critical_values": { "10%": ten, "5%": five, "2.5%": two_and_a_half, "1%": one },
        })
    })))
}

fn acf_entry(x: &[f64], entry: &Value) -> Result<Value> {
    let lags = entry["nlags"].as_u64().context("acf has no nlags")? as usize;
    Ok(outcome(autocorrelation(x, lags, Denominator::Length).and_then(|biased| {
        let adjusted = autocorrelation(x, lags, Denominator::Products)?;
        let interval = bartlett_interval(&biased, x.len(), 0.05);
        let tests = ljung_box(&biased, x.len(), 0);
        Ok(json!({
            "bartlett_confint_alpha_0.05": interval.iter().map(|(low, high)| floats([*low, *high])).collect::<Vec<_>>(),
            "ljung_box_q": floats(tests.iter().map(|t| t.statistic)),
            "ljung_box_p": floats(tests.iter().map(|t| t.p_value)),
            "values": floats(biased), "values_adjusted": floats(adjusted),
        }))
    })))
}

fn pacf_entry(x: &[f64], entry: &Value) -> Result<Value> {
    let lags = entry["nlags"].as_u64().context("pacf has no nlags")? as usize;
    let by = |estimator| outcome(partial_autocorrelation(x, lags, estimator).map(floats));
    Ok(json!({
        "ywadjusted": by(Estimator::YuleWalker(Denominator::Products)),
        "ywmle": by(Estimator::YuleWalker(Denominator::Length)),
        "ols": by(Estimator::LeastSquares),
        "ld": by(Estimator::LevinsonDurbin(Denominator::Products)),
        "ldbiased": by(Estimator::LevinsonDurbin(Denominator::Length)),
        "burg": by(Estimator::Burg),
    }))
}

fn portmanteau_entry(x: &[f64], entry: &Value, model_parameters: usize) -> Result<Value> {
    let wanted = entry["lags"].as_array().context("no list of lags")?;
    let lags: Vec<usize> = wanted.iter().filter_map(Value::as_u64).map(|l| l as usize).collect();
    let most = lags.iter().copied().max().context("the list of lags is empty")?;
    ensure!(lags.len() == wanted.len() && !lags.contains(&0), "lags are whole numbers from 1");
    Ok(outcome(autocorrelation(x, most, Denominator::Length).map(|r| {
        let at = |tests: Vec<atsre_curation::statistics::portmanteau::Portmanteau>, p: bool| {
            floats(lags.iter().map(|l| if p { tests[l - 1].p_value } else { tests[l - 1].statistic }))
        };
        let (n, m) = (x.len(), model_parameters);
        json!({
            "lags": lags,
            "lb_stat": at(ljung_box(&r, n, m), false), "lb_p": at(ljung_box(&r, n, m), true),
            "bp_stat": at(box_pierce(&r, n, m), false), "bp_p": at(box_pierce(&r, n, m), true),
        })
    })))
}

fn stl_entry(x: &[f64], entry: &Value) -> Result<Value> {
    let period = entry["period"].as_u64().context("stl has no period")? as usize;
    let window = entry["seasonal_window"].as_u64().unwrap_or(7) as usize;
    let robust = entry["robust"] == Value::Bool(true);
    let stl = Stl::new(period).seasonal_window(window);
    let stl = if robust { stl.robust() } else { stl };
    let parts = match stl.fit(x) {
        Ok(parts) => parts,
        Err(error) => return Ok(json!({ "error": error.to_string() })),
    };
    let mut found = Map::from_iter([
        ("trend_strength".to_owned(), parts.trend_strength().map_or(json!("NaN"), float)),
        ("seasonal_strength".to_owned(), parts.seasonal_strength().map_or(json!("NaN"), float)),
        (
            "config".to_owned(),
            json!({
                "period": period, "seasonal": stl.seasonal_smoother_window(), "trend": stl.trend_window(),
                "low_pass": stl.low_pass_window(), "seasonal_deg": 1, "trend_deg": 1, "low_pass_deg": 1,
                "seasonal_jump": 1, "trend_jump": 1, "low_pass_jump": 1, "robust": robust,
            }),
        ),
    ]);
    for (key, reference) in entry.as_object().into_iter().flatten() {
        let values = match key.split('_').next() {
            _ if found.contains_key(key) || key.ends_with("_window") => continue,
            Some("trend") => &parts.trend,
            Some("seasonal") => &parts.seasonal,
            Some("resid" | "remainder") => &parts.remainder,
            _ => continue,
        };
        found.insert(key.clone(), excerpt(key, reference, values));
    }
    Ok(Value::Object(found))
}

/// The part of a component that the reference shows: all of it, its first or last entries by the key's name, or both ends.
fn excerpt(key: &str, reference: &Value, values: &[f64]) -> Value {
    match reference {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, part)| (name.clone(), excerpt(name, part, values))).collect())
        }
        Value::Array(items) if items.len() < values.len() => {
            let (count, n) = (items.len(), values.len());
            if key.contains("first") || key.contains("head") {
                floats(values[..count].iter().copied())
            } else if key.contains("last") || key.contains("tail") {
                floats(values[n - count..].iter().copied())
            } else {
                floats(values[..count / 2].iter().chain(&values[n - (count - count / 2)..]).copied())
            }
        }
        _ => floats(values.iter().copied()),
    }
}

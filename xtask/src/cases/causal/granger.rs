//! Cases of Granger tests.

use anyhow::Result;
use atsre_causal::granger::{GrangerTest, pairwise};
use serde_json::{Value, json};

use super::answer::timed;
use super::{Answer, Case};
use crate::cases::Tolerance;
use crate::cases::stats::float;

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    let max_lag = case.number("maxlag")? as usize;
    let constant = case.settings["addconst"].as_bool().unwrap_or(true);
    let (tests, cpu) = timed(|| pairwise(&case.table, max_lag, constant));
    let entries: Vec<Value> = tests?.iter().map(|t| entry(case, t)).collect();
    Ok(Some(Answer { judged: &["tests"], found: json!({ "tests": entries }), tolerance, cpu }))
}

fn entry(case: &Case, test: &GrangerTest) -> Value {
    let f = |(statistic, p): (f64, f64)| json!({ "F": float(statistic), "p_value": float(p), "df_denom": test.freedom, "df_num": test.lag });
    let chi = |(statistic, p): (f64, f64)| json!({ "chi2": float(statistic), "p_value": float(p), "df": test.lag });
    json!({
        "cause": case.variables[test.cause],
        "effect": case.variables[test.effect],
        "lag": test.lag,
        "ssr_ftest": f(test.f),
        "params_ftest": f(test.f),
        "ssr_chi2test": chi(test.chi_squared),
        "lrtest": chi(test.likelihood_ratio),
    })
}

/// Statistics are differences of two residual sums of squares, which the reference rounds first.
fn tolerance(path: &str) -> Tolerance {
    if path.contains("df") || path.ends_with("lag") {
        return Tolerance::Exact;
    }
    let absolute = if path.ends_with("p_value") { 0.0 } else { 1e-12 };
    Tolerance::Within { relative: 1e-9, absolute }
}

//! Cases of GES.

use anyhow::{Result, ensure};
use atsre_causal::ges::{self, GaussianBic, Mode, Settings};
use atsre_causal::knowledge::{Knowledge, Window};
use serde_json::json;

use super::answer::timed;
use super::pc::marks;
use super::{Answer, Case};
use crate::cases::Tolerance;

/// The steps inform only: those that lead to equivalent graphs differ by rounding.
const JUDGED: &[&str] = &["endpoint_matrix", "score_higher_is_better"];

pub(super) fn answer(case: &Case) -> Result<Option<Answer>> {
    let name = case.settings["score_func"].as_str().unwrap_or_default();
    ensure!(name.starts_with("local_score_BIC"), "unknown score_func {name:?}");
    let nothing = Knowledge::of_time(Window::of_rows(case.columns()));
    let settings = Settings { max_parents: case.settings["maxP"].as_u64().map(|p| p as usize), mode: Mode::Compatible };
    let penalty = case.settings["lambda_value"].as_f64().unwrap_or(0.5);
    let (found, cpu) =
        timed(|| GaussianBic::new(&case.table, penalty).map(|score| ges::run(&score, &nothing, &settings)));
    let found = found?;
    let document = json!({
        "endpoint_matrix": marks(&found.pattern),
        "score_higher_is_better": crate::cases::stats::float(found.score),
    });
    Ok(Some(Answer { judged: JUDGED, found: document, tolerance, cpu }))
}

fn tolerance(path: &str) -> Tolerance {
    if path.starts_with("score") { Tolerance::Within { relative: 1e-9, absolute: 0.0 } } else { Tolerance::Exact }
}

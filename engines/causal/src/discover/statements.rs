//! Background knowledge on its way from the caller to the algorithms.

use atsre_domain::graph::BackgroundKnowledge;

use super::LeftOut;
use crate::independence::Correlation;
use crate::knowledge::{Knowledge, KnowledgeError, Window};
use crate::paths;

/// A required edge cannot be kept when one of its ends took no part.
pub(super) fn refuse_left_out(known: &BackgroundKnowledge, left_out: &[LeftOut]) -> Result<(), KnowledgeError> {
    for (cause, effect) in &known.required {
        if let Some(out) = left_out.iter().find(|l| l.column == *cause || l.column == *effect) {
            let (column, why) = (out.column.clone(), out.why.clone());
            return Err(KnowledgeError::LeftOut { cause: cause.clone(), effect: effect.clone(), column, why });
        }
    }
    Ok(())
}

/// What is known of the columns that take part. Names are checked against all columns of the data first.
pub(super) fn restrict(
    known: &BackgroundKnowledge,
    all: &[String],
    kept: &[String],
) -> Result<BackgroundKnowledge, KnowledgeError> {
    // Compiled for its checks alone: every contradiction shows on rows without lags too, cycles apart, which lags may resolve.
    let unordered = BackgroundKnowledge { required: Vec::new(), ..known.clone() };
    Knowledge::compile(&unordered, all, Window::of_rows(all.len()), |_, _| 0)?;
    let takes_part = |name: &String| kept.contains(name);
    let both =
        |edges: &[(String, String)]| edges.iter().filter(|(a, b)| takes_part(a) && takes_part(b)).cloned().collect();
    if let Some(name) = known.required.iter().flat_map(|(a, b)| [a, b]).find(|name| !all.contains(name)) {
        return Err(KnowledgeError::UnknownColumn { column: name.clone(), place: "required edges" });
    }
    Ok(BackgroundKnowledge {
        tiers: known.tiers.iter().map(|tier| tier.iter().filter(|n| takes_part(n)).cloned().collect()).collect(),
        forbidden_within_tiers: known.forbidden_within_tiers.clone(),
        forbidden: both(&known.forbidden),
        required: both(&known.required),
    })
}

/// At which lag a required edge acts: where the two columns correlate most. Where required edges run in both
/// directions between columns, at an earlier moment, because within one moment they would form a cycle; never before `shortest`.
pub(super) fn required_lag<'a>(
    known: &BackgroundKnowledge,
    names: &'a [String],
    window: Window,
    shortest: usize,
    correlation: &'a Correlation,
) -> impl Fn(usize, usize) -> usize + 'a {
    let number = |name: &String| names.iter().position(|n| n == name).unwrap_or(0);
    let component = paths::components(names.len(), known.required.iter().map(|(a, b)| (number(a), number(b))));
    move |cause: usize, effect: usize| {
        let first = shortest.max(usize::from(component[cause] == component[effect])).min(window.max_lag());
        let strength = |lag: usize| correlation.get(window.node(cause, lag), window.node(effect, 0)).abs();
        (first..=window.max_lag()).rev().max_by(|a, b| strength(*a).total_cmp(&strength(*b))).unwrap_or(first)
    }
}

//! Which trial is best.

use crate::experiment::{Experiment, TrialState};
use crate::identity::TrialNumber;
use crate::metric::{Metric, Score, Split};

/// The criterion, in order of preference: a metric can be undefined (MASE on a constant history), the next then decides.
const CRITERIA: [Metric; 3] = [Metric::Mase, Metric::Wql, Metric::Mae];

/// A score by metric and split.
#[must_use]
pub fn score(scores: &[Score], metric: Metric, split: Split) -> Option<f64> {
    scores.iter().find(|s| s.metric == metric && s.split == split).map(|s| s.value.get())
}

/// The trial with the lowest backtest error, the ensemble included; on a tie the ensemble loses to its member
/// and the later trial to the earlier one. The withheld test never decides.
#[must_use]
pub fn best(experiment: &Experiment) -> Option<TrialNumber> {
    let mut candidates: Vec<(TrialNumber, &[Score])> = experiment
        .trials
        .iter()
        .filter_map(|(number, trial)| match &trial.state {
            TrialState::Completed { scores, .. } => Some((*number, scores.as_slice())),
            _ => None,
        })
        .collect();
    if let Some(ensemble) = &experiment.ensemble {
        candidates.push((ensemble.trial, &ensemble.scores));
    }
    for metric in CRITERIA {
        let scored = candidates.iter().filter_map(|(n, s)| score(s, metric, Split::Backtest).map(|v| (*n, v)));
        if let Some((number, _)) = scored.min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))) {
            return Some(number);
        }
    }
    candidates.first().map(|(number, _)| *number)
}

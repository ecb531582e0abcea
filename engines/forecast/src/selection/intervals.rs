//! Quantiles of a selection: calibrated on its own windows, and bounded by what was seen there.

use super::choice::{LEAST_WEIGHT, Selection, range};
use super::stretch::{Past, Stretch};
use crate::calibration::{Calibrator, Trajectory, central_pairs};
use crate::forecaster::FitTask;
use crate::gaps;
use crate::view::SeriesView;

/// Quantiles lie no farther from the median than so many times the largest error on the windows, or than the history's
/// range where that is more.
const WIDEST: f64 = 3.0;

/// Calibrated widths, and what such were worth.
pub(super) struct Calibration {
    pub(super) widths: Widths,
    /// The share of the latest window's values inside the intervals that the earlier windows calibrate; none where no
    /// window had ended before the latest.
    pub(super) coverage: Option<String>,
}

/// What moves quantiles away from the median or towards it.
pub(super) enum Widths {
    /// Of regular series.
    Regular(Stretch),
    /// Of demand that comes now and then, whose forecast is far from any distribution of ours: each step and side by
    /// itself.
    Seldom(Calibrator),
}

impl Widths {
    /// Moves the quantiles of a series after so many observations, in place; they stay ascending.
    pub(super) fn apply(&self, place: usize, length: usize, quantiles: &mut [Vec<f64>]) {
        match self {
            Self::Regular(stretch) => stretch.apply(place, length, quantiles),
            Self::Seldom(calibrator) => calibrator.apply(quantiles),
        }
    }

    /// How they were found.
    pub(super) fn basis(&self) -> String {
        match self {
            Self::Regular(stretch) => stretch.basis(),
            Self::Seldom(calibrator) => calibrator.basis.to_string(),
        }
    }
}

impl Selection {
    /// Learns from all windows of the intermittent or of the other series for the forecast, and from the earlier ones for
    /// the latest.
    pub(super) fn calibration(&self, task: &FitTask<'_>, intermittent: bool) -> Calibration {
        let mut past = Vec::new();
        for place in (0..task.view.len()).filter(|place| self.evaluation.intermittent[*place] == intermittent) {
            let usable = gaps::usable_length(task.view.series(place).target());
            for (window, actual) in self.actuals(place, task) {
                if let Some((_, quantiles)) = self.on_window(place, window) {
                    let length = usable.saturating_sub(self.evaluation.offsets[window]);
                    past.push(Past { place, window, length, actual, quantiles });
                }
            }
        }
        let learn = |keep: &dyn Fn(&Past<'_>) -> bool| {
            let (levels, horizon) = (task.quantile_levels, task.horizon);
            let kept = past.iter().filter(|p| keep(p));
            if intermittent {
                let trajectories: Vec<Trajectory<'_>> =
                    kept.map(|p| Trajectory { actual: p.actual, quantiles: &p.quantiles }).collect();
                // Such demand has no quiet years to be careful of, and far too wide intervals at first.
                Widths::Seldom(Calibrator::learn_with(1.0, levels, horizon, &trajectories))
            } else {
                Widths::Regular(Stretch::learn(levels, horizon, task.view.len(), kept))
            }
        };
        let offsets = &self.evaluation.offsets;
        let ended = |window: usize| offsets[window] >= offsets[0] + task.horizon;
        let coverage = past.iter().any(|p| ended(p.window)).then(|| learn(&|p| ended(p.window))).and_then(|earlier| {
            let latest: Vec<&Past<'_>> = past.iter().filter(|p| p.window == 0).collect();
            coverage(&earlier, task.quantile_levels, &latest)
        });
        Calibration { widths: learn(&|_| true), coverage }
    }

    /// The mean and the quantiles that this selection would have forecast on a window.
    fn on_window(&self, place: usize, window: usize) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
        let weights = &self.weights[place];
        let members: Vec<(f64, &super::evaluation::Trial)> = (0..weights.len())
            .filter(|c| weights[*c] >= LEAST_WEIGHT)
            .filter_map(|c| Some((weights[c], self.evaluation.trials[c][place][window].as_ref()?)))
            .collect();
        let levels = members.first()?.1.quantiles.len();
        let join = |rows: Vec<(f64, &[f64])>| self.join.rows(&rows);
        let mean = join(members.iter().map(|(w, t)| (*w, t.mean.as_slice())).collect());
        let quantile = |l: usize| join(members.iter().map(|(w, t)| (*w, t.quantiles[l].as_slice())).collect());
        Some((mean, (0..levels).map(quantile).collect()))
    }

    fn actuals<'v>(&self, place: usize, task: &FitTask<'v>) -> Vec<(usize, &'v [f64])> {
        let target = task.view.series(place).target();
        let window = |(window, offset): (usize, &usize)| {
            let start = target.len().checked_sub(*offset)?;
            Some((window, target.get(start..start + task.horizon)?))
        };
        self.evaluation.offsets.iter().enumerate().filter_map(window).collect()
    }

    /// How far a quantile may lie from the median.
    pub(super) fn widest(&self, place: usize, series: &SeriesView<'_>, task: &FitTask<'_>) -> f64 {
        let mut largest = 0.0_f64;
        for (window, actual) in self.actuals(place, task) {
            if let Some((mean, _)) = self.on_window(place, window) {
                let errors = actual.iter().zip(&mean).map(|(y, f)| (y - f).abs());
                largest = errors.filter(|e| e.is_finite()).fold(largest, f64::max);
            }
        }
        let (low, high) = range(series.target());
        (WIDEST * largest).max(high - low)
    }
}

/// What the intervals between symmetric levels covered, in words.
fn coverage(widths: &Widths, levels: &[f64], past: &[&Past<'_>]) -> Option<String> {
    let pairs = central_pairs(levels);
    let mut inside = vec![0_usize; pairs.len()];
    let mut observed = 0_usize;
    for past in past {
        let mut quantiles = past.quantiles.clone();
        widths.apply(past.place, past.length, &mut quantiles);
        for (h, actual) in past.actual.iter().enumerate().filter(|(_, y)| y.is_finite()) {
            observed += 1;
            for (count, (low, high)) in inside.iter_mut().zip(&pairs) {
                *count += usize::from(quantiles[*low][h] <= *actual && *actual <= quantiles[*high][h]);
            }
        }
    }
    let share = |count: &usize| 100.0 * *count as f64 / observed as f64;
    let nominal = |(low, high): &(usize, usize)| 100.0 * (levels[*high] - levels[*low]);
    let each: Vec<String> = inside
        .iter()
        .zip(&pairs)
        .map(|(count, pair)| format!("{:.0} % covered {:.0} %", nominal(pair), share(count)))
        .collect();
    (observed > 0 && !each.is_empty())
        .then(|| format!("on the latest window, calibrated on the windows before it: intervals of {}", each.join(", ")))
}

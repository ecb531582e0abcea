//! Quantiles of a selection: calibrated on its own windows, and bounded by what was seen there.

use super::choice::{LEAST_WEIGHT, Selection, range};
use crate::calibration::{Calibrator, NARROWING, Trajectory, central_pairs};
use crate::forecaster::FitTask;
use crate::view::SeriesView;

/// Quantiles lie no farther from the median than so many times the largest error on the windows, or than the history's
/// range where that is more.
const WIDEST: f64 = 3.0;

/// A calibrator, and what one like it was worth.
pub(super) struct Calibration {
    pub(super) calibrator: Calibrator,
    /// The share of the latest window's values inside the intervals that the earlier windows calibrate; none where no
    /// window had ended before the latest.
    pub(super) coverage: Option<String>,
}

/// What happened on one window of one series, with the quantiles forecast.
struct Past<'v> {
    window: usize,
    actual: &'v [f64],
    quantiles: Vec<Vec<f64>>,
}

impl Selection {
    /// Learns from all windows of the intermittent or of the other series for the forecast, and from the earlier ones for
    /// the latest.
    pub(super) fn calibration(&self, task: &FitTask<'_>, intermittent: bool) -> Calibration {
        // Demand that comes now and then has no quiet years to be careful of, and far too wide intervals at first.
        let narrowing = if intermittent { 1.0 } else { NARROWING };
        let mut past = Vec::new();
        for place in (0..task.view.len()).filter(|place| self.evaluation.intermittent[*place] == intermittent) {
            for (window, actual) in self.actuals(place, task) {
                if let Some((_, quantiles)) = self.on_window(place, window) {
                    past.push(Past { window, actual, quantiles });
                }
            }
        }
        let learn = |keep: &dyn Fn(&Past<'_>) -> bool| {
            let trajectories: Vec<Trajectory<'_>> = past
                .iter()
                .filter(|p| keep(p))
                .map(|p| Trajectory { actual: p.actual, quantiles: &p.quantiles })
                .collect();
            let (levels, horizon) = (task.quantile_levels, task.horizon);
            (!trajectories.is_empty()).then(|| Calibrator::learn_with(narrowing, levels, horizon, &trajectories))
        };
        let offsets = &self.evaluation.offsets;
        let ended = |window: usize| offsets[window] >= offsets[0] + task.horizon;
        let coverage = learn(&|p| ended(p.window)).and_then(|earlier| {
            let latest: Vec<&Past<'_>> = past.iter().filter(|p| p.window == 0).collect();
            coverage(&earlier, task.quantile_levels, &latest)
        });
        let calibrator = learn(&|_| true).unwrap_or_else(|| Calibrator::learn(task.quantile_levels, task.horizon, &[]));
        Calibration { calibrator, coverage }
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
fn coverage(calibrator: &Calibrator, levels: &[f64], past: &[&Past<'_>]) -> Option<String> {
    let pairs = central_pairs(levels);
    let mut inside = vec![0_usize; pairs.len()];
    let mut observed = 0_usize;
    for past in past {
        let mut quantiles = past.quantiles.clone();
        calibrator.apply(&mut quantiles);
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

//! From errors on windows to weights of candidates.

/// Each series' own errors count as so many windows against the panel's as this.
const PRIOR_WINDOWS: f64 = 8.0;
/// The panel's mean counts as if so many more series had found all candidates equal: few series say little.
const PRIOR_SERIES: f64 = 2.0;
/// How fast weight falls with the relative error: 10 % more than the best is e^−0.4 of its weight. Chosen with the
/// other constants on yearly, quarterly and monthly series of M1 and M4: sharper weights follow the windows' noise.
const SHARPNESS: f64 = 4.0;
/// Candidates with a weight, at most.
const MOST_MEMBERS: usize = 9;
/// A single relative error says no more than this.
const RELATIVE_RANGE: (f64, f64) = (0.05, 20.0);

/// Two errors of a forecast over a window, each in a unit in which windows of one series can be averaged.
pub(super) type Errors = [f64; 2];

/// Errors by candidate, series and window; none where a candidate could not forecast it.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    /// One row a candidate, one cell a series, one entry a window.
    pub(super) rows: Vec<Vec<Vec<Option<Errors>>>>,
}

/// The relative errors of one series: how many windows they stand on, and one for each candidate that has them all.
struct Relative {
    windows: usize,
    logarithms: Vec<Option<f64>>,
}

impl Board {
    /// Weights by series and candidate; each series' sum to 1. A series that no window judges is weighed by the panel,
    /// and where the panel has no windows either, `standard` gives the candidates that share it equally.
    pub(super) fn weights(&self, series: usize, standard: &[usize]) -> Vec<Vec<f64>> {
        let relative: Vec<Relative> = (0..series).map(|s| self.relative(s)).collect();
        let panel: Vec<Option<f64>> = (0..self.rows.len())
            .map(|c| {
                let (sum, count) = relative
                    .iter()
                    .filter_map(|r| r.logarithms[c])
                    .fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
                (count > 0).then(|| sum / (f64::from(count) + PRIOR_SERIES))
            })
            .collect();
        relative.iter().map(|own| self.shares(own, &panel, standard)).collect()
    }

    /// The mean over windows of each candidate's errors, relative to the candidates' median.
    fn relative(&self, series: usize) -> Relative {
        let seen = |c: usize| self.rows[c][series].iter().flatten().count();
        let windows = (0..self.rows.len()).map(seen).max().unwrap_or(0);
        let means: Vec<Option<Errors>> = (0..self.rows.len())
            .map(|c| {
                (windows > 0 && seen(c) == windows).then(|| {
                    let sum = self.rows[c][series].iter().flatten().fold([0.0; 2], |s, e| [s[0] + e[0], s[1] + e[1]]);
                    sum.map(|v| v / windows as f64)
                })
            })
            .collect();
        let median = |part: usize| {
            let mut values: Vec<f64> = means.iter().flatten().map(|m| m[part]).collect();
            if values.is_empty() { 0.0 } else { crate::metrics::aggregate::median(&mut values) }
        };
        let base = [median(0), median(1)];
        let ratio = |error: f64, base: f64| {
            if base > 0.0 {
                error / base
            } else if error > 0.0 {
                RELATIVE_RANGE.1
            } else {
                1.0
            }
        };
        let logarithms = means
            .iter()
            .map(|mean| {
                let mean = (*mean)?;
                let relative = 0.5 * (ratio(mean[0], base[0]) + ratio(mean[1], base[1]));
                Some(relative.clamp(RELATIVE_RANGE.0, RELATIVE_RANGE.1).ln())
            })
            .collect();
        Relative { windows, logarithms }
    }

    fn shares(&self, own: &Relative, panel: &[Option<f64>], standard: &[usize]) -> Vec<f64> {
        let trust = own.windows as f64 / (own.windows as f64 + PRIOR_WINDOWS);
        let score = |c: usize| match (own.logarithms[c], panel[c]) {
            (Some(mine), Some(all)) => Some((trust * mine + (1.0 - trust) * all).exp()),
            (None, Some(all)) if own.windows == 0 => Some(all.exp()),
            (Some(_) | None, _) => None,
        };
        let mut scored: Vec<(usize, f64)> = (0..panel.len()).filter_map(|c| Some((c, score(c)?))).collect();
        let mut weights = vec![0.0; panel.len()];
        if scored.is_empty() {
            standard.iter().for_each(|c| weights[*c] = 1.0 / standard.len() as f64);
            return weights;
        }
        // Stable: the cheaper candidate stands first among equals.
        scored.sort_by(|a, b| a.1.total_cmp(&b.1));
        scored.truncate(MOST_MEMBERS);
        let best = scored[0].1;
        let total: f64 = scored.iter().map(|(_, s)| (-SHARPNESS * (s / best - 1.0)).exp()).sum();
        scored.iter().for_each(|(c, s)| weights[*c] = (-SHARPNESS * (s / best - 1.0)).exp() / total);
        weights
    }

    /// How much larger the newest candidate's error on one window is than that of the best so far, as the geometric mean
    /// over series; none where no series has both.
    pub(super) fn lag_behind(&self, newest: usize, window: usize) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_u32);
        for series in 0..self.rows[newest].len() {
            let Some(own) = self.rows[newest][series][window] else { continue };
            let others = (0..newest).filter_map(|c| self.rows[c][series][window]);
            let best = others.map(|e| e[0]).fold(f64::INFINITY, f64::min);
            if best.is_finite() && best > 0.0 {
                sum += (own[0] / best).clamp(RELATIVE_RANGE.0, RELATIVE_RANGE.1).ln();
                count += 1;
            }
        }
        (count > 0).then(|| (sum / f64::from(count)).exp())
    }

    /// Whether every series already has a candidate without any error on the windows.
    pub(super) fn nothing_left_to_gain(&self) -> bool {
        let series = self.rows.first().map_or(0, Vec::len);
        let perfect = |windows: &Vec<Option<Errors>>| {
            windows.iter().flatten().count() > 0 && windows.iter().flatten().all(|e| e[0] <= 1e-12)
        };
        series > 0 && (0..series).all(|s| self.rows.iter().any(|row| perfect(&row[s])))
    }
}

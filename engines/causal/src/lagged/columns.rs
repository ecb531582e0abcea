//! The columns of a panel that can take part.

use std::collections::BTreeMap;

use atsre_domain::panel::{CovariateKind, Panel, Series};

use crate::independence::normal_scores;

/// A covariate with more than this share missing is left out.
const MISSING_MAX: f64 = 0.4;
/// A variance below this share of what it was is rounding.
const CONSTANT: f64 = 1e-9;
/// Columns whose largest value is beyond these are measured in another unit first.
const SMALL: f64 = 1e-100;
const LARGE: f64 = 1e100;
/// Levels of a category are scored on alternate stretches of the series; there are this many.
const FOLDS: usize = 10;

/// Columns over series over time. NaN is missing.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) names: Vec<String>,
    /// `series[s][column][time]`; the columns of a series have equal length.
    pub(crate) series: Vec<Vec<Vec<f64>>>,
    /// Columns left out, and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// Categories that were turned into numbers.
    pub(crate) scored: Vec<String>,
}

impl Frame {
    /// Takes the target and every covariate that varies over time; rows after the target's end are dropped.
    pub(crate) fn of_panel(panel: &Panel) -> Self {
        let mut frame = Self {
            names: vec![panel.target.clone()],
            series: panel.series.iter().map(|s| vec![s.target[..length(s)].to_vec()]).collect(),
            left_out: Vec::new(),
            scored: Vec::new(),
        };
        for (index, covariate) in panel.covariates.iter().enumerate() {
            if covariate.kind == CovariateKind::Static {
                frame.left_out.push((covariate.name.clone(), "it is constant within each series".to_owned()));
                continue;
            }
            let mut column: Vec<Vec<f64>> =
                panel.series.iter().map(|s| s.covariates[index][..length(s)].to_vec()).collect();
            if let Some(levels) = covariate.levels.as_ref().filter(|levels| levels.len() > 2) {
                score_levels(&mut column, &frame.series, levels.len());
                frame.scored.push(covariate.name.clone());
            }
            frame.names.push(covariate.name.clone());
            frame.series.iter_mut().zip(column).for_each(|(series, values)| series.push(values));
        }
        frame
    }

    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.series.iter().flat_map(move |s| s[column].iter().copied())
    }

    /// Variance within series of each column, over observed values.
    pub(crate) fn variances(&self) -> Vec<f64> {
        (0..self.names.len())
            .map(|c| {
                let (mut total, mut count) = (0.0, 0.0);
                for series in &self.series {
                    let (mean, _, observed) = moments(&series[c]);
                    total += series[c].iter().filter(|v| !v.is_nan()).map(|v| (v - mean) * (v - mean)).sum::<f64>();
                    count += observed;
                }
                if count > 0.0 { total / count } else { 0.0 }
            })
            .collect()
    }

    pub(crate) fn leave_out(&mut self, column: usize, why: String) {
        self.left_out.push((self.names.remove(column), why));
        self.series.iter_mut().for_each(|s| drop(s.remove(column)));
    }

    /// Leaves out columns that do not vary, or no more than by rounding where `before` was their variance.
    pub(crate) fn leave_out_constant(&mut self, before: &[f64]) {
        let now = self.variances();
        for column in (0..self.names.len()).rev() {
            if before[column] <= 0.0 {
                self.leave_out(column, "it is constant".to_owned());
            } else if now[column] <= CONSTANT * before[column] {
                self.leave_out(column, "it is a function of the season alone".to_owned());
            }
        }
    }

    /// Leaves out covariates (never column 0) that are mostly missing.
    pub(crate) fn leave_out_missing(&mut self) {
        for column in (1..self.names.len()).rev() {
            let (missing, all) =
                self.column(column).fold((0.0, 0.0), |(m, n), v| (m + f64::from(u8::from(v.is_nan())), n + 1.0));
            if missing > MISSING_MAX * all {
                self.leave_out(column, format!("{:.0} % of it is missing", 100.0 * missing / all));
            }
        }
    }

    /// Leaves out the covariate with the most missing values until at least half as many windows of `lags + 1` steps are
    /// complete as the target alone would leave.
    pub(crate) fn leave_out_until_complete(&mut self, target: &str, lags: usize) {
        loop {
            let Some(at) = self.names.iter().position(|n| n == target) else { return };
            let of_target = self.complete_windows(lags, |series| vec![&series[at]]);
            let of_all = self.complete_windows(lags, |series| series.iter().collect());
            if 2 * of_all >= of_target {
                return;
            }
            let missing = |c: usize| self.column(c).filter(|v| v.is_nan()).count();
            let worst = (0..self.names.len()).filter(|c| *c != at).max_by_key(|c| missing(*c));
            let Some(worst) = worst else { return };
            self.leave_out(worst, "with its missing values too few rows are complete".to_owned());
        }
    }

    fn complete_windows(&self, lags: usize, columns: impl Fn(&Vec<Vec<f64>>) -> Vec<&Vec<f64>>) -> usize {
        let mut windows = 0;
        for series in &self.series {
            let chosen = columns(series);
            let mut run = 0;
            for t in 0..series[0].len() {
                run = if chosen.iter().all(|c| !c[t].is_nan()) { run + 1 } else { 0 };
                windows += usize::from(run > lags);
            }
        }
        windows
    }

    /// The correlation of one column with another `lag` steps later, over standardised values.
    pub(crate) fn correlation(&self, early: usize, late: usize, lag: usize) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0_f64);
        for series in &self.series {
            for (a, b) in series[early].iter().zip(series[late].iter().skip(lag)) {
                let product = a * b;
                if !product.is_nan() {
                    sum += product;
                    count += 1.0;
                }
            }
        }
        sum / count.max(1.0)
    }

    /// Divides columns of absurd size by a power of two, which costs no digit, so that their squares are numbers; gives the power by
    /// column.
    pub(crate) fn tame(&mut self) -> BTreeMap<String, f64> {
        let mut units = BTreeMap::new();
        for column in 0..self.names.len() {
            let largest = self.column(column).filter(|v| v.is_finite()).fold(0.0_f64, |m, v| m.max(v.abs()));
            if largest > 0.0 && !(SMALL..LARGE).contains(&largest) {
                let unit = 2.0_f64.powi(largest.log2().floor().max(-1022.0) as i32);
                self.series.iter_mut().for_each(|s| s[column].iter_mut().for_each(|v| *v /= unit));
                units.insert(self.names[column].clone(), unit);
            }
        }
        units
    }

    /// The standard deviation of each column of one series; nothing for several, which have none in common.
    pub(crate) fn deviations(&self) -> BTreeMap<String, f64> {
        match self.series.as_slice() {
            [one] => self.names.iter().cloned().zip(one.iter().map(|values| moments(values).1)).collect(),
            _ => BTreeMap::new(),
        }
    }

    /// Replaces each column of each series by the normal scores of its ranks; what is missing stays so.
    pub(crate) fn score(&mut self) {
        for values in self.series.iter_mut().flatten() {
            let there: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
            let mut scores = normal_scores(&there).into_iter();
            values.iter_mut().filter(|v| !v.is_nan()).for_each(|v| *v = scores.next().unwrap_or(f64::NAN));
        }
        self.standardise();
    }

    /// Scales each series and column to mean 0 and variance 1, so that the levels and sizes of series do not correlate.
    pub(crate) fn standardise(&mut self) {
        for values in self.series.iter_mut().flatten() {
            let (mean, deviation, _) = moments(values);
            let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
            values.iter_mut().for_each(|v| *v = (*v - mean) * scale);
        }
    }
}

/// The time steps at which target and covariates are both given.
fn length(series: &Series) -> usize {
    series.covariates.iter().map(Vec::len).fold(series.target.len(), usize::min)
}

/// Mean, standard deviation and count of the observed values.
pub(crate) fn moments(values: &[f64]) -> (f64, f64, f64) {
    let observed = || values.iter().filter(|v| !v.is_nan());
    let count = observed().count() as f64;
    let mean = observed().sum::<f64>() / count.max(1.0);
    let variance = observed().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count.max(1.0);
    (mean, variance.sqrt(), count)
}

/// Replaces each level by the mean of the target (in standard deviations of its series) over that level. To keep a
/// category that has nothing to do with the target from looking as if it had, the means that score one stretch of a series come
/// from the other stretches only (alternate tenths).
fn score_levels(column: &mut [Vec<f64>], series: &[Vec<Vec<f64>>], levels: usize) {
    let fold = |t: usize, length: usize| (t * FOLDS / length.max(1)) % 2;
    let mut sums = vec![[0.0_f64; 2]; levels];
    let mut counts = vec![[0.0_f64; 2]; levels];
    for (values, series) in column.iter().zip(series) {
        let (mean, deviation, _) = moments(&series[0]);
        for (t, level) in values.iter().enumerate() {
            let target = (series[0][t] - mean) / if deviation > 0.0 { deviation } else { 1.0 };
            if let Some(level) = level_number(*level, levels)
                && target.is_finite()
            {
                sums[level][fold(t, values.len())] += target;
                counts[level][fold(t, values.len())] += 1.0;
            }
        }
    }
    for values in column {
        let length = values.len();
        for (t, value) in values.iter_mut().enumerate() {
            // One pseudo-observation at the mean keeps rare levels from extreme scores.
            let other = 1 - fold(t, length);
            *value = level_number(*value, levels)
                .map_or(f64::NAN, |level| sums[level][other] / (counts[level][other] + 1.0));
        }
    }
}

fn level_number(value: f64, levels: usize) -> Option<usize> {
    (value >= 0.0 && value < levels as f64).then_some(value as usize)
}

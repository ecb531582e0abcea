//! What rules are derived from: quartiles, and plausible limits around them.

/// Values looked at, at most, to find quantiles.
const SAMPLE: usize = 100_000;

/// The rows of a series of this length to look at, of a panel with so many rows in all: every row of a small
/// panel, and of a larger one a fixed sample. The rows follow a Weyl sequence by the golden ratio, which spreads
/// them evenly and, unlike a regular stride, never falls in step with a season.
pub(crate) fn sampled_rows(length: usize, panel: usize) -> impl Iterator<Item = usize> {
    let all = panel <= SAMPLE;
    let count = if all { length } else { ((length as u128 * SAMPLE as u128).div_ceil(panel as u128)) as usize };
    (0..count).map(move |index| {
        if all {
            return index;
        }
        let fraction = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(fraction) * length as u128) >> 64) as usize
    })
}

/// Quantiles of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantiles {
    /// 1 %.
    pub(crate) low: f64,
    /// 25 %.
    pub(crate) lower: f64,
    /// 50 %.
    pub(crate) median: f64,
    /// 75 %.
    pub(crate) upper: f64,
    /// 99 %.
    pub(crate) high: f64,
    /// The smallest value.
    pub(crate) minimum: f64,
}

impl Quantiles {
    /// The quantiles of values without NaN (nearest rank); none of fewer than `fewest`.
    pub(crate) fn of(mut values: Vec<f64>, fewest: usize) -> Option<Self> {
        if values.len() < fewest.max(1) {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        Some(Self {
            low: at(0.01),
            lower: at(0.25),
            median: at(0.5),
            upper: at(0.75),
            high: at(0.99),
            minimum: values[0],
        })
    }

    /// The interquartile range.
    pub(crate) fn range(&self) -> f64 {
        self.upper - self.lower
    }

    /// Limits so many interquartile ranges outside the quartiles, and beyond the central 98 % by half its
    /// distance from the median; not below zero where nothing is.
    pub(crate) fn limits(&self, ranges: f64) -> (f64, f64) {
        let low = (self.lower - ranges * self.range()).min(self.low - 0.5 * (self.median - self.low));
        let high = (self.upper + ranges * self.range()).max(self.high + 0.5 * (self.high - self.median));
        (if self.minimum >= 0.0 { low.max(0.0) } else { low }, high)
    }
}

/// Intercept, slope and correlation of a straight line by least squares; none where one side is constant.
pub(crate) fn line(x: &[f64], y: &[f64]) -> Option<(f64, f64, f64)> {
    let count = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        let (dx, dy) = (a - mean_x, b - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    if !(xx > 0.0 && yy > 0.0) {
        return None;
    }
    let slope = xy / xx;
    Some((mean_y - slope * mean_x, slope, xy / (xx * yy).sqrt()))
}

/// Whether fewer than so many distinct values occur.
pub(crate) fn has_few_values<'a>(values: impl Iterator<Item = &'a f64>, fewer_than: usize) -> bool {
    let mut distinct: Vec<f64> = Vec::with_capacity(fewer_than);
    for value in values.filter(|v| !v.is_nan()) {
        if !distinct.contains(value) {
            distinct.push(*value);
            if distinct.len() >= fewer_than {
                return false;
            }
        }
    }
    true
}

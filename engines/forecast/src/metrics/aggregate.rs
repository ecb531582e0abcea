//! One number a series, joined into one for a panel.

/// How numbers of several series are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The arithmetic mean: what the M competitions report.
    Mean,
    /// The median: not moved by a few series with tiny scales.
    Median,
    /// The geometric mean: for ratios to a yardstick (Fleming and Wallace 1986). A value of zero makes it zero; negative
    /// values do not count.
    GeometricMean,
}

/// A number over a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregate {
    /// The joined value.
    pub value: f64,
    /// Series that it stands for.
    pub series: usize,
    /// Series on which the measure is undefined (none, or not finite): a reader should know how many were left out.
    pub undefined: usize,
}

/// Joins one number a series; none where it is undefined on every series.
#[must_use]
pub fn over_series(values: impl IntoIterator<Item = Option<f64>>, over: Over) -> Option<Aggregate> {
    let (mut usable, mut undefined) = (Vec::new(), 0);
    for value in values {
        match value.filter(|v| v.is_finite() && (over != Over::GeometricMean || *v >= 0.0)) {
            Some(value) => usable.push(value),
            None => undefined += 1,
        }
    }
    let n = usable.len();
    let value = match over {
        _ if n == 0 => return None,
        Over::Mean => usable.iter().sum::<f64>() / n as f64,
        Over::GeometricMean => (usable.iter().map(|v| v.ln()).sum::<f64>() / n as f64).exp(),
        Over::Median => median(&mut usable),
    };
    Some(Aggregate { value, series: n, undefined })
}

/// The median of numbers, of which there is at least one; the mean of the two in the middle of an even count.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n % 2 == 1 { values[n / 2] } else { 0.5 * values[n / 2 - 1] + 0.5 * values[n / 2] }
}

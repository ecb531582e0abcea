//! The least squares line through a series, or through what has been seen of it.

/// A line a + b t, t from 1, through `count` values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    count: usize,
    mean: f64,
    pub(super) intercept: f64,
    pub(super) slope: f64,
}

impl Line {
    const EMPTY: Self = Self { count: 0, mean: 0.0, intercept: 0.0, slope: 0.0 };

    pub(super) fn through(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = values.iter().enumerate().map(|(t, y)| (t + 1) as f64 * (y - mean)).sum::<f64>() / n;
        let slope = if values.len() > 1 { 12.0 * moment / (n * n - 1.0) } else { 0.0 };
        Self { count: values.len(), mean, intercept: mean - (n + 1.0) * slope / 2.0, slope }
    }

    /// The line before each value is seen.
    pub(super) fn running(values: &[f64]) -> Vec<Self> {
        let lines = values.iter().scan(Self::EMPTY, |line, y| Some(std::mem::replace(line, line.with(*y))));
        lines.collect()
    }

    /// The line through one value more (Fiorucci and others 2016, eq. 12 and 13).
    pub(super) fn with(self, value: f64) -> Self {
        let n = self.count as f64;
        let mean = (n * self.mean + value) / (n + 1.0);
        let slope = ((n - 1.0) * self.slope + 6.0 * (value - self.mean) / (n + 1.0)) / (n + 2.0);
        Self { count: self.count + 1, mean, intercept: mean - slope * (n + 2.0) / 2.0, slope }
    }

    /// What a full weight of the line adds to the forecast: A p + B (1 − (1 − α) p) / α.
    pub(super) fn part(self, alpha: f64, power: f64) -> f64 {
        self.intercept * power + self.slope * (1.0 - power * (1.0 - alpha)) / alpha
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_line_ends_as_the_line_through_all_values() {
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        for n in 1..values.len() {
            let (running, whole) = (Line::running(&values)[n], Line::through(&values[..n]));
            assert!((running.slope - whole.slope).abs() < 1e-12, "{n}");
            assert!((running.intercept - whole.intercept).abs() < 1e-12, "{n}");
        }
    }
}

//! The transformation of Box and Cox (1964), on values over their mean size.

/// Exponents that Guerrero's method tries.
const GRID: usize = 21;
/// No value leaves the range of the history by more than its width, once transformed back from a curved scale.
const BEYOND: f64 = 1.0;

/// A transformation with the units it works in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transformation {
    /// 1 for none, 0 for logarithms.
    exponent: f64,
    size: f64,
    centre: f64,
    spread: f64,
    range: (f64, f64),
}

impl Transformation {
    /// None, and for positive values the one that makes the spread of stretches of `period` values independent of
    /// their level (Guerrero 1993).
    pub(super) fn candidates(values: &[f64], period: usize) -> Vec<Self> {
        let mut all = vec![Self::of(values, 1.0)];
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(0.0, f64::max);
        if lowest > 1e-6 * highest {
            let exponent = guerrero(values, period.max(2));
            if exponent < 0.99 {
                all.push(Self::of(values, exponent));
            }
        }
        all
    }

    fn of(values: &[f64], exponent: f64) -> Self {
        let n = values.len().max(1) as f64;
        let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let mean = values.iter().map(|v| (v / largest).abs()).sum::<f64>() / n;
        let size = largest * if mean > 0.0 { mean } else { 1.0 };
        let raw: Vec<f64> = values.iter().map(|v| curved(v / size, exponent)).collect();
        let centre = raw.iter().sum::<f64>() / n;
        let spread = (raw.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>() / n).sqrt();
        // The spread of equal values is rounding.
        let spread = if spread > 1e-13 * centre.abs() { spread } else { 1.0 };
        let range = raw.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        Self { exponent, size, centre, spread, range }
    }

    /// The transformed values, of unit variance, and twice the logarithm of the Jacobian, by which criteria of several
    /// transformations compare.
    pub(super) fn apply(&self, values: &[f64]) -> (Vec<f64>, f64) {
        let curve = |v: &f64| (curved(v / self.size, self.exponent) - self.centre) / self.spread;
        let slopes = if self.exponent == 1.0 {
            0.0
        } else {
            (self.exponent - 1.0) * values.iter().map(|v| (v / self.size).ln()).sum::<f64>()
        };
        (values.iter().map(curve).collect(), 2.0 * (slopes - values.len() as f64 * self.spread.ln()))
    }

    /// The value that a transformed one stands for, and its slope there.
    pub(super) fn restore(&self, z: f64) -> (f64, f64) {
        let raw = self.centre + self.spread * z;
        if self.exponent == 1.0 {
            let value = (self.size * (raw + 1.0)).clamp(-1e300, 1e300);
            return (value, self.size * self.spread);
        }
        let width = BEYOND * (self.range.1 - self.range.0);
        let raw = raw.clamp(self.range.0 - width, self.range.1 + width);
        let value = if self.exponent == 0.0 {
            raw.exp()
        } else {
            (1.0 + self.exponent * raw).max(0.0).powf(1.0 / self.exponent)
        };
        (self.size * value, self.size * self.spread * value.powf(1.0 - self.exponent))
    }
}

fn curved(value: f64, exponent: f64) -> f64 {
    if exponent == 1.0 {
        value - 1.0
    } else if exponent == 0.0 {
        value.ln()
    } else {
        (value.powf(exponent) - 1.0) / exponent
    }
}

/// The exponent ω between 0 and 1 for which deviation over level to the power 1 − ω varies least between stretches.
fn guerrero(values: &[f64], period: usize) -> f64 {
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let stretches: Vec<(f64, f64)> = values
        .rchunks_exact(period)
        .map(|chunk| {
            let mean = chunk.iter().map(|v| v / largest).sum::<f64>() / period as f64;
            let squares = chunk.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>();
            (mean, (squares / (period - 1) as f64).sqrt())
        })
        .collect();
    if stretches.len() < 2 {
        return 1.0;
    }
    let variation = |exponent: f64| {
        let ratios: Vec<f64> =
            stretches.iter().map(|(mean, deviation)| deviation / mean.powf(1.0 - exponent)).collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let squares = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>();
        if mean > 0.0 { squares.sqrt() / mean } else { f64::INFINITY }
    };
    let candidates = (0..GRID).map(|i| i as f64 / (GRID - 1) as f64);
    // The plainest of equals.
    candidates.fold((1.0, variation(1.0)), |best, e| if variation(e) < best.1 { (e, variation(e)) } else { best }).0
}

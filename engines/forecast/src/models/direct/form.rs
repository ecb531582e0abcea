//! The forms of the linear map: what a window is measured from, and which weights are dear.

use std::f64::consts::TAU;

use crate::linear::Cholesky;

/// What is subtracted from a window and added to its forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Nothing.
    None,
    /// Its last value (NLinear; Zeng, Chen, Zhang and Xu 2023).
    Last,
    /// Its mean.
    Mean,
}

impl Anchor {
    /// The anchor of a window.
    pub(super) fn of(self, window: &[f64]) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Last => window.last().copied().unwrap_or(0.0),
            Self::Mean => window.iter().sum::<f64>() / window.len().max(1) as f64,
        }
    }
}

/// The form of the map from a window to its continuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One weight a lag, all equally dear.
    Plain,
    /// A trend, the moving average over so many values, and what is left, with weights each (DLinear; Zeng, Chen, Zhang
    /// and Xu 2023): together one weight a lag again, of which smooth ones are cheap.
    Decomposed(usize),
    /// The window's Fourier coefficients up to a share (in 1/256) of all frequencies (FITS; Xu, Zeng and Xu 2024).
    LowPass(usize),
}

impl Form {
    /// The columns of the features' transform, one row a lag; none where features are the lags.
    pub(super) fn features(self, lags: usize) -> Option<(Vec<f64>, usize)> {
        let Self::LowPass(share) = self else { return None };
        let highest = (lags / 2 * share.min(256)).div_ceil(256).max(1);
        let mut columns: Vec<(usize, bool)> = vec![(0, true)];
        for k in 1..=highest {
            columns.push((k, true));
            if 2 * k < lags {
                columns.push((k, false));
            }
        }
        columns.truncate(lags);
        let norm = (2.0 / lags as f64).sqrt();
        let cell = |t: usize, (k, even): (usize, bool)| {
            let angle = TAU * ((k * t) % lags) as f64 / lags as f64;
            let half = if k == 0 || 2 * k == lags { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            norm * half * if even { angle.cos() } else { angle.sin() }
        };
        let cells = (0..lags).flat_map(|t| columns.iter().map(move |c| cell(t, *c)));
        Some((cells.collect(), columns.len()))
    }

    /// What a weight costs: the inverse of Σ = M'M + (I − M)'(I − M), M the moving average. Weights a on M x and b on
    /// (I − M) x cost |a|² + |b|²; the cheapest pair for the sum w of both costs w' Σ⁻¹ w. None where all cost the same.
    pub(super) fn costs(self, lags: usize) -> Option<Vec<f64>> {
        let Self::Decomposed(span) = self else { return None };
        let average = averaging(lags, span.clamp(1, lags));
        let mut prior = vec![0.0; lags * lags];
        for (i, row) in average.chunks_exact(lags).enumerate() {
            for a in 0..lags {
                let rest = f64::from(u8::from(a == i)) - row[a];
                if row[a] == 0.0 && rest == 0.0 {
                    continue;
                }
                for b in a..lags {
                    prior[a * lags + b] += row[a] * row[b] + rest * (f64::from(u8::from(b == i)) - row[b]);
                }
            }
        }
        let factor = Cholesky::new(prior, lags)?;
        let mut identity = vec![0.0; lags * lags];
        (0..lags).for_each(|i| identity[i * lags + i] = 1.0);
        factor.solve_many(&mut identity, lags);
        Some(identity)
    }
}

/// The moving average as a matrix; at the ends the first and the last value stand in for what is missing.
fn averaging(lags: usize, span: usize) -> Vec<f64> {
    let (before, share) = ((span - 1) / 2, 1.0 / span as f64);
    let mut matrix = vec![0.0; lags * lags];
    for t in 0..lags {
        for k in 0..span {
            let place = (t + k).saturating_sub(before).min(lags - 1);
            matrix[t * lags + place] += share;
        }
    }
    matrix
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn low_pass_features_are_orthonormal() {
        let (cells, count) = Form::LowPass(256).features(12).unwrap();
        assert_eq!(count, 12);
        for a in 0..count {
            for b in 0..count {
                let product: f64 = (0..12).map(|t| cells[t * count + a] * cells[t * count + b]).sum();
                assert!((product - f64::from(u8::from(a == b))).abs() < 1e-12, "{a} {b}");
            }
        }
        assert_eq!(Form::LowPass(64).features(12).unwrap().1, 5);
    }

    #[test]
    fn smooth_weights_are_no_dearer_than_rough_ones() {
        let costs = Form::Decomposed(5).costs(20).unwrap();
        let cost = |w: &dyn Fn(usize) -> f64| -> f64 {
            (0..20).flat_map(|i| (0..20).map(move |j| (i, j))).map(|(i, j)| w(i) * costs[i * 20 + j] * w(j)).sum()
        };
        let smooth = cost(&|i| (i as f64 * 0.1).cos());
        let middling = cost(&|i| (i as f64 * 0.9).cos());
        assert!(smooth < middling);
    }
}

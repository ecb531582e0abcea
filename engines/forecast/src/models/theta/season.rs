//! Whether there is a season, and a series without it.

use crate::models::local::NormalForecast;

/// The 95 % point of the standard normal distribution: the test is at 90 %, two-sided.
const CRITICAL: f64 = 1.644_853_626_951_472_2;
/// Below this a seasonal factor is too close to zero to divide by.
const SMALLEST_FACTOR: f64 = 0.01;

/// How season and trend combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decomposition {
    /// The season adds.
    Additive,
    /// The season multiplies; taken as additive where values or factors come near zero.
    Multiplicative,
}

/// Seasonal indices, one for each phase; phase 0 is that of the first observation.
#[derive(Clone, Debug)]
pub(crate) struct Season {
    decomposition: Decomposition,
    indices: Vec<f64>,
}

impl Season {
    /// The season of this length, where the test finds one.
    pub(crate) fn find(values: &[f64], season_length: usize, wanted: Decomposition) -> Option<Self> {
        if season_length < 2 || values.len() < 2 * season_length || !is_seasonal(values, season_length) {
            return None;
        }
        let positive = values.iter().all(|v| *v > 0.0);
        if wanted == Decomposition::Multiplicative && positive {
            let indices = indices(values, season_length, Decomposition::Multiplicative);
            if indices.iter().all(|i| *i >= SMALLEST_FACTOR) {
                return Some(Self { decomposition: Decomposition::Multiplicative, indices });
            }
        }
        let indices = indices(values, season_length, Decomposition::Additive);
        Some(Self { decomposition: Decomposition::Additive, indices })
    }

    fn index(&self, t: usize) -> f64 {
        self.indices[t % self.indices.len()]
    }

    /// The seasonally adjusted values.
    pub(crate) fn remove(&self, values: &[f64]) -> Vec<f64> {
        let adjust = |(t, y): (usize, &f64)| match self.decomposition {
            Decomposition::Additive => y - self.index(t),
            Decomposition::Multiplicative => y / self.index(t),
        };
        values.iter().enumerate().map(adjust).collect()
    }

    /// A forecast of the adjusted series, from time `start` on, with the season back in it.
    pub(crate) fn restore(&self, mut forecast: NormalForecast, start: usize) -> NormalForecast {
        for (h, (mean, deviation)) in forecast.mean.iter_mut().zip(&mut forecast.deviation).enumerate() {
            let index = self.index(start + h);
            match self.decomposition {
                Decomposition::Additive => *mean += index,
                Decomposition::Multiplicative => {
                    *mean *= index;
                    *deviation *= index;
                }
            }
        }
        forecast
    }
}

/// The M4 competition's test: the autocorrelation at the seasonal lag against its 90 % limit by Bartlett's formula,
/// 1.645 √((1 + 2 Σ r²) / n), the sum over the shorter lags.
fn is_seasonal(values: &[f64], season_length: usize) -> bool {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let variance: f64 = centred.iter().map(|v| v * v).sum();
    // Relative to the level, not to zero: a constant series has a variance of rounding errors only.
    if variance <= f64::EPSILON * f64::EPSILON * n * n * mean * mean {
        return false;
    }
    let autocorrelation = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / variance;
    let shorter: f64 = (1..season_length).map(|lag| autocorrelation(lag).powi(2)).sum();
    autocorrelation(season_length).abs() > CRITICAL * ((1.0 + 2.0 * shorter) / n).sqrt()
}

/// Classical decomposition: centred moving average, ratio (or difference) to it averaged by phase, normalised.
pub(crate) fn indices(values: &[f64], season_length: usize, decomposition: Decomposition) -> Vec<f64> {
    let half = season_length / 2;
    let mut sums = vec![0.0; season_length];
    let mut counts = vec![0_u32; season_length];
    for t in half..values.len() - half {
        let trend = if season_length % 2 == 1 {
            values[t - half..=t + half].iter().sum::<f64>()
        } else {
            let ends = 0.5 * (values[t - half] + values[t + half]);
            ends + values[t + 1 - half..t + half].iter().sum::<f64>()
        } / season_length as f64;
        sums[t % season_length] += match decomposition {
            Decomposition::Additive => values[t] - trend,
            Decomposition::Multiplicative => values[t] / trend,
        };
        counts[t % season_length] += 1;
    }
    let means: Vec<f64> = sums.iter().zip(&counts).map(|(s, n)| s / f64::from(*n)).collect();
    let level = means.iter().sum::<f64>() / season_length as f64;
    match decomposition {
        Decomposition::Additive => means.iter().map(|m| m - level).collect(),
        Decomposition::Multiplicative => means.iter().map(|m| m / level).collect(),
    }
}
